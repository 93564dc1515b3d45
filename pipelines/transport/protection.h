/* SPDX-License-Identifier: Apache-2.0 */
/* SRTP and SRTCP of one leg (RFC 3711, RFC 7714), on libsrtp2: what is protected is opened, what goes out is protected, in place.
 *
 * Threads: the worker's. */
#ifndef RECGATE_PROTECTION_H
#define RECGATE_PROTECTION_H

#include "pipelines/transport/dtls.h"

typedef struct Protection Protection;

/* SSRCs a peer may use on one leg, RTP and RTCP together. libsrtp clones a stream with its AES contexts for each and searches them in line; a
 * PeerConnection of one camera with three layers, RTX and one microphone has 7 (fault 9). */
#define PROTECTION_SSRCS_MAX 64
/* RFC 3711 section 3.3.2 asks for 64 or more. NACKed video arrives hundreds of packets late. */
#define PROTECTION_WINDOW_PACKETS 1024

/* Initialises libsrtp, whose kernel is one a process and read-only afterwards; a second srtp_init of one's own would fail. Any thread. */
gboolean protection_prepare(void);
/* NULL: libsrtp refused. The caller wipes keys. */
Protection *protection_new(const DtlsKeys *keys);
void protection_free(Protection *protection);

/* *n shrinks to the plain packet. FALSE: not whole, not authentic, replayed (fault 7), one SSRC too many, or unencrypted SRTCP. */
gboolean protection_open_rtp(Protection *protection, guint8 *packet, gsize *n);
gboolean protection_open_rtcp(Protection *protection, guint8 *packet, gsize *n);
/* *n grows; the packet needs WORKER_PACKET_ROOM_BYTES. A repeated packet is protected again: it is a retransmission on its own SSRC. */
gboolean protection_seal_rtp(Protection *protection, guint8 *packet, gsize *n);
gboolean protection_seal_rtcp(Protection *protection, guint8 *packet, gsize *n);

#endif
