/* SPDX-License-Identifier: Apache-2.0 */
/* Tampering with the log: bits, leaves, the end, the history (fault 37). */
#include <string.h>

#include "gate/audit/log.h"
#include "gate/ledger/proof.h"
#include "tests/audit/story.h"

#define LEAVES  1000
#define SAMPLES 1500 /* of some 460,000 bits, in the daily run */
#define LONG_US (400 * G_USEC_PER_SEC)

static Story *log_of(guint leaves) {
  Story *story = story_new();
  story_sql(story, "BEGIN");
  for (guint i = 0; i < leaves; i++)
    story_append(story, json_pack("{s:s, s:I}", "type", "x", "at", (json_int_t)i));
  story_sign(story);
  story_sql(story, "COMMIT");
  return story;
}

static void expect(Story *story, const char *about, gint64 leaf) {
  json_auto_t *verdict = story_verdict(story, NULL, NULL);
  story_expect(verdict, about, "log", leaf);
}

static void tamper(guint leaves, const char *about, const char *sql, gint64 leaf) {
  g_autoptr(Story) story = log_of(leaves);
  story_sql(story, sql);
  expect(story, about, leaf);
}

static void test_whole(void) {
  static const guint sizes[] = {0, 1, 2, 255, 256, 257, 1000};
  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    g_autoptr(Story) story = log_of(sizes[i]);
    json_auto_t *verdict = story_verdict(story, NULL, NULL);
    story_expect(verdict, "an honest log", NULL, -1);
    g_assert_cmpint(json_integer_value(json_object_get(json_object_get(verdict, "log"), "leaves")), ==, sizes[i]);
  }
}

static void test_leaves(void) {
  tamper(LEAVES, "a leaf removed", "DELETE FROM leaves WHERE idx = 500", 500);
  tamper(LEAVES, "the first leaf removed", "DELETE FROM leaves WHERE idx = 0", 0);
  tamper(LEAVES, "removed and closed up",
         "DELETE FROM leaves WHERE idx = 500; UPDATE leaves SET idx = -idx WHERE idx > 500; UPDATE leaves SET idx = -idx - 1 WHERE idx < 0",
         256);
  tamper(LEAVES, "two leaves swapped",
         "UPDATE leaves SET idx = -1 WHERE idx = 300; UPDATE leaves SET idx = 300 WHERE idx = 700;"
         "UPDATE leaves SET idx = 700 WHERE idx = -1",
         256); /* the tile of the first of them */
  tamper(LEAVES, "two leaves of the last tile swapped",
         "UPDATE leaves SET idx = -1 WHERE idx = 900; UPDATE leaves SET idx = 900 WHERE idx = 950;"
         "UPDATE leaves SET idx = 950 WHERE idx = -1",
         768);
  tamper(LEAVES, "a leaf repeated in another's place",
         "INSERT OR REPLACE INTO leaves(idx, hash, leaf) SELECT 601, hash, leaf FROM leaves WHERE idx = 600", 512);
  tamper(LEAVES, "a leaf repeated at the end", "INSERT INTO leaves(idx, hash, leaf) SELECT 1000, hash, leaf FROM leaves WHERE idx = 600",
         1000);
  tamper(LEAVES, "the text of a leaf", "UPDATE leaves SET leaf = '{\"at\":7,\"type\":\"y\"}' WHERE idx = 123", 123);
  tamper(LEAVES, "the end cut off", "DELETE FROM leaves WHERE idx >= 990", 990);
  tamper(LEAVES, "everything cut off", "DELETE FROM leaves", 0);
  tamper(LEAVES, "a tile's root", "UPDATE nodes SET hash = zeroblob(32) WHERE idx = 2", 512);
  tamper(LEAVES, "a tile's root removed", "DELETE FROM nodes WHERE idx = 1", 256);
  tamper(LEAVES, "a root of no tile", "INSERT INTO nodes(level, idx, hash) VALUES(1, 3, zeroblob(32))", 1000);
  tamper(LEAVES, "no checkpoint", "DELETE FROM checkpoint", -1);
  tamper(LEAVES, "an older checkpoint", "UPDATE checkpoint SET size = 999", 1000);
}

