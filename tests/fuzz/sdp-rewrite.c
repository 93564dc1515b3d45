/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: whatever a client sends as SDP is refused or rewritten so that it can be read again and shows the gate alone (fault 19).
 * Its corpus is corpus/sdp-rewrite and the browsers' own descriptions in tests/relay/fixtures. */
#include "pipelines/relay/sdp.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check(const char *sdp, SdpType type) {
  static const char *const addresses[] = {"203.0.113.5", "2001:db8:5::1", NULL};
  SdpGate gate = {.ufrag = "GATEufrag",
                  .pwd = "GATEpwd0123456789012345",
                  .fingerprint = "sha-256 00:11",
                  .setup = SDP_SETUP_ACTPASS,
                  .addresses = addresses,
                  .port = 8490};
  g_autoptr(GError) error = NULL, again_error = NULL;
  g_autoptr(SdpInfo) info = sdp_read(sdp, type, &error);
  if ((info == NULL) != (error != NULL))
    fuzz_found("a refusal without a reason, or a reason without a refusal");
  g_autofree char *out = sdp_rewrite(sdp, type, &gate, NULL);
  if (info != NULL && out == NULL)
    fuzz_found("read, but not rewritten");
  if (out == NULL)
    return;
  /* What the other side gets is itself a description that the gate would take, unless the gate's own lines made it too long. */
  g_autoptr(SdpInfo) again = sdp_read(out, type, &again_error);
  if (again == NULL && !g_error_matches(again_error, SDP_ERROR, SDP_ERROR_TOO_LARGE))
    fuzz_found("the rewritten description is refused: %s", again_error->message);
  if (again != NULL && again->ufrag[0] != '\0' &&
      (strcmp(again->ufrag, gate.ufrag) != 0 || strcmp(again->fingerprints, gate.fingerprint) != 0))
    fuzz_found("the rewritten description shows somebody else's transport");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  g_autofree char *sdp = g_strndup((const char *)data, n);
  check(sdp, SDP_OFFER);
  check(sdp, SDP_ANSWER);
  return 0;
}
