/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/vault/home.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/ledger/ledger.h"
#include "gate/vault/files.h"
#include "gate/vault/vault.h"

#define HOME_BYTES_MAX 4096

static const char *const watched[] = {"home", "keys", "vault.db"};

static gboolean identity(int dir_fd, const char *name, json_t **inode, json_t **birth) {
  struct statx about;
  if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &about) != 0)
    return FALSE;
  const gboolean born = (about.stx_mask & STATX_BTIME) != 0;
  *inode = json_sprintf("%" G_GUINT64_FORMAT, (guint64)about.stx_ino);
  *birth = json_sprintf("%" G_GINT64_FORMAT ".%09u", born ? (gint64)about.stx_btime.tv_sec : 0, born ? about.stx_btime.tv_nsec : 0);
  return TRUE;
}

/* `own`: the name that home has at this moment. */
static json_t *describe(int dir_fd, const char *own, guint64 log) {
  json_t *files = json_object();
  for (guint i = 0; i < G_N_ELEMENTS(watched); i++) {
    json_t *inode = NULL, *birth = NULL;
    if (!identity(dir_fd, i == 0 ? own : watched[i], &inode, &birth)) {
      json_decref(files);
      return NULL;
    }
    json_object_set_new(files, watched[i], json_pack("{s:o, s:o}", "inode", inode, "born", birth));
  }
  return json_pack("{s:o, s:I}", "files", files, "log", (json_int_t)log);
}

static json_t *read_home(int dir_fd) {
  char text[HOME_BYTES_MAX];
  struct stat about;
  int fd = openat(dir_fd, "home", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  const gboolean read = fd >= 0 && fstat(fd, &about) == 0 && about.st_size < HOME_BYTES_MAX &&
                        files_read_at(fd, (guint8 *)text, (gsize)about.st_size, 0, NULL);
  files_close(&fd);
  return read ? json_loadb(text, (gsize)about.st_size, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

static gboolean restored(const char *data_dir, const char *why, GError **error) {
  g_set_error(
      error, VAULT_ERROR, VAULT_ERROR_RESTORED,
      "%s was copied or restored from a backup (%s): what was erased since must not come back, so nothing of it is read or recorded "
      "before the purges of the newest ledger were applied: recgatectl restore --data %s --ledger NEWEST (see docs/backup.md)",
      data_dir, why, data_dir);
  return FALSE;
}

gboolean home_check(int dir_fd, sqlite3 *db, const char *data_dir, GError **error) {
  guint64 log = 0;
  g_autoptr(GError) why = NULL;
  if (!ledger_size(db, &log, &why)) {
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_STORAGE, "%s", why->message);
    return FALSE;
  }
  if (log == 0)
    return TRUE;
  json_auto_t *home = read_home(dir_fd), *here = describe(dir_fd, "home", log);
  if (!home || !here)
    return restored(data_dir, "it has no file \"home\"", error);
  if (!json_equal(json_object_get(home, "files"), json_object_get(here, "files")))
    return restored(data_dir, "its files are not those that it was made with", error);
  if (json_integer_value(json_object_get(home, "log")) > (json_int_t)log)
    return restored(data_dir, "its ledger is shorter than it was", error);
  return TRUE;
}

/* Its own inode is in it, so the file is there before its text. */
static gboolean write_draft(int dir_fd, int fd, guint64 log, GError **error) {
  json_auto_t *here = describe(dir_fd, "home.new", log);
  char *text = here ? json_dumps(here, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
  if (!text)
    return files_failed(error, "look at the data directory");
  const gboolean written =
      files_write_at(fd, (const guint8 *)text, strlen(text), 0, error) && (fsync(fd) == 0 || files_failed(error, "sync"));
  free(text);
  return written;
}

gboolean home_settle(int dir_fd, sqlite3 *db, GError **error) {
  guint64 log = 0;
  if (!ledger_size(db, &log, NULL))
    return files_failed(error, "read the ledger");
  unlinkat(dir_fd, "home.new", 0);
  int fd = openat(dir_fd, "home.new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return files_failed(error, "make a file in the data directory");
  gboolean done = write_draft(dir_fd, fd, log, error);
  files_close(&fd);
  if (done && (renameat(dir_fd, "home.new", dir_fd, "home") != 0 || fsync(dir_fd) != 0))
    done = files_failed(error, "put a file into the data directory");
  return done;
}
