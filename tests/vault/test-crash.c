/* SPDX-License-Identifier: Apache-2.0 */
/* Faults 29 and 30: the process ends, or the disk refuses, at the Nth call; what was promised before holds after the next start (R13), and the
 * ledger and the state are equal at once, and after that start (R21). */
#include <gio/gio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/vault/fixture.h"
#include "tests/vault/replay.h"

#define CALLS_MAX     4000
#define KILLED_STATUS 77

typedef struct Promise {
  guint64 segment;
  char session[16], person[16];
  guint seq;
} Promise;

typedef struct Story { /* what the workload printed */
  GArray *committed;
  GPtrArray *asked, *erased; /* "session person" */
  gboolean ended, unhealthy;
} Story;

static int run_workload(const char *dir, const char *mode, guint at, char **out) {
  g_autofree char *number = g_strdup_printf("%u", at);
  g_auto(GStrv) environment = g_get_environ();
  environment = g_environ_setenv(environment, "LD_PRELOAD", g_getenv("VAULT_SHIM"), TRUE);
  /* Built with ASan the shim comes before its runtime; that is meant. */
  environment = g_environ_setenv(environment, "ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", TRUE);
  environment = g_environ_setenv(environment, "FAULT_AT", number, TRUE);
  environment = g_environ_setenv(environment, "FAULT_MODE", mode, TRUE);
  const char *argv[] = {g_getenv("VAULT_WORKLOAD"), dir, NULL};
  int status = 0;
  g_autoptr(GError) error = NULL;
  g_spawn_sync(NULL, (char **)argv, environment, G_SPAWN_DEFAULT, NULL, NULL, out, NULL, &status, &error);
  g_assert_no_error(error);
  g_assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void story_read(Story *story, const char *out) {
  g_auto(GStrv) lines = g_strsplit(out, "\n", -1);
  story->committed = g_array_new(FALSE, FALSE, sizeof(Promise));
  story->asked = g_ptr_array_new_with_free_func(g_free);
  story->erased = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; lines[i]; i++) {
    g_auto(GStrv) words = g_strsplit(lines[i], " ", -1);
    if (g_strcmp0(words[0], "committed") == 0) {
      Promise promise = {.segment = g_ascii_strtoull(words[1], NULL, 10), .seq = (guint)g_ascii_strtoull(words[4], NULL, 10)};
      g_strlcpy(promise.session, words[2], sizeof promise.session);
      g_strlcpy(promise.person, words[3], sizeof promise.person);
      g_array_append_val(story->committed, promise);
    } else if (g_strcmp0(words[0], "asking") == 0) {
      g_ptr_array_add(story->asked, g_strdup(lines[i] + strlen("asking ")));
    } else if (g_strcmp0(words[0], "erased") == 0) {
      g_ptr_array_add(story->erased, g_strdup(lines[i] + strlen("erased ")));
    }
    story->ended |= g_str_has_prefix(lines[i], "end ");
    story->unhealthy |= g_str_has_prefix(lines[i], "unhealthy");
  }
}

static void story_clear(Story *story) {
  g_array_unref(story->committed);
  g_ptr_array_unref(story->asked);
  g_ptr_array_unref(story->erased);
}

static gboolean covered(const GPtrArray *orders, const Promise *promise) {
  for (guint i = 0; i < orders->len; i++) {
    g_auto(GStrv) words = g_strsplit(orders->pdata[i], " ", 2);
    if (strcmp(words[0], promise->session) == 0 && (strcmp(words[1], "*") == 0 || strcmp(words[1], promise->person) == 0))
      return TRUE;
  }
  return FALSE;
}

static gboolean reads(VaultReader *reader, const Promise *promise) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = vault_reader_segment_bytes(reader, promise->segment, &error);
  if (!bytes) {
    g_assert_error(error, VAULT_ERROR, VAULT_ERROR_ERASED);
    return FALSE;
  }
  gsize n;
  const char *text = g_bytes_get_data(bytes, &n);
  g_assert_cmpuint(n, ==, 20000);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpint(text[i], ==, 'A' + (int)promise->seq);
  return TRUE;
}

