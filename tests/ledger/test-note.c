/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and checkpoints as texts. */
#include <string.h>

#include "tests/ledger/log.h"

/* The key and the note of c2sp.org/signed-note's and Go sumdb/note's documentation: what others sign, this reads. */
static void test_key_of_others(void) {
  g_autoptr(GError) error = NULL;
  g_autoptr(LedgerKey) key = ledger_key_parse("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n", &error);
  g_assert_no_error(error);
  g_autofree char *verifier = ledger_key_verifier_text(key);
  g_assert_cmpstr(verifier, ==, "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  const char text[] = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
  guint8 signature[NOTE_SIGNATURE_BYTES], expected[4 + NOTE_SIGNATURE_BYTES];
  ledger_key_sign(key, text, strlen(text), signature);
  const char line[] = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
  g_assert_true(note_base64_open(line, strlen(line), expected, sizeof expected));
  g_assert_cmpmem(signature, sizeof signature, expected + 4, NOTE_SIGNATURE_BYTES);
}

static void test_key_text(void) {
  g_autoptr(GError) error = NULL;
  g_autoptr(LedgerKey) key = ledger_key_new("gate.example/log");
  char *text = ledger_key_text(key);
  g_autoptr(LedgerKey) again = ledger_key_parse(text, &error);
  char *text_again = ledger_key_text(again);
  g_assert_cmpstr(text, ==, text_again);
  g_assert_cmpstr(ledger_key_origin(again), ==, "gate.example/log");
  note_text_free(text_again);
  for (gsize i = strlen("PRIVATE+KEY+"); text[i]; i++) { /* any one letter changed: the name, the id or the key does not fit */
    g_autoptr(GError) why = NULL;
    const char kept = text[i];
    text[i] = kept == 'A' ? 'B' : 'A';
    g_assert_null(ledger_key_parse(text, &why));
    g_assert_error(why, LEDGER_ERROR, LEDGER_ERROR_KEY);
    text[i] = kept;
  }
  note_text_free(text);
  static const char *const names[] = {"",
                                      "a b",
                                      "a+b",
                                      "a\nb",
                                      "a\u00a0b",
                                      "a\xc2\x85"
                                      "b"};
  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    g_assert_null(ledger_key_new(names[i]));
}

static void test_checkpoint(void) {
  g_autoptr(Log) log = log_new();
  g_autoptr(GError) error = NULL;
  LedgerCheckpoint read;
  log_fill(log, 3);
  log_sign(log);
  g_autofree char *note = ledger_checkpoint(log->db, &error);
  g_assert_true(g_str_has_prefix(note, "log.test/one\n3\n"));
  g_assert_true(note_checkpoint_open(log->verifier, note, &read, &error));
  g_assert_cmpuint(read.size, ==, 3);
  g_autofree char *more = g_strdup_printf("%s\xe2\x80\x94 witness.example AAAAAAAA\n", note);
  g_assert_true(note_checkpoint_open(log->verifier, more, &read, &error)); /* unknown signatures are passed over */
  for (gsize i = 0; note[i]; i++) {
    g_autoptr(GError) why = NULL;
    note[i] ^= 4;
    g_assert_false(note_checkpoint_open(log->verifier, note, &read, &why));
    g_assert_nonnull(why);
    note[i] ^= 4;
  }
  log_sign(log); /* nothing new: the same note */
  g_autofree char *same = ledger_checkpoint(log->db, &error);
  g_assert_cmpstr(note, ==, same);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/ledger/note/key-of-others", test_key_of_others);
  g_test_add_func("/ledger/note/key-text", test_key_text);
  g_test_add_func("/ledger/note/checkpoint", test_checkpoint);
  return g_test_run();
}
