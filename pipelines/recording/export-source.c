/* SPDX-License-Identifier: Apache-2.0 */
/* Export source: see export-source.h. */
#include "pipelines/recording/export-source.h"

#include "pipelines/recording/ebml.h"
#include "pipelines/recording/export.h"

struct ExportSource {
  VaultReader *reader;
  GArray *segments; /* guint64 */
  guint next;       /* index of the segment to read */
  gboolean ended;
  GstElement *demux;
  GstPad *out, *in; /* into the demuxer, and from it */
  GstCaps *caps;
  GQueue frames; /* GstBuffer */
};

static GstFlowReturn on_frame(GstPad *pad, GstObject *parent, GstBuffer *buffer) {
  ExportSource *source = gst_pad_get_element_private(pad);
  (void)parent;
  g_queue_push_tail(&source->frames, buffer);
  return GST_FLOW_OK;
}

static gboolean on_event(GstPad *pad, GstObject *parent, GstEvent *event) {
  ExportSource *source = gst_pad_get_element_private(pad);
  GstCaps *caps;
  (void)parent;
  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    gst_event_parse_caps(event, &caps);
    gst_caps_replace(&source->caps, caps);
  }
  gst_event_unref(event);
  return TRUE;
}

static void on_pad(GstElement *demux, GstPad *pad, gpointer user) {
  ExportSource *source = user;
  (void)demux;
  if (!gst_pad_is_linked(source->in)) /* one track a stream */
    gst_pad_link(pad, source->in);
}

ExportSource *export_source_new(VaultReader *reader, GArray *segments) {
  ExportSource *source = g_new0(ExportSource, 1);
  source->reader = reader;
  source->segments = g_array_copy(segments);
  g_queue_init(&source->frames);
  return source;
}

static void close_demux(ExportSource *source) {
  if (source->out != NULL)
    gst_pad_set_active(source->out, FALSE);
  if (source->demux != NULL)
    gst_element_set_state(source->demux, GST_STATE_NULL);
  if (source->in != NULL)
    gst_pad_set_active(source->in, FALSE);
  gst_clear_object(&source->demux);
  gst_clear_object(&source->out);
  gst_clear_object(&source->in);
}

void export_source_free(ExportSource *source) {
  if (source == NULL)
    return;
  close_demux(source);
  gst_clear_caps(&source->caps);
  g_queue_clear_full(&source->frames, (GDestroyNotify)gst_buffer_unref);
  g_array_unref(source->segments);
  g_free(source);
}

static gboolean open_demux(ExportSource *source) {
  source->demux = gst_element_factory_make("matroskademux", NULL);
  if (source->demux == NULL)
    return FALSE;
  gst_object_ref_sink(source->demux);
  source->out = gst_object_ref_sink(gst_pad_new("out", GST_PAD_SRC));
  source->in = gst_object_ref_sink(gst_pad_new("in", GST_PAD_SINK));
  gst_pad_set_element_private(source->in, source);
  gst_pad_set_chain_function(source->in, on_frame);
  gst_pad_set_event_function(source->in, on_event);
  gst_pad_set_active(source->in, TRUE);
  g_signal_connect(source->demux, "pad-added", G_CALLBACK(on_pad), source);
  g_autoptr(GstPad) sink = gst_element_get_static_pad(source->demux, "sink");
  if (gst_pad_link_full(source->out, sink, GST_PAD_LINK_CHECK_NOTHING) != GST_PAD_LINK_OK ||
      gst_element_set_state(source->demux, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    return FALSE;
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_BYTES);
  gst_pad_set_active(source->out, TRUE);
  gst_pad_push_event(source->out, gst_event_new_stream_start("segments"));
  gst_pad_push_event(source->out, gst_event_new_segment(&segment));
  return TRUE;
}

/* The header of the first segment, the clusters of all: together the stream that the branch's muxer wrote, or what follows a segment left out. */
static gboolean read_segment(ExportSource *source, GError **error) {
  guint64 id = g_array_index(source->segments, guint64, source->next);
  gsize n, header = 0;
  g_autoptr(GBytes) bytes = vault_reader_segment_bytes(source->reader, id, error);
  if (bytes == NULL)
    return FALSE;
  const guint8 *data = g_bytes_get_data(bytes, &n);
  const gboolean begins = source->demux == NULL;
  gboolean sound = ebml_header_bytes(data, n, &header) && (!begins || open_demux(source));
  gsize from = begins ? 0 : header;
  g_autoptr(GBytes) part = sound ? g_bytes_new_from_bytes(bytes, from, n - from) : NULL;
  if (!sound || gst_pad_push(source->out, gst_buffer_new_wrapped_bytes(part)) != GST_FLOW_OK) {
    g_set_error(error, EXPORT_ERROR, EXPORT_ERROR_MEDIA, "segment %" G_GUINT64_FORMAT " is no Matroska that can be read", id);
    return FALSE;
  }
  source->next++;
  return TRUE;
}

gboolean export_source_peek(ExportSource *source, GstBuffer **frame, GError **error) {
  while (g_queue_is_empty(&source->frames) && !source->ended) {
    if (source->next < source->segments->len) {
      if (!read_segment(source, error))
        return FALSE;
      continue;
    }
    source->ended = TRUE;
    if (source->out != NULL)
      gst_pad_push_event(source->out, gst_event_new_eos());
  }
  *frame = g_queue_peek_head(&source->frames);
  return TRUE;
}

GstBuffer *export_source_take(ExportSource *source) {
  return g_queue_pop_head(&source->frames);
}

void export_source_skip(ExportSource *source) {
  close_demux(source);
  source->next++;
}

GstCaps *export_source_caps(ExportSource *source) {
  return source->caps;
}

gboolean export_source_verify(ExportSource *source, GError **error) {
  if (source->next == 0)
    return TRUE;
  g_autoptr(GBytes) bytes = vault_reader_segment_bytes(source->reader, g_array_index(source->segments, guint64, source->next - 1), error);
  return bytes != NULL;
}
