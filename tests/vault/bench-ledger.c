/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger costs, durability on. For tests/bench/ledger.sh; each run prints one line of JSON.
 *
 * usage: bench-ledger events N WINDOW   N events of a busy gate through vault_append, WINDOW of them under way at once: events a second.
 *        bench-ledger erase LEAVES N    N erases in a vault whose log has LEAVES leaves: microseconds from asking to durable, and what one
 *                                       checkpoint of that log costs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate/ledger/commitment.h"
#include "gate/vault/storage-thread.h"
#include "gate/vault/store.h"
#include "tests/vault/fixture.h"

#define SESSIONS   100
#define PEOPLE     4
#define SIGN_TIMES 255 /* one for each width of the last tile */

/* --- events --- */

typedef struct Flow {
  Fixture *fixture;
  guint sent, answered, refused, total;
} Flow;

static json_t *event(guint n) {
  char person[8];
  g_snprintf(person, sizeof person, "p%u", n % PEOPLE);
  switch (n / SESSIONS % 5) {
  case 0:
    return json_pack("{s:s, s:s, s:s, s:s}", "type", "join", "participant", person, "name", "Some Name", "role", "client");
  case 1:
    return json_pack("{s:s, s:s, s:i, s:s}", "type", "grant", "participant", person, "request", 1, "disclosure_sha256",
                     "d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24");
  case 2:
    return json_pack("{s:s, s:i, s:I, s:[s, s, s]}", "type", "gate_open", "request", 1, "take", (json_int_t)n, "roster", "p0", "p1", "p2");
  case 3:
    return json_pack("{s:s, s:I, s:s}", "type", "gate_close", "take", (json_int_t)n, "reason", "paused");
  }
  return json_pack("{s:s, s:s, s:s}", "type", "leave", "participant", person, "reason", "left");
}

static void on_done(const VaultReply *reply, gpointer user);

static void send_one(Flow *flow) {
  char session[16];
  g_snprintf(session, sizeof session, "session-%u", flow->sent % SESSIONS);
  vault_append(flow->fixture->vault, session, event(flow->sent++), on_done, flow);
}

static void on_done(const VaultReply *reply, gpointer user) {
  Flow *flow = user;
  flow->answered++;
  flow->refused += reply->error != NULL;
  if (flow->sent < flow->total)
    send_one(flow);
}

static void bench_events(guint total, guint window) {
  Flow flow = {.fixture = fixture_new(NULL), .total = total};
  const gint64 begin_us = storage_now_us();
  while (flow.sent < MIN(window, total))
    send_one(&flow);
  while (flow.answered < total)
    g_main_context_iteration(flow.fixture->control, TRUE);
  const double seconds = (double)(storage_now_us() - begin_us) / G_USEC_PER_SEC;
  printf("{\"events\": %u, \"window\": %u, \"refused\": %u, \"seconds\": %.3f, \"per_s\": %.0f}\n", total, window, flow.refused, seconds,
         total / seconds);
  g_autofree char *dir = g_strdup(flow.fixture->dir);
  fixture_free(flow.fixture);
  fixture_remove(dir);
}

/* --- erase --- */

/* Straight into the database, without durability: it is what stands there that is measured. */
static void fill(const char *dir, guint leaves) {
  g_autoptr(GError) error = NULL;
  g_autofree char *path = g_build_filename(dir, "vault.db", NULL), *key_path = g_build_filename(dir, "ledger.key", NULL), *text = NULL;
  g_assert_true(g_file_get_contents(key_path, &text, NULL, NULL));
  LedgerKey *key = ledger_key_parse(g_strchomp(text), &error);
  g_assert_no_error(error);
  sqlite3 *db = NULL;
  g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_exec(db, "PRAGMA synchronous=OFF; PRAGMA cache_size=-65536; BEGIN", NULL, NULL, NULL), ==, SQLITE_OK);
  const guint8 salt[COMMITMENT_SALT_BYTES] = {1};
  char person[COMMITMENT_TEXT_BYTES];
  commitment_make(salt, "participant", "p", person);
  for (guint i = 0; i < leaves; i++) {
    gint64 index;
    json_t *leaf = json_pack("{s:s, s:I, s:I, s:s, s:s, s:i, s:s}", "type", "grant", "at", (json_int_t)i, "t", (json_int_t)i, "session",
                             person, "participant", person, "request", 1, "disclosure_sha256", person);
    g_assert_true(ledger_append(db, leaf, &index, NULL, &error));
    json_decref(leaf);
  }
  g_assert_true(ledger_sign(db, key, &error));
  g_assert_cmpint(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close(db);
  ledger_key_free(key);
  sync(); /* what was just filled must not be written back under the erases that are measured */
}

