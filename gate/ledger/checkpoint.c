/* SPDX-License-Identifier: Apache-2.0 */
/* Signing the tree as it is, and checking that the ledger holds together. */
#include "gate/ledger/ledger-private.h"
#include "gate/ledger/note.h"
#include "gate/ledger/proof.h"

#define TILE_LEVELS (64 / 8)

typedef struct Signed {
  gint64 size; /* -1: none yet */
  char *note;
} Signed;

static gboolean read_signed(sqlite3 *db, Signed *newest, GError **error) {
  g_autoptr(sqlite3_stmt) row = ledger_query(db, error, "SELECT size, note FROM checkpoint", 0, NULL);
  if (!row)
    return FALSE;
  const int status = sqlite3_step(row);
  *newest = (Signed){-1, NULL};
  if (status == SQLITE_ROW)
    *newest = (Signed){sqlite3_column_int64(row, 0), g_strdup((const char *)sqlite3_column_text(row, 1))};
  return status == SQLITE_ROW || status == SQLITE_DONE || ledger_store_failed(db, error);
}

static gboolean write_signed(sqlite3 *db, guint64 size, const char *note, GError **error) {
  const gint64 number = (gint64)size;
  g_autoptr(sqlite3_stmt) insert =
      ledger_query(db, error, "INSERT OR REPLACE INTO checkpoint(one, size, note) VALUES(1, ?, ?)", 1, &number);
  if (!insert)
    return FALSE;
  sqlite3_bind_text(insert, 2, note, -1, SQLITE_STATIC);
  return sqlite3_step(insert) == SQLITE_DONE || ledger_store_failed(db, error);
}

gboolean ledger_sign(sqlite3 *db, const LedgerKey *key, GError **error) {
  LedgerCheckpoint now;
  g_autoptr(sqlite3_stmt) row = ledger_query(db, error, "SELECT size FROM checkpoint", 0, NULL);
  if (!row || !ledger_size(db, &now.size, error))
    return FALSE;
  if (sqlite3_step(row) == SQLITE_ROW && (guint64)sqlite3_column_int64(row, 0) == now.size)
    return TRUE;
  g_clear_pointer(&row, sqlite3_finalize);
  if (!proof_root(db, now.size, &now.root, error))
    return FALSE;
  g_autofree char *note = note_checkpoint(key, &now);
  return write_signed(db, now.size, note, error);
}

char *ledger_checkpoint(sqlite3 *db, GError **error) {
  Signed newest;
  if (!read_signed(db, &newest, error))
    return NULL;
  if (!newest.note)
    g_set_error_literal(error, LEDGER_ERROR, LEDGER_ERROR_NOT_FOUND, "the log has no checkpoint yet");
  return newest.note;
}

/* --- checking everything --- */

static gboolean bad(GError **error, const char *what, guint64 index) {
  g_set_error(error, LEDGER_ERROR, LEDGER_ERROR_STORE, "ledger: %s %" G_GUINT64_FORMAT " is missing or does not match its hash", what,
              index);
  return FALSE;
}

typedef struct Walk {                  /* what the leaves say that the nodes and the checkpoint must be */
  MerkleRange tree, open[TILE_LEVELS]; /* of each level the tile that is not full yet */
  guint64 full[TILE_LEVELS];           /* tiles of each level that are */
  sqlite3_stmt *node;
} Walk;

static gboolean node_matches(Walk *walk, guint level, guint64 index, const MerkleHash *root) {
  MerkleHash stored;
  sqlite3_reset(walk->node);
  sqlite3_bind_int64(walk->node, 1, level);
  sqlite3_bind_int64(walk->node, 2, (gint64)index);
  return sqlite3_step(walk->node) == SQLITE_ROW && ledger_column_hash(walk->node, 0, &stored) && merkle_equal(&stored, root);
}

static gboolean walk_leaf(Walk *walk, const MerkleHash *hash, GError **error) {
  MerkleHash up = *hash;
  merkle_range_append(&walk->tree, hash);
  for (guint level = 0; level < TILE_LEVELS; level++) {
    merkle_range_append(&walk->open[level], &up);
    if (walk->open[level].size < LEDGER_TILE_WIDTH)
      break;
    merkle_range_root(&walk->open[level], &up);
    walk->open[level].size = 0;
    const guint64 index = walk->full[level]++;
    if (!node_matches(walk, level + 1, index, &up))
      return bad(error, "the root of tile", index);
  }
  return TRUE;
}

static gboolean walk_leaves(sqlite3 *db, Walk *walk, GError **error) {
  g_autoptr(sqlite3_stmt) all = ledger_query(db, error, "SELECT idx, hash, leaf FROM leaves ORDER BY idx", 0, NULL);
  int status = SQLITE_ERROR;
  while (all && (status = sqlite3_step(all)) == SQLITE_ROW) {
    MerkleHash stored, hash;
    const guint64 expected = walk->tree.size;
    const char *text = (const char *)sqlite3_column_text(all, 2);
    merkle_leaf(text ? text : "", (gsize)sqlite3_column_bytes(all, 2), &hash);
    if ((guint64)sqlite3_column_int64(all, 0) != expected || !ledger_column_hash(all, 1, &stored) || !merkle_equal(&stored, &hash))
      return bad(error, "leaf", expected);
    if (!walk_leaf(walk, &hash, error))
      return FALSE;
  }
  return all && (status == SQLITE_DONE || ledger_store_failed(db, error));
}

static gboolean no_strays(sqlite3 *db, const Walk *walk, GError **error) {
  gint64 expected = 0;
  for (guint level = 0; level < TILE_LEVELS; level++)
    expected += (gint64)walk->full[level];
  g_autoptr(sqlite3_stmt) count = ledger_query(db, error, "SELECT count(*) FROM nodes", 0, NULL);
  if (!count)
    return FALSE;
  if (sqlite3_step(count) != SQLITE_ROW)
    return ledger_store_failed(db, error);
  return sqlite3_column_int64(count, 0) == expected || bad(error, "a leaf that tiles speak of, number", walk->tree.size);
}

static gboolean checkpoint_matches(sqlite3 *db, const Walk *walk, const LedgerVerifier *verifier, GError **error) {
  Signed newest;
  if (!read_signed(db, &newest, error))
    return FALSE;
  g_autofree char *note = newest.note;
  LedgerCheckpoint read;
  MerkleHash root;
  if (!note)
    return walk->tree.size == 0 || bad(error, "the checkpoint of size", walk->tree.size);
  if (!note_checkpoint_open(verifier, note, &read, error))
    return FALSE;
  merkle_range_root(&walk->tree, &root);
  if (read.size > walk->tree.size)
    return bad(error, "leaf", walk->tree.size);
  return (read.size == walk->tree.size && newest.size == (gint64)read.size && merkle_equal(&root, &read.root)) ||
         bad(error, "the checkpoint of size", walk->tree.size);
}

gboolean ledger_check(sqlite3 *db, const LedgerVerifier *verifier, GError **error) {
  g_autoptr(sqlite3_stmt) node = ledger_query(db, error, "SELECT hash FROM nodes WHERE level = ? AND idx = ?", 0, NULL);
  g_autofree Walk *walk = g_new0(Walk, 1);
  walk->node = node;
  return node && walk_leaves(db, walk, error) && no_strays(db, walk, error) && checkpoint_matches(db, walk, verifier, error);
}