static guint count_kept(VaultReader *reader, const char *session) {
  json_t *list = vault_reader_segments(reader, session, NULL);
  guint kept = 0;
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i);
    if (strcmp(json_string_value(json_object_get(one, "state")), "kept") != 0)
      continue;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = vault_reader_segment_bytes(reader, (guint64)json_integer_value(json_object_get(one, "id")), &error);
    g_assert_no_error(error); /* whatever is called kept plays */
    g_assert_nonnull(bytes);
    kept++;
  }
  json_decref(list);
  return kept;
}

static gint64 check_equal(const char *dir) {
  gint64 leaves;
  g_autofree char *difference = replay_difference(dir, NULL, &leaves);
  g_assert_cmpstr(difference, ==, NULL);
  return leaves;
}

static void verify(const char *dir, const Story *story) {
  const gint64 leaves = check_equal(dir);
  Fixture *fixture = fixture_new(dir);
  g_autoptr(VaultReader) reader = vault_reader_open(dir, fixture->vault, NULL);
  gint begun[2] = {-1, -1}; /* alpha, beta: of an erase that was asked for and not acknowledged all happened, or nothing */
  for (guint i = 0; i < story->committed->len; i++) {
    const Promise *promise = &g_array_index(story->committed, Promise, i);
    const gboolean readable = reads(reader, promise);
    if (covered(story->erased, promise)) {
      g_assert_false(readable);
    } else if (covered(story->asked, promise)) {
      gint *of_session = &begun[strcmp(promise->session, "beta") == 0];
      g_assert_true(*of_session < 0 || *of_session == readable);
      *of_session = readable;
    } else {
      g_assert_true(readable);
    }
  }
  const guint kept = count_kept(reader, "alpha") + count_kept(reader, "beta");
  const gint64 end_us = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
  while (fixture_count_files(fixture) != kept && g_get_monotonic_time() < end_us)
    fixture_append(fixture, "alpha", json_pack("{s:s}", "type", "note"));
  g_assert_cmpuint(fixture_count_files(fixture), ==, kept); /* no orphan */
  g_clear_pointer(&reader, vault_reader_free);
  fixture_free(fixture);
  g_assert_cmpint(check_equal(dir), >=, leaves);
  if (story->ended && !story->unhealthy)
    g_assert_cmpint(leaves, >=, 40);
}

typedef struct Tally {
  guint runs, refused_opens, acknowledged, unanswered;
} Tally;

static gboolean run_once(const char *mode, guint at, Tally *tally) {
  g_autofree char *dir = g_dir_make_tmp("vault-XXXXXX", NULL);
  g_autofree char *out = NULL;
  const int status = run_workload(dir, mode, at, &out);
  Story story = {0};
  story_read(&story, out);
  g_assert_true(status == 0 || status == 3 || status == KILLED_STATUS);
  if (status == KILLED_STATUS)
    g_assert_cmpstr(mode, ==, "kill");
  tally->runs++;
  tally->refused_opens += status == 3;
  tally->acknowledged += story.erased->len;
  tally->unanswered += story.asked->len - story.erased->len;
  if (strcmp(mode, "full") == 0 && status == 0) /* fault 30: where the request was on the disk, the erase completes */
    g_assert_true(story.erased->len == story.asked->len || story.committed->len == 0);
  if (g_test_verbose())
    g_test_message("%s at call %u: status %d, %u committed, %u/%u erased", mode, at, status, story.committed->len, story.erased->len,
                   story.asked->len);
  verify(dir, &story);
  const gboolean touched = strcmp(mode, "kill") == 0 ? status == KILLED_STATUS : story.unhealthy || status == 3 || story.erased->len < 2;
  story_clear(&story);
  fixture_remove(dir);
  return touched;
}