/* --- every bit --- */

typedef struct Bits { /* one column of one table */
  const char *name, *read, *write;
} Bits;

static const Bits columns[] = {
    {"leaf", "SELECT idx, CAST(leaf AS BLOB) FROM leaves ORDER BY idx", "UPDATE leaves SET leaf = CAST(?1 AS TEXT) WHERE idx = ?2"},
    {"hash", "SELECT idx, hash FROM leaves ORDER BY idx", "UPDATE leaves SET hash = ?1 WHERE idx = ?2"},
    {"node", "SELECT idx, hash FROM nodes ORDER BY idx", "UPDATE nodes SET hash = ?1 WHERE idx = ?2"},
    {"checkpoint", "SELECT one, CAST(note AS BLOB) FROM checkpoint", "UPDATE checkpoint SET note = CAST(?1 AS TEXT) WHERE one = ?2"},
};

typedef struct Cell {
  guint column;
  gint64 index;
  GBytes *bytes;
} Cell;

static void cell_clear(gpointer cell) {
  g_bytes_unref(((Cell *)cell)->bytes);
}

static GArray *cells_of(Story *story) {
  GArray *cells = g_array_new(FALSE, FALSE, sizeof(Cell));
  g_array_set_clear_func(cells, cell_clear);
  for (guint column = 0; column < G_N_ELEMENTS(columns); column++) {
    sqlite3_stmt *row = NULL;
    g_assert_cmpint(sqlite3_prepare_v2(story->db, columns[column].read, -1, &row, NULL), ==, SQLITE_OK);
    while (sqlite3_step(row) == SQLITE_ROW) {
      const Cell cell = {column, sqlite3_column_int64(row, 0),
                         g_bytes_new(sqlite3_column_blob(row, 1), (gsize)sqlite3_column_bytes(row, 1))};
      g_array_append_val(cells, cell);
    }
    sqlite3_finalize(row);
  }
  return cells;
}

static void write_cell(Story *story, const Cell *cell, const void *bytes, gsize n) {
  sqlite3_stmt *write = NULL;
  g_assert_cmpint(sqlite3_prepare_v2(story->db, columns[cell->column].write, -1, &write, NULL), ==, SQLITE_OK);
  sqlite3_bind_blob(write, 1, bytes, (int)n, SQLITE_STATIC);
  sqlite3_bind_int64(write, 2, cell->index);
  g_assert_cmpint(sqlite3_step(write), ==, SQLITE_DONE);
  sqlite3_finalize(write);
}

static void ignore_leaf(guint64 index, const char *text, gsize n, gpointer user) {
  (void)index, (void)text, (void)n, (void)user;
}

/* The place of the first finding; -2: none. On the test's own connection, inside its transaction. */
static gint64 first_wrong(Story *story, const LedgerVerifier *verifier) {
  const Source source = {.dir_fd = -1, .segments_fd = -1, .db = story->db};
  const LogReading reading = {.source = &source, .leaf = ignore_leaf};
  Findings findings;
  g_autoptr(GError) error = NULL;
  findings_init(&findings);
  g_autoptr(Log) log = log_new(verifier, NULL, NULL, &findings, &error);
  g_assert_true(log_read(log, &reading, &findings, &error));
  const json_t *leaf = json_object_get(json_array_get(findings.list, 0), "leaf");
  const gint64 place = findings.total == 0 ? -2 : leaf ? json_integer_value(leaf) : -1;
  findings_clear(&findings);
  return place;
}