static int ascending(const void *a, const void *b) {
  const gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
  return (x > y) - (x < y);
}

/* The checkpoint that each transaction signs, over a last tile of every width. */
static void bench_sign(const char *dir, gint64 *times_us) {
  g_autoptr(GError) error = NULL;
  sqlite3 *db = store_open(dir, FALSE, &error);
  LedgerKey *key = ledger_key_new("bench.test/sign");
  g_assert_cmpint(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), ==, SQLITE_OK);
  for (guint i = 0; i < SIGN_TIMES; i++) {
    gint64 index;
    json_t *leaf = json_pack("{s:s, s:i}", "type", "x", "at", 1);
    g_assert_true(ledger_append(db, leaf, &index, NULL, &error));
    json_decref(leaf);
    const gint64 begin_us = storage_now_us();
    g_assert_true(ledger_sign(db, key, &error));
    times_us[i] = storage_now_us() - begin_us;
  }
  sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
  store_close(db);
  ledger_key_free(key);
  qsort(times_us, SIGN_TIMES, sizeof *times_us, ascending);
}

static void bench_erase(guint leaves, guint n) {
  Fixture *fixture = fixture_new(NULL);
  g_autofree char *dir = g_strdup(fixture->dir);
  g_autofree gint64 *times_us = g_new0(gint64, n), *sign_us = g_new0(gint64, SIGN_TIMES);
  fixture_free(fixture);
  fill(dir, leaves);
  const gint64 open_us = storage_now_us();
  fixture = fixture_new(dir);
  const double open_s = (double)(storage_now_us() - open_us) / G_USEC_PER_SEC;
  for (guint i = 0; i < n; i++) {
    char session[16];
    g_snprintf(session, sizeof session, "s%u", i);
    fixture_request(fixture, session, 1, VAULT_SCOPE_SESSION);
    VaultTake *take = fixture_take(fixture, session, 1, 1);
    fixture_commit(fixture, fixture_sealed(fixture, take, "p", 0, "bytes", 5));
    vault_take_kill(take, "withdrawn");
    vault_take_unref(take);
    const FixtureReply reply = fixture_erase(fixture, session, 0, VAULT_SCOPE_SESSION, "p");
    g_assert_true(reply.ok);
    times_us[i] = reply.done_us - reply.asked_us;
  }
  fixture_free(fixture);
  bench_sign(dir, sign_us);
  qsort(times_us, n, sizeof *times_us, ascending);
  printf("{\"leaves\": %u, \"open_s\": %.2f, \"erase_us\": {\"median\": %" G_GINT64_FORMAT ", \"longest\": %" G_GINT64_FORMAT
         "}, \"sign_us\": {\"median\": %" G_GINT64_FORMAT ", \"longest\": %" G_GINT64_FORMAT "}}\n",
         leaves, open_s, times_us[n / 2], times_us[n - 1], sign_us[SIGN_TIMES / 2], sign_us[SIGN_TIMES - 1]);
  fixture_remove(dir);
}

int main(int argc, char **argv) {
  const guint first = argc == 4 ? (guint)strtoul(argv[2], NULL, 10) : 0, second = argc == 4 ? (guint)strtoul(argv[3], NULL, 10) : 0;
  if (first == 0 || second == 0)
    return 2;
  if (g_str_equal(argv[1], "events"))
    bench_events(first, second);
  else
    bench_erase(first, second);
  return 0;
}
