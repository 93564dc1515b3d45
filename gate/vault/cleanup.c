/* SPDX-License-Identifier: Apache-2.0 */
/* After an erase: files unlinked and rows of dead keys emptied, in slices that a later erase hardly waits for (R18). */
#include <unistd.h>

#include "gate/vault/vault-private.h"

#define SLICE_FILES 8

typedef struct Slice {
  gint64 recording;
  char *participant;
  gint64 ids[SLICE_FILES];
  guint n;
} Slice;

static gboolean find_debt(Vault *vault, Slice *slice) {
  g_autoptr(sqlite3_stmt) row = store_query(vault->db, NULL, "SELECT recording, participant FROM cleanups LIMIT 1", "");
  gboolean failed = FALSE;
  if (!row || !store_step(row, &failed, NULL))
    return FALSE;
  slice->recording = sqlite3_column_int64(row, 0);
  slice->participant = g_strdup(store_text(row, 1));
  return TRUE;
}

static gboolean find_segments(Vault *vault, Slice *slice) {
  g_autoptr(sqlite3_stmt) row = store_query(vault->db, NULL,
                                            "SELECT id FROM segments INDEXED BY segments_keyed WHERE recording = ? AND participant = ?"
                                            " AND wrapped IS NOT NULL LIMIT 8",
                                            "is", slice->recording, slice->participant);
  gboolean failed = FALSE;
  while (row && slice->n < SLICE_FILES && store_step(row, &failed, NULL))
    slice->ids[slice->n++] = sqlite3_column_int64(row, 0);
  return row && !failed;
}

static gboolean settle(Vault *vault, gpointer user, GError **error) {
  const Slice *slice = user;
  for (guint i = 0; i < slice->n; i++)
    if (!store_run(vault->db, error, "UPDATE segments SET wrapped = NULL WHERE id = ?", "i", slice->ids[i]))
      return FALSE;
  return slice->n > 0 || store_run(vault->db, error, "DELETE FROM cleanups WHERE recording = ? AND participant = ?", "is", slice->recording,
                                   slice->participant);
}

gboolean cleanup_work(Vault *vault) {
  Slice slice = {0};
  gboolean going = find_debt(vault, &slice) && find_segments(vault, &slice);
  const gint64 end_us = storage_now_us() + STORAGE_SLICE_US;
  guint unlinked = 0;
  while (going && unlinked < slice.n && storage_now_us() < end_us && (unlinked == 0 || !storage_erase_waiting(vault->storage))) {
    char name[32];
    segment_file_name((guint64)slice.ids[unlinked], name);
    unlinkat(vault->segments_fd, name, 0); /* one that is not there is as good as gone */
    segment_part_name((guint64)slice.ids[unlinked++], name);
    unlinkat(vault->segments_fd, name, 0); /* committed, but the rename had failed */
    vault->segments_dirty = TRUE;
  }
  if (going && unlinked < slice.n)
    slice.n = unlinked;
  going =
      going && !storage_erase_waiting(vault->storage) && vault_sync_segments(vault) && vault_in_transaction(vault, settle, &slice, NULL);
  g_free(slice.participant);
  return going;
}
