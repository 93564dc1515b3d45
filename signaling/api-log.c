/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/api-log.h"

#include <string.h>

#include "gate/vault/vault-reader.h"
#include "pipelines/transport/control.h"
#include "signaling/log-path.h"

#define TEXT  "text/plain; charset=utf-8"
#define BYTES "application/octet-stream"

/* What stands in a tile never changes (c2sp.org/tlog-tiles), the checkpoint does with every event. Leaves and proofs are one auditor's. */
#define CACHE_SHORT     "public, max-age=2"
#define CACHE_IMMUTABLE "public, max-age=31536000, immutable"
#define CACHE_PRIVATE   "private, max-age=31536000, immutable"

typedef struct LogRead {
  Daemon *daemon;
  HttpRequest *request;
  LogPath path;
  GBytes *found;
  GError *error;
} LogRead;

static void answer(HttpRequest *request, LogPathKind kind, GBytes *found) {
  switch (kind) {
  case LOG_PATH_CHECKPOINT:
  case LOG_PATH_KEY:
    http_respond_cached(request, TEXT, CACHE_SHORT, found);
    return;
  case LOG_PATH_TILE:
    http_respond_cached(request, BYTES, CACHE_IMMUTABLE, found);
    return;
  case LOG_PATH_ENTRIES:
    http_respond_cached(request, BYTES, CACHE_PRIVATE, found);
    return;
  case LOG_PATH_PROOF: /* of the newest checkpoint: it changes */
    http_respond_cached(request, TEXT, "no-store", found);
    return;
  case LOG_PATH_NONE:
    break;
  }
  g_bytes_unref(found);
}

static void read_answer(gpointer data) { /* control thread */
  LogRead *read = data;
  if (read->found != NULL)
    answer(read->request, read->path.kind, read->found);
  else if (g_error_matches(read->error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
    http_respond_error(read->request, 404, "not_in_log", "The log does not reach that far, or has no such tile.");
  else
    http_respond_error(read->request, 503, "storage", read->error->message);
  read->daemon->log_reads--;
  g_clear_error(&read->error);
  g_free(read);
}

static GBytes *text_bytes(char *text) {
  return text != NULL ? g_bytes_new_take(text, strlen(text)) : NULL;
}

static GBytes *find(VaultReader *reader, const LogPath *path, GError **error) {
  switch (path->kind) {
  case LOG_PATH_CHECKPOINT:
    return text_bytes(vault_reader_checkpoint(reader, error));
  case LOG_PATH_TILE:
    return vault_reader_tile(reader, path->level, path->index, path->width, error);
  case LOG_PATH_ENTRIES:
    return vault_reader_entries(reader, path->index, path->width, error);
  case LOG_PATH_PROOF:
    return text_bytes(vault_reader_proof(reader, path->index, error));
  case LOG_PATH_KEY: /* needs no disk */
  case LOG_PATH_NONE:
    break;
  }
  g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "nothing of the log");
  return NULL;
}

static gpointer read_log(gpointer data) {
  LogRead *read = data;
  VaultReader *reader = vault_reader_open(read->daemon->config->data_dir, read->daemon->vault, &read->error);
  if (reader != NULL)
    read->found = find(reader, &read->path, &read->error);
  vault_reader_free(reader); /* closed by now: control may end the vault after the answer */
  control_post(read->daemon->control, G_PRIORITY_DEFAULT, read_answer, read, NULL);
  return NULL;
}

gboolean api_log_is_private(const char *rest) {
  return g_str_has_prefix(rest, "tile/entries/") || g_str_has_prefix(rest, "proof/");
}

void api_log(HttpRequest *request, Daemon *daemon, const char *rest) {
  LogPath path = {0};
  const char *why = NULL;
  gboolean known = FALSE;
  if (!log_path_parse(rest, &path, &why, &known)) {
    http_respond_error(request, known ? 400 : 404, known ? "bad_path" : "not_found", why);
    return;
  }
  if (path.kind == LOG_PATH_KEY) {
    g_autofree char *line = g_strconcat(vault_verifier_text(daemon->vault), "\n", NULL);
    answer(request, path.kind, g_bytes_new(line, strlen(line)));
    return;
  }
  if (daemon->log_reads >= API_LOG_READS_MAX) {
    http_respond_error(request, 429, "too_many_reads", "Too many are reading the log: ask again in a second.");
    return;
  }
  LogRead *read = g_new0(LogRead, 1);
  *read = (LogRead){.daemon = daemon, .request = request, .path = path};
  daemon->log_reads++;
  g_thread_unref(g_thread_new("log-read", read_log, read));
}
