/* SPDX-License-Identifier: Apache-2.0 */
/* One vault_restore in a process that may be ended in the middle: DIR LEDGER. */
#include <stdio.h>

#include "gate/vault/restore.h"

int main(int argc, char **argv) {
  VaultRestored restored;
  g_autoptr(GError) error = NULL;
  if (argc == 3 && vault_restore(argv[1], argv[2], &restored, &error))
    return 0;
  fprintf(stderr, "%s\n", error ? error->message : "DIR LEDGER");
  return 3;
}
