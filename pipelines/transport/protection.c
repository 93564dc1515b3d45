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

#define SSRCS_FIRST 8

struct Protection { /* one cache line */
  srtp_t inbound, outbound;
  guint32 *more; /* SSRCs after the first, room for a power of two; NULL: there are none */
  guint16 n_ssrcs, ssrcs_max;
  gboolean aead;
  guint32 first[SSRCS_FIRST]; /* all that most legs ever see */
};
G_STATIC_ASSERT(sizeof(Protection) <= CACHE_LINE_BYTES);

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

Protection *protection_new(const DtlsKeys *keys, guint16 ssrcs_max) {
  if (!protection_prepare())
    return NULL;
  Protection *protection = g_aligned_alloc0(1, sizeof(Protection), CACHE_LINE_BYTES);
  protection->aead = keys->aead;
  protection->ssrcs_max = ssrcs_max;
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
  g_free(protection->more);
  g_aligned_free(protection);
}

static gboolean ssrc_is_known(const Protection *protection, guint32 ssrc) {
  for (guint i = protection->n_ssrcs; i > SSRCS_FIRST; i--) /* the newest first: of a long call the old ones are over */
    if (protection->more[i - 1 - SSRCS_FIRST] == ssrc)
      return TRUE;
  for (guint i = 0; i < MIN(protection->n_ssrcs, SSRCS_FIRST); i++)
    if (protection->first[i] == ssrc)
      return TRUE;
  return FALSE;
}

/* Only what was authentic takes a place: nobody else can fill the table. Memory is asked for when the number doubles, not for each packet. */
static void ssrc_remember(Protection *protection, guint32 ssrc) {
  if (ssrc_is_known(protection, ssrc))
    return;
  const guint at = protection->n_ssrcs++;
  if (at < SSRCS_FIRST) {
    protection->first[at] = ssrc;
    return;
  }
  const guint n_more = at - SSRCS_FIRST;
  if ((n_more & (n_more - 1)) == 0)
    protection->more = g_renew(guint32, protection->more, MAX(SSRCS_FIRST, 2 * n_more));
  protection->more[n_more] = ssrc;
}

static gboolean ssrc_may_pass(const Protection *protection, guint32 ssrc) {
  return protection->n_ssrcs < protection->ssrcs_max || ssrc_is_known(protection, ssrc);
}

ProtectionOpened protection_open_rtp(Protection *protection, guint8 *packet, gsize *n) {
  if (!rtp_header_is_whole(packet, *n))
    return PROTECTION_REFUSED;
  guint32 ssrc = rtp_read32(packet + 8);
  int bytes = (int)*n;
  if (!ssrc_may_pass(protection, ssrc))
    return PROTECTION_REFUSED_SSRC;
  if (srtp_unprotect(protection->inbound, packet, &bytes) != srtp_err_status_ok)
    return PROTECTION_REFUSED;
  ssrc_remember(protection, ssrc);
  *n = (gsize)bytes;
  return rtp_is_whole(packet, *n) ? PROTECTION_OPENED : PROTECTION_REFUSED;
}

/* libsrtp 2.5.0 takes AEAD SRTCP whose E bit says "not encrypted", which DTLS-SRTP never negotiates: refused before it is looked at. */
static gboolean rtcp_is_encrypted(const Protection *protection, const guint8 *packet, gsize n) {
  gsize tag = protection->aead ? TAG_BYTES_GCM : TAG_BYTES_CM;
  if (n < RTCP_BYTES_MIN + tag + SRTCP_INDEX_BYTES)
    return FALSE;
  gsize index_at = n - SRTCP_INDEX_BYTES - (protection->aead ? 0 : TAG_BYTES_CM);
  return (packet[index_at] & 0x80) != 0;
}

ProtectionOpened protection_open_rtcp(Protection *protection, guint8 *packet, gsize *n) {
  if (!rtcp_is_encrypted(protection, packet, *n))
    return PROTECTION_REFUSED;
  guint32 ssrc = rtp_read32(packet + 4);
  int bytes = (int)*n;
  if (!ssrc_may_pass(protection, ssrc))
    return PROTECTION_REFUSED_SSRC;
  if (srtp_unprotect_rtcp(protection->inbound, packet, &bytes) != srtp_err_status_ok)
    return PROTECTION_REFUSED;
  ssrc_remember(protection, ssrc);
  *n = (gsize)bytes;
  return rtcp_is_whole(packet, *n) ? PROTECTION_OPENED : PROTECTION_REFUSED;
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
