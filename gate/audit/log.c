/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/audit/log.h"

#include <string.h>

#include "gate/audit/log-private.h"

#define PAGE_ROWS 512 /* about 1 ms of the database's read lock */

/* --- the tree (RFC 6962, section 2.1) --- */

static MerkleHash hash_parts(const Log *log, guint8 prefix, const void *a, gsize a_n, const void *b, gsize b_n) {
  MerkleHash hash;
  guint n = 0;
  if (EVP_DigestInit_ex2(log->context, log->sha256, NULL) != 1 || EVP_DigestUpdate(log->context, &prefix, 1) != 1 ||
      EVP_DigestUpdate(log->context, a, a_n) != 1 || EVP_DigestUpdate(log->context, b, b_n) != 1 ||
      EVP_DigestFinal_ex(log->context, hash.bytes, &n) != 1)
    memset(&hash, 0, sizeof hash); /* equals nothing */
  return hash;
}

static gboolean same(const MerkleHash *a, const MerkleHash *b) {
  return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* TRUE: the tile is full now, and *hash its root. */
static gboolean fold_add(const Log *log, Fold *fold, MerkleHash *hash) {
  guint bit = 0;
  for (; bit < 8 && fold->count >> bit & 1; bit++)
    *hash = hash_parts(log, 0x01, &fold->peaks[bit], sizeof *hash, hash, sizeof *hash);
  if (bit < 8)
    fold->peaks[bit] = *hash;
  fold->count = (fold->count + 1) % LOG_WIDTH;
  return fold->count == 0;
}

MerkleHash log_root(Log *log) {
  MerkleHash root;
  gboolean any = FALSE;
  for (guint level = 0; level < LOG_LEVELS; level++)
    for (guint bit = 0; bit < 8; bit++) {
      const MerkleHash *peak = &log->folds[level].peaks[bit];
      if (!(log->folds[level].count >> bit & 1))
        continue;
      root = any ? hash_parts(log, 0x01, peak, sizeof *peak, &root, sizeof root) : *peak;
      any = TRUE;
    }
  if (!any)
    EVP_Digest("", 0, root.bytes, NULL, log->sha256, NULL);
  return root;
}

/* --- making --- */

Log *log_new(const LedgerVerifier *verifier, const char *const *saved, const char *tiles, Findings *findings, GError **error) {
  g_autoptr(Log) log = g_new0(Log, 1);
  log->verifier = verifier;
  log->context = EVP_MD_CTX_new();
  log->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
  log->saved = g_ptr_array_new_with_free_func(saved_free);
  log->tiles = g_strdup(tiles);
  log->tile_number = G_MAXUINT64;
  if (!log->context || !log->sha256) {
    g_set_error_literal(error, AUDIT_ERROR, AUDIT_ERROR_STORE, "SHA-256 is not available");
    return NULL;
  }
  return saved_load(log, saved, findings, error) ? g_steal_pointer(&log) : NULL;
}

void log_free(Log *log) {
  if (!log)
    return;
  EVP_MD_CTX_free(log->context);
  EVP_MD_free(log->sha256);
  g_ptr_array_unref(log->saved);
  g_clear_pointer(&log->tile, g_bytes_unref);
  g_free(log->tiles);
  g_free(log);
}

gboolean log_is_sound(const Log *log) {
  return !log->unsound;
}

guint64 log_size(const Log *log) {
  return log->size;
}

/* --- leaves --- */

typedef struct Row {
  gint64 index;
  gboolean whole;
  MerkleHash hash;
  gsize at, n;
} Row;

typedef struct Page {
  GArray *rows;
  GByteArray *texts;
} Page;

static void page_take(Page *page, sqlite3_stmt *statement) {
  Row row = {.index = sqlite3_column_int64(statement, 0), .at = page->texts->len, .n = (gsize)sqlite3_column_bytes(statement, 2)};
  row.whole = sqlite3_column_bytes(statement, 1) == (int)sizeof row.hash.bytes && sqlite3_column_type(statement, 2) == SQLITE_TEXT;
  if (row.whole)
    memcpy(row.hash.bytes, sqlite3_column_blob(statement, 1), sizeof row.hash.bytes);
  if (row.n > 0)
    g_byte_array_append(page->texts, sqlite3_column_blob(statement, 2), (guint)row.n);
  g_array_append_val(page->rows, row);
}

static gboolean page_fill(const Log *log, const Source *source, sqlite3_stmt *statement, guint64 end, Page *page, GError **error) {
  gboolean failed = FALSE;
  g_array_set_size(page->rows, 0);
  g_byte_array_set_size(page->texts, 0);
  sqlite3_reset(statement);
  sqlite3_bind_int64(statement, 1, (gint64)log->size);
  sqlite3_bind_int64(statement, 2, (gint64)MIN(end, log->size + PAGE_ROWS));
  while (source_step(source, statement, &failed, error))
    page_take(page, statement);
  sqlite3_reset(statement); /* the lock goes before the work begins */
  return !failed;
}

static gboolean unsound(Log *log) {
  log->unsound = TRUE;
  return FALSE;
}

static gboolean node_is(const Source *source, guint level, guint64 number, const MerkleHash *hash) {
  const gint64 place[] = {level, (gint64)number};
  gboolean failed = FALSE;
  g_autoptr(sqlite3_stmt) row = source_query(source, NULL, "SELECT hash FROM nodes WHERE level = ? AND idx = ?", 2, place);
  return row && source_step(source, row, &failed, NULL) && sqlite3_column_bytes(row, 0) == (int)sizeof hash->bytes &&
         memcmp(sqlite3_column_blob(row, 0), hash->bytes, sizeof hash->bytes) == 0;
}

/* One leaf into the tree; a tile that it fills must have the root that was stored when the tile became full. */
static gboolean count_leaf(Log *log, const Source *source, const MerkleHash *leaf_hash, Findings *findings) {
  MerkleHash hash = *leaf_hash;
  log->size++;
  for (guint level = 0; level < LOG_LEVELS && fold_add(log, &log->folds[level], &hash); level++) {
    const guint64 number = log->full[level]++, width = G_GUINT64_CONSTANT(1) << 8 * (level + 1);
    if (!node_is(source, level + 1, number, &hash)) {
      findings_add(findings, AT_LEAF(number * width), "log",
                   "leaves %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                   " do not match the root of their tile: one of them, or the tile, was altered",
                   number * width, (number + 1) * width - 1);
      return unsound(log);
    }
  }
  return TRUE;
}

static gboolean judge_row(Log *log, const LogReading *reading, const Row *row, const char *text, Findings *findings) {
  const FindingPlace *place = AT_LEAF(log->size);
  if ((guint64)row->index != log->size) {
    findings_add(findings, place, "log", "leaf %" G_GUINT64_FORMAT " is missing", log->size);
    return unsound(log);
  }
  const MerkleHash hash = hash_parts(log, 0x00, text, row->n, "", 0);
  if (!row->whole || !same(&hash, &row->hash)) {
    findings_add(findings, place, "log", "leaf %" G_GUINT64_FORMAT " does not match its hash: it was altered", log->size);
    return unsound(log);
  }
  if (!saved_judge_leaf(log, &hash, text, row->n, findings))
    return unsound(log);
  reading->leaf(log->size, text, row->n, reading->user);
  return count_leaf(log, reading->source, &hash, findings) && (saved_judge_size(log, findings) || unsound(log));
}

static gboolean read_leaves(Log *log, const LogReading *reading, guint64 end, Findings *findings, GError **error) {
  g_autoptr(sqlite3_stmt) statement =
      source_query(reading->source, error, "SELECT idx, hash, leaf FROM leaves WHERE idx >= ?1 AND idx < ?2 ORDER BY idx", 0, NULL);
  g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(Row));
  g_autoptr(GByteArray) texts = g_byte_array_new();
  Page page = {rows, texts};
  while (statement && !log->unsound && log->size < end) {
    const guint64 before = log->size;
    if (!page_fill(log, reading->source, statement, end, &page, error))
      return FALSE;
    for (guint i = 0; i < rows->len; i++) {
      const Row *row = &g_array_index(rows, Row, i);
      if (!judge_row(log, reading, row, (const char *)texts->data + row->at, findings))
        return TRUE;
    }
    if (log->size == before) {
      findings_add(findings, AT_LEAF(log->size), "log",
                   "leaf %" G_GUINT64_FORMAT " is missing: the checkpoint speaks of %" G_GUINT64_FORMAT " leaves", log->size, end);
      unsound(log);
    }
    if (reading->progress)
      reading->progress("leaves", log->size, end, reading->progress_user);
  }
  return statement != NULL;
}

