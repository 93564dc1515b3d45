/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/api-withdraw.h"

#include "gate/vault/vault-reader.h"
#include "pipelines/transport/control.h"
#include "signaling/answer.h"
#include "signaling/api-export.h"
#include "signaling/disclosure.h"
#include "signaling/receipt.h"
#include "signaling/session.h"

typedef struct Withdrawing Withdrawing;
struct Withdrawing {
  Daemon *daemon;
  HttpRequest *request;
  ConsentScope scope;
  gboolean preview;
  gint64 received_us;
  char *session, *participant;
  guint64 number; /* of the request; 0: every one of the session */
  /* in the past: */
  guint waiting;                /* the leaf, the erase */
  gboolean leaf_again, refused; /* the erase will not come any more: the daemon ends */
  char *why;                    /* the ledger refused the leaf */
  json_t *proof, *exports;
  guint64 segments, bytes;
  gint64 erased_us;
  /* looked up: */
  json_t *found;   /* the session as the auditor's list shows it; NULL: not there, or: */
  gboolean unread; /* nobody could look */
  void (*looked_up)(Withdrawing *withdrawing);
};

static void withdrawing_free(Withdrawing *withdrawing) {
  json_decref(withdrawing->proof);
  json_decref(withdrawing->exports);
  json_decref(withdrawing->found);
  g_free(withdrawing->why);
  g_free(withdrawing->session);
  g_free(withdrawing->participant);
  g_free(withdrawing);
}

static void answer(json_t *result, gpointer user) {
  Withdrawing *withdrawing = user;
  http_respond_json(withdrawing->request, 200, result);
  withdrawing_free(withdrawing);
}

static void refuse(Withdrawing *withdrawing, guint status, const char *code, const char *text) {
  http_respond_error(withdrawing->request, status, code, text);
  withdrawing_free(withdrawing);
}

/* --- what the store knows of the session --- */

static void on_looked_up(gpointer data) {
  Withdrawing *withdrawing = data;
  withdrawing->daemon->listings--;
  withdrawing->looked_up(withdrawing);
}

static gpointer look_up_run(gpointer data) {
  Withdrawing *withdrawing = data;
  g_autoptr(GError) error = NULL;
  VaultReader *reader = vault_reader_open(withdrawing->daemon->config->data_dir, withdrawing->daemon->vault, &error);
  withdrawing->found = reader != NULL ? vault_reader_session(reader, withdrawing->session, &error) : NULL;
  withdrawing->unread = withdrawing->found == NULL && !g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND);
  vault_reader_free(reader); /* closed by now: control may end the vault after the answer */
  control_post(withdrawing->daemon->control, G_PRIORITY_DEFAULT, on_looked_up, withdrawing, NULL);
  return NULL;
}

static void look_up(Withdrawing *withdrawing, void (*looked_up)(Withdrawing *withdrawing)) {
  withdrawing->looked_up = looked_up;
  withdrawing->daemon->listings++;
  json_decref(withdrawing->found);
  withdrawing->found = NULL;
  g_thread_unref(g_thread_new("look-up", look_up_run, withdrawing));
}

static gboolean is_listed(const json_t *list, const char *name, const char *participant) {
  for (gsize i = 0; i < json_array_size(list); i++)
    if (g_strcmp0(json_string_value(json_object_get(json_array_get(list, i), name)), participant) == 0)
      return TRUE;
  return FALSE;
}

/* In the call, or asked, or invited to it: a written yes can be taken back too (R6). */
static gboolean was_there(const Withdrawing *withdrawing) {
  const json_t *found = withdrawing->found;
  return is_listed(json_object_get(found, "participants"), "id", withdrawing->participant) ||
         is_listed(json_object_get(found, "consents"), "participant", withdrawing->participant) ||
         is_listed(json_object_get(json_object_get(found, "plan"), "invited"), "id", withdrawing->participant);
}

/* Pages ask again until they know, but not after a word that nothing is there (R6). TRUE: it was refused. */
static gboolean refuse_absent(Withdrawing *withdrawing) {
  if (withdrawing->unread)
    refuse(withdrawing, 503, "storage", "The store does not answer: ask again.");
  else if (!was_there(withdrawing))
    refuse(withdrawing, 404, "unknown_participant", "This person was in no recorded session of that name.");
  else
    return FALSE;
  return TRUE;
}

