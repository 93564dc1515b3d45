/* SPDX-License-Identifier: Apache-2.0 */
/* Small jobs of the control thread: leaves, requests, keys for withdrawing later. */
#include <string.h>

#include "gate/ledger/commitment.h"
#include "gate/ledger/proof.h"
#include "gate/vault/vault-private.h"

typedef struct AppendJob {
  Job job;
  json_t *leaf;
  VaultDone done;
  gpointer user;
  Answer answer;
  gboolean proven;
} AppendJob;

static gboolean append_apply(Vault *vault, Job *job, GError **error) {
  AppendJob *append = (AppendJob *)job;
  g_autoptr(GError) why = NULL;
  if (state_append(vault, append->leaf, &append->answer.place, &why))
    return TRUE;
  vault->owed.any = vault->owed.any || (append->done == NULL && owed_is(append->leaf, why)); /* its neighbours wait as well */
  g_propagate_error(error, g_steal_pointer(&why));
  return FALSE;
}

static json_t *salt_json(Vault *vault, const char *session, const char *participant) {
  guint8 salt[COMMITMENT_SALT_BYTES];
  gboolean found = FALSE;
  if (!session || !participant || !commitment_salt(vault->db, session, participant, salt, &found, NULL))
    return json_null();
  g_autofree char *text = note_base64(salt, sizeof salt);
  return json_string(text);
}

/* The transaction that appended the leaf also signed a checkpoint over it: there is a proof at once (R24). */
static json_t *prove(Vault *vault, const AppendJob *append) {
  const char *session = json_string_value(json_object_get(append->leaf, "session"));
  const char *participant = json_string_value(json_object_get(append->leaf, "participant"));
  g_autofree char *leaf = ledger_leaf(vault->db, (guint64)append->answer.place.index, NULL);
  g_autofree char *proof = proof_file(vault->db, (guint64)append->answer.place.index, NULL);
  return leaf && proof
             ? json_pack("{s:I, s:s, s:{s:o, s:o}, s:s}", "index", (json_int_t)append->answer.place.index, "leaf", leaf, "salts", "session",
                         salt_json(vault, session, ""), "participant", salt_json(vault, session, participant), "proof", proof)
             : NULL;
}

static void append_after(Vault *vault, Job *job, const GError *error) {
  AppendJob *append = (AppendJob *)job;
  if (!error && append->proven)
    append->answer.proof = prove(vault, append);
  if (append->done == NULL && owed_is(append->leaf, error))
    owed_add(&vault->owed, json_incref(append->leaf));
  vault_answer(vault, append->done, append->user, error, &append->answer);
  json_decref(append->leaf);
  g_free(append);
}

static void push_leaf(Vault *vault, const char *session, json_t *leaf, gboolean proven, VaultDone done, gpointer user) {
  AppendJob *append = g_new0(AppendJob, 1);
  if (session != NULL)
    json_object_set_new(leaf, "session", json_string(session));
  json_object_set_new(leaf, "at", json_integer(state_wall_ms()));
  json_object_set_new(leaf, "t", json_integer(storage_now_us()));
  *append = (AppendJob){.job = {.apply = append_apply, .after = append_after},
                        .leaf = leaf,
                        .done = done,
                        .user = user,
                        .proven = proven,
                        .answer = {.place = {.index = -1}}};
  vault_push(vault, LANE_LEDGER, &append->job);
}

void vault_append(Vault *vault, const char *session, json_t *leaf, VaultDone done, gpointer user) {
  push_leaf(vault, session, leaf, FALSE, done, user);
}

void vault_append_proven(Vault *vault, const char *session, json_t *leaf, VaultDone done, gpointer user) {
  push_leaf(vault, session, leaf, TRUE, done, user);
}

typedef struct RecordingJob {
  Job job;
  char *session, *disclosure, *sha256, *asker;
  gint64 request, retention_s, at;
  VaultScope on_withdrawal;
  VaultDone done;
  gpointer user;
  Answer answer;
} RecordingJob;

static const char *scope_text(VaultScope scope) {
  switch (scope) {
  case VAULT_SCOPE_AFTER:
    return "after";
  case VAULT_SCOPE_PARTICIPANT:
    return "participant";
  case VAULT_SCOPE_UNSET: /* R12: the default */
  case VAULT_SCOPE_SESSION:
    break;
  }
  return "session";
}

