/* SPDX-License-Identifier: Apache-2.0 */
/* Test media: real VP8, VP9, H.264 and Opus as RTP packets, one raw frame at a time: a flash and a beep in the first tenth of each second.
 *
 * Threads: the test's; GStreamer's encoders run on their own and are waited for, so that packets depend on nothing but the calls. */
#ifndef RECGATE_TESTS_MEDIA_H
#define RECGATE_TESTS_MEDIA_H

#include <gst/gst.h>

#define MEDIA_VIDEO_FRAME_US 40000
#define MEDIA_AUDIO_FRAME_US 20000

typedef struct Media {
  gboolean video;
  gint width, height;
  guint8 pt;
  guint32 rate_hz, rtp_offset, ssrc;
  guint16 next_seq;
  gint64 ntp_us; /* the sender's clock at media time 0 */
  gint64 at_us;  /* media time of the next frame */
  guint frames, unsent;  /* unsent: silence that DTX left out; it takes no number */
  GstElement *pipeline, *src, *sink;
} Media;

/* codec: "vp8", "vp9", "h264"; of audio (width 0) "opus", "opus-dtx". */
void media_init_codec(Media *media, const char *codec, gint width, gint height, guint8 pt, guint32 ssrc, guint16 seq, guint32 rtp_offset, gint64 ntp_us);
/* width 0: Opus, else VP8. */
void media_init(Media *media, gint width, gint height, guint8 pt, guint32 ssrc, guint16 seq, guint32 rtp_offset, gint64 ntp_us);
void media_clear(Media *media);
void media_force_keyframe(Media *media);
/* Encodes the next frame and adds its packets (GBytes) to `packets`. */
void media_frame(Media *media, GPtrArray *packets);
/* Nothing is sent for so long; the clocks go on. */
void media_skip(Media *media, gint64 us);
/* A sender report of now. */
guint64 media_ntp(const Media *media);
guint32 media_rtp(const Media *media);

/* Runs a command, FALSE when it fails; *out and *err, when not NULL, get what it printed. */
gboolean run(char **out, char **err, ...) G_GNUC_NULL_TERMINATED;
/* ffmpeg decodes the file without a word; returns the number of frames of that stream ("v:0", "a:0") by ffprobe. */
void assert_plays(const char *path);
guint count_frames(const char *path, const char *stream);
/* Seconds at which the flashes and the beeps of a decoded file begin. */
GArray *flashes(const char *path);
GArray *beeps(const char *path);

#endif
