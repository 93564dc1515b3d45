/* SPDX-License-Identifier: Apache-2.0 */
/* Reports and disputes of people in the call: on the ledger before they are told that it is recorded (R21, R25). */
#include <sodium.h>
#include <string.h>

#include "gate/vault/vault-reports.h"
#include "pipelines/evidence/bundle.h"
#include "signaling/reports.h"
#include "signaling/session-report.h"

#define REPORT_TEXT_BYTES_MAX 4000 /* two pages: an account of what happened, not a file */
#define REPORT_ID_BYTES       16

typedef struct Reporting {
  Daemon *daemon;
  guint64 connection; /* serial */
  char *re, *report, *session;
  const char *kind;
} Reporting;

static void reporting_free(Reporting *reporting) {
  g_free(reporting->re);
  g_free(reporting->report);
  g_free(reporting->session);
  g_free(reporting);
}

static void tell_error(const Reporting *reporting, const GError *error) {
  const Connection *connection = connection_find(reporting->daemon, reporting->connection);
  if (connection == NULL)
    return;
  if (g_error_matches(error, VAULT_ERROR, VAULT_ERROR_FULL))
    socket_error(connection->socket, reporting->re, "too_many_reports",
                 "You have made as many reports in this session as one person may. They are all kept and sent.");
  else
    socket_error(connection->socket, reporting->re, "storage", "Your report could not be kept: please try again.");
}

static void on_recorded(const VaultReply *reply, gpointer user) {
  Reporting *reporting = user;
  if (reply->error != NULL) {
    tell_error(reporting, reply->error);
    reporting_free(reporting);
    return;
  }
  g_message("event=report session=%s report=%s kind=%s", reporting->session, reporting->report, reporting->kind);
  g_autofree char *at = daemon_rfc3339(daemon_wall_ms());
  json_t *message =
      json_pack("{s:s, s:{s:s, s:s, s:s, s:s, s:s, s:{s:I, s:s}}}", "type", "violation.recorded", "report", "id", reporting->report, "kind",
                reporting->kind, "title", bundle_title(reporting->kind), "session", reporting->session, "at", at, "ledger", "index",
                (json_int_t)reply->leaf_index, "leaf_hash", reply->leaf_hash);
  if (reporting->re != NULL)
    json_object_set_new(message, "re", json_string(reporting->re));
  const Connection *connection = connection_find(reporting->daemon, reporting->connection);
  if (connection != NULL)
    socket_send(connection->socket, message);
  else
    json_decref(message);
  reports_wake(reporting->daemon->reports);
  reporting_free(reporting);
}

static const char *kind_of(const json_t *json) {
  const json_t *kind = json_object_get(json, "kind");
  if (kind == NULL || g_strcmp0(json_string_value(kind), "violation") == 0)
    return "violation";
  return g_strcmp0(json_string_value(kind), "dispute") == 0 ? "dispute" : NULL;
}

/* The text as it is kept, g_free it; NULL was answered. */
static char *text_of(const Connection *connection, const json_t *json, const char *re) {
  const char *given = json_string_value(json_object_get(json, "text"));
  g_autofree char *text = given != NULL ? g_strstrip(g_strdup(given)) : NULL;
  if (text == NULL || *text == '\0')
    socket_error(connection->socket, re, "report_empty", "Say in “text” what happened.");
  else if (strlen(text) > REPORT_TEXT_BYTES_MAX)
    socket_error(connection->socket, re, "report_too_long", "That is too long: at most 4000 bytes. What is most important?");
  else
    return g_steal_pointer(&text);
  return NULL;
}

void session_report(Member *member, const Connection *connection, const json_t *json, const char *re) {
  Daemon *daemon = connection->daemon;
  const char *kind = kind_of(json);
  guint8 random[REPORT_ID_BYTES];
  char id[2 * REPORT_ID_BYTES + 1];
  if (kind == NULL) {
    socket_error(connection->socket, re, "bad_kind", "“kind” is violation or dispute.");
    return;
  }
  g_autofree char *text = text_of(connection, json, re);
  if (text == NULL)
    return;
  randombytes_buf(random, sizeof random);
  sodium_bin2hex(id, sizeof id, random, sizeof random);
  Reporting *reporting = g_new(Reporting, 1);
  *reporting = (Reporting){.daemon = daemon,
                           .connection = connection->serial,
                           .re = g_strdup(re),
                           .report = g_strdup(id),
                           .session = g_strdup(member->session->id),
                           .kind = kind};
  vault_append(
      daemon->vault, member->session->id,
      json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "report", "participant", member->id, "report", id, "kind", kind, "text", text),
      on_recorded, reporting);
}
