/* SPDX-License-Identifier: Apache-2.0 */
/* recgatectl export: one person's recording into a file, after the access is on the ledger (R20). */
#include <errno.h>
#include <fcntl.h>
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gate/vault/vault-reader.h"
#include "pipelines/recording/export.h"
#include "signaling/recgatectl.h"
#include "signaling/token.h"

typedef struct Output {
  int fd;
  char *path, *part; /* NULL: standard output */
  guint64 n_bytes;
  int failed_errno;
} Output;

static void ignore_sealed(const VaultSealed *sealed G_GNUC_UNUSED, gpointer user G_GNUC_UNUSED) {}
static void ignore_take(const char *session G_GNUC_UNUSED, guint32 take G_GNUC_UNUSED, const char *why G_GNUC_UNUSED,
                        gpointer user G_GNUC_UNUSED) {}
static void ignore_health(gboolean healthy G_GNUC_UNUSED, const char *why G_GNUC_UNUSED, gpointer user G_GNUC_UNUSED) {}

static Vault *vault_take_over(const char *data, GError **error) {
  static const VaultEvents events = {ignore_sealed, ignore_take, ignore_health, NULL};
  if (!g_file_test(data, G_FILE_TEST_IS_DIR)) {
    g_set_error(error, CTL_ERROR, CTL_ERROR_FILE, "%s is not a data directory: give one with --data DIR", data);
    return NULL;
  }
  g_autoptr(GError) why = NULL;
  Vault *vault = vault_open(data, NULL, NULL, &events, &why);
  if (!vault && g_error_matches(why, VAULT_ERROR, VAULT_ERROR_BUSY))
    g_set_error(error, CTL_ERROR, CTL_ERROR_BUSY,
                "a running recgate owns %s, and an export must be on its ledger first: export by HTTP (GET /v1/sessions/SESSION/recording)",
                data);
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

/* Waits until the leaf is durable. */
static gboolean leaf_append(Vault *vault, const CtlOptions *options, const char *type, GError **error) {
  Appending appending = {0};
  json_t *leaf =
      json_pack("{s:s, s:s, s:s, s:s}", "type", type, "by", g_get_user_name(), "what", "recording", "participant", options->participant);
  if (!leaf)
    return ctl_refuse(error, CTL_ERROR_USAGE, "the user's name is not UTF-8");
  vault_append(vault, options->session, leaf, appended, &appending);
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
static gboolean output_open(Output *output, const CtlOptions *options, GError **error) {
  if (g_strcmp0(options->output, "-") == 0) {
    output->fd = STDOUT_FILENO;
    return TRUE;
  }
  output->path = options->output ? g_strdup(options->output) : g_strdup_printf("%s-%s.webm", options->session, options->participant);
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

static gboolean output_write(const guint8 *bytes, gsize n, gpointer user) {
  Output *output = user;
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

static gboolean output_finish(Output *output, gboolean force, GError **error) {
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

static void output_clear(Output *output) {
  if (output->part)
    unlink(output->part);
  if (output->path && output->fd >= 0)
    close(output->fd);
  g_free(output->part);
  g_free(output->path);
}

static gboolean export_into(Output *output, Vault *vault, const CtlOptions *options, GError **error) {
  g_autoptr(VaultReader) reader = vault_reader_open(options->data, vault, error);
  g_autoptr(GError) why = NULL;
  json_auto_t *known = reader ? vault_reader_session(reader, options->session, error) : NULL; /* a leaf would make a misspelt one exist */
  if (!known || !leaf_append(vault, options, "export_begin", error))
    return FALSE;
  if (!export_run(reader, options->session, options->participant, (guint32)options->take, output_write, output, NULL, &why)) {
    if (output->failed_errno)
      return output_failed(output->path ? output->path : "standard output", output->failed_errno, error);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  /* R18: a finished export is named in the acknowledgement of a later withdrawal. On the ledger before the file has its name. */
  return leaf_append(vault, options, "export_end", error) && output_finish(output, options->force, error);
}

gboolean ctl_export(const CtlOptions *options, GError **error) {
  if (!token_id_is_valid(options->session) || !token_id_is_valid(options->participant))
    return ctl_refuse(error, CTL_ERROR_USAGE, "whose recording? recgatectl export SESSION --participant P --data DIR");
  if (options->take < 0 || options->take > G_MAXUINT32)
    return ctl_refuse(error, CTL_ERROR_USAGE, "--take is the number of a take, from 1");
  if (!vault_process_protect(error)) /* keys are in memory from here on (fault 35) */
    return FALSE;
  gst_init(NULL, NULL);
  g_autoptr(Vault) vault = vault_take_over(options->data, error);
  Output output = {.fd = -1};
  gboolean done = vault && output_open(&output, options, error) && export_into(&output, vault, options, error);
  if (done && output.path && options->json) {
    json_auto_t *result = json_pack("{s:s, s:I}", "file", output.path, "bytes", (json_int_t)output.n_bytes);
    ctl_print_json(result);
  } else if (done && output.path)
    printf("%s: %" G_GUINT64_FORMAT " bytes\n", output.path, output.n_bytes);
  output_clear(&output);
  return done;
}
