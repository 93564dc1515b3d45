/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/reports.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gate/vault/vault-reports.h"
#include "pipelines/evidence/bundle.h"
#include "pipelines/transport/control.h"
#include "signaling/report-transfer.h"

#define STORE_RETRY_MS 5000 /* when the store itself did not answer */
#define QUEUE_FULL     64   /* rows that vault_reader_report_queue gives at most */
#define EVIDENCE_DIR   "evidence"

G_DEFINE_QUARK(reports - error, reports_error)

typedef struct Channel {
  const char *name;
  gboolean (*send)(Transfer *transfer, const Config *config, const ReportParcel *parcel, char **why);
  gsize url; /* in Config: set where this channel is used */
} Channel;

static const Channel CHANNELS[] = {{"webhook", report_webhook_send, G_STRUCT_OFFSET(Config, webhook_url)},
                                   {"smtp", report_mail_send, G_STRUCT_OFFSET(Config, smtp_url)}};

struct Reports {
  GMainContext *control;
  const Config *config;
  Vault *vault;
  GCancellable *cancel; /* bundles that are being made */
  Transfer *transfer;
  char *dir;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gboolean woken, answered, durable, ended; /* under lock */
};

static gint64 wall_ms(void) {
  return g_get_real_time() / 1000;
}

static gboolean is_used(const Reports *reports, const Channel *channel) {
  return G_STRUCT_MEMBER(char *, reports->config, channel->url) != NULL;
}

static const char *text(const json_t *row, const char *name) {
  return json_string_value(json_object_get(row, name));
}

static gint64 number(const json_t *row, const char *name) {
  return json_integer_value(json_object_get(row, name));
}

/* --- what is done becomes durable before anything else is begun --- */

static void on_durable(const VaultReply *reply, gpointer user) { /* control thread */
  Reports *reports = user;
  pthread_mutex_lock(&reports->lock);
  reports->answered = TRUE;
  reports->durable = reply->error == NULL;
  pthread_cond_broadcast(&reports->changed);
  pthread_mutex_unlock(&reports->lock);
}

/* One answer is awaited at a time. The vault answers everything before it ends, so this ends too. */
static gboolean await_durable(Reports *reports) {
  pthread_mutex_lock(&reports->lock);
  while (!reports->answered)
    pthread_cond_wait(&reports->changed, &reports->lock);
  reports->answered = FALSE;
  const gboolean durable = reports->durable;
  pthread_mutex_unlock(&reports->lock);
  return durable;
}

static gboolean append(Reports *reports, const json_t *row, const char *type, json_t *leaf) {
  json_object_set_new(leaf, "type", json_string(type));
  json_object_set(leaf, "report", json_object_get(row, "report"));
  vault_append(reports->vault, text(row, "session"), leaf, on_durable, reports);
  return await_durable(reports);
}

/* --- sealing: the bundle of that moment --- */

static char *bundle_path(const Reports *reports, const char *report) {
  g_autofree char *name = g_strconcat(report, ".zip", NULL);
  return g_build_filename(reports->dir, name, NULL);
}

static gboolean keep(const Reports *reports, const char *report, GBytes *bundle, GError **error) {
  gsize n = 0;
  const char *bytes = g_bytes_get_data(bundle, &n);
  g_autofree char *path = bundle_path(reports, report);
  g_mkdir_with_parents(reports->dir, 0700);
  return g_file_set_contents_full(path, bytes, (gssize)n, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, error);
}

static gboolean seal(Reports *reports, VaultReader *reader, const json_t *row) {
  g_autoptr(GError) error = NULL;
  const BundleWish wish = {.session = text(row, "session"), .report = text(row, "report"), .cancel = reports->cancel};
  g_autoptr(GBytes) bundle = bundle_make(reader, reports->vault, &wish, &error);
  if (bundle == NULL || !keep(reports, wish.report, bundle, &error)) {
    g_warning("event=report_not_sealed report=%s why=\"%s\"", wish.report, error->message);
    return FALSE;
  }
  gsize n = 0;
  guint8 digest[crypto_hash_sha256_BYTES];
  char hex[2 * sizeof digest + 1];
  const guint8 *bytes = g_bytes_get_data(bundle, &n);
  crypto_hash_sha256(digest, bytes, n);
  sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
  g_message("event=report_sealed session=%s report=%s bytes=%zu", wish.session, wish.report, n);
  return append(reports, row, "report_sealed", json_pack("{s:s, s:I}", "sha256", hex, "bytes", (json_int_t)n));
}