/* The text that this withdrawal is about; NULL where it is of several, or of none. Borrowed. */
static const json_t *disclosure_of(const Withdrawing *withdrawing) {
  const json_t *list = json_object_get(withdrawing->found, "requests"), *found = NULL;
  for (gsize i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i);
    if (json_integer_value(json_object_get(one, "request")) == (json_int_t)withdrawing->number ||
        (withdrawing->number == 0 && json_array_size(list) == 1))
      found = json_object_get(one, "disclosure");
  }
  return json_is_object(found) ? found : NULL;
}

/* --- no session in memory: there is no gate to close, only what was kept to erase --- */

static void answer_past(Withdrawing *withdrawing) {
  json_auto_t *erased = json_pack("{s:I, s:I}", "segments", (json_int_t)withdrawing->segments, "bytes", (json_int_t)withdrawing->bytes);
  json_t *receipt = receipt_new(withdrawing->daemon->vault,
                                &(ReceiptFacts){.session = withdrawing->session,
                                                .participant = withdrawing->participant,
                                                .disclosure = disclosure_of(withdrawing),
                                                .erased = erased},
                                withdrawing->proof);
  json_t *result = json_pack("{s:s, s:o*, s:O, s:O, s:I, s:I}", "type", "consent.withdrawn", "receipt", receipt, "purged", erased,
                             "exports", withdrawing->exports, "gate_closed_us", (json_int_t)0, "erased_us",
                             (json_int_t)(withdrawing->erased_us - withdrawing->received_us));
  if (receipt == NULL)
    json_object_set_new(result, "receipt_error", json_string(withdrawing->why != NULL ? withdrawing->why : "There is no receipt."));
  answer(result, withdrawing);
}

static void append_leaf(Withdrawing *withdrawing);

static void settle_past(Withdrawing *withdrawing) {
  if (--withdrawing->waiting > 0)
    return;
  if (withdrawing->refused) { /* R13 */
    withdrawing->daemon->listings--;
    refuse(withdrawing, 503, "storage", "The erase is not durable yet: ask again.");
    return;
  }
  if (withdrawing->proof == NULL && !withdrawing->leaf_again) { /* by now the store takes writes again: the erase is durable */
    withdrawing->leaf_again = TRUE;
    append_leaf(withdrawing);
    return;
  }
  withdrawing->daemon->listings--;
  if (g_main_loop_is_running(withdrawing->daemon->loop))
    look_up(withdrawing, answer_past);
  else /* the vault is about to close: a receipt without the text is one too */
    answer_past(withdrawing);
}

static void on_past_leaf(const VaultReply *reply, gpointer user) {
  Withdrawing *withdrawing = user;
  withdrawing->proof = reply->proof != NULL ? json_incref(reply->proof) : NULL;
  g_free(withdrawing->why);
  withdrawing->why = reply->proof == NULL ? receipt_missing_text(reply->error) : NULL;
  settle_past(withdrawing);
}

static void append_leaf(Withdrawing *withdrawing) {
  json_t *leaf =
      json_pack("{s:s, s:s, s:I}", "type", "withdraw", "participant", withdrawing->participant, "request", (json_int_t)withdrawing->number);
  if (withdrawing->scope != CONSENT_SCOPE_UNSET)
    json_object_set_new(leaf, "scope", json_string(disclosure_scope_text(withdrawing->scope)));
  withdrawing->waiting++;
  vault_append_proven(withdrawing->daemon->vault, withdrawing->session, leaf, on_past_leaf, withdrawing);
}

static void on_past_erased(const VaultReply *reply, gpointer user) {
  Withdrawing *withdrawing = user;
  withdrawing->refused = reply->error != NULL && !g_error_matches(reply->error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND);
  withdrawing->segments = reply->segments;
  withdrawing->bytes = reply->bytes;
  withdrawing->exports = reply->exports != NULL ? json_incref(reply->exports) : json_array();
  withdrawing->erased_us = reply->error == NULL ? reply->done_us : daemon_now_us();
  settle_past(withdrawing);
}

