/* SPDX-License-Identifier: Apache-2.0 */
/* recgatectl forget: a person's, or a whole session's, names and salts (R23). */
#include <stdio.h>

#include "signaling/recgatectl-vault.h"
#include "signaling/token.h"

gboolean ctl_forget(const CtlOptions *options, GError **error) {
  if (!token_id_is_valid(options->session) || (options->participant && !token_id_is_valid(options->participant)))
    return ctl_refuse(error, CTL_ERROR_USAGE, "whom? recgatectl forget SESSION [--participant P] --data DIR");
  g_autoptr(Vault) vault = ctl_vault_open(options, "forget by HTTP (DELETE /v1/sessions/SESSION[/participants/P])", error);
  CtlWait wait = {0};
  if (!vault)
    return FALSE;
  vault_forget(vault, options->session, options->participant, ctl_wait_done, &wait);
  if (!ctl_wait(&wait, error))
    return FALSE;
  json_auto_t *result = json_pack("{s:b, s:I}", "forgotten", TRUE, "leaf", (json_int_t)wait.leaf);
  if (options->json)
    ctl_print_json(result);
  else
    printf("forgotten (leaf %" G_GINT64_FORMAT ")\n", wait.leaf);
  return TRUE;
}