/* --- sending --- */

static gboolean load(const Reports *reports, const json_t *row, GBytes **bundle) {
  g_autofree char *path = bundle_path(reports, text(row, "report"));
  char *bytes = NULL;
  gsize n = 0;
  guint8 digest[crypto_hash_sha256_BYTES];
  char hex[2 * sizeof digest + 1];
  if (!g_file_get_contents(path, &bytes, &n, NULL))
    return FALSE;
  *bundle = g_bytes_new_take(bytes, n);
  crypto_hash_sha256(digest, (const guint8 *)bytes, n);
  return g_strcmp0(sodium_bin2hex(hex, sizeof hex, digest, sizeof digest), text(row, "bundle_sha256")) == 0;
}

static char *time_text(gint64 ms) {
  g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(ms / 1000);
  return at != NULL ? g_date_time_format_iso8601(at) : g_strdup("");
}

static gboolean send_parcel(Reports *reports, const Channel *channel, const json_t *row, gboolean *hopeless, char **why) {
  g_autoptr(GBytes) bundle = NULL;
  if (!load(reports, row, &bundle)) {
    *hopeless = TRUE;
    *why = g_strdup("the bundle is gone or was altered");
    return FALSE;
  }
  g_autofree char *title = g_strdup_printf("%s: session %s", bundle_title(text(row, "kind")), text(row, "session"));
  g_autofree char *at = time_text(number(row, "at"));
  const ReportParcel parcel = {row, title, at, bundle};
  return channel->send(reports->transfer, reports->config, &parcel, why);
}

/* Doubled each time, up to an hour, and spread so that a receiver that comes back is not met by everything at once. */
static gint64 pause_ms(const Config *config, gint64 attempts) {
  const gint64 doubled = config->reports_retry_ms << MIN(attempts - 1, 20);
  return (gint64)((double)MIN(doubled, REPORTS_RETRY_MS_MAX) * g_random_double_range(0.75, 1.25));
}

/* FALSE: the store did not answer. *next_ms: when this row is due again. */
static gboolean deliver(Reports *reports, const Channel *channel, const json_t *row, gint64 *next_ms) {
  g_autofree char *why = NULL;
  gboolean hopeless = FALSE;
  const gint64 attempts = number(row, "attempts") + 1, began_ms = wall_ms(), first_ms = number(row, "first_ms");
  const gboolean arrived = send_parcel(reports, channel, row, &hopeless, &why);
  if (transfer_is_stopped(reports->transfer))
    return TRUE; /* cut off by our own end: not an attempt */
  if (arrived) {
    g_message("event=report_sent report=%s channel=%s attempts=%" G_GINT64_FORMAT, text(row, "report"), channel->name, attempts);
    return append(reports, row, "report_sent", json_pack("{s:s, s:I}", "channel", channel->name, "attempts", (json_int_t)attempts));
  }
  const gint64 since_ms = first_ms > 0 ? first_ms : began_ms, now_ms = wall_ms();
  g_warning("event=report_not_sent report=%s channel=%s attempts=%" G_GINT64_FORMAT " why=\"%s\"", text(row, "report"), channel->name,
            attempts, why);
  if (hopeless || now_ms - since_ms >= reports->config->reports_give_up_s * 1000)
    return append(reports, row, "report_failed",
                  json_pack("{s:s, s:I, s:s}", "channel", channel->name, "attempts", (json_int_t)attempts, "why", why));
  *next_ms = now_ms + pause_ms(reports->config, attempts);
  const VaultDelivery delivery = {text(row, "report"), channel->name, attempts, since_ms, *next_ms};
  vault_report_postpone(reports->vault, &delivery, on_durable, reports);
  return await_durable(reports);
}

