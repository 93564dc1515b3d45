/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: written, committed, dropped, killed. */
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "gate/vault/vault-private.h"
#include "tests/vault/fixture.h"
#include "tests/vault/replay.h"

static guint8 *pattern(gsize n) {
  guint8 *bytes = g_malloc(n);
  for (gsize i = 0; i < n; i++)
    bytes[i] = (guint8)(i * 31 + (i >> 8));
  return bytes;
}

static GBytes *read_back(Fixture *fixture, guint64 segment, GError **error) {
  g_autoptr(VaultReader) reader = vault_reader_open(fixture->dir, fixture->vault, error);
  return reader ? vault_reader_segment_bytes(reader, segment, error) : NULL;
}

static void test_round_trip(void) {
  static const gsize sizes[] = {1, 16383, 16384, 16385, 300000};
  Fixture *fixture = fixture_new(NULL);
  g_autofree guint8 *bytes = pattern(300000);
  g_assert_true(fixture_request(fixture, "s", 1, VAULT_SCOPE_SESSION).ok);
  VaultTake *take = fixture_take(fixture, "s", 1, 1);
  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    const guint64 id = fixture_sealed(fixture, take, "client-1", i, bytes, sizes[i]);
    g_autoptr(GError) early = NULL;
    g_assert_null(read_back(fixture, id, &early)); /* provisional: R10 */
    g_assert_error(early, VAULT_ERROR, VAULT_ERROR_NOT_FOUND);
    g_assert_true(fixture_commit(fixture, id).ok);
    g_assert_false(fixture_commit(fixture, id).ok); /* once only */
  }
  vault_take_unref(take);
  fixture_reopen(fixture);
  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) back = read_back(fixture, g_array_index(fixture->sealed, guint64, i), &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(back, NULL), g_bytes_get_size(back), bytes, sizes[i]);
  }
  g_assert_cmpuint(fixture_count_files(fixture), ==, G_N_ELEMENTS(sizes));
  g_assert_cmpuint(fixture_search(fixture->dir, bytes + 100, 64), ==, 0); /* R17 */
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  fixture_remove(dir);
}

/* Fault 22: as long as nothing is written there is no file. */
static void test_no_file_without_bytes(void) {
  Fixture *fixture = fixture_new(NULL);
  fixture_request(fixture, "s", 1, VAULT_SCOPE_SESSION);
  VaultTake *take = fixture_take(fixture, "s", 1, 1);
  VaultSegment *segment = fixture_segment(take, "a", "0", 0);
  FixtureReply reply = fixture_append(fixture, "s", json_pack("{s:s}", "type", "note"));
  g_assert_true(reply.ok);
  g_assert_cmpuint(fixture_count_files(fixture), ==, 0);
  vault_segment_discard(segment);
  segment = fixture_segment(take, "a", "0", 0);
  vault_segment_seal(segment, 0, 0); /* nothing in it */
  fixture_append(fixture, "s", json_pack("{s:s}", "type", "note"));
  g_assert_cmpuint(fixture_count_files(fixture), ==, 0);
  g_assert_cmpuint(fixture->sealed->len, ==, 0);
  vault_take_unref(take);
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  fixture_remove(dir);
}

