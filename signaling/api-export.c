/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/api-export.h"

#include <pthread.h>

#include "gate/vault/vault-reader.h"
#include "pipelines/recording/mix.h"
#include "pipelines/transport/control.h"

typedef struct Export {
  Daemon *daemon;
  HttpRequest *request;
  HttpStream *stream;               /* made with the first bytes: until then an error can still be said in words */
  char *session, *participant, *by; /* participant NULL: everyone, side by side */
  ExportRange range;
  gboolean whole, matroska;
  gboolean opening; /* the export thread waits for its stream */
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

/* What is played of a part is named on the ledger (R20). */
static json_t *export_leaf(const Export *export, const char *type) {
  json_t *leaf = json_pack("{s:s, s:s, s:s*}", "type", type, "by", export->by, "participant", export->participant);
  if (export->participant == NULL)
    json_object_set_new(leaf, "layout", json_string("side-by-side"));
  if (export->range.take != 0)
    json_object_set_new(leaf, "take", json_integer(export->range.take));
  if (export->range.part)
    json_object_update_new(leaf, json_pack("{s:s, s:I, s:I}", "medium", export->range.medium != NULL ? export->range.medium : "any",
                                           "first", (json_int_t) export->range.from, "last", (json_int_t) export->range.to));
  return leaf;
}

static gboolean is_cut(const Export *export) {
  return g_cancellable_is_cancelled(export->cancel);
}

static void open_stream(gpointer data) { /* control thread */
  Export *export = data;
  g_autofree char *name = g_strdup_printf("%s-%s.%s", export->session, export->participant != NULL ? export->participant : "everyone",
                                          export->matroska ? "mkv" : "webm");
  pthread_mutex_lock(&export->lock);
  if (!is_cut(export))
    export->stream = http_respond_stream(export->request, export->matroska ? "video/x-matroska" : "video/webm", name);
  export->opening = FALSE;
  pthread_cond_signal(&export->opened);
  pthread_mutex_unlock(&export->lock);
}

static gboolean sink(const guint8 *bytes, gsize n, gpointer user) { /* export thread */
  Export *export = user;
  if (export->stream == NULL) {
    pthread_mutex_lock(&export->lock);
    export->opening = TRUE;
    control_post(export->daemon->control, G_PRIORITY_DEFAULT, open_stream, export, NULL);
    while (export->opening)
      pthread_cond_wait(&export->opened, &export->lock);
    pthread_mutex_unlock(&export->lock);
  }
  return export->stream != NULL && http_stream_write(export->stream, bytes, n);
}

static void answer_error(const Export *export) {
  const GError *error = export->error;
  if (is_cut(export) || g_error_matches(error, VAULT_ERROR, VAULT_ERROR_ERASED))
    http_respond_error(export->request, 410, "erased", "This recording has been erased.");
  else if (g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND) || g_error_matches(error, EXPORT_ERROR, EXPORT_ERROR_NOTHING_KEPT))
    http_respond_error(export->request, 404, "nothing_kept", error->message);
  else
    http_respond_error(export->request, 503, "storage", error != NULL ? error->message : "The export failed.");
}