static void erase_past(Withdrawing *withdrawing) {
  static const VaultScope SCOPES[] = {[CONSENT_SCOPE_UNSET] = VAULT_SCOPE_UNSET,
                                      [CONSENT_SCOPE_AFTER] = VAULT_SCOPE_AFTER,
                                      [CONSENT_SCOPE_PARTICIPANT] = VAULT_SCOPE_PARTICIPANT,
                                      [CONSENT_SCOPE_SESSION] = VAULT_SCOPE_SESSION};
  withdrawing->daemon->counters.withdrawals++;
  withdrawing->daemon->listings++; /* the daemon ends after its answer */
  g_message("event=withdrawn session=%s participant=%s past=1", withdrawing->session, withdrawing->participant);
  const VaultErase erase = {.session = withdrawing->session,
                            .request = withdrawing->number,
                            .scope = SCOPES[withdrawing->scope],
                            .participant = withdrawing->participant,
                            .theirs = TRUE,
                            .reason = "withdrawn"};
  api_export_cut(withdrawing->daemon, withdrawing->session);
  append_leaf(withdrawing);
  withdrawing->waiting++;
  vault_erase(withdrawing->daemon->vault, &erase, on_past_erased, withdrawing);
}

/* The session is in memory, but this person's part in it is older: the core learns of the no all the same, closes, and erases (R4, R11). */
static void withdraw_remembered(Session *session, gpointer user) {
  Withdrawing *withdrawing = user;
  Member *member = session != NULL ? session_member(session, withdrawing->participant) : NULL;
  if (session != NULL && member == NULL)
    member = session_member_new(session, withdrawing->participant);
  if (member == NULL) {
    erase_past(withdrawing);
    return;
  }
  session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_INVITE, .person = member->person});
  session_withdraw(session, member, withdrawing->number, withdrawing->scope, withdrawing->received_us, answer, withdrawing);
}

static void withdraw_past(Withdrawing *withdrawing) {
  Session *session = session_get(withdrawing->daemon, withdrawing->session, FALSE);
  if (session != NULL)
    session_when_ready(session, withdraw_remembered, withdrawing);
  else
    erase_past(withdrawing);
}

/* --- what would be erased, in the words of the disclosure --- */

static const json_t *own_consent(const Withdrawing *withdrawing, const json_t *number) {
  const json_t *list = json_object_get(withdrawing->found, "consents"), *own = NULL;
  for (gsize i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i);
    if (json_equal(json_object_get(one, "request"), (json_t *)number) &&
        g_strcmp0(json_string_value(json_object_get(one, "participant")), withdrawing->participant) == 0)
      own = one;
  }
  return own;
}

static gboolean contains(const json_t *ids, const char *id) {
  for (gsize i = 0; i < json_array_size(ids); i++)
    if (g_strcmp0(json_string_value(json_array_get(ids, i)), id) == 0)
      return TRUE;
  return FALSE;
}

/* As the vault finds them (VaultErase.theirs): what this person ever said yes to, naming media, or was there for. */
static gboolean is_theirs(const Withdrawing *withdrawing, const json_t *number) {
  const json_t *media = json_object_get(own_consent(withdrawing, number), "media");
  const json_t *takes = json_object_get(withdrawing->found, "takes");
  gboolean there = media != NULL && !json_is_null(media);
  for (gsize i = 0; !there && i < json_array_size(takes); i++) {
    const json_t *take = json_array_get(takes, i);
    there = json_equal(json_object_get(take, "request"), (json_t *)number) &&
            contains(json_object_get(take, "roster"), withdrawing->participant);
  }
  return there;
}

static json_t *erased_scope(const Withdrawing *withdrawing, const json_t *number) {
  const json_t *list = json_object_get(withdrawing->found, "purges");
  json_t *scope = json_null();
  for (gsize i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i), *word = json_object_get(one, "scope");
    const gboolean all = g_strcmp0(json_string_value(word), "session") == 0;
    const gboolean mine = g_strcmp0(json_string_value(json_object_get(one, "participant")), withdrawing->participant) == 0;
    if (json_equal(json_object_get(one, "request"), (json_t *)number) && (all || (mine && json_is_null(scope))))
      scope = (json_t *)word;
  }
  return json_incref(scope);
}

