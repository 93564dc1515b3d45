/* SPDX-License-Identifier: Apache-2.0 */
/* First the log is continued in one transaction: from then on it is the newer one, and nothing forks. Then every purge and every forgetting that it
 * tells of is carried out here as if it were asked for now, which leaves alone what is done already: so a crash anywhere is finished by
 * doing all of it again. Last the directory becomes a home. */
#include "gate/vault/restore.h"

#include <string.h>

#include "gate/ledger/commitment.h"
#include "gate/ledger/proof.h"
#include "gate/vault/home.h"
#include "gate/vault/newer-log.h"
#include "gate/vault/vault-private.h"

typedef struct Restore {
  Vault *vault;
  NewerLog *newer; /* NULL: none */
  LedgerCheckpoint end;
  VaultRestored *result;
  guint64 size;         /* of our log, before */
  GHashTable *sessions; /* commitment -> id */
} Restore;

static gboolean refuse(GError **error, const char *what) {
  g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "this is not a newer copy of this log: %s", what);
  return FALSE;
}

static gboolean ledger_word(GError *why, GError **error) {
  g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s", why ? why->message : "the ledger cannot be read");
  g_clear_error(&why);
  return FALSE;
}

/* --- is it newer, and is it ours --- */

/* Reads all of it: what its leaves say at our size and at its end is what our log and its checkpoint must say. */
static gboolean check_leaves(Restore *restore, GError **error) {
  g_autofree MerkleRange *range = g_new0(MerkleRange, 1);
  const guint64 common = MIN(restore->size, restore->end.size);
  MerkleHash ours, hash;
  GError *why = NULL;
  if (!proof_root(restore->vault->db, common, &ours, &why))
    return ledger_word(why, error);
  for (guint64 i = 0; i <= restore->end.size; i++) {
    if (i == common) {
      merkle_range_root(range, &hash);
      if (!merkle_equal(&hash, &ours))
        return refuse(error, "its history is another one");
    }
    const char *text = NULL;
    gsize n = 0;
    if (i < restore->end.size && !newer_log_leaf(restore->newer, i, restore->end.size, &text, &n, error))
      return FALSE;
    if (text) {
      merkle_leaf(text, n, &hash);
      merkle_range_append(range, &hash);
    }
  }
  merkle_range_root(range, &hash);
  return merkle_equal(&hash, &restore->end.root) || refuse(error, "its leaves are not those of its checkpoint");
}

static gboolean check_newer(Restore *restore, GError **error) {
  GError *why = NULL;
  gint64 continued = 0;
  if (!note_checkpoint_open(restore->vault->ledger_verifier, newer_log_checkpoint(restore->newer), &restore->end, &why)) {
    const gboolean refused = refuse(error, why->message);
    g_error_free(why);
    return refused;
  }
  if (!store_number(restore->vault->db, -1, &continued, error, "SELECT value FROM meta WHERE name = 'restored_to'", ""))
    return FALSE;
  if (restore->end.size < restore->size && continued != (gint64)restore->end.size) /* else: once more, after a crash */
    return refuse(error, "it is older than the restored one");
  return check_leaves(restore, error);
}

/* --- continuing our log --- */

static char *person_of(Restore *restore, const char *session, const char *commitment) {
  g_autoptr(sqlite3_stmt) row =
      store_query(restore->vault->db, NULL, "SELECT participant FROM salts WHERE session = ? AND participant <> ''", "s", session);
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, NULL)) {
    guint8 salt[COMMITMENT_SALT_BYTES];
    char made[COMMITMENT_TEXT_BYTES];
    gboolean found = FALSE;
    if (!commitment_salt(restore->vault->db, session, store_text(row, 0), salt, &found, NULL) || !found)
      continue;
    commitment_make(salt, "participant", store_text(row, 0), made);
    if (g_strcmp0(made, commitment) == 0)
      return g_strdup(store_text(row, 0));
  }
  return NULL;
}

static gboolean find_sessions(Restore *restore, GError **error) {
  g_autoptr(sqlite3_stmt) row =
      store_query(restore->vault->db, error, "SELECT session, salt FROM salts WHERE participant = '' AND session <> ''", "");
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error)) {
    char made[COMMITMENT_TEXT_BYTES];
    if (sqlite3_column_bytes(row, 1) != COMMITMENT_SALT_BYTES)
      continue;
    commitment_make(sqlite3_column_blob(row, 1), "session", store_text(row, 0), made);
    g_hash_table_insert(restore->sessions, g_strdup(made), g_strdup(store_text(row, 0)));
  }
  return row && !failed;
}