static void test_drop_and_discard(void) {
  Fixture *fixture = fixture_new(NULL);
  g_autofree guint8 *bytes = pattern(50000);
  fixture_request(fixture, "s", 1, VAULT_SCOPE_SESSION);
  VaultTake *take = fixture_take(fixture, "s", 1, 1);
  const guint64 id = fixture_sealed(fixture, take, "a", 0, bytes, 50000);
  vault_drop(fixture->vault, id, "unconfirmed");
  FixtureReply reply = fixture_commit(fixture, id);
  g_assert_cmpint(reply.code, ==, VAULT_ERROR_ERASED);
  VaultSegment *segment = fixture_segment(take, "a", "0", 1);
  g_assert_cmpint(vault_segment_write(segment, bytes, 50000), ==, VAULT_WRITE_OK);
  vault_segment_discard(segment);
  segment = fixture_segment(take, "a", "0", 2);
  g_assert_cmpint(vault_segment_write(segment, bytes, 50000), ==, VAULT_WRITE_OK);
  g_test_expect_message("recgate", G_LOG_LEVEL_WARNING, "event=segment_undated*");
  vault_segment_seal(segment, 2, 1);
  g_test_assert_expected_messages();
  g_autoptr(VaultReader) reader = vault_reader_open(fixture->dir, fixture->vault, NULL);
  json_t *list = NULL;
  for (guint i = 0; json_array_size(list) < 3 && i < 1000; i++) { /* the discard goes behind the chunks, then onto the ledger */
    json_decref(list);
    fixture_append(fixture, "s", json_pack("{s:s}", "type", "note"));
    list = vault_reader_segments(reader, "s", NULL);
  }
  fixture_wait_empty(fixture);
  g_assert_cmpuint(json_array_size(list), ==, 3); /* R22: no unexplained hole */
  g_assert_cmpstr(json_string_value(json_object_get(json_array_get(list, 0), "state")), ==, "dropped");
  g_assert_cmpstr(json_string_value(json_object_get(json_array_get(list, 0), "reason")), ==, "unconfirmed");
  g_assert_cmpstr(json_string_value(json_object_get(json_array_get(list, 1), "reason")), ==, "discarded");
  g_assert_cmpstr(json_string_value(json_object_get(json_array_get(list, 2), "reason")), ==, "discarded");
  json_decref(list);
  vault_take_unref(take);
  g_autofree char *dir = g_strdup(fixture->dir);
  g_clear_pointer(&reader, vault_reader_free);
  fixture_free(fixture);
  fixture_remove(dir);
}

/* R11: killed: nothing more is written, nothing commits, files go; a second kill is no harm. */
static void test_kill(void) {
  Fixture *fixture = fixture_new(NULL);
  g_autofree guint8 *bytes = pattern(100000);
  fixture_request(fixture, "s", 1, VAULT_SCOPE_SESSION);
  VaultTake *take = fixture_take(fixture, "s", 1, 1);
  const guint64 kept = fixture_sealed(fixture, take, "a", 0, bytes, 100000);
  g_assert_true(fixture_commit(fixture, kept).ok);
  guint64 provisional[40];
  for (guint i = 0; i < G_N_ELEMENTS(provisional); i++) /* more than one slice of forgetting */
    provisional[i] = fixture_sealed(fixture, take, "a", 1 + i, bytes, 20000);
  VaultSegment *open_segment = fixture_segment(take, "a", "0", 41);
  g_assert_cmpint(vault_segment_write(open_segment, bytes, 100000), ==, VAULT_WRITE_OK);
  vault_take_kill(take, "withdrawn");
  vault_take_kill(take, "withdrawn");
  g_assert_true(vault_take_is_dead(take));
  g_assert_cmpint(vault_segment_write(open_segment, bytes, 1), ==, VAULT_WRITE_DEAD);
  vault_segment_seal(open_segment, 0, 0);
  g_assert_null(fixture_segment(take, "a", "0", 42));
  g_assert_cmpint(fixture_commit(fixture, provisional[0]).code, ==, VAULT_ERROR_ERASED);
  vault_drop(fixture->vault, provisional[1], "late");
  for (guint i = 0; i < 4; i++)
    fixture_append(fixture, "s", json_pack("{s:s}", "type", "note"));
  g_assert_cmpuint(fixture_count_files(fixture), ==, 1);
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) back = read_back(fixture, kept, &error);
  g_assert_nonnull(back);
  g_assert_no_error(error);
  vault_take_unref(take);
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  fixture_remove(dir);
}

typedef struct Racer {
  VaultTake *take;
  guint8 *bytes;
  atomic_uint ahead; /* so many it may have written: it is faster than the disk, and what it leaves is forgotten in many transactions */
} Racer;

