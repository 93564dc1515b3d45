/* SPDX-License-Identifier: Apache-2.0 */
/* One DTLS 1.2 association with use_srtp (RFC 6347, RFC 5764), sans I/O: datagrams go in, datagrams, records and keys come out.
 *
 * Threads: the worker's. Time: OpenSSL's own for retransmissions; call dtls_tick often during the handshake. */
#ifndef RECGATE_DTLS_H
#define RECGATE_DTLS_H

#include "pipelines/transport/certificate.h"

/* A flight is cut to it, so that none is fragmented by IP; what WebRTC stacks use. */
#define DTLS_MTU_BYTES 1200
/* A handshake takes four to ten datagrams each way. What a peer may make us work on before it has proven who it is (fault 4). */
#define DTLS_HANDSHAKE_DATAGRAMS_MAX 256

typedef struct Dtls Dtls;

typedef enum DtlsStatus { DTLS_FAILED = 0, DTLS_HANDSHAKING, DTLS_ESTABLISHED, DTLS_CLOSED /* by the peer's close_notify */ } DtlsStatus;

typedef struct DtlsEvents {
  void (*send)(const guint8 *bytes, gsize n, gpointer user);   /* one datagram to the peer */
  void (*record)(const guint8 *bytes, gsize n, gpointer user); /* one application record */
} DtlsEvents;

#define DTLS_KEY_BYTES_MAX 30 /* master key and salt: 16 + 14 (RFC 3711), 16 + 12 (RFC 7714) */
typedef struct DtlsKeys {
  gboolean aead; /* AEAD_AES_128_GCM; else AES128_CM_SHA1_80 */
  guint8 local[DTLS_KEY_BYTES_MAX], remote[DTLS_KEY_BYTES_MAX];
} DtlsKeys;

/* fingerprints are copied. client: we send the ClientHello, in dtls_start. */
Dtls *dtls_new(SSL_CTX *context, gboolean client, const Fingerprints *fingerprints, const DtlsEvents *events, gpointer user, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
void dtls_free(Dtls *dtls);
DtlsStatus dtls_start(Dtls *dtls);
DtlsStatus dtls_input(Dtls *dtls, const guint8 *bytes, gsize n);
DtlsStatus dtls_tick(Dtls *dtls); /* retransmits what is due */
gboolean dtls_send(Dtls *dtls, const guint8 *bytes, gsize n);
void dtls_close(Dtls *dtls); /* sends close_notify */
DtlsStatus dtls_status(const Dtls *dtls);

/* After ESTABLISHED. FALSE: the peer did not agree on an SRTP profile. The caller wipes the keys. */
gboolean dtls_keys(Dtls *dtls, DtlsKeys *keys) G_GNUC_WARN_UNUSED_RESULT;

/* Of the certificate that the peer proved to hold. FALSE before ESTABLISHED. */
gboolean dtls_remote_fingerprint(const Dtls *dtls, char text[FINGERPRINT_TEXT_BYTES]);

#endif
