/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of recgatectl that change a data directory: they take it over, as only one process may.
 *
 * Threads: main only. */
#ifndef RECGATE_RECGATECTL_VAULT_H
#define RECGATE_RECGATECTL_VAULT_H

#include "gate/vault/vault.h"
#include "signaling/recgatectl.h"

/* CTL_ERROR_BUSY where a running daemon owns it. instead: what to do while a running recgate owns it. */
Vault *ctl_vault_open(const CtlOptions *options, const char *instead, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct CtlWait {
  gboolean done;
  gint64 leaf;
  GError *error;
} CtlWait;
void ctl_wait_done(const VaultReply *reply, gpointer wait); /* a VaultDone */
/* Until that was called. FALSE: what the vault said. */
gboolean ctl_wait(CtlWait *wait, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Until the leaf is durable, as what is given out must be before it is (R20); takes the leaf. NULL leaf: an error. */
gboolean ctl_leaf_append(Vault *vault, const char *session, json_t *leaf, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
