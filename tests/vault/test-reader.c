/* SPDX-License-Identifier: Apache-2.0 */
/* Lists in PROTOCOL.md's shapes, offline and beside a running vault; keys for withdrawing later. */
#include <sqlite3.h>
#include <string.h>

#include "gate/vault/vault-private.h"
#include "tests/vault/fixture.h"

static const char *text(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

static void leaf(Fixture *fixture, json_t *object) {
  g_assert_true(fixture_append(fixture, "s", object).ok);
}

static guint64 tell_story(Fixture *fixture) {
  leaf(fixture, json_pack("{s:s}", "type", "session"));
  leaf(fixture, json_pack("{s:s, s:s, s:s, s:s}", "type", "join", "participant", "e", "name", "Eve\n\x1b[31m", "role", "expert"));
  leaf(fixture, json_pack("{s:s, s:s, s:s, s:s}", "type", "join", "participant", "c", "name", "Carl", "role", "client"));
  fixture_request(fixture, "s", 1, VAULT_SCOPE_SESSION);
  leaf(fixture, json_pack("{s:s, s:s, s:i, s:[s], s:s}", "type", "grant", "participant", "c", "request", 1, "media", "audio",
                          "disclosure_sha256", "5ca1ab1e"));
  leaf(fixture, json_pack("{s:s, s:i, s:i, s:[s, s]}", "type", "gate_open", "request", 1, "take", 1, "roster", "e", "c"));
  VaultTake *take = fixture_take(fixture, "s", 1, 1);
  const guint64 id = fixture_sealed(fixture, take, "c", 0, "media", 5);
  g_assert_true(fixture_commit(fixture, id).ok);
  vault_take_unref(take);
  leaf(fixture, json_pack("{s:s, s:i, s:s}", "type", "gate_close", "take", 1, "reason", "paused"));
  leaf(fixture, json_pack("{s:s, s:s, s:s}", "type", "leave", "participant", "c", "reason", "left"));
  leaf(fixture, json_pack("{s:s, s:s, s:i}", "type", "withdraw", "participant", "c", "request", 1));
  return id;
}

static void check_segments(VaultReader *reader, const char *state, const char *reason) {
  g_autoptr(GError) error = NULL;
  json_t *list = vault_reader_segments(reader, "s", &error);
  g_assert_no_error(error);
  const json_t *one = json_array_get(list, 0);
  g_assert_cmpuint(json_array_size(list), ==, 1);
  static const char *const names[] = {"id",    "take", "participant", "medium", "seq",   "continues",
                                      "start", "end",  "bytes",       "sha256", "state", "reason"};
  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    g_assert_nonnull(json_object_get(one, names[i]));
  g_assert_cmpstr(text(one, "state"), ==, state);
  g_assert_cmpstr(text(one, "reason"), ==, reason);
  g_assert_cmpuint(strlen(text(one, "start")), ==, strlen("2026-01-01T00:00:00.000Z"));
  g_autoptr(GDateTime) start = g_date_time_new_from_iso8601(text(one, "start"), NULL);
  g_autoptr(GDateTime) stop = g_date_time_new_from_iso8601(text(one, "end"), NULL);
  g_assert_cmpint(g_date_time_difference(stop, start), ==, 5 * G_TIME_SPAN_SECOND);
  json_decref(list);
}

static void check_session(VaultReader *reader) {
  g_autoptr(GError) error = NULL;
  json_t *one = vault_reader_session(reader, "s", &error);
  g_assert_no_error(error);
  const json_t *people = json_object_get(one, "participants"), *consents = json_object_get(one, "consents");
  g_assert_cmpuint(json_array_size(people), ==, 2);
  g_assert_cmpstr(text(json_array_get(people, 0), "name"), ==, "Eve\n\x1b[31m");
  g_assert_cmpstr(text(json_array_get(people, 1), "reason"), ==, "left");
  g_assert_cmpstr(text(json_array_get(consents, 0), "answer"), ==, "withdrawn");
  g_assert_cmpstr(json_string_value(json_array_get(json_object_get(json_array_get(consents, 0), "media"), 0)), ==, "audio");
  const json_t *history = json_object_get(one, "gate_history");
  g_assert_cmpuint(json_array_size(history), ==, 2);
  g_assert_cmpstr(text(json_array_get(history, 1), "reason"), ==, "paused");
  g_assert_cmpuint(json_array_size(json_object_get(json_array_get(json_object_get(one, "takes"), 0), "roster")), ==, 2);
  json_decref(one);
  g_assert_null(vault_reader_session(reader, "t", &error));
  g_assert_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND);
}