static gpointer race_write(gpointer user) {
  Racer *racer = user;
  for (guint seq = 0; seq < 1000; seq++) {
    while (seq >= atomic_load(&racer->ahead) && !vault_take_is_dead(racer->take))
      g_usleep(100);
    VaultSegment *segment = fixture_segment(racer->take, "a", "0", seq);
    if (!segment)
      break;
    VaultWrite status = VAULT_WRITE_OK;
    for (guint i = 0; i < 4 && status == VAULT_WRITE_OK; i++)
      status = vault_segment_write(segment, racer->bytes, 9000);
    vault_segment_seal(segment, 1, 2);
  }
  return NULL;
}

/* A later take of the same recording: people whose commits were undone before, and others, are recorded in it as ever. */
static void commit_later(Fixture *fixture, const char *session, const char *const *people, GArray *kept) {
  VaultTake *take = fixture_take(fixture, session, 1, 2);
  for (; *people; people++) {
    const guint64 id = fixture_sealed(fixture, take, *people, 0, "later", 5);
    g_assert_true(fixture_commit(fixture, id).ok);
    g_array_append_val(kept, id);
  }
  vault_take_unref(take);
  g_assert_true(vault_healthy(fixture->vault));
}

static void check_kept(Fixture *fixture, const GArray *kept) {
  for (guint i = 0; i < kept->len; i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) back = read_back(fixture, g_array_index(kept, guint64, i), &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(back, NULL), g_bytes_get_size(back), "later", 5);
  }
}

/* What was kept is kept after a start, which erases nothing in anybody's name (R12), and the leaves tell the same. */
static void reopen_and_check(Fixture *fixture, const GArray *kept) {
  gint64 leaves;
  check_kept(fixture, kept);
  fixture_reopen(fixture);
  check_kept(fixture, kept);
  g_autofree char *difference = replay_difference(fixture->dir, NULL, &leaves);
  g_assert_cmpstr(difference, ==, NULL);
}

typedef struct Killing { /* in a COMMIT, which goes through, and then the next few are refused */
  VaultTake *take;
  guint refuse;
} Killing;

typedef struct Hold { /* keeps the storage thread until everything is queued that is to share a transaction */
  Job job;
  pthread_mutex_t *until;
  Killing *killing;
} Hold;

static int kill_take(void *user) {
  Killing *killing = user;
  const gboolean first = !vault_take_is_dead(killing->take);
  vault_take_kill(killing->take, "withdrawn");
  return !first && killing->refuse > 0 && killing->refuse-- > 0;
}

static void hold_run(Vault *vault, Job *job) {
  const Hold *hold = (Hold *)job;
  sqlite3_commit_hook(vault->db, kill_take, hold->killing);
  pthread_mutex_lock(hold->until);
  pthread_mutex_unlock(hold->until);
  g_free(job);
}

static void job_free(Vault *vault, Job *job) {
  (void)vault;
  g_free(job);
}

/* The take is killed in the next COMMIT: too late for a refusal, in time to be undone (R11). It and `killing` are needed until settle. */
static void kill_in_commit(Fixture *fixture, Killing *killing, pthread_mutex_t *until) {
  Hold *hold = g_new0(Hold, 1);
  *hold = (Hold){{.run = hold_run, .cancel = job_free}, until, killing};
  vault_push(fixture->vault, LANE_LEDGER, &hold->job);
}

typedef struct Settling {
  Job job;
  FixtureReply *reply;
} Settling;

static void settling_run(Vault *vault, Job *job) {
  sqlite3_commit_hook(vault->db, NULL, NULL);
  vault_answer(vault, fixture_done, ((Settling *)job)->reply, NULL, &(Answer){.place = {.index = -1}});
  g_free(job);
}

/* Until the recorder's last segment was sealed or forgotten, and that was told. */
static void settle(Fixture *fixture) {
  FixtureReply reply = {0};
  Settling *settling = g_new0(Settling, 1);
  *settling = (Settling){{.run = settling_run, .cancel = job_free}, &reply};
  vault_push(fixture->vault, LANE_MEDIA, &settling->job);
  fixture_wait(fixture, &reply.there);
}

