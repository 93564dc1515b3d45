/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/dtls.h"
#include "pipelines/transport/datagram-bio.h"
#include "pipelines/transport/worker.h"

#include <openssl/err.h>
#include <string.h>

/* RFC 6347 section 4.2.4.1 proposes 1 s; a lost flight should not cost a call a second (RFC 9147 section 5.8.2 leaves it to the application). */
#define RETRANSMIT_FIRST_US 100000u
#define RETRANSMIT_MOST_US  4000000u

#define KEY_BYTES      16
#define SALT_BYTES_CM  14
#define SALT_BYTES_GCM 12

struct Dtls {
  SSL *ssl;
  BIO *bio; /* owned by ssl */
  Fingerprints fingerprints;
  DtlsEvents events;
  gpointer user;
  DtlsStatus status;
  guint handshake_datagrams;
};

static guint retransmit_after(SSL *ssl, guint last_us) {
  (void)ssl;
  return last_us == 0 ? RETRANSMIT_FIRST_US : MIN(2 * last_us, RETRANSMIT_MOST_US);
}

static void send_datagram(const guint8 *bytes, gsize n, gpointer user) {
  const Dtls *dtls = user;
  dtls->events.send(bytes, n, dtls->user);
}

Dtls *dtls_new(SSL_CTX *context, gboolean client, const Fingerprints *fingerprints, const DtlsEvents *events, gpointer user,
               GError **error) {
  Dtls *dtls = g_new0(Dtls, 1);
  dtls->fingerprints = *fingerprints;
  dtls->events = *events;
  dtls->user = user;
  dtls->status = DTLS_HANDSHAKING;
  dtls->ssl = SSL_new(context);
  dtls->bio = datagram_bio_new(DTLS_MTU_BYTES, send_datagram, dtls);
  if (dtls->ssl == NULL || dtls->bio == NULL) {
    SSL_free(dtls->ssl);
    BIO_free(dtls->bio);
    g_free(dtls);
    g_set_error_literal(error, TRANSPORT_ERROR, TRANSPORT_ERROR_CRYPTO, "no memory for DTLS");
    return NULL;
  }
  SSL_set_bio(dtls->ssl, dtls->bio, dtls->bio);
  SSL_set_app_data(dtls->ssl, &dtls->fingerprints);
  SSL_set_mtu(dtls->ssl, DTLS_MTU_BYTES);
  DTLS_set_timer_cb(dtls->ssl, retransmit_after);
  if (client)
    SSL_set_connect_state(dtls->ssl);
  else
    SSL_set_accept_state(dtls->ssl);
  return dtls;
}

void dtls_free(Dtls *dtls) {
  if (dtls == NULL)
    return;
  SSL_free(dtls->ssl);
  g_free(dtls);
}

/* SSL_ERROR_WANT_READ is the only answer that is not the end. */
static DtlsStatus dtls_judge(Dtls *dtls, int result) {
  int why = SSL_get_error(dtls->ssl, result);
  ERR_clear_error();
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
    return dtls->status;
  return why == SSL_ERROR_ZERO_RETURN ? DTLS_CLOSED : DTLS_FAILED;
}

static DtlsStatus dtls_handshake(Dtls *dtls) {
  ERR_clear_error();
  int result = SSL_do_handshake(dtls->ssl);
  if (result == 1)
    return DTLS_ESTABLISHED;
  /* A peer that closes before it has proven who it is has failed. */
  DtlsStatus status = dtls_judge(dtls, result);
  return status == DTLS_CLOSED ? DTLS_FAILED : status;
}

/* Once it is established a connection has record buffers, 19 kB, only while one of the three below is at work: most legs carry no data
 * channel. OpenSSL keeps them where something is pending; its DTLS does not make them anew by itself. */
static gboolean dtls_buffers_borrow(Dtls *dtls) {
  ERR_clear_error();
  return SSL_alloc_buffers(dtls->ssl) == 1;
}
static void dtls_buffers_return(Dtls *dtls) {
  (void)SSL_free_buffers(dtls->ssl);
  ERR_clear_error();
}

static void dtls_read(Dtls *dtls) {
  guint8 record[WORKER_PACKET_ROOM_BYTES];
  while (dtls->status == DTLS_ESTABLISHED) {
    ERR_clear_error();
    int n = SSL_read(dtls->ssl, record, sizeof record);
    if (n <= 0) {
      dtls->status = dtls_judge(dtls, n);
      return;
    }
    dtls->events.record(record, (gsize)n, dtls->user);
  }
}

