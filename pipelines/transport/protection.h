/* SPDX-License-Identifier: Apache-2.0 */
/* SRTP and SRTCP of one leg (RFC 3711, RFC 7714), on libsrtp2: what is protected is opened, what goes out is protected, in place.
 *
 * Threads: the worker's. */
#ifndef RECGATE_PROTECTION_H
#define RECGATE_PROTECTION_H

#include "pipelines/transport/dtls.h"

typedef struct Protection Protection;

/* SSRCs a peer may use in a leg's whole life, RTP and RTCP together (fault 9). Of each libsrtp keeps 384 bytes here and on the leg that it goes out
 * by, and searches them in line, the newest first. None is ever forgotten: inbound that would let replays in (fault 7), outbound a stream that comes
 * back would begin its packet index, and so its nonces, anew under the same key (RFC 3711 section 9.1, RFC 7714 section 8.4).
 * A client with one microphone and one camera of three layers with RTX has 7, and takes 2 more with each camera or screen that is begun anew. */
#define PROTECTION_SSRCS_CLIENT 128
/* On one connection an SFU sends everybody else: 64 people with 3 each, five times over. */
#define PROTECTION_SSRCS_SFU 1024
/* RFC 3711 section 3.3.2 asks for 64 or more. NACKed video arrives hundreds of packets late. */
#define PROTECTION_WINDOW_PACKETS 1024

/* Initialises libsrtp, whose kernel is one a process and read-only afterwards; a second srtp_init of one's own would fail. Any thread. */
gboolean protection_prepare(void);
/* ssrcs_max: that the peer may use. NULL: libsrtp refused. The caller wipes keys. */
Protection *protection_new(const DtlsKeys *keys, guint16 ssrcs_max);
void protection_free(Protection *protection);

typedef enum ProtectionOpened {
  PROTECTION_REFUSED = 0,  /* not whole, not authentic, replayed (fault 7), or unencrypted SRTCP */
  PROTECTION_REFUSED_SSRC, /* one too many (fault 9) */
  PROTECTION_OPENED,       /* *n shrank to the plain packet */
} ProtectionOpened;
ProtectionOpened protection_open_rtp(Protection *protection, guint8 *packet, gsize *n);
ProtectionOpened protection_open_rtcp(Protection *protection, guint8 *packet, gsize *n);
/* *n grows; the packet needs WORKER_PACKET_ROOM_BYTES. A repeated packet is protected again: it is a retransmission on its own SSRC. */
gboolean protection_seal_rtp(Protection *protection, guint8 *packet, gsize *n);
gboolean protection_seal_rtcp(Protection *protection, guint8 *packet, gsize *n);

#endif
