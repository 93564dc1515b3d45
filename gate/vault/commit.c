/* SPDX-License-Identifier: Apache-2.0 */
/* Segments become permanent, or are dropped. Order of a commit on disk: data synced (segment.c), key and leaf committed, file renamed in; that
 * the new name is durable is left to the next sync of the folder, for the next start knows the file by either name. */
#include <errno.h>
#include <unistd.h>

#include "gate/vault/vault-private.h"

#define FORGET_SLICE  16 /* files a slice: an unlink of a few MB takes up to 0.3 ms */
#define UNDO_AGAIN_US (100 * 1000)

typedef struct CommitJob {
  Job job;
  guint64 id;
  json_t *confirmed;
  VaultDone done;
  gpointer user;
  VaultSegment *segment; /* set by apply; referenced */
  gint64 slot;           /* of the key that this one's is wrapped under, -1: it did not come so far */
  Answer answer;
} CommitJob;

typedef struct DropJob {
  Job job;
  VaultTake *take; /* forget all of it, or */
  guint64 id;      /* this one */
  char *reason;
  GPtrArray *chosen; /* of this slice, referenced */
} DropJob;

static gboolean refuse(GError **error, VaultError code, const char *what) {
  g_set_error_literal(error, VAULT_ERROR, (gint)code, what);
  return FALSE;
}

typedef struct Holding { /* recording and slot that a commit belongs to */
  gint64 recording, slot;
} Holding;

static gboolean find_recording(Vault *vault, const VaultTake *take, gint64 *recording, GError **error) {
  g_autoptr(sqlite3_stmt) row = store_query(vault->db, error, "SELECT id, ended FROM recordings WHERE session = ? AND request = ?", "si",
                                            take->session, (gint64)take->request);
  gboolean failed = FALSE;
  if (!row)
    return FALSE;
  if (!store_step(row, &failed, error))
    return failed ? FALSE : refuse(error, VAULT_ERROR_NOT_FOUND, "no such recording");
  if (sqlite3_column_int64(row, 1))
    return refuse(error, VAULT_ERROR_ERASED, "the recording was withdrawn");
  *recording = sqlite3_column_int64(row, 0);
  return TRUE;
}

static gboolean find_slot(Vault *vault, CommitJob *commit, Holding *holding, GError **error) {
  const VaultSegment *segment = commit->segment;
  if (!store_number(vault->db, -1, &holding->slot, error, "SELECT coalesce(slot, -1) FROM holders WHERE recording = ? AND participant = ?",
                    "is", holding->recording, segment->participant))
    return FALSE;
  commit->slot = holding->slot;
  if (holding->slot >= 0)
    return TRUE;
  const KeyOwner owner = {holding->recording, segment->take->session, segment->participant, (gint64)segment->take->request};
  if (!keyring_create(vault->keyring, &owner, &holding->slot, error))
    return FALSE;
  commit->slot = holding->slot;
  return store_run(vault->db, error,
                   "INSERT INTO holders(recording, participant, slot) VALUES(?, ?, ?)"
                   " ON CONFLICT(recording, participant) DO UPDATE SET slot = excluded.slot",
                   "isi", holding->recording, segment->participant, holding->slot);
}

static gboolean wrap_key(Vault *vault, VaultSegment *segment, const Holding *holding, guint8 *wrapped, GError **error) {
  const KeyOwner owner = {holding->recording, segment->take->session, segment->participant, (gint64)segment->take->request};
  const guint8 *under = keyring_load(vault->keyring, holding->slot, &owner, error);
  if (!under)
    return FALSE;
  const guint64 bound = GUINT64_TO_BE(segment->id);
  pthread_mutex_lock(&segment->lock);
  const gboolean there = segment->cell != NULL;
  const gboolean done = there && aead_wrap(under, &bound, sizeof bound, segment->cell->input_key, wrapped);
  pthread_mutex_unlock(&segment->lock);
  keyring_forget(vault->keyring);
  return done ||
         refuse(error, there ? VAULT_ERROR_STORAGE : VAULT_ERROR_ERASED, there ? "AES-256-GCM is not available" : "the key is gone");
}

/* One that was thrown away while its recorder still wrote it has neither times nor size: they are the recorder's until it is sealed. */
static gboolean insert_segment(Vault *vault, const VaultSegment *segment, gint64 recording, const guint8 *wrapped, const char *dropped,
                               GError **error) {
  const gboolean sealed = g_hash_table_lookup(vault->sealed, &segment->id) == segment;
  return store_run(
      vault->db, error,
      "INSERT OR IGNORE INTO segments(id, recording, take, participant, track, medium, codec, seq, continues, start_at, end_at, bytes,"
      " sha256, consent_set, dropped, wrapped) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), nullif(?, 0), ?, ?, ?, ?, ?)",
      "iiissssiiiiisssb", (gint64)segment->id, recording, (gint64)segment->take->number, segment->participant, segment->track,
      segment->medium, segment->codec, (gint64)segment->seq, (gint64)segment->continues, sealed ? segment->start_at : (gint64)0,
      sealed ? segment->end_at : (gint64)0, sealed ? (gint64)segment->bytes : (gint64)0, sealed ? segment->sha256 : "",
      segment->take->consent_set, dropped, wrapped, (gsize)(wrapped ? AEAD_WRAPPED_BYTES : 0));
}

