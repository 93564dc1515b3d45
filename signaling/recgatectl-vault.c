/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/recgatectl-vault.h"

Vault *ctl_vault_open(const CtlOptions *options, const char *instead, GError **error) {
  if (!g_file_test(options->data, G_FILE_TEST_IS_DIR)) {
    g_set_error(error, CTL_ERROR, CTL_ERROR_FILE, "%s is not a data directory: give one with --data DIR", options->data);
    return NULL;
  }
  g_autoptr(GError) why = NULL;
  Vault *vault = vault_process_protect(error) ? vault_open(options->data, NULL, NULL, NULL, &why) : NULL;
  if (!vault && g_error_matches(why, VAULT_ERROR, VAULT_ERROR_BUSY))
    g_set_error(error, CTL_ERROR, CTL_ERROR_BUSY, "a running recgate owns %s: %s", options->data, instead);
  else if (!vault && why)
    g_propagate_error(error, g_steal_pointer(&why));
  return vault;
}

void ctl_wait_done(const VaultReply *reply, gpointer user) {
  CtlWait *wait = user;
  wait->done = TRUE;
  wait->leaf = reply->leaf_index;
  wait->error = reply->error ? g_error_copy(reply->error) : NULL;
}

gboolean ctl_wait(CtlWait *wait, GError **error) {
  while (!wait->done)
    g_main_context_iteration(NULL, TRUE);
  if (!wait->error)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&wait->error));
  return FALSE;
}

gboolean ctl_leaf_append(Vault *vault, const char *session, json_t *leaf, GError **error) {
  CtlWait wait = {0};
  if (!leaf)
    return ctl_refuse(error, CTL_ERROR_USAGE, "the user's name is not UTF-8");
  vault_append(vault, session, leaf, ctl_wait_done, &wait);
  return ctl_wait(&wait, error);
}
