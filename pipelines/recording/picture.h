/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures: the size that a keyframe tells before anything decodes it.
 *
 * Threads: any, no state. Bytes are a stranger's (fault 11): what does not hold together, or is larger than any screen, has no size. */
#ifndef RECGATE_PICTURE_H
#define RECGATE_PICTURE_H

#include <glib.h>

/* The largest picture that is recorded or decoded, 8K: decoders allocate what a stranger's stream calls its size, up to gigabytes, before they see a
 * picture of it. A longer side is no screen's. */
#define PICTURE_SIDE_MAX 8192
#define PICTURE_PIXELS_MAX (1 << 25)

/* Neither empty nor too large. */
gboolean picture_takes(guint width, guint height);

/* Width times height in pixels; 0: not told, or not taken. */
guint32 picture_vp8_pixels(const guint8 *frame, gsize n);  /* of a keyframe's begin (RFC 6386 section 9.1) */
guint32 picture_vp9_pixels(const guint8 *frame, gsize n);  /* of a keyframe's begin (VP9 bitstream specification 0.6, section 6.2) */
/* Of a sequence parameter set (ITU-T H.264 section 7.3.2.1.1), in whole macroblocks: what is cropped off counts. */
guint32 picture_h264_pixels(const guint8 *unit, gsize n);

#endif
