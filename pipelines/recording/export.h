/* SPDX-License-Identifier: Apache-2.0 */
/* Export: one participant's kept tracks as one playable Matroska/WebM, muxed offline with GStreamer.
 *
 * Threads: export_run on a thread of its own (it blocks); cancel from any thread.
 * Segments of a take in order play as one; takes follow each other end to end. */
#ifndef RECGATE_EXPORT_H
#define RECGATE_EXPORT_H

#include <gio/gio.h>

#include "gate/vault/vault-reader.h"

#define EXPORT_ERROR (export_error_quark())
GQuark export_error_quark(void);
typedef enum ExportError { EXPORT_ERROR_NOTHING_KEPT, EXPORT_ERROR_MEDIA, EXPORT_ERROR_CANCELLED, EXPORT_ERROR_SINK } ExportError;

/* Which part of a participant's recording. Zeros: all of it. With `from` or `to`, segments are numbered as in the listing, of `medium` ("audio", "video",
 * NULL: audio where there is any); the other tracks give what lies in the same time. What cannot be decoded alone begins earlier, where it can. */
typedef struct ExportRange {
  guint32 take; /* 0: all takes */
  gboolean part; /* from and to hold */
  guint32 from, to;
  const char *medium;
} ExportRange;

/* Gets each piece of the file in order; FALSE stops the export (the reader went away). */
typedef gboolean (*ExportSink)(const guint8 *bytes, gsize n, gpointer user);

/* Whether the file is a WebM; else it is a Matroska with the same structure. Errors as of export_run. */
gboolean export_is_webm(VaultReader *reader, const char *session, const char *participant, const ExportRange *range, gboolean *webm, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* participant: id. take: 0 for all. FALSE and error VAULT_ERROR_ERASED when it was erased while running: what was given out so far is cut off (fault 36).
 * EXPORT_ERROR_MEDIA names the segment that does not read: a file without it would look whole. */
gboolean export_run(VaultReader *reader, const char *session, const char *participant, guint32 take, ExportSink sink, gpointer user, GCancellable *cancel, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean export_run_range(VaultReader *reader, const char *session, const char *participant, const ExportRange *range, ExportSink sink, gpointer user, GCancellable *cancel, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
