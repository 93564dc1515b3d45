/* SPDX-License-Identifier: Apache-2.0 */
/* The newest checkpoint in a file outside the data directory: whoever puts back a snapshot of the whole disk, inode numbers and all, is found out
 * by a log that is shorter than its checkpoint, or another one.
 *
 * Threads: head_check any one, blocks on disk, before vault_open; the rest the storage thread. */
#ifndef RECGATE_VAULT_HEAD_H
#define RECGATE_VAULT_HEAD_H

#include "gate/vault/vault.h"

/* TRUE also without such a file yet. VAULT_ERROR_RESTORED: this is not the log that the file speaks of, or it is older; from then on the data
 * directory counts as restored for everybody (restore.h). VAULT_ERROR_STORAGE: the file cannot be read, or nothing could be written beside it. */
gboolean vault_head_check(const char *data_dir, const char *head_file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* From now on the newest checkpoint is written there: at once, every minute, and at the end. Control thread, once. */
void vault_set_head_file(Vault *vault, const char *head_file);

#endif
