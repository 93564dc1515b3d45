/* SPDX-License-Identifier: Apache-2.0 */
/* Forgetting people: the log outlives the data, and every proof with it (R23). */
#include <sqlite3.h>
#include <string.h>

#include "gate/ledger/proof.h"
#include "gate/vault/vault-private.h"
#include "gate/vault/vault-reports.h"
#include "tests/vault/fixture.h"

static const char *const NAMES[] = {"Dr. Anna Unmistakable", "Benjamin Onlyone"};
static const char *const IDS[] = {"anna-unmistakable", "ben-onlyone"};
#define SESSION    "session-unmistakable"
#define GUEST      "carla-onlyinvited"
#define GUEST_NAME "Carla Neverhere"
#define ASKER_NAME "Unmistakable Practice"

typedef struct Shown { /* what somebody has in their hands: a leaf and its proof, from before */
  char *leaf, *proof, *verifier;
} Shown;

static void on_proven(const VaultReply *reply, gpointer user) {
  Shown *shown = user;
  g_assert_no_error(reply->error);
  shown->leaf = g_strdup(json_string_value(json_object_get(reply->proof, "leaf")));
  shown->proof = g_strdup(json_string_value(json_object_get(reply->proof, "proof")));
}

static gboolean has_proof(gpointer user) {
  return ((Shown *)user)->proof != NULL;
}

static const char *const KEYS[] = {"ca75ca75ca75ca75ca75ca75ca75ca75ca75ca75ca75ca75ca75ca75ca75ca75",
                                   "d095d095d095d095d095d095d095d095d095d095d095d095d095d095d095d095"};

static Shown grant(Fixture *fixture, guint who) {
  Shown shown = {0};
  vault_append_proven(fixture->vault, SESSION,
                      json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "grant", "participant", IDS[who], "request", 1, "disclosure_sha256",
                                "5ca1ab1e", "withdraw_key_sha256", KEYS[who]),
                      on_proven, &shown);
  while (!has_proof(&shown))
    fixture_append(fixture, "other", json_pack("{s:s}", "type", "note"));
  shown.verifier = g_strdup(vault_verifier_text(fixture->vault));
  return shown;
}

static void check_shown(const Shown *shown) {
  g_autoptr(GError) error = NULL;
  g_autoptr(LedgerVerifier) verifier = ledger_verifier_parse(shown->verifier, NULL);
  ProofFile file;
  g_assert_true(proof_file_open(verifier, shown->proof, shown->leaf, strlen(shown->leaf), &file, &error));
  g_assert_no_error(error);
}

static void shown_clear(Shown *shown) {
  g_free(shown->leaf);
  g_free(shown->proof);
  g_free(shown->verifier);
}

static guint64 record(Fixture *fixture, guint take_number) {
  guint64 id = 0;
  VaultTake *take = fixture_take(fixture, SESSION, 1, take_number);
  for (guint who = 0; who < 2; who++) {
    id = fixture_sealed(fixture, take, IDS[who], 0, "media", 5);
    g_assert_true(fixture_commit(fixture, id).ok);
  }
  vault_take_unref(take);
  return id;
}

/* Asked in writing: two people who come, and one who never does. */
static FixtureReply plan(Fixture *fixture, const char *session) {
  return fixture_append(fixture, session,
                        json_pack("{s:s, s:i, s:i, s:i, s:s, s:[{s:s, s:s, s:s}, {s:s, s:s, s:s}, {s:s, s:s, s:s}]}", "type", "plan",
                                  "request", 1, "starts", 1000, "ends", 2000, "name", ASKER_NAME, "participants", "participant", IDS[0],
                                  "name", NAMES[0], "role", "expert", "participant", IDS[1], "name", NAMES[1], "role", "client",
                                  "participant", GUEST, "name", GUEST_NAME, "role", "client"));
}

