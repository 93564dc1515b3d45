/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves, and the roots of full tiles that follow them. */
#include "gate/ledger/ledger-private.h"

#include <string.h>

#define ENTRIES_PAGE 32 /* leaves read under one lock: at most 2 MiB, mostly 20 KiB */

G_DEFINE_QUARK(ledger_error_quark, ledger_error)

gboolean ledger_store_failed(sqlite3 *db, GError **error) {
  g_set_error(error, LEDGER_ERROR, LEDGER_ERROR_STORE, "ledger: %s", sqlite3_errmsg(db));
  return FALSE;
}

sqlite3_stmt *ledger_query(sqlite3 *db, GError **error, const char *sql, guint n, const gint64 *integers) {
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
    ledger_store_failed(db, error);
    return NULL;
  }
  for (guint i = 0; i < n; i++)
    sqlite3_bind_int64(statement, (int)i + 1, integers[i]);
  return statement;
}

gboolean ledger_column_hash(sqlite3_stmt *row, int column, MerkleHash *hash) {
  if (sqlite3_column_bytes(row, column) != (int)sizeof hash->bytes)
    return FALSE;
  memcpy(hash->bytes, sqlite3_column_blob(row, column), sizeof hash->bytes);
  return TRUE;
}

gboolean ledger_prepare(sqlite3 *db, GError **error) {
  static const char *sql =
      "CREATE TABLE IF NOT EXISTS leaves(idx INTEGER PRIMARY KEY, hash BLOB NOT NULL, leaf TEXT NOT NULL) STRICT;"
      "CREATE TABLE IF NOT EXISTS nodes(level INTEGER, idx INTEGER, hash BLOB NOT NULL, PRIMARY KEY(level, idx)) STRICT,"
      " WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS checkpoint(one INTEGER PRIMARY KEY CHECK(one = 1), size INTEGER NOT NULL,"
      " note TEXT NOT NULL) STRICT;"
      "CREATE TABLE IF NOT EXISTS salts(session TEXT, participant TEXT, salt BLOB NOT NULL,"
      " PRIMARY KEY(session, participant)) STRICT, WITHOUT ROWID;";
  return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || ledger_store_failed(db, error);
}

gboolean ledger_size(sqlite3 *db, guint64 *size, GError **error) {
  g_autoptr(sqlite3_stmt) last = ledger_query(db, error, "SELECT coalesce(max(idx) + 1, 0) FROM leaves", 0, NULL);
  if (!last)
    return FALSE;
  if (sqlite3_step(last) != SQLITE_ROW)
    return ledger_store_failed(db, error);
  *size = (guint64)sqlite3_column_int64(last, 0);
  return TRUE;
}

/* The root over `width` consecutive hashes of a tile level; width is a power of two. */
static gboolean combine(sqlite3 *db, guint tile_level, guint64 first, guint64 width, MerkleHash *root, GError **error) {
  const gint64 leaves[] = {(gint64)first, (gint64)(first + width)}, nodes[] = {leaves[0], leaves[1], tile_level};
  g_autoptr(sqlite3_stmt) row =
      tile_level == 0
          ? ledger_query(db, error, "SELECT hash FROM leaves WHERE idx >= ?1 AND idx < ?2 ORDER BY idx", 2, leaves)
          : ledger_query(db, error, "SELECT hash FROM nodes WHERE level = ?3 AND idx >= ?1 AND idx < ?2 ORDER BY idx", 3, nodes);
  MerkleRange range = {0};
  MerkleHash hash;
  int status = SQLITE_ERROR;
  while (row && (status = sqlite3_step(row)) == SQLITE_ROW && ledger_column_hash(row, 0, &hash))
    merkle_range_append(&range, &hash);
  if (!row)
    return FALSE;
  if (status != SQLITE_DONE && status != SQLITE_ROW)
    return ledger_store_failed(db, error);
  if (range.size != width) {
    g_set_error(error, LEDGER_ERROR, LEDGER_ERROR_STORE, "ledger: a hash of level %u is missing after %" G_GUINT64_FORMAT, tile_level,
                first + range.size);
    return FALSE;
  }
  merkle_range_root(&range, root);
  return TRUE;
}

