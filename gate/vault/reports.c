/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/vault/vault-reports.h"

#include <string.h>

#include "gate/vault/vault-private.h"

static const char *text(const json_t *leaf, const char *name) {
  return json_string_value(json_object_get(leaf, name));
}

static gboolean follow_made(sqlite3 *db, const json_t *leaf, GError **error) {
  gint64 made = 0;
  if (!store_number(db, 0, &made, error, "SELECT count(*) FROM reports WHERE session = ? AND participant = ?", "ss", text(leaf, "session"),
                    text(leaf, "participant")))
    return FALSE;
  if (made >= VAULT_REPORTS_MAX) {
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_FULL, "this person has made %d reports in this session", VAULT_REPORTS_MAX);
    return FALSE;
  }
  return store_run(db, error, "INSERT INTO reports(report, session, participant, kind, text, at) VALUES(?, ?, ?, ?, ?, ?)", "sssssi",
                   text(leaf, "report"), text(leaf, "session"), text(leaf, "participant"), text(leaf, "kind"), text(leaf, "text"),
                   (gint64)json_integer_value(json_object_get(leaf, "at")));
}

static gboolean follow_sealed(sqlite3 *db, const json_t *leaf, GError **error) {
  return store_run(db, error, "UPDATE reports SET sha256 = ? WHERE report = ? AND sha256 IS NULL", "ss", text(leaf, "sha256"),
                   text(leaf, "report"));
}

static gboolean put(sqlite3 *db, const VaultDelivery *delivery, const char *state, GError **error) {
  return store_run(db, error,
                   "INSERT INTO deliveries(report, channel, state, attempts, first_at, next_at) VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO"
                   " UPDATE SET state = excluded.state, attempts = excluded.attempts, next_at = excluded.next_at"
                   " WHERE state = 'waiting'",
                   "sssiii", delivery->report, delivery->channel, state, delivery->attempts, delivery->first_ms, delivery->next_ms);
}

gboolean reports_follow(sqlite3 *db, const json_t *leaf, GError **error) {
  const char *type = text(leaf, "type");
  const gint64 at = json_integer_value(json_object_get(leaf, "at"));
  const VaultDelivery ended = {text(leaf, "report"), text(leaf, "channel"), json_integer_value(json_object_get(leaf, "attempts")), at, at};
  if (strcmp(type, "report") == 0)
    return follow_made(db, leaf, error);
  if (strcmp(type, "report_sealed") == 0)
    return follow_sealed(db, leaf, error);
  return put(db, &ended, strcmp(type, "report_sent") == 0 ? "sent" : "failed", error);
}

typedef struct PostponeJob {
  Job job;
  VaultDelivery delivery; /* its texts are owned */
  VaultDone done;
  gpointer user;
} PostponeJob;

static gboolean postpone_apply(Vault *vault, Job *job, GError **error) {
  return put(vault->db, &((PostponeJob *)job)->delivery, "waiting", error);
}

static void postpone_after(Vault *vault, Job *job, const GError *error) {
  PostponeJob *postpone = (PostponeJob *)job;
  vault_answer(vault, postpone->done, postpone->user, error, &(Answer){.place = {.index = -1}});
  g_free((char *)postpone->delivery.report);
  g_free((char *)postpone->delivery.channel);
  g_free(postpone);
}

void vault_report_postpone(Vault *vault, const VaultDelivery *delivery, VaultDone done, gpointer user) {
  PostponeJob *postpone = g_new0(PostponeJob, 1);
  *postpone = (PostponeJob){.job = {.apply = postpone_apply, .after = postpone_after}, .delivery = *delivery, .done = done, .user = user};
  postpone->delivery.report = g_strdup(delivery->report);
  postpone->delivery.channel = g_strdup(delivery->channel);
  vault_push(vault, LANE_LEDGER, &postpone->job);
}
