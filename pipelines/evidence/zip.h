/* SPDX-License-Identifier: Apache-2.0 */
/* A zip in memory, through libarchive; each file's length and hash are kept for the manifest.
 *
 * Threads: a ZipWriter belongs to one thread. */
#ifndef RECGATE_EVIDENCE_ZIP_H
#define RECGATE_EVIDENCE_ZIP_H

#include <glib.h>
#include <jansson.h>

typedef struct ZipWriter ZipWriter;

ZipWriter *zip_writer_new(gint64 wall_s, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* wall_s: the time of every file in it */
void zip_writer_free(ZipWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ZipWriter, zip_writer_free)
/* A file in pieces: begin, data as often as needed, end. Errors: BUNDLE_ERROR_ARCHIVE. */
gboolean zip_begin(ZipWriter *writer, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean zip_data(ZipWriter *writer, const void *bytes, gsize n, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean zip_end(ZipWriter *writer, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean zip_file(ZipWriter *writer, const char *name, const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
const json_t *zip_files(const ZipWriter *writer); /* {name: {"bytes", "sha256"}} of what has ended; borrowed */
GBytes *zip_finish(ZipWriter *writer, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* name -> GBytes, all of it: regular files of plain names, none twice, bytes_max unpacked at most. */
GHashTable *zip_read(const guint8 *bytes, gsize n, gsize bytes_max, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
