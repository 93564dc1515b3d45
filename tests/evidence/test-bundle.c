/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence bundles (R25): whole and sealed, checked offline, no media in them, names that want to be markup or a terminal's orders (fault 38). */
#include <sodium.h>
#include <sqlite3.h>
#include <string.h>

#include "gate/ledger/note.h"
#include "pipelines/evidence/bundle-private.h"
#include "pipelines/evidence/bundle.h"
#include "pipelines/evidence/html.h"
#include "pipelines/evidence/summary.h"
#include "pipelines/evidence/zip.h"
#include "tests/vault/fixture.h"

#define CANARY "this-is-the-recording-itself"
#define EVIL   "<script>alert(1)</script>\n\x1b[31mEve\xe2\x80\xae\" onload='x'"

typedef struct Case {
  Fixture *fixture;
  VaultReader *reader;
  GBytes *bundle;
} Case;

static void leaf(Fixture *fixture, json_t *object) {
  g_assert_true(fixture_append(fixture, "s", object).ok);
}

static void tell_story(Fixture *fixture) {
  leaf(fixture, json_pack("{s:s, s:s, s:s, s:s}", "type", "join", "participant", "e", "name", EVIL, "role", "expert"));
  leaf(fixture, json_pack("{s:s, s:s, s:s, s:s}", "type", "join", "participant", "c", "name", "Carl", "role", "client"));
  fixture_request(fixture, "s", 1, VAULT_SCOPE_SESSION);
  for (guint i = 0; i < 2; i++)
    leaf(fixture, json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "grant", "participant", i ? "c" : "e", "request", 1, "media", "all",
                            "disclosure_sha256", "5ca1ab1e"));
  leaf(fixture, json_pack("{s:s, s:i, s:i, s:[s, s]}", "type", "gate_open", "request", 1, "take", 1, "roster", "e", "c"));
  VaultTake *take = fixture_take(fixture, "s", 1, 1);
  const guint64 id = fixture_sealed(fixture, take, "c", 0, CANARY, strlen(CANARY));
  g_assert_true(fixture_commit(fixture, id).ok);
  vault_take_unref(take);
  leaf(fixture, json_pack("{s:s, s:i, s:s}", "type", "gate_close", "take", 1, "reason", "paused"));
  g_assert_true(fixture_append(fixture, "other", json_pack("{s:s, s:s, s:s}", "type", "join", "participant", "x", "name", "X")).ok);
  leaf(fixture, json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "report", "participant", "c", "report", "r1", "kind", "violation", "text",
                          "I saw\na <b>phone</b> filming."));
  leaf(fixture, json_pack("{s:s, s:s, s:s}", "type", "access", "by", "auditor-1", "what", "segments"));
}

static Case case_new(void) {
  Case made = {.fixture = fixture_new(NULL)};
  g_autoptr(GError) error = NULL;
  tell_story(made.fixture);
  made.reader = vault_reader_open(made.fixture->dir, made.fixture->vault, NULL);
  made.bundle = bundle_make(made.reader, made.fixture->vault, &(BundleWish){.session = "s", .report = "r1"}, &error);
  g_assert_no_error(error);
  return made;
}

static void case_end(Case *made) {
  g_autofree char *dir = g_strdup(made->fixture->dir);
  g_bytes_unref(made->bundle);
  vault_reader_free(made->reader);
  fixture_free(made->fixture);
  fixture_remove(dir);
}

static GHashTable *unpack(GBytes *bundle) {
  gsize n;
  const guint8 *bytes = g_bytes_get_data(bundle, &n);
  GHashTable *files = zip_read(bytes, n, BUNDLE_BYTES_MAX, NULL);
  g_assert_nonnull(files);
  return files;
}

static char *text_of(GHashTable *files, const char *name) {
  gsize n;
  const char *bytes = g_bytes_get_data(g_hash_table_lookup(files, name), &n);
  return g_strndup(bytes, n);
}

static gboolean holds(GBytes *bundle, const char *key, GError **error) {
  BundleFacts facts = {0};
  gsize n;
  const guint8 *bytes = g_bytes_get_data(bundle, &n);
  const gboolean sound = bundle_check(bytes, n, key, &facts, error);
  bundle_facts_clear(&facts);
  return sound;
}

