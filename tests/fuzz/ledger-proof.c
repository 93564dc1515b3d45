/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a proof file that somebody shows, as it is, and as what stands before a checkpoint of two leaves that the log signed. One leaf of the
 * two is "leaf": only its own path proves it. */
#include "gate/ledger/proof.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/ledger.h"

#include <string.h>

#define LEAF "leaf"

static void show(const LedgerVerifier *verifier, const char *text) {
  ProofFile file = {.index = 7};
  g_autoptr(GError) error = NULL;
  if (!proof_file_open(verifier, text, LEAF, strlen(LEAF), &file, &error)) {
    g_assert_true(error != NULL && file.index == 7);
    return;
  }
  g_assert_cmpuint(file.index, ==, 0);
  g_assert_cmpuint(file.checkpoint.size, ==, 2);
  ProofFile other;
  g_assert_false(proof_file_open(verifier, text, "other", 5, &other, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  g_autofree char *text = g_strndup((const char *)data, size);
  g_autoptr(LedgerKey) key = ledger_key_parse(FUZZ_LEDGER_KEY, NULL);
  g_autoptr(LedgerVerifier) verifier = ledger_verifier_parse(FUZZ_LEDGER_VERIFIER, NULL);
  LedgerCheckpoint both = {.size = 2};
  MerkleHash leaf, other;
  merkle_leaf(LEAF, strlen(LEAF), &leaf);
  merkle_leaf("other", 5, &other);
  merkle_node(&leaf, &other, &both.root);
  g_autofree char *checkpoint = note_checkpoint(key, &both);
  g_autofree char *file = g_strdup_printf("c2sp.org/tlog-proof@v1\n%s\n%s", text, checkpoint);
  show(verifier, text);
  show(verifier, file);
  return 0;
}
