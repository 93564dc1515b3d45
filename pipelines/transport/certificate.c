/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/certificate.h"
#include "pipelines/transport/worker.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <string.h>

/* Our own certificate is 300 bytes; a peer may have a short chain of RSA ones. OpenSSL's default is 100 KiB (fault 4). */
#define PEER_CERTIFICATES_BYTES_MAX 16384
#define VALID_SECONDS               (365L * 24 * 3600)
#define CLOCK_SKEW_SECONDS          (24L * 3600)
#define SERIAL_BYTES                16
#define SEND_FRAGMENT_BYTES         2048 /* more than a datagram holds: the write buffer is no larger */

typedef struct Identity {
  EVP_PKEY *key;
  X509 *certificate;
  char fingerprint[FINGERPRINT_TEXT_BYTES];
} Identity;

G_DEFINE_QUARK(recgate - transport - error - quark, transport_error)

static gboolean certificate_set_serial(X509 *certificate) {
  guint8 bytes[SERIAL_BYTES];
  if (RAND_bytes(bytes, sizeof bytes) != 1)
    return FALSE;
  bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive and of constant length */
  BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
  gboolean ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
  BN_free(number);
  return ok;
}

/* Self-signed, as RFC 8827 section 6.5 expects; the fingerprint in the SDP is what is trusted. */
static X509 *certificate_sign(EVP_PKEY *key) {
  X509 *certificate = X509_new();
  if (certificate == NULL)
    return NULL;
  X509_NAME *name = X509_get_subject_name(certificate);
  gboolean ok = X509_set_version(certificate, X509_VERSION_3) && certificate_set_serial(certificate) &&
                X509_gmtime_adj(X509_getm_notBefore(certificate), -CLOCK_SKEW_SECONDS) != NULL &&
                X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_SECONDS) != NULL && X509_set_pubkey(certificate, key) &&
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const guint8 *)"recgate", -1, -1, 0) &&
                X509_set_issuer_name(certificate, name) && X509_sign(certificate, key, EVP_sha256()) > 0;
  if (ok)
    return certificate;
  X509_free(certificate);
  return NULL;
}

gboolean certificate_fingerprint(X509 *certificate, char text[FINGERPRINT_TEXT_BYTES]) {
  guint8 digest[EVP_MAX_MD_SIZE];
  guint n = 0;
  if (certificate == NULL || !X509_digest(certificate, EVP_sha256(), digest, &n))
    return FALSE;
  g_autoptr(GString) words = g_string_new("sha-256 ");
  for (guint i = 0; i < n; i++)
    g_string_append_printf(words, i == 0 ? "%02X" : ":%02X", digest[i]);
  g_strlcpy(text, words->str, FINGERPRINT_TEXT_BYTES);
  return TRUE;
}

static Identity *identity_new(void) {
  g_autofree Identity *identity = g_new0(Identity, 1);
  identity->key = EVP_EC_gen("P-256");
  identity->certificate = identity->key != NULL ? certificate_sign(identity->key) : NULL;
  if (!certificate_fingerprint(identity->certificate, identity->fingerprint)) {
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    return NULL;
  }
  return g_steal_pointer(&identity);
}

/* One a process, made on first use and never changed: every leg's SDP names the same fingerprint. NULL: no entropy or memory. */
static const Identity *identity_get(void) {
  static gsize once;
  if (g_once_init_enter(&once)) {
    Identity *identity = identity_new();
    g_once_init_leave(&once, identity != NULL ? (gsize)identity : 1);
  }
  return once == 1 ? NULL : (const Identity *)once;
}

const char *transport_fingerprint(void) {
  const Identity *identity = identity_get();
  return identity != NULL ? identity->fingerprint : "";
}

/* sha-1 and md5 are collision-prone and refused (RFC 8122 section 5 asks for sha-256). */
static const char *fingerprint_algorithm(const char *name) {
  if (g_ascii_strcasecmp(name, "sha-256") == 0)
    return "SHA256";
  if (g_ascii_strcasecmp(name, "sha-384") == 0)
    return "SHA384";
  if (g_ascii_strcasecmp(name, "sha-512") == 0)
    return "SHA512";
  return NULL;
}

