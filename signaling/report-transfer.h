/* SPDX-License-Identifier: Apache-2.0 */
/* The ways out of a report: webhook and mail, over libcurl. Shared by reports.c and report-*.c.
 *
 * Threads: the reports' own; report_way_new and transfer_new control. transfer_stop any thread. */
#ifndef RECGATE_REPORT_TRANSFER_H
#define RECGATE_REPORT_TRANSFER_H

#include <curl/curl.h>
#include <jansson.h>

#include "signaling/config.h"

typedef struct Transfer Transfer; /* runs one request at a time and can be stopped in the middle of it */
Transfer *transfer_new(void);
void transfer_free(Transfer *transfer);
void transfer_stop(Transfer *transfer); /* what runs ends at once, and so does whatever comes later */
gboolean transfer_is_stopped(Transfer *transfer);
/* TRUE: it arrived. Else *why, g_free it: words of ours or of libcurl, never what the other side sent. */
gboolean transfer_run(Transfer *transfer, CURL *easy, char **why);
/* What every request has: protocols, TLS, bounds. plain: without TLS too. */
void transfer_prepare(CURL *easy, const Config *config, const char *url, gboolean plain);

typedef struct ReportParcel { /* one report with its sealed bundle */
  const json_t *row; /* as vault_reader_report_queue gives it */
  const char *title, *at;
  GBytes *bundle;
} ReportParcel;

/* Bundles beyond it are named by their hash and fetched by GET …/evidence: base64 makes 11 MB of it, which most receivers take. */
#define REPORT_BUNDLE_BYTES_MAX (8 * 1024 * 1024)

/* A host that is this machine: literal loopback addresses and localhost. */
gboolean report_host_is_here(const char *host);
/* The file's bytes without a trailing newline, `min` or more; note_text_free it. */
char *report_secret(const char *path, gsize min, GError **error);

/* Each checks its part of the configuration; FALSE with a one-line error that names the key. */
gboolean report_webhook_check(const Config *config, GError **error);
gboolean report_mail_check(const Config *config, GError **error);
gboolean report_webhook_send(Transfer *transfer, const Config *config, const ReportParcel *parcel, char **why);
gboolean report_mail_send(Transfer *transfer, const Config *config, const ReportParcel *parcel, char **why);

#endif
