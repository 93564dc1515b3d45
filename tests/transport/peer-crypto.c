/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/transport/peer-crypto.h"
#include "pipelines/transport/datagram-bio.h"
#include "pipelines/transport/protection.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#define MTU_BYTES 1200

static guint retransmit_after(SSL *ssl, guint last_us) {
  (void)ssl;
  return last_us == 0 ? 50000 : MIN(2 * last_us, 1000000u);
}

static int accept_any(int ok, X509_STORE_CTX *store) {
  (void)ok;
  (void)store;
  return 1; /* compared with the fingerprint when the handshake has ended */
}

static void write_fingerprint(X509 *certificate, char *text, gsize room) {
  guint8 digest[EVP_MAX_MD_SIZE];
  guint n = 0;
  g_assert_true(X509_digest(certificate, EVP_sha256(), digest, &n));
  g_autoptr(GString) line = g_string_new("sha-256 ");
  for (guint i = 0; i < n; i++)
    g_string_append_printf(line, i == 0 ? "%02X" : ":%02X", digest[i]);
  g_strlcpy(text, line->str, room);
}

static void make_certificate(PeerCrypto *crypto) {
  crypto->key = EVP_EC_gen("P-256");
  crypto->certificate = X509_new();
  X509_NAME *name = X509_get_subject_name(crypto->certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const guint8 *)"peer", -1, -1, 0);
  X509_set_issuer_name(crypto->certificate, name);
  ASN1_INTEGER_set(X509_get_serialNumber(crypto->certificate), g_random_int_range(1, G_MAXINT));
  X509_gmtime_adj(X509_getm_notBefore(crypto->certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(crypto->certificate), 86400);
  X509_set_pubkey(crypto->certificate, crypto->key);
  g_assert_cmpint(X509_sign(crypto->certificate, crypto->key, EVP_sha256()), >, 0);
  write_fingerprint(crypto->certificate, crypto->fingerprint, sizeof crypto->fingerprint);
}

static void make_context(PeerCrypto *crypto, const PeerConfig *config) {
  const char *profiles = config->srtp_profiles != NULL ? config->srtp_profiles : "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";
  crypto->context = SSL_CTX_new(DTLS_method());
  if (config->dtls_1_0 || config->ciphers != NULL)
    SSL_CTX_set_security_level(crypto->context, 0);
  if (config->dtls_1_0)
    SSL_CTX_set_max_proto_version(crypto->context, DTLS1_VERSION);
  if (config->ciphers != NULL)
    g_assert_true(SSL_CTX_set_cipher_list(crypto->context, config->ciphers));
  if (profiles[0] != '\0')
    g_assert_cmpint(SSL_CTX_set_tlsext_use_srtp(crypto->context, profiles), ==, 0);
  g_assert_true(SSL_CTX_use_certificate(crypto->context, crypto->certificate));
  g_assert_true(SSL_CTX_use_PrivateKey(crypto->context, crypto->key));
  SSL_CTX_set_verify(crypto->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
  SSL_CTX_set_options(crypto->context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
}

void peer_crypto_init(PeerCrypto *crypto, const PeerConfig *config, void (*send)(const guint8 *bytes, gsize n, gpointer user),
                      gpointer user) {
  g_assert_true(protection_prepare());
  g_strlcpy(crypto->expected, config->fingerprint != NULL ? config->fingerprint : "", sizeof crypto->expected);
  make_certificate(crypto);
  make_context(crypto, config);
  crypto->ssl = SSL_new(crypto->context);
  crypto->bio = datagram_bio_new(MTU_BYTES, send, user);
  SSL_set_bio(crypto->ssl, crypto->bio, crypto->bio);
  SSL_set_mtu(crypto->ssl, MTU_BYTES);
  DTLS_set_timer_cb(crypto->ssl, retransmit_after);
  if (config->dtls_client)
    SSL_set_connect_state(crypto->ssl);
  else
    SSL_set_accept_state(crypto->ssl);
}

void peer_crypto_clear(PeerCrypto *crypto) {
  if (crypto->done && !crypto->failed)
    (void)SSL_shutdown(crypto->ssl);
  if (crypto->inbound != NULL)
    srtp_dealloc(crypto->inbound);
  if (crypto->outbound != NULL)
    srtp_dealloc(crypto->outbound);
  SSL_free(crypto->ssl);
  SSL_CTX_free(crypto->context);
  X509_free(crypto->certificate);
  EVP_PKEY_free(crypto->key);
  ERR_clear_error();
}

static srtp_t srtp_side(gboolean gcm, srtp_ssrc_type_t direction, const guint8 *key, const guint8 *salt) {
  srtp_policy_t policy = {0};
  guint8 both[30];
  memcpy(both, key, 16);
  memcpy(both + 16, salt, gcm ? 12 : 14);
  if (gcm) {
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
  } else {
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
  }
  policy.ssrc.type = direction;
  policy.key = both;
  policy.window_size = 1024;
  policy.allow_repeat_tx = 1;
  srtp_t session = NULL;
  g_assert_cmpint(srtp_create(&session, &policy), ==, srtp_err_status_ok);
  return session;
}

static void handshake_done(PeerCrypto *crypto) {
  char found[128] = "";
  X509 *certificate = SSL_get1_peer_certificate(crypto->ssl);
  if (certificate != NULL)
    write_fingerprint(certificate, found, sizeof found);
  X509_free(certificate);
  const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(crypto->ssl);
  if (profile == NULL || (crypto->expected[0] != '\0' && g_ascii_strcasecmp(found, crypto->expected) != 0)) {
    crypto->failed = TRUE;
    return;
  }
  gboolean gcm = profile->id == SRTP_AEAD_AES_128_GCM, server = SSL_is_server(crypto->ssl);
  gsize salt = gcm ? 12 : 14;
  guint8 k[60];
  g_assert_true(SSL_export_keying_material(crypto->ssl, k, 2 * (16 + salt), "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0));
  const guint8 *client_key = k, *server_key = k + 16, *client_salt = k + 32, *server_salt = k + 32 + salt;
  crypto->inbound = srtp_side(gcm, ssrc_any_inbound, server ? client_key : server_key, server ? client_salt : server_salt);
  crypto->outbound = srtp_side(gcm, ssrc_any_outbound, server ? server_key : client_key, server ? server_salt : client_salt);
  crypto->done = TRUE;
}

static gboolean goes_on(PeerCrypto *crypto, int result) {
  int why = SSL_get_error(crypto->ssl, result);
  ERR_clear_error();
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

void peer_crypto_input(PeerCrypto *crypto, const guint8 *bytes, gsize n, void (*record)(const guint8 *bytes, gsize n, gpointer user),
                       gpointer user) {
  if (crypto->failed)
    return;
  datagram_bio_set_input(crypto->bio, bytes, n);
  if (!crypto->done) {
    if (bytes == NULL)
      (void)DTLSv1_handle_timeout(crypto->ssl);
    ERR_clear_error();
    int result = SSL_do_handshake(crypto->ssl);
    if (result == 1)
      handshake_done(crypto);
    else
      crypto->failed = !goes_on(crypto, result);
  }
  while (crypto->done && !crypto->failed) {
    guint8 plain[2048];
    int got = SSL_read(crypto->ssl, plain, sizeof plain);
    if (got <= 0) {
      crypto->failed = !goes_on(crypto, got);
      break;
    }
    record(plain, (gsize)got, user);
  }
  datagram_bio_set_input(crypto->bio, NULL, 0);
}
