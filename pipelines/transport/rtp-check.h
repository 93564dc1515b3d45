/* SPDX-License-Identifier: Apache-2.0 */
/* Is this plain RTP or RTCP packet whole, so that those behind may walk it without bounds of their own? Fault 11, 12.
 *
 * Threads: any; pure. */
#ifndef RECGATE_RTP_CHECK_H
#define RECGATE_RTP_CHECK_H

#include <glib.h>

/* Mixers name at most as many contributors; browsers none. The field could say 15 (fault 11). */
#define RTP_CSRC_MAX 8

/* Before decryption: version, CSRC list and extension fit (RFC 3550 section 5.1, 5.3.1). Extension elements fit (RFC 8285). Their words
 * are readable even under SRTP. Padding is encrypted still. */
gboolean rtp_header_is_whole(const guint8 *packet, gsize n);
/* After decryption: also the padding lies within the payload. A packet of nothing but padding is whole: browsers probe bandwidth with it. */
gboolean rtp_is_whole(const guint8 *packet, gsize n);
/* After decryption: every part of the compound has version 2 and a length that fits, to the last byte (RFC 3550 section 6.1, RFC 5506). */
gboolean rtcp_is_whole(const guint8 *packet, gsize n);

guint32 rtp_read32(const guint8 *bytes);

#endif