static gboolean recording_apply(Vault *vault, Job *job, GError **error) {
  RecordingJob *recording = (RecordingJob *)job;
  json_t *leaf =
      json_pack("{s:s, s:I, s:s, s:I, s:s, s:I, s:s, s:s*}", "type", "request", "at", (json_int_t)recording->at, "session",
                recording->session, "request", (json_int_t)recording->request, "on_withdrawal", scope_text(recording->on_withdrawal),
                "retention_s", (json_int_t)recording->retention_s, "disclosure_sha256", recording->sha256, "asker", recording->asker);
  const gboolean done = state_append(vault, leaf, &recording->answer.place, error) &&
                        store_run(vault->db, error,
                                  "INSERT INTO recordings(session, request, on_withdrawal, retention_s, disclosure, sha256, asker, at)"
                                  " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                                  "siiisssi", recording->session, recording->request, (gint64)recording->on_withdrawal,
                                  recording->retention_s, recording->disclosure, recording->sha256, recording->asker, recording->at);
  json_decref(leaf);
  return done;
}

static void recording_after(Vault *vault, Job *job, const GError *error) {
  RecordingJob *recording = (RecordingJob *)job;
  atomic_fetch_sub(&vault->pending_recordings, 1);
  vault_answer(vault, recording->done, recording->user, error, &recording->answer);
  g_free(recording->session);
  g_free(recording->disclosure);
  g_free(recording->sha256);
  g_free(recording->asker);
  g_free(recording);
}

void vault_recording_new(Vault *vault, const VaultRecording *recording, VaultDone done, gpointer user) {
  RecordingJob *job = g_new0(RecordingJob, 1);
  *job = (RecordingJob){.job = {.apply = recording_apply, .after = recording_after},
                        .session = g_strdup(recording->session),
                        .disclosure = g_strdup(recording->disclosure),
                        .sha256 = g_strdup(recording->sha256),
                        .asker = g_strdup(recording->asker),
                        .request = (gint64)recording->request,
                        .retention_s = recording->retention_s,
                        .at = state_wall_ms(),
                        .on_withdrawal = recording->on_withdrawal,
                        .done = done,
                        .user = user,
                        .answer = {.place = {.index = -1}}};
  atomic_fetch_add(&vault->pending_recordings, 1);
  vault_push(vault, LANE_LEDGER, &job->job);
}

typedef struct KeyJob {
  Job job;
  char *session, *participant;
  gint64 request;
  guint8 sha256[32];
  VaultFound found;
  gpointer user;
  GError *error;
  gboolean again; /* asked once before everything else, once behind what was queued */
} KeyJob;

static void key_free(KeyJob *key) {
  g_clear_error(&key->error);
  g_free(key->session);
  g_free(key->participant);
  g_free(key);
}

typedef struct FoundParcel {
  Parcel parcel;
  KeyJob *key;
} FoundParcel;

static void found_deliver(Parcel *parcel) {
  FoundParcel *found = (FoundParcel *)parcel;
  KeyJob *key = found->key;
  key->found(key->session, (guint64)key->request, key->participant, key->error, key->user);
  key_free(key);
  g_free(found);
}

static void find_answer(Vault *vault, Job *job) {
  FoundParcel *found = g_new0(FoundParcel, 1);
  *found = (FoundParcel){.parcel = {.deliver = found_deliver}, .key = (KeyJob *)job};
  delivery_post(vault->delivery, &found->parcel);
}

static void find_cancel(Vault *vault, Job *job) {
  KeyJob *key = (KeyJob *)job;
  g_clear_error(&key->error);
  key->error = g_error_new_literal(VAULT_ERROR, VAULT_ERROR_STORAGE, "the store is closing");
  find_answer(vault, job);
}

static void find_run(Vault *vault, Job *job) {
  KeyJob *key = (KeyJob *)job;
  g_clear_error(&key->error);
  g_autoptr(sqlite3_stmt) row =
      store_query(vault->db, &key->error, "SELECT session, request, participant FROM withdraw_keys WHERE sha256 = ?", "b",
                  (const void *)key->sha256, sizeof key->sha256);
  gboolean failed = FALSE;
  if (row && store_step(row, &failed, &key->error)) {
    key->session = g_strdup(store_text(row, 0));
    key->request = sqlite3_column_int64(row, 1);
    key->participant = g_strdup(store_text(row, 2));
  } else if (!key->again) {
    key->again = TRUE; /* its grant may still be queued */
    vault_push(vault, LANE_LEDGER, job);
    return;
  }
  find_answer(vault, job);
}

/* Somebody who wants to withdraw is waiting: before everything else (R6). */
void vault_withdraw_key_find(Vault *vault, const guint8 sha256[32], VaultFound found, gpointer user) {
  KeyJob *key = g_new0(KeyJob, 1);
  *key = (KeyJob){.job = {.run = find_run, .cancel = find_cancel}, .found = found, .user = user};
  memcpy(key->sha256, sha256, sizeof key->sha256);
  vault_push(vault, LANE_ERASE, &key->job);
}
