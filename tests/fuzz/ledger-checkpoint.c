/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a note that somebody shows, as it is, and its text when the log's own key had signed it. What is believed says just what it is read as. */
#include "gate/ledger/note.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/ledger.h"

#include <string.h>

static void show(const LedgerKey *key, const LedgerVerifier *verifier, const char *note) {
  LedgerCheckpoint read = {.size = 7};
  g_autoptr(GError) error = NULL;
  if (!note_checkpoint_open(verifier, note, &read, &error)) {
    g_assert_true(error != NULL && read.size == 7);
    return;
  }
  g_autofree char *again = note_checkpoint(key, &read);
  *strstr(again, "\n\n") = '\0';
  g_assert_true(g_str_has_prefix(note, again) && note[strlen(again)] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  g_autofree char *text = g_strndup((const char *)data, size);
  g_autoptr(LedgerKey) key = ledger_key_parse(FUZZ_LEDGER_KEY, NULL);
  g_autoptr(LedgerVerifier) verifier = ledger_verifier_parse(FUZZ_LEDGER_VERIFIER, NULL);
  show(key, verifier, text);
  static const guint8 id[] = {0x43, 0x6a, 0xf1, 0xc5};
  guint8 signature[sizeof id + NOTE_SIGNATURE_BYTES];
  memcpy(signature, id, sizeof id);
  ledger_key_sign(key, text, strlen(text), signature + sizeof id);
  g_autofree char *encoded = note_base64(signature, sizeof signature);
  g_autofree char *note = g_strdup_printf("%s\n\u2014 log.test/fuzz %s\n", text, encoded);
  show(key, verifier, note);
  return 0;
}
