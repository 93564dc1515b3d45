/* SPDX-License-Identifier: Apache-2.0 */
/* Segment sink: see segmentsink.h. */
#include "pipelines/recording/segmentsink.h"

#include <string.h>

struct SegmentSink {
  GstPad *pad;
  SegmentWriter writer;
  SegmentFrame frame;
  GByteArray *header;
  gboolean header_done; /* the first cluster has begun */
  gboolean open, dead, failed;
  guint32 count;
  gint64 start_us, end_us;
};

static gboolean fail(SegmentSink *self) {
  if (self->open)
    self->writer.discard(self->writer.user);
  self->open = FALSE;
  self->failed = TRUE;
  return FALSE;
}

static void seal(SegmentSink *self) {
  if (self->open)
    self->writer.seal(self->start_us, self->end_us, self->writer.user);
  self->open = FALSE;
}

static gboolean begin(SegmentSink *self) {
  seal(self);
  if (!self->writer.begin(self->count, !self->frame.keyframe, self->writer.user))
    return fail(self);
  self->open = TRUE;
  self->frame.cut = FALSE;
  self->count++;
  self->start_us = self->frame.first_us;
  self->end_us = self->frame.last_us;
  return self->writer.write(self->header->data, self->header->len, self->writer.user) || fail(self);
}

static gboolean begins_cluster(GstBuffer *buffer) {
  static const guint8 id[4] = {0x1f, 0x43, 0xb6, 0x75};
  guint8 head[4];
  return gst_buffer_extract(buffer, 0, head, sizeof head) == sizeof head && memcmp(head, id, sizeof id) == 0;
}

static gboolean take_header(SegmentSink *self, const guint8 *bytes, gsize n) {
  if (self->header->len + n > SEGMENT_SINK_HEADER_MAX)
    return fail(self);
  g_byte_array_append(self->header, bytes, (guint)n);
  return TRUE;
}

/* Piece by piece: mapping all of a buffer would first join its block's header and its frame in a copy. */
static gboolean take_pieces(SegmentSink *self, GstBuffer *buffer) {
  gboolean taken = TRUE;
  for (guint i = 0; taken && i < gst_buffer_n_memory(buffer); i++) {
    GstMapInfo map;
    GstMemory *piece = gst_buffer_peek_memory(buffer, i);
    if (!gst_memory_map(piece, &map, GST_MAP_READ))
      return fail(self);
    taken = !self->header_done ? take_header(self, map.data, map.size)
                               : self->writer.write(map.data, map.size, self->writer.user) || fail(self);
    gst_memory_unmap(piece, &map);
  }
  return taken;
}

/* The muxer pushes a frame's payload as a buffer of its own, after the header of its cluster: at a border the first match is the muxer's, and a
 * second one a stranger's frame that begins with these four bytes. */
static gboolean take_buffer(SegmentSink *self, GstBuffer *buffer) {
  const gboolean is_cluster = begins_cluster(buffer);
  self->header_done = self->header_done || is_cluster;
  if (!self->header_done)
    return take_pieces(self, buffer);
  if (is_cluster && (!self->open || self->frame.cut) && !begin(self))
    return FALSE;
  if (!self->open) /* the stream's end after an early seal: nothing of it is media */
    return TRUE;
  self->start_us = MIN(self->start_us, self->frame.first_us);
  self->end_us = MAX(self->end_us, self->frame.last_us);
  return take_pieces(self, buffer);
}

static GstFlowReturn on_buffer(GstPad *pad, GstObject *parent, GstBuffer *buffer) {
  SegmentSink *self = gst_pad_get_element_private(pad);
  (void)parent;
  const gboolean taken = !self->dead && !self->failed && take_buffer(self, buffer);
  gst_buffer_unref(buffer);
  return taken ? GST_FLOW_OK : GST_FLOW_EOS;
}

static gboolean on_event(GstPad *pad, GstObject *parent, GstEvent *event) {
  SegmentSink *self = gst_pad_get_element_private(pad);
  (void)parent;
  if (GST_EVENT_TYPE(event) == GST_EVENT_EOS && !self->dead)
    seal(self);
  gst_event_unref(event);
  return TRUE;
}

SegmentSink *segment_sink_new(const SegmentWriter *writer) {
  SegmentSink *self = g_new0(SegmentSink, 1);
  self->writer = *writer;
  self->header = g_byte_array_new();
  self->pad = gst_object_ref_sink(gst_pad_new("segments", GST_PAD_SINK));
  gst_pad_set_element_private(self->pad, self);
  gst_pad_set_chain_function(self->pad, on_buffer);
  gst_pad_set_event_function(self->pad, on_event);
  gst_pad_set_active(self->pad, TRUE);
  return self;
}

void segment_sink_free(SegmentSink *self) {
  if (self == NULL)
    return;
  segment_sink_kill(self);
  gst_pad_set_active(self->pad, FALSE);
  gst_object_unref(self->pad);
  g_byte_array_unref(self->header);
  g_free(self);
}

GstPad *segment_sink_pad(const SegmentSink *self) {
  return self->pad;
}
void segment_sink_frame(SegmentSink *self, const SegmentFrame *frame) {
  self->frame = *frame;
}
gboolean segment_sink_is_open(const SegmentSink *self) {
  return self->open;
}
guint32 segment_sink_count(const SegmentSink *self) {
  return self->count;
}
gboolean segment_sink_failed(const SegmentSink *self) {
  return self->failed;
}
void segment_sink_seal(SegmentSink *self) {
  seal(self);
}

void segment_sink_kill(SegmentSink *self) {
  if (self->open)
    self->writer.discard(self->writer.user);
  self->open = FALSE;
  self->dead = TRUE;
}
