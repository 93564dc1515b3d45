/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: whatever is taken for a key of a log is one, and has no other spelling. */
#include "gate/ledger/note.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/ledger.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  g_autofree char *text = g_strndup((const char *)data, size);
  g_autoptr(GError) error = NULL, key_error = NULL;
  g_autoptr(LedgerVerifier) verifier = ledger_verifier_parse(text, &error);
  g_assert_true((verifier == NULL) == (error != NULL));
  if (verifier != NULL) {
    const char *origin = ledger_verifier_origin(verifier);
    g_assert_true(*origin != '\0' && strpbrk(origin, " +\n") == NULL && g_utf8_validate(origin, -1, NULL));
    g_assert_true(g_str_has_prefix(text, origin) && text[strlen(origin)] == '+');
  }
  g_autoptr(LedgerKey) key = ledger_key_parse(text, &key_error);
  g_assert_true((key == NULL) == (key_error != NULL));
  if (key == NULL)
    return 0;
  char *again = ledger_key_text(key);
  g_assert_cmpstr(again, ==, g_strchomp(text)); /* a newline behind it is no part of it */
  note_text_free(again);
  g_autofree char *public = ledger_key_verifier_text(key);
  g_autoptr(LedgerVerifier) its = ledger_verifier_parse(public, NULL);
  g_assert_nonnull(its);
  return 0;
}
