/* SPDX-License-Identifier: Apache-2.0 */
/* A report as a mail (RFC 5322) with the bundle attached, over SMTP with STARTTLS or SMTPS. */
#include <string.h>

#include "gate/ledger/note.h"
#include "pipelines/evidence/html.h"
#include "signaling/report-transfer.h"
#include "signaling/reports.h"

static gboolean wrong(GError **error, const char *why) {
  g_set_error(error, REPORTS_ERROR, REPORTS_ERROR_CONFIG, "[reports] %s", why);
  return FALSE;
}

/* What may stand in an envelope and a header without quoting. */
static gboolean address_is_valid(const char *address) {
  const char *at = strchr(address, '@');
  if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL)
    return FALSE;
  for (const char *c = address; *c; c++)
    if (!g_ascii_isgraph(*c) || strchr("<>(),;:\\\"[]", *c) != NULL)
      return FALSE;
  return TRUE;
}

static char **recipients(const Config *config) {
  g_auto(GStrv) parts = g_strsplit_set(config->smtp_to != NULL ? config->smtp_to : "", ", ", -1);
  g_autoptr(GStrvBuilder) all = g_strv_builder_new();
  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] != '\0')
      g_strv_builder_add(all, parts[i]);
  return g_strv_builder_end(all);
}

static gboolean check_addresses(const Config *config, GError **error) {
  g_auto(GStrv) all = recipients(config);
  if (config->smtp_from == NULL || !address_is_valid(config->smtp_from))
    return wrong(error, "smtp_url needs smtp_from: an address such as gate@example.org");
  for (guint i = 0; all[i] != NULL; i++)
    if (!address_is_valid(all[i]))
      return wrong(error, "smtp_to: give addresses such as privacy@example.org, separated by commas");
  return all[0] != NULL || wrong(error, "smtp_url needs smtp_to: who gets the reports");
}

gboolean report_mail_check(const Config *config, GError **error) {
  if (config->smtp_url == NULL)
    return TRUE;
  g_autoptr(GUri) uri = g_uri_parse(config->smtp_url, G_URI_FLAGS_NONE, NULL);
  const char *scheme = uri ? g_uri_get_scheme(uri) : "";
  if (uri == NULL || g_uri_get_host(uri) == NULL || (strcmp(scheme, "smtp") != 0 && strcmp(scheme, "smtps") != 0) ||
      g_uri_get_userinfo(uri))
    return wrong(error, "smtp_url: give smtp://HOST:587 or smtps://HOST:465, without a user in it");
  if (!check_addresses(config, error))
    return FALSE;
  if ((config->smtp_user == NULL) != (config->smtp_password_file == NULL))
    return wrong(error, "smtp_user and smtp_password_file belong together");
  char *password = config->smtp_password_file != NULL ? report_secret(config->smtp_password_file, 1, error) : NULL;
  const gboolean there = password != NULL || config->smtp_password_file == NULL;
  note_text_free(password);
  return there;
}

/* RFC 5322 section 3.3, whatever the locale. */
static char *date_header(void) {
  static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  return g_strdup_printf("Date: %s, %02d %s %04d %02d:%02d:%02d +0000", days[g_date_time_get_day_of_week(now) - 1],
                         g_date_time_get_day_of_month(now), months[g_date_time_get_month(now) - 1], g_date_time_get_year(now),
                         g_date_time_get_hour(now), g_date_time_get_minute(now), g_date_time_get_second(now));
}

static struct curl_slist *add_header(struct curl_slist *headers, const char *name, const char *value) {
  g_autofree char *line = g_strdup_printf("%s: %s", name, value);
  return curl_slist_append(headers, line);
}

static struct curl_slist *headers_new(const Config *config, const ReportParcel *parcel) {
  g_auto(GStrv) all = recipients(config);
  g_autofree char *to = g_strjoinv(", ", all), *date = date_header();
  /* The same for every attempt: a receiver that got it twice can tell. */
  g_autofree char *id =
      g_strdup_printf("<%s%s>", json_string_value(json_object_get(parcel->row, "report")), strchr(config->smtp_from, '@'));
  struct curl_slist *headers = curl_slist_append(NULL, date);
  headers = add_header(headers, "From", config->smtp_from);
  headers = add_header(headers, "To", to);
  headers = add_header(headers, "Subject", parcel->title); /* words of ours and an id: ASCII without line ends */
  headers = add_header(headers, "Message-ID", id);
  return add_header(headers, "Auto-Submitted", "auto-generated");
}

