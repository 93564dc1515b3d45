/* SPDX-License-Identifier: Apache-2.0 */
/* What passes its retention_s is erased by itself, whatever the wall clock does (R19, fault 31). */
#include <sqlite3.h>
#include <string.h>

#include "gate/vault/retention-clock.h"
#include "tests/vault/fixture.h"

#define YEAR_MS   (G_GINT64_CONSTANT(366) * 24 * 3600 * 1000)
#define SETTLE_MS (RETENTION_SETTLE_US / 1000)

/* --- the clocks, with time as a number --- */

typedef struct Times {
  gint64 wall_ms, boot_us;
} Times;

static gboolean look_after(RetentionClock *clock, Times *now, gint64 ms, gint64 jump_ms) {
  now->boot_us += ms * 1000;
  now->wall_ms += ms + jump_ms;
  return retention_clock_look(clock, now->wall_ms, now->boot_us);
}

static void test_clock_settles(void) {
  Times now = {1700000000000, 5000000};
  RetentionClock clock;
  retention_clock_start(&clock, 1234, now.wall_ms, now.boot_us);
  g_assert_false(look_after(&clock, &now, SETTLE_MS - 1, 0)); /* a start believes no wall clock yet */
  g_assert_true(look_after(&clock, &now, 1, 0));
  g_assert_true(look_after(&clock, &now, 60000, 900)); /* slewed, not set */
  g_assert_cmpint(retention_clock_lived_ms(&clock, now.boot_us), ==, 1234 + SETTLE_MS + 60000);
}

static void test_clock_jumps(void) {
  const gint64 jumps_ms[] = {10 * YEAR_MS, -10 * YEAR_MS, RETENTION_STEP_MS + 1, -RETENTION_STEP_MS - 1};
  for (guint i = 0; i < G_N_ELEMENTS(jumps_ms); i++) {
    Times now = {1700000000000, 0};
    RetentionClock clock;
    retention_clock_start(&clock, 0, now.wall_ms, now.boot_us);
    g_assert_true(look_after(&clock, &now, SETTLE_MS, 0));
    g_assert_false(look_after(&clock, &now, 1000, jumps_ms[i]));
    g_assert_false(look_after(&clock, &now, SETTLE_MS - 1, 0));
    g_assert_false(look_after(&clock, &now, 1000, -jumps_ms[i])); /* and back: from then on */
    g_assert_true(look_after(&clock, &now, SETTLE_MS, 0));
    g_assert_cmpint(retention_clock_lived_ms(&clock, now.boot_us), ==, now.boot_us / 1000); /* no jump moves lived time */
  }
}

/* --- a vault --- */

static void gate(Fixture *fixture, const char *type, gint take) {
  json_t *leaf =
      json_pack("{s:s, s:i, s:i, s:[s, s], s:s}", "type", type, "take", take, "request", 1, "roster", "a", "b", "reason", "stopped");
  g_assert_true(fixture_append(fixture, "s", leaf).ok);
}

/* A take of one segment of each of two people. */
static guint64 record(Fixture *fixture, gint number, gint64 retention_s) {
  FixtureReply reply = {0};
  const VaultRecording recording = {"s", 1, VAULT_SCOPE_SESSION, retention_s, "{\"purpose\":\"education\"}", "5ca1ab1e", "a"};
  if (number == 1) {
    vault_recording_new(fixture->vault, &recording, fixture_done, &reply);
    fixture_wait(fixture, &reply.there);
  }
  gate(fixture, "gate_open", number);
  VaultTake *take = fixture_take(fixture, "s", 1, (guint32)number);
  const guint64 of_a = fixture_sealed(fixture, take, "a", 0, "media of a", 10),
                of_b = fixture_sealed(fixture, take, "b", 0, "media of b", 10);
  g_assert_true(fixture_commit(fixture, of_a).ok && fixture_commit(fixture, of_b).ok);
  vault_take_unref(take);
  return of_a;
}

static gboolean reads(Fixture *fixture, guint64 segment) {
  g_autoptr(GError) error = NULL;
  g_autoptr(VaultReader) reader = vault_reader_open(fixture->dir, fixture->vault, &error);
  g_assert_no_error(error);
  g_autoptr(GBytes) bytes = vault_reader_segment_bytes(reader, segment, &error);
  if (!bytes)
    g_assert_error(error, VAULT_ERROR, VAULT_ERROR_ERASED);
  return bytes != NULL;
}

static void check_states(Fixture *fixture, const char *state) {
  g_autoptr(VaultReader) reader = vault_reader_open(fixture->dir, fixture->vault, NULL);
  json_auto_t *list = vault_reader_segments(reader, "s", NULL);
  g_assert_cmpuint(json_array_size(list), >, 0);
  for (gsize i = 0; i < json_array_size(list); i++)
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(list, i), "state")), ==, state);
}

static char *last_leaf(Fixture *fixture, const char *type) {
  g_autoptr(VaultReader) reader = vault_reader_open(fixture->dir, fixture->vault, NULL);
  FixtureReply note = fixture_append(fixture, "other", json_pack("{s:s}", "type", "note"));
  for (gint64 i = note.leaf_index; i >= 0; i--) {
    g_autoptr(GBytes) entries = vault_reader_entries(reader, (guint64)i / 256, (guint)(i % 256) + 1, NULL);
    gsize n = 0;
    const guint8 *bytes = g_bytes_get_data(entries, &n);
    const guint8 *at = bytes;
    for (gint64 skip = i % 256; skip > 0; skip--)
      at += 2 + (at[0] << 8 | at[1]);
    g_autofree char *text = g_strndup((const char *)at + 2, (gsize)(at[0] << 8 | at[1]));
    json_auto_t *leaf = json_loads(text, 0, NULL);
    if (g_strcmp0(json_string_value(json_object_get(leaf, "type")), type) == 0)
      return g_steal_pointer(&text);
  }
  return NULL;
}

