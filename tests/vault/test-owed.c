/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves that the store refuses: what nobody waits for is written later, before all that came after it (R21), and until then the vault is not healthy (R7). */
#include <string.h>

#include "gate/vault/vault-private.h"
#include "tests/vault/fixture.h"

typedef struct SqlJob {
  Job job;
  const char *text;
} SqlJob;

static void sql_run(Vault *vault, Job *job) {
  g_assert_cmpint(sqlite3_exec(vault->db, ((SqlJob *)job)->text, NULL, NULL, NULL), ==, SQLITE_OK);
  g_free(job);
}

/* On the storage thread, in the order of the ledger's jobs. text: a literal. */
static void sql(Fixture *fixture, const char *text) {
  SqlJob *job = g_new(SqlJob, 1);
  *job = (SqlJob){{.run = sql_run}, text};
  g_assert_true(vault_push(fixture->vault, LANE_LEDGER, &job->job));
}

static void refuse(Fixture *fixture) {
  sql(fixture, "CREATE TEMP TRIGGER refusing BEFORE INSERT ON main.leaves BEGIN SELECT raise(ABORT, 'the test refuses'); END");
}

static void relent(Fixture *fixture) {
  sql(fixture, "DROP TRIGGER refusing");
}

static void note(Fixture *fixture, const char *type, FixtureReply *reply) {
  vault_append(fixture->vault, "s", json_pack("{s:s}", "type", type), reply != NULL ? fixture_done : NULL, reply);
}

typedef struct OrderJob {
  Job job;
  GString *order;
} OrderJob;

static void order_run(Vault *vault, Job *job) {
  g_autoptr(sqlite3_stmt) rows = store_query(vault->db, NULL, "SELECT json_extract(leaf, '$.type') FROM leaves ORDER BY idx", "");
  gboolean failed = FALSE;
  while (store_step(rows, &failed, NULL))
    g_string_append(((OrderJob *)job)->order, store_text(rows, 0));
  g_free(job);
}

/* The types of all leaves, one after the other. */
static char *order_of(Fixture *fixture) {
  GString *order = g_string_new(NULL);
  OrderJob *job = g_new(OrderJob, 1);
  *job = (OrderJob){{.run = order_run}, order};
  g_assert_true(vault_push(fixture->vault, LANE_LEDGER, &job->job));
  (void)fixture_append(fixture, "other", json_pack("{s:s}", "type", ".")); /* behind it */
  return g_string_free(order, FALSE);
}

static void until_unhealthy(Fixture *fixture) {
  while (fixture->healthy)
    g_main_context_iteration(fixture->control, TRUE);
}

static void until_healthy(Fixture *fixture) {
  fixture_wait(fixture, &fixture->healthy);
}

static void test_written_in_order(void) {
  Fixture *fixture = fixture_new(NULL);
  FixtureReply refused = {0}, accepted = {0};
  note(fixture, "a", NULL);
  refuse(fixture);
  note(fixture, "b", NULL);
  note(fixture, "x", &refused); /* who waits is told, and asks again or does not */
  note(fixture, "c", NULL);
  relent(fixture);
  note(fixture, "d", NULL);
  note(fixture, "e", &accepted);
  fixture_wait(fixture, &accepted.there);
  g_assert_true(refused.there && !refused.ok && refused.code == VAULT_ERROR_STORAGE);
  g_assert_true(accepted.ok);
  g_autofree char *order = order_of(fixture);
  g_assert_cmpstr(order, ==, "abcde");
  until_healthy(fixture);
  fixture_end(fixture);
}

/* One refusal among many that the store would take. */
static void test_holds_up_its_neighbours(void) {
  Fixture *fixture = fixture_new(NULL);
  sql(fixture, "CREATE TEMP TRIGGER refusing BEFORE INSERT ON main.leaves WHEN json_extract(new.leaf, '$.type') = 'b'"
               " BEGIN SELECT raise(ABORT, 'the test refuses'); END");
  for (const char *type = "abcdefgh"; *type != '\0'; type++)
    note(fixture, (const char[]){*type, '\0'}, NULL);
  until_unhealthy(fixture);
  g_usleep(2 * G_USEC_PER_SEC); /* the store works, but the log is not whole */
  g_assert_false(vault_healthy(fixture->vault));
  relent(fixture);
  until_healthy(fixture); /* by itself */
  g_autofree char *order = order_of(fixture);
  g_assert_cmpstr(order, ==, "abcdefgh");
  fixture_end(fixture);
}

