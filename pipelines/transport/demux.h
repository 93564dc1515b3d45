/* SPDX-License-Identifier: Apache-2.0 */
/* What a datagram on the media port is, by its first bytes (RFC 7983 section 7, RFC 5761 section 4).
 *
 * Threads: any; pure. */
#ifndef RECGATE_DEMUX_H
#define RECGATE_DEMUX_H

#include <glib.h>

typedef enum DemuxClass { DEMUX_UNKNOWN = 0, DEMUX_STUN, DEMUX_DTLS, DEMUX_RTP, DEMUX_RTCP } DemuxClass;

DemuxClass demux_classify(const guint8 *bytes, gsize n);

#endif
