/* SPDX-License-Identifier: Apache-2.0 */
/* What was planned and answered in writing is there again after a restart (R5), and what ended it stays ended (R4). */
#include <string.h>

#include "tests/vault/fixture.h"

typedef struct Recalled {
  gboolean there, used;
  guint32 requests;
  guint nos;
  json_t *plan;
} Recalled;

static void on_recalled(const VaultRecall *recall, const GError *error, gpointer user) {
  Recalled *recalled = user;
  g_assert_no_error(error);
  recalled->there = TRUE;
  recalled->used = recall->used;
  recalled->requests = recall->requests;
  recalled->nos = g_strv_length((char **)recall->nos);
  recalled->plan = json_deep_copy(recall->plan);
}

static Recalled recall(Fixture *fixture) {
  Recalled recalled = {0};
  vault_session_recall(fixture->vault, "s", on_recalled, &recalled);
  fixture_wait(fixture, &recalled.there);
  return recalled;
}

static void append(Fixture *fixture, json_t *leaf) {
  g_assert_true(fixture_append(fixture, "s", leaf).ok);
}

static Fixture *planned(void) {
  Fixture *fixture = fixture_new(NULL);
  g_assert_true(fixture_request(fixture, "s", 7, VAULT_SCOPE_SESSION).ok);
  append(fixture, json_pack("{s:s, s:i, s:i, s:i, s:s, s:[{s:s, s:s, s:s}, {s:s, s:s, s:s}]}", "type", "plan", "request", 7, "starts", 1000,
                            "ends", 2000, "name", "Clinic Example", "participants", "participant", "anna", "name", "Anna Example", "role",
                            "expert", "participant", "ben", "name", "Benjamin Example\n", "role", "client"));
  append(fixture, json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "grant", "participant", "ben", "request", 7, "media", "audio",
                            "disclosure_sha256", "5ca1ab1e"));
  return fixture;
}

