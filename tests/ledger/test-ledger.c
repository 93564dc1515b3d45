/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical JSON and leaves. */
#include "gate/ledger/note.h"
#include "tests/ledger/log.h"

#include <string.h>

static void assert_canonical(const char *in, const char *out) {
  json_t *value = json_loads(in, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  g_assert_nonnull(value);
  g_autoptr(GError) error = NULL;
  g_autofree char *text = ledger_canonical_json(value, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(text, ==, out);
  json_decref(value);
}

static void assert_refused(const char *in) {
  json_t *value = json_loads(in, JSON_DECODE_ANY, NULL);
  g_autoptr(GError) error = NULL;
  g_assert_null(ledger_canonical_json(value, &error));
  g_assert_error(error, LEDGER_ERROR, LEDGER_ERROR_NOT_CANONICAL);
  json_decref(value);
}

static void test_canonical(void) {
  assert_canonical("{ \"b\" : [1, -2, true, false, null], \"a\" : {} }", "{\"a\":{},\"b\":[1,-2,true,false,null]}");
  assert_canonical("9007199254740992", "9007199254740992");
  /* RFC 8785 section 3.2.2.2, and fault 38: a newline or an escape sequence in a name stays inside its string. */
  assert_canonical("\"\\u0008\\t\\n\\f\\r\\u001b[31m\\u0000\\\"\\\\/\\u20ac\\u007f\"",
                   "\"\\b\\t\\n\\f\\r\\u001b[31m\\u0000\\\"\\\\/\u20ac\x7f\"");
  /* RFC 8785 section 3.2.3's own example of names. */
  assert_canonical("{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}",
                   "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\u00f6\":7,\"\u20ac\":1,\"\U0001F600\":5,\"\ufb33\":3}");
}

static void test_not_canonical(void) {
  assert_refused("1.5");
  assert_refused("{\"a\":[1e3]}");
  assert_refused("9007199254740993");
  assert_refused("-9007199254740993");
  g_autofree char *deep = g_strnfill(100, '[');
  g_autofree char *closed = g_strnfill(100, ']');
  g_autofree char *both = g_strconcat(deep, closed, NULL);
  assert_refused(both);
}

static void test_append(void) {
  g_autoptr(Log) log = log_new();
  g_autoptr(GError) error = NULL;
  gint64 index = -1;
  MerkleHash hash;
  char hex[65];
  g_assert_true(log_append(log, json_pack("{s:s, s:i}", "type", "x", "at", 1), &index, &hash, &error));
  for (guint i = 0; i < sizeof hash.bytes; i++)
    g_snprintf(hex + 2 * i, 3, "%02x", hash.bytes[i]);
  /* SHA-256(0x00 || {"at":1,"type":"x"}) by node's crypto. */
  g_assert_cmpstr(hex, ==, "404bc39bf174ebfea413ad85b049a30ecacad09d913c141ac57cd9adddd31db8");
  g_assert_cmpint(index, ==, 0);
  g_assert_true(log_append(log, json_pack("{s:s, s:i}", "type", "y", "at", 2), &index, NULL, &error));
  g_assert_cmpint(index, ==, 1);
  log_sign(log);
  g_assert_true(ledger_check(log->db, log->verifier, &error));
}

static void test_refused(void) {
  g_autoptr(Log) log = log_new();
  gint64 index = -7;
  g_autoptr(GError) error = NULL;
  g_assert_false(log_append(log, json_pack("{s:s}", "type", "x"), &index, NULL, &error));
  g_assert_error(error, LEDGER_ERROR, LEDGER_ERROR_NOT_CANONICAL);
  g_clear_error(&error);
  g_autofree char *long_text = g_strnfill(LEDGER_LEAF_BYTES_MAX, 'x');
  g_assert_false(log_append(log, json_pack("{s:s, s:i, s:s}", "type", "x", "at", 1, "text", long_text), &index, NULL, &error));
  g_assert_error(error, LEDGER_ERROR, LEDGER_ERROR_TOO_LARGE);
  g_assert_cmpint(index, ==, -7);
}

typedef struct Harm {
  const char *sql, *named; /* what the error says */
} Harm;

/* Fault 37: altered, removed, reordered, cut, forged; a log of 300 leaves has a full tile. */
static void test_altered(void) {
  static const Harm harms[] = {
      {"UPDATE leaves SET leaf = replace(leaf, '\"at\":2}', '\"at\":3}') WHERE idx = 2", "leaf 2 "},
      {"UPDATE leaves SET leaf = replace(leaf, '\"at\":2', '\"at\":3') WHERE idx = 2", "leaf 2 "},
      {"DELETE FROM leaves WHERE idx = 7", "leaf 7 "},
      {"UPDATE leaves SET hash = (SELECT hash FROM leaves WHERE idx = 1) WHERE idx = 2", "leaf 2 "},
      {"UPDATE leaves SET idx = -1 WHERE idx = 4; UPDATE leaves SET idx = 4 WHERE idx = 5; UPDATE leaves SET idx = 5 WHERE idx = -1",
       "checkpoint of size 300"},
      {"DELETE FROM leaves WHERE idx >= 298", "leaf 298 "},
      {"DELETE FROM leaves WHERE idx >= 200; DELETE FROM nodes", "leaf 200 "},
      {"INSERT INTO leaves SELECT 300, hash, leaf FROM leaves WHERE idx = 1", "checkpoint of size 301"},
      {"DELETE FROM nodes", "tile 0 "},
      {"UPDATE nodes SET hash = zeroblob(32)", "tile 0 "},
      {"INSERT INTO nodes VALUES(1, 1, zeroblob(32))", "300 "},
      {"DELETE FROM checkpoint", "checkpoint of size 300"},
      {"UPDATE checkpoint SET note = replace(note, '300', '299')", "not signed"},
      {"UPDATE checkpoint SET size = 299", "checkpoint of size 300"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(harms); i++) {
    g_autoptr(Log) log = log_new();
    g_autoptr(GError) error = NULL;
    log_fill(log, 300);
    log_sign(log);
    g_assert_true(ledger_check(log->db, log->verifier, &error));
    g_assert_cmpint(sqlite3_exec(log->db, harms[i].sql, NULL, NULL, NULL), ==, SQLITE_OK);
    if (i == 0)
      continue;   /* changes nothing: the check is not one that always fails */
    if (i == 4) { /* swapped whole, leaf and hash: the tile's root tells */
      g_assert_false(ledger_check(log->db, log->verifier, &error));
      g_assert_nonnull(strstr(error->message, "tile 0 "));
      continue;
    }
    g_assert_false(ledger_check(log->db, log->verifier, &error));
    if (!strstr(error->message, harms[i].named))
      g_error("%s: %s", harms[i].sql, error->message);
  }
}

/* A checkpoint by another key of the same name is nobody's. */
static void test_other_key(void) {
  g_autoptr(Log) log = log_new();
  g_autoptr(LedgerKey) other = ledger_key_new(ledger_key_origin(log->key));
  g_autofree char *text = ledger_key_verifier_text(other);
  g_autoptr(GError) error = NULL;
  g_autoptr(LedgerVerifier) verifier = ledger_verifier_parse(text, &error);
  log_fill(log, 3);
  log_sign(log);
  g_assert_false(ledger_check(log->db, verifier, &error));
  g_assert_error(error, LEDGER_ERROR, LEDGER_ERROR_SIGNATURE);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/ledger/canonical-json/text", test_canonical);
  g_test_add_func("/ledger/canonical-json/refused", test_not_canonical);
  g_test_add_func("/ledger/leaf/append", test_append);
  g_test_add_func("/ledger/leaf/refused", test_refused);
  g_test_add_func("/ledger/check/altered", test_altered);
  g_test_add_func("/ledger/check/other-key", test_other_key);
  return g_test_run();
}