static const char *word(const json_t *leaf, const char *name) {
  const char *text = json_string_value(json_object_get(leaf, name));
  return text ? text : "";
}

static gint64 number(const json_t *leaf, const char *name) {
  return json_integer_value(json_object_get(leaf, name));
}

/* What decisions still depend on: a no is final (R4), numbers of takes and segments are never used again. */
static gboolean follow(Restore *restore, const json_t *leaf, GError **error) {
  sqlite3 *db = restore->vault->db;
  const char *type = word(leaf, "type"), *session = g_hash_table_lookup(restore->sessions, word(leaf, "session"));
  const gint64 block = number(leaf, "segment") >> 32;
  if (block > 0 &&
      !store_run(db, error,
                 "INSERT INTO meta(name, value) VALUES('starts', ?) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)", "i",
                 block))
    return FALSE;
  if (session && strcmp(type, "gate_open") == 0)
    return store_run(
        db, error,
        "INSERT OR IGNORE INTO takes(session, take, request, roster, opened_at, closed_at, reason) VALUES(?1, ?2, ?3, '[]', ?4, ?4,"
        " 'restored')",
        "siii", session, number(leaf, "take"), number(leaf, "request"), number(leaf, "at"));
  if (!session || (strcmp(type, "withdraw") != 0 && strcmp(type, "decline") != 0))
    return TRUE;
  g_autofree char *person = person_of(restore, session, word(leaf, "participant"));
  return !person ||
         store_run(db, error,
                   "INSERT INTO consents(session, request, participant, answer, at) VALUES(?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                   " answer = excluded.answer, at = excluded.at",
                   "sissi", session, number(leaf, "request"), person, strcmp(type, "decline") == 0 ? "declined" : "withdrawn",
                   number(leaf, "at"));
}

static gboolean continue_leaf(Restore *restore, guint64 index, GError **error) {
  const char *text = NULL;
  gsize n = 0;
  gint64 place = -1;
  MerkleHash wanted, made;
  GError *why = NULL;
  if (!newer_log_leaf(restore->newer, index, restore->end.size, &text, &n, error))
    return FALSE;
  merkle_leaf(text, n, &wanted);
  json_auto_t *leaf = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
  if (!leaf || !ledger_append(restore->vault->db, leaf, &place, &made, &why))
    return ledger_word(why, error);
  if (place != (gint64)index || !merkle_equal(&wanted, &made))
    return refuse(error, "a leaf is not canonical");
  return follow(restore, leaf, error);
}

static gboolean continue_log(Vault *vault, gpointer user, GError **error) {
  Restore *restore = user;
  for (guint64 i = restore->size; i < restore->end.size; i++)
    if (!continue_leaf(restore, i, error))
      return FALSE;
  return store_run(vault->db, error, "INSERT OR REPLACE INTO meta(name, value) VALUES('restored_to', ?)", "i", (gint64)restore->end.size);
}

/* --- carrying out what it tells of --- */

static gboolean purge_one(Restore *restore, const json_t *leaf, const json_t *target, GError **error) {
  const char *session = g_hash_table_lookup(restore->sessions, word(leaf, "session"));
  gint64 scope = number(target, "scope"), keyed = 0;
  if (!session)
    return TRUE;
  if (scope < VAULT_SCOPE_AFTER || scope > VAULT_SCOPE_SESSION)
    scope = VAULT_SCOPE_SESSION;
  g_autofree char *person = person_of(restore, session, word(leaf, "participant"));
  if (scope == VAULT_SCOPE_PARTICIPANT && !person)
    return TRUE; /* of somebody who is in nothing that is kept here */
  const VaultErase erase = {.session = session,
                            .request = (guint64)number(target, "request"),
                            .scope = (VaultScope)scope,
                            .participant = person ? person : "",
                            .reason = strcmp(word(leaf, "reason"), "expired") == 0 ? "expired" : "withdrawn"};
  if (!store_number(
          restore->vault->db, 0, &keyed, error,
          "SELECT 1 FROM recordings AS r JOIN holders AS h ON h.recording = r.id WHERE r.session = ?1 AND r.request = ?2 AND h.slot IS NOT"
          " NULL AND (?3 <> 2 OR h.participant = ?4) LIMIT 1",
          "siis", session, (gint64)erase.request, scope, erase.participant))
    return FALSE;
  restore->result->purges += keyed && scope != VAULT_SCOPE_AFTER;
  return erase_finish(restore->vault, &erase, error);
}

