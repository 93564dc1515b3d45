/* SPDX-License-Identifier: Apache-2.0 */
/* Tampering with what a real vault keeps: media, records, keys (R17, R18, R22, R23). */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gate/audit/audit.h"
#include "tests/vault/fixture.h"

#define SEGMENTS 4 /* two of each person */

typedef struct Kept { /* a recording of two people in a data directory */
  Fixture *fixture;   /* NULL once closed */
  char *dir;
  guint64 ids[SEGMENTS];
} Kept;

static gint64 boot_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void append(Kept *kept, json_t *leaf) {
  g_assert_true(fixture_append(kept->fixture, "s", leaf).ok);
}

static void join(Kept *kept, const char *who, const char *role) {
  append(kept, json_pack("{s:s, s:s, s:s, s:s}", "type", "join", "participant", who, "name", who, "role", role));
}

static void commit(Kept *kept, guint64 segment) {
  FixtureReply reply = {0};
  const json_int_t now = boot_us();
  vault_commit(kept->fixture->vault, segment,
               json_pack("[{s:s, s:i, s:I}, {s:s, s:i, s:I}]", "participant", "expert-1", "n", 7, "before_us", now, "participant", "ben",
                         "n", 7, "before_us", now),
               fixture_done, &reply);
  fixture_wait(kept->fixture, &reply.there);
  g_assert_true(reply.ok);
}

static void record(Kept *kept) {
  VaultTake *take = fixture_take(kept->fixture, "s", 1, 1);
  for (guint i = 0; i < SEGMENTS; i++) {
    g_autofree char *media = g_strdup_printf("media of segment %u", i);
    VaultSegment *segment = fixture_segment(take, i % 2 ? "ben" : "expert-1", "0", i / 2);
    g_assert_cmpint(vault_segment_write(segment, (const guint8 *)media, strlen(media)), ==, VAULT_WRITE_OK);
    const gint64 now_us = boot_us();
    vault_segment_seal(segment, now_us, now_us);
    fixture_wait_sealed(kept->fixture, i + 1);
    kept->ids[i] = g_array_index(kept->fixture->sealed, guint64, i);
    commit(kept, kept->ids[i]);
  }
  vault_take_unref(take);
}

static Kept *kept_new(void) {
  Kept *kept = g_new0(Kept, 1);
  kept->fixture = fixture_new(NULL);
  kept->dir = g_strdup(kept->fixture->dir);
  join(kept, "expert-1", "expert");
  join(kept, "ben", "client");
  g_assert_true(fixture_request(kept->fixture, "s", 1, VAULT_SCOPE_SESSION).ok);
  for (guint i = 0; i < 2; i++)
    append(kept, json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "grant", "participant", i ? "ben" : "expert-1", "request", 1, "media",
                           "all", "disclosure_sha256", "5ca1ab1e"));
  append(kept, json_pack("{s:s, s:i, s:i, s:[ss], s:i}", "type", "gate_open", "request", 1, "take", 1, "roster", "expert-1", "ben",
                         "absent_ms", 30000));
  record(kept);
  return kept;
}

static void kept_close(Kept *kept) {
  g_clear_pointer(&kept->fixture, fixture_free);
}

static void kept_free(Kept *kept) {
  kept_close(kept);
  fixture_remove(kept->dir);
  g_free(kept->dir);
  g_free(kept);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Kept, kept_free)

static char *file_of(const Kept *kept, guint64 id) {
  return g_strdup_printf("%s/segments/%016" G_GINT64_MODIFIER "x.seg", kept->dir, id);
}

static void sql(const Kept *kept, const char *format, ...) {
  va_list values;
  sqlite3 *db = NULL;
  char *why = NULL;
  va_start(values, format);
  char *text = sqlite3_vmprintf(format, values);
  va_end(values);
  g_autofree char *path = g_build_filename(kept->dir, "vault.db", NULL);
  g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
  sqlite3_exec(db, text, NULL, NULL, &why);
  g_assert_cmpstr(why, ==, NULL);
  sqlite3_free(text);
  sqlite3_close(db);
}

static json_t *verdict_of(const Kept *kept) {
  const AuditOptions options = {.data = kept->dir};
  g_autoptr(GError) error = NULL;
  json_t *verdict = audit_run(&options, &error);
  g_assert_no_error(error);
  return verdict;
}

/* rule NULL: all is well. segment 0: any. */
static void expect(const Kept *kept, const char *about, const char *rule, guint64 segment) {
  json_auto_t *verdict = verdict_of(kept);
  const json_t *first = json_array_get(json_object_get(verdict, "findings"), 0);
  const gboolean right = g_strcmp0(json_string_value(json_object_get(first, "rule")), rule) == 0 &&
                         (segment == 0 || (guint64)json_integer_value(json_object_get(first, "segment")) == segment);
  char *text = right ? NULL : json_dumps(json_object_get(verdict, "findings"), JSON_INDENT(1));
  if (!right)
    g_test_message("%s: expected %s of segment %" G_GUINT64_FORMAT ", got %s", about, rule ? rule : "nothing", segment, text);
  free(text);
  g_assert_true(right);
}

