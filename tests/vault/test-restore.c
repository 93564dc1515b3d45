/* SPDX-License-Identifier: Apache-2.0 */
/* A backup from before an erase reads nothing until the purges of a newer ledger were applied (CONSENT.md, What we promise). */
#include <gio/gio.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>

#include "gate/ledger/proof.h"
#include "gate/vault/restore.h"
#include "tests/vault/fixture.h"

#define KILLED_STATUS 77
#define CALLS_MAX     2000

typedef struct Story { /* an original, and a copy of it from before `one` was withdrawn, and `gone` was forgotten */
  Fixture *fixture;
  char *copy;
  guint64 withdrawn, other, kept;
} Story;

static void run(const char *first, const char *second, const char *third, const char *fourth) {
  const char *argv[] = {first, second, third, fourth, NULL};
  int status = 0;
  g_autoptr(GError) error = NULL;
  g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error);
  g_assert_no_error(error);
  g_assert_cmpint(status, ==, 0);
}

static char *copy_of(const char *dir) {
  char *to = g_dir_make_tmp("copy-XXXXXX", NULL);
  g_autofree char *from = g_strconcat(dir, "/.", NULL);
  run("cp", "-a", from, to);
  return to;
}

static guint64 record(Fixture *fixture, const char *session, const char *who, guint32 take_number) {
  VaultTake *take = fixture_take(fixture, session, 1, take_number);
  const guint64 id = fixture_sealed(fixture, take, who, 0, "media of somebody", 17);
  g_assert_true(fixture_commit(fixture, id).ok);
  vault_take_unref(take);
  return id;
}

static void begin(Story *story) {
  story->fixture = fixture_new(NULL);
  const char *const sessions[] = {"one", "two", "gone"};
  for (guint i = 0; i < 3; i++) {
    fixture_append(story->fixture, sessions[i],
                   json_pack("{s:s, s:s, s:s}", "type", "join", "participant", "anna", "name", "Anna Forgettable"));
    fixture_request(story->fixture, sessions[i], 1, VAULT_SCOPE_PARTICIPANT);
  }
  story->withdrawn = record(story->fixture, "one", "anna", 1);
  story->other = record(story->fixture, "one", "ben", 2);
  story->kept = record(story->fixture, "two", "anna", 1);
  fixture_reopen(story->fixture); /* nothing is under way */
  story->copy = copy_of(story->fixture->dir);
  g_assert_true(fixture_erase(story->fixture, "one", 1, VAULT_SCOPE_PARTICIPANT, "anna").ok);
  fixture_append(story->fixture, "two", json_pack("{s:s, s:s, s:i}", "type", "decline", "participant", "anna", "request", 1));
  FixtureReply reply = {0};
  vault_forget(story->fixture->vault, "gone", NULL, fixture_done, &reply);
  fixture_wait(story->fixture, &reply.there);
  g_assert_true(reply.ok);
  record(story->fixture, "two", "cleo", 2); /* younger than the backup: lost with the original */
  g_clear_pointer(&story->fixture->vault, vault_free);
}

static void end(Story *story) {
  g_autofree char *dir = g_strdup(story->fixture->dir);
  fixture_free(story->fixture);
  fixture_remove(dir);
  fixture_remove(story->copy);
  g_free(story->copy);
}

static gint reads(const char *dir, Vault *vault, guint64 id) {
  g_autoptr(GError) error = NULL;
  g_autoptr(VaultReader) reader = vault_reader_open(dir, vault, &error);
  g_assert_no_error(error);
  g_autoptr(GBytes) bytes = vault_reader_segment_bytes(reader, id, &error);
  return bytes ? -1 : error->code;
}

static void check_refused(const char *dir) {
  g_autoptr(GError) error = NULL;
  g_assert_null(vault_open(dir, NULL, NULL, NULL, &error));
  g_assert_error(error, VAULT_ERROR, VAULT_ERROR_RESTORED);
  g_assert_nonnull(strstr(error->message, "recgatectl restore"));
}

static gboolean restore(const char *dir, const char *ledger, VaultRestored *restored) {
  g_autoptr(GError) error = NULL;
  const gboolean done = vault_restore(dir, ledger, restored, &error);
  if (!done)
    g_assert_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT);
  return done;
}

static char *checkpoint_of(const char *dir, guint64 *size) {
  g_autoptr(VaultReader) reader = vault_reader_open(dir, NULL, NULL);
  char *note = vault_reader_checkpoint(reader, NULL);
  g_auto(GStrv) lines = g_strsplit(note, "\n", -1);
  *size = g_ascii_strtoull(lines[1], NULL, 10);
  return note;
}

