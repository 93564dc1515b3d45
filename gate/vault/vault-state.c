/* SPDX-License-Identifier: Apache-2.0 */
/* State tables that follow the leaves, in the same transaction (R21). Every leaf has "type", "at" (ms since the epoch), "t" (us of
 * the boot clock, for the order of things: a take lies within one boot), and "session".
 *
 *   session                                            the session exists (any leaf makes it so)
 *   join         participant, name, role               on the roster
 *   leave        participant, reason                   off it
 *   request      request, disclosure_sha256, ...       made by vault_recording_new
 *   plan         request, starts, ends (ms), name: who asks, participants: [{participant, name, role}]    a session ahead of time (R5)
 *   grant        participant, request, media, disclosure_sha256, [withdraw_key_sha256]: kept as it is for vault_withdraw_key_find (R24)
 *   decline      participant, request
 *   offer        participant, [request]                lifts one's own decline (R4)
 *   withdraw     participant, [request], scope         without a request: all of that participant's
 *   gate_open    request, take, roster: [ids]
 *   gate_close   take, reason
 *   export_begin by, participant · export_end by, participant    finished ones are named in erase replies (R18); without a participant: of everyone
 *   report, report_sealed, report_sent, report_failed  see vault-reports.h
 *   commit, drop, purge, recovered                     made by the vault itself
 *   access, refused and every other type               leaves only */
#include <sodium.h>
#include <string.h>

#include "gate/ledger/commitment.h"
#include "gate/vault/vault-private.h"

typedef struct LeafView { /* the fields that state follows; NULL or 0 without them */
  const char *session, *participant, *reason, *by;
  gint64 at, request, take;
  const json_t *leaf;
} LeafView;

gint64 state_wall_ms(void) {
  return g_get_real_time() / 1000;
}

static const char *text(const LeafView *view, const char *name) {
  return json_string_value(json_object_get(view->leaf, name));
}

static gboolean follow_join(sqlite3 *db, const LeafView *view, GError **error) {
  return store_run(db, error,
                   "INSERT INTO participants(session, participant, name, role, joined_at) VALUES(?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                   " name = excluded.name, role = excluded.role, left_at = NULL, left_reason = NULL",
                   "ssssi", view->session, view->participant, text(view, "name"), text(view, "role"), view->at);
}

static gboolean follow_leave(sqlite3 *db, const LeafView *view, GError **error) {
  return store_run(db, error, "UPDATE participants SET left_at = ?, left_reason = ? WHERE session = ? AND participant = ?", "isss",
                   view->at, view->reason, view->session, view->participant);
}

static gboolean follow_answer(sqlite3 *db, const LeafView *view, const char *answer, GError **error) {
  g_autofree char *media = NULL;
  const json_t *list = json_object_get(view->leaf, "media");
  if (list && !(media = ledger_canonical_json(list, error)))
    return FALSE;
  return store_run(db, error,
                   "INSERT INTO consents(session, request, participant, answer, media, scope, sha256, at) VALUES(?, ?, ?, ?, ?, ?, ?, ?)"
                   " ON CONFLICT DO UPDATE SET answer = excluded.answer, media = coalesce(excluded.media, media),"
                   " scope = coalesce(excluded.scope, scope), sha256 = coalesce(excluded.sha256, sha256), at = excluded.at",
                   "sisssssi", view->session, view->request, view->participant, answer, media, text(view, "scope"),
                   text(view, "disclosure_sha256"), view->at);
}

/* With its leaf, so that no receipt is out whose key does not work. */
static gboolean keep_withdraw_key(sqlite3 *db, const LeafView *view, GError **error) {
  const char *hex = text(view, "withdraw_key_sha256");
  guint8 sha256[32];
  gsize n = 0;
  if (!hex || sodium_hex2bin(sha256, sizeof sha256, hex, strlen(hex), NULL, &n, NULL) != 0 || n != sizeof sha256)
    return TRUE;
  return store_run(db, error, "INSERT OR REPLACE INTO withdraw_keys(sha256, session, request, participant) VALUES(?, ?, ?, ?)", "bsis",
                   (const void *)sha256, sizeof sha256, view->session, view->request, view->participant);
}

