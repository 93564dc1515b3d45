/* SPDX-License-Identifier: Apache-2.0 */
/* RTP as it comes from a stranger: bounds-checked reading of one packet down to its media payload (fault 11).
 *
 * Threads: any, no state. RFC 3550 section 5.1, RFC 2198 (RED), RFC 7741 section 4.2 (VP8 descriptor), RFC 9628
 * section 4.2 (VP9 descriptor), RFC 6184 section 5 (H.264), RFC 6716 section 3 (Opus). */
#ifndef RECGATE_RTP_H
#define RECGATE_RTP_H

#include <glib.h>

typedef struct RtpView {
  guint8 pt;
  gboolean marker;
  guint16 seq;
  guint32 rtp_time, ssrc;
  const guint8 *payload; /* into the packet; without extension, CSRCs and padding */
  gsize n_payload;       /* 0: padding only, it just occupies a number */
} RtpView;

/* FALSE: not RTP, or lengths that do not hold together. */
gboolean rtp_read(const guint8 *bytes, gsize n, RtpView *view) G_GNUC_WARN_UNUSED_RESULT;
/* The primary block of a RED payload; *pt gets its payload type. Redundant blocks are skipped. FALSE: malformed. */
gboolean rtp_unwrap_red(const guint8 **payload, gsize *n, guint8 *pt) G_GNUC_WARN_UNUSED_RESULT;
/* Something that a depayloader may be given: a whole descriptor and at least one byte of media. */
gboolean rtp_vp8_plausible(const guint8 *payload, gsize n) G_GNUC_WARN_UNUSED_RESULT;
gboolean rtp_vp9_plausible(const guint8 *payload, gsize n) G_GNUC_WARN_UNUSED_RESULT;
/* Packetization modes 0 and 1: single units, STAP-A, FU-A. */
gboolean rtp_h264_plausible(const guint8 *payload, gsize n) G_GNUC_WARN_UNUSED_RESULT;
gboolean rtp_opus_plausible(const guint8 *payload, gsize n) G_GNUC_WARN_UNUSED_RESULT;

#endif