static void commit_and_kill(Fixture *fixture, const guint64 *segments, guint n, Killing killing, FixtureReply *replies) {
  pthread_mutex_t until = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&until);
  kill_in_commit(fixture, &killing, &until);
  for (guint i = 0; i < n; i++)
    vault_commit(fixture->vault, segments[i], NULL, fixture_done, &replies[i]);
  pthread_mutex_unlock(&until);
  for (guint i = 0; i < n; i++)
    fixture_wait(fixture, &replies[i].there);
  settle(fixture);
}

/* R11, R17, R18: of what was undone no key is left; who was in it is recorded by a later take, and withdraws only by their own act. */
static void test_undone(void) {
  Fixture *fixture = fixture_new(NULL);
  g_autoptr(GArray) kept = g_array_new(FALSE, FALSE, sizeof(guint64));
  fixture_request(fixture, "s", 1, VAULT_SCOPE_SESSION);
  VaultTake *take = fixture_take(fixture, "s", 1, 1);
  const guint64 segments[] = {fixture_sealed(fixture, take, "a", 0, "bytes", 5), fixture_sealed(fixture, take, "a", 1, "bytes", 5),
                              fixture_sealed(fixture, take, "c", 0, "bytes", 5)};
  FixtureReply replies[G_N_ELEMENTS(segments)] = {0};
  commit_and_kill(fixture, segments, G_N_ELEMENTS(segments), (Killing){take, 0}, replies);
  for (guint i = 0; i < G_N_ELEMENTS(segments); i++)
    g_assert_cmpint(replies[i].code, ==, VAULT_ERROR_ERASED);
  vault_take_unref(take);
  g_assert_cmpuint(fixture_search(fixture->dir, "RGKEY01", 7), ==, 0);
  commit_later(fixture, "s", (const char *const[]){"b", "a", NULL}, kept);
  reopen_and_check(fixture, kept);
  const FixtureReply erase = fixture_erase(fixture, "s", 1, VAULT_SCOPE_SESSION, "a");
  g_assert_true(erase.ok);
  g_assert_cmpuint(erase.segments, ==, 2);
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  fixture_remove(dir);
}

/* The key that an undone commit made is another one's as well, of a take that lives on. */
static void test_undone_beside_kept(void) {
  Fixture *fixture = fixture_new(NULL);
  g_autoptr(GArray) kept = g_array_new(FALSE, FALSE, sizeof(guint64));
  fixture_request(fixture, "s", 1, VAULT_SCOPE_SESSION);
  VaultTake *dying = fixture_take(fixture, "s", 1, 1), *living = fixture_take(fixture, "s", 1, 3);
  const guint64 segments[] = {fixture_sealed(fixture, dying, "a", 0, "bytes", 5), fixture_sealed(fixture, living, "a", 0, "later", 5)};
  FixtureReply replies[G_N_ELEMENTS(segments)] = {0};
  commit_and_kill(fixture, segments, G_N_ELEMENTS(segments), (Killing){dying, 0}, replies);
  g_assert_cmpint(replies[0].code, ==, VAULT_ERROR_ERASED);
  g_assert_true(replies[1].ok);
  g_array_append_val(kept, segments[1]);
  vault_take_unref(dying);
  vault_take_unref(living);
  commit_later(fixture, "s", (const char *const[]){"b", "a", NULL}, kept);
  reopen_and_check(fixture, kept);
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  fixture_remove(dir);
}

static guint count_state(Fixture *fixture, const char *state) {
  g_autoptr(VaultReader) reader = vault_reader_open(fixture->dir, fixture->vault, NULL);
  json_auto_t *list = vault_reader_segments(reader, "s", NULL);
  guint n = 0;
  for (gsize i = 0; i < json_array_size(list); i++)
    n += g_strcmp0(json_string_value(json_object_get(json_array_get(list, i), "state")), state) == 0;
  return n;
}

