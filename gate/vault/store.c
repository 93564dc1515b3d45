/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite as the vault uses it. */
#include "gate/vault/store.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "gate/ledger/ledger.h"
#include "gate/vault/vault.h"

#define BUSY_WAIT_NS   200000 /* a reader holds its lock for one page of rows; look again soon, an erase may be waiting */
#define BUSY_WAITS_MAX 50000  /* 10 s: then something else holds the database */

/* segments.participant and friends are ids as the token gave them; wrapped is NULL once the key is gone.
 * A segment's state is derived: dropped, else covered by a purge, else kept. So an erase touches no row of a segment (R18). */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS sessions(session TEXT PRIMARY KEY, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS participants(session TEXT, participant TEXT, name TEXT, role TEXT, joined_at INTEGER, left_at INTEGER,"
    " left_reason TEXT, PRIMARY KEY(session, participant)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS recordings(id INTEGER PRIMARY KEY, session TEXT NOT NULL, request INTEGER NOT NULL, on_withdrawal INTEGER "
    "NOT NULL,"
    " retention_s INTEGER NOT NULL, disclosure TEXT NOT NULL, sha256 TEXT NOT NULL, asker TEXT, at INTEGER NOT NULL,"
    " ended INTEGER NOT NULL DEFAULT 0, UNIQUE(session, request)) STRICT;"
    "CREATE TABLE IF NOT EXISTS consents(session TEXT, request INTEGER, participant TEXT, answer TEXT NOT NULL, media TEXT, scope TEXT,"
    " sha256 TEXT, at INTEGER NOT NULL, PRIMARY KEY(session, request, participant)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS takes(session TEXT, take INTEGER, request INTEGER, roster TEXT, opened_at INTEGER, closed_at INTEGER, "
    "reason TEXT,"
    " PRIMARY KEY(session, take)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS takes_open ON takes(session, take) WHERE closed_at IS NULL;"
    "CREATE TABLE IF NOT EXISTS exports(session TEXT, participant TEXT, by TEXT, begun_at INTEGER, finished_at INTEGER) STRICT;"
    "CREATE INDEX IF NOT EXISTS exports_session ON exports(session);"
    "CREATE TABLE IF NOT EXISTS withdraw_keys(sha256 BLOB PRIMARY KEY, session TEXT NOT NULL, request INTEGER NOT NULL, participant TEXT "
    "NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS holders(recording INTEGER, participant TEXT, slot INTEGER UNIQUE, segments INTEGER NOT NULL DEFAULT 0,"
    " bytes INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(recording, participant)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS runs(recording INTEGER, participant TEXT, take INTEGER, track TEXT, first INTEGER NOT NULL, last INTEGER "
    "NOT NULL,"
    " PRIMARY KEY(recording, participant, take, track)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS segments(id INTEGER PRIMARY KEY, recording INTEGER NOT NULL, take INTEGER NOT NULL, participant TEXT NOT "
    "NULL,"
    " track TEXT NOT NULL, medium TEXT NOT NULL, codec TEXT NOT NULL, seq INTEGER NOT NULL, continues INTEGER NOT NULL, start_at INTEGER,"
    " end_at INTEGER, bytes INTEGER NOT NULL, sha256 TEXT, consent_set TEXT NOT NULL, dropped TEXT, wrapped BLOB) STRICT;"
    "CREATE INDEX IF NOT EXISTS segments_recording ON segments(recording, id);"
    "CREATE INDEX IF NOT EXISTS segments_keyed ON segments(recording, participant) WHERE wrapped IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS purges(id INTEGER PRIMARY KEY, recording INTEGER NOT NULL, participant TEXT, by TEXT NOT NULL, scope "
    "INTEGER NOT NULL,"
    " reason TEXT NOT NULL, segments INTEGER NOT NULL, bytes INTEGER NOT NULL, leaf INTEGER NOT NULL, hash TEXT NOT NULL, at INTEGER NOT "
    "NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS purges_recording ON purges(recording);"
    "CREATE TABLE IF NOT EXISTS plans(session TEXT PRIMARY KEY, request INTEGER NOT NULL, starts INTEGER NOT NULL, ends INTEGER NOT NULL,"
    " asker_name TEXT, over INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS invited(session TEXT, participant TEXT, position INTEGER NOT NULL, name TEXT, role TEXT,"
    " PRIMARY KEY(session, participant)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS retentions(recording INTEGER PRIMARY KEY, wall_due INTEGER NOT NULL, lived_due INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS reports(report TEXT PRIMARY KEY, session TEXT NOT NULL, participant TEXT NOT NULL, kind TEXT NOT NULL,"
    " text TEXT NOT NULL, at INTEGER NOT NULL, sha256 TEXT) STRICT;"
    "CREATE INDEX IF NOT EXISTS reports_session ON reports(session, participant);"
    "CREATE TABLE IF NOT EXISTS deliveries(report TEXT, channel TEXT, state TEXT NOT NULL, attempts INTEGER NOT NULL, first_at INTEGER,"
    " next_at INTEGER, PRIMARY KEY(report, channel)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS retentions_wall ON retentions(wall_due);"
    "CREATE INDEX IF NOT EXISTS retentions_lived ON retentions(lived_due);"
    "CREATE TABLE IF NOT EXISTS cleanups(recording INTEGER, participant TEXT, PRIMARY KEY(recording, participant)) STRICT, WITHOUT ROWID;";

gboolean store_failed(sqlite3 *db, GError **error) {
  const int code = sqlite3_errcode(db) & 0xff;
  const gboolean corrupt = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  g_set_error(error, VAULT_ERROR, corrupt ? VAULT_ERROR_CORRUPT : VAULT_ERROR_STORAGE,
              corrupt ? "database: %s: restore vault.db, keys and root.key together from a backup" : "database: %s", sqlite3_errmsg(db));
  return FALSE;
}

static int wait_while_busy(void *user, int times) {
  (void)user;
  const struct timespec pause = {.tv_nsec = BUSY_WAIT_NS};
  nanosleep(&pause, NULL);
  return times < BUSY_WAITS_MAX;
}

sqlite3 *store_open(const char *data_dir, gboolean make, GError **error) {
  g_autofree char *path = g_build_filename(data_dir, "vault.db", NULL);
  sqlite3 *db = NULL;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | (make ? SQLITE_OPEN_CREATE : 0);
  if (sqlite3_open_v2(path, &db, flags, NULL) == SQLITE_OK) {
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_handler(db, wait_while_busy, NULL);
    /* cache_size, KiB: a transaction of many jobs. Pages beyond it are written, and the journal synced for them, before its end. */
    if (sqlite3_exec(db,
                     "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA; PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY;"
                     "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA cache_size=-4096",
                     NULL, NULL, NULL) == SQLITE_OK)
      return db;
  }
  store_failed(db, error);
  sqlite3_close(db);
  return NULL;
}

void store_close(sqlite3 *db) {
  sqlite3_close(db);
}

gboolean store_prepare(sqlite3 *db, GError **error) {
  if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
    return store_failed(db, error);
  if (!ledger_prepare(db, error)) {
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return FALSE;
  }
  if (sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;
  store_failed(db, error);
  sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
  return FALSE;
}

gboolean store_check(sqlite3 *db, const char *data_dir, const LedgerVerifier *verifier, GError **error) {
  g_autoptr(GError) why = NULL;
  g_autoptr(sqlite3_stmt) check = store_query(db, &why, "PRAGMA quick_check(1)", "");
  gboolean failed = FALSE;
  if (check && store_step(check, &failed, &why) && strcmp(store_text(check, 0), "ok") == 0 && ledger_check(db, verifier, &why))
    return TRUE;
  g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
              "the database in %s does not hold together (%s): nothing will be recorded with it; restore vault.db, keys and root.key "
              "together from a "
              "backup, then apply the purges of the newest ledger copy",
              data_dir,
              why     ? why->message
              : check ? store_text(check, 0)
                      : "unreadable");
  return FALSE;
}

static sqlite3_stmt *query_v(sqlite3 *db, GError **error, const char *sql, const char *format, va_list values) {
  g_autoptr(sqlite3_stmt) statement = NULL;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
    store_failed(db, error);
    return NULL;
  }
  for (int place = 1; *format; place++, format++) {
    if (*format == 'i') {
      sqlite3_bind_int64(statement, place, va_arg(values, gint64));
    } else if (*format == 's') {
      sqlite3_bind_text(statement, place, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
    } else {
      const void *bytes = va_arg(values, const void *);
      sqlite3_bind_blob64(statement, place, bytes, va_arg(values, gsize), SQLITE_TRANSIENT);
    }
  }
  return g_steal_pointer(&statement);
}

sqlite3_stmt *store_query(sqlite3 *db, GError **error, const char *sql, const char *format, ...) {
  va_list values;
  va_start(values, format);
  sqlite3_stmt *statement = query_v(db, error, sql, format, values);
  va_end(values);
  return statement;
}

gboolean store_step(sqlite3_stmt *statement, gboolean *failed, GError **error) {
  const int status = sqlite3_step(statement);
  if (status == SQLITE_ROW)
    return TRUE;
  if (status == SQLITE_DONE)
    return FALSE;
  *failed = TRUE;
  return store_failed(sqlite3_db_handle(statement), error);
}

gboolean store_run(sqlite3 *db, GError **error, const char *sql, const char *format, ...) {
  va_list values;
  va_start(values, format);
  g_autoptr(sqlite3_stmt) statement = query_v(db, error, sql, format, values);
  va_end(values);
  if (!statement)
    return FALSE;
  gboolean failed = FALSE;
  while (store_step(statement, &failed, error))
    ;
  return !failed;
}

gboolean store_number(sqlite3 *db, gint64 none, gint64 *number, GError **error, const char *sql, const char *format, ...) {
  va_list values;
  va_start(values, format);
  g_autoptr(sqlite3_stmt) statement = query_v(db, error, sql, format, values);
  va_end(values);
  if (!statement)
    return FALSE;
  gboolean failed = FALSE;
  const gboolean row = store_step(statement, &failed, error);
  if (failed)
    return FALSE;
  *number = row ? sqlite3_column_int64(statement, 0) : none;
  return TRUE;
}

const char *store_text(sqlite3_stmt *statement, int column) {
  const char *text = (const char *)sqlite3_column_text(statement, column);
  return text ? text : "";
}