/* --- the checkpoint --- */

static gboolean judge_checkpoint(Log *log, const LedgerCheckpoint *checkpoint, Findings *findings) {
  const MerkleHash root = log_root(log);
  const guint64 whole = log->full[0] * LOG_WIDTH;
  log->signed_size = checkpoint->size;
  if (log->size == checkpoint->size && same(&root, &checkpoint->root))
    return TRUE;
  findings_add(findings, AT_LEAF(MIN(whole, checkpoint->size)), "log",
               "the signed checkpoint of %" G_GUINT64_FORMAT " leaves is not of these: a leaf from %" G_GUINT64_FORMAT
               " to %" G_GUINT64_FORMAT " was altered, or the checkpoint",
               checkpoint->size, whole, log->size ? log->size - 1 : 0);
  return unsound(log);
}

/* Roots of tiles that no leaves fill, and leaves before the first. */
static gboolean judge_strays(Log *log, const Source *source, Findings *findings, GError **error) {
  gboolean failed = FALSE;
  guint64 expected = 0;
  for (guint level = 0; level < LOG_LEVELS; level++)
    expected += log->full[level];
  g_autoptr(sqlite3_stmt) row = source_query(
      source, error,
      "SELECT (SELECT count(*) FROM nodes), (SELECT coalesce(max(idx) + 1, 0) FROM leaves), (SELECT coalesce(min(idx), 0) FROM leaves)", 0,
      NULL);
  if (!row || !source_step(source, row, &failed, error))
    return FALSE;
  if (sqlite3_column_int64(row, 2) != 0 ||
      ((guint64)sqlite3_column_int64(row, 1) == log->size && (guint64)sqlite3_column_int64(row, 0) != expected)) {
    findings_add(findings, AT_LEAF(log->size), "log",
                 "there are roots of tiles, or leaves, that do not belong to these %" G_GUINT64_FORMAT " leaves", log->size);
    unsound(log);
  }
  return TRUE;
}

