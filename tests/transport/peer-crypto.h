/* SPDX-License-Identifier: Apache-2.0 */
/* The test peer's DTLS and SRTP, written apart from the gate's so that one does not hide the other's mistakes.
 *
 * Threads: one. */
#ifndef RECGATE_TEST_PEER_CRYPTO_H
#define RECGATE_TEST_PEER_CRYPTO_H

#include <openssl/ssl.h>
#include <srtp2/srtp.h>

#include "tests/transport/peer.h"

typedef struct PeerCrypto {
  SSL_CTX *context;
  SSL *ssl;
  BIO *bio;
  EVP_PKEY *key;
  X509 *certificate;
  char fingerprint[128], expected[128]; /* expected: empty, not checked */
  srtp_t inbound, outbound;
  gboolean done, failed;
} PeerCrypto;

void peer_crypto_init(PeerCrypto *crypto, const PeerConfig *config, void (*send)(const guint8 *bytes, gsize n, gpointer user), gpointer user);
void peer_crypto_clear(PeerCrypto *crypto);
/* Feeds one datagram (NULL: none), goes on with the handshake, gives out records. */
void peer_crypto_input(PeerCrypto *crypto, const guint8 *bytes, gsize n, void (*record)(const guint8 *bytes, gsize n, gpointer user),
                       gpointer user);

#endif
