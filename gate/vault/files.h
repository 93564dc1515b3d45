/* SPDX-License-Identifier: Apache-2.0 */
/* The data directory's files: made with mode 0600, written whole, synced with their directory entry.
 *
 * Threads: any; they block on disk. Errors are VAULT_ERROR_STORAGE unless said otherwise. */
#ifndef RECGATE_VAULT_FILES_H
#define RECGATE_VAULT_FILES_H

#include "gate/ledger/note.h"

#define LEDGER_KEY_FILE "ledger.key"

/* Opens or makes DATA with mode 0700, whatever the umask. */
gboolean files_open_dir(const char *path, int *dir_fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* VAULT_ERROR_BUSY when another process holds it (fault 33). */
gboolean files_lock(int dir_fd, const char *path, int *lock_fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean files_open_segments(int dir_fd, int *segments_fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A new file that is there whole or not at all. */
gboolean files_put(int dir_fd, const char *name, const guint8 *bytes, gsize n, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean files_write_at(int fd, const guint8 *bytes, gsize n, gint64 offset, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean files_read_at(int fd, guint8 *bytes, gsize n, gint64 offset, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* VAULT_ERROR_CORRUPT when there is none, or it is none. */
LedgerKey *files_read_ledger_key(int dir_fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* errno into *error. `doing` completes "cannot ...". Always FALSE. */
gboolean files_failed(GError **error, const char *doing);
void files_close(int *fd); /* -1 allowed; sets it to -1 */

#endif