static gboolean end_wrong(Log *log, Findings *findings, guint64 at, const char *but, guint64 says, guint64 is) {
  g_autofree char *what =
      g_strdup_printf("the signed checkpoint speaks of %" G_GUINT64_FORMAT " leaves, %s %" G_GUINT64_FORMAT, says, but, is);
  findings_add(findings, AT_LEAF(at), "log", "%s", what);
  return unsound(log);
}

/* What the newest checkpoint says, once it is known to be signed. FALSE: it is not, or not of these leaves. */
static gboolean open_checkpoint(Log *log, const SourceSigned *newest, LedgerCheckpoint *checkpoint, Findings *findings) {
  g_autoptr(GError) why = NULL;
  if (!newest->note || !note_checkpoint_open(log->verifier, newest->note, checkpoint, &why)) {
    findings_add(findings, NULL, "log", "%s", why ? why->message : "the log has no checkpoint");
    return unsound(log);
  }
  if (newest->size != checkpoint->size)
    return end_wrong(log, findings, checkpoint->size, "and the store beside it of", checkpoint->size, newest->size);
  if (newest->leaves > checkpoint->size)
    return end_wrong(log, findings, checkpoint->size, "and there are", checkpoint->size, newest->leaves);
  return checkpoint->size >= log->size ||
         end_wrong(log, findings, checkpoint->size, "and a moment ago there were", checkpoint->size, log->size);
}

gboolean log_read(Log *log, const LogReading *reading, Findings *findings, GError **error) {
  SourceSigned newest = {0};
  LedgerCheckpoint checkpoint = {0};
  if (log->unsound)
    return TRUE;
  if (!source_signed(reading->source, &newest, error))
    return FALSE;
  g_autofree char *note = newest.note;
  if ((!note && newest.leaves == 0) || !open_checkpoint(log, &newest, &checkpoint, findings))
    return TRUE;
  if (!read_leaves(log, reading, checkpoint.size, findings, error))
    return FALSE;
  return log->unsound || !judge_checkpoint(log, &checkpoint, findings) || judge_strays(log, reading->source, findings, error);
}

json_t *log_json(const Log *log) {
  const MerkleHash root = log_root((Log *)log);
  g_autofree char *text = note_base64(root.bytes, sizeof root.bytes);
  return json_pack("{s:I, s:s, s:I, s:s}", "leaves", (json_int_t)log->size, "root", text, "checkpoint_size", (json_int_t)log->signed_size,
                   "origin", ledger_verifier_origin(log->verifier));
}