/* Running totals and ranges, so that an erase need not look at segments (R18, R21). */
static gboolean count_segment(Vault *vault, const VaultSegment *segment, gint64 recording, GError **error) {
  return store_run(vault->db, error,
                   "UPDATE holders SET segments = segments + 1, bytes = bytes + ? WHERE recording = ? AND participant = ?", "iis",
                   (gint64)segment->bytes, recording, segment->participant) &&
         store_run(vault->db, error,
                   "INSERT INTO runs(recording, participant, take, track, first, last) VALUES(?, ?, ?, ?, ?5, ?5)"
                   " ON CONFLICT DO UPDATE SET first = min(first, ?5), last = max(last, ?5)",
                   "isisi", recording, segment->participant, (gint64)segment->take->number, segment->track, (gint64)segment->seq);
}

static gboolean append_commit_leaf(Vault *vault, CommitJob *commit, GError **error) {
  const VaultSegment *segment = commit->segment;
  const VaultTake *take = segment->take;
  json_t *leaf = json_pack(
      "{s:s, s:I, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:s, s:s, s:O}", "type", "commit", "at",
      (json_int_t)state_wall_ms(), "session", take->session, "request", (json_int_t)take->request, "take", (json_int_t)take->number,
      "segment", (json_int_t)segment->id, "participant", segment->participant, "track", segment->track, "medium", segment->medium, "seq",
      (json_int_t)segment->seq, "start", (json_int_t)segment->start_at, "end", (json_int_t)segment->end_at, "first_us",
      (json_int_t)segment->first_packet_us, "last_us", (json_int_t)segment->last_packet_us, "bytes", (json_int_t)segment->bytes,
      "continues", segment->continues, "sha256", segment->sha256, "consent_set", take->consent_set, "confirmed", commit->confirmed);
  const gboolean appended = state_append(vault, leaf, &commit->answer.place, error);
  json_decref(leaf);
  return appended;
}

/* May it still? Asked first and once more behind everything that took time (R11). */
static gboolean may_commit(Vault *vault, const VaultSegment *segment, GError **error) {
  if (!segment || vault_take_is_dead(segment->take) || erase_is_doomed(vault, segment->take->session, segment->take->request, NULL))
    return refuse(error, VAULT_ERROR_ERASED, "dropped or withdrawn meanwhile");
  return TRUE;
}

static gboolean commit_apply(Vault *vault, Job *job, GError **error) {
  CommitJob *commit = (CommitJob *)job;
  Holding holding;
  guint8 wrapped[AEAD_WRAPPED_BYTES];
  VaultSegment *segment = g_hash_table_lookup(vault->sealed, &commit->id);
  if (!may_commit(vault, segment, error))
    return FALSE;
  if (segment->taken)
    return refuse(error, VAULT_ERROR_ERASED, "already committed or dropped");
  segment->taken = TRUE;
  commit->segment = segment_ref(segment);
  return find_recording(vault, segment->take, &holding.recording, error) && find_slot(vault, commit, &holding, error) &&
         wrap_key(vault, segment, &holding, wrapped, error) && insert_segment(vault, segment, holding.recording, wrapped, NULL, error) &&
         count_segment(vault, segment, holding.recording, error) && append_commit_leaf(vault, commit, error) &&
         may_commit(vault, segment, error);
}

/* Killed while the commit was being synced: withdrawal wins, so the row becomes a dropped one (R11). Where nothing else of that person is kept
 * the key is to go too, and its row lets go of the slot first: a slot that is empty while a row names it reads as an erase (recover.c). */
static gboolean undo_commit(Vault *vault, gpointer user, GError **error) {
  const CommitJob *commit = user;
  VaultSegment *segment = commit->segment;
  return store_run(vault->db, error,
                   "UPDATE holders SET segments = segments - 1, bytes = bytes - ?1 WHERE participant = ?2 AND recording ="
                   " (SELECT recording FROM segments WHERE id = ?3)",
                   "isi", (gint64)segment->bytes, segment->participant, (gint64)segment->id) &&
         store_run(vault->db, error, "UPDATE holders SET slot = NULL WHERE slot = ? AND segments = 0", "i", commit->slot) &&
         store_run(vault->db, error, "UPDATE segments SET wrapped = NULL, dropped = ? WHERE id = ?", "si", segment->take->reason,
                   (gint64)segment->id) &&
         commit_record_dropped(vault, &segment, 1, segment->take->reason, error);
}

