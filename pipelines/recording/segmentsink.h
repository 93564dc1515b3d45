/* SPDX-License-Identifier: Apache-2.0 */
/* Segment sink: the end of a branch, which cuts a one-track Matroska stream into segments, each the stream header and whole clusters.
 *
 * Threads: the recorder's; it is also the streaming thread. A pad without an element: it never waits, and needs neither clock nor preroll. The writer may not
 * block.
 * A cluster begins at a buffer whose first four bytes are 1f43b675; what comes before the first one is the header. */
#ifndef RECGATE_SEGMENTSINK_H
#define RECGATE_SEGMENTSINK_H

#include <gst/gst.h>

/* Where segments go: the vault, or a test. One segment is open at a time. FALSE from begin or write ends the branch. */
typedef struct SegmentWriter {
  gboolean (*begin)(guint32 seq, gboolean continues, gpointer user);
  gboolean (*write)(const guint8 *bytes, gsize n, gpointer user);
  void (*seal)(gint64 start_us, gint64 end_us, gpointer user); /* boot clock of its first and last packet (R10) */
  void (*discard)(gpointer user);
  gpointer user;
} SegmentWriter;

#define SEGMENT_SINK_HEADER_MAX (64 * 1024) /* matroskamux writes some 500 bytes */

/* What the branch tells about the frame that it is about to push: all of it comes out before the push returns. */
typedef struct SegmentFrame {
  gboolean keyframe;
  gboolean cut;               /* a new segment begins if a cluster does, one only */
  gint64 first_us, last_us;   /* arrival of its packets */
} SegmentFrame;

typedef struct SegmentSink SegmentSink;

SegmentSink *segment_sink_new(const SegmentWriter *writer);
/* An open segment is discarded. */
void segment_sink_free(SegmentSink *sink);
GstPad *segment_sink_pad(const SegmentSink *sink); /* borrowed; active while the sink lives */
void segment_sink_frame(SegmentSink *sink, const SegmentFrame *frame);
gboolean segment_sink_is_open(const SegmentSink *sink);
guint32 segment_sink_count(const SegmentSink *sink); /* segments begun */
gboolean segment_sink_failed(const SegmentSink *sink);
/* Ends the open segment before its border; the next cluster begins another. */
void segment_sink_seal(SegmentSink *sink);
/* From now on nothing reaches the writer; the open segment is discarded (R11). */
void segment_sink_kill(SegmentSink *sink);

#endif