/* The bundle with one file of another content, NULL: without it. */
static GBytes *repack(GHashTable *files, const char *name, const char *content) {
  g_autoptr(ZipWriter) writer = zip_writer_new(0, NULL);
  GHashTableIter iter;
  gpointer key, value;
  g_hash_table_iter_init(&iter, files);
  while (g_hash_table_iter_next(&iter, &key, &value)) {
    g_autofree char *text = text_of(files, key);
    if (!g_str_equal(key, name))
      g_assert_true(zip_file(writer, key, text, NULL));
  }
  if (content)
    g_assert_true(zip_file(writer, name, content, NULL));
  return zip_finish(writer, NULL);
}

static void assert_altered(GHashTable *files, const char *name, const char *content) {
  g_autoptr(GBytes) bundle = repack(files, name, content);
  g_autoptr(GError) error = NULL;
  g_assert_false(holds(bundle, NULL, &error));
  g_assert_error(error, BUNDLE_ERROR, BUNDLE_ERROR_ALTERED);
}

static void test_whole(void) {
  Case made = case_new();
  BundleFacts facts = {0};
  g_autoptr(GError) error = NULL;
  gsize n;
  const guint8 *bytes = g_bytes_get_data(made.bundle, &n);
  g_assert_true(bundle_check(bytes, n, vault_verifier_text(made.fixture->vault), &facts, &error));
  g_assert_no_error(error);
  g_assert_cmpstr(facts.title, ==, "Rule Violation Report");
  g_assert_cmpstr(facts.session, ==, "s");
  g_assert_cmpuint(facts.leaves, ==, 10); /* all but the other session's */
  g_assert_cmpuint(facts.size, ==, 11);
  g_assert_true(facts.key_was_given);
  bundle_facts_clear(&facts);
  g_assert_true(holds(made.bundle, NULL, NULL));
  g_assert_null(bundle_make(made.reader, made.fixture->vault, &(BundleWish){.session = "t"}, &error));
  g_assert_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND);
  case_end(&made);
}

/* Never the recording, never another session, and of the staff only who stands in these leaves. */
static void test_contents(void) {
  Case made = case_new();
  g_autoptr(GHashTable) files = unpack(made.bundle);
  GHashTableIter iter;
  gpointer name;
  g_hash_table_iter_init(&iter, files);
  while (g_hash_table_iter_next(&iter, &name, NULL)) {
    g_autofree char *text = text_of(files, name);
    g_assert_null(strstr(text, CANARY));
  }
  g_autofree char *salts = text_of(files, "salts.json"), *list = text_of(files, "segments.json");
  json_t *opened = json_loads(salts, 0, NULL), *segments = json_loads(list, 0, NULL);
  g_assert_nonnull(json_object_get(json_object_get(opened, "people"), "c"));
  g_assert_null(json_object_get(json_object_get(opened, "people"), "x"));
  g_assert_nonnull(json_object_get(json_object_get(opened, "staff"), "auditor-1"));
  g_assert_cmpuint(json_array_size(segments), ==, 1);
  json_decref(opened);
  json_decref(segments);
  case_end(&made);
}

static void test_tampered(void) {
  static const char *const names[] = {BUNDLE_SESSION, BUNDLE_SEGMENTS,   "reports.json", BUNDLE_LEAVES,  BUNDLE_SALTS,
                                      "summary.html", BUNDLE_CHECKPOINT, BUNDLE_KEY,     BUNDLE_MANIFEST};
  Case made = case_new();
  g_autoptr(GHashTable) files = unpack(made.bundle);
  g_assert_cmpuint(g_hash_table_size(files), ==, G_N_ELEMENTS(names));
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *text = text_of(files, names[i]);
    char *changed = strpbrk(text + strlen(text) / 2, "abcdefghijklmnopqrstuvwxyz0123456789");
    g_assert_nonnull(changed);
    *changed ^= 1;
    assert_altered(files, names[i], text);
    assert_altered(files, names[i], NULL);
  }
  assert_altered(files, "more.txt", "somebody else's");
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) nothing = g_bytes_new_static("PK", 2);
  g_assert_false(holds(nothing, NULL, &error));
  g_assert_error(error, BUNDLE_ERROR, BUNDLE_ERROR_ARCHIVE);
  case_end(&made);
}

