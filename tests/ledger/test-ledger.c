/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical JSON and leaves. */
#include "gate/ledger/ledger.h"

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

static sqlite3 *new_store(void) {
  sqlite3 *db = NULL;
  g_assert_cmpint(sqlite3_open(":memory:", &db), ==, SQLITE_OK);
  g_autoptr(GError) error = NULL;
  g_assert_true(ledger_prepare(db, &error));
  g_assert_true(ledger_prepare(db, &error));
  return db;
}

static gboolean append(sqlite3 *db, json_t *leaf, gint64 *index, guint8 *hash, GError **error) {
  const gboolean done = ledger_append(db, leaf, index, hash, error);
  json_decref(leaf);
  return done;
}

static void test_append(void) {
  sqlite3 *db = new_store();
  g_autoptr(GError) error = NULL;
  gint64 index = -1;
  guint8 hash[LEDGER_HASH_BYTES];
  char hex[65];
  g_assert_true(append(db, json_pack("{s:s, s:i}", "type", "x", "at", 1), &index, hash, &error));
  for (guint i = 0; i < sizeof hash; i++)
    g_snprintf(hex + 2 * i, 3, "%02x", hash[i]);
  /* SHA-256(0x00 || {"at":1,"type":"x"}) by node's crypto. */
  g_assert_cmpstr(hex, ==, "404bc39bf174ebfea413ad85b049a30ecacad09d913c141ac57cd9adddd31db8");
  g_assert_cmpint(index, ==, 0);
  g_assert_true(append(db, json_pack("{s:s, s:i}", "type", "y", "at", 2), &index, NULL, &error));
  g_assert_cmpint(index, ==, 1);
  g_assert_true(ledger_check(db, &error));
  sqlite3_close(db);
}

static void test_refused(void) {
  sqlite3 *db = new_store();
  gint64 index = -7;
  g_autoptr(GError) error = NULL;
  g_assert_false(append(db, json_pack("{s:s}", "type", "x"), &index, NULL, &error));
  g_assert_error(error, LEDGER_ERROR, LEDGER_ERROR_NOT_CANONICAL);
  g_clear_error(&error);
  g_autofree char *long_text = g_strnfill(LEDGER_LEAF_BYTES_MAX, 'x');
  g_assert_false(append(db, json_pack("{s:s, s:i, s:s}", "type", "x", "at", 1, "text", long_text), &index, NULL, &error));
  g_assert_error(error, LEDGER_ERROR, LEDGER_ERROR_TOO_LARGE);
  g_assert_cmpint(index, ==, -7);
  sqlite3_close(db);
}

/* Fault 37: altered, removed, reordered. */
static void test_altered(void) {
  static const char *const harms[] = {"UPDATE leaves SET leaf = replace(leaf, '\"at\":2', '\"at\":3') WHERE idx = 2",
                                      "DELETE FROM leaves WHERE idx = 2",
                                      "UPDATE leaves SET hash = (SELECT hash FROM leaves WHERE idx = 1) WHERE idx = 2"};
  for (guint i = 0; i < G_N_ELEMENTS(harms); i++) {
    sqlite3 *db = new_store();
    gint64 index;
    g_autoptr(GError) error = NULL;
    for (int k = 0; k < 4; k++)
      g_assert_true(append(db, json_pack("{s:s, s:i}", "type", "x", "at", k), &index, NULL, &error));
    g_assert_cmpint(sqlite3_exec(db, harms[i], NULL, NULL, NULL), ==, SQLITE_OK);
    g_assert_false(ledger_check(db, &error));
    g_assert_nonnull(strstr(error->message, "leaf 2"));
    sqlite3_close(db);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/ledger/canonical-json/text", test_canonical);
  g_test_add_func("/ledger/canonical-json/refused", test_not_canonical);
  g_test_add_func("/ledger/leaf/append", test_append);
  g_test_add_func("/ledger/leaf/refused", test_refused);
  g_test_add_func("/ledger/leaf/altered", test_altered);
  return g_test_run();
}
