/* SPDX-License-Identifier: Apache-2.0 */
/* A clip: CLIP_US of true media as RTP packets, Opus and VP8 720p30, that a player sends again and again with continuous sequence numbers and times.
 * It begins with its only keyframe. Made once by make-clip.c.
 *
 * Threads: a clip is only read; a player belongs to one thread. */
#ifndef RECGATE_BENCH_CLIP_H
#define RECGATE_BENCH_CLIP_H

#include <glib.h>

#define CLIP_FRAMES       153 /* at 30 a second 5.1 s, which is a whole number of audio packets, and longer than a segment (segment_s 5) */
#define CLIP_SOUNDS       255 /* audio packets of 20 ms */
#define CLIP_US           5100000
#define CLIP_PACKET_BYTES 1500 /* room for any */

typedef enum ClipTrack { CLIP_AUDIO = 0, CLIP_VIDEO, CLIP_TRACKS } ClipTrack;

typedef struct Clip Clip;
/* The file: for each packet its length (16 bits, host order), its ClipTrack (8 bits) and its bytes. */
Clip *clip_load(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void clip_free(Clip *clip);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Clip, clip_free)

typedef struct ClipPlayer { /* zeros, clip, begin and SSRCs: at the beginning */
  const Clip *clip;
  gint64 begin_us; /* of the clock that clip_player_due is compared with */
  guint32 ssrc[CLIP_TRACKS];
  guint64 next; /* packets sent so far */
  guint64 sent[CLIP_TRACKS], frames, bytes;
} ClipPlayer;

gint64 clip_player_due_us(const ClipPlayer *player); /* when the next packet is to be sent */
/* Writes the next packet, of CLIP_PACKET_BYTES at most, and returns its length. */
gsize clip_player_next(ClipPlayer *player, guint8 *out, ClipTrack *track);

#endif