/* A stranger's bad tokens belong to no session: they are not owed, and hold up nobody. */
static void test_of_no_session(void) {
  Fixture *fixture = fixture_new(NULL);
  FixtureReply reply = {0};
  refuse(fixture);
  vault_append(fixture->vault, NULL, json_pack("{s:s, s:s}", "type", "refused", "why", "no token"), NULL, NULL);
  relent(fixture);
  note(fixture, "a", &reply);
  fixture_wait(fixture, &reply.there);
  g_assert_true(reply.ok);
  g_autofree char *order = order_of(fixture);
  g_assert_cmpstr(order, ==, "a");
  fixture_end(fixture);
}

/* More than are written at once. An erase in between is not held up by more than one step of them (R6). */
static void test_many(void) {
  Fixture *fixture = fixture_new(NULL);
  g_autoptr(GString) wanted = g_string_new("request");
  fixture_request(fixture, "s", 1, VAULT_SCOPE_SESSION);
  refuse(fixture);
  for (guint i = 0; i < 1000; i++) {
    g_autofree char *type = g_strdup_printf("%u,", i);
    note(fixture, type, NULL);
    g_string_append(wanted, type);
  }
  until_unhealthy(fixture);
  relent(fixture);
  g_assert_true(fixture_erase(fixture, "s", 1, VAULT_SCOPE_SESSION, "a").ok);
  until_healthy(fixture);
  g_autofree char *order = order_of(fixture);
  g_auto(GStrv) around = g_strsplit(order, "purge", -1);
  g_assert_cmpuint(g_strv_length(around), ==, 2);
  g_autofree char *without = g_strconcat(around[0], around[1], NULL);
  g_assert_cmpstr(without, ==, wanted->str);
  fixture_end(fixture);
}

/* An orderly end writes them as well, if the store can by then. */
static void test_end_writes(void) {
  Fixture *fixture = fixture_new(NULL);
  refuse(fixture);
  note(fixture, "a", NULL);
  note(fixture, "b", NULL);
  relent(fixture);
  fixture_reopen(fixture);
  g_autofree char *order = order_of(fixture);
  g_assert_cmpstr(order, ==, "ab");
  refuse(fixture);
  note(fixture, "c", NULL);
  fixture_reopen(fixture); /* it cannot: they are lost, and nothing else */
  g_autofree char *after = order_of(fixture);
  g_assert_cmpstr(after, ==, "ab.");
  fixture_end(fixture);
}

static void gate(Fixture *fixture, const char *type, gint take) {
  vault_append(fixture->vault, "s", json_pack("{s:s, s:i, s:i, s:s}", "type", type, "request", 1, "take", take, "reason", "left"), NULL,
               NULL);
}

/* An opening that was refused was none, and its closing is not told either; a closing is never lost. */
static void test_gate(void) {
  Fixture *fixture = fixture_new(NULL);
  fixture_request(fixture, "s", 1, VAULT_SCOPE_SESSION);
  refuse(fixture);
  gate(fixture, "gate_open", 1);
  relent(fixture);
  gate(fixture, "gate_close", 1);
  gate(fixture, "gate_open", 2);
  refuse(fixture);
  gate(fixture, "gate_close", 2);
  gate(fixture, "gate_open", 3);
  gate(fixture, "gate_close", 3);
  relent(fixture);
  gate(fixture, "gate_open", 4);
  gate(fixture, "gate_close", 4);
  g_autofree char *order = order_of(fixture);
  g_assert_cmpstr(order, ==, "requestgate_opengate_closegate_opengate_close");
  fixture_end(fixture);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/vault/owed/written-in-order", test_written_in_order);
  g_test_add_func("/vault/owed/holds-up-its-neighbours", test_holds_up_its_neighbours);
  g_test_add_func("/vault/owed/of-no-session", test_of_no_session);
  g_test_add_func("/vault/owed/many", test_many);
  g_test_add_func("/vault/owed/gate", test_gate);
  g_test_add_func("/vault/owed/end-writes", test_end_writes);
  return g_test_run();
}
