/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: what the relay reads from a decrypted packet and what it writes itself. Never reads beyond n (faults 11, 12).
 *
 * Threads: any; pure. */
#ifndef RECGATE_PACKET_H
#define RECGATE_PACKET_H

#include <glib.h>

typedef struct RtpHeader { guint8 pt; guint16 seq; guint32 ssrc; } RtpHeader;
/* FALSE: not version 2, or the header, its CSRCs or its extension do not fit (RFC 3550 section 5.1). */
gboolean rtp_header_read(const guint8 *packet, gsize n, RtpHeader *header);
/* The header extension element `id` (RFC 8285, one-byte and two-byte form); NULL without it. */
const guint8 *rtp_extension_find(const guint8 *packet, gsize n, guint8 id, gsize *element_bytes);

/* What a retransmission (RFC 4588 section 4) holds: the packet as it was first sent, but for its SSRC and payload type, which the caller knows. `original`
 * has room for n bytes and is as long as the return value says; 0: nothing but filling, or malformed (fault 11). */
gsize rtx_unwrap(const guint8 *packet, gsize n, guint32 media_ssrc, guint8 media_pt, guint8 *original);

typedef struct SenderReport { guint32 ssrc; guint64 ntp; guint32 rtp_time; } SenderReport;
/* The next sender report of a compound (RFC 3550 section 6.4.1) from *offset on, which starts at 0 and is moved behind it. FALSE: no more. */
gboolean rtcp_next_sender_report(const guint8 *packet, gsize n, gsize *offset, SenderReport *report);

#define RTCP_PLI_BYTES_MAX 40
/* A Picture Loss Indication (RFC 4585 section 6.3.1). Without reduced_size (RFC 5506) the minimal compound before it: an empty receiver report
 * and a CNAME (RFC 4585 section 3.1). Returns the bytes written. */
gsize rtcp_write_pli(guint8 to[RTCP_PLI_BYTES_MAX], guint32 sender_ssrc, guint32 media_ssrc, gboolean reduced_size);

#endif
