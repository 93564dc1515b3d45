/* SPDX-License-Identifier: Apache-2.0 */
/* A shape: one way of recording many participants in one process, fed with their RTP packets by one thread (record.c).
 *
 * Threads: start, open and finish the main thread, whose default GMainContext runs in between; push and flush the feeding thread. */
#ifndef RECGATE_BENCH_SHAPE_H
#define RECGATE_BENCH_SHAPE_H

#include <gst/gst.h>
#include <jansson.h>

#include "tests/bench/recording/clip.h"

#define SHAPE_AUDIO_PT 111 /* as in the load's SDP (relay/shared.mjs) */
#define SHAPE_VIDEO_PT 96

typedef struct Shape {
  const char *name;
  gpointer (*start)(guint participants, const char *dir); /* what is there before anybody is recorded */
  void (*open)(gpointer self);                            /* recording begins: packets may come when it returns */
  void (*push)(gpointer self, guint participant, ClipTrack track, const guint8 *packet, gsize n);
  void (*flush)(gpointer self); /* no more packets at this moment */
  /* Ends the recordings and waits until all is written; frees self. Returns {"file": of participant 0, playable, …}; aborts where not all was recorded. */
  json_t *(*finish)(gpointer self, guint64 pushed);
} Shape;

extern const Shape shape_recgate;
extern const Shape shape_rtpbin;

/* CPU time of this process so far, ended threads included. */
gint64 shape_cpu_us(void);

#endif
