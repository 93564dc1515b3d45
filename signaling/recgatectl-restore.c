/* SPDX-License-Identifier: Apache-2.0 */
/* recgatectl restore: a data directory from a backup gets the purges of a newer ledger. */
#include "gate/vault/restore.h"

#include <stdio.h>

#include "signaling/recgatectl.h"

gboolean ctl_restore(const CtlOptions *options, GError **error) {
  VaultRestored restored;
  if (!options->ledger == !options->no_newer_ledger)
    return ctl_refuse(
        error, CTL_ERROR_USAGE,
        "give the newest ledger there is with --ledger NEWEST, or say --no-newer-ledger: then whatever was erased since the backup can "
        "be read again");
  if (!g_file_test(options->data, G_FILE_TEST_IS_DIR)) {
    g_set_error(error, CTL_ERROR, CTL_ERROR_FILE, "%s is not a data directory: give one with --data DIR", options->data);
    return FALSE;
  }
  if (!vault_process_protect(error) || !vault_restore(options->data, options->ledger, &restored, error))
    return FALSE;
  json_auto_t *result = json_pack("{s:I, s:I, s:I, s:I}", "from", (json_int_t)restored.from, "to", (json_int_t)restored.to, "purges",
                                  (json_int_t)restored.purges, "forgotten", (json_int_t)restored.forgotten);
  if (options->json)
    ctl_print_json(result);
  else
    printf("ledger continued from leaf %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT "; erased here: %" G_GUINT64_FORMAT
           " recordings; forgotten here: %" G_GUINT64_FORMAT "\n",
           restored.from, restored.to, restored.purges, restored.forgotten);
  return TRUE;
}
