/* SPDX-License-Identifier: Apache-2.0 */
/* Forgetting a person, or a whole session with everybody in it (R23): their salts, names and texts go, every id in the state tables becomes
 * "forgotten-" and the commitment that stands for it in the leaves. The leaves stay as they are, and so does every proof.
 *
 * Rows of segments are many: they are renamed in slices before, which an erase may overtake (R6). Everything else, with the leaf, is one transaction.
 * The new name follows from the old one, so a crash between two slices leaves nothing that asking again does not complete. */
#include <string.h>

#include "gate/ledger/commitment.h"
#include "gate/vault/vault-private.h"

#define SLICE_ROWS 128

typedef struct Renaming {
  char *from, *to;
} Renaming;

typedef struct ForgetJob {
  Job job;
  char *session, *participant; /* participant NULL: everybody, and the session itself */
  VaultDone done;
  gpointer user;
  GPtrArray *people;  /* Renaming */
  GArray *recordings; /* gint64, those whose segments are still to be renamed */
  gint64 last_segment;
  gboolean begun;
  Answer answer;
} ForgetJob;

static void renaming_free(gpointer user) {
  Renaming *renaming = user;
  g_free(renaming->from);
  g_free(renaming->to);
  g_free(renaming);
}

static gboolean refuse(GError **error, VaultError code, const char *what) {
  g_set_error_literal(error, VAULT_ERROR, (gint)code, what);
  return FALSE;
}

/* --- may it be forgotten --- */

static gboolean check_over(Vault *vault, const ForgetJob *forget, GError **error) {
  gint64 known = 0, kept = 0, open = 0;
  const char *person = forget->participant;
  if (!store_number(vault->db, 0, &known, error,
                    "SELECT 1 FROM sessions WHERE session = ?1 AND (?2 IS NULL OR EXISTS(SELECT 1 FROM participants WHERE session = ?1 AND"
                    " participant = ?2) OR EXISTS(SELECT 1 FROM consents WHERE session = ?1 AND participant = ?2)"
                    " OR EXISTS(SELECT 1 FROM invited WHERE session = ?1 AND participant = ?2))",
                    "ss", forget->session, person) ||
      !store_number(vault->db, 0, &open, error, "SELECT 1 FROM takes WHERE session = ? AND closed_at IS NULL LIMIT 1", "s",
                    forget->session) ||
      !store_number(
          vault->db, 0, &kept, error,
          "SELECT 1 FROM recordings AS r JOIN holders AS h ON h.recording = r.id WHERE r.session = ? AND h.slot IS NOT NULL LIMIT 1", "s",
          forget->session))
    return FALSE;
  if (!known)
    return refuse(error, VAULT_ERROR_NOT_FOUND, person ? "nobody of that name was in this session" : "no such session");
  if (open)
    return refuse(error, VAULT_ERROR_KEPT,
                  "the session is being recorded: it can be forgotten when it is over and its recordings are erased");
  if (kept)
    return refuse(
        error, VAULT_ERROR_KEPT,
        "recordings of this session are still kept, and its consents are what they stand on: erase them first, or wait until they expire");
  return TRUE;
}

/* --- the new names --- */

/* NULL: there is no salt, so nobody of that name is in any leaf, or they have been forgotten already. */
static char *new_name(Vault *vault, const char *session, const char *participant, const char *kind, const char *text) {
  guint8 salt[COMMITMENT_SALT_BYTES];
  char commitment[COMMITMENT_TEXT_BYTES];
  gboolean found = FALSE;
  if (!commitment_salt(vault->db, session, participant, salt, &found, NULL) || !found)
    return NULL;
  commitment_make(salt, kind, text, commitment);
  return g_strconcat(VAULT_FORGOTTEN, commitment, NULL);
}

