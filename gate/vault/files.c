/* SPDX-License-Identifier: Apache-2.0 */
/* The data directory's files. */
#include "gate/vault/files.h"

#include "gate/vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

gboolean files_failed(GError **error, const char *doing) {
  const int code = errno;
  g_set_error(error, VAULT_ERROR, VAULT_ERROR_STORAGE, "cannot %s: %s", doing, g_strerror(code));
  errno = code; /* callers look at it: a full disk is not a broken one */
  return FALSE;
}

void files_close(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

gboolean files_open_dir(const char *path, int *dir_fd, GError **error) {
  if (g_mkdir_with_parents(path, 0700) != 0)
    return files_failed(error, "make the data directory");
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return files_failed(error, "open the data directory");
  if (fchmod(fd, 0700) != 0) {
    files_failed(error, "make the data directory private");
    files_close(&fd);
    return FALSE;
  }
  *dir_fd = fd;
  return TRUE;
}

gboolean files_lock(int dir_fd, const char *path, int *lock_fd, GError **error) {
  int fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return files_failed(error, "open the lock file");
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
    *lock_fd = fd;
    return TRUE;
  }
  if (errno == EWOULDBLOCK)
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY, "another process is using the data directory %s", path);
  else
    files_failed(error, "lock the data directory");
  files_close(&fd);
  return FALSE;
}

gboolean files_open_segments(int dir_fd, int *segments_fd, GError **error) {
  if (mkdirat(dir_fd, "segments", 0700) != 0 && errno != EEXIST)
    return files_failed(error, "make segments/");
  int fd = openat(dir_fd, "segments", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return files_failed(error, "open segments/");
  if (fchmod(fd, 0700) != 0 || fsync(dir_fd) != 0) {
    files_failed(error, "sync the data directory");
    files_close(&fd);
    return FALSE;
  }
  *segments_fd = fd;
  return TRUE;
}

gboolean files_write_at(int fd, const guint8 *bytes, gsize n, gint64 offset, GError **error) {
  while (n) {
    const gssize done = pwrite(fd, bytes, n, offset);
    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      return files_failed(error, "write");
    bytes += done;
    offset += done;
    n -= (gsize)done;
  }
  return TRUE;
}

gboolean files_read_at(int fd, guint8 *bytes, gsize n, gint64 offset, GError **error) {
  while (n) {
    const gssize done = pread(fd, bytes, n, offset);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return files_failed(error, "read");
    if (done == 0) {
      g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "a file is cut short");
      return FALSE;
    }
    bytes += done;
    offset += done;
    n -= (gsize)done;
  }
  return TRUE;
}

gboolean files_put(int dir_fd, const char *name, const guint8 *bytes, gsize n, GError **error) {
  g_autofree char *draft = g_strconcat(name, ".new", NULL);
  int fd = openat(dir_fd, draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    return files_failed(error, "make a file in the data directory");
  gboolean written = files_write_at(fd, bytes, n, 0, error);
  if (written && fsync(fd) != 0)
    written = files_failed(error, "sync a file in the data directory");
  files_close(&fd);
  if (written && (renameat(dir_fd, draft, dir_fd, name) != 0 || fsync(dir_fd) != 0))
    written = files_failed(error, "put a file into the data directory");
  return written;
}

LedgerKey *files_read_ledger_key(int dir_fd, GError **error) {
  char text[LEDGER_KEY_TEXT_MAX + 1] = {0};
  struct stat about;
  g_autoptr(GError) why = NULL;
  int fd = openat(dir_fd, LEDGER_KEY_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  const gboolean read = fd >= 0 && fstat(fd, &about) == 0 && about.st_size <= LEDGER_KEY_TEXT_MAX &&
                        files_read_at(fd, (guint8 *)text, (gsize)about.st_size, 0, NULL);
  files_close(&fd);
  LedgerKey *key = read ? ledger_key_parse(text, &why) : NULL;
  sodium_memzero(text, sizeof text);
  if (!key)
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "ledger.key is missing or damaged%s%s: restore it from its backup",
                why ? ": " : "", why ? why->message : "");
  return key;
}
