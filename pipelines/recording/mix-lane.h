/* SPDX-License-Identifier: Apache-2.0 */
/* Mix lane: one recorded track decoded on the calling thread, to be asked for what it shows or sounds like at a moment.
 *
 * Threads: the export's; GStreamer has none in it. Times: nanoseconds of the mixed file. Memory: some hundred ms of decoded frames. */
#ifndef RECGATE_MIX_LANE_H
#define RECGATE_MIX_LANE_H

#include <gst/gst.h>

#define MIX_RATE_HZ  48000
#define MIX_CHANNELS 2

typedef struct MixLane MixLane;

/* width, height: of the tile, 0 for sound. Of any codec (codec.h), and of several in turn. */
MixLane *mix_lane_new(gboolean video, guint width, guint height);
void mix_lane_free(MixLane *lane);

/* An encoded frame, in order, with the PTS it has in the mixed file; caps as the demuxer names them. Takes the frame. What does not decode is left out.
 * FALSE: GStreamer lacks its decoder. */
gboolean mix_lane_push(MixLane *lane, GstCaps *caps, GstBuffer *frame) G_GNUC_WARN_UNUSED_RESULT;
/* The picture at this moment; NULL: nothing was sent for a while (muted, absent). A new reference, to be copied before its times are changed. */
GstBuffer *mix_lane_picture(MixLane *lane, GstClockTime at);
/* The sound from this moment on: fills what there is of n frames and leaves the rest as it is. Asked in order, without gaps. */
void mix_lane_sound(MixLane *lane, GstClockTime at, gint16 *samples, guint n);

#endif