static void test_lists(void) {
  Fixture *fixture = fixture_new(NULL);
  tell_story(fixture);
  g_autoptr(VaultReader) reader = vault_reader_open(fixture->dir, fixture->vault, NULL);
  check_session(reader);
  check_segments(reader, "kept", NULL);
  json_t *sessions = vault_reader_sessions(reader, NULL);
  g_assert_cmpuint(json_array_size(sessions), ==, 1);
  g_assert_cmpint(json_integer_value(json_object_get(json_array_get(sessions, 0), "segments")), ==, 1);
  json_decref(sessions);
  fixture_erase(fixture, "s", 1, VAULT_SCOPE_SESSION, "c");
  check_segments(reader, "purged", "withdrawn");
  g_clear_pointer(&reader, vault_reader_free);
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  reader = vault_reader_open(dir, NULL, NULL); /* offline */
  check_session(reader);
  check_segments(reader, "purged", "withdrawn");
  g_clear_pointer(&reader, vault_reader_free);
  fixture_remove(dir);
}

/* More than one page of rows, and an erase while a reader is at work: it is not kept waiting, and the reader notices (fault 36). */
static void test_many(void) {
  Fixture *fixture = fixture_new(NULL);
  fixture_request(fixture, "s", 1, VAULT_SCOPE_SESSION);
  VaultTake *take = fixture_take(fixture, "s", 1, 1);
  FixtureReply last = {0};
  for (guint i = 0; i < 300; i++) {
    const guint64 id = fixture_sealed(fixture, take, "c", i, "media", 5);
    vault_commit(fixture->vault, id, NULL, i == 299 ? fixture_done : NULL, &last);
  }
  fixture_wait(fixture, &last.there);
  g_autoptr(VaultReader) reader = vault_reader_open(fixture->dir, fixture->vault, NULL);
  json_t *list = vault_reader_segments(reader, "s", NULL);
  g_assert_cmpuint(json_array_size(list), ==, 300);
  for (guint i = 0; i < 300; i++)
    g_assert_cmpint(json_integer_value(json_object_get(json_array_get(list, i), "seq")), ==, i);
  json_decref(list);
  FixtureReply reply = {0};
  const VaultErase erase = {.session = "s", .request = 1, .scope = VAULT_SCOPE_SESSION, .participant = "c", .reason = "withdrawn"};
  g_autoptr(GError) error = NULL;
  vault_erase(fixture->vault, &erase, fixture_done, &reply);
  /* Asked for, perhaps not yet done: nothing of it is given out any more. */
  g_assert_null(vault_reader_segment_bytes(reader, g_array_index(fixture->sealed, guint64, 7), &error));
  g_assert_error(error, VAULT_ERROR, VAULT_ERROR_ERASED);
  fixture_wait(fixture, &reply.there);
  g_assert_cmpuint(reply.segments, ==, 300);
  vault_take_unref(take);
  g_autofree char *dir = g_strdup(fixture->dir);
  g_clear_pointer(&reader, vault_reader_free);
  fixture_free(fixture);
  fixture_remove(dir);
}

typedef struct Found {
  gboolean there, failed;
  char *session, *participant;
  guint64 request;
} Found;

static void on_found(const char *session, guint64 request, const char *participant, const GError *error, gpointer user) {
  Found *found = user;
  *found = (Found){TRUE, error != NULL, g_strdup(session), g_strdup(participant), request};
}

static int deny(void *user, int action, const char *a, const char *b, const char *c, const char *d) {
  (void)user, (void)action, (void)a, (void)b, (void)c, (void)d;
  return SQLITE_DENY;
}

static void deny_run(Vault *vault, Job *job) {
  sqlite3_set_authorizer(vault->db, deny, NULL);
  g_free(job);
}

/* From now on the database answers nothing. */
static void deny_all(Fixture *fixture) {
  Job *job = g_new0(Job, 1);
  *job = (Job){.run = deny_run};
  vault_push(fixture->vault, LANE_ERASE, job);
}

static void test_withdraw_key(void) {
  Fixture *fixture = fixture_new(NULL);
  guint8 sha256[32] = {7}, other[32] = {8};
  Found found = {0};
  const char *const hex = "0700000000000000000000000000000000000000000000000000000000000000";
  vault_append(fixture->vault, "s",
               json_pack("{s:s, s:i, s:s, s:s}", "type", "grant", "request", 3, "participant", "c", "withdraw_key_sha256", hex), NULL,
               NULL);
  vault_withdraw_key_find(fixture->vault, sha256, on_found, &found); /* at once behind it */
  fixture_wait(fixture, &found.there);
  g_assert_cmpstr(found.session, ==, "s");
  g_assert_cmpstr(found.participant, ==, "c");
  g_assert_cmpuint(found.request, ==, 3);
  g_free(found.session);
  g_free(found.participant);
  found = (Found){0};
  vault_withdraw_key_find(fixture->vault, other, on_found, &found);
  fixture_wait(fixture, &found.there);
  g_assert_true(found.session == NULL && !found.failed);
  found = (Found){0};
  deny_all(fixture); /* R6: who holds a key is not told that it is unknown because nobody can look */
  vault_withdraw_key_find(fixture->vault, sha256, on_found, &found);
  fixture_wait(fixture, &found.there);
  g_assert_true(found.session == NULL && found.failed);
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  fixture_remove(dir);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/vault/reader/lists", test_lists);
  g_test_add_func("/vault/reader/many", test_many);
  g_test_add_func("/vault/reader/withdraw-key", test_withdraw_key);
  return g_test_run();
}
