/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/ledger/log.h"

Log *log_new(void) {
  Log *log = g_new0(Log, 1);
  g_autoptr(GError) error = NULL;
  g_assert_cmpint(sqlite3_open(":memory:", &log->db), ==, SQLITE_OK);
  g_assert_true(ledger_prepare(log->db, &error));
  g_assert_true(ledger_prepare(log->db, &error));
  log->key = ledger_key_new("log.test/one");
  g_autofree char *text = ledger_key_verifier_text(log->key);
  log->verifier = ledger_verifier_parse(text, &error);
  g_assert_no_error(error);
  return log;
}

void log_free(Log *log) {
  if (!log)
    return;
  ledger_key_free(log->key);
  ledger_verifier_free(log->verifier);
  sqlite3_close(log->db);
  g_free(log);
}

gboolean log_append(Log *log, json_t *leaf, gint64 *index, MerkleHash *hash, GError **error) {
  const gboolean done = ledger_append(log->db, leaf, index, hash, error);
  json_decref(leaf);
  return done;
}

void log_fill(Log *log, guint n) {
  guint64 size = 0;
  g_autoptr(GError) error = NULL;
  g_assert_true(ledger_size(log->db, &size, &error));
  for (guint i = 0; i < n; i++) {
    gint64 index;
    g_assert_true(log_append(log, json_pack("{s:s, s:I}", "type", "x", "at", (json_int_t)(size + i)), &index, NULL, &error));
  }
}

void log_sign(Log *log) {
  g_autoptr(GError) error = NULL;
  g_assert_true(ledger_sign(log->db, log->key, &error));
}
