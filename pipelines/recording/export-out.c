/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/recording/export-out.h"

#include "pipelines/recording/ebml.h"

static gboolean media_error(GError **error, const char *what) {
  g_set_error_literal(error, EXPORT_ERROR, EXPORT_ERROR_MEDIA, what);
  return FALSE;
}

void export_out_clear(ExportOut *out) {
  g_clear_pointer(&out->bytes, g_byte_array_unref);
}

void export_out_take(ExportOut *out, GstSample *sample) {
  GstMapInfo map;
  if (out->bytes == NULL)
    out->bytes = g_byte_array_new();
  if (gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ)) {
    g_byte_array_append(out->bytes, map.data, (guint)map.size);
    gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
  }
  gst_sample_unref(sample);
}

/* FALSE without an error: more is needed first. */
static gboolean finish_header(ExportOut *out, GError **error) {
  gsize header;
  if (!ebml_header_bytes(out->bytes->data, out->bytes->len, &header))
    return FALSE;
  GByteArray *whole = ebml_add_duration(out->bytes->data, out->bytes->len, (double)out->duration_ms);
  if (whole == NULL)
    return media_error(error, "the muxer's header is not understood");
  g_byte_array_unref(out->bytes);
  out->bytes = whole;
  out->header_out = TRUE;
  return TRUE;
}

gboolean export_out_give(ExportOut *out, gsize at_least, GError **error) {
  g_autoptr(GError) why = NULL;
  if (out->bytes == NULL || out->bytes->len < at_least || out->bytes->len == 0)
    return TRUE;
  if (!out->header_out && !finish_header(out, &why)) {
    if (why == NULL)
      return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  if (!out->may(out->owner, error))
    return FALSE;
  if (!out->give(out->bytes->data, out->bytes->len, out->user)) {
    g_set_error_literal(error, EXPORT_ERROR, EXPORT_ERROR_SINK, "the reader went away");
    return FALSE;
  }
  g_byte_array_set_size(out->bytes, 0);
  return TRUE;
}

gboolean export_out_finish(ExportOut *out, GError **error) {
  if (!export_out_give(out, 1, error))
    return FALSE;
  return out->header_out || media_error(error, "nothing of what is kept can be decoded");
}
