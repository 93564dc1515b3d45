/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bare-keys.h"

#include <srtp2/srtp.h>

#include "pipelines/transport/protection.h"

struct BareKeys {
  srtp_t inbound, outbound;
};

static srtp_t side(gboolean aead, srtp_ssrc_type_t direction) {
  guint8 key[30] = {1, 2, 3};
  srtp_policy_t policy = {.ssrc = {.type = direction}, .key = key, .window_size = 1024, .allow_repeat_tx = 1};
  if (aead) {
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
  } else {
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
  }
  srtp_t session = NULL;
  g_assert_cmpint(srtp_create(&session, &policy), ==, srtp_err_status_ok);
  return session;
}

BareKeys *bare_keys_new(gboolean aead) {
  g_assert_true(protection_prepare());
  BareKeys *keys = g_new0(BareKeys, 1);
  keys->inbound = side(aead, ssrc_any_inbound);
  keys->outbound = side(aead, ssrc_any_outbound);
  return keys;
}

void bare_keys_free(BareKeys *keys) {
  if (keys == NULL)
    return;
  srtp_dealloc(keys->inbound);
  srtp_dealloc(keys->outbound);
  g_free(keys);
}

gboolean bare_keys_seal(BareKeys *keys, guint8 *packet, gsize *n) {
  int bytes = (int)*n;
  const gboolean done = srtp_protect(keys->outbound, packet, &bytes) == srtp_err_status_ok;
  *n = (gsize)bytes;
  return done;
}

gboolean bare_keys_open(BareKeys *keys, guint8 *packet, gsize *n) {
  int bytes = (int)*n;
  const gboolean done = srtp_unprotect(keys->inbound, packet, &bytes) == srtp_err_status_ok;
  *n = (gsize)bytes;
  return done;
}