static void flip(Story *story, const LedgerVerifier *verifier, const Cell *cell, gsize bit) {
  gsize n = 0;
  g_autofree guint8 *bytes = g_memdup2(g_bytes_get_data(cell->bytes, &n), g_bytes_get_size(cell->bytes));
  bytes[bit / 8] ^= (guint8)(1 << bit % 8);
  story_sql(story, "SAVEPOINT flip");
  write_cell(story, cell, bytes, n);
  const gint64 place = first_wrong(story, verifier);
  story_sql(story, "ROLLBACK TO flip; RELEASE flip");
  const gboolean exact = cell->column > 1 ? place != -2 : place == cell->index;
  if (!exact)
    g_test_message("%s %d, bit %zu: found at %d", columns[cell->column].name, (int)cell->index, bit, (int)place);
  g_assert_true(exact);
}

static void test_bits(void) {
  g_autoptr(Story) story = log_of(LEAVES);
  g_autoptr(LedgerVerifier) verifier = ledger_verifier_parse(story->key, NULL);
  g_autoptr(GArray) cells = cells_of(story);
  guint64 flipped = 0;
  story_sql(story, "BEGIN");
  g_assert_cmpint(first_wrong(story, verifier), ==, -2);
  const guint every = g_getenv("RECGATE_EVERY") ? (guint)MAX(atoi(g_getenv("RECGATE_EVERY")), 1) : 1;
  const gint64 end_us = g_get_monotonic_time() + LONG_US / every;
  if (g_test_thorough()) {
    for (guint i = cells->len; i-- > 0;) /* from the end: checkpoint and roots first, they are few */
      for (gsize bit = (gsize)g_test_rand_int_range(0, (gint)every);
           bit < 8 * g_bytes_get_size(g_array_index(cells, Cell, i).bytes) && g_get_monotonic_time() < end_us; bit += every, flipped++)
        flip(story, verifier, &g_array_index(cells, Cell, i), bit);
  } else {
    for (; flipped < SAMPLES; flipped++) {
      const Cell *cell = &g_array_index(cells, Cell,
                                        flipped % 20 == 0 ? cells->len - 1 - (guint)g_test_rand_int_range(0, 4)
                                                          : (guint)g_test_rand_int_range(0, (gint)cells->len));
      flip(story, verifier, cell, (gsize)g_test_rand_int_range(0, (gint)(8 * g_bytes_get_size(cell->bytes))));
    }
  }
  g_test_message("%" G_GUINT64_FORMAT " bits flipped, each one found", flipped);
  story_sql(story, "ROLLBACK");
}

/* --- what was saved earlier --- */

/* The same length and key, another history from leaf 400 on. */
static Story *rewritten(Story *honest) {
  Story *story = story_new();
  ledger_key_free(story->ledger_key);
  char *secret = ledger_key_text(honest->ledger_key);
  story->ledger_key = ledger_key_parse(secret, NULL);
  note_text_free(secret);
  g_free(story->key);
  story->key = g_strdup(honest->key);
  story_sql(story, "BEGIN");
  for (guint i = 0; i < LEAVES; i++)
    story_append(story, json_pack("{s:s, s:I}", "type", i < 400 ? "x" : "lie", "at", (json_int_t)i));
  story_sign(story);
  story_sql(story, "COMMIT");
  return story;
}

static char *save_tile(Story *story, guint64 number, guint width) {
  g_autoptr(GBytes) tile = ledger_tile(story->db, 0, number, width, NULL);
  g_autofree char *name =
      width == 256 ? g_strdup_printf("kept/tile/0/%03u", (guint)number) : g_strdup_printf("kept/tile/0/%03u.p/%u", (guint)number, width);
  char *path = story_save(story, name, "");
  g_assert_true(g_file_set_contents(path, g_bytes_get_data(tile, NULL), (gssize)g_bytes_get_size(tile), NULL));
  return path;
}

