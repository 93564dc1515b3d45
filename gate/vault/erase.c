/* SPDX-License-Identifier: Apache-2.0 */
/* Erasing: keys first, then the leaf, then the answer; files later (R13, R18). The cost does not depend on how much was recorded:
 * no row of a segment is touched before the answer. */
#include <string.h>

#include "gate/vault/vault-private.h"

#define RETRY_FIRST_US   (100 * 1000)
#define RETRY_LONGEST_US (5 * G_USEC_PER_SEC)
#define RANGES_MAX       256 /* of a purge leaf, 65,535 bytes; beyond it totals a participant are named */

typedef struct Doomed { /* from vault_erase until it is in the database: nobody commits or reads what it covers */
  char *session, *participant;
  guint64 request;
  VaultScope scope;
} Doomed;

typedef struct Target { /* one recording that an erase covers */
  gint64 recording, request;
  VaultScope scope;
  gboolean already; /* and this is where: */
  LeafPlace place;
  gint64 segments, bytes;
  GPtrArray *participants; /* whose key goes */
  GArray *slots;
} Target;

typedef struct EraseJob {
  Job job;
  VaultErase erase;
  Doomed *doomed;
  VaultDone done;
  gpointer user;
  guint attempts;
  gboolean behind;    /* it waited once for a vault_recording_new that it had overtaken */
  GPtrArray *targets; /* of one that goes with others: whose keys are gone; NULL: not, and: */
  GError *why;
  gboolean again; /* look again: another of the group is of the same session */
  LeafPlace place;
} EraseJob;

void doomed_free(gpointer user) {
  Doomed *doomed = user;
  g_free(doomed->session);
  g_free(doomed->participant);
  g_free(doomed);
}

gboolean erase_is_doomed(Vault *vault, const char *session, guint64 request, const char *participant) {
  gboolean found = FALSE;
  pthread_mutex_lock(&vault->doomed_lock);
  for (guint i = 0; i < vault->doomed->len && !found; i++) {
    const Doomed *doomed = vault->doomed->pdata[i];
    if (strcmp(doomed->session, session) != 0 || (doomed->request && doomed->request != request))
      continue;
    const gboolean whole = doomed->scope == VAULT_SCOPE_SESSION || doomed->scope == VAULT_SCOPE_UNSET;
    found = !participant || whole || (doomed->scope == VAULT_SCOPE_PARTICIPANT && g_strcmp0(doomed->participant, participant) == 0);
  }
  pthread_mutex_unlock(&vault->doomed_lock);
  return found;
}

static void target_free(gpointer user) {
  Target *target = user;
  g_ptr_array_unref(target->participants);
  g_array_unref(target->slots);
  g_free(target);
}

/* Was it done before? Then the answer is the same again. */
static gboolean find_previous(Vault *vault, const VaultErase *erase, Target *target, GError **error) {
  g_autoptr(sqlite3_stmt) row =
      store_query(vault->db, error,
                  "SELECT leaf, hash, segments, bytes FROM purges WHERE recording = ?1 AND scope >= ?2 AND"
                  " (scope = ?4 OR (?2 < ?4 AND by = ?3)) ORDER BY scope DESC, id LIMIT 1",
                  "iisi", target->recording, (gint64)target->scope, erase->participant, (gint64)VAULT_SCOPE_SESSION);
  gboolean failed = FALSE;
  if (!row)
    return FALSE;
  if (store_step(row, &failed, error)) {
    target->already = TRUE;
    target->place.index = sqlite3_column_int64(row, 0);
    g_strlcpy(target->place.hash, store_text(row, 1), sizeof target->place.hash);
    target->segments = sqlite3_column_int64(row, 2);
    target->bytes = sqlite3_column_int64(row, 3);
  }
  return !failed;
}

static gboolean find_holders(Vault *vault, const VaultErase *erase, Target *target, GError **error) {
  if (target->scope == VAULT_SCOPE_AFTER)
    return TRUE;
  g_autoptr(sqlite3_stmt) row =
      store_query(vault->db, error,
                  "SELECT participant, slot, segments, bytes FROM holders WHERE recording = ?1 AND slot IS NOT NULL"
                  " AND (?2 = ?4 OR participant = ?3)",
                  "iisi", target->recording, (gint64)target->scope, erase->participant, (gint64)VAULT_SCOPE_SESSION);
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error)) {
    const gint64 slot = sqlite3_column_int64(row, 1);
    g_ptr_array_add(target->participants, g_strdup(store_text(row, 0)));
    g_array_append_val(target->slots, slot);
    target->segments += sqlite3_column_int64(row, 2);
    target->bytes += sqlite3_column_int64(row, 3);
  }
  return row && !failed;
}

