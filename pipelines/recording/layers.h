/* SPDX-License-Identifier: Apache-2.0 */
/* Layers: the encodings of one simulcast track (RFC 8853), and which of them is recorded: the best that is complete.
 *
 * Threads: none, one caller; no I/O; time is a parameter (boot clock). The best has the largest picture in its keyframes, or where those do not tell, half as
 * many bytes again. A layer is complete when it has sent for LAYERS_STEADY_US and lost nothing. A better one is taken at its next keyframe; one that falls
 * silent while others send, or has lost something and gets no keyframe, is left for the best of the others, at that one's keyframe. */
#ifndef RECGATE_LAYERS_H
#define RECGATE_LAYERS_H

#include <glib.h>

#define LAYERS_MAX 4                            /* sources of one track (fault 9); browsers send three. The longest silent one makes room */
#define LAYERS_NONE (-1)
#define LAYERS_STEADY_US G_USEC_PER_SEC
#define LAYERS_SILENT_US (300 * 1000)            /* nine frames at 30/s: one that a browser has turned off, and not one that jitter holds up */
#define LAYERS_FIRST_US (G_USEC_PER_SEC / 2)    /* a take waits this long for each layer's keyframe, so that it begins with the best */
#define LAYERS_GONE_US (5 * G_USEC_PER_SEC)     /* silent for so long, a layer may be forgotten */

typedef struct Layer {
  gboolean used, keyed;          /* keyed: a keyframe was seen */
  guint32 ssrc, pixels;          /* of the last keyframe; 0: not known */
  gint64 since_us, last_us;      /* sends since, last packet */
  gint64 lost_us, keyframe_us;   /* when one was last found missing; last keyframe's arrival */
  gint64 highest;                /* sequence number, extended */
  guint64 came;                  /* bits: highest - i came */
  gint64 second_us;
  gsize bytes, rate_bytes;       /* since second_us; in the last whole second */
} Layer;

typedef struct Layers {
  guint max;                     /* 1: not simulcast: a new source takes the other's place at once */
  gint current, next;            /* what is recorded, and what will be from its next keyframe on */
  gboolean broken;               /* current lost something, and no keyframe came since broken_us */
  gint64 began_us, broken_us;
  Layer all[LAYERS_MAX];
} Layers;

void layers_init(Layers *layers, gboolean simulcast);
/* LAYERS_NONE: this source has not sent, or was forgotten. */
gint layers_find(const Layers *layers, guint32 ssrc);
/* A packet arrived, media or filling. Its layer's index; LAYERS_NONE: there is no room for another one. *fresh: the index is a new source's from now on. */
gint layers_packet(Layers *layers, guint32 ssrc, guint16 seq, gsize n_bytes, gint64 now_us, gboolean *fresh);
/* A keyframe's first packet arrived. */
void layers_keyframe(Layers *layers, gint index, guint32 pixels, gint64 now_us);
/* A keyframe begins, in order of sequence. TRUE: this layer is recorded from here on. */
gboolean layers_adopt(Layers *layers, gint index, gint64 now_us);
/* The recorded layer's order has a gap for good; it plays again. */
void layers_break(Layers *layers, gint64 now_us);
void layers_mend(Layers *layers);
/* Chooses what is to be next. */
void layers_advance(Layers *layers, gint64 now_us);
/* Are this layer's packets needed: is it recorded, or might it be next? */
gboolean layers_takes(const Layers *layers, gint index);
gboolean layers_sends(const Layers *layers, gint index, gint64 now_us);

#endif