static void expect_against(Story *story, const char *about, const char *file, const char *tiles, const char *rule, gint64 leaf) {
  const char *const files[] = {file, NULL};
  json_auto_t *verdict = story_verdict(story, file ? files : NULL, tiles);
  story_expect(verdict, about, rule, leaf);
}

static void test_saved(void) {
  g_autoptr(Story) honest = log_of(LEAVES);
  g_autofree char *old = story_checkpoint(honest, "old.checkpoint"), *proof = proof_file(honest->db, 700, NULL);
  g_autofree char *receipt = g_strdup_printf("{\"record\":{\"proof\":\"%s\"}}", proof), *escaped = NULL;
  g_auto(GStrv) lines = g_strsplit(receipt, "\n", -1);
  escaped = g_strjoinv("\\n", lines);
  g_autofree char *proof_path = story_save(honest, "700.tlog-proof", proof), *receipt_path = story_save(honest, "receipt.json", escaped);
  g_autofree char *tiles = g_build_filename(honest->dir, "kept", NULL);
  for (guint number = 0; number < 4; number++)
    g_free(save_tile(honest, number, number < 3 ? 256 : 232));
  for (guint i = 0; i < 50; i++)
    story_append(honest, json_pack("{s:s, s:I}", "type", "x", "at", (json_int_t)i));
  story_sign(honest);
  expect_against(honest, "grown since", old, tiles, NULL, -1);
  expect_against(honest, "grown since a proof", proof_path, NULL, NULL, -1);
  expect_against(honest, "grown since a receipt", receipt_path, NULL, NULL, -1);

  g_autoptr(Story) false_one = rewritten(honest);
  expect_against(false_one, "rewritten, and nothing saved", NULL, NULL, NULL, -1);
  expect_against(false_one, "rewritten, against a checkpoint", old, NULL, "log", 0);
  expect_against(false_one, "rewritten, against a proof", proof_path, NULL, "log", 700);
  expect_against(false_one, "rewritten, against a receipt", receipt_path, NULL, "log", 700);
  expect_against(false_one, "rewritten, against tiles that were kept", old, tiles, "log", 400);
}

static void test_cut(void) {
  g_autoptr(Story) long_one = log_of(LEAVES), short_one = NULL;
  g_autofree char *old = story_checkpoint(long_one, "old.checkpoint");
  story_sql(long_one, "DELETE FROM leaves WHERE idx >= 900; DELETE FROM checkpoint; DELETE FROM nodes WHERE level = 1 AND idx >= 3");
  story_sign(long_one); /* with the log's own key */
  expect_against(long_one, "cut off and signed again, and nothing saved", NULL, NULL, NULL, -1);
  expect_against(long_one, "cut off and signed again", old, NULL, "log", 900);
}

static void test_keys(void) {
  g_autoptr(Story) story = log_of(10);
  g_autoptr(LedgerKey) other = ledger_key_new("story.test/one");
  g_autofree char *own = story->key, *foreign = ledger_key_verifier_text(other);
  story->key = foreign;
  expect(story, "another key of the same name", -1);
  const AuditOptions bad = {.data = story->dir, .key = "nonsense"};
  g_autoptr(GError) error = NULL;
  g_assert_null(audit_run(&bad, &error));
  g_assert_error(error, AUDIT_ERROR, AUDIT_ERROR_INPUT);
  g_autofree char *printed = audit_key(story->dir, NULL);
  g_assert_cmpstr(printed, ==, own);
  story->key = NULL;
  json_auto_t *verdict = story_verdict(story, NULL, NULL); /* that of the directory */
  story_expect(verdict, "its own key", NULL, -1);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/audit/log/whole", test_whole);
  g_test_add_func("/audit/log/leaves", test_leaves);
  g_test_add_func("/audit/log/bits", test_bits);
  g_test_add_func("/audit/log/saved", test_saved);
  g_test_add_func("/audit/log/cut", test_cut);
  g_test_add_func("/audit/log/keys", test_keys);
  return g_test_run();
}