/* Whose recording is it? Of everybody who ever said yes to it (no other answer names media), was recorded in it, or was there while it was. */
#define IS_THEIRS                                                                                                                          \
  "(EXISTS(SELECT 1 FROM consents AS c WHERE c.session = ?1 AND c.request = r.request AND c.participant = ?3 AND c.media IS NOT NULL)"     \
  " OR EXISTS(SELECT 1 FROM holders AS h WHERE h.recording = r.id AND h.participant = ?3)"                                                 \
  " OR EXISTS(SELECT 1 FROM takes AS t, json_each(t.roster) AS j WHERE t.session = ?1 AND t.request = r.request AND j.value = ?3))"
#define FIND_THEIRS                                                                                                                        \
  "WITH theirs AS (SELECT id, request, on_withdrawal FROM recordings AS r WHERE session = ?1 AND " IS_THEIRS ")"                           \
  " SELECT id, request, on_withdrawal FROM theirs WHERE request = ?2 OR NOT EXISTS(SELECT 1 FROM theirs WHERE request = ?2)"
#define FIND_ALL "SELECT id, request, on_withdrawal FROM recordings WHERE session = ?1 AND (?2 = 0 OR request = ?2) AND ?3 IS ?3"

static gboolean find_targets(Vault *vault, const VaultErase *erase, GPtrArray *targets, GError **error) {
  g_autoptr(sqlite3_stmt) row = store_query(vault->db, error, erase->theirs ? FIND_THEIRS : FIND_ALL, "sis", erase->session,
                                            (gint64)erase->request, erase->participant);
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error)) {
    Target *target = g_new0(Target, 1);
    target->recording = sqlite3_column_int64(row, 0);
    target->request = sqlite3_column_int64(row, 1);
    target->scope = MAX(erase->scope, (VaultScope)sqlite3_column_int64(row, 2)); /* R12: more than disclosed, never less */
    if (target->scope < VAULT_SCOPE_AFTER || target->scope > VAULT_SCOPE_SESSION)
      target->scope = VAULT_SCOPE_SESSION;
    target->participants = g_ptr_array_new_with_free_func(g_free);
    target->slots = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_ptr_array_add(targets, target);
    if (!find_previous(vault, erase, target, error) || (!target->already && !find_holders(vault, erase, target, error)))
      return FALSE;
  }
  return row && !failed;
}

static gboolean bury_keys(Vault *vault, const VaultErase *erase, const GPtrArray *targets, GError **error) {
  KeyTombstone tombstone = {
      .scope = erase->scope, .whole_session = erase->request == 0 || targets->len > 1, .expired = g_strcmp0(erase->reason, "expired") == 0};
  g_strlcpy(tombstone.participant, erase->participant ? erase->participant : "", sizeof tombstone.participant);
  for (guint i = 0; i < targets->len; i++) {
    const Target *target = targets->pdata[i];
    if (!target->already &&
        !keyring_bury(vault->keyring, (const gint64 *)(gpointer)target->slots->data, target->slots->len, &tombstone, error))
      return FALSE;
  }
  return TRUE;
}

/* Ranges instead of segments: as long for ten seconds as for ten hours (R21). */
static json_t *describe_holder(Vault *vault, const Target *target, const char *participant, guint *ranges_left, GError **error) {
  json_t *ranges = json_array();
  g_autoptr(sqlite3_stmt) row =
      store_query(vault->db, error, "SELECT take, track, first, last FROM runs WHERE recording = ? AND participant = ? LIMIT ?", "isi",
                  target->recording, participant, (gint64)*ranges_left);
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error)) {
    json_array_append_new(ranges,
                          json_pack("{s:I, s:s, s:I, s:I}", "take", (json_int_t)sqlite3_column_int64(row, 0), "track", store_text(row, 1),
                                    "first", (json_int_t)sqlite3_column_int64(row, 2), "last", (json_int_t)sqlite3_column_int64(row, 3)));
    (*ranges_left)--;
  }
  if (row && !failed)
    return json_pack("{s:s, s:o, s:b}", "participant", participant, "ranges", ranges, "cut", *ranges_left == 0);
  json_decref(ranges);
  return NULL;
}