static void test_by_itself(void) {
  Fixture *fixture = fixture_new(NULL);
  const guint64 id = record(fixture, 1, 1);
  g_assert_true(reads(fixture, id));
  gate(fixture, "gate_close", 1);
  fixture_wait_empty(fixture); /* nobody asks for it */
  g_assert_false(reads(fixture, id));
  check_states(fixture, "expired");
  g_autofree char *leaf = last_leaf(fixture, "purge");
  g_assert_nonnull(strstr(leaf, "\"reason\":\"expired\""));
  FixtureReply late = fixture_erase(fixture, "s", 1, VAULT_SCOPE_SESSION, "a"); /* a withdrawal of what is gone: answered, not refused */
  g_assert_true(late.ok && late.segments == 2);
  fixture_end(fixture);
}

/* Counted from the close of the last take: an open one keeps everything of its recording, however old. */
static void test_open_take_keeps(void) {
  Fixture *fixture = fixture_new(NULL);
  const guint64 id = record(fixture, 1, 1);
  gate(fixture, "gate_close", 1);
  record(fixture, 2, 1);
  const gint64 end_us = g_get_monotonic_time() + 2500 * 1000;
  while (g_get_monotonic_time() < end_us)
    g_assert_true(reads(fixture, id));
  gate(fixture, "gate_close", 2);
  fixture_wait_empty(fixture);
  check_states(fixture, "expired");
  fixture_end(fixture);
}

/* The database as it would be when these times had passed. */
static void set_due(Fixture *fixture, const char *sql) {
  g_autofree char *path = g_build_filename(fixture->dir, "vault.db", NULL);
  sqlite3 *db = NULL;
  g_clear_pointer(&fixture->vault, vault_free);
  g_assert_cmpint(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_changes(db), ==, 1);
  sqlite3_close(db);
  fixture_reopen(fixture);
}

static void run_for(Fixture *fixture, gint64 ms) {
  const gint64 end_us = g_get_monotonic_time() + ms * 1000;
  while (g_get_monotonic_time() < end_us)
    fixture_append(fixture, "other", json_pack("{s:s}", "type", "note"));
}

/* Ten years ahead at a start: not a byte is erased at once. Ten years back: lived time erases all the same, and at a start too. */
static void test_wrong_wall(void) {
  Fixture *fixture = fixture_new(NULL);
  const guint64 id = record(fixture, 1, 30 * 24 * 3600);
  gate(fixture, "gate_close", 1);
  set_due(fixture, "UPDATE retentions SET wall_due = wall_due - 10 * 366 * 24 * 3600 * 1000");
  run_for(fixture, 1500);
  g_assert_true(reads(fixture, id));
  check_states(fixture, "kept");
  set_due(fixture, "UPDATE retentions SET wall_due = wall_due + 20 * 366 * 24 * 3600 * 1000, lived_due = 1");
  fixture_wait_empty(fixture);
  g_assert_false(reads(fixture, id));
  check_states(fixture, "expired");
  fixture_end(fixture);
}

/* Lived time goes on over restarts. */
static void test_lived_over_restarts(void) {
  Fixture *fixture = fixture_new(NULL);
  const guint64 id = record(fixture, 1, 3);
  gate(fixture, "gate_close", 1);
  set_due(fixture, "UPDATE retentions SET wall_due = wall_due + 1000000000");
  const gint64 begun_us = g_get_monotonic_time();
  for (guint i = 0; i < 3; i++) {
    run_for(fixture, 300);
    fixture_reopen(fixture);
  }
  g_assert_true(reads(fixture, id));
  fixture_wait_empty(fixture);
  g_assert_cmpint(g_get_monotonic_time() - begun_us, <, 10 * G_USEC_PER_SEC);
  fixture_end(fixture);
}

/* A request that is still open is not over: control says so, and is asked again. */
static gboolean still_open(const char *session, guint64 request, gpointer user) {
  guint *asked = user;
  g_assert_cmpstr(session, ==, "s");
  g_assert_cmpuint(request, ==, 1);
  return ++*asked < 3;
}

static void test_control_is_asked(void) {
  Fixture *fixture = fixture_new(NULL);
  const guint64 id = record(fixture, 1, 1);
  gate(fixture, "gate_close", 1);
  g_clear_pointer(&fixture->vault, vault_free);
  guint asked = 0;
  fixture->vault = vault_open(fixture->dir, NULL, fixture->control, NULL, NULL);
  g_assert_nonnull(fixture->vault);
  vault_set_overdue(fixture->vault, still_open, &asked);
  fixture_wait_empty(fixture);
  g_assert_cmpuint(asked, ==, 3);
  g_assert_false(reads(fixture, id));
  fixture_end(fixture);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/vault/retention/clock-settles", test_clock_settles);
  g_test_add_func("/vault/retention/clock-jumps", test_clock_jumps);
  g_test_add_func("/vault/retention/by-itself", test_by_itself);
  g_test_add_func("/vault/retention/open-take-keeps", test_open_take_keeps);
  g_test_add_func("/vault/retention/wrong-wall", test_wrong_wall);
  g_test_add_func("/vault/retention/lived-over-restarts", test_lived_over_restarts);
  g_test_add_func("/vault/retention/control-is-asked", test_control_is_asked);
  return g_test_run();
}
