/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/vault/head.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/ledger/proof.h"
#include "gate/vault/files.h"
#include "gate/vault/vault-private.h"

#define WRITE_EVERY_US (60 * G_USEC_PER_SEC)

static int open_beside(const char *path, char **name, GError **error) {
  g_autofree char *folder = g_path_get_dirname(path);
  *name = g_path_get_basename(path);
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    files_failed(error, "open the directory of head_file");
  return fd;
}

/* --- checking --- */

static gboolean older(int dir_fd, const char *data_dir, const char *head_file, const char *why, GError **error) {
  unlinkat(dir_fd, "home", 0); /* recgatectl and a start without head_file must see it too */
  g_set_error(error, VAULT_ERROR, VAULT_ERROR_RESTORED,
              "%s was restored from a snapshot or a backup: its ledger %s the checkpoint in %s; nothing of it is read or recorded before "
              "the purges of "
              "the newest ledger were applied: recgatectl restore --data %s --ledger NEWEST (see docs/backup.md)",
              data_dir, why, head_file, data_dir);
  return FALSE;
}

static gboolean compare(int dir_fd, const char *data_dir, const char *head_file, const char *note, GError **error) {
  g_autoptr(LedgerKey) key = files_read_ledger_key(dir_fd, NULL);
  g_autofree char *text = key ? ledger_key_verifier_text(key) : NULL;
  g_autoptr(LedgerVerifier) verifier = text ? ledger_verifier_parse(text, NULL) : NULL;
  LedgerCheckpoint head;
  MerkleHash root;
  guint64 size = 0;
  if (!verifier || !note_checkpoint_open(verifier, note, &head, NULL))
    return older(dir_fd, data_dir, head_file, "is not the one of", error);
  sqlite3 *db = store_open(data_dir, FALSE, error);
  if (!db)
    return FALSE;
  const gboolean known = ledger_size(db, &size, NULL), reaches = known && size >= head.size && proof_root(db, head.size, &root, NULL);
  store_close(db);
  if (!reaches)
    return older(dir_fd, data_dir, head_file, "is shorter than", error);
  return merkle_equal(&root, &head.root) || older(dir_fd, data_dir, head_file, "is not a continuation of", error);
}

/* NULL and no error: there is none yet. */
static char *read_head(const char *head_file, GError **error) {
  char *note = NULL;
  g_autofree char *name = NULL;
  g_autoptr(GError) why = NULL;
  int beside = open_beside(head_file, &name, error);
  if (beside < 0)
    return NULL;
  const gboolean writable = faccessat(beside, ".", W_OK, 0) == 0 || files_failed(error, "write beside head_file");
  files_close(&beside);
  if (!writable || g_file_get_contents(head_file, &note, NULL, &why) || g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return note;
  g_set_error(error, VAULT_ERROR, VAULT_ERROR_STORAGE, "head_file: %s", why->message);
  return NULL;
}

gboolean vault_head_check(const char *data_dir, const char *head_file, GError **error) {
  int dir_fd = -1, lock_fd = -1;
  g_autoptr(GError) why = NULL;
  g_autofree char *note = read_head(head_file, &why);
  if (why) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  if (!note)
    return TRUE;
  const gboolean held = files_open_dir(data_dir, &dir_fd, error) && files_lock(dir_fd, data_dir, &lock_fd, error);
  const gboolean same = held && compare(dir_fd, data_dir, head_file, note, error);
  files_close(&lock_fd);
  files_close(&dir_fd);
  return same;
}

/* --- writing --- */

static gboolean write_head(const char *head_file, const char *note) {
  g_autofree char *name = NULL;
  int beside = open_beside(head_file, &name, NULL);
  if (beside < 0)
    return FALSE;
  const gboolean written = files_put(beside, name, (const guint8 *)note, strlen(note), NULL);
  files_close(&beside);
  return written;
}

void head_write(Vault *vault) {
  g_autofree char *note = vault->head_file ? ledger_checkpoint(vault->db, NULL) : NULL;
  if (note && !write_head(vault->head_file, note)) /* it says less than it could; the next one says it all */
    g_debug("event=head_file_not_written");
}

gint64 head_next_us(Vault *vault) {
  return vault->head_next_us;
}

void head_tick(Vault *vault) {
  if (!vault->head_file || vault->head_next_us > storage_now_us())
    return;
  head_write(vault);
  vault->head_next_us = storage_now_us() + WRITE_EVERY_US;
}

typedef struct HeadJob {
  Job job;
  char *path;
} HeadJob;

static void head_begin(Vault *vault, Job *base) {
  HeadJob *head = (HeadJob *)base;
  vault->head_file = head->path;
  vault->head_next_us = 0;
  g_free(head);
}

static void head_cancel(Vault *vault, Job *base) {
  (void)vault;
  g_free(((HeadJob *)base)->path);
  g_free(base);
}

void vault_set_head_file(Vault *vault, const char *head_file) {
  HeadJob *head = g_new0(HeadJob, 1);
  *head = (HeadJob){.job = {.run = head_begin, .cancel = head_cancel}, .path = g_strdup(head_file)};
  vault_push(vault, LANE_LEDGER, &head->job);
}
