/* SPDX-License-Identifier: Apache-2.0 */
/* The leaves' table and their RFC 6962 hashes. */
#include "gate/ledger/ledger.h"

#include <openssl/evp.h>
#include <string.h>

G_DEFINE_QUARK(ledger_error_quark, ledger_error)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_MD_CTX, EVP_MD_CTX_free)

static gboolean store_failed(sqlite3 *db, GError **error) {
  g_set_error(error, LEDGER_ERROR, LEDGER_ERROR_STORE, "ledger: %s", sqlite3_errmsg(db));
  return FALSE;
}

/* RFC 6962 section 2.1: the 0x00 keeps a leaf from passing for an inner node. */
static gboolean hash_leaf(const char *text, gsize n, guint8 hash[LEDGER_HASH_BYTES], GError **error) {
  static const guint8 prefix = 0x00;
  g_autoptr(EVP_MD_CTX) digest = EVP_MD_CTX_new();
  if (digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) && EVP_DigestUpdate(digest, &prefix, 1) &&
      EVP_DigestUpdate(digest, text, n) && EVP_DigestFinal_ex(digest, hash, NULL))
    return TRUE;
  g_set_error_literal(error, LEDGER_ERROR, LEDGER_ERROR_STORE, "SHA-256 is not available");
  return FALSE;
}

gboolean ledger_prepare(sqlite3 *db, GError **error) {
  static const char *sql = "CREATE TABLE IF NOT EXISTS leaves(idx INTEGER PRIMARY KEY, hash BLOB NOT NULL, leaf TEXT NOT NULL) STRICT";
  return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || store_failed(db, error);
}

static gboolean next_index(sqlite3 *db, gint64 *index, GError **error) {
  g_autoptr(sqlite3_stmt) last = NULL;
  if (sqlite3_prepare_v2(db, "SELECT coalesce(max(idx) + 1, 0) FROM leaves", -1, &last, NULL) != SQLITE_OK ||
      sqlite3_step(last) != SQLITE_ROW)
    return store_failed(db, error);
  *index = sqlite3_column_int64(last, 0);
  return TRUE;
}

gboolean ledger_append(sqlite3 *db, const json_t *leaf, gint64 *index, guint8 hash[LEDGER_HASH_BYTES], GError **error) {
  if (!json_is_string(json_object_get(leaf, "type")) || !json_is_integer(json_object_get(leaf, "at"))) {
    g_set_error_literal(error, LEDGER_ERROR, LEDGER_ERROR_NOT_CANONICAL, "a leaf needs \"type\" and \"at\"");
    return FALSE;
  }
  g_autofree char *text = ledger_canonical_json(leaf, error);
  if (!text)
    return FALSE;
  const gsize n = strlen(text);
  if (n > LEDGER_LEAF_BYTES_MAX) {
    g_set_error(error, LEDGER_ERROR, LEDGER_ERROR_TOO_LARGE, "a leaf of %zu bytes is longer than %d", n, LEDGER_LEAF_BYTES_MAX);
    return FALSE;
  }
  guint8 digest[LEDGER_HASH_BYTES];
  gint64 place;
  g_autoptr(sqlite3_stmt) insert = NULL;
  if (!hash_leaf(text, n, digest, error) || !next_index(db, &place, error))
    return FALSE;
  if (sqlite3_prepare_v2(db, "INSERT INTO leaves(idx, hash, leaf) VALUES(?, ?, ?)", -1, &insert, NULL) != SQLITE_OK)
    return store_failed(db, error);
  sqlite3_bind_int64(insert, 1, place);
  sqlite3_bind_blob(insert, 2, digest, sizeof digest, SQLITE_STATIC);
  sqlite3_bind_text(insert, 3, text, (int)n, SQLITE_STATIC);
  if (sqlite3_step(insert) != SQLITE_DONE)
    return store_failed(db, error);
  *index = place;
  if (hash)
    memcpy(hash, digest, sizeof digest);
  return TRUE;
}

gboolean ledger_check(sqlite3 *db, GError **error) {
  g_autoptr(sqlite3_stmt) all = NULL;
  if (sqlite3_prepare_v2(db, "SELECT idx, hash, leaf FROM leaves ORDER BY idx", -1, &all, NULL) != SQLITE_OK)
    return store_failed(db, error);
  int status;
  for (gint64 expected = 0; (status = sqlite3_step(all)) == SQLITE_ROW; expected++) {
    guint8 hash[LEDGER_HASH_BYTES];
    const char *text = (const char *)sqlite3_column_text(all, 2);
    if (!hash_leaf(text ? text : "", (gsize)sqlite3_column_bytes(all, 2), hash, error))
      return FALSE;
    if (sqlite3_column_int64(all, 0) == expected && sqlite3_column_bytes(all, 1) == LEDGER_HASH_BYTES &&
        memcmp(sqlite3_column_blob(all, 1), hash, sizeof hash) == 0)
      continue;
    g_set_error(error, LEDGER_ERROR, LEDGER_ERROR_STORE, "ledger: leaf %" G_GINT64_FORMAT " is missing or does not match its hash",
                expected);
    return FALSE;
  }
  return status == SQLITE_DONE || store_failed(db, error);
}