/* Two people, a request whose text names one of them, a plan, consents, a take, an export, a withdraw_key. */
static void live(Fixture *fixture, Shown shown[2]) {
  FixtureReply reply = {0};
  for (guint who = 0; who < 2; who++)
    g_assert_true(
        fixture_append(fixture, SESSION,
                       json_pack("{s:s, s:s, s:s, s:s}", "type", "join", "participant", IDS[who], "name", NAMES[who], "role", "client"))
            .ok);
  for (guint who = 0; who < 2; who++) { /* R25: what a report says goes with whoever said it */
    const char *id = who == 0 ? "report-0" : "report-1";
    g_assert_true(fixture_append(fixture, SESSION,
                                 json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "report", "participant", IDS[who], "report", id, "kind",
                                           "dispute", "text", NAMES[who]))
                      .ok);
    g_assert_true(
        fixture_append(fixture, SESSION, json_pack("{s:s, s:s, s:s}", "type", "report_sealed", "report", id, "sha256", "5ea1")).ok);
  }
  g_autofree char *text = g_strdup_printf("{\"use\":\"as %s told %s\"}", NAMES[0], NAMES[1]);
  const VaultRecording recording = {SESSION, 1, VAULT_SCOPE_SESSION, 86400, text, "5ca1ab1e", IDS[0]};
  vault_recording_new(fixture->vault, &recording, fixture_done, &reply);
  fixture_wait(fixture, &reply.there);
  g_assert_true(plan(fixture, SESSION).ok);
  for (guint who = 0; who < 2; who++)
    shown[who] = grant(fixture, who);
  g_assert_true(
      fixture_append(fixture, SESSION,
                     json_pack("{s:s, s:i, s:i, s:[s, s]}", "type", "gate_open", "take", 1, "request", 1, "roster", IDS[0], IDS[1]))
          .ok);
  record(fixture, 1);
  g_assert_true(
      fixture_append(fixture, SESSION, json_pack("{s:s, s:s, s:s}", "type", "export_begin", "by", "auditor", "participant", IDS[0])).ok);
  g_assert_true(fixture_append(fixture, SESSION, json_pack("{s:s, s:i, s:s}", "type", "gate_close", "take", 1, "reason", "stopped")).ok);
}

static FixtureReply forget(Fixture *fixture, const char *session, const char *participant) {
  FixtureReply reply = {0};
  vault_forget(fixture->vault, session, participant, fixture_done, &reply);
  fixture_wait(fixture, &reply.there);
  return reply;
}

static guint found(Fixture *fixture, const char *text) {
  return fixture_search(fixture->dir, text, strlen(text));
}

static void check_log(Fixture *fixture, const Shown shown[2]) {
  check_shown(&shown[0]);
  check_shown(&shown[1]);
  fixture_reopen(fixture); /* checks every leaf, tile and the checkpoint */
  check_shown(&shown[0]);
}

static void end(Fixture *fixture, Shown shown[2]) {
  g_autofree char *dir = g_strdup(fixture->dir);
  shown_clear(&shown[0]);
  shown_clear(&shown[1]);
  fixture_free(fixture);
  fixture_remove(dir);
}