/* The database refuses the undoing too: that is tried until it is done, for nothing else says that what is gone is not kept. */
static void test_undone_late(void) {
  Fixture *fixture = fixture_new(NULL);
  g_autoptr(GArray) kept = g_array_new(FALSE, FALSE, sizeof(guint64));
  fixture_request(fixture, "s", 1, VAULT_SCOPE_SESSION);
  VaultTake *take = fixture_take(fixture, "s", 1, 1);
  const guint64 segments[] = {fixture_sealed(fixture, take, "a", 0, "bytes", 5), fixture_sealed(fixture, take, "a", 1, "bytes", 5)};
  FixtureReply replies[G_N_ELEMENTS(segments)] = {0};
  commit_and_kill(fixture, segments, G_N_ELEMENTS(segments), (Killing){take, 3}, replies);
  for (guint i = 0; i < G_N_ELEMENTS(segments); i++)
    g_assert_cmpint(replies[i].code, ==, VAULT_ERROR_ERASED);
  vault_take_unref(take);
  const gint64 end_us = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
  while ((count_state(fixture, "dropped") < 2 || !vault_healthy(fixture->vault)) && g_get_monotonic_time() < end_us)
    fixture_append(fixture, "s", json_pack("{s:s}", "type", "note"));
  g_assert_true(count_state(fixture, "dropped") == 2 && count_state(fixture, "kept") == 0);
  g_assert_cmpuint(fixture_search(fixture->dir, "RGKEY01", 7), ==, 0);
  commit_later(fixture, "s", (const char *const[]){"b", "a", NULL}, kept);
  reopen_and_check(fixture, kept);
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  fixture_remove(dir);
}

/* Fault 23: a recorder writes, control commits whatever is sealed, and kills at a random moment, or in the last commit's COMMIT. After that, what
 * reads is what was answered; unless the recording has ended, a later take of it keeps the same person and another one. */
/* Control hears of it once, and not where the take is over anyway. */
static void test_take_fails(void) {
  Fixture *fixture = fixture_new(NULL);
  g_assert_true(fixture_request(fixture, "s", 1, VAULT_SCOPE_SESSION).ok);
  VaultTake *fails = fixture_take(fixture, "s", 1, 1), *killed = fixture_take(fixture, "s", 1, 2);
  vault_take_kill(killed, "pause");
  vault_take_fail(killed, "too late");
  vault_take_fail(fails, "first");
  vault_take_fail(fails, "second");
  g_assert_null(fixture_segment(fails, "a", "0", 0));
  while (fixture->failed_takes == 0)
    g_main_context_iteration(fixture->control, TRUE);
  g_assert_true(fixture_append(fixture, "s", json_pack("{s:s}", "type", "note")).ok); /* whatever was posted before has come */
  g_assert_cmpuint(fixture->failed_takes, ==, 1);
  g_assert_cmpstr(fixture->failed_why, ==, "first");
  vault_take_unref(fails);
  vault_take_unref(killed);
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  fixture_remove(dir);
}

