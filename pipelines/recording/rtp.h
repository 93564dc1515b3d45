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

#define RTP_RED_BLOCKS_MAX 8 /* browsers send one or two before the primary; of more the last are read */
typedef struct RtpRedBlock {
  guint8 pt;
  guint32 earlier;     /* RTP time before the packet's own */
  const guint8 *bytes; /* into the payload */
  gsize n;
} RtpRedBlock;
typedef struct RtpRed { guint n_blocks; RtpRedBlock blocks[RTP_RED_BLOCKS_MAX]; } RtpRed; /* oldest first; the last is the primary */
/* The blocks of a RED payload. FALSE: malformed. */
gboolean rtp_read_red(const guint8 *payload, gsize n, RtpRed *red) G_GNUC_WARN_UNUSED_RESULT;
/* Something that a depayloader may be given: a whole descriptor and at least one byte of media. */
gboolean rtp_vp8_plausible(const guint8 *payload, gsize n) G_GNUC_WARN_UNUSED_RESULT;
gboolean rtp_vp9_plausible(const guint8 *payload, gsize n) G_GNUC_WARN_UNUSED_RESULT;
/* Packetization modes 0 and 1: single units, STAP-A, FU-A. */
gboolean rtp_h264_plausible(const guint8 *payload, gsize n) G_GNUC_WARN_UNUSED_RESULT;
gboolean rtp_opus_plausible(const guint8 *payload, gsize n) G_GNUC_WARN_UNUSED_RESULT;

/* Does a keyframe begin with this payload, which is plausible? *pixels: its size, 0: not told (picture.h). */
gboolean rtp_vp8_begins_keyframe(const guint8 *payload, gsize n, guint32 *pixels);
gboolean rtp_vp9_begins_keyframe(const guint8 *payload, gsize n, guint32 *pixels);
gboolean rtp_h264_begins_keyframe(const guint8 *payload, gsize n, guint32 *pixels);

#endif
