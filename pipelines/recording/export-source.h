/* SPDX-License-Identifier: Apache-2.0 */
/* Export source: the frames of one track of one take, read segment by segment and demuxed.
 *
 * Threads: the export's; GStreamer has none in it. Memory: one segment and its frames. */
#ifndef RECGATE_EXPORT_SOURCE_H
#define RECGATE_EXPORT_SOURCE_H

#include <gst/gst.h>

#include "gate/vault/vault-reader.h"

typedef struct ExportSource ExportSource;

/* segments: guint64, in order; copied. Reads nothing yet. */
ExportSource *export_source_new(VaultReader *reader, GArray *segments);
void export_source_free(ExportSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportSource, export_source_free)

/* The next frame without taking it; NULL with TRUE: the end. FALSE: VAULT_ERROR_* of the reader, or EXPORT_ERROR_MEDIA. */
gboolean export_source_peek(ExportSource *source, GstBuffer **frame, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* After a peek that gave a frame; the caller's reference. */
GstBuffer *export_source_take(ExportSource *source);
/* After EXPORT_ERROR_MEDIA, for whom less is better than nothing: the segment that does not read is left out. */
void export_source_skip(ExportSource *source);
/* Known once a frame was seen; borrowed. */
GstCaps *export_source_caps(ExportSource *source);
/* Does what was read last still exist (R18, fault 36)? */
gboolean export_source_verify(ExportSource *source, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
