/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite as the vault uses it: rollback journal, secure_delete, synchronous=EXTRA (DESIGN.md, Vault).
 *
 * Threads: a connection belongs to one thread. Errors: VAULT_ERROR_STORAGE, VAULT_ERROR_CORRUPT.
 * Bind formats, one letter an argument: i gint64, s const char * (NULL allowed), b const void * and gsize. */
#ifndef RECGATE_VAULT_STORE_H
#define RECGATE_VAULT_STORE_H

#include <glib.h>
#include <sqlite3.h>

#include "gate/ledger/note.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)

/* Makes it if `make`; checks that it holds together (fault 32). */
sqlite3 *store_open(const char *data_dir, gboolean make, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void store_close(sqlite3 *db);
/* Tables, in one transaction. */
gboolean store_prepare(sqlite3 *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* quick_check and the ledger's hashes; reads everything. */
gboolean store_check(sqlite3 *db, const char *data_dir, const LedgerVerifier *verifier, GError **error) G_GNUC_WARN_UNUSED_RESULT;

gboolean store_run(sqlite3 *db, GError **error, const char *sql, const char *format, ...) G_GNUC_WARN_UNUSED_RESULT;
/* Prepared and bound; NULL on error. */
sqlite3_stmt *store_query(sqlite3 *db, GError **error, const char *sql, const char *format, ...) G_GNUC_WARN_UNUSED_RESULT;
/* TRUE: a row. FALSE with *failed TRUE and error set: the store failed; else the end. */
gboolean store_step(sqlite3_stmt *statement, gboolean *failed, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* First column of the only row; `none` when there is no row. */
gboolean store_number(sqlite3 *db, gint64 none, gint64 *number, GError **error, const char *sql, const char *format, ...)
    G_GNUC_WARN_UNUSED_RESULT;
/* Always FALSE. */
gboolean store_failed(sqlite3 *db, GError **error);
const char *store_text(sqlite3_stmt *statement, int column); /* never NULL */

#endif
