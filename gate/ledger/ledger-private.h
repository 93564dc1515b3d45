/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of gate/ledger share. Nothing outside includes it.
 *
 * Threads: the thread of the SQLite connection. */
#ifndef RECGATE_LEDGER_PRIVATE_H
#define RECGATE_LEDGER_PRIVATE_H

#include "gate/ledger/ledger.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)

/* Always FALSE. */
gboolean ledger_store_failed(sqlite3 *db, GError **error);
/* Prepared, with its integers bound from place 1; NULL on error. */
sqlite3_stmt *ledger_query(sqlite3 *db, GError **error, const char *sql, guint n, const gint64 *integers) G_GNUC_WARN_UNUSED_RESULT;
/* A blob of exactly one hash in this column. */
gboolean ledger_column_hash(sqlite3_stmt *row, int column, MerkleHash *hash);

#endif
