/* SPDX-License-Identifier: Apache-2.0 */
/* The log as others read it: checkpoint, tiles, leaves, proofs. What stands in it never changes, so each query is its own. */
#include "gate/ledger/proof.h"
#include "gate/vault/files.h"
#include "gate/vault/reader-private.h"

/* The ledger's errors in the vault's words. */
static void translate(GError *why, GError **error) {
  if (!why)
    return;
  const gboolean beyond = g_error_matches(why, LEDGER_ERROR, LEDGER_ERROR_NOT_FOUND);
  g_set_error_literal(error, VAULT_ERROR, beyond ? VAULT_ERROR_NOT_FOUND : VAULT_ERROR_STORAGE, why->message);
  g_error_free(why);
}

char *vault_reader_checkpoint(VaultReader *reader, GError **error) {
  GError *why = NULL;
  char *note = ledger_checkpoint(reader->db, &why);
  translate(why, error);
  return note;
}

GBytes *vault_reader_tile(VaultReader *reader, guint level, guint64 index, guint width, GError **error) {
  GError *why = NULL;
  GBytes *tile = ledger_tile(reader->db, level, index, width, &why);
  translate(why, error);
  return tile;
}

GBytes *vault_reader_entries(VaultReader *reader, guint64 index, guint width, GError **error) {
  GError *why = NULL;
  GBytes *entries = ledger_entries(reader->db, index, width, &why);
  translate(why, error);
  return entries;
}

char *vault_reader_proof(VaultReader *reader, guint64 index, GError **error) {
  GError *why = NULL;
  char *proof = proof_file(reader->db, index, &why);
  translate(why, error);
  return proof;
}

char *vault_reader_verifier(VaultReader *reader, GError **error) {
  g_autoptr(LedgerKey) key = files_read_ledger_key(reader->dir_fd, error);
  return key ? ledger_key_verifier_text(key) : NULL;
}