static gboolean follow_grant(sqlite3 *db, const LeafView *view, GError **error) {
  return follow_answer(db, view, "granted", error) && keep_withdraw_key(db, view, error);
}

static gboolean follow_plan(sqlite3 *db, const LeafView *view, GError **error) {
  return plan_follow(db, view->leaf, error);
}

static gboolean follow_stop(sqlite3 *db, const LeafView *view, GError **error) {
  return plan_end(db, view->session, error);
}

static gboolean follow_decline(sqlite3 *db, const LeafView *view, GError **error) {
  return follow_answer(db, view, "declined", error) && plan_end(db, view->session, error);
}

static gboolean follow_offer(sqlite3 *db, const LeafView *view, GError **error) {
  return store_run(
      db, error,
      "UPDATE consents SET answer = 'offered', at = ? WHERE session = ? AND participant = ? AND answer IN ('declined', 'withdrawn')", "iss",
      view->at, view->session, view->participant);
}

static gboolean follow_withdraw(sqlite3 *db, const LeafView *view, GError **error) {
  if (!plan_end(db, view->session, error))
    return FALSE;
  if (view->request)
    return follow_answer(db, view, "withdrawn", error);
  if (!store_run(db, error,
                 "UPDATE consents SET answer = 'withdrawn', scope = coalesce(?, scope), at = ? WHERE session = ? AND participant = ?",
                 "siss", text(view, "scope"), view->at, view->session, view->participant))
    return FALSE;
  return sqlite3_changes(db) > 0 ||
         follow_answer(db, view, "withdrawn", error); /* R4: the no of somebody who was never asked stands as well */
}

static gboolean follow_gate_open(sqlite3 *db, const LeafView *view, GError **error) {
  const json_t *list = json_object_get(view->leaf, "roster");
  g_autofree char *roster = list ? ledger_canonical_json(list, error) : g_strdup("[]");
  return roster && store_run(db, error,
                             "INSERT INTO takes(session, take, request, roster, opened_at) VALUES(?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                             " request = excluded.request, roster = excluded.roster, opened_at = excluded.opened_at",
                             "siisi", view->session, view->take, view->request, roster, view->at);
}

static gboolean follow_gate_close(sqlite3 *db, const LeafView *view, GError **error) {
  return store_run(db, error, "UPDATE takes SET closed_at = ?, reason = ? WHERE session = ? AND take = ? AND closed_at IS NULL", "issi",
                   view->at, view->reason, view->session, view->take);
}

static gboolean follow_export_begin(sqlite3 *db, const LeafView *view, GError **error) {
  return store_run(db, error, "INSERT INTO exports(session, participant, by, begun_at) VALUES(?, ?, ?, ?)", "sssi", view->session,
                   view->participant, view->by, view->at);
}

static gboolean follow_export_end(sqlite3 *db, const LeafView *view, GError **error) {
  return store_run(
      db, error,
      "UPDATE exports SET finished_at = ? WHERE rowid = (SELECT min(rowid) FROM exports WHERE session = ? AND participant IS ? AND by = ?"
      " AND finished_at IS NULL)",
      "isss", view->at, view->session, view->participant, view->by);
}

static gboolean follow_report(sqlite3 *db, const LeafView *view, GError **error) {
  return reports_follow(db, view->leaf, error);
}