static void test_person(void) {
  Fixture *fixture = fixture_new(NULL);
  Shown shown[2];
  live(fixture, shown);
  g_assert_cmpuint(found(fixture, NAMES[1]), ==, 1);                            /* the search does find what is there */
  g_assert_cmpint(forget(fixture, SESSION, IDS[1]).code, ==, VAULT_ERROR_KEPT); /* the recording stands on that consent */
  g_assert_cmpint(forget(fixture, SESSION, "nobody").code, ==, VAULT_ERROR_NOT_FOUND);
  g_assert_cmpuint(found(fixture, IDS[1]), ==, 1);
  g_assert_true(fixture_erase(fixture, SESSION, 1, VAULT_SCOPE_SESSION, IDS[1]).ok);
  fixture_wait_empty(fixture);
  const FixtureReply reply = forget(fixture, SESSION, IDS[1]);
  g_assert_true(reply.ok && reply.leaf_index > 0);
  g_assert_cmpuint(found(fixture, IDS[1]), ==, 0);
  g_assert_cmpuint(found(fixture, NAMES[0]), ==, 1); /* of the other one nothing is lost */
  g_assert_cmpuint(found(fixture, IDS[0]), ==, 1);
  check_log(fixture, shown);
  g_autoptr(VaultReader) reader = vault_reader_open(fixture->dir, fixture->vault, NULL);
  json_auto_t *session = vault_reader_session(reader, SESSION, NULL), *segments = vault_reader_segments(reader, SESSION, NULL);
  json_auto_t *leaf = json_loads(shown[1].leaf, 0, NULL);
  json_auto_t *reports = vault_reader_reports(reader, SESSION, NULL);
  g_assert_cmpuint(json_array_size(reports), ==, 1); /* the other one's, whose waiting bundle is to be sealed anew, without this salt */
  g_assert_true(json_is_null(json_object_get(json_array_get(reports, 0), "bundle_sha256")));
  g_autofree char *to = g_strconcat(VAULT_FORGOTTEN, json_string_value(json_object_get(leaf, "participant")), NULL);
  g_autofree char *dump = json_dumps(session, 0), *listed = json_dumps(segments, 0);
  g_assert_nonnull(strstr(dump, to)); /* the lists still say which leaves are about whom */
  g_assert_nonnull(strstr(listed, to));
  g_assert_cmpint(forget(fixture, SESSION, IDS[1]).code, ==, VAULT_ERROR_NOT_FOUND);
  vault_reader_free(g_steal_pointer(&reader));
  end(fixture, shown);
}

static void test_only_invited(void) {
  Fixture *fixture = fixture_new(NULL);
  Shown shown[2];
  live(fixture, shown);
  g_assert_cmpint(forget(fixture, SESSION, GUEST).code, ==, VAULT_ERROR_KEPT);
  g_assert_true(fixture_erase(fixture, SESSION, 1, VAULT_SCOPE_SESSION, IDS[1]).ok);
  fixture_wait_empty(fixture);
  g_assert_true(forget(fixture, SESSION, GUEST).ok);
  g_assert_cmpuint(found(fixture, GUEST), ==, 0);
  g_assert_cmpuint(found(fixture, GUEST_NAME), ==, 0);
  g_assert_cmpuint(found(fixture, NAMES[0]), ==, 1);
  g_assert_cmpint(forget(fixture, SESSION, GUEST).code, ==, VAULT_ERROR_NOT_FOUND);
  g_autoptr(VaultReader) reader = vault_reader_open(fixture->dir, fixture->vault, NULL);
  json_auto_t *session = vault_reader_session(reader, SESSION, NULL);
  const json_t *invited = json_object_get(json_object_get(session, "plan"), "invited"), *guest = json_array_get(invited, 2);
  g_assert_cmpuint(json_array_size(invited), ==, 3);
  g_assert_true(g_str_has_prefix(json_string_value(json_object_get(guest, "id")), VAULT_FORGOTTEN));
  g_assert_true(json_is_null(json_object_get(guest, "name")));
  vault_reader_free(g_steal_pointer(&reader));
  check_log(fixture, shown);
  end(fixture, shown);
}

/* A session that was forgotten is none: one of its name is planned as if there had never been another. */
static void test_planned_again(void) {
  Fixture *fixture = fixture_new(NULL);
  Shown shown[2];
  live(fixture, shown);
  g_assert_true(fixture_erase(fixture, SESSION, 1, VAULT_SCOPE_SESSION, IDS[1]).ok);
  fixture_wait_empty(fixture);
  g_assert_true(forget(fixture, SESSION, NULL).ok);
  g_assert_true(fixture_request(fixture, SESSION, 1, VAULT_SCOPE_SESSION).ok);
  g_assert_true(plan(fixture, SESSION).ok);
  g_assert_true(vault_healthy(fixture->vault));
  g_assert_true(forget(fixture, SESSION, NULL).ok); /* and forgotten again */
  g_assert_cmpuint(found(fixture, GUEST), ==, 0);
  check_log(fixture, shown);
  end(fixture, shown);
}

