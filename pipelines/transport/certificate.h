/* SPDX-License-Identifier: Apache-2.0 */
/* The process's DTLS certificate, the TLS settings of a worker, and the fingerprints that a peer's certificate must match.
 *
 * Threads: any; what is returned is immutable. */
#ifndef RECGATE_CERTIFICATE_H
#define RECGATE_CERTIFICATE_H

#include <glib.h>
#include <openssl/ssl.h>

/* One peer has one certificate; browsers announce one line, RFC 8122 allows several. */
#define FINGERPRINTS_MAX 8

typedef struct Fingerprint {
  const char *algorithm; /* as OpenSSL names it */
  guint8 digest[64];
  guint bytes;
} Fingerprint;

typedef struct Fingerprints {
  Fingerprint items[FINGERPRINTS_MAX];
  guint n;
} Fingerprints;

/* "sha-256 AB:CD…" lines joined by '\n' (RFC 8122 section 5). Weaker hashes are passed over; FALSE if nothing is left, or a line is malformed. */
gboolean fingerprints_parse(Fingerprints *fingerprints, const char *lines, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean fingerprints_match(const Fingerprints *fingerprints, X509 *certificate);
/* Every one of `some` is among `all`. */
gboolean fingerprints_contain(const Fingerprints *all, const Fingerprints *some);

#define FINGERPRINT_TEXT_BYTES 104 /* "sha-256 AB:CD…" and the end */
/* FALSE: no certificate, no memory. */
gboolean certificate_fingerprint(X509 *certificate, char text[FINGERPRINT_TEXT_BYTES]);

/* DTLS 1.2 only, AEAD ciphers with forward secrecy only, use_srtp as DESIGN.md wants it, no tickets, sessions or renegotiation. SSL_CTX_free it.
 * An SSL made from it needs SSL_set_app_data(ssl, Fingerprints *) before the handshake. */
SSL_CTX *certificate_context_new(GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
