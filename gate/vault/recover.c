/* SPDX-License-Identifier: Apache-2.0 */
/* What a crash left is finished at the next start, before anything else (R13, fault 29). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "gate/vault/files.h"
#include "gate/vault/vault-private.h"

typedef struct Unfinished { /* an erase whose leaf is missing */
  char *session;
  KeyTombstone grave;
  gint64 request;
} Unfinished;

typedef struct Recovery {
  GPtrArray *unfinished;
  guint removed_files, renamed_files, closed_takes;
} Recovery;

static void unfinished_free(gpointer user) {
  Unfinished *unfinished = user;
  g_free(unfinished->session);
  g_free(unfinished);
}

static gboolean check_holder(Vault *vault, sqlite3_stmt *row, Recovery *recovery, GError **error) {
  const gint64 slot = sqlite3_column_int64(row, 0);
  const KeyOwner owner = {sqlite3_column_int64(row, 1), store_text(row, 2), store_text(row, 4), sqlite3_column_int64(row, 3)};
  if (slot < 0 || slot >= keyring_slots(vault->keyring)) {
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "the key file \"keys\" is cut short: restore it together with vault.db");
    return FALSE;
  }
  KeySlotState state;
  KeyTombstone grave = {.scope = VAULT_SCOPE_PARTICIPANT};
  if (!keyring_state(vault->keyring, slot, &state, &grave, error))
    return FALSE;
  keyring_set_used(vault->keyring, slot, TRUE);
  if (state == KEY_SLOT_LIVE) {
    const gboolean opens = keyring_load(vault->keyring, slot, &owner, error) != NULL;
    keyring_forget(vault->keyring);
    return opens;
  }
  if (state == KEY_SLOT_EMPTY) /* zeroed without a word: at least this person's part is gone */
    g_strlcpy(grave.participant, owner.participant, sizeof grave.participant);
  Unfinished *unfinished = g_new0(Unfinished, 1);
  *unfinished = (Unfinished){g_strdup(owner.session), grave, grave.whole_session ? 0 : owner.request};
  g_ptr_array_add(recovery->unfinished, unfinished);
  return TRUE;
}

static gboolean check_holders(Vault *vault, Recovery *recovery, GError **error) {
  g_autoptr(sqlite3_stmt) row =
      store_query(vault->db, error,
                  "SELECT slot, recording, session, request, participant FROM holders JOIN recordings ON id = recording"
                  " WHERE slot IS NOT NULL",
                  "");
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error))
    if (!check_holder(vault, row, recovery, error))
      return FALSE;
  return row && !failed;
}

/* A crash between a new key and its row, or between a purge and the last zeros. */
static gboolean clear_strays(Vault *vault, GHashTable *named, GError **error) {
  for (gint64 slot = 0; slot < keyring_slots(vault->keyring); slot++) {
    KeySlotState state;
    KeyTombstone grave;
    if (g_hash_table_contains(named, GINT_TO_POINTER((gint)slot + 1)))
      continue;
    if (!keyring_state(vault->keyring, slot, &state, &grave, error) ||
        (state != KEY_SLOT_EMPTY && !keyring_clear(vault->keyring, slot, error)))
      return FALSE;
  }
  return TRUE;
}

static gboolean find_strays(Vault *vault, GError **error) {
  g_autoptr(GHashTable) named = g_hash_table_new(NULL, NULL);
  g_autoptr(sqlite3_stmt) row = store_query(vault->db, error, "SELECT slot FROM holders WHERE slot IS NOT NULL", "");
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error))
    g_hash_table_add(named, GINT_TO_POINTER((gint)sqlite3_column_int64(row, 0) + 1));
  return row && !failed && clear_strays(vault, named, error);
}

static gboolean finish_erases(Vault *vault, const Recovery *recovery, GError **error) {
  for (guint i = 0; i < recovery->unfinished->len; i++) {
    const Unfinished *unfinished = recovery->unfinished->pdata[i];
    const VaultErase erase = {.session = unfinished->session,
                              .request = (guint64)unfinished->request,
                              .scope = unfinished->grave.scope,
                              .participant = unfinished->grave.participant,
                              .theirs = unfinished->grave.whole_session,
                              .reason = unfinished->grave.expired ? "expired" : "withdrawn"};
    if (!erase_finish(vault, &erase, error))
      return FALSE;
  }
  return TRUE;
}

