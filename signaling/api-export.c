/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/api-export.h"

#include <pthread.h>

#include "gate/vault/vault-reader.h"
#include "pipelines/recording/export.h"
#include "pipelines/relay/control.h"

typedef struct Export {
  Daemon *daemon;
  HttpRequest *request;
  HttpStream *stream; /* made with the first bytes: until then an error can still be said in words */
  char *session, *participant, *by;
  guint32 take;
  gboolean whole;
  GCancellable *cancel;
  GError *error;
  pthread_mutex_t lock;
  pthread_cond_t opened;
} Export;

static void export_free(Export *export) {
  pthread_mutex_destroy(&export->lock);
  pthread_cond_destroy(&export->opened);
  g_clear_error(&export->error);
  g_object_unref(export->cancel);
  g_free(export->session);
  g_free(export->participant);
  g_free(export->by);
  g_free(export);
}

static void open_stream(gpointer data) { /* control thread */
  Export *export = data;
  g_autofree char *name = g_strdup_printf("%s-%s.webm", export->session, export->participant);
  pthread_mutex_lock(&export->lock);
  export->stream = http_respond_stream(export->request, "video/webm", name);
  pthread_cond_signal(&export->opened);
  pthread_mutex_unlock(&export->lock);
}

static gboolean sink(const guint8 *bytes, gsize n, gpointer user) { /* export thread */
  Export *export = user;
  if (export->stream == NULL) {
    pthread_mutex_lock(&export->lock);
    control_post(export->daemon->control, G_PRIORITY_DEFAULT, open_stream, export, NULL);
    while (export->stream == NULL)
      pthread_cond_wait(&export->opened, &export->lock);
    pthread_mutex_unlock(&export->lock);
  }
  return http_stream_write(export->stream, bytes, n);
}

static void answer_error(const Export *export) {
  const GError *error = export->error;
  if (g_error_matches(error, VAULT_ERROR, VAULT_ERROR_ERASED) || g_error_matches(error, EXPORT_ERROR, EXPORT_ERROR_CANCELLED))
    http_respond_error(export->request, 410, "erased", "This recording has been erased.");
  else if (g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND) || g_error_matches(error, EXPORT_ERROR, EXPORT_ERROR_NOTHING_KEPT))
    http_respond_error(export->request, 404, "nothing_kept", error->message);
  else
    http_respond_error(export->request, 503, "storage", error != NULL ? error->message : "The export failed.");
}

static void finish(Export *export) {
  if (export->stream != NULL)
    http_stream_end(export->stream, export->whole);
  else
    answer_error(export);
  g_ptr_array_remove_fast(export->daemon->exports, export);
  export_free(export);
}

static void on_end_logged(const VaultReply *reply, gpointer user) {
  Export *export = user;
  export->whole = reply->error == NULL;
  finish(export);
}

/* R18: finished exports are named in a later withdrawal's acknowledgement; so the reader gets the end of the file after it is on the ledger. */
static void on_finished(gpointer data) { /* control thread */
  Export *export = data;
  if (export->whole)
    vault_append(export->daemon->vault, export->session,
                 json_pack("{s:s, s:s, s:s}", "type", "export_end", "by", export->by, "participant", export->participant), on_end_logged,
                 export);
  else
    finish(export);
}

static void read_out(Export *export) {
  g_autoptr(VaultReader) reader = vault_reader_open(export->daemon->config->data_dir, export->daemon->vault, &export->error);
  export->whole = reader != NULL &&
                  export_run(reader, export->session, export->participant, export->take, sink, export, export->cancel, &export->error);
}

static gpointer run(gpointer data) {
  Export *export = data;
  read_out(export); /* its reader is closed by now: control may end the vault after the answer */
  control_post(export->daemon->control, G_PRIORITY_DEFAULT, on_finished, export, NULL);
  return NULL;
}

static void on_logged(const VaultReply *reply, gpointer user) {
  Export *export = user;
  if (reply->error == NULL) {
    g_thread_unref(g_thread_new("export", run, export));
    return;
  }
  export->error = g_error_copy(reply->error); /* R20: not on the ledger, so not a byte */
  finish(export);
}

void api_export(HttpRequest *request, Daemon *daemon, const char *session, const Token *token) {
  const char *participant = http_query(request, "participant"), *take = http_query(request, "take");
  guint64 number = 0;
  if (participant == NULL || !token_id_is_valid(participant)) {
    http_respond_error(request, 400, "bad_participant", "Say whose recording: ?participant=ID.");
    return;
  }
  if (take != NULL && !g_ascii_string_to_unsigned(take, 10, 1, G_MAXUINT32, &number, NULL)) {
    http_respond_error(request, 400, "bad_take", "“take” is the number of a take, from 1.");
    return;
  }
  if (daemon->exports->len >= API_EXPORTS_MAX) {
    http_respond_error(request, 429, "too_many_exports", "Too many exports are running: try again when one has finished.");
    return;
  }
  Export *export = g_new0(Export, 1);
  *export = (Export){.daemon = daemon,
                     .request = request,
                     .session = g_strdup(session),
                     .participant = g_strdup(participant),
                     .by = g_strdup(token->participant),
                     .take = (guint32)number,
                     .cancel = g_cancellable_new()};
  pthread_mutex_init(&export->lock, NULL);
  pthread_cond_init(&export->opened, NULL);
  g_ptr_array_add(daemon->exports, export);
  vault_append(daemon->vault, session, json_pack("{s:s, s:s, s:s}", "type", "export_begin", "by", export->by, "participant", participant),
               on_logged, export);
}

void api_export_cut(Daemon *daemon, const char *session) {
  for (guint i = 0; i < daemon->exports->len; i++) {
    Export *export = daemon->exports->pdata[i];
    if (session == NULL || g_str_equal(export->session, session))
      g_cancellable_cancel(export->cancel);
  }
}
