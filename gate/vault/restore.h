/* SPDX-License-Identifier: Apache-2.0 */
/* Making a data directory usable that was copied or restored from a backup: its log is continued, leaf by leaf, to what a newer copy of the same log
 * says, and what was purged or forgotten since is purged and forgotten here.
 *
 * Threads: any one, blocks on disk; nobody else has the data directory (VAULT_ERROR_BUSY). A crash in the middle is finished by asking again. */
#ifndef RECGATE_VAULT_RESTORE_H
#define RECGATE_VAULT_RESTORE_H

#include "gate/vault/vault.h"

typedef struct VaultRestored {
  guint64 from, to;         /* leaves: in the backup, in the newer log */
  guint64 purges, forgotten; /* carried out here */
} VaultRestored;

/* ledger: a newer vault.db, a data directory, or a directory with `checkpoint` and `tile/entries/…` as served by HTTP. NULL: there is none newer, which
 * a leaf says. Refused when its checkpoint is not signed by this log's key, when it does not continue this log, or is older
 * (VAULT_ERROR_CORRUPT; nothing was changed). */
gboolean vault_restore(const char *data_dir, const char *ledger, VaultRestored *restored, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