static const struct {
  const char *type;
  gboolean (*follow)(sqlite3 *db, const LeafView *view, GError **error);
} followers[] = {
    {"join", follow_join},
    {"leave", follow_leave},
    {"grant", follow_grant},
    {"plan", follow_plan},
    {"stop", follow_stop},
    {"decline", follow_decline},
    {"offer", follow_offer},
    {"withdraw", follow_withdraw},
    {"gate_open", follow_gate_open},
    {"gate_close", follow_gate_close},
    {"export_begin", follow_export_begin},
    {"export_end", follow_export_end},
    {"report", follow_report},
    {"report_sealed", follow_report},
    {"report_sent", follow_report},
    {"report_failed", follow_report},
};

/* Looking for a session that never was does not make it one. */
static gboolean touch_session(sqlite3 *db, const LeafView *view, GError **error) {
  static const char *const lookers[] = {"access", "export_begin", "refused", NULL};
  if (g_strv_contains(lookers, text(view, "type")))
    return store_run(db, error, "UPDATE sessions SET last_at = max(last_at, ?) WHERE session = ?", "is", view->at, view->session);
  return store_run(
      db, error, "INSERT INTO sessions(session, first_at, last_at) VALUES(?1, ?2, ?2) ON CONFLICT DO UPDATE SET last_at = max(last_at, ?2)",
      "si", view->session, view->at);
}

/* The log gets commitments (R23), the state tables what they stand for. */
static gboolean append_sealed(Vault *vault, const json_t *leaf, LeafPlace *place, GError **error) {
  MerkleHash hash;
  g_autoptr(GError) why = NULL;
  json_t *sealed = commitment_seal(vault->db, leaf, &why);
  if (sealed && !json_object_get(sealed, "t"))
    json_object_set_new(sealed, "t", json_integer(storage_now_us()));
  const gboolean appended = sealed && ledger_append(vault->db, sealed, &place->index, &hash, &why);
  json_decref(sealed);
  if (appended)
    sodium_bin2hex(place->hash, sizeof place->hash, hash.bytes, sizeof hash.bytes);
  else
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_STORAGE, "%s", why->message);
  return appended;
}

/* A closing of the gate whose opening the store refused. */
static gboolean closes_nothing(Vault *vault, const json_t *leaf, gboolean *nothing, GError **error) {
  gint64 told = 1;
  if (strcmp(json_string_value(json_object_get(leaf, "type")), "gate_close") == 0 &&
      !store_number(vault->db, 0, &told, error, "SELECT 1 FROM takes WHERE session = ? AND take = ?", "si",
                    json_string_value(json_object_get(leaf, "session")), (gint64)json_integer_value(json_object_get(leaf, "take"))))
    return FALSE;
  *nothing = told == 0;
  return TRUE;
}

gboolean state_append(Vault *vault, const json_t *leaf, LeafPlace *place, GError **error) {
  gboolean nothing = FALSE;
  if (!closes_nothing(vault, leaf, &nothing, error) || nothing)
    return nothing;
  if (!append_sealed(vault, leaf, place, error))
    return FALSE;
  const LeafView view = {.leaf = leaf,
                         .session = json_string_value(json_object_get(leaf, "session")),
                         .participant = json_string_value(json_object_get(leaf, "participant")),
                         .reason = json_string_value(json_object_get(leaf, "reason")),
                         .by = json_string_value(json_object_get(leaf, "by")),
                         .at = json_integer_value(json_object_get(leaf, "at")),
                         .request = json_integer_value(json_object_get(leaf, "request")),
                         .take = json_integer_value(json_object_get(leaf, "take"))};
  if (!view.session)
    return TRUE;
  if (!touch_session(vault->db, &view, error))
    return FALSE;
  const char *type = json_string_value(json_object_get(leaf, "type"));
  for (guint i = 0; i < G_N_ELEMENTS(followers); i++)
    if (strcmp(followers[i].type, type) == 0 && !followers[i].follow(vault->db, &view, error))
      return FALSE;
  if (strcmp(type, "gate_open") == 0)
    return retention_take_opened(vault, view.session, view.request, error);
  return strcmp(type, "gate_close") != 0 || retention_take_closed(vault, view.session, view.take, view.at, error);
}