static gboolean fingerprint_parse_digest(Fingerprint *fingerprint, const char *hex) {
  guint want = (guint)EVP_MD_get_size(EVP_get_digestbyname(fingerprint->algorithm));
  if (strlen(hex) != want * 3 - 1)
    return FALSE;
  for (guint i = 0; i < want; i++) {
    int high = g_ascii_xdigit_value(hex[3 * i]), low = g_ascii_xdigit_value(hex[3 * i + 1]);
    if (high < 0 || low < 0 || (i + 1 < want && hex[3 * i + 2] != ':'))
      return FALSE;
    fingerprint->digest[i] = (guint8)(high << 4 | low);
  }
  fingerprint->bytes = want;
  return TRUE;
}

gboolean fingerprints_parse(Fingerprints *fingerprints, const char *lines, GError **error) {
  Fingerprints found = {0};
  g_auto(GStrv) split = g_strsplit(lines != NULL ? lines : "", "\n", FINGERPRINTS_MAX + 1);
  for (guint i = 0; split[i] != NULL && i < FINGERPRINTS_MAX; i++) {
    char *space = strchr(g_strstrip(split[i]), ' ');
    if (space == NULL)
      continue;
    *space = '\0';
    Fingerprint *next = &found.items[found.n];
    next->algorithm = fingerprint_algorithm(split[i]);
    if (next->algorithm == NULL)
      continue;
    if (!fingerprint_parse_digest(next, g_strstrip(space + 1))) {
      g_set_error(error, TRANSPORT_ERROR, TRANSPORT_ERROR_ARGUMENT, "malformed %s fingerprint", split[i]);
      return FALSE;
    }
    found.n++;
  }
  if (found.n == 0) {
    g_set_error_literal(error, TRANSPORT_ERROR, TRANSPORT_ERROR_ARGUMENT, "no certificate fingerprint of sha-256 or better");
    return FALSE;
  }
  *fingerprints = found;
  return TRUE;
}

gboolean fingerprints_match(const Fingerprints *fingerprints, X509 *certificate) {
  for (guint i = 0; i < fingerprints->n; i++) {
    const Fingerprint *item = &fingerprints->items[i];
    guint8 digest[EVP_MAX_MD_SIZE];
    guint n = 0;
    if (X509_digest(certificate, EVP_get_digestbyname(item->algorithm), digest, &n) && n == item->bytes &&
        memcmp(digest, item->digest, n) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean fingerprints_have(const Fingerprints *all, const Fingerprint *one) {
  for (guint i = 0; i < all->n; i++) {
    const Fingerprint *item = &all->items[i];
    if (item->algorithm == one->algorithm && memcmp(item->digest, one->digest, one->bytes) == 0)
      return TRUE;
  }
  return FALSE;
}

gboolean fingerprints_contain(const Fingerprints *all, const Fingerprints *some) {
  for (guint i = 0; i < some->n; i++)
    if (!fingerprints_have(all, &some->items[i]))
      return FALSE;
  return TRUE;
}

/* In place of a chain to some root: the peer is who the SDP says, or the handshake fails here, before a single packet (fault 2). */
static int certificate_verify(X509_STORE_CTX *store, void *unused) {
  (void)unused;
  const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  const Fingerprints *expected = ssl != NULL ? SSL_get_app_data(ssl) : NULL;
  X509 *leaf = X509_STORE_CTX_get0_cert(store);
  if (expected != NULL && leaf != NULL && fingerprints_match(expected, leaf)) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  return 0;
}

SSL_CTX *certificate_context_new(GError **error) {
  const Identity *identity = identity_get();
  SSL_CTX *context = identity != NULL ? SSL_CTX_new(DTLS_method()) : NULL;
  gboolean ok = context != NULL && SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) &&
                SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) &&
                SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL:!PSK") &&
                SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") && SSL_CTX_use_certificate(context, identity->certificate) &&
                SSL_CTX_use_PrivateKey(context, identity->key) &&
                /* 0 is success here, unlike everywhere else */
                SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") == 0;
  if (!ok) {
    SSL_CTX_free(context);
    g_set_error_literal(error, TRANSPORT_ERROR, TRANSPORT_ERROR_CRYPTO, "OpenSSL could not set up DTLS 1.2 with use_srtp");
    return NULL;
  }
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_send_fragment(context, SEND_FRAGMENT_BYTES);
  SSL_CTX_set_max_cert_list(context, PEER_CERTIFICATES_BYTES_MAX);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  SSL_CTX_set_cert_verify_callback(context, certificate_verify, NULL);
  SSL_CTX_set_read_ahead(context, 1); /* a datagram is read whole */
  return context;
}