/* Somebody with a key of their own can make a bundle that is whole, but not one of this log. */
static void test_other_key(void) {
  Case made = case_new();
  g_autoptr(LedgerKey) other = ledger_key_new("elsewhere");
  g_autofree char *key = ledger_key_verifier_text(other);
  g_autoptr(GError) error = NULL;
  g_assert_false(holds(made.bundle, key, &error));
  g_assert_error(error, BUNDLE_ERROR, BUNDLE_ERROR_KEY);
  case_end(&made);
}

/* Changes a file and the manifest with it, and has the gate itself sign: what the leaves do not bear out is found all the same. */
static GBytes *reseal(const Case *made, GHashTable *files, const char *name, const char *content) {
  g_autofree char *text = text_of(files, BUNDLE_MANIFEST);
  json_t *manifest = json_loads(text, 0, NULL);
  guint8 digest[crypto_hash_sha256_BYTES], signature[NOTE_SIGNATURE_BYTES];
  char hex[2 * sizeof digest + 1];
  crypto_hash_sha256(digest, (const guint8 *)content, strlen(content));
  json_object_set_new(json_object_get(json_object_get(manifest, "files"), name), "sha256",
                      json_string(sodium_bin2hex(hex, sizeof hex, digest, sizeof digest)));
  g_autoptr(GString) signed_text = g_string_new(NULL);
  g_assert_true(bundle_signed_text(manifest, signed_text, NULL));
  vault_sign(made->fixture->vault, signed_text->str, signed_text->len, signature);
  g_autofree char *encoded = note_base64(signature, sizeof signature);
  json_object_set_new(manifest, "signature", json_string(encoded));
  char *sealed = json_dumps(manifest, 0);
  json_decref(manifest);
  g_autoptr(GBytes) changed = repack(files, name, content);
  g_autoptr(GHashTable) inside = unpack(changed);
  GBytes *bundle = repack(inside, BUNDLE_MANIFEST, sealed);
  free(sealed);
  return bundle;
}

static void assert_borne_out(const Case *made, GHashTable *files, const char *name, const char *from, const char *to, const char *says) {
  g_autofree char *text = text_of(files, name);
  g_auto(GStrv) parts = g_strsplit(text, from, 2);
  g_assert_nonnull(parts[1]);
  g_autofree char *content = g_strjoinv(to, parts);
  g_autoptr(GBytes) bundle = reseal(made, files, name, content);
  g_autoptr(GError) error = NULL;
  g_assert_false(holds(bundle, vault_verifier_text(made->fixture->vault), &error));
  g_assert_error(error, BUNDLE_ERROR, BUNDLE_ERROR_ALTERED);
  g_assert_nonnull(strstr(error->message, says));
}

static void test_lists_follow_leaves(void) {
  Case made = case_new();
  g_autoptr(GHashTable) files = unpack(made.bundle);
  g_autofree char *summary = text_of(files, "summary.html");
  g_autoptr(GBytes) same = reseal(&made, files, "summary.html", summary);
  g_assert_true(holds(same, vault_verifier_text(made.fixture->vault), NULL));
  assert_borne_out(&made, files, BUNDLE_SESSION, "\"granted\"", "\"declined\"", "answer");
  assert_borne_out(&made, files, BUNDLE_SESSION, "\"take\": 1", "\"take\": 2", "gate_open 2");
  assert_borne_out(&made, files, BUNDLE_SEGMENTS, "\"id\": ", "\"id\": 7", "segment 7");
  assert_borne_out(&made, files, BUNDLE_LEAVES, "\"index\":0", "\"index\":1", "place");
  case_end(&made);
}