/* Every `stride`th call from a random first one, so that runs together see them all. */
static void run_all(const char *mode, guint stride) {
  Tally tally = {0};
  guint at = (guint)g_test_rand_int_range(1, (gint)stride + 1), missed = 0;
  for (; at < CALLS_MAX && missed < 2; at += stride)
    missed = run_once(mode, at, &tally) ? 0 : missed + 1;
  g_test_message("%s: %u runs up to call %u, %u did not open, %u erases acknowledged, %u not", mode, tally.runs, at, tally.refused_opens,
                 tally.acknowledged, tally.unanswered);
  g_assert_cmpuint(at, <, CALLS_MAX);
}

/* Thorough: every call, or one in RECGATE_EVERY. A disk that refuses takes a second or more each time, because nothing is ever answered. */
static guint stride(guint quick, guint thorough) {
  const char *every = g_getenv("RECGATE_EVERY");
  return g_test_thorough() ? thorough * (every != NULL ? (guint)MAX(atoi(every), 1) : 1) : quick;
}

static void test_kill(void) {
  run_all("kill", stride(40, 1));
}
static void test_full(void) {
  run_all("full", stride(100, 1));
}
static void test_eio(void) {
  run_all("eio", stride(150, 10));
}

/* The comparison itself: whatever is changed on one side alone is noticed. */
static void test_comparison(void) {
  static const char *const changes[] = {
      "DELETE FROM leaves WHERE idx = (SELECT max(idx) FROM leaves)",
      "UPDATE checkpoint SET size = size - 1",
      "DELETE FROM sessions WHERE session = 'beta'",
      "UPDATE participants SET left_at = 1 WHERE session = 'alpha' AND participant = 'a'",
      "UPDATE participants SET name = 'Someone' WHERE participant = 'a'",
      "UPDATE consents SET answer = 'granted' WHERE session = 'alpha' AND participant = 'a'",
      "UPDATE consents SET media = NULL WHERE participant = 'b'",
      "UPDATE consents SET participant = 'e' WHERE participant = 'b'",
      "INSERT INTO consents SELECT 'alpha', 7, 'stranger', 'granted', NULL, NULL, NULL, 1",
      "UPDATE takes SET closed_at = NULL WHERE session = 'alpha'",
      "UPDATE takes SET roster = '[\"a\"]' WHERE session = 'beta'",
      "UPDATE recordings SET ended = 0",
      "UPDATE recordings SET retention_s = 61",
      "UPDATE exports SET finished_at = NULL",
      "DELETE FROM exports",
      "UPDATE segments SET sha256 = '' WHERE id = (SELECT min(id) FROM segments)",
      "UPDATE segments SET dropped = 'x' WHERE id = (SELECT min(id) FROM segments)",
      "UPDATE segments SET wrapped = NULL WHERE participant = 'a' AND recording = 2",
      "DELETE FROM segments WHERE id = (SELECT max(id) FROM segments)",
      "DELETE FROM purges",
      "UPDATE purges SET bytes = bytes + 1",
      "UPDATE holders SET segments = segments + 1",
      "UPDATE holders SET slot = 99 WHERE slot IS NULL AND participant = 'a'",
      "DELETE FROM runs WHERE recording = 1",
      "DELETE FROM salts WHERE session = 'beta' AND participant = 'a'",
  };
  g_autofree char *dir = g_dir_make_tmp("vault-XXXXXX", NULL), *out = NULL;
  g_assert_cmpint(run_workload(dir, "none", 0, &out), ==, 0);
  g_assert_cmpint(check_equal(dir), >=, 40);
  for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
    gint64 leaves;
    g_autofree char *difference = replay_difference(dir, changes[i], &leaves);
    if (!difference)
      g_error("not noticed: %s", changes[i]);
  }
  fixture_remove(dir);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/vault/crash/comparison", test_comparison);
  g_test_add_func("/vault/crash/kill", test_kill);
  g_test_add_func("/vault/crash/full", test_full);
  g_test_add_func("/vault/crash/eio", test_eio);
  return g_test_run();
}
