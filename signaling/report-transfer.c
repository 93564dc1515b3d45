/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/report-transfer.h"

#include <stdatomic.h>
#include <string.h>

#include "gate/ledger/note.h"
#include "signaling/reports.h"

#define POLL_MS       1000
#define HTTP_OK_FIRST 200
#define HTTP_OK_LAST  299

struct Transfer {
  CURLM *multi;
  atomic_bool stopped;
};

Transfer *transfer_new(void) {
  Transfer *transfer = g_new0(Transfer, 1);
  transfer->multi = curl_multi_init();
  if (transfer->multi == NULL)
    g_error("libcurl does not start");
  return transfer;
}

void transfer_free(Transfer *transfer) {
  if (transfer == NULL)
    return;
  curl_multi_cleanup(transfer->multi);
  g_free(transfer);
}

void transfer_stop(Transfer *transfer) {
  atomic_store(&transfer->stopped, true);
  curl_multi_wakeup(transfer->multi);
}

gboolean transfer_is_stopped(Transfer *transfer) {
  return atomic_load(&transfer->stopped);
}

/* Nobody wants what the other side says; reading on keeps the connection's end clean. */
static size_t discard(char *bytes, size_t size, size_t n, void *user) {
  (void)bytes, (void)user;
  return size * n;
}

void transfer_prepare(CURL *easy, const Config *config, const char *url, gboolean plain) {
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain ? "http,https,smtp,smtps" : "https,smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* a report goes where the configuration says and nowhere else */
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
  curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)(plain ? CURLUSESSL_TRY : CURLUSESSL_ALL)); /* STARTTLS */
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a resolver that hangs must not keep the daemon from ending */
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)REPORTS_TIMEOUT_S);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
  if (config->reports_ca_file != NULL)
    curl_easy_setopt(easy, CURLOPT_CAINFO, config->reports_ca_file);
}

/* CURLE_OK and what the multi says of the one request in it. */
static CURLcode run(Transfer *transfer) {
  int running = 1;
  while (running > 0 && !transfer_is_stopped(transfer)) {
    if (curl_multi_perform(transfer->multi, &running) != CURLM_OK)
      return CURLE_FAILED_INIT;
    if (running > 0)
      curl_multi_poll(transfer->multi, NULL, 0, POLL_MS, NULL);
  }
  int left = 0;
  const CURLMsg *message = curl_multi_info_read(transfer->multi, &left);
  return message != NULL && message->msg == CURLMSG_DONE ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
}

gboolean transfer_run(Transfer *transfer, CURL *easy, char **why) {
  long status = 0;
  char *scheme = NULL;
  curl_multi_add_handle(transfer->multi, easy);
  const CURLcode code = run(transfer);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_SCHEME, &scheme);
  const gboolean is_http = scheme != NULL && g_ascii_strncasecmp(scheme, "http", 4) == 0;
  const gboolean arrived = code == CURLE_OK && (!is_http || (status >= HTTP_OK_FIRST && status <= HTTP_OK_LAST));
  curl_multi_remove_handle(transfer->multi, easy);
  if (!arrived)
    *why = code == CURLE_OK ? g_strdup_printf("answered %ld", status) : g_strdup(curl_easy_strerror(code));
  return arrived;
}

gboolean report_host_is_here(const char *host) {
  g_autoptr(GInetAddress) address = g_inet_address_new_from_string(host);
  return address != NULL ? g_inet_address_get_is_loopback(address) : g_ascii_strcasecmp(host, "localhost") == 0;
}

char *report_secret(const char *path, gsize min, GError **error) {
  char *text = NULL;
  gsize n = 0;
  if (!g_file_get_contents(path, &text, &n, error))
    return NULL;
  if (n > 0 && text[n - 1] == '\n')
    text[--n] = '\0';
  if (n >= min && strlen(text) == n)
    return text;
  g_set_error(error, REPORTS_ERROR, REPORTS_ERROR_CONFIG, "%s: needs %zu bytes or more in one line", path, min);
  note_text_free(text);
  return NULL;
}