static void test_honest(void) {
  g_autoptr(Kept) kept = kept_new();
  expect(kept, "beside a vault that runs", NULL, 0);
  kept_close(kept);
  expect(kept, "offline", NULL, 0);
  json_auto_t *verdict = verdict_of(kept);
  const json_t *totals = json_object_get(verdict, "totals"), *store = json_object_get(verdict, "store");
  g_assert_cmpint(json_integer_value(json_object_get(totals, "kept")), ==, SEGMENTS);
  g_assert_cmpint(json_integer_value(json_object_get(store, "files")), ==, SEGMENTS);
  g_assert_cmpint(json_integer_value(json_object_get(store, "keys")), ==, 2);
  g_assert_cmpint(json_integer_value(json_object_get(store, "by_numbers")), ==, 0);
}

static void flip_byte(const char *path) {
  const int fd = open(path, O_RDWR);
  guint8 byte;
  g_assert_cmpint(pread(fd, &byte, 1, 40), ==, 1);
  byte ^= 1;
  g_assert_cmpint(pwrite(fd, &byte, 1, 40), ==, 1);
  close(fd);
}

static void swap_files(const Kept *kept, guint a, guint b) {
  g_autofree char *x = file_of(kept, kept->ids[a]), *y = file_of(kept, kept->ids[b]), *z = g_strconcat(x, ".aside", NULL);
  g_assert_cmpint(g_rename(x, z) | g_rename(y, x) | g_rename(z, y), ==, 0);
}

static void test_media(void) {
  g_autoptr(Kept) kept = kept_new();
  kept_close(kept);
  g_autofree char *file = file_of(kept, kept->ids[2]), *aside = g_strconcat(kept->dir, "/aside", NULL);
  flip_byte(file);
  expect(kept, "a byte of a segment", "R22", kept->ids[2]);
  flip_byte(file);
  expect(kept, "and back", NULL, 0);
  swap_files(kept, 1, 2);
  expect(kept, "two files swapped", "R22", kept->ids[1]);
  swap_files(kept, 1, 2);
  swap_files(kept, 0, 2);
  sql(kept, "CREATE TABLE aside AS SELECT id, sha256 FROM segments");
  sql(kept, "UPDATE segments SET sha256 = (SELECT sha256 FROM aside WHERE aside.id = %lld + %lld - segments.id) WHERE id IN (%lld, %lld)",
      (gint64)kept->ids[0], (gint64)kept->ids[2], (gint64)kept->ids[0], (gint64)kept->ids[2]);
  expect(kept, "two segments swapped, their hashes too", "R22", kept->ids[0]);
  sql(kept, "UPDATE segments SET sha256 = (SELECT sha256 FROM aside WHERE aside.id = segments.id); DROP TABLE aside");
  swap_files(kept, 0, 2);
  g_assert_cmpint(g_rename(file, aside), ==, 0);
  expect(kept, "a file removed", "R22", kept->ids[2]);
  g_assert_cmpint(g_rename(aside, file), ==, 0);
  expect(kept, "and back", NULL, 0);
}

static void test_moved(void) {
  static const struct {
    const char *about, *change, *back;
  } moves[] = {
      {"under another consent record", "UPDATE segments SET consent_set = '00' || consent_set WHERE id = %lld",
       "UPDATE segments SET consent_set = substr(consent_set, 3) WHERE id = %lld"},
      {"into another take", "UPDATE segments SET take = 2 WHERE id = %lld", "UPDATE segments SET take = 1 WHERE id = %lld"},
      {"to another person", "UPDATE segments SET participant = 'expert-1' WHERE id = %lld",
       "UPDATE segments SET participant = 'ben' WHERE id = %lld"},
      {"to another place", "UPDATE segments SET seq = 7 WHERE id = %lld", "UPDATE segments SET seq = 1 WHERE id = %lld"},
      {"to another time", "UPDATE segments SET start_at = start_at + 1 WHERE id = %lld",
       "UPDATE segments SET start_at = start_at - 1 WHERE id = %lld"},
      {"out of sight", "UPDATE segments SET dropped = 'x' WHERE id = %lld", "UPDATE segments SET dropped = NULL WHERE id = %lld"},
  };
  g_autoptr(Kept) kept = kept_new();
  kept_close(kept);
  for (guint i = 0; i < G_N_ELEMENTS(moves); i++) {
    sql(kept, moves[i].change, (gint64)kept->ids[3]);
    expect(kept, moves[i].about, "R22", kept->ids[3]);
    sql(kept, moves[i].back, (gint64)kept->ids[3]);
  }
  sql(kept, "UPDATE recordings SET session = 'other'");
  sql(kept, "INSERT INTO salts SELECT 'other', participant, salt FROM salts WHERE session = 's'");
  expect(kept, "into another session", "R22", kept->ids[0]);
  sql(kept, "UPDATE recordings SET session = 's'");
  sql(kept, "DELETE FROM segments WHERE id = %lld", (gint64)kept->ids[1]);
  expect(kept, "a record removed", "R22", kept->ids[1]);
}

