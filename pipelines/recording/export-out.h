/* SPDX-License-Identifier: Apache-2.0 */
/* Export out: a muxer's stream given to a sink in pieces, with its duration in the header, and never a byte of what was erased meanwhile (R18, fault 36).
 *
 * Threads: the export's. */
#ifndef RECGATE_EXPORT_OUT_H
#define RECGATE_EXPORT_OUT_H

#include <gst/gst.h>

#include "pipelines/recording/export.h"

/* Asked right before each piece: may it go out? */
typedef gboolean (*ExportMay)(gpointer owner, GError **error);

typedef struct ExportOut {
  GByteArray *bytes;
  gboolean header_out;
  gint64 duration_ms;
  ExportSink give;
  gpointer user;
  ExportMay may;
  gpointer owner;
} ExportOut;

void export_out_clear(ExportOut *out);
void export_out_take(ExportOut *out, GstSample *sample); /* transfer full */
/* Gives out what there is once it is as much; EXPORT_ERROR_SINK when the reader went away. */
gboolean export_out_give(ExportOut *out, gsize at_least, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* All of it; EXPORT_ERROR_MEDIA when there was nothing. */
gboolean export_out_finish(ExportOut *out, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