static json_t *describe_target(Vault *vault, const Target *target, guint *ranges_left, GError **error) {
  json_t *holders = json_array();
  for (guint i = 0; i < target->participants->len; i++) {
    json_t *holder = describe_holder(vault, target, target->participants->pdata[i], ranges_left, error);
    if (!holder) {
      json_decref(holders);
      return NULL;
    }
    json_array_append_new(holders, holder);
  }
  return json_pack("{s:I, s:I, s:I, s:I, s:o}", "request", (json_int_t)target->request, "scope", (json_int_t)target->scope, "segments",
                   (json_int_t)target->segments, "bytes", (json_int_t)target->bytes, "purged", holders);
}

typedef struct Purge { /* the transaction's view */
  const VaultErase *erase;
  const GPtrArray *targets;
  LeafPlace place;
  gint64 at;
} Purge;

static gboolean record_target(Vault *vault, const Purge *purge, const Target *target, GError **error) {
  const char *by = purge->erase->participant ? purge->erase->participant : "";
  const gboolean done = store_run(vault->db, error, "UPDATE recordings SET ended = 1 WHERE id = ?", "i", target->recording) &&
                        store_run(vault->db, error,
                                  "INSERT INTO purges(recording, participant, by, scope, reason, segments, bytes, leaf, hash, at) "
                                  "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                  "issisiiisi", target->recording, target->scope == VAULT_SCOPE_PARTICIPANT ? by : NULL, by,
                                  (gint64)target->scope, purge->erase->reason ? purge->erase->reason : "withdrawn", target->segments,
                                  target->bytes, purge->place.index, purge->place.hash, purge->at);
  if (done && target->scope == VAULT_SCOPE_SESSION &&
      !store_run(vault->db, error, "DELETE FROM retentions WHERE recording = ?", "i", target->recording))
    return FALSE;
  for (guint i = 0; done && i < target->participants->len; i++) {
    const char *participant = target->participants->pdata[i];
    if (!store_run(vault->db, error, "UPDATE holders SET slot = NULL WHERE recording = ? AND participant = ?", "is", target->recording,
                   participant) ||
        !store_run(vault->db, error, "INSERT OR IGNORE INTO cleanups(recording, participant) VALUES(?, ?)", "is", target->recording,
                   participant))
      return FALSE;
  }
  return done;
}

static json_t *purge_leaf(Vault *vault, const Purge *purge, GError **error) {
  guint ranges_left = RANGES_MAX;
  json_t *recordings = json_array();
  for (guint i = 0; i < purge->targets->len; i++) {
    const Target *target = purge->targets->pdata[i];
    json_t *described = target->already ? NULL : describe_target(vault, target, &ranges_left, error);
    if (described)
      json_array_append_new(recordings, described);
    else if (!target->already) {
      json_decref(recordings);
      return NULL;
    }
  }
  return json_pack("{s:s, s:I, s:s, s:s*, s:s, s:o}", "type", "purge", "at", (json_int_t)purge->at, "session", purge->erase->session,
                   "participant", purge->erase->participant, "reason", purge->erase->reason ? purge->erase->reason : "withdrawn",
                   "recordings", recordings);
}

static gboolean record_purge(Vault *vault, gpointer user, GError **error) {
  Purge *purge = user;
  json_t *leaf = purge_leaf(vault, purge, error);
  gboolean done = leaf && state_append(vault, leaf, &purge->place, error);
  json_decref(leaf);
  for (guint i = 0; done && i < purge->targets->len; i++) {
    const Target *target = purge->targets->pdata[i];
    done = target->already || record_target(vault, purge, target, error);
  }
  return done;
}

/* R18: what was finished and taken away is beyond us, and named. One without a participant was of everyone. */
static json_t *finished_exports(Vault *vault, const VaultErase *erase) {
  json_t *list = json_array();
  g_autoptr(sqlite3_stmt) row =
      store_query(vault->db, NULL,
                  "SELECT by, strftime('%Y-%m-%dT%H:%M:%S', finished_at / 1000, 'unixepoch') ||"
                  " printf('.%03dZ', finished_at % 1000) FROM exports WHERE session = ?1 AND finished_at IS NOT NULL"
                  " AND (?2 <> ?4 OR participant = ?3 OR participant IS NULL)",
                  "sisi", erase->session, (gint64)erase->scope, erase->participant, (gint64)VAULT_SCOPE_PARTICIPANT);
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, NULL))
    json_array_append_new(list, json_pack("{s:s, s:s}", "by", store_text(row, 0), "at", store_text(row, 1)));
  return list;
}

static void sum_up(Vault *vault, const Purge *purge, gboolean any_new, Answer *answer) {
  answer->place = purge->place;
  for (guint i = 0; i < purge->targets->len; i++) {
    const Target *target = purge->targets->pdata[i];
    if (any_new && target->already)
      continue;
    answer->segments += (guint64)target->segments;
    answer->bytes += (guint64)target->bytes;
    if (!any_new && target->place.index >= answer->place.index)
      answer->place = target->place;
  }
  answer->exports = finished_exports(vault, purge->erase);
}

