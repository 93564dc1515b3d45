/* SPDX-License-Identifier: Apache-2.0 */
/* The data directory as the audit reads it: the database in pages, files by name. Nothing is ever written.
 *
 * Threads: the audit's one thread. A page's statement is finished before the page is judged: no lock is held meanwhile. */
#ifndef RECGATE_AUDIT_SOURCE_H
#define RECGATE_AUDIT_SOURCE_H

#include <sqlite3.h>

#include "gate/audit/audit.h"
#include "gate/ledger/note.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)

typedef struct Source {
  int dir_fd, segments_fd; /* segments_fd -1: there is no such directory */
  sqlite3 *db;
  sqlite3_stmt *leaf; /* kept prepared: source_leaf is asked once for each segment */
} Source;

Source *source_new(const char *data, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* AUDIT_ERROR_INPUT, _STORE */
void source_free(Source *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Source, source_free)

/* Always FALSE; AUDIT_ERROR_STORE. */
gboolean source_failed(const Source *source, GError **error);
/* Prepared, with its integers bound from place 1; NULL on error. */
sqlite3_stmt *source_query(const Source *source, GError **error, const char *sql, guint n, const gint64 *integers) G_GNUC_WARN_UNUSED_RESULT;
/* TRUE: a row. FALSE: the end, or *failed with its error. */
gboolean source_step(const Source *source, sqlite3_stmt *statement, gboolean *failed, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The text of one leaf, g_free it; NULL: it is not there, or an error. */
char *source_leaf(Source *source, guint64 index, gsize *n, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The newest checkpoint and the number of leaves, of one moment. note is NULL when nothing was ever signed; g_free it. */
typedef struct SourceSigned {
  guint64 leaves, size; /* size: of the checkpoint, as the store has it beside its text */
  char *note;
} SourceSigned;
gboolean source_signed(const Source *source, SourceSigned *newest, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* SHA-256, lower-case hex, of a file under segments/. FALSE without error: it is not there. */
gboolean source_file_sha256(const Source *source, const char *name, char hex[65], guint64 *bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