/* Takes that were open when the process died: what they had committed stays (R17), the rest is forgotten. */
static gboolean close_takes(Vault *vault, gpointer user, GError **error) {
  Recovery *recovery = user;
  for (;;) {
    g_autoptr(sqlite3_stmt) row = store_query(vault->db, error, "SELECT session, take FROM takes WHERE closed_at IS NULL LIMIT 1", "");
    gboolean failed = FALSE;
    if (!row || !store_step(row, &failed, error))
      return row && !failed;
    json_t *leaf = json_pack("{s:s, s:I, s:s, s:I, s:s}", "type", "gate_close", "at", (json_int_t)state_wall_ms(), "session",
                             store_text(row, 0), "take", (json_int_t)sqlite3_column_int64(row, 1), "reason", "crash");
    g_clear_pointer(&row, sqlite3_finalize);
    LeafPlace place;
    const gboolean closed = state_append(vault, leaf, &place, error);
    json_decref(leaf);
    if (!closed)
      return FALSE;
    recovery->closed_takes++;
  }
}

/* 1: a kept segment's, 0: nobody's, -1: the store failed. */
static gint is_kept(Vault *vault, guint64 id, GError **error) {
  gint64 kept = 0;
  if (!store_number(
          vault->db, 0, &kept, error,
          "SELECT 1 FROM segments AS s WHERE id = ?1 AND dropped IS NULL AND wrapped IS NOT NULL AND NOT EXISTS(SELECT 1 FROM purges AS p"
          " WHERE p.recording = s.recording AND p.scope >= ?2 AND (p.scope = ?3 OR p.participant = s.participant))",
          "iii", (gint64)id, (gint64)VAULT_SCOPE_PARTICIPANT, (gint64)VAULT_SCOPE_SESSION))
    return -1;
  return (gint)kept;
}

static gboolean recover_file(Vault *vault, const char *name, Recovery *recovery, GError **error) {
  char *rest = NULL, kept_name[32];
  const guint64 id = g_ascii_strtoull(name, &rest, 16);
  const gboolean part = rest == name + 16 && strcmp(rest, ".part") == 0, whole = rest == name + 16 && strcmp(rest, ".seg") == 0;
  if (!part && !whole)
    return TRUE; /* not ours */
  const gint kept = is_kept(vault, id, error);
  if (kept < 0 || (kept && whole))
    return kept > 0;
  segment_file_name(id, kept_name);
  const int status = kept ? renameat(vault->segments_fd, name, vault->segments_fd, kept_name) : unlinkat(vault->segments_fd, name, 0);
  if (status != 0 && errno != ENOENT)
    return files_failed(error, "tidy segments/");
  vault->segments_dirty = TRUE;
  if (kept)
    recovery->renamed_files++;
  else
    recovery->removed_files++;
  return TRUE;
}

static gboolean recover_files(Vault *vault, Recovery *recovery, GError **error) {
  DIR *dir = fdopendir(openat(vault->segments_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir)
    return files_failed(error, "list segments/");
  gboolean done = TRUE;
  for (const struct dirent *entry; done && (entry = readdir(dir));)
    done = recover_file(vault, entry->d_name, recovery, error);
  closedir(dir);
  if (done && vault->segments_dirty && fsync(vault->segments_fd) != 0)
    done = files_failed(error, "sync segments/");
  vault->segments_dirty = FALSE;
  return done;
}

static gboolean note_recovery(Vault *vault, gpointer user, GError **error) {
  const Recovery *recovery = user;
  LeafPlace place;
  json_t *leaf = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "type", "recovered", "at", (json_int_t)state_wall_ms(), "erases",
                           (json_int_t)recovery->unfinished->len, "takes_closed", (json_int_t)recovery->closed_takes, "files_removed",
                           (json_int_t)recovery->removed_files, "files_renamed", (json_int_t)recovery->renamed_files);
  const gboolean done = state_append(vault, leaf, &place, error);
  json_decref(leaf);
  return done;
}

/* Numbers of segments are never used again, not even those of segments that were forgotten: each start begins a new block. */
static gboolean count_start(Vault *vault, gpointer user, GError **error) {
  gint64 *starts = user;
  return store_number(vault->db, 0, starts, error, "SELECT value FROM meta WHERE name = 'starts'", "") &&
         store_run(vault->db, error, "INSERT OR REPLACE INTO meta(name, value) VALUES('starts', ?)", "i", ++*starts);
}

gboolean recover(Vault *vault, GError **error) {
  Recovery recovery = {0};
  gint64 starts = 0;
  g_autoptr(GPtrArray) unfinished = g_ptr_array_new_with_free_func(unfinished_free);
  recovery.unfinished = unfinished;
  if (!check_holders(vault, &recovery, error) || !finish_erases(vault, &recovery, error) || !find_strays(vault, error) ||
      !vault_in_transaction(vault, count_start, &starts, error) || !vault_in_transaction(vault, close_takes, &recovery, error) ||
      !recover_files(vault, &recovery, error))
    return FALSE;
  atomic_store(&vault->next_segment, ((guint64)starts << 32) | 1);
  if (unfinished->len + recovery.closed_takes + recovery.removed_files + recovery.renamed_files == 0)
    return TRUE;
  return vault_in_transaction(vault, note_recovery, &recovery, error);
}