/* What people wrote: their lines, without what a terminal or a reader of mails would obey (fault 38). */
static void append_lines(GString *text, const char *written) {
  g_auto(GStrv) lines = g_strsplit(written != NULL ? written : "", "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    g_autofree char *plain = html_plain(lines[i]);
    g_string_append_printf(text, "> %s\r\n", plain);
  }
}

static char *letter_new(const ReportParcel *parcel, gboolean attached) {
  const json_t *row = parcel->row;
  const char *name = json_string_value(json_object_get(row, "name"));
  g_autofree char *plain_name = html_plain(name != NULL ? name : "");
  GString *text = g_string_new(NULL);
  g_string_printf(text, "%s\r\n\r\nFrom: %s (%s)\r\nAt: %s\r\nReport: %s\r\n\r\n", parcel->title, plain_name,
                  json_string_value(json_object_get(row, "participant")), parcel->at, json_string_value(json_object_get(row, "report")));
  append_lines(text, json_string_value(json_object_get(row, "text")));
  g_string_append_printf(text, "\r\nThe evidence of the session as it was then is %s. SHA-256:\r\n%s\r\n",
                         attached ? "attached" : "too large for a mail; an auditor can fetch it from the gate",
                         json_string_value(json_object_get(row, "bundle_sha256")));
  return g_string_free(text, FALSE);
}

static curl_mime *mime_new(CURL *easy, const ReportParcel *parcel) {
  gsize n = 0;
  const char *bytes = g_bytes_get_data(parcel->bundle, &n);
  const gboolean attached = n <= REPORT_BUNDLE_BYTES_MAX;
  g_autofree char *letter = letter_new(parcel, attached);
  g_autofree char *name = g_strdup_printf("%s-evidence.zip", json_string_value(json_object_get(parcel->row, "session")));
  curl_mime *mime = curl_mime_init(easy);
  curl_mimepart *part = curl_mime_addpart(mime);
  curl_mime_data(part, letter, CURL_ZERO_TERMINATED);
  curl_mime_type(part, "text/plain; charset=utf-8");
  curl_mime_encoder(part, "quoted-printable");
  if (!attached)
    return mime;
  part = curl_mime_addpart(mime);
  curl_mime_data(part, bytes, n);
  curl_mime_type(part, "application/zip");
  curl_mime_filename(part, name);
  curl_mime_encoder(part, "base64");
  return mime;
}

static gboolean log_in(CURL *easy, const Config *config) {
  if (config->smtp_user == NULL)
    return TRUE;
  char *password = report_secret(config->smtp_password_file, 1, NULL);
  if (password == NULL)
    return FALSE;
  curl_easy_setopt(easy, CURLOPT_USERNAME, config->smtp_user);
  curl_easy_setopt(easy, CURLOPT_PASSWORD, password);
  note_text_free(password);
  return TRUE;
}

gboolean report_mail_send(Transfer *transfer, const Config *config, const ReportParcel *parcel, char **why) {
  g_auto(GStrv) all = recipients(config);
  g_autoptr(GUri) uri = g_uri_parse(config->smtp_url, G_URI_FLAGS_NONE, NULL);
  CURL *easy = curl_easy_init();
  transfer_prepare(easy, config, config->smtp_url, config->reports_allow_plain || report_host_is_here(g_uri_get_host(uri)));
  struct curl_slist *headers = headers_new(config, parcel), *to = NULL;
  for (guint i = 0; all[i] != NULL; i++)
    to = curl_slist_append(to, all[i]);
  curl_mime *mime = mime_new(easy, parcel);
  curl_easy_setopt(easy, CURLOPT_MAIL_FROM, config->smtp_from);
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, to);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_MIMEPOST, mime);
  const gboolean ready = log_in(easy, config);
  if (!ready)
    *why = g_strdup("the mail server's password is not readable");
  const gboolean arrived = ready && transfer_run(transfer, easy, why);
  curl_easy_cleanup(easy);
  curl_mime_free(mime);
  curl_slist_free_all(headers);
  curl_slist_free_all(to);
  return arrived;
}