static gboolean purge(Restore *restore, const json_t *leaf, GError **error) {
  size_t i;
  json_t *target;
  json_array_foreach(json_object_get(leaf, "recordings"), i, target) {
    if (!purge_one(restore, leaf, target, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean forget(Restore *restore, const json_t *leaf, GError **error) {
  const char *session = g_hash_table_lookup(restore->sessions, word(leaf, "session"));
  g_autofree char *person = session && *word(leaf, "participant") ? person_of(restore, session, word(leaf, "participant")) : NULL;
  if (!session || (*word(leaf, "participant") && !person))
    return TRUE;
  g_autoptr(GError) why = NULL;
  if (forget_now(restore->vault, session, person, &why)) {
    restore->result->forgotten++;
    return TRUE;
  }
  /* Who came back after it may have what is kept again: then it is not due. */
  if (g_error_matches(why, VAULT_ERROR, VAULT_ERROR_NOT_FOUND) || g_error_matches(why, VAULT_ERROR, VAULT_ERROR_KEPT))
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&why));
  return FALSE;
}

static gboolean carry_out(Restore *restore, const char *type, gboolean (*act)(Restore *restore, const json_t *leaf, GError **error),
                          GError **error) {
  g_autofree char *mark = g_strdup_printf("\"type\":\"%s\"", type);
  gint64 last = -1;
  for (;;) { /* one at a time: the acts append leaves themselves */
    g_autoptr(sqlite3_stmt) row = store_query(
        restore->vault->db, error, "SELECT idx, leaf FROM leaves WHERE idx > ? AND idx < ? AND instr(leaf, ?) ORDER BY idx LIMIT 1", "iis",
        last, (gint64)restore->result->to, mark);
    gboolean failed = FALSE;
    if (!row || !store_step(row, &failed, error))
      return row && !failed;
    last = sqlite3_column_int64(row, 0);
    json_auto_t *leaf = json_loads(store_text(row, 1), 0, NULL);
    g_clear_pointer(&row, sqlite3_finalize);
    if (strcmp(word(leaf, "type"), type) == 0 && !act(restore, leaf, error))
      return FALSE;
  }
}

static gboolean note_restored(Vault *vault, gpointer user, GError **error) {
  const Restore *restore = user;
  const VaultRestored *result = restore->result;
  LeafPlace place;
  json_t *leaf = json_pack("{s:s, s:I, s:s, s:I, s:I, s:I, s:I}", "type", "restored", "at", (json_int_t)state_wall_ms(), "ledger",
                           restore->newer ? "newer" : "none", "from", (json_int_t)result->from, "to", (json_int_t)result->to, "purges",
                           (json_int_t)result->purges, "forgotten", (json_int_t)result->forgotten);
  const gboolean done = state_append(vault, leaf, &place, error);
  json_decref(leaf);
  return done;
}

static gboolean restore_run(Restore *restore, GError **error) {
  Vault *vault = restore->vault;
  GError *why = NULL;
  if (!ledger_size(vault->db, &restore->size, &why))
    return ledger_word(why, error);
  restore->end.size = restore->size;
  if ((restore->newer && !check_newer(restore, error)) || !find_sessions(restore, error))
    return FALSE;
  restore->result->from = restore->size;
  restore->result->to = MAX(restore->size, restore->end.size);
  return (!restore->newer || vault_in_transaction(vault, continue_log, restore, error)) && vault_open_rest(vault, error) &&
         carry_out(restore, "purge", purge, error) && carry_out(restore, "forget", forget, error) &&
         vault_in_transaction(vault, note_restored, restore, error) && home_settle(vault->dir_fd, vault->db, error);
}

gboolean vault_restore(const char *data_dir, const char *ledger, VaultRestored *restored, GError **error) {
  Restore restore = {.result = restored};
  *restored = (VaultRestored){0};
  g_autoptr(NewerLog) newer = ledger ? newer_log_open(ledger, error) : NULL;
  if (ledger && !newer)
    return FALSE;
  restore.newer = newer;
  restore.vault = vault_open_parts(data_dir, error);
  if (!restore.vault)
    return FALSE;
  restore.sessions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  const gboolean done = restore_run(&restore, error);
  g_hash_table_unref(restore.sessions);
  vault_close_parts(restore.vault);
  return done;
}
