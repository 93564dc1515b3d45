/* SPDX-License-Identifier: Apache-2.0 */
/* What an earlier process knew of a session and decisions still depend on: a no is final for the session, not for the process (R4). */
#include "gate/vault/vault-private.h"

typedef struct RecallJob {
  Job job;
  char *session;
  VaultRecalled recalled;
  gpointer user;
  VaultRecall recall;
  GPtrArray *nos;
  json_t *plan;
  GError *error;
} RecallJob;

typedef struct RecallParcel {
  Parcel parcel;
  RecallJob *job;
} RecallParcel;

static void recall_free(RecallJob *job) {
  g_free(job->session);
  g_ptr_array_unref(job->nos);
  json_decref(job->plan);
  g_clear_error(&job->error);
  g_free(job);
}

static void recall_deliver(Parcel *parcel) {
  RecallParcel *found = (RecallParcel *)parcel;
  RecallJob *job = found->job;
  g_ptr_array_add(job->nos, NULL);
  job->recall.nos = (const char *const *)job->nos->pdata;
  job->recall.plan = json_is_object(job->plan) ? job->plan : NULL;
  job->recalled(job->error == NULL ? &job->recall : NULL, job->error, job->user);
  recall_free(job);
  g_free(found);
}

static void recall_answer(Vault *vault, Job *base) {
  RecallParcel *found = g_new0(RecallParcel, 1);
  *found = (RecallParcel){.parcel = {.deliver = recall_deliver}, .job = (RecallJob *)base};
  delivery_post(vault->delivery, &found->parcel);
}

static gboolean recall_counts(Vault *vault, RecallJob *job) {
  g_autoptr(sqlite3_stmt) row = store_query(
      vault->db, &job->error,
      "SELECT (SELECT count(*) FROM recordings WHERE session = ?1), (SELECT coalesce(max(take), 0) FROM takes"
      " WHERE session = ?1), EXISTS(SELECT 1 FROM participants WHERE session = ?1) OR EXISTS(SELECT 1 FROM plans WHERE session = ?1)",
      "s", job->session);
  gboolean failed = FALSE;
  if (!row || !store_step(row, &failed, &job->error))
    return FALSE;
  job->recall.requests = (guint32)sqlite3_column_int64(row, 0);
  job->recall.take_last = (guint32)sqlite3_column_int64(row, 1);
  job->recall.used = job->recall.requests > 0 || sqlite3_column_int(row, 2) != 0;
  return TRUE;
}

static gboolean recall_nos(Vault *vault, RecallJob *job) {
  g_autoptr(sqlite3_stmt) row =
      store_query(vault->db, &job->error,
                  "SELECT DISTINCT participant FROM consents WHERE session = ? AND answer IN ('declined', 'withdrawn')", "s", job->session);
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, &job->error))
    g_ptr_array_add(job->nos, g_strdup(store_text(row, 0)));
  return row && !failed;
}

static gboolean recall_plan(Vault *vault, RecallJob *job) {
  job->plan = plan_recall(vault->db, job->session, &job->error);
  return job->plan != NULL;
}

static void recall_run(Vault *vault, Job *base) {
  RecallJob *job = (RecallJob *)base;
  if ((!recall_counts(vault, job) || !recall_nos(vault, job) || !recall_plan(vault, job)) && job->error == NULL)
    job->error = g_error_new_literal(VAULT_ERROR, VAULT_ERROR_STORAGE, "the database does not answer");
  recall_answer(vault, base);
}

static void recall_cancel(Vault *vault, Job *base) {
  ((RecallJob *)base)->error = g_error_new_literal(VAULT_ERROR, VAULT_ERROR_STORAGE, "closing");
  recall_answer(vault, base);
}

void vault_session_recall(Vault *vault, const char *session, VaultRecalled recalled, gpointer user) {
  RecallJob *job = g_new0(RecallJob, 1);
  *job = (RecallJob){.job = {.run = recall_run, .cancel = recall_cancel},
                     .session = g_strdup(session),
                     .recalled = recalled,
                     .user = user,
                     .nos = g_ptr_array_new_with_free_func(g_free)};
  vault_push(vault, LANE_LEDGER, &job->job);
}
