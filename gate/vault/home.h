/* SPDX-License-Identifier: Apache-2.0 */
/* DATA/home: by which files a data directory knows that it is still where it was made. A copy has other files: it may hold keys that were destroyed
 * since, and must not be read before the purges of a newer ledger were applied (CONSENT.md, What we promise).
 *
 * Threads: any; they block on disk.
 * JSON: inode number and birth time (0 where the file system keeps none) of home itself, vault.db and keys, and the size of the log when it was written.
 * Device numbers change with the weather of a boot and are left out. Files overwritten in place keep their inode: head.h sees that. */
#ifndef RECGATE_VAULT_HOME_H
#define RECGATE_VAULT_HOME_H

#include <glib.h>
#include <sqlite3.h>

/* VAULT_ERROR_RESTORED: copied, restored, or its log is shorter than it was. A log without a leaf is at home anywhere. */
gboolean home_check(int dir_fd, sqlite3 *db, const char *data_dir, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* From now on this is home. */
gboolean home_settle(int dir_fd, sqlite3 *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