/* The slots hold tombstones that no row needs any more. Not synced: after a crash the next start does it again. */
static void clear_slots(Vault *vault, const GPtrArray *targets) {
  for (guint i = 0; i < targets->len; i++) {
    const Target *target = targets->pdata[i];
    for (guint k = 0; k < target->slots->len; k++)
      if (!keyring_clear(vault->keyring, g_array_index(target->slots, gint64, k), NULL))
        return; /* stays used until the next start */
  }
}

static gboolean any_is_new(const GPtrArray *targets) {
  for (guint i = 0; i < targets->len; i++)
    if (!((const Target *)targets->pdata[i])->already)
      return TRUE;
  return FALSE;
}

typedef struct Attempt {
  gboolean found; /* some recording is covered */
  Answer answer;
} Attempt;

static gboolean erase_try(Vault *vault, const VaultErase *erase, gboolean keys_only, Attempt *attempt, GError **error) {
  g_autoptr(GPtrArray) targets = g_ptr_array_new_with_free_func(target_free);
  Purge purge = {.erase = erase, .targets = targets, .at = state_wall_ms(), .place = {.index = -1}};
  if (!find_targets(vault, erase, targets, error) || !bury_keys(vault, erase, targets, error) || !keyring_sync(vault->keyring, error))
    return FALSE;
  attempt->found = targets->len > 0;
  if (keys_only || !attempt->found)
    return TRUE;
  const gboolean any_new = any_is_new(targets);
  if (any_new && !vault_in_transaction(vault, record_purge, &purge, error))
    return FALSE;
  attempt->answer.done_us = storage_now_us();
  sum_up(vault, &purge, any_new, &attempt->answer);
  clear_slots(vault, targets);
  return TRUE;
}

gboolean erase_finish(Vault *vault, const VaultErase *erase, GError **error) {
  Attempt attempt = {.answer = {.place = {.index = -1}}};
  const gboolean done = erase_try(vault, erase, FALSE, &attempt, error);
  json_decref(attempt.answer.exports);
  return done;
}

/* --- the job --- */

static void erase_free(Vault *vault, EraseJob *job) {
  pthread_mutex_lock(&vault->doomed_lock);
  g_ptr_array_remove_fast(vault->doomed, job->doomed);
  pthread_mutex_unlock(&vault->doomed_lock);
  g_clear_pointer(&job->targets, g_ptr_array_unref);
  g_clear_error(&job->why);
  g_free((char *)job->erase.session);
  g_free((char *)job->erase.participant);
  g_free((char *)job->erase.reason);
  g_free(job);
}

static void erase_answer(Vault *vault, EraseJob *job, const GError *error, const Answer *answer) {
  const VaultDone done = job->done;
  const gpointer user = job->user;
  erase_free(vault, job); /* first: what it did not cover is readable again when its caller hears of it */
  vault_answer(vault, done, user, error, answer);
}

/* No acknowledgement: the promise is not kept yet. Its keys are in no memory of ours (they are read for one commit at a time),
 * nothing it covers is read or committed any more, and it is tried again until the disk gives way (R13). */
static void erase_refused(Vault *vault, EraseJob *job, const GError *error) {
  if (job->attempts++ == 0) {
    vault->erases_refused++;
    health_open_reserve(vault);
  }
  health_set(vault, HEALTH_ERASE, error->message);
  const gint64 wait_us = job->attempts == 1 ? 0 : MIN(RETRY_FIRST_US << MIN(job->attempts, 8u), (gint64)RETRY_LONGEST_US);
  job->job.not_before_us = storage_now_us() + wait_us;
  vault_push(vault, LANE_ERASE, &job->job);
}

static void erase_run(Vault *vault, Job *base) {
  EraseJob *job = (EraseJob *)base;
  Attempt attempt = {.answer = {.place = {.index = -1}}};
  g_autoptr(GError) error = NULL;
  const gboolean may_wait = !job->behind && atomic_load(&vault->pending_recordings) > 0;
  gboolean done = erase_try(vault, &job->erase, may_wait && job->erase.request == 0, &attempt, &error);
  if (done && may_wait && (!attempt.found || job->erase.request == 0)) {
    job->behind = TRUE; /* its keys are gone; the leaf follows the request that it withdraws */
    vault_push(vault, LANE_LEDGER, base);
    return;
  }
  if (done && !attempt.found) {
    done = FALSE;
    g_set_error_literal(&error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "no such recording");
  } else if (!done) {
    erase_refused(vault, job, error);
    return;
  }
  if (job->attempts && --vault->erases_refused == 0)
    health_clear(vault, HEALTH_ERASE);
  erase_answer(vault, job, done ? NULL : error, &attempt.answer);
}