/* What a restored directory must be like, whatever happened on the way. */
static void check_restored(const Story *story) {
  guint64 size = 0, longer = 0;
  g_autofree char *newest = checkpoint_of(story->fixture->dir, &size), *own = checkpoint_of(story->copy, &longer);
  g_assert_cmpuint(longer, >, size);
  Fixture *fixture = fixture_new(story->copy); /* opens, and checks every leaf */
  g_assert_cmpint(reads(story->copy, fixture->vault, story->withdrawn), ==, VAULT_ERROR_ERASED);
  g_assert_cmpint(reads(story->copy, fixture->vault, story->other), ==, -1);
  g_assert_cmpint(reads(story->copy, fixture->vault, story->kept), ==, -1);
  g_assert_cmpuint(fixture_search(story->copy, "gone", 4), ==, 0);
  const guint64 fresh = record(fixture, "two", "dora", 3);
  g_assert_cmpuint(fresh >> 32, >, 3); /* numbers of segments that the lost ones had are not used again */
  g_clear_pointer(&fixture->vault, vault_free);
  g_autofree char *path = g_build_filename(story->copy, "vault.db", NULL),
                  *original = g_build_filename(story->fixture->dir, "vault.db", NULL);
  sqlite3 *db = NULL;
  sqlite3_stmt *count = NULL;
  g_assert_cmpint(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
  g_autofree char *attach = g_strdup_printf("ATTACH '%s' AS newer", original);
  g_assert_cmpint(sqlite3_exec(db, attach, NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_cmpint(
      sqlite3_prepare_v2(db,
                         "SELECT (SELECT count(*) FROM newer.leaves AS n JOIN main.leaves AS m USING(idx) WHERE n.leaf = m.leaf) -"
                         " (SELECT count(*) FROM newer.leaves), (SELECT answer FROM main.consents WHERE session = 'two')",
                         -1, &count, NULL),
      ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_step(count), ==, SQLITE_ROW);
  g_assert_cmpint(sqlite3_column_int(count, 0), ==, 0);                         /* no fork */
  g_assert_cmpstr((const char *)sqlite3_column_text(count, 1), ==, "declined"); /* a no is final (R4) */
  sqlite3_finalize(count);
  sqlite3_close(db);
  fixture_free(fixture);
}

static void test_reads_nothing(void) {
  Story story = {0};
  VaultRestored restored;
  begin(&story);
  check_refused(story.copy);
  g_assert_cmpint(reads(story.copy, NULL, story.withdrawn), ==, VAULT_ERROR_RESTORED);
  g_assert_cmpint(reads(story.copy, NULL, story.kept), ==, VAULT_ERROR_RESTORED);
  g_assert_cmpint(reads(story.fixture->dir, NULL, story.kept), ==, -1);
  g_assert_true(restore(story.copy, story.fixture->dir, &restored));
  g_assert_cmpuint(restored.to, >, restored.from);
  g_assert_true(restored.purges == 1 && restored.forgotten == 1);
  check_restored(&story);
  end(&story);
}

static void test_wrong_ledgers(void) {
  Story story = {0}, stranger = {0};
  VaultRestored restored;
  begin(&story);
  begin(&stranger);
  g_autofree char *older = copy_of(story.copy), *cut = copy_of(story.fixture->dir), *database = g_build_filename(cut, "vault.db", NULL);
  g_assert_false(restore(story.copy, stranger.fixture->dir, &restored)); /* another log's key */
  g_assert_false(restore(story.copy, "/nonexistent", &restored));
  sqlite3 *db = NULL;
  g_assert_cmpint(sqlite3_open_v2(database, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
  g_assert_cmpint(
      sqlite3_exec(db, "UPDATE leaves SET leaf = replace(leaf, 'purge', 'drops') WHERE leaf LIKE '%\"type\":\"purge\"%'", NULL, NULL, NULL),
      ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_changes(db), ==, 1);
  sqlite3_close(db);
  g_assert_false(restore(story.copy, database, &restored)); /* a purge painted over */
  check_refused(story.copy);
  g_assert_true(restore(story.copy, story.fixture->dir, &restored));
  g_autofree char *moved = copy_of(story.copy);
  check_refused(moved);
  g_assert_false(restore(moved, older, &restored)); /* older than the backup itself */
  check_refused(moved);
  fixture_remove(older);
  fixture_remove(cut);
  fixture_remove(moved);
  end(&stranger);
  check_restored(&story);
  end(&story);
}

/* Tiles as a mirror of GET /v1/log/… has them. */
static void test_from_tiles(void) {
  Story story = {0};
  VaultRestored restored;
  begin(&story);
  guint64 size = 0;
  g_autofree char *note = checkpoint_of(story.fixture->dir, &size), *mirror = g_dir_make_tmp("mirror-XXXXXX", NULL);
  g_autofree char *file = g_build_filename(mirror, "checkpoint", NULL), *width = g_strdup_printf("%u", (guint)size);
  g_autofree char *folder = g_build_filename(mirror, "tile", "entries", "000.p", NULL), *tile = g_build_filename(folder, width, NULL);
  g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
  g_assert_true(g_file_set_contents(file, note, -1, NULL));
  g_assert_false(restore(story.copy, mirror, &restored)); /* a checkpoint alone says what to look for, not what it was */
  g_autoptr(VaultReader) reader = vault_reader_open(story.fixture->dir, NULL, NULL);
  g_autoptr(GBytes) entries = vault_reader_entries(reader, 0, (guint)size, NULL);
  gsize n = 0;
  const char *bytes = g_bytes_get_data(entries, &n);
  g_assert_true(g_file_set_contents(tile, bytes, (gssize)n - 1, NULL));
  g_assert_false(restore(story.copy, mirror, &restored));
  g_assert_true(g_file_set_contents(tile, bytes, (gssize)n, NULL));
  g_assert_true(restore(story.copy, mirror, &restored));
  g_clear_pointer(&reader, vault_reader_free);
  check_restored(&story);
  fixture_remove(mirror);
  end(&story);
}

/* Said in so many words, and it stands on the ledger. */
static void test_none_newer(void) {
  Story story = {0};
  VaultRestored restored;
  begin(&story);
  g_assert_true(restore(story.copy, NULL, &restored));
  g_assert_cmpuint(restored.from, ==, restored.to);
  Fixture *fixture = fixture_new(story.copy);
  g_assert_cmpint(reads(story.copy, fixture->vault, story.withdrawn), ==, -1); /* what --no-newer-ledger means */
  fixture_free(fixture);
  g_autofree char *path = g_build_filename(story.copy, "vault.db", NULL);
  sqlite3 *db = NULL;
  g_assert_cmpint(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
  sqlite3_stmt *row = NULL;
  g_assert_cmpint(
      sqlite3_prepare_v2(db, "SELECT count(*) FROM leaves WHERE leaf LIKE '%\"ledger\":\"none\"%\"type\":\"restored\"%'", -1, &row, NULL),
      ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_step(row), ==, SQLITE_ROW);
  g_assert_cmpint(sqlite3_column_int(row, 0), ==, 1);
  sqlite3_finalize(row);
  sqlite3_close(db);
  end(&story);
}

/* A database put back over the present one keeps its inode; the log is shorter than home remembers. */
static void test_put_back_in_place(void) {
  Story story = {0};
  begin(&story);
  g_autofree char *old = g_build_filename(story.copy, "vault.db", NULL), *present = g_build_filename(story.fixture->dir, "vault.db", NULL);
  g_autofree char *text = NULL;
  gsize n = 0;
  g_assert_true(g_file_get_contents(old, &text, &n, NULL));
  FILE *file = fopen(present, "r+");
  g_assert_cmpuint(fwrite(text, 1, n, file), ==, n);
  fclose(file);
  check_refused(story.fixture->dir);
  end(&story);
}

static int restore_killed(const char *dir, const char *ledger, guint at) {
  g_autofree char *number = g_strdup_printf("%u", at);
  g_auto(GStrv) environment = g_get_environ();
  environment = g_environ_setenv(environment, "LD_PRELOAD", g_getenv("VAULT_SHIM"), TRUE);
  environment = g_environ_setenv(environment, "ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", TRUE);
  environment = g_environ_setenv(environment, "FAULT_AT", number, TRUE);
  environment = g_environ_setenv(environment, "FAULT_MODE", "kill", TRUE);
  const char *argv[] = {g_getenv("VAULT_RESTORE_CHILD"), dir, ledger, NULL};
  int status = 0;
  g_assert_true(g_spawn_sync(NULL, (char **)argv, environment, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, NULL));
  g_assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

/* Fault 29: ended at a call, asked again: all is well; and in between nothing is read. */
static void test_killed(void) {
  Story story = {0};
  VaultRestored restored;
  const guint stride = g_test_thorough() ? 1 : 23;
  begin(&story);
  guint at = (guint)g_test_rand_int_range(1, (gint)stride + 1);
  for (int status = KILLED_STATUS; status == KILLED_STATUS && at < CALLS_MAX; at += stride) {
    Story again = story;
    again.copy = copy_of(story.copy);
    status = restore_killed(again.copy, story.fixture->dir, at);
    if (status == KILLED_STATUS) {
      if (reads(again.copy, NULL, story.withdrawn) == VAULT_ERROR_RESTORED)
        check_refused(again.copy);
      g_assert_true(restore(again.copy, story.fixture->dir, &restored));
    } else {
      g_assert_cmpint(status, ==, 0);
    }
    check_restored(&again);
    fixture_remove(again.copy);
    g_free(again.copy);
  }
  g_test_message("up to call %u", at);
  g_assert_cmpuint(at, <, CALLS_MAX);
  end(&story);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/vault/restore/reads-nothing", test_reads_nothing);
  g_test_add_func("/vault/restore/wrong-ledgers", test_wrong_ledgers);
  g_test_add_func("/vault/restore/from-tiles", test_from_tiles);
  g_test_add_func("/vault/restore/none-newer", test_none_newer);
  g_test_add_func("/vault/restore/put-back-in-place", test_put_back_in_place);
  g_test_add_func("/vault/restore/killed", test_killed);
  return g_test_run();
}