gboolean ledger_subtree(sqlite3 *db, guint level, guint64 index, MerkleHash *hash, GError **error) {
  return combine(db, level / 8, index << level % 8, G_GUINT64_CONSTANT(1) << level % 8, hash, error);
}

/* A tile became full with the hash at `index` of the level below: its root is a hash of this level. */
static gboolean close_tiles(sqlite3 *db, guint64 index, GError **error) {
  for (guint level = 1; (index + 1) % LEDGER_TILE_WIDTH == 0; level++) {
    MerkleHash root;
    const guint64 first = index + 1 - LEDGER_TILE_WIDTH;
    index /= LEDGER_TILE_WIDTH;
    const gint64 place[] = {level, (gint64)index};
    if (!combine(db, level - 1, first, LEDGER_TILE_WIDTH, &root, error))
      return FALSE;
    g_autoptr(sqlite3_stmt) insert = ledger_query(db, error, "INSERT INTO nodes(level, idx, hash) VALUES(?, ?, ?)", 2, place);
    if (!insert)
      return FALSE;
    sqlite3_bind_blob(insert, 3, root.bytes, sizeof root.bytes, SQLITE_STATIC);
    if (sqlite3_step(insert) != SQLITE_DONE)
      return ledger_store_failed(db, error);
  }
  return TRUE;
}

static char *leaf_text(const json_t *leaf, GError **error) {
  if (!json_is_string(json_object_get(leaf, "type")) || !json_is_integer(json_object_get(leaf, "at"))) {
    g_set_error_literal(error, LEDGER_ERROR, LEDGER_ERROR_NOT_CANONICAL, "a leaf needs \"type\" and \"at\"");
    return NULL;
  }
  g_autofree char *text = ledger_canonical_json(leaf, error);
  if (!text || strlen(text) <= LEDGER_LEAF_BYTES_MAX)
    return g_steal_pointer(&text);
  g_set_error(error, LEDGER_ERROR, LEDGER_ERROR_TOO_LARGE, "a leaf of %zu bytes is longer than %d", strlen(text), LEDGER_LEAF_BYTES_MAX);
  return NULL;
}

gboolean ledger_append(sqlite3 *db, const json_t *leaf, gint64 *index, MerkleHash *hash, GError **error) {
  g_autofree char *text = leaf_text(leaf, error);
  guint64 size;
  MerkleHash digest;
  if (!text || !ledger_size(db, &size, error))
    return FALSE;
  const gint64 place = (gint64)size;
  merkle_leaf(text, strlen(text), &digest);
  g_autoptr(sqlite3_stmt) insert = ledger_query(db, error, "INSERT INTO leaves(idx, hash, leaf) VALUES(?, ?, ?)", 1, &place);
  if (!insert)
    return FALSE;
  sqlite3_bind_blob(insert, 2, digest.bytes, sizeof digest.bytes, SQLITE_STATIC);
  sqlite3_bind_text(insert, 3, text, -1, SQLITE_STATIC);
  if (sqlite3_step(insert) != SQLITE_DONE)
    return ledger_store_failed(db, error);
  if (!close_tiles(db, size, error))
    return FALSE;
  *index = place;
  if (hash)
    *hash = digest;
  return TRUE;
}

static gboolean beyond_the_end(GError **error) {
  g_set_error_literal(error, LEDGER_ERROR, LEDGER_ERROR_NOT_FOUND, "the log does not reach that far");
  return FALSE;
}