/* --- several together --- */

/* Those that may have overtaken their request, and those that nothing is found for, go by themselves. */
static gboolean goes_alone(Vault *vault, const EraseJob *job) {
  return job->targets->len == 0 || (job->erase.request == 0 && atomic_load(&vault->pending_recordings) > 0);
}

static void alone(EraseJob *job, GError *why) {
  g_clear_pointer(&job->targets, g_ptr_array_unref);
  g_clear_error(&job->why);
  job->why = why;
}

static void erase_prepare(Vault *vault, Job *const *jobs, guint n) {
  g_autoptr(GHashTable) sessions = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < n; i++) {
    EraseJob *job = (EraseJob *)jobs[i];
    GError *why = NULL;
    job->targets = g_ptr_array_new_with_free_func(target_free);
    job->again = !g_hash_table_add(sessions, (char *)job->erase.session);
    if (!find_targets(vault, &job->erase, job->targets, &why) || !bury_keys(vault, &job->erase, job->targets, &why))
      alone(job, why);
    else if (goes_alone(vault, job))
      alone(job, g_error_new_literal(VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "not with others"));
  }
  g_autoptr(GError) error = NULL;
  if (keyring_sync(vault->keyring, &error))
    return;
  for (guint i = 0; i < n; i++)
    alone((EraseJob *)jobs[i], g_error_copy(error));
}

static gboolean erase_apply(Vault *vault, Job *base, GError **error) {
  EraseJob *job = (EraseJob *)base;
  if (!job->targets) {
    g_propagate_error(error, g_steal_pointer(&job->why));
    return FALSE;
  }
  if (job->again) {
    g_ptr_array_set_size(job->targets, 0);
    if (!find_targets(vault, &job->erase, job->targets, error))
      return FALSE;
  }
  Purge purge = {.erase = &job->erase, .targets = job->targets, .at = state_wall_ms(), .place = {.index = -1}};
  if (any_is_new(job->targets) && !record_purge(vault, &purge, error))
    return FALSE;
  job->place = purge.place;
  return TRUE;
}

/* What did not succeed together is tried by itself, where a refusal is told and overcome. */
static void erase_after(Vault *vault, Job *base, const GError *error) {
  EraseJob *job = (EraseJob *)base;
  if (error) {
    alone(job, NULL);
    job->job.prepare = NULL;
    job->job.apply = NULL;
    vault_push(vault, LANE_ERASE, base);
    return;
  }
  Answer answer = {.done_us = storage_now_us()};
  const Purge purge = {.erase = &job->erase, .targets = job->targets, .place = job->place};
  sum_up(vault, &purge, any_is_new(job->targets), &answer);
  clear_slots(vault, job->targets);
  erase_answer(vault, job, NULL, &answer);
}

static void erase_cancel(Vault *vault, Job *base) {
  EraseJob *job = (EraseJob *)base;
  const Answer nothing = {.place = {.index = -1}};
  g_autoptr(GError) error = g_error_new_literal(VAULT_ERROR, VAULT_ERROR_STORAGE, "closing: the erase is not durable yet");
  vault_answer(vault, job->done, job->user, error, &nothing);
  erase_free(vault, job);
}

void vault_erase(Vault *vault, const VaultErase *erase, VaultDone done, gpointer user) {
  Doomed *doomed = g_new0(Doomed, 1);
  /* Which are theirs is found later: until then all of the session. */
  *doomed = (Doomed){g_strdup(erase->session), g_strdup(erase->participant), erase->theirs ? 0 : erase->request, erase->scope};
  EraseJob *job = g_new0(EraseJob, 1);
  *job = (EraseJob){.job = {.run = erase_run, .prepare = erase_prepare, .apply = erase_apply, .after = erase_after, .cancel = erase_cancel},
                    .erase = *erase,
                    .doomed = doomed,
                    .done = done,
                    .user = user};
  job->erase.session = g_strdup(erase->session);
  job->erase.participant = g_strdup(erase->participant);
  job->erase.reason = g_strdup(erase->reason);
  pthread_mutex_lock(&vault->doomed_lock);
  g_ptr_array_add(vault->doomed, doomed);
  pthread_mutex_unlock(&vault->doomed_lock);
  vault_push(vault, LANE_ERASE, &job->job);
}
