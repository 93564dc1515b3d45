/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/vault/newer-log.h"

#include "gate/vault/store.h"
#include "gate/vault/vault.h"

struct NewerLog {
  char *note, *dir; /* dir NULL: a database */
  sqlite3 *db;
  sqlite3_stmt *leaf;
  char *tile; /* entries of tile `number` */
  gsize tile_bytes, at;
  guint64 number, next; /* next: the leaf at `at` */
};

static gboolean unusable(const char *path, const char *why, GError **error) {
  g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s cannot be used as a ledger: %s", path, why);
  return FALSE;
}

static gboolean open_database(NewerLog *log, const char *path, GError **error) {
  g_autoptr(sqlite3_stmt) note = NULL;
  if (sqlite3_open_v2(path, &log->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK ||
      sqlite3_prepare_v2(log->db, "SELECT note FROM checkpoint", -1, &note, NULL) != SQLITE_OK ||
      sqlite3_prepare_v2(log->db, "SELECT leaf FROM leaves WHERE idx = ?", -1, &log->leaf, NULL) != SQLITE_OK)
    return unusable(path, sqlite3_errmsg(log->db), error);
  if (sqlite3_step(note) != SQLITE_ROW)
    return unusable(path, "it has no checkpoint", error);
  log->note = g_strdup(store_text(note, 0));
  return TRUE;
}

static gboolean open_tiles(NewerLog *log, const char *path, GError **error) {
  g_autofree char *checkpoint = g_build_filename(path, "checkpoint", NULL);
  log->dir = g_strdup(path);
  log->number = G_MAXUINT64;
  return g_file_get_contents(checkpoint, &log->note, NULL, NULL) ||
         unusable(path, "it is neither a vault.db nor a directory with \"vault.db\", or with \"checkpoint\" and \"tile/entries\"", error);
}

NewerLog *newer_log_open(const char *path, GError **error) {
  g_autoptr(NewerLog) log = g_new0(NewerLog, 1);
  g_autofree char *inside = g_build_filename(path, "vault.db", NULL);
  const gboolean directory = g_file_test(path, G_FILE_TEST_IS_DIR), whole = directory && g_file_test(inside, G_FILE_TEST_IS_REGULAR);
  const gboolean opened = directory && !whole ? open_tiles(log, path, error) : open_database(log, whole ? inside : path, error);
  return opened ? g_steal_pointer(&log) : NULL;
}

void newer_log_free(NewerLog *log) {
  if (!log)
    return;
  sqlite3_finalize(log->leaf);
  sqlite3_close(log->db);
  g_free(log->note);
  g_free(log->dir);
  g_free(log->tile);
  g_free(log);
}

const char *newer_log_checkpoint(const NewerLog *log) {
  return log->note;
}

static gboolean no_leaf(guint64 index, GError **error) {
  g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "the newer ledger lacks leaf %" G_GUINT64_FORMAT, index);
  return FALSE;
}

static char *tile_path(const NewerLog *log, guint64 number, guint width) {
  g_autoptr(GString) path = g_string_new(NULL);
  g_string_printf(path, "%03u", (guint)(number % 1000));
  for (guint64 rest = number / 1000; rest > 0; rest /= 1000) {
    g_autofree char *part = g_strdup_printf("x%03u/", (guint)(rest % 1000));
    g_string_prepend(path, part);
  }
  if (width < LEDGER_TILE_WIDTH)
    g_string_append_printf(path, ".p/%u", width);
  return g_build_filename(log->dir, "tile", "entries", path->str, NULL);
}

static gboolean load_tile(NewerLog *log, guint64 number, guint64 size, GError **error) {
  const guint64 first = number * LEDGER_TILE_WIDTH;
  g_autofree char *path = tile_path(log, number, (guint)MIN(size - first, LEDGER_TILE_WIDTH));
  g_autofree char *whole = tile_path(log, number, LEDGER_TILE_WIDTH); /* a mirror may have the full tile by now */
  g_clear_pointer(&log->tile, g_free);
  log->number = number;
  log->at = 0;
  log->next = first;
  return g_file_get_contents(path, &log->tile, &log->tile_bytes, NULL) || g_file_get_contents(whole, &log->tile, &log->tile_bytes, NULL) ||
         no_leaf(first, error);
}

static gboolean tile_next(NewerLog *log, const char **text, gsize *n, GError **error) {
  if (log->tile_bytes - log->at < 2)
    return no_leaf(log->next, error);
  const guint8 *entry = (const guint8 *)log->tile + log->at;
  *n = (gsize)entry[0] << 8 | entry[1];
  *text = (const char *)entry + 2;
  if (log->tile_bytes - log->at - 2 < *n)
    return no_leaf(log->next, error);
  log->at += 2 + *n;
  log->next++;
  return TRUE;
}

static gboolean tile_leaf(NewerLog *log, guint64 index, guint64 size, const char **text, gsize *n, GError **error) {
  if ((index / LEDGER_TILE_WIDTH != log->number || index < log->next) && !load_tile(log, index / LEDGER_TILE_WIDTH, size, error))
    return FALSE;
  while (log->next <= index)
    if (!tile_next(log, text, n, error))
      return FALSE;
  return TRUE;
}

gboolean newer_log_leaf(NewerLog *log, guint64 index, guint64 size, const char **text, gsize *n, GError **error) {
  if (log->dir)
    return tile_leaf(log, index, size, text, n, error);
  sqlite3_reset(log->leaf);
  sqlite3_bind_int64(log->leaf, 1, (gint64)index);
  if (sqlite3_step(log->leaf) != SQLITE_ROW)
    return no_leaf(index, error);
  *text = store_text(log->leaf, 0);
  *n = (gsize)sqlite3_column_bytes(log->leaf, 0);
  return TRUE;
}
