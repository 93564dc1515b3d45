/* SPDX-License-Identifier: Apache-2.0 */
/* Segment sink: see segmentsink.h. */
#include "pipelines/recording/segmentsink.h"

#include <string.h>

typedef struct RecgateSegmentSink {
  GstBaseSink parent;
  SegmentWriter writer;
  SegmentFrame frame;
  GByteArray *header;
  gboolean header_done; /* the first cluster has begun */
  gboolean open, dead, failed;
  guint32 count;
  gint64 start_us, end_us;
} RecgateSegmentSink;
typedef struct RecgateSegmentSinkClass {
  GstBaseSinkClass parent_class;
} RecgateSegmentSinkClass;

GType recgate_segment_sink_get_type(void);
G_DEFINE_TYPE(RecgateSegmentSink, recgate_segment_sink, GST_TYPE_BASE_SINK)

static RecgateSegmentSink *self_of(gpointer sink) {
  return G_TYPE_CHECK_INSTANCE_CAST(sink, recgate_segment_sink_get_type(), RecgateSegmentSink);
}

static gboolean fail(RecgateSegmentSink *self) {
  if (self->open)
    self->writer.discard(self->writer.user);
  self->open = FALSE;
  self->failed = TRUE;
  return FALSE;
}

static void seal(RecgateSegmentSink *self) {
  if (self->open)
    self->writer.seal(self->start_us, self->end_us, self->writer.user);
  self->open = FALSE;
}

static gboolean begin(RecgateSegmentSink *self) {
  seal(self);
  if (!self->writer.begin(self->count, !self->frame.keyframe, self->writer.user))
    return fail(self);
  self->open = TRUE;
  self->count++;
  self->start_us = self->frame.first_us;
  self->end_us = self->frame.last_us;
  return self->writer.write(self->header->data, self->header->len, self->writer.user) || fail(self);
}

static gboolean take_bytes(RecgateSegmentSink *self, const guint8 *bytes, gsize n) {
  static const guint8 cluster[4] = {0x1f, 0x43, 0xb6, 0x75};
  gboolean is_cluster = n >= 4 && memcmp(bytes, cluster, 4) == 0;
  if (!self->header_done && !is_cluster) {
    if (self->header->len + n > SEGMENT_SINK_HEADER_MAX)
      return fail(self);
    g_byte_array_append(self->header, bytes, (guint)n);
    return TRUE;
  }
  self->header_done = TRUE;
  if (is_cluster && (!self->open || self->frame.cut) && !begin(self))
    return FALSE;
  if (!self->open) /* the stream's end after an early seal: nothing of it is media */
    return TRUE;
  self->start_us = MIN(self->start_us, self->frame.first_us);
  self->end_us = MAX(self->end_us, self->frame.last_us);
  return self->writer.write(bytes, n, self->writer.user) || fail(self);
}

static GstFlowReturn render(GstBaseSink *sink, GstBuffer *buffer) {
  RecgateSegmentSink *self = self_of(sink);
  GstMapInfo map;
  if (self->dead || self->failed)
    return GST_FLOW_EOS;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
    return GST_FLOW_ERROR;
  gboolean taken = take_bytes(self, map.data, map.size);
  gst_buffer_unmap(buffer, &map);
  return taken ? GST_FLOW_OK : GST_FLOW_EOS;
}

static gboolean handle_event(GstBaseSink *sink, GstEvent *event) {
  RecgateSegmentSink *self = self_of(sink);
  if (GST_EVENT_TYPE(event) == GST_EVENT_EOS && !self->dead)
    seal(self);
  return GST_BASE_SINK_CLASS(recgate_segment_sink_parent_class)->event(sink, event);
}

static void finalize(GObject *object) {
  RecgateSegmentSink *self = self_of(object);
  if (self->open)
    self->writer.discard(self->writer.user);
  g_byte_array_unref(self->header);
  G_OBJECT_CLASS(recgate_segment_sink_parent_class)->finalize(object);
}

static void recgate_segment_sink_class_init(RecgateSegmentSinkClass *klass) {
  GstCaps *caps = gst_caps_new_any();
  gst_element_class_add_pad_template(GST_ELEMENT_CLASS(klass), gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps));
  gst_caps_unref(caps);
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Segment sink", "Sink", "Cuts Matroska into segments", "recgate");
  GST_BASE_SINK_CLASS(klass)->render = render;
  GST_BASE_SINK_CLASS(klass)->event = handle_event;
  G_OBJECT_CLASS(klass)->finalize = finalize;
}

static void recgate_segment_sink_init(RecgateSegmentSink *self) {
  self->header = g_byte_array_new();
  gst_base_sink_set_sync(GST_BASE_SINK(self), FALSE);
  gst_base_sink_set_async_enabled(GST_BASE_SINK(self), FALSE);
  gst_base_sink_set_last_sample_enabled(GST_BASE_SINK(self), FALSE); /* it would keep media alive */
}

GstElement *segment_sink_new(const SegmentWriter *writer) {
  RecgateSegmentSink *self = g_object_new(recgate_segment_sink_get_type(), NULL);
  self->writer = *writer;
  return GST_ELEMENT(self);
}

void segment_sink_frame(GstElement *sink, const SegmentFrame *frame) {
  self_of(sink)->frame = *frame;
}
gboolean segment_sink_is_open(GstElement *sink) {
  return self_of(sink)->open;
}
guint32 segment_sink_count(GstElement *sink) {
  return self_of(sink)->count;
}
gboolean segment_sink_failed(GstElement *sink) {
  return self_of(sink)->failed;
}
void segment_sink_seal(GstElement *sink) {
  seal(self_of(sink));
}

void segment_sink_kill(GstElement *sink) {
  RecgateSegmentSink *self = self_of(sink);
  if (self->open)
    self->writer.discard(self->writer.user);
  self->open = FALSE;
  self->dead = TRUE;
}