static const char *text(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

static void test_restart(void) {
  Fixture *fixture = planned();
  fixture_reopen(fixture);
  Recalled known = recall(fixture);
  const json_t *people = json_object_get(known.plan, "participants");
  g_assert_true(known.used);
  g_assert_cmpuint(known.requests, ==, 1);
  g_assert_cmpuint(known.nos, ==, 0);
  g_assert_cmpint(json_integer_value(json_object_get(known.plan, "request")), ==, 7);
  g_assert_cmpint(json_integer_value(json_object_get(known.plan, "ends")), ==, 2000);
  g_assert_true(json_is_false(json_object_get(known.plan, "over")));
  g_assert_cmpstr(text(known.plan, "asker_name"), ==, "Clinic Example");
  g_assert_nonnull(text(known.plan, "disclosure"));
  g_assert_cmpuint(json_array_size(people), ==, 2);
  g_assert_cmpstr(text(json_array_get(people, 0), "id"), ==, "anna"); /* in the order of the invitation */
  g_assert_null(json_object_get(json_array_get(people, 0), "answer"));
  g_assert_cmpstr(text(json_array_get(people, 1), "name"), ==, "Benjamin Example\n");
  g_assert_cmpstr(text(json_array_get(people, 1), "answer"), ==, "granted");
  g_assert_cmpstr(text(json_array_get(people, 1), "media"), ==, "audio");
  g_assert_true(json_is_false(json_object_get(json_array_get(people, 1), "was_here")));
  json_decref(known.plan);

  append(fixture, json_pack("{s:s, s:s, s:s, s:s}", "type", "join", "participant", "ben", "name", "Benjamin Example", "role", "client"));
  known = recall(fixture);
  g_assert_true(json_is_true(json_object_get(json_array_get(json_object_get(known.plan, "participants"), 1), "was_here")));
  json_decref(known.plan);
  fixture_end(fixture);
}

static void check_over(json_t *leaf, guint nos) {
  Fixture *fixture = planned();
  append(fixture, leaf);
  fixture_reopen(fixture);
  Recalled known = recall(fixture);
  g_assert_true(json_is_true(json_object_get(known.plan, "over")));
  g_assert_cmpuint(known.nos, ==, nos);
  json_decref(known.plan);
  fixture_end(fixture);
}

static void test_over(void) {
  check_over(json_pack("{s:s, s:s, s:i}", "type", "decline", "participant", "anna", "request", 7), 1);
  check_over(json_pack("{s:s, s:s, s:i}", "type", "withdraw", "participant", "ben", "request", 7), 1);
  check_over(json_pack("{s:s, s:s}", "type", "withdraw", "participant", "ben"), 1);
  check_over(json_pack("{s:s, s:s}", "type", "stop", "participant", "anna"), 0);
}

/* R23: nobody is named on the ledger. */
static void test_sealed(void) {
  Fixture *fixture = planned();
  g_autoptr(GError) error = NULL;
  g_autoptr(VaultReader) reader = vault_reader_open(fixture->dir, fixture->vault, &error);
  g_assert_no_error(error);
  GBytes *entries = vault_reader_entries(reader, 0, 3, &error);
  g_assert_no_error(error);
  gsize n;
  const char *bytes = g_bytes_get_data(entries, &n);
  g_assert_nonnull(memmem(bytes, n, "\"plan\"", 6));
  static const char *const personal[] = {"anna", "Anna", "Benjamin", "Clinic", "Example"};
  for (guint i = 0; i < G_N_ELEMENTS(personal); i++)
    g_assert_null(memmem(bytes, n, personal[i], strlen(personal[i])));
  g_bytes_unref(entries);

  json_t *session = vault_reader_session(reader, "s", &error);
  g_assert_no_error(error);
  const json_t *plan = json_object_get(session, "plan");
  g_assert_cmpstr(text(plan, "starts"), ==, "1970-01-01T00:00:01.000Z");
  g_assert_cmpstr(text(json_array_get(json_object_get(plan, "invited"), 1), "id"), ==, "ben");
  json_decref(session);
  g_clear_pointer(&reader, vault_reader_free);
  fixture_end(fixture);
}

/* A second plan of a session, or a person twice in one, is refused to who asks; the store is well, and every other session goes on (R7). */
static void test_twice(void) {
  Fixture *fixture = planned();
  const FixtureReply again =
      fixture_append(fixture, "s",
                     json_pack("{s:s, s:i, s:i, s:i, s:s, s:[{s:s, s:s, s:s}]}", "type", "plan", "request", 8, "starts", 1000, "ends", 2000,
                               "name", "Clinic Example", "participants", "participant", "anna", "name", "Anna Example", "role", "expert"));
  g_assert_cmpint(again.code, ==, VAULT_ERROR_EXISTS);
  const FixtureReply doubled =
      fixture_append(fixture, "t",
                     json_pack("{s:s, s:i, s:i, s:i, s:s, s:[{s:s, s:s, s:s}, {s:s, s:s, s:s}]}", "type", "plan", "request", 1, "starts",
                               1000, "ends", 2000, "name", "Clinic Example", "participants", "participant", "anna", "name", "Anna Example",
                               "role", "expert", "participant", "anna", "name", "Anna Example", "role", "client"));
  g_assert_cmpint(doubled.code, ==, VAULT_ERROR_EXISTS);
  g_assert_true(vault_healthy(fixture->vault));
  Recalled known = recall(fixture);
  g_assert_cmpint(json_integer_value(json_object_get(known.plan, "request")), ==, 7);
  json_decref(known.plan);
  fixture_end(fixture);
}

static void test_unplanned(void) {
  Fixture *fixture = fixture_new(NULL);
  Recalled known = recall(fixture);
  g_assert_false(known.used);
  g_assert_null(known.plan);
  append(fixture, json_pack("{s:s, s:s, s:s, s:s}", "type", "join", "participant", "ben", "name", "Benjamin Example", "role", "client"));
  known = recall(fixture);
  g_assert_true(known.used);
  g_assert_null(known.plan);
  fixture_end(fixture);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/vault/plan/restart-R5", test_restart);
  g_test_add_func("/vault/plan/over-R4", test_over);
  g_test_add_func("/vault/plan/sealed-R23", test_sealed);
  g_test_add_func("/vault/plan/twice", test_twice);
  g_test_add_func("/vault/plan/unplanned", test_unplanned);
  return g_test_run();
}