DtlsStatus dtls_start(Dtls *dtls) {
  if (dtls->status == DTLS_HANDSHAKING)
    dtls->status = dtls_handshake(dtls);
  return dtls->status;
}

DtlsStatus dtls_input(Dtls *dtls, const guint8 *bytes, gsize n) {
  datagram_bio_set_input(dtls->bio, bytes, n);
  if (dtls->status == DTLS_HANDSHAKING) {
    dtls->status = ++dtls->handshake_datagrams > DTLS_HANDSHAKE_DATAGRAMS_MAX ? DTLS_FAILED : dtls_handshake(dtls);
    datagram_bio_set_input(dtls->bio, NULL, 0);
    return dtls->status;
  }
  if (!dtls_buffers_borrow(dtls))
    dtls->status = DTLS_FAILED;
  dtls_read(dtls);
  dtls_buffers_return(dtls);
  datagram_bio_set_input(dtls->bio, NULL, 0);
  return dtls->status;
}

DtlsStatus dtls_tick(Dtls *dtls) {
  if (dtls->status != DTLS_HANDSHAKING)
    return dtls->status;
  ERR_clear_error();
  if (DTLSv1_handle_timeout(dtls->ssl) < 0)
    dtls->status = DTLS_FAILED;
  ERR_clear_error();
  return dtls->status;
}

gboolean dtls_send(Dtls *dtls, const guint8 *bytes, gsize n) {
  if (dtls->status != DTLS_ESTABLISHED || n == 0 || n > WORKER_PACKET_BYTES_MAX)
    return FALSE;
  int done = dtls_buffers_borrow(dtls) ? SSL_write(dtls->ssl, bytes, (int)n) : 0;
  dtls_buffers_return(dtls);
  return done == (int)n;
}

void dtls_close(Dtls *dtls) {
  if (dtls->status == DTLS_ESTABLISHED && dtls_buffers_borrow(dtls))
    (void)SSL_shutdown(dtls->ssl);
  dtls_buffers_return(dtls);
  dtls->status = DTLS_CLOSED;
}

DtlsStatus dtls_status(const Dtls *dtls) {
  return dtls->status;
}

gboolean dtls_keys(Dtls *dtls, DtlsKeys *keys) {
  const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(dtls->ssl);
  if (dtls->status != DTLS_ESTABLISHED || profile == NULL)
    return FALSE;
  if (profile->id != SRTP_AEAD_AES_128_GCM && profile->id != SRTP_AES128_CM_SHA1_80)
    return FALSE;
  gboolean aead = profile->id == SRTP_AEAD_AES_128_GCM;
  gsize salt = aead ? SALT_BYTES_GCM : SALT_BYTES_CM;
  guint8 block[2 * (KEY_BYTES + SALT_BYTES_CM)];
  static const char label[] = "EXTRACTOR-dtls_srtp"; /* RFC 5764 section 4.2: client key, server key, client salt, server salt */
  if (SSL_export_keying_material(dtls->ssl, block, 2 * (KEY_BYTES + salt), label, sizeof label - 1, NULL, 0, 0) != 1)
    return FALSE;
  guint8 *client = SSL_is_server(dtls->ssl) ? keys->remote : keys->local;
  guint8 *server = SSL_is_server(dtls->ssl) ? keys->local : keys->remote;
  memcpy(client, block, KEY_BYTES);
  memcpy(server, block + KEY_BYTES, KEY_BYTES);
  memcpy(client + KEY_BYTES, block + 2 * KEY_BYTES, salt);
  memcpy(server + KEY_BYTES, block + 2 * KEY_BYTES + salt, salt);
  keys->aead = aead;
  OPENSSL_cleanse(block, sizeof block);
  return TRUE;
}

gboolean dtls_remote_fingerprint(const Dtls *dtls, char text[FINGERPRINT_TEXT_BYTES]) {
  X509 *certificate = dtls->status == DTLS_ESTABLISHED ? SSL_get1_peer_certificate(dtls->ssl) : NULL;
  const gboolean known = certificate_fingerprint(certificate, text);
  X509_free(certificate);
  return known;
}
