/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: what comes out of a peer's SDP: fingerprint lines and the user name fragment. */
#include "pipelines/transport/certificate.h"
#include "pipelines/transport/ice.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  g_autofree char *text = g_strndup((const char *)data, size);
  Fingerprints fingerprints;
  if (fingerprints_parse(&fingerprints, text, NULL))
    g_assert_true(fingerprints.n > 0 && fingerprints.n <= FINGERPRINTS_MAX && fingerprints_contain(&fingerprints, &fingerprints));
  static const LegCredentials local = {"fuzzfuzz", "fuzzfuzzfuzzfuzzfuzzfuzz"};
  Ice ice;
  ice_init(&ice, &local, NULL);
  (void)ice_set_remote(&ice, text);
  (void)ice_find(&ice, data, size);
  ice_clear(&ice);
  return 0;
}
