/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/whip-upstream.h"

#include <string.h>

#include "gate/ledger/note.h"
#include "pipelines/transport/control.h"
#include "signaling/report-transfer.h"

#define POST_TIMEOUT_S   10L
#define DELETE_TIMEOUT_S 2L /* less than the daemon's patience when it ends */

typedef struct Whips { /* Daemon.whips */
  char *bearer;        /* a header; NULL: the server wants no token */
  GQueue waiting;      /* Job */
  GPtrArray *running;  /* Job */
  gboolean stopped;
} Whips;

typedef struct Job {
  Daemon *daemon;
  Transfer *transfer;
  GThread *thread;
  char *url, *offer; /* offer NULL: a DELETE */
  const char *bearer;
  GString *body;
  WhipAnswer answer;
  void (*done)(const WhipAnswer *answer, gpointer user);
  gpointer user;
} Job;

static void job_free(Job *job) {
  transfer_free(job->transfer);
  g_free(job->url);
  g_free(job->offer);
  g_string_free(job->body, TRUE);
  g_free(job->answer.sdp);
  g_free(job->answer.location);
  g_free(job->answer.why);
  g_free(job);
}

/* --- on the job's thread --- */

static size_t take_body(char *bytes, size_t size, size_t n, void *user) {
  GString *body = user;
  if (body->len + size * n > SDP_BYTES_MAX)
    return 0; /* libcurl ends the transfer */
  g_string_append_len(body, bytes, (gssize)(size * n));
  return size * n;
}

/* Where the session is (RFC 9725 section 4.2). The server's token goes nowhere but to that server. */
static char *location_of(CURL *easy, const char *url) {
  struct curl_header *header = NULL;
  if (curl_easy_header(easy, "Location", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
    return NULL;
  g_autofree char *whole = g_uri_resolve_relative(url, header->value, G_URI_FLAGS_NONE, NULL);
  g_autoptr(GUri) asked = g_uri_parse(url, G_URI_FLAGS_NONE, NULL), there = whole ? g_uri_parse(whole, G_URI_FLAGS_NONE, NULL) : NULL;
  if (!asked || !there || g_strcmp0(g_uri_get_scheme(asked), g_uri_get_scheme(there)) != 0 ||
      g_strcmp0(g_uri_get_host(asked), g_uri_get_host(there)) != 0 || g_uri_get_port(asked) != g_uri_get_port(there))
    return NULL;
  return g_steal_pointer(&whole);
}

static void request(Job *job) {
  struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
  long status = 0;
  CURL *easy = curl_easy_init();
  if (job->bearer != NULL)
    headers = curl_slist_append(headers, job->bearer);
  headers = curl_slist_append(headers, job->offer != NULL ? "Content-Type: application/sdp" : "Accept: */*");
  curl_easy_setopt(easy, CURLOPT_URL, job->url);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* to where the configuration says and nowhere else */
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, job->offer != NULL ? POST_TIMEOUT_S : DELETE_TIMEOUT_S);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "recgate");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, job->body);
  if (job->offer != NULL) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, job->offer);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(job->offer));
  } else
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
  const gboolean arrived = transfer_run(job->transfer, easy, &job->answer.why);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  job->answer.status = (guint)status;
  job->answer.location = arrived ? location_of(easy, job->url) : NULL;
  if (arrived && strlen(job->body->str) == job->body->len)
    job->answer.sdp = g_strdup(job->body->str);
  curl_easy_cleanup(easy);
  curl_slist_free_all(headers);
}

static void start_next(Daemon *daemon);

static void on_over(gpointer data) { /* control thread */
  Job *job = data;
  Daemon *daemon = job->daemon;
  if (daemon->whips == NULL) /* too late: the daemon has ended */
    return;
  g_thread_join(job->thread);
  g_ptr_array_remove_fast(daemon->whips->running, job);
  if (job->done != NULL)
    job->done(&job->answer, job->user);
  else if (job->answer.why != NULL)
    g_message("event=whip_delete_failed why=\"%s\"", job->answer.why);
  job_free(job);
  start_next(daemon);
}

static gpointer run(gpointer data) {
  Job *job = data;
  request(job);
  control_post(job->daemon->control, G_PRIORITY_DEFAULT, on_over, job, NULL);
  return NULL;
}

/* --- on the control thread --- */

static void start_next(Daemon *daemon) {
  Whips *whips = daemon->whips;
  while (whips->running->len < WHIP_RUNNING_MAX && !g_queue_is_empty(&whips->waiting)) {
    Job *job = g_queue_pop_head(&whips->waiting);
    if (whips->stopped && job->offer != NULL)
      transfer_stop(job->transfer); /* answered all the same: that it was ended */
    g_ptr_array_add(whips->running, job);
    job->thread = g_thread_new("whip", run, job);
  }
}

static void job_new(Daemon *daemon, const char *url, const char *offer, void (*done)(const WhipAnswer *answer, gpointer user),
                    gpointer user) {
  Job *job = g_new0(Job, 1);
  *job = (Job){.daemon = daemon,
               .transfer = transfer_new(),
               .url = g_strdup(url),
               .offer = g_strdup(offer),
               .bearer = daemon->whips->bearer,
               .done = done,
               .user = user};
  job->body = g_string_new(NULL);
  g_queue_push_tail(&daemon->whips->waiting, job);
  start_next(daemon);
}

gboolean whip_upstream_post(Daemon *daemon, const char *url, const char *sdp, void (*done)(const WhipAnswer *answer, gpointer user),
                            gpointer user) {
  if (daemon->whips->stopped || g_queue_get_length(&daemon->whips->waiting) >= WHIP_WAITING_MAX)
    return FALSE;
  job_new(daemon, url, sdp, done, user);
  return TRUE;
}

void whip_upstream_delete(Daemon *daemon, const char *url) {
  job_new(daemon, url, NULL, NULL, NULL);
}

gboolean whip_upstream_start(Daemon *daemon, GError **error) {
  const char *file = daemon->config->sfu_whip_token_file;
  char *token = file != NULL ? report_secret(file, 1, error) : NULL;
  if (file != NULL && token == NULL)
    return FALSE;
  daemon->whips = g_new0(Whips, 1);
  daemon->whips->bearer = token != NULL ? g_strconcat("Authorization: Bearer ", token, NULL) : NULL;
  daemon->whips->running = g_ptr_array_new();
  note_text_free(token);
  return TRUE;
}

void whip_upstream_stop(Daemon *daemon) {
  if (daemon->whips == NULL)
    return;
  daemon->whips->stopped = TRUE;
  for (guint i = 0; i < daemon->whips->running->len; i++) {
    const Job *job = daemon->whips->running->pdata[i];
    if (job->offer != NULL)
      transfer_stop(job->transfer);
  }
}

gboolean whip_upstream_is_quiet(const Daemon *daemon) {
  return daemon->whips == NULL || (daemon->whips->running->len == 0 && g_queue_is_empty(&daemon->whips->waiting));
}

void whip_upstream_free(Daemon *daemon) {
  Whips *whips = g_steal_pointer(&daemon->whips);
  if (whips == NULL)
    return;
  for (guint i = 0; i < whips->running->len;
       i++) { /* of a server that outlasted the daemon's patience; their answers are not read any more */
    const Job *job = whips->running->pdata[i];
    transfer_stop(job->transfer);
    g_thread_join(job->thread);
  }
  g_queue_clear_full(&whips->waiting, (GDestroyNotify)job_free);
  g_ptr_array_unref(whips->running);
  note_text_free(whips->bearer);
  g_free(whips);
}