static void preview_answer(Withdrawing *withdrawing) {
  if (refuse_absent(withdrawing))
    return;
  json_t *recordings = json_array();
  const json_t *list = json_object_get(withdrawing->found, "requests");
  for (gsize i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i), *number = json_object_get(one, "request");
    if ((withdrawing->number != 0 && json_integer_value(number) != (json_int_t)withdrawing->number) || !is_theirs(withdrawing, number))
      continue;
    json_array_append_new(recordings, json_pack("{s:o, s:O, s:O, s:O, s:s*, s:o}", "request",
                                                json_sprintf("%lld", (long long)json_integer_value(number)), "at",
                                                json_object_get(one, "at"), "on_withdrawal", json_object_get(one, "on_withdrawal"),
                                                "disclosure", json_object_get(one, "disclosure"), "answer",
                                                json_string_value(json_object_get(own_consent(withdrawing, number), "answer")), "erased",
                                                erased_scope(withdrawing, number)));
  }
  answer(json_pack("{s:s, s:s, s:o}", "session", withdrawing->session, "participant", withdrawing->participant, "recordings", recordings),
         withdrawing);
}

/* --- who withdraws --- */

static gboolean withdraw_present(Withdrawing *withdrawing) {
  Session *session = session_get(withdrawing->daemon, withdrawing->session, FALSE);
  Member *member = session != NULL && session->consent != NULL ? session_member(session, withdrawing->participant) : NULL;
  if (member != NULL)
    session_withdraw(session, member, withdrawing->number, withdrawing->scope, withdrawing->received_us, answer, withdrawing);
  return member != NULL;
}

/* A token says who somebody is, not that they were recorded. */
static void withdraw_if_there(Withdrawing *withdrawing) {
  if (!refuse_absent(withdrawing) && !withdraw_present(withdrawing))
    withdraw_past(withdrawing);
}

static void on_key_found(const char *session, guint64 request, const char *participant, const GError *error, gpointer user) {
  Withdrawing *withdrawing = user;
  if (error != NULL) {
    refuse(withdrawing, 503, "storage", "The store does not answer: ask again.");
    return;
  }
  if (session == NULL) {
    refuse(withdrawing, 404, "unknown_key", "No consent belongs to this withdraw_key.");
    return;
  }
  withdrawing->session = g_strdup(session);
  withdrawing->participant = g_strdup(participant);
  withdrawing->number = request;
  if (withdrawing->preview)
    look_up(withdrawing, preview_answer);
  else if (!withdraw_present(withdrawing))
    withdraw_past(withdrawing);
}

static void by_token(Withdrawing *withdrawing, const Token *token) {
  withdrawing->session = g_strdup(token->session);
  withdrawing->participant = g_strdup(token->participant);
  withdrawing->number = answer_request_number(http_body(withdrawing->request));
  if (withdrawing->preview)
    look_up(withdrawing, preview_answer);
  else if (!withdraw_present(withdrawing))
    look_up(withdrawing, withdraw_if_there);
}

void api_withdraw(HttpRequest *request, Daemon *daemon, const Token *token, gboolean preview) {
  const json_t *body = http_body(request);
  const char *key = json_string_value(json_object_get(body, "withdraw_key"));
  const char *scope = json_string_value(json_object_get(body, "scope"));
  if (scope != NULL && disclosure_scope_parse(scope) == CONSENT_SCOPE_UNSET) {
    http_respond_error(request, 400, "bad_scope", "“scope” must be session, participant or after.");
    return;
  }
  if (token != NULL && (token->role == TOKEN_ROLE_AUDITOR || token->role == TOKEN_ROLE_SERVICE)) {
    http_respond_error(request, 403, "wrong_role", "Only a participant can withdraw their consent.");
    return;
  }
  Withdrawing *withdrawing = g_new0(Withdrawing, 1);
  *withdrawing = (Withdrawing){
      .daemon = daemon, .request = request, .scope = disclosure_scope_parse(scope), .preview = preview, .received_us = daemon_now_us()};
  if (token != NULL) {
    by_token(withdrawing, token);
    return;
  }
  guint8 hash[32];
  receipt_withdraw_key_hash(key, hash);
  vault_withdraw_key_find(daemon->vault, hash, on_key_found, withdrawing);
}