static void test_session(void) {
  Fixture *fixture = fixture_new(NULL);
  Shown shown[2];
  live(fixture, shown);
  g_assert_cmpint(forget(fixture, SESSION, NULL).code, ==, VAULT_ERROR_KEPT);
  g_assert_cmpuint(found(fixture, NAMES[0]), ==, 1);
  g_assert_true(fixture_erase(fixture, SESSION, 1, VAULT_SCOPE_SESSION, IDS[1]).ok);
  fixture_wait_empty(fixture);
  g_assert_true(forget(fixture, SESSION, NULL).ok);
  const char *const gone[] = {NAMES[0], NAMES[1], IDS[0], IDS[1], SESSION, "5ca1ab1e", GUEST, GUEST_NAME, ASKER_NAME};
  for (guint i = 0; i < G_N_ELEMENTS(gone); i++)
    g_assert_cmpuint(found(fixture, gone[i]), ==, 0);
  check_log(fixture, shown);
  g_assert_cmpint(forget(fixture, SESSION, NULL).code, ==, VAULT_ERROR_NOT_FOUND);
  end(fixture, shown);
}

/* More segments than one slice; and a live take is not forgotten. */
static void test_many_segments(void) {
  Fixture *fixture = fixture_new(NULL);
  Shown shown[2];
  live(fixture, shown);
  g_autofree char *path = g_build_filename(fixture->dir, "vault.db", NULL);
  sqlite3 *db = NULL;
  g_assert_true(fixture_append(fixture, SESSION, json_pack("{s:s, s:i, s:i}", "type", "gate_open", "take", 2, "request", 1)).ok);
  g_assert_true(fixture_erase(fixture, SESSION, 1, VAULT_SCOPE_SESSION, IDS[1]).ok);
  fixture_wait_empty(fixture);
  g_assert_cmpint(forget(fixture, SESSION, NULL).code, ==, VAULT_ERROR_KEPT);
  g_assert_true(fixture_append(fixture, SESSION, json_pack("{s:s, s:i}", "type", "gate_close", "take", 2)).ok);
  g_assert_cmpint(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_busy_timeout(db, 20000), ==, SQLITE_OK); /* the vault is tidying up */
  g_assert_cmpint(
      sqlite3_exec(db,
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO segments(recording, take,"
                   " participant, track, medium, codec, seq, continues, bytes, consent_set) SELECT 1, 1, 'ben-onlyone', '0', 'audio',"
                   " 'opus', i, 0, 1, 'c5' FROM n",
                   NULL, NULL, NULL),
      ==, SQLITE_OK);
  sqlite3_close(db);
  g_assert_true(forget(fixture, SESSION, NULL).ok);
  g_assert_cmpuint(found(fixture, IDS[1]), ==, 0);
  check_log(fixture, shown);
  end(fixture, shown);
}

/* Ten minutes have passed and the wall clock is believed. */
static void let_pass(Vault *vault, Job *job) {
  vault->retention.clock.believed_from_us = 0;
  vault->retention.next_us = 0;
  g_free(job);
}

static void cancel(Vault *vault, Job *job) {
  (void)vault;
  g_free(job);
}

static void look(Fixture *fixture) {
  Job *job = g_new0(Job, 1);
  *job = (Job){.run = let_pass, .cancel = cancel};
  vault_push(fixture->vault, LANE_LEDGER, job);
}

static void age(Fixture *fixture, const char *sql) {
  g_autofree char *path = g_build_filename(fixture->dir, "vault.db", NULL);
  sqlite3 *db = NULL;
  g_assert_cmpint(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_busy_timeout(db, 20000), ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close(db);
}

static void test_by_itself(void) {
  Fixture *fixture = fixture_new(NULL);
  Shown shown[2];
  live(fixture, shown);
  for (guint who = 0; who < 2; who++)
    fixture_append(fixture, SESSION, json_pack("{s:s, s:s, s:s}", "type", "leave", "participant", IDS[who], "reason", "left"));
  vault_set_personal_data(fixture->vault, 24 * 3600);
  age(fixture, "UPDATE sessions SET last_at = last_at - 2 * 24 * 3600 * 1000");
  look(fixture);
  fixture_append(fixture, "other", json_pack("{s:s}", "type", "note"));
  fixture_append(fixture, "other", json_pack("{s:s}", "type", "note"));
  g_assert_cmpuint(found(fixture, NAMES[0]), ==, 1); /* a recording is kept, and its retention has just begun */
  age(fixture, "UPDATE retentions SET wall_due = 1");
  look(fixture);
  fixture_wait_empty(fixture); /* the same clock ends it */
  age(fixture, "UPDATE sessions SET last_at = last_at - 2 * 24 * 3600 * 1000");
  const gint64 end_us = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
  while (found(fixture, NAMES[0]) && g_get_monotonic_time() < end_us) {
    look(fixture);
    fixture_append(fixture, "other", json_pack("{s:s}", "type", "note"));
  }
  g_assert_cmpuint(found(fixture, NAMES[0]), ==, 0);
  g_assert_cmpuint(found(fixture, SESSION), ==, 0);
  g_assert_cmpuint(found(fixture, "other"), >=, 1);
  check_log(fixture, shown);
  end(fixture, shown);
}

static gboolean is_forgotten_soon(Fixture *fixture, const char *name) {
  for (guint i = 0; i < 20 && found(fixture, name); i++) {
    age(fixture, "UPDATE sessions SET last_at = last_at - 2 * 24 * 3600 * 1000");
    look(fixture);
    fixture_append(fixture, "other", json_pack("{s:s}", "type", "note"));
  }
  return !found(fixture, name);
}

/* R5: planned long ahead, nothing has happened in it for as long; it is to take place all the same. */
static void test_planned_ahead(void) {
  Fixture *fixture = fixture_new(NULL);
  const gint64 ends = g_get_real_time() / 1000 + 3600 * 1000;
  fixture_append(fixture, "ahead",
                 json_pack("{s:s, s:i, s:i, s:I, s:s, s:[{s:s, s:s, s:s}]}", "type", "plan", "request", 7, "starts", 1000, "ends",
                           (json_int_t)ends, "name", "Clinic", "participants", "participant", "guest-1", "name", "Theodora Guest", "role",
                           "client"));
  vault_set_personal_data(fixture->vault, 24 * 3600);
  g_assert_false(is_forgotten_soon(fixture, "Theodora Guest"));
  age(fixture, "UPDATE plans SET ends = 1");
  g_assert_true(is_forgotten_soon(fixture, "Theodora Guest"));
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  fixture_remove(dir);
}

static gboolean is_live(const char *session, guint64 request, gpointer user) {
  return strcmp(session, "again") == 0 && request == 0 && *(const gboolean *)user;
}

/* R7, R23: who was in the session before a restart and is in it now is not forgotten under the call's hands. */
static void test_there_again(void) {
  Fixture *fixture = fixture_new(NULL);
  gboolean live = TRUE;
  const char *const join = "{\"type\": \"join\", \"participant\": \"guest-1\", \"name\": \"Theodora Guest\", \"role\": \"client\"}";
  fixture_append(fixture, "again", json_loads(join, 0, NULL));
  fixture_reopen(fixture);
  vault_set_overdue(fixture->vault, is_live, &live);
  fixture_append(fixture, "again", json_loads(join, 0, NULL));
  vault_set_personal_data(fixture->vault, 24 * 3600);
  g_assert_false(is_forgotten_soon(fixture, "Theodora Guest"));
  live = FALSE;
  g_assert_true(is_forgotten_soon(fixture, "Theodora Guest"));
  g_autofree char *dir = g_strdup(fixture->dir);
  fixture_free(fixture);
  fixture_remove(dir);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/vault/forget/person", test_person);
  g_test_add_func("/vault/forget/only-invited", test_only_invited);
  g_test_add_func("/vault/forget/session", test_session);
  g_test_add_func("/vault/forget/planned-again", test_planned_again);
  g_test_add_func("/vault/forget/many-segments", test_many_segments);
  g_test_add_func("/vault/forget/by-itself", test_by_itself);
  g_test_add_func("/vault/forget/planned-ahead", test_planned_ahead);
  g_test_add_func("/vault/forget/there-again", test_there_again);
  return g_test_run();
}