char *ledger_leaf(sqlite3 *db, guint64 index, GError **error) {
  const gint64 place = (gint64)index;
  g_autoptr(sqlite3_stmt) row = ledger_query(db, error, "SELECT leaf FROM leaves WHERE idx = ?", 1, &place);
  if (!row)
    return NULL;
  const int status = sqlite3_step(row);
  if (status == SQLITE_ROW)
    return g_strdup((const char *)sqlite3_column_text(row, 0));
  (void)(status == SQLITE_DONE ? beyond_the_end(error) : ledger_store_failed(db, error));
  return NULL;
}

/* --- tiles --- */

/* Rows of one tile, each appended by `take`; the end of the log is no error of the store. */
static gboolean gather(sqlite3 *db, const char *sql, guint n, const gint64 *integers, guint width,
                       gboolean (*take)(GByteArray *bytes, sqlite3_stmt *row), GByteArray *bytes, GError **error) {
  g_autoptr(sqlite3_stmt) row = ledger_query(db, error, sql, n, integers);
  guint found = 0;
  int status = SQLITE_ERROR;
  while (row && (status = sqlite3_step(row)) == SQLITE_ROW && take(bytes, row))
    found++;
  if (!row)
    return FALSE;
  if (status == SQLITE_DONE && found == width && width > 0)
    return TRUE;
  return status == SQLITE_DONE ? beyond_the_end(error) : ledger_store_failed(db, error);
}

static gboolean take_hash(GByteArray *bytes, sqlite3_stmt *row) {
  MerkleHash hash;
  const gboolean is_one = ledger_column_hash(row, 0, &hash);
  if (is_one)
    g_byte_array_append(bytes, hash.bytes, sizeof hash.bytes);
  return is_one;
}

static gboolean take_entry(GByteArray *bytes, sqlite3_stmt *row) {
  const int n = sqlite3_column_bytes(row, 0);
  const guint16 prefix = GUINT16_TO_BE((guint16)n);
  if (n > LEDGER_LEAF_BYTES_MAX)
    return FALSE;
  g_byte_array_append(bytes, (const guint8 *)&prefix, sizeof prefix);
  g_byte_array_append(bytes, sqlite3_column_blob(row, 0), (guint)n);
  return TRUE;
}

static gboolean is_tile(guint64 index, guint width, GError **error) {
  return (width > 0 && width <= LEDGER_TILE_WIDTH && index < (guint64)G_MAXINT64 / LEDGER_TILE_WIDTH) || beyond_the_end(error);
}

GBytes *ledger_tile(sqlite3 *db, guint level, guint64 index, guint width, GError **error) {
  if (!is_tile(index, width, error))
    return NULL;
  const gint64 first = (gint64)(index * LEDGER_TILE_WIDTH), range[] = {first, first + width, level};
  const char *sql = level == 0 ? "SELECT hash FROM leaves WHERE idx >= ?1 AND idx < ?2 ORDER BY idx"
                               : "SELECT hash FROM nodes WHERE level = ?3 AND idx >= ?1 AND idx < ?2 ORDER BY idx";
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  return gather(db, sql, level == 0 ? 2 : 3, range, width, take_hash, bytes, error) ? g_byte_array_free_to_bytes(g_steal_pointer(&bytes))
                                                                                    : NULL;
}

/* A page at a time: what stands in the log does not change, and an erase that waits for the read lock gets in between (R6). */
GBytes *ledger_entries(sqlite3 *db, guint64 index, guint width, GError **error) {
  if (!is_tile(index, width, error))
    return NULL;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  const gint64 first = (gint64)(index * LEDGER_TILE_WIDTH), end = first + width;
  for (gint64 at = first; at < end; at += ENTRIES_PAGE) {
    const gint64 range[] = {at, MIN(at + ENTRIES_PAGE, end)};
    if (!gather(db, "SELECT leaf FROM leaves WHERE idx >= ?1 AND idx < ?2 ORDER BY idx", 2, range, (guint)(range[1] - range[0]), take_entry,
                bytes, error))
      return NULL;
  }
  return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}