static void rename_in(Vault *vault, const VaultSegment *segment) {
  char part[32], name[32];
  segment_part_name(segment->id, part);
  segment_file_name(segment->id, name);
  if (renameat(vault->segments_fd, part, vault->segments_fd, name) != 0)
    health_set(vault, HEALTH_FSYNC, g_strerror(errno)); /* durable under its old name; the next start finishes it */
  vault->segments_dirty = TRUE;
}

static void sealed_remove(Vault *vault, VaultSegment *segment) {
  if (g_hash_table_lookup(vault->sealed, &segment->id) != segment)
    return;
  take_remove(segment->take, segment);
  g_hash_table_remove(vault->sealed, &segment->id); /* may free it */
}

/* A COMMIT that failed late may have been durable all the same: the database is asked, not guessed at. */
static gboolean is_committed(Vault *vault, guint64 id) {
  gint64 there = 0;
  return store_number(vault->db, 0, &there, NULL, "SELECT 1 FROM segments WHERE id = ? AND dropped IS NULL", "i", (gint64)id) && there;
}

/* Of a commit that came to nothing. The database is asked here as well: others may be kept under the same key. */
static void release_slot(Vault *vault, gint64 slot) {
  gint64 named = 0;
  if (slot < 0 || !store_number(vault->db, 0, &named, NULL, "SELECT 1 FROM holders WHERE slot = ?", "i", slot) || named)
    return;
  if (!keyring_clear(vault->keyring, slot, NULL))
    health_set(vault, HEALTH_STORE, "a key slot could not be cleared"); /* no row names it: the next start clears it */
}

static void commit_free(CommitJob *commit) {
  segment_unref(commit->segment);
  json_decref(commit->confirmed);
  g_free(commit);
}

static gboolean undo(Vault *vault, const CommitJob *commit) {
  if (vault_in_transaction(vault, undo_commit, (gpointer)commit, NULL)) {
    release_slot(vault, commit->slot);
    return TRUE;
  }
  health_set(vault, HEALTH_STORE, "a withdrawn segment could not be dropped");
  return FALSE;
}

static void undo_run(Vault *vault, Job *job);

static void undo_cancel(Vault *vault, Job *job) { /* closing: once more */
  (void)!undo(vault, (CommitJob *)job);
  commit_free((CommitJob *)job);
}

/* Until the database takes it: the file is gone, and nothing else would say that the segment is not kept. In the lane of erases: what was withdrawn
 * from is behind no other work. */
static void undo_again(Vault *vault, CommitJob *commit) {
  commit->job = (Job){.run = undo_run, .cancel = undo_cancel, .not_before_us = storage_now_us() + UNDO_AGAIN_US};
  vault_push(vault, LANE_ERASE, &commit->job);
}

static void undo_run(Vault *vault, Job *job) {
  CommitJob *commit = (CommitJob *)job;
  if (undo(vault, commit))
    commit_free(commit);
  else
    undo_again(vault, commit);
}

static void commit_done(Vault *vault, VaultSegment *segment) {
  segment_wipe_key(segment);
  segment->has_file = FALSE; /* it is the store's now */
  rename_in(vault, segment);
  sealed_remove(vault, segment);
}

/* The segment may still be committed, or is to be dropped. */
static void commit_refused(Vault *vault, CommitJob *commit) {
  if (commit->segment)
    commit->segment->taken = FALSE;
  if (commit->segment && vault_take_is_dead(commit->segment->take))
    commit_push_forget(commit->segment->take); /* the take's own forgetting may have passed it over */
  release_slot(vault, commit->slot);
}

static void commit_after(Vault *vault, Job *job, const GError *error) {
  CommitJob *commit = (CommitJob *)job;
  VaultSegment *segment = commit->segment;
  g_autoptr(GError) refused = error ? g_error_copy(error) : NULL;
  if (segment && error && g_error_matches(error, VAULT_ERROR, VAULT_ERROR_STORAGE) && is_committed(vault, segment->id))
    g_clear_error(&refused);
  const gboolean undone = !refused && vault_take_is_dead(segment->take);
  gboolean over = TRUE;
  if (undone) {
    refuse(&refused, VAULT_ERROR_ERASED, "withdrawn meanwhile");
    over = undo(vault, commit);
    segment_forget_file(vault, segment);
    sealed_remove(vault, segment);
  } else if (refused) {
    commit_refused(vault, commit);
  } else {
    commit_done(vault, segment);
  }
  vault_answer(vault, commit->done, commit->user, refused, &commit->answer);
  if (over)
    commit_free(commit);
  else
    undo_again(vault, commit);
}

