/* SPDX-License-Identifier: Apache-2.0 */
/* May the store be relied on? Why not, and when again (R7, faults 30, 32). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "gate/vault/files.h"
#include "gate/vault/vault-private.h"

#define PROBE_EVERY_US G_USEC_PER_SEC
#define PROBE_BYTES    65536
#define RESERVE_BYTES  (1024 * 1024) /* a journal and some pages of the database: what an erase writes on a full disk */

gboolean vault_healthy(Vault *vault) {
  return atomic_load(&vault->health) == 0;
}

void health_set(Vault *vault, HealthBit bit, const char *why) {
  const guint before = atomic_fetch_or(&vault->health, bit);
  if (bit & (HEALTH_SPACE | HEALTH_STORE))
    vault->probe_us = MIN(vault->probe_us, storage_now_us() + PROBE_EVERY_US);
  if (before == 0)
    vault_tell_health(vault, FALSE, why);
}

void health_clear(Vault *vault, guint bits) {
  const guint before = atomic_fetch_and(&vault->health, ~bits);
  if (before && (before & ~bits) == 0)
    vault_tell_health(vault, TRUE, "the store works");
}

void health_from_errno(Vault *vault, int code, const char *why) {
  g_autofree char *text = g_strdup_printf("%s: %s", why, g_strerror(code));
  const gboolean passes = code == ENOSPC || code == EDQUOT || code == EMFILE || code == ENFILE || code == EROFS;
  health_set(vault, passes ? HEALTH_SPACE : HEALTH_FSYNC, text);
}

static gboolean reserve_make(Vault *vault) {
  int fd = openat(vault->dir_fd, "reserve", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return FALSE;
  const int code = posix_fallocate(fd, 0, RESERVE_BYTES);
  files_close(&fd);
  errno = code;
  return code == 0;
}

gboolean health_make_reserve(Vault *vault, GError **error) {
  if (!reserve_make(vault))
    return files_failed(error, "reserve space for an erase");
  for (guint i = 0; i < VAULT_SPARE_FDS; i++) {
    if (vault->spare_fds[i] < 0)
      vault->spare_fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (vault->spare_fds[i] < 0)
      return files_failed(error, "keep a descriptor for an erase");
  }
  return TRUE;
}

void health_open_reserve(Vault *vault) {
  unlinkat(vault->dir_fd, "reserve", 0);
  for (guint i = 0; i < VAULT_SPARE_FDS; i++)
    files_close(&vault->spare_fds[i]);
  vault->probe_us = MIN(vault->probe_us, storage_now_us() + PROBE_EVERY_US);
}

static gboolean probe_file(Vault *vault) {
  int fd = openat(vault->dir_fd, "probe", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return FALSE;
  g_autofree guint8 *bytes = g_malloc0(PROBE_BYTES);
  const gboolean works = files_write_at(fd, bytes, PROBE_BYTES, 0, NULL) && fdatasync(fd) == 0;
  files_close(&fd);
  unlinkat(vault->dir_fd, "probe", 0);
  return works;
}

static gboolean probe_store(Vault *vault, gpointer user, GError **error) {
  (void)user;
  return store_run(vault->db, error, "INSERT OR REPLACE INTO meta(name, value) VALUES('probed_at', ?)", "i", state_wall_ms());
}

gint64 health_next_us(Vault *vault) {
  return vault->probe_us;
}

void health_tick(Vault *vault) {
  if (vault->probe_us > storage_now_us())
    return;
  if (probe_file(vault) && health_make_reserve(vault, NULL) && vault_in_transaction(vault, probe_store, NULL, NULL) &&
      owed_settle(vault, FALSE)) {
    vault->probe_us = G_MAXINT64;
    health_clear(vault, HEALTH_SPACE | HEALTH_STORE);
  } else {
    vault->probe_us = storage_now_us() + PROBE_EVERY_US;
  }
}