static void finish(Export *export) {
  if (export->stream != NULL)
    http_stream_end(export->stream, export->whole && !is_cut(export));
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

static void on_drained(gboolean whole, gpointer user) {
  Export *export = user;
  if (whole)
    vault_append(export->daemon->vault, export->session, export_leaf(export, "export_end"), on_end_logged, export);
  else {
    export->whole = FALSE;
    finish(export);
  }
}

/* R18: finished exports are named in a later withdrawal's acknowledgement. Finished is one that its reader has taken all of but the end, which follows when
 * this is on the ledger; until then a withdrawal cuts it, and it is not whole. */
static void on_finished(gpointer data) { /* control thread */
  Export *export = data;
  if (export->whole && export->stream != NULL && !is_cut(export))
    http_stream_drain(export->stream, on_drained, export);
  else
    finish(export);
}

static gboolean read_one(Export *export, VaultReader *reader) {
  gboolean webm;
  if (!export_is_webm(reader, export->session, export->participant, &export->range, &webm, &export->error))
    return FALSE;
  export->matroska = !webm;
  return export_run_range(reader, export->session, export->participant, &export->range, sink, export, export->cancel, &export->error);
}

static void read_out(Export *export) {
  g_autoptr(VaultReader) reader = vault_reader_open(export->daemon->config->data_dir, export->daemon->vault, &export->error);
  if (reader == NULL)
    return;
  if (export->participant == NULL)
    export->whole = mix_run(reader, export->session, export->range.take, sink, export, export->cancel, &export->error);
  else
    export->whole = read_one(export, reader);
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

/* One query as a number; *there only when it was given. */
static gboolean query_number(HttpRequest *request, const char *name, guint64 least, guint32 *number, gboolean *there) {
  const char *text = http_query(request, name);
  guint64 value;
  if (text == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned(text, 10, least, G_MAXUINT32, &value, NULL))
    return FALSE;
  *number = (guint32)value;
  *there = TRUE;
  return TRUE;
}

/* ?take=T[&from=SEQ&to=SEQ[&medium=audio|video]] */
static const char *read_range(HttpRequest *request, ExportRange *range) {
  const char *medium = http_query(request, "medium");
  gboolean one_take = FALSE;
  *range = (ExportRange){.to = G_MAXUINT32};
  if (!query_number(request, "take", 1, &range->take, &one_take))
    return "“take” is the number of a take, from 1.";
  if (!query_number(request, "from", 0, &range->from, &range->part) || !query_number(request, "to", 0, &range->to, &range->part) ||
      range->to < range->from || (range->part && !one_take))
    return "“from” and “to” are the numbers of the first and the last segment of one take.";
  if (medium != NULL && !g_str_equal(medium, "audio") && !g_str_equal(medium, "video"))
    return "“medium” is audio or video.";
  range->medium = medium == NULL ? NULL : g_str_equal(medium, "audio") ? "audio" : "video";
  return NULL;
}

static guint mixes_running(const Daemon *daemon) {
  guint n = 0;
  for (guint i = 0; i < daemon->exports->len; i++)
    n += ((const Export *)daemon->exports->pdata[i])->participant == NULL;
  return n;
}

void api_export(HttpRequest *request, Daemon *daemon, const char *session, const Token *token) {
  const char *participant = http_query(request, "participant"), *layout = http_query(request, "layout");
  ExportRange range;
  if (layout != NULL ? participant != NULL || !g_str_equal(layout, "side-by-side")
                     : participant == NULL || !token_id_is_valid(participant)) {
    http_respond_error(request, 400, "bad_participant", "Say whose recording: ?participant=ID, or everyone’s: ?layout=side-by-side.");
    return;
  }
  const char *wrong = read_range(request, &range);
  if (wrong == NULL && layout != NULL && range.part)
    wrong = "Side by side comes by takes: leave “from” and “to” out.";
  if (wrong != NULL) {
    http_respond_error(request, 400, "bad_take", wrong);
    return;
  }
  if (daemon->exports->len >= API_EXPORTS_MAX) {
    http_respond_error(request, 429, "too_many_exports", "Too many exports are running: try again when one has finished.");
    return;
  }
  if (layout != NULL && mixes_running(daemon) >= API_MIXES_MAX) {
    http_respond_error(request, 429, "too_many_exports", "A recording is being put side by side already: try again when it has finished.");
    return;
  }
  Export *export = g_new0(Export, 1);
  *export = (Export){.daemon = daemon,
                     .request = request,
                     .session = g_strdup(session),
                     .participant = g_strdup(participant),
                     .by = g_strdup(token->participant),
                     .range = range,
                     .cancel = g_cancellable_new()};
  pthread_mutex_init(&export->lock, NULL);
  pthread_cond_init(&export->opened, NULL);
  g_ptr_array_add(daemon->exports, export);
  vault_append(daemon->vault, session, export_leaf(export, "export_begin"), on_logged, export);
}

void api_export_cut(Daemon *daemon, const char *session) {
  for (guint i = daemon->exports->len; i-- > 0;) {
    Export *export = daemon->exports->pdata[i];
    if (session != NULL && !g_str_equal(export->session, session))
      continue;
    g_cancellable_cancel(export->cancel);
    if (export->stream != NULL)        /* also of a reader who stands still: what is queued is not theirs to wait for */
      http_stream_cut(export->stream); /* ends the export where its reader alone was waited for */
  }
}
