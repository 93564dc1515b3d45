/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/recgatectl-output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void ignore_sealed(const VaultSealed *sealed G_GNUC_UNUSED, gpointer user G_GNUC_UNUSED) {}
static void ignore_take(const char *session G_GNUC_UNUSED, guint32 take G_GNUC_UNUSED, const char *why G_GNUC_UNUSED,
                        gpointer user G_GNUC_UNUSED) {}
static void ignore_health(gboolean healthy G_GNUC_UNUSED, const char *why G_GNUC_UNUSED, gpointer user G_GNUC_UNUSED) {}

Vault *ctl_vault_open(const char *data, const char *instead, GError **error) {
  static const VaultEvents events = {ignore_sealed, ignore_take, ignore_health, NULL};
  if (!g_file_test(data, G_FILE_TEST_IS_DIR)) {
    g_set_error(error, CTL_ERROR, CTL_ERROR_FILE, "%s is not a data directory: give one with --data DIR", data);
    return NULL;
  }
  g_autoptr(GError) why = NULL;
  Vault *vault = vault_open(data, NULL, NULL, &events, &why);
  if (!vault && g_error_matches(why, VAULT_ERROR, VAULT_ERROR_BUSY))
    g_set_error(error, CTL_ERROR, CTL_ERROR_BUSY,
                "a running recgate owns %s, and what is given out must be on its ledger first: ask it by HTTP (%s)", data, instead);
  else if (!vault)
    g_propagate_error(error, g_steal_pointer(&why));
  return vault;
}

typedef struct Appending {
  gboolean done;
  GError *error;
} Appending;

static void appended(const VaultReply *reply, gpointer user) {
  Appending *appending = user;
  appending->error = reply->error ? g_error_copy(reply->error) : NULL;
  appending->done = TRUE;
}

gboolean ctl_leaf_append(Vault *vault, const char *session, json_t *leaf, GError **error) {
  Appending appending = {0};
  if (!leaf)
    return ctl_refuse(error, CTL_ERROR_USAGE, "the user's name is not UTF-8");
  vault_append(vault, session, leaf, appended, &appending);
  while (!appending.done)
    g_main_context_iteration(NULL, TRUE);
  if (appending.error)
    g_propagate_error(error, appending.error);
  return !appending.error;
}

static gboolean output_failed(const char *path, int number, GError **error) {
  g_set_error(error, CTL_ERROR, CTL_ERROR_FILE, "%s: %s", path, g_strerror(number));
  return FALSE;
}

/* Beside its place under another name, so that neither a failure nor --force ever leaves half a file under the real one. */
gboolean ctl_output_open(CtlOutput *output, const CtlOptions *options, const char *initial, GError **error) {
  if (g_strcmp0(options->output, "-") == 0) {
    output->fd = STDOUT_FILENO;
    return TRUE;
  }
  output->path = g_strdup(options->output ? options->output : initial);
  if (!options->force && g_file_test(output->path, G_FILE_TEST_EXISTS | G_FILE_TEST_IS_SYMLINK)) {
    g_set_error(error, CTL_ERROR, CTL_ERROR_FILE, "%s exists: give another -o FILE, or --force to replace it", output->path);
    return FALSE;
  }
  g_autofree char *part = g_strconcat(output->path, ".part", NULL);
  output->fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (output->fd < 0)
    return output_failed(part, errno, error);
  output->part = g_steal_pointer(&part);
  return TRUE;
}

gboolean ctl_output_write(const guint8 *bytes, gsize n, gpointer user) {
  CtlOutput *output = user;
  while (n > 0) {
    ssize_t written = write(output->fd, bytes, n);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0) {
      output->failed_errno = errno;
      return FALSE;
    }
    bytes += written;
    n -= (gsize)written;
    output->n_bytes += (guint64)written;
  }
  return TRUE;
}

gboolean ctl_output_finish(CtlOutput *output, gboolean force, GError **error) {
  if (!output->part)
    return TRUE;
  if (fsync(output->fd) != 0)
    return output_failed(output->part, errno, error);
  int failed = force ? rename(output->part, output->path) : link(output->part, output->path); /* link never replaces */
  if (failed)
    return output_failed(output->path, errno, error);
  if (!force)
    unlink(output->part);
  g_clear_pointer(&output->part, g_free);
  return TRUE;
}

void ctl_output_clear(CtlOutput *output) {
  if (output->part)
    unlink(output->part);
  if (output->path && output->fd >= 0)
    close(output->fd);
  g_free(output->part);
  g_free(output->path);
}

gboolean ctl_output_failed(const CtlOutput *output, GError **error) {
  return output_failed(output->path ? output->path : "standard output", output->failed_errno, error);
}
