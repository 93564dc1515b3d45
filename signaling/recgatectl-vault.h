/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of recgatectl that change a data directory: they take it over, as only one process may.
 *
 * Threads: main only. */
#ifndef RECGATE_RECGATECTL_VAULT_H
#define RECGATE_RECGATECTL_VAULT_H

#include "gate/vault/vault.h"
#include "signaling/recgatectl.h"

/* instead: what to do while a running recgate owns it. */
Vault *ctl_vault_open(const CtlOptions *options, const char *instead, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct CtlWait {
  gboolean done;
  gint64 leaf;
  GError *error;
} CtlWait;
void ctl_wait_done(const VaultReply *reply, gpointer wait); /* a VaultDone */
/* Until that was called. FALSE: what the vault said. */
gboolean ctl_wait(CtlWait *wait, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
