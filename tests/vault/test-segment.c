/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: written, committed, dropped, killed. */
#include <string.h>
#include <sys/stat.h>

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
  g_autoptr(VaultReader) reader = vault_reader_open(fixture->dir, fixture->vault, NULL);
  json_t *list = NULL;
  for (guint i = 0; json_array_size(list) < 2 && i < 1000; i++) { /* the discard goes behind the chunks, then onto the ledger */
    json_decref(list);
    fixture_append(fixture, "s", json_pack("{s:s}", "type", "note"));
    list = vault_reader_segments(reader, "s", NULL);
  }
  fixture_wait_empty(fixture);
  g_assert_cmpuint(json_array_size(list), ==, 2); /* R22: no unexplained hole */
  g_assert_cmpstr(json_string_value(json_object_get(json_array_get(list, 0), "state")), ==, "dropped");
  g_assert_cmpstr(json_string_value(json_object_get(json_array_get(list, 0), "reason")), ==, "unconfirmed");
  g_assert_cmpstr(json_string_value(json_object_get(json_array_get(list, 1), "reason")), ==, "discarded");
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
  guint written;
} Racer;

static gpointer race_write(gpointer user) {
  Racer *racer = user;
  for (guint seq = 0; seq < 1000; seq++) {
    VaultSegment *segment = fixture_segment(racer->take, "a", "0", seq);
    if (!segment)
      break;
    VaultWrite status = VAULT_WRITE_OK;
    for (guint i = 0; i < 4 && status == VAULT_WRITE_OK; i++)
      status = vault_segment_write(segment, racer->bytes, 9000);
    vault_segment_seal(segment, 1, 2);
    racer->written++;
  }
  return NULL;
}

/* Fault 23: a recorder writes, control commits whatever is sealed, and kills at a random moment. After that, what reads is what was answered. */
static void test_kill_races(void) {
  Fixture *fixture = fixture_new(NULL);
  g_autofree guint8 *bytes = pattern(9000);
  const guint rounds = g_test_thorough() ? 200 : 25;
  for (guint round = 0; round < rounds; round++) {
    g_autofree char *session = g_strdup_printf("s%u", round);
    fixture_request(fixture, session, 1, VAULT_SCOPE_AFTER);
    g_array_set_size(fixture->sealed, 0);
    Racer racer = {fixture_take(fixture, session, 1, 1), bytes, 0};
    GThread *recorder = g_thread_new("recorder", race_write, &racer);
    const guint stop_after = (guint)g_test_rand_int_range(0, 6);
    FixtureReply replies[8] = {0};
    for (guint i = 0; i < stop_after; i++) {
      fixture_wait_sealed(fixture, i + 1);
      vault_commit(fixture->vault, g_array_index(fixture->sealed, guint64, i), NULL, fixture_done, &replies[i]);
    }
    vault_take_kill(racer.take, "withdrawn");
    g_thread_join(recorder);
    FixtureReply erase = fixture_erase(fixture, session, 1, VAULT_SCOPE_AFTER, "a");
    g_assert_true(erase.ok);
    for (guint i = 0; i < stop_after; i++) {
      fixture_wait(fixture, &replies[i].there);
      g_autoptr(GError) error = NULL;
      g_autoptr(GBytes) back = read_back(fixture, g_array_index(fixture->sealed, guint64, i), &error);
      g_assert_true((back != NULL) == replies[i].ok);
    }
    vault_take_unref(racer.take);
  }
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  fixture_remove(dir);
}

/* A drop, a commit and the take's own forgetting in one transaction: one leaf says what became of each segment (R21). */
static void test_one_leaf_each(void) {
  Fixture *fixture = fixture_new(NULL);
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
  }
  fixture_reopen(fixture);
  gint64 leaves;
  g_autofree char *difference = replay_difference(fixture->dir, NULL, &leaves);
  g_assert_cmpstr(difference, ==, NULL);
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
  g_test_add_func("/vault/segment/kill-races", test_kill_races);
  g_test_add_func("/vault/segment/one-leaf-each", test_one_leaf_each);
  return g_test_run();
}
