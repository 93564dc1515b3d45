/* SPDX-License-Identifier: Apache-2.0 */
/* POST of a report as JSON, signed: `Recgate-Signature: t=SECONDS,v1=HEX`, HEX = HMAC-SHA256(secret, "SECONDS." || body). */
#include <sodium.h>
#include <string.h>

#include "gate/ledger/note.h"
#include "pipelines/evidence/bundle.h"
#include "signaling/report-transfer.h"
#include "signaling/reports.h"

#define SECRET_BYTES_MIN 16

static gboolean wrong(GError **error, const char *why) {
  g_set_error(error, REPORTS_ERROR, REPORTS_ERROR_CONFIG, "[reports] %s", why);
  return FALSE;
}

gboolean report_webhook_check(const Config *config, GError **error) {
  if (config->webhook_url == NULL)
    return TRUE;
  g_autoptr(GUri) uri = g_uri_parse(config->webhook_url, G_URI_FLAGS_NONE, NULL);
  const char *scheme = uri ? g_uri_get_scheme(uri) : "", *host = uri ? g_uri_get_host(uri) : NULL;
  if (host == NULL || *host == '\0' || (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0))
    return wrong(error, "webhook_url: give https://HOST/PATH");
  if (strcmp(scheme, "http") == 0 && !config->reports_allow_plain && !report_host_is_here(host))
    return wrong(error, "webhook_url: http only to this machine; use https, or allow_plain = 1 on a network of your own");
  if (config->webhook_secret_file == NULL)
    return wrong(error, "webhook_url needs webhook_secret_file: what is posted is signed with it");
  char *secret = report_secret(config->webhook_secret_file, SECRET_BYTES_MIN, error);
  const gboolean there = secret != NULL;
  note_text_free(secret);
  return there;
}

static json_t *evidence_json(const ReportParcel *parcel) {
  gsize n = 0;
  const guint8 *bytes = g_bytes_get_data(parcel->bundle, &n);
  g_autofree char *name = g_strdup_printf("%s-evidence.zip", json_string_value(json_object_get(parcel->row, "session")));
  json_t *evidence = json_pack("{s:s, s:s, s:O, s:I}", "name", name, "content_type", "application/zip", "sha256",
                               json_object_get(parcel->row, "bundle_sha256"), "bytes", (json_int_t)n);
  json_t *counts = bundle_counts(parcel->bundle);
  json_object_set_new(evidence, "summary", counts != NULL ? counts : json_null());
  if (n <= REPORT_BUNDLE_BYTES_MAX) {
    g_autofree char *content = g_base64_encode(bytes, n);
    json_object_set_new(evidence, "content", json_string(content));
  } else
    json_object_set_new(evidence, "content", json_null());
  return evidence;
}

static char *body_new(const ReportParcel *parcel) {
  const json_t *row = parcel->row;
  json_t *body =
      json_pack("{s:s, s:s, s:O, s:O, s:O, s:s, s:{s:O, s:O, s:O}, s:O, s:o}", "type", "recgate.report", "title", parcel->title, "report",
                json_object_get(row, "report"), "session", json_object_get(row, "session"), "kind", json_object_get(row, "kind"), "at",
                parcel->at, "from", "id", json_object_get(row, "participant"), "name", json_object_get(row, "name"), "role",
                json_object_get(row, "role"), "text", json_object_get(row, "text"), "evidence", evidence_json(parcel));
  char *text = json_dumps(body, JSON_COMPACT);
  json_decref(body);
  return text;
}

static char *signature_header(const char *secret, const char *body) {
  guint8 mac[crypto_auth_hmacsha256_BYTES];
  char hex[2 * sizeof mac + 1];
  crypto_auth_hmacsha256_state state;
  const gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  g_autofree char *stamp = g_strdup_printf("%" G_GINT64_FORMAT ".", now_s);
  crypto_auth_hmacsha256_init(&state, (const guint8 *)secret, strlen(secret));
  crypto_auth_hmacsha256_update(&state, (const guint8 *)stamp, strlen(stamp));
  crypto_auth_hmacsha256_update(&state, (const guint8 *)body, strlen(body));
  crypto_auth_hmacsha256_final(&state, mac);
  sodium_memzero(&state, sizeof state);
  return g_strdup_printf("Recgate-Signature: t=%" G_GINT64_FORMAT ",v1=%s", now_s, sodium_bin2hex(hex, sizeof hex, mac, sizeof mac));
}

gboolean report_webhook_send(Transfer *transfer, const Config *config, const ReportParcel *parcel, char **why) {
  g_autoptr(GError) error = NULL;
  char *secret = report_secret(config->webhook_secret_file, SECRET_BYTES_MIN, &error);
  if (secret == NULL) {
    *why = g_strdup("the webhook's secret is not readable");
    return FALSE;
  }
  char *body = body_new(parcel);
  g_autofree char *signature = signature_header(secret, body);
  note_text_free(secret);
  struct curl_slist *headers = curl_slist_append(NULL, signature);
  headers = curl_slist_append(headers, "Content-Type: application/json");
  headers = curl_slist_append(headers, "Expect:");
  CURL *easy = curl_easy_init();
  transfer_prepare(easy, config, config->webhook_url, g_str_has_prefix(config->webhook_url, "http:"));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "recgate");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
  const gboolean arrived = transfer_run(transfer, easy, why);
  curl_easy_cleanup(easy);
  curl_slist_free_all(headers);
  free(body);
  return arrived;
}
