/* SPDX-License-Identifier: Apache-2.0 */
/* Owed leaves: see owed.h. */
#include "gate/vault/owed.h"

#include <string.h>

#include "gate/vault/vault-private.h"

gboolean owed_is(const json_t *leaf, const GError *error) {
  return g_error_matches(error, VAULT_ERROR, VAULT_ERROR_STORAGE) && json_object_get(leaf, "session") != NULL &&
         strcmp(json_string_value(json_object_get(leaf, "type")), "gate_open") != 0;
}

void owed_add(Owed *owed, json_t *leaf) {
  owed->any = TRUE;
  if (owed->leaves.length < OWED_MAX) {
    g_queue_push_tail(&owed->leaves, leaf);
    return;
  }
  owed->lost = TRUE;
  json_decref(leaf);
}

static gboolean write_some(Vault *vault, gpointer user, GError **error) {
  guint *n = user;
  LeafPlace place;
  for (const GList *leaf = vault->owed.leaves.head; leaf && *n < OWED_AT_ONCE; leaf = leaf->next, (*n)++)
    if (!state_append(vault, leaf->data, &place, error))
      return FALSE;
  return TRUE;
}

static gboolean settle_some(Vault *vault) {
  Owed *owed = &vault->owed;
  guint n = 0;
  if (owed->lost || !vault_in_transaction(vault, write_some, &n, NULL))
    return FALSE;
  while (n-- > 0)
    json_decref(g_queue_pop_head(&owed->leaves));
  owed->any = owed->leaves.length > 0;
  return TRUE;
}

gboolean owed_settle(Vault *vault, gboolean erase_waits) {
  while (vault->owed.any && settle_some(vault) && !erase_waits)
    erase_waits = storage_erase_waiting(vault->storage);
  return !vault->owed.any;
}

void owed_clear(Owed *owed) {
  for (json_t *leaf; (leaf = g_queue_pop_head(&owed->leaves));)
    json_decref(leaf);
}