void vault_commit(Vault *vault, guint64 segment, json_t *confirmed, VaultDone done, gpointer user) {
  CommitJob *commit = g_new0(CommitJob, 1);
  *commit = (CommitJob){.job = {.apply = commit_apply, .after = commit_after},
                        .id = segment,
                        .confirmed = confirmed ? confirmed : json_array(),
                        .done = done,
                        .user = user,
                        .slot = -1,
                        .answer = {.place = {.index = -1}}};
  vault_push(vault, LANE_LEDGER, &commit->job);
}

/* --- dropping --- */

gboolean commit_record_dropped(Vault *vault, VaultSegment *const *segments, guint n, const char *reason, GError **error) {
  if (n == 0)
    return TRUE;
  const VaultTake *take = segments[0]->take;
  json_t *list = json_array();
  for (guint i = 0; i < n; i++)
    json_array_append_new(list, json_pack("{s:I, s:s, s:s, s:I}", "segment", (json_int_t)segments[i]->id, "participant",
                                          segments[i]->participant, "track", segments[i]->track, "seq", (json_int_t)segments[i]->seq));
  json_t *leaf =
      json_pack("{s:s, s:I, s:s, s:I, s:I, s:s, s:o}", "type", "drop", "at", (json_int_t)state_wall_ms(), "session", take->session,
                "request", (json_int_t)take->request, "take", (json_int_t)take->number, "reason", reason, "segments", list);
  LeafPlace place;
  gint64 recording = 0;
  gboolean done = state_append(vault, leaf, &place, error) &&
                  store_number(vault->db, 0, &recording, error, "SELECT id FROM recordings WHERE session = ? AND request = ?", "si",
                               take->session, (gint64)take->request);
  for (guint i = 0; done && i < n; i++)
    done = insert_segment(vault, segments[i], recording, NULL, reason, error);
  json_decref(leaf);
  return done;
}

static void drop_choose(Vault *vault, DropJob *drop) {
  drop->chosen = g_ptr_array_new_with_free_func((GDestroyNotify)segment_unref);
  if (!drop->take) {
    VaultSegment *segment = g_hash_table_lookup(vault->sealed, &drop->id);
    if (segment && !segment->taken) {
      segment->taken = TRUE;
      g_ptr_array_add(drop->chosen, segment_ref(segment));
    }
    return;
  }
  pthread_mutex_lock(&drop->take->lock);
  for (guint i = 0; i < drop->take->segments->len && drop->chosen->len < FORGET_SLICE; i++) {
    VaultSegment *segment = drop->take->segments->pdata[i];
    if (segment->taken)
      continue; /* by a commit or a drop of this very transaction, which sees to it: one leaf says what became of a segment */
    segment->taken = TRUE;
    g_ptr_array_add(drop->chosen, segment_ref(segment));
  }
  pthread_mutex_unlock(&drop->take->lock);
}

static gboolean drop_apply(Vault *vault, Job *job, GError **error) {
  DropJob *drop = (DropJob *)job;
  drop_choose(vault, drop);
  const char *reason = drop->take ? drop->take->reason : drop->reason;
  return commit_record_dropped(vault, (VaultSegment *const *)drop->chosen->pdata, drop->chosen->len, reason, error);
}

static void drop_free(DropJob *drop) {
  g_clear_pointer(&drop->chosen, g_ptr_array_unref);
  vault_take_unref(drop->take);
  g_free(drop->reason);
  g_free(drop);
}

/* Without a leaf (the database refused, and that is reported) the file goes all the same: it is nobody's. */
static void drop_after(Vault *vault, Job *job, const GError *error) {
  (void)error;
  DropJob *drop = (DropJob *)job;
  for (guint i = 0; drop->chosen && i < drop->chosen->len; i++) {
    VaultSegment *segment = drop->chosen->pdata[i];
    segment_forget_file(vault, segment);
    take_remove(segment->take, segment);
    if (g_hash_table_lookup(vault->sealed, &segment->id) == segment)
      g_hash_table_remove(vault->sealed, &segment->id);
  }
  (void)!vault_sync_segments(vault);
  if (drop->take && drop->chosen && drop->chosen->len > 0)
    commit_push_forget(drop->take);
  drop_free(drop);
}

void commit_push_forget(VaultTake *take) {
  DropJob *drop = g_new0(DropJob, 1);
  *drop = (DropJob){.job = {.apply = drop_apply, .after = drop_after}, .take = vault_take_ref(take)};
  vault_push(take->vault, LANE_LEDGER, &drop->job);
}

void vault_drop(Vault *vault, guint64 segment, const char *reason) {
  DropJob *drop = g_new0(DropJob, 1);
  *drop = (DropJob){.job = {.apply = drop_apply, .after = drop_after}, .id = segment, .reason = g_strdup(reason ? reason : "dropped")};
  vault_push(vault, LANE_LEDGER, &drop->job);
}