static void test_summary_is_plain(void) {
  Case made = case_new();
  g_autoptr(GHashTable) files = unpack(made.bundle);
  g_autofree char *page = text_of(files, "summary.html");
  g_assert_nonnull(strstr(page, "<html lang=\"en\">"));
  g_assert_nonnull(strstr(page, "Rule Violation Report: s"));
  g_assert_nonnull(strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt;\xe2\x8f\x8e"));
  g_assert_nonnull(strstr(page, "I saw<br>a &lt;b&gt;phone&lt;/b&gt; filming."));
  static const char *const never[] = {"<script", "\x1b", "\xe2\x80\xae", "onload='", "src=", "href=", "url("};
  for (guint i = 0; i < G_N_ELEMENTS(never); i++)
    g_assert_null(strstr(page, never[i]));
  case_end(&made);
}

static void test_plain_text(void) {
  g_autofree char *plain = html_plain("a\nb\x1b[0m\xff\tc");
  g_assert_cmpstr(plain, ==,
                  "a\xe2\x8f\x8e"
                  "b\xef\xbf\xbd[0m\xef\xbf\xbd c");
}

/* Both languages say everything, and neither is the other's copy. */
static void test_languages(void) {
  const char *const *english = (const char *const *)summary_words("en"), *const *spanish = (const char *const *)summary_words("es-MX");
  for (gsize i = 0; i < sizeof(SummaryWords) / sizeof(char *); i++) {
    g_assert_nonnull(english[i]);
    g_assert_nonnull(spanish[i]);
  }
  g_assert_cmpstr(summary_words("es")->language, ==, "es");
  g_assert_cmpstr(summary_words("est")->language, ==, "en");
  g_assert_cmpstr(summary_words(NULL)->language, ==, "en");
}

/* R23: whose salt was erased is no longer opened, and the bundle still holds. */
static void test_forgotten(void) {
  Case made = case_new();
  g_clear_pointer(&made.reader, vault_reader_free);
  g_autofree char *dir = g_strdup(made.fixture->dir);
  fixture_free(made.fixture);
  g_autofree char *path = g_build_filename(dir, "vault.db", NULL);
  sqlite3 *db = NULL;
  g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_exec(db, "DELETE FROM salts WHERE session = 's' AND participant = 'c'", NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close(db);
  made.fixture = fixture_new(dir);
  made.reader = vault_reader_open(dir, made.fixture->vault, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) again = bundle_make(made.reader, made.fixture->vault, &(BundleWish){.session = "s"}, &error);
  g_assert_no_error(error);
  g_assert_true(holds(again, vault_verifier_text(made.fixture->vault), &error));
  case_end(&made);
}

/* A call of hours: the cost of a bundle grows with the session's leaves, and they pack (-m perf). */
static void test_large(void) {
  enum { LEAVES = 4000 };
  Fixture *fixture = fixture_new(NULL);
  FixtureReply last = {0};
  g_autoptr(GError) error = NULL;
  for (guint i = 0; i < LEAVES; i++)
    vault_append(fixture->vault, "s", json_pack("{s:s, s:s, s:i}", "type", "pause", "participant", "c", "n", i),
                 i + 1 == LEAVES ? fixture_done : NULL, &last);
  fixture_wait(fixture, &last.there);
  Case made = {.fixture = fixture, .reader = vault_reader_open(fixture->dir, fixture->vault, NULL)};
  g_test_timer_start();
  made.bundle = bundle_make(made.reader, fixture->vault, &(BundleWish){.session = "s"}, &error);
  g_assert_no_error(error);
  g_test_message("made in %.1f s, %zu bytes for %d leaves", g_test_timer_elapsed(), g_bytes_get_size(made.bundle), (int)LEAVES);
  g_test_timer_start();
  g_assert_true(holds(made.bundle, NULL, NULL));
  g_test_message("checked in %.1f s", g_test_timer_elapsed());
  case_end(&made);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/evidence/bundle/whole", test_whole);
  g_test_add_func("/evidence/bundle/contents", test_contents);
  g_test_add_func("/evidence/bundle/tampered", test_tampered);
  g_test_add_func("/evidence/bundle/other-key", test_other_key);
  g_test_add_func("/evidence/bundle/lists-follow-leaves", test_lists_follow_leaves);
  g_test_add_func("/evidence/bundle/summary-is-plain", test_summary_is_plain);
  g_test_add_func("/evidence/bundle/plain-text", test_plain_text);
  g_test_add_func("/evidence/bundle/languages", test_languages);
  g_test_add_func("/evidence/bundle/forgotten", test_forgotten);
  if (g_test_perf())
    g_test_add_func("/evidence/bundle/large", test_large);
  return g_test_run();
}
