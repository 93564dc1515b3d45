/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/api-evidence.h"

#include <pthread.h>

#include "pipelines/evidence/bundle.h"
#include "pipelines/transport/control.h"

#define BUNDLES_MAX 4 /* at a time: each may hold a large session's in memory */

typedef struct Evidence {
  Daemon *daemon;
  HttpRequest *request;
  char *session;
  GBytes *bundle;
  GError *error;
  HttpStream *stream;
  gboolean whole;
  pthread_mutex_t lock;
  pthread_cond_t opened;
} Evidence;

static void finish(gpointer data) { /* control thread */
  Evidence *evidence = data;
  if (evidence->stream != NULL)
    http_stream_end(evidence->stream, evidence->whole);
  else if (g_error_matches(evidence->error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
    http_respond_error(evidence->request, 404, "unknown_session", "There is no such session.");
  else
    http_respond_error(evidence->request, 503, "storage", evidence->error->message);
  evidence->daemon->bundles--;
  pthread_mutex_destroy(&evidence->lock);
  pthread_cond_destroy(&evidence->opened);
  g_clear_pointer(&evidence->bundle, g_bytes_unref);
  g_clear_error(&evidence->error);
  g_free(evidence->session);
  g_free(evidence);
}

static void open_stream(gpointer data) { /* control thread */
  Evidence *evidence = data;
  g_autofree char *name = g_strdup_printf("%s-evidence.zip", evidence->session);
  pthread_mutex_lock(&evidence->lock);
  evidence->stream = http_respond_stream(evidence->request, "application/zip", name);
  pthread_cond_signal(&evidence->opened);
  pthread_mutex_unlock(&evidence->lock);
}

static void make(Evidence *evidence) {
  g_autoptr(VaultReader) reader = vault_reader_open(evidence->daemon->config->data_dir, evidence->daemon->vault, &evidence->error);
  if (reader != NULL)
    evidence->bundle = bundle_make(reader, evidence->daemon->vault,
                                   &(BundleWish){.session = evidence->session, .cancel = evidence->daemon->ending}, &evidence->error);
}

/* Nothing is answered before the bundle is whole, so that an error can still be said in words. */
static gpointer run(gpointer data) {
  Evidence *evidence = data;
  make(evidence); /* its reader is closed by now: control may end the vault after the answer */
  if (evidence->bundle != NULL) {
    gsize n = 0;
    const guint8 *bytes = g_bytes_get_data(evidence->bundle, &n);
    pthread_mutex_lock(&evidence->lock);
    control_post(evidence->daemon->control, G_PRIORITY_DEFAULT, open_stream, evidence, NULL);
    while (evidence->stream == NULL)
      pthread_cond_wait(&evidence->opened, &evidence->lock);
    pthread_mutex_unlock(&evidence->lock);
    evidence->whole = http_stream_write(evidence->stream, bytes, n);
  }
  control_post(evidence->daemon->control, G_PRIORITY_DEFAULT, finish, evidence, NULL);
  return NULL;
}

static void on_logged(const VaultReply *reply, gpointer user) {
  Evidence *evidence = user;
  if (reply->error == NULL) {
    g_thread_unref(g_thread_new("evidence", run, evidence));
    return;
  }
  evidence->error = g_error_copy(reply->error); /* R20: not on the ledger, so not a byte */
  finish(evidence);
}

void api_evidence(HttpRequest *request, Daemon *daemon, const char *session, const Token *token) {
  if (daemon->bundles >= BUNDLES_MAX) {
    http_respond_error(request, 429, "too_many_exports", "Too much is being read at this moment: try again shortly.");
    return;
  }
  Evidence *evidence = g_new0(Evidence, 1);
  *evidence = (Evidence){.daemon = daemon, .request = request, .session = g_strdup(session)};
  pthread_mutex_init(&evidence->lock, NULL);
  pthread_cond_init(&evidence->opened, NULL);
  daemon->bundles++;
  vault_append(daemon->vault, session, json_pack("{s:s, s:s, s:s}", "type", "access", "by", token->participant, "what", "evidence"),
               on_logged, evidence);
}