static void test_strangers(void) {
  g_autoptr(Kept) kept = kept_new();
  kept_close(kept);
  g_autofree char *unlogged = file_of(kept, 77), *odd = g_build_filename(kept->dir, "segments", "notes.txt", NULL);
  g_assert_true(g_file_set_contents(unlogged, "x", 1, NULL));
  expect(kept, "a file without a leaf", "R22", 77);
  g_remove(unlogged);
  g_assert_true(g_file_set_contents(odd, "x", 1, NULL));
  expect(kept, "a file that is nobody's", "R22", 0);
  g_remove(odd);
  sql(kept,
      "INSERT INTO segments(id, recording, take, participant, track, medium, codec, seq, continues, bytes, sha256, consent_set, wrapped)"
      " SELECT 78, recording, take, participant, 'x', medium, codec, 0, 0, 1, '', '', zeroblob(60) FROM segments LIMIT 1");
  expect(kept, "a record without a leaf", "R22", 78);
}

static void test_erased(void) {
  g_autoptr(Kept) kept = kept_new();
  g_autofree char *file = file_of(kept, kept->ids[0]), *bytes = NULL;
  gsize n = 0;
  g_assert_true(g_file_get_contents(file, &bytes, &n, NULL));
  append(kept, json_pack("{s:s, s:i, s:s, s:b}", "type", "gate_close", "take", 1, "reason", "withdrawn", "discard", TRUE));
  append(kept, json_pack("{s:s, s:s, s:i}", "type", "withdraw", "participant", "ben", "request", 1));
  g_assert_true(fixture_erase(kept->fixture, "s", 1, VAULT_SCOPE_SESSION, "ben").ok);
  fixture_wait_empty(kept->fixture);
  fixture_reopen(kept->fixture); /* and the rows are tidied up: the slices have an end */
  while (fixture_append(kept->fixture, "s", json_pack("{s:s}", "type", "note")).ok && fixture_search(kept->dir, "RGERASE", 7))
    ;
  expect(kept, "erased", NULL, 0);
  kept_close(kept);
  g_assert_true(g_file_set_contents(file, bytes, (gssize)n, NULL));
  sql(kept, "DELETE FROM cleanups");
  expect(kept, "a file of what was erased, put back", "R22", kept->ids[0]);
  g_remove(file);
  sql(kept, "UPDATE segments SET wrapped = NULL");
  expect(kept, "and gone again", NULL, 0);
  sql(kept, "UPDATE segments SET wrapped = zeroblob(60) WHERE id = %lld", (gint64)kept->ids[0]);
  expect(kept, "a wrapped key of what was erased", "R22", kept->ids[0]);
  sql(kept, "UPDATE segments SET wrapped = NULL");
  g_autofree char *keys = g_build_filename(kept->dir, "keys", NULL);
  const int fd = open(keys, O_RDWR);
  g_assert_cmpint(pwrite(fd, "RGKEY01", 8, 0), ==, 8);
  expect(kept, "a key that nothing refers to", "R18", 0);
  sql(kept, "UPDATE holders SET slot = 0 WHERE participant = 'ben'");
  expect(kept, "a key of what was erased", "R18", 0);
  close(fd);
}

/* R23: without its salts the log opens to nobody, and is checked by its numbers all the same. */
static void test_forgotten(void) {
  g_autoptr(Kept) kept = kept_new();
  kept_close(kept);
  sql(kept, "DELETE FROM salts");
  expect(kept, "salts erased", NULL, 0);
  json_auto_t *verdict = verdict_of(kept);
  g_assert_cmpint(json_integer_value(json_object_get(json_object_get(verdict, "store"), "by_numbers")), ==, SEGMENTS);
  sql(kept, "UPDATE segments SET seq = 7 WHERE id = %lld", (gint64)kept->ids[3]);
  expect(kept, "and moved", "R22", kept->ids[3]);
}

static void test_input(void) {
  const AuditOptions nowhere = {.data = "/nonexistent"};
  g_autoptr(GError) error = NULL;
  g_assert_null(audit_run(&nowhere, &error));
  g_assert_error(error, AUDIT_ERROR, AUDIT_ERROR_INPUT);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/audit/store/honest", test_honest);
  g_test_add_func("/audit/store/media", test_media);
  g_test_add_func("/audit/store/moved", test_moved);
  g_test_add_func("/audit/store/strangers", test_strangers);
  g_test_add_func("/audit/store/erased", test_erased);
  g_test_add_func("/audit/store/forgotten", test_forgotten);
  g_test_add_func("/audit/store/input", test_input);
  return g_test_run();
}