static gboolean find_people(Vault *vault, ForgetJob *forget, GError **error) {
  g_autoptr(sqlite3_stmt) row =
      store_query(vault->db, error,
                  "SELECT participant FROM participants WHERE session = ?1 AND (?2 IS NULL OR participant = ?2)"
                  " UNION SELECT participant FROM consents WHERE session = ?1 AND (?2 IS NULL OR participant = ?2)"
                  " UNION SELECT participant FROM invited WHERE session = ?1 AND (?2 IS NULL OR participant = ?2)"
                  " UNION SELECT asker FROM recordings WHERE session = ?1 AND ?2 IS NULL AND asker IS NOT NULL",
                  "ss", forget->session, forget->participant);
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error)) {
    char *to = new_name(vault, forget->session, store_text(row, 0), "participant", store_text(row, 0));
    Renaming *renaming = to ? g_new0(Renaming, 1) : NULL;
    if (!renaming)
      continue;
    *renaming = (Renaming){g_strdup(store_text(row, 0)), to};
    g_ptr_array_add(forget->people, renaming);
  }
  return row && !failed;
}

static gboolean find_recordings(Vault *vault, ForgetJob *forget, GError **error) {
  g_autoptr(sqlite3_stmt) row = store_query(vault->db, error, "SELECT id FROM recordings WHERE session = ?", "s", forget->session);
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error)) {
    const gint64 id = sqlite3_column_int64(row, 0);
    g_array_append_val(forget->recordings, id);
  }
  return row && !failed;
}

/* --- segments, in slices --- */

static const char *renamed(const ForgetJob *forget, const char *participant) {
  for (guint i = 0; i < forget->people->len; i++) {
    const Renaming *renaming = forget->people->pdata[i];
    if (strcmp(renaming->from, participant) == 0)
      return renaming->to;
  }
  return participant;
}

/* The consent set is a hash of ids: who guesses them could check the guess. */
static gboolean rename_slice(Vault *vault, gpointer user, GError **error) {
  ForgetJob *forget = user;
  const gint64 recording = g_array_index(forget->recordings, gint64, forget->recordings->len - 1);
  g_autoptr(sqlite3_stmt) row =
      store_query(vault->db, error, "SELECT id, participant FROM segments WHERE recording = ? AND id > ? ORDER BY id LIMIT ?", "iii",
                  recording, forget->last_segment, (gint64)SLICE_ROWS);
  gboolean failed = FALSE;
  guint n = 0;
  for (; row && store_step(row, &failed, error); n++) {
    forget->last_segment = sqlite3_column_int64(row, 0);
    if (!store_run(vault->db, error, "UPDATE segments SET participant = ?, consent_set = '' WHERE id = ?", "si",
                   renamed(forget, store_text(row, 1)), forget->last_segment))
      return FALSE;
  }
  if (n < SLICE_ROWS) {
    g_array_set_size(forget->recordings, forget->recordings->len - 1);
    forget->last_segment = 0;
  }
  return row && !failed;
}

/* --- everything else, with the leaf --- */