/* --- one pass over what is to be done --- */

typedef struct Pass {
  json_t *unsealed, *waiting[G_N_ELEMENTS(CHANNELS)];
  gboolean again;  /* something was done: look again at once */
  gboolean broken; /* the store did not answer */
  gint64 next_ms;  /* when the first of the rest is due */
} Pass;

static void pass_clear(Pass *pass) {
  json_decref(pass->unsealed);
  for (guint i = 0; i < G_N_ELEMENTS(CHANNELS); i++)
    json_decref(pass->waiting[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pass, pass_clear)

static gboolean is_among(const json_t *rows, const char *name) {
  for (gsize i = 0; i < json_array_size(rows); i++) {
    g_autofree char *file = g_strconcat(text(json_array_get(rows, i), "report"), ".zip", NULL);
    if (strcmp(file, name) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Bundles that nothing waits for any more, or whose report was erased with its session, go: they hold what opens commitments (R23). */
static void sweep(const Reports *reports, const Pass *pass) {
  g_autoptr(GDir) dir = g_dir_open(reports->dir, 0, NULL);
  const char *name;
  if (json_array_size(pass->unsealed) >= QUEUE_FULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS(CHANNELS); i++)
    if (json_array_size(pass->waiting[i]) >= QUEUE_FULL)
      return;
  while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
    gboolean needed = is_among(pass->unsealed, name);
    for (guint i = 0; i < G_N_ELEMENTS(CHANNELS); i++)
      needed = needed || is_among(pass->waiting[i], name);
    g_autofree char *path = g_build_filename(reports->dir, name, NULL);
    if (!needed)
      unlink(path);
  }
}

/* Without an address everything waits for one under a channel's name that nobody uses. */
static gboolean read_queue(const Reports *reports, VaultReader *reader, Pass *pass, GError **error) {
  gboolean any = FALSE;
  pass->unsealed = vault_reader_report_queue(reader, NULL, error);
  for (guint i = 0; pass->unsealed != NULL && i < G_N_ELEMENTS(CHANNELS); i++) {
    const gboolean last = i + 1 == G_N_ELEMENTS(CHANNELS), used = is_used(reports, &CHANNELS[i]);
    any = any || used;
    pass->waiting[i] = used || (last && !any) ? vault_reader_report_queue(reader, used ? CHANNELS[i].name : "none", error) : json_array();
    if (pass->waiting[i] == NULL)
      return FALSE;
  }
  return pass->unsealed != NULL;
}

static void seal_all(Reports *reports, VaultReader *reader, Pass *pass) {
  for (gsize i = 0; i < json_array_size(pass->unsealed) && !transfer_is_stopped(reports->transfer); i++) {
    const gboolean sealed = seal(reports, reader, json_array_get(pass->unsealed, i));
    pass->again = pass->again || sealed;
    pass->broken = pass->broken || !sealed;
  }
}

static void deliver_all(Reports *reports, const Channel *channel, const json_t *rows, Pass *pass) {
  for (gsize i = 0; i < json_array_size(rows) && !transfer_is_stopped(reports->transfer); i++) {
    const json_t *row = json_array_get(rows, i);
    const gint64 now_ms = wall_ms();
    gint64 next_ms = number(row, "next_ms");
    if (next_ms <= now_ms || next_ms > now_ms + 2 * REPORTS_RETRY_MS_MAX) { /* the wall clock may have been set back */
      next_ms = G_MAXINT64;
      const gboolean kept = deliver(reports, channel, row, &next_ms);
      pass->again = pass->again || (kept && next_ms == G_MAXINT64);
      pass->broken = pass->broken || !kept;
    }
    pass->next_ms = MIN(pass->next_ms, next_ms);
  }
}

static void pass_over(Reports *reports, Pass *pass) {
  g_autoptr(GError) error = NULL;
  g_autoptr(VaultReader) reader = vault_reader_open(reports->config->data_dir, reports->vault, &error);
  pass->next_ms = G_MAXINT64;
  if (reader == NULL || !read_queue(reports, reader, pass, &error)) {
    g_warning("event=reports_unread why=\"%s\"", error->message);
    pass->broken = TRUE;
    return;
  }
  sweep(reports, pass);
  seal_all(reports, reader, pass);
  g_clear_pointer(&reader, vault_reader_free);
  for (guint i = 0; i < G_N_ELEMENTS(CHANNELS); i++)
    if (is_used(reports, &CHANNELS[i]))
      deliver_all(reports, &CHANNELS[i], pass->waiting[i], pass);
}

/* Sleeps until something is due, new, or the end. */
static void rest(Reports *reports, gint64 wait_ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  const gint64 at_ms = until.tv_sec * 1000 + until.tv_nsec / 1000000 + CLAMP(wait_ms, 0, REPORTS_RETRY_MS_MAX);
  until = (struct timespec){.tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000};
  pthread_mutex_lock(&reports->lock);
  int status = 0;
  while (status == 0 && !reports->woken && !transfer_is_stopped(reports->transfer))
    status = pthread_cond_timedwait(&reports->changed, &reports->lock, &until);
  reports->woken = FALSE;
  pthread_mutex_unlock(&reports->lock);
}

static void nothing(gpointer data) {
  (void)data;
}

static void *reports_main(void *user) {
  Reports *reports = user;
  while (!transfer_is_stopped(reports->transfer)) {
    g_auto(Pass) pass = {0};
    pass_over(reports, &pass);
    if (pass.broken)
      rest(reports, STORE_RETRY_MS);
    else if (!pass.again)
      rest(reports, pass.next_ms == G_MAXINT64 ? G_MAXINT64 : pass.next_ms - wall_ms());
  }
  pthread_mutex_lock(&reports->lock);
  reports->ended = TRUE;
  pthread_mutex_unlock(&reports->lock);
  control_post(reports->control, G_PRIORITY_DEFAULT, nothing, NULL, NULL); /* who waits for the end looks again */
  return NULL;
}

Reports *reports_new(Daemon *daemon, GError **error) {
  if (!report_webhook_check(daemon->config, error) || !report_mail_check(daemon->config, error))
    return NULL;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  Reports *reports = g_new0(Reports, 1);
  reports->control = daemon->control;
  reports->config = daemon->config;
  reports->vault = daemon->vault;
  reports->cancel = g_object_ref(daemon->ending);
  reports->transfer = transfer_new();
  reports->dir = g_build_filename(daemon->config->data_dir, EVIDENCE_DIR, NULL);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_mutex_init(&reports->lock, NULL);
  pthread_cond_init(&reports->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  if (pthread_create(&reports->thread, NULL, reports_main, reports) != 0)
    g_error("no thread for reports"); /* as g_thread_new does: nothing can go on */
  return reports;
}

static void signal_changed(Reports *reports, gboolean woken) {
  pthread_mutex_lock(&reports->lock);
  reports->woken = reports->woken || woken;
  pthread_cond_broadcast(&reports->changed);
  pthread_mutex_unlock(&reports->lock);
}

void reports_wake(Reports *reports) {
  if (reports != NULL)
    signal_changed(reports, TRUE);
}

void reports_stop(Reports *reports) {
  if (reports == NULL)
    return;
  transfer_stop(reports->transfer);
  signal_changed(reports, FALSE);
}

gboolean reports_is_quiet(Reports *reports) {
  if (reports == NULL)
    return TRUE;
  pthread_mutex_lock(&reports->lock);
  const gboolean ended = reports->ended;
  pthread_mutex_unlock(&reports->lock);
  return ended;
}

void reports_free(Reports *reports) {
  if (reports == NULL || !reports_is_quiet(reports)) /* the process ends now, and so does a thread that the disk holds */
    return;
  pthread_join(reports->thread, NULL);
  pthread_mutex_destroy(&reports->lock);
  pthread_cond_destroy(&reports->changed);
  transfer_free(reports->transfer);
  g_object_unref(reports->cancel);
  g_free(reports->dir);
  g_free(reports);
}
