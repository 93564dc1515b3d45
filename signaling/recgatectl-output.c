/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/recgatectl-output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

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