/* ?1 new name, ?2 session, ?3 old name. A new table that names people needs its line here. */
static const char *const of_person[] = {
    "UPDATE participants SET participant = ?1, name = NULL WHERE session = ?2 AND participant = ?3",
    "UPDATE consents SET participant = ?1 WHERE session = ?2 AND participant = ?3",
    "UPDATE invited SET participant = ?1, name = NULL WHERE session = ?2 AND participant = ?3",
    "UPDATE exports SET participant = ?1 WHERE session = ?2 AND participant = ?3",
    "UPDATE recordings SET asker = ?1 WHERE session = ?2 AND asker = ?3",
    "UPDATE holders SET participant = ?1 WHERE recording IN (SELECT id FROM recordings WHERE session = ?2) AND participant = ?3",
    "UPDATE runs SET participant = ?1 WHERE recording IN (SELECT id FROM recordings WHERE session = ?2) AND participant = ?3",
    "UPDATE cleanups SET participant = ?1 WHERE recording IN (SELECT id FROM recordings WHERE session = ?2) AND participant = ?3",
    "UPDATE purges SET participant = ?1 WHERE recording IN (SELECT id FROM recordings WHERE session = ?2) AND participant = ?3",
    "UPDATE purges SET by = ?1 WHERE recording IN (SELECT id FROM recordings WHERE session = ?2) AND by = ?3",
    "UPDATE takes SET roster = replace(roster, '\"' || ?3 || '\"', '\"' || ?1 || '\"') WHERE session = ?2",
    "DELETE FROM withdraw_keys WHERE session = ?2 AND participant = ?3 AND ?1 IS NOT NULL",
    "DELETE FROM deliveries WHERE report IN (SELECT report FROM reports WHERE session = ?2 AND participant = ?3) AND ?1 IS NOT NULL",
    "DELETE FROM reports WHERE session = ?2 AND participant = ?3 AND ?1 IS NOT NULL",
    /* A bundle of somebody else that still waits holds this person's salt: it is sealed anew, without it. */
    "UPDATE reports SET sha256 = NULL WHERE session = ?2 AND ?1 IS NOT ?3 AND (report IN (SELECT report FROM deliveries WHERE state = "
    "'waiting')"
    " OR report NOT IN (SELECT report FROM deliveries))",
};

/* ?1 new name, ?2 session. */
static const char *const of_session[] = {
    "UPDATE participants SET session = ?1 WHERE session = ?2",
    "UPDATE consents SET session = ?1, sha256 = NULL WHERE session = ?2",
    "UPDATE plans SET session = ?1, asker_name = NULL WHERE session = ?2",
    "UPDATE invited SET session = ?1 WHERE session = ?2",
    "UPDATE takes SET session = ?1 WHERE session = ?2",
    "UPDATE exports SET session = ?1 WHERE session = ?2",
    "UPDATE recordings SET session = ?1, disclosure = '{}', sha256 = '' WHERE session = ?2",
    "DELETE FROM withdraw_keys WHERE session = ?2 AND ?1 IS NOT NULL",
    "DELETE FROM deliveries WHERE report IN (SELECT report FROM reports WHERE session = ?2) AND ?1 IS NOT NULL",
    "DELETE FROM reports WHERE session = ?2 AND ?1 IS NOT NULL",
    "UPDATE sessions SET session = ?1 WHERE session = ?2",
};

static gboolean rename_person(Vault *vault, const char *session, const Renaming *renaming, GError **error) {
  for (guint i = 0; i < G_N_ELEMENTS(of_person); i++)
    if (!store_run(vault->db, error, of_person[i], "sss", renaming->to, session, renaming->from))
      return FALSE;
  return TRUE;
}

static gboolean rename_session(Vault *vault, const char *session, const char *to, GError **error) {
  for (guint i = 0; i < G_N_ELEMENTS(of_session); i++)
    if (!store_run(vault->db, error, of_session[i], "ss", to, session))
      return FALSE;
  return TRUE;
}

static gboolean erase_salts(Vault *vault, const ForgetJob *forget, GError **error) {
  g_autoptr(GError) why = NULL;
  if (commitment_forget(vault->db, forget->session, forget->participant, &why))
    return TRUE;
  g_set_error(error, VAULT_ERROR, VAULT_ERROR_STORAGE, "%s", why->message);
  return FALSE;
}

static gboolean apply_names(Vault *vault, const ForgetJob *forget, GError **error) {
  for (guint i = 0; i < forget->people->len; i++)
    if (!rename_person(vault, forget->session, forget->people->pdata[i], error))
      return FALSE;
  g_autofree char *to = forget->participant ? NULL : new_name(vault, forget->session, "", "session", forget->session);
  return (!to || rename_session(vault, forget->session, to, error)) && erase_salts(vault, forget, error);
}

