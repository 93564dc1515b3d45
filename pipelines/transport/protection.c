/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/protection.h"
#include "pipelines/transport/rtp-check.h"
#include "pipelines/transport/worker.h"

#include <openssl/crypto.h>
#include <srtp2/srtp.h>

/* SRTCP's trailer (RFC 3711 section 3.4): E bit and index, then with AES-CM the tag; with AEAD the tag comes before it (RFC 7714 section 9.2). */
#define SRTCP_INDEX_BYTES 4
#define TAG_BYTES_CM      10
#define TAG_BYTES_GCM     16
#define RTCP_BYTES_MIN    8

G_STATIC_ASSERT(WORKER_PACKET_ROOM_BYTES - WORKER_PACKET_BYTES_MAX >= SRTP_MAX_TRAILER_LEN + 4);

struct Protection {
  srtp_t inbound, outbound;
  gboolean aead;
  guint32 ssrcs[PROTECTION_SSRCS_MAX];
  guint n_ssrcs;
};

gboolean protection_prepare(void) {
  static gsize once;
  if (g_once_init_enter(&once))
    g_once_init_leave(&once, srtp_init() == srtp_err_status_ok ? 2 : 1);
  return once == 2;
}

static srtp_t session_new(gboolean aead, srtp_ssrc_type_t direction, const guint8 *key) {
  srtp_policy_t policy = {0};
  guint8 copy[DTLS_KEY_BYTES_MAX];
  memcpy(copy, key, sizeof copy);
  if (aead) {
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
  } else {
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
  }
  policy.ssrc.type = direction;
  policy.key = copy;
  policy.window_size = PROTECTION_WINDOW_PACKETS;
  policy.allow_repeat_tx = direction == ssrc_any_outbound;
  srtp_t session = NULL;
  srtp_err_status_t done = srtp_create(&session, &policy);
  OPENSSL_cleanse(copy, sizeof copy);
  return done == srtp_err_status_ok ? session : NULL;
}

Protection *protection_new(const DtlsKeys *keys) {
  if (!protection_prepare())
    return NULL;
  Protection *protection = g_new0(Protection, 1);
  protection->aead = keys->aead;
  protection->inbound = session_new(keys->aead, ssrc_any_inbound, keys->remote);
  protection->outbound = session_new(keys->aead, ssrc_any_outbound, keys->local);
  if (protection->inbound != NULL && protection->outbound != NULL)
    return protection;
  protection_free(protection);
  return NULL;
}

void protection_free(Protection *protection) {
  if (protection == NULL)
    return;
  if (protection->inbound != NULL)
    (void)srtp_dealloc(protection->inbound);
  if (protection->outbound != NULL)
    (void)srtp_dealloc(protection->outbound);
  g_free(protection);
}

static gboolean ssrc_is_known(const Protection *protection, guint32 ssrc) {
  for (guint i = 0; i < protection->n_ssrcs; i++)
    if (protection->ssrcs[i] == ssrc)
      return TRUE;
  return FALSE;
}

/* Only what was authentic takes a place: nobody else can fill the table. */
static void ssrc_remember(Protection *protection, guint32 ssrc) {
  if (!ssrc_is_known(protection, ssrc) && protection->n_ssrcs < PROTECTION_SSRCS_MAX)
    protection->ssrcs[protection->n_ssrcs++] = ssrc;
}

static gboolean ssrc_may_pass(const Protection *protection, guint32 ssrc) {
  return protection->n_ssrcs < PROTECTION_SSRCS_MAX || ssrc_is_known(protection, ssrc);
}

gboolean protection_open_rtp(Protection *protection, guint8 *packet, gsize *n) {
  if (!rtp_header_is_whole(packet, *n))
    return FALSE;
  guint32 ssrc = rtp_read32(packet + 8);
  int bytes = (int)*n;
  if (!ssrc_may_pass(protection, ssrc) || srtp_unprotect(protection->inbound, packet, &bytes) != srtp_err_status_ok)
    return FALSE;
  ssrc_remember(protection, ssrc);
  *n = (gsize)bytes;
  return rtp_is_whole(packet, *n);
}

/* libsrtp 2.5.0 takes AEAD SRTCP whose E bit says "not encrypted", which DTLS-SRTP never negotiates: refused before it is looked at. */
static gboolean rtcp_is_encrypted(const Protection *protection, const guint8 *packet, gsize n) {
  gsize tag = protection->aead ? TAG_BYTES_GCM : TAG_BYTES_CM;
  if (n < RTCP_BYTES_MIN + tag + SRTCP_INDEX_BYTES)
    return FALSE;
  gsize index_at = n - SRTCP_INDEX_BYTES - (protection->aead ? 0 : TAG_BYTES_CM);
  return (packet[index_at] & 0x80) != 0;
}

gboolean protection_open_rtcp(Protection *protection, guint8 *packet, gsize *n) {
  if (!rtcp_is_encrypted(protection, packet, *n))
    return FALSE;
  guint32 ssrc = rtp_read32(packet + 4);
  int bytes = (int)*n;
  if (!ssrc_may_pass(protection, ssrc) || srtp_unprotect_rtcp(protection->inbound, packet, &bytes) != srtp_err_status_ok)
    return FALSE;
  ssrc_remember(protection, ssrc);
  *n = (gsize)bytes;
  return rtcp_is_whole(packet, *n);
}

gboolean protection_seal_rtp(Protection *protection, guint8 *packet, gsize *n) {
  int bytes = (int)*n;
  if (*n > WORKER_PACKET_BYTES_MAX || !rtp_header_is_whole(packet, *n) ||
      srtp_protect(protection->outbound, packet, &bytes) != srtp_err_status_ok)
    return FALSE;
  *n = (gsize)bytes;
  return TRUE;
}

gboolean protection_seal_rtcp(Protection *protection, guint8 *packet, gsize *n) {
  int bytes = (int)*n;
  if (*n > WORKER_PACKET_BYTES_MAX || !rtcp_is_whole(packet, *n) ||
      srtp_protect_rtcp(protection->outbound, packet, &bytes) != srtp_err_status_ok)
    return FALSE;
  *n = (gsize)bytes;
  return TRUE;
}