static void test_kill_races(void) {
  Fixture *fixture = fixture_new(NULL);
  g_autofree guint8 *bytes = pattern(9000);
  pthread_mutex_t until = PTHREAD_MUTEX_INITIALIZER;
  g_autoptr(GArray) kept = g_array_new(FALSE, FALSE, sizeof(guint64));
  const guint rounds = g_test_thorough() ? 200 : 20;
  for (guint round = 0; round < rounds; round++) {
    g_autofree char *session = g_strdup_printf("s%u", round);
    fixture_request(fixture, session, 1, VAULT_SCOPE_AFTER);
    g_array_set_size(fixture->sealed, 0);
    Racer racer = {fixture_take(fixture, session, 1, 1), bytes, 2};
    Killing killing = {racer.take, 0};
    GThread *recorder = g_thread_new("recorder", race_write, &racer);
    const guint stop_after = (guint)g_test_rand_int_range(0, 6);
    const gboolean in_commit = stop_after > 0 && g_test_rand_bit(), ends = g_test_rand_int_range(0, 4) == 0;
    FixtureReply replies[8] = {0};
    for (guint i = 0; i < stop_after; i++) {
      fixture_wait_sealed(fixture, i + 1);
      if (in_commit && i + 1 == stop_after)
        kill_in_commit(fixture, &killing, &until);
      vault_commit(fixture->vault, g_array_index(fixture->sealed, guint64, i), NULL, fixture_done, &replies[i]);
      atomic_store(&racer.ahead, i + 3);
    }
    atomic_store(&racer.ahead, stop_after + 20);
    if (in_commit)
      fixture_wait(fixture, &replies[stop_after - 1].there);
    vault_take_kill(racer.take, "withdrawn");
    g_thread_join(recorder);
    if (ends)
      g_assert_true(fixture_erase(fixture, session, 1, VAULT_SCOPE_AFTER, "a").ok);
    for (guint i = 0; i < stop_after; i++) {
      fixture_wait(fixture, &replies[i].there);
      g_autoptr(GError) error = NULL;
      g_autoptr(GBytes) back = read_back(fixture, g_array_index(fixture->sealed, guint64, i), &error);
      g_assert_true((back != NULL) == replies[i].ok);
    }
    settle(fixture);
    vault_take_unref(racer.take);
    if (!ends)
      commit_later(fixture, session, (const char *const[]){"b", "a", NULL}, kept);
  }
  reopen_and_check(fixture, kept);
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  fixture_remove(dir);
}

/* A drop, a commit and the take's own forgetting in one transaction: one leaf says what became of each segment (R21). */
static void test_one_leaf_each(void) {
  Fixture *fixture = fixture_new(NULL);
  g_autoptr(GArray) kept = g_array_new(FALSE, FALSE, sizeof(guint64));
  for (guint round = 0; round < 20; round++) {
    char session[16];
    g_snprintf(session, sizeof session, "s%u", round);
    fixture_request(fixture, session, 1, VAULT_SCOPE_SESSION);
    VaultTake *take = fixture_take(fixture, session, 1, 1);
    const guint64 dropped = fixture_sealed(fixture, take, "a", 0, "bytes", 5),
                  committed = fixture_sealed(fixture, take, "b", 0, "bytes", 5);
    fixture_sealed(fixture, take, "c", 0, "bytes", 5);
    FixtureReply reply = {0}, last = {0};
    vault_append(fixture->vault, session, json_pack("{s:s}", "type", "note"), NULL,
                 NULL); /* keeps the storage thread: what follows shares a transaction */
    vault_drop(fixture->vault, dropped, "lapsed");
    vault_commit(fixture->vault, committed, NULL, fixture_done, &reply);
    if (round % 2)
      g_usleep(round * 200);
    vault_take_kill(take, "withdrawn");
    vault_append(fixture->vault, session, json_pack("{s:s}", "type", "note"), fixture_done, &last);
    fixture_wait(fixture, &reply.there);
    fixture_wait(fixture, &last.there);
    vault_take_unref(take);
    commit_later(fixture, session, (const char *const[]){"d", "b", NULL}, kept);
  }
  reopen_and_check(fixture, kept);
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  fixture_remove(dir);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/vault/segment/round-trip", test_round_trip);
  g_test_add_func("/vault/segment/no-file-without-bytes", test_no_file_without_bytes);
  g_test_add_func("/vault/segment/drop-and-discard", test_drop_and_discard);
  g_test_add_func("/vault/segment/kill", test_kill);
  g_test_add_func("/vault/segment/undone", test_undone);
  g_test_add_func("/vault/segment/undone-beside-kept", test_undone_beside_kept);
  g_test_add_func("/vault/segment/take-fails", test_take_fails);
  g_test_add_func("/vault/segment/undone-late", test_undone_late);
  g_test_add_func("/vault/segment/kill-races", test_kill_races);
  g_test_add_func("/vault/segment/one-leaf-each", test_one_leaf_each);
  return g_test_run();
}