static gboolean forget_names(Vault *vault, gpointer user, GError **error) {
  ForgetJob *forget = user;
  json_t *leaf = json_pack("{s:s, s:I, s:s, s:s*}", "type", "forget", "at", (json_int_t)state_wall_ms(), "session", forget->session,
                           "participant", forget->participant);
  const gboolean done =
      check_over(vault, forget, error) && state_append(vault, leaf, &forget->answer.place, error) && apply_names(vault, forget, error);
  json_decref(leaf);
  return done;
}

/* --- the job --- */

static void forget_run(Vault *vault, Job *base);
static void forget_cancel(Vault *vault, Job *base);

static ForgetJob *forget_new(const char *session, const char *participant) {
  ForgetJob *forget = g_new0(ForgetJob, 1);
  *forget = (ForgetJob){.job = {.run = forget_run, .cancel = forget_cancel},
                        .session = g_strdup(session),
                        .participant = g_strdup(participant),
                        .people = g_ptr_array_new_with_free_func(renaming_free),
                        .recordings = g_array_new(FALSE, FALSE, sizeof(gint64)),
                        .answer = {.place = {.index = -1}}};
  return forget;
}

static void forget_free(ForgetJob *forget) {
  g_ptr_array_unref(forget->people);
  g_array_unref(forget->recordings);
  if (forget->session)
    explicit_bzero(forget->session, strlen(forget->session));
  if (forget->participant)
    explicit_bzero(forget->participant, strlen(forget->participant));
  g_free(forget->session);
  g_free(forget->participant);
  g_free(forget);
}

static void forget_finish(Vault *vault, ForgetJob *forget, const GError *error) {
  if (g_error_matches(error, VAULT_ERROR, VAULT_ERROR_STORAGE))
    health_set(vault, HEALTH_STORE, error->message);
  sqlite3_db_release_memory(vault->db);
  vault_answer(vault, forget->done, forget->user, error, &forget->answer);
  forget_free(forget);
}

static gboolean forget_begin(Vault *vault, ForgetJob *forget, GError **error) {
  if (!forget->begun && (!check_over(vault, forget, error) || !find_people(vault, forget, error) || !find_recordings(vault, forget, error)))
    return FALSE;
  forget->begun = TRUE;
  return TRUE;
}

static void forget_run(Vault *vault, Job *base) {
  ForgetJob *forget = (ForgetJob *)base;
  g_autoptr(GError) error = NULL;
  if (!forget_begin(vault, forget, &error)) {
    forget_finish(vault, forget, error);
  } else if (forget->recordings->len > 0 && vault_in_transaction(vault, rename_slice, forget, &error)) {
    vault_push(vault, LANE_MEDIA, base);
  } else if (error || !vault_in_transaction(vault, forget_names, forget, &error)) {
    forget_finish(vault, forget, error);
  } else {
    forget->answer.done_us = storage_now_us();
    forget_finish(vault, forget, NULL);
  }
}

gboolean forget_now(Vault *vault, const char *session, const char *participant, GError **error) {
  ForgetJob *forget = forget_new(session, participant);
  gboolean going = forget_begin(vault, forget, error);
  while (going && forget->recordings->len > 0)
    going = vault_in_transaction(vault, rename_slice, forget, error);
  const gboolean done = going && vault_in_transaction(vault, forget_names, forget, error);
  forget_free(forget);
  return done;
}

static void forget_cancel(Vault *vault, Job *base) {
  g_autoptr(GError) error = g_error_new_literal(VAULT_ERROR, VAULT_ERROR_STORAGE, "closing: nothing was forgotten yet");
  vault_answer(vault, ((ForgetJob *)base)->done, ((ForgetJob *)base)->user, error, &((ForgetJob *)base)->answer);
  forget_free((ForgetJob *)base);
}

void vault_forget(Vault *vault, const char *session, const char *participant, VaultDone done, gpointer user) {
  ForgetJob *forget = forget_new(session, participant);
  forget->done = done;
  forget->user = user;
  vault_push(vault, LANE_MEDIA, &forget->job);
}
