/* SPDX-License-Identifier: Apache-2.0 */
/* GET and POST /v1/consent: the letter by personal link, and its answer in writing (R3-R6, R24). */
#include <string.h>

#include "signaling/answer.h"
#include "signaling/api-plan.h"
#include "signaling/receipt.h"
#include "signaling/session-plan.h"
#include "signaling/session-unrecorded.h"

typedef struct Letter { /* one request about one person's letter */
  Daemon *daemon;
  HttpRequest *request;
  Token token;
  gint64 received_us;
  Session *session;
  Invited *invited;
  /* an answer on its way to the ledger */
  const char *event;
  json_t *leaf;
  char *withdraw_key;
  guint8 withdraw_key_hash[32];
  gboolean told; /* that the ledger refused it; the request is answered then */
} Letter;

static void letter_free(Letter *letter) {
  session_release(letter->session);
  json_decref(letter->leaf);
  g_free(letter->withdraw_key);
  g_free(letter);
}

static void finish(Letter *letter, guint status, const char *code, const char *text) {
  http_respond_error(letter->request, status, code, text);
  letter_free(letter);
}

static void finish_json(Letter *letter, json_t *answer) {
  http_respond_json(letter->request, 200, answer);
  letter_free(letter);
}

static void refuse(Letter *letter, ConsentResult result) {
  finish(letter, result == CONSENT_CANNOT_CONSENT ? 403 : 409, consent_result_text(result), answer_refusal_text(result));
}

static ConsentPersonView view_of(const Letter *letter) {
  const Member *member = session_member(letter->session, letter->invited->id); /* also of somebody whose no alone was remembered */
  return member != NULL ? consent_person_view(letter->session->consent, member->person, daemon_now_us()) : (ConsentPersonView){0};
}

/* "no" is a decline or a withdrawal: both are final for the session (R4). */
static const char *answer_word(const Letter *letter) {
  const ConsentPersonView view = view_of(letter);
  if (view.no_stands)
    return "no";
  return (session_plan_asks(letter->session) ? view.answer == CONSENT_ANSWER_GRANTED : letter->invited->granted) ? "granted" : "none";
}

/* --- reading the letter --- */

static void show(Letter *letter) {
  static const char *const MEDIA[] = {"none", "audio", "video", "all"};
  const Session *session = letter->session;
  const Plan *plan = session->plan;
  const ConsentPersonView view = view_of(letter);
  g_autofree char *starts = daemon_rfc3339(plan->starts_ms), *ends = daemon_rfc3339(plan->ends_ms);
  g_autofree char *opens = daemon_rfc3339(session_plan_opens_ms(session)), *closes = daemon_rfc3339(session_plan_closes_ms(session));
  json_t *answer =
      json_pack("{s:s, s:{s:s, s:s, s:s}, s:s, s:s, s:s, s:s, s:o, s:O, s:s, s:s, s:s, s:s}", "session", session->id, "participant", "id",
                letter->invited->id, "name", letter->invited->name, "role", token_role_text(letter->invited->role), "starts", starts,
                "ends", ends, "opens", opens, "closes", closes, "request", json_sprintf("%" G_GUINT64_FORMAT, plan->request->number),
                "disclosure", plan->request->disclosure, "disclosure_sha256", plan->request->sha256, "message", plan->request->letter,
                "state", session_plan_asks(session) ? "open" : "over", "answer", answer_word(letter));
  if (view.answer == CONSENT_ANSWER_GRANTED)
    json_object_set_new(answer, "media", json_string(MEDIA[view.media]));
  if (letter->invited->member != NULL && session_is_unrecorded(session, letter->invited->member))
    json_object_set_new(answer, "unwritten", json_true());
  if (letter->invited->late != NULL)
    json_object_set(answer, "recorded", letter->invited->late);
  finish_json(letter, answer);
}

/* --- answering it --- */

static void write_leaf(gpointer user);

static void letter_forget(gpointer user) {
  letter_free(user);
}

static json_t *recorded_json(const Letter *letter, const json_t *proof) {
  g_autofree char *key_hash = letter->withdraw_key != NULL ? receipt_hex(letter->withdraw_key_hash) : NULL;
  const ReceiptFacts facts = {.session = letter->session->id,
                              .participant = letter->invited->id,
                              .disclosure = letter->session->plan->request->disclosure,
                              .withdraw_key_sha256 = key_hash};
  json_t *receipt = receipt_new(letter->daemon->vault, &facts, proof);
  return receipt != NULL
             ? json_pack("{s:s, s:o, s:s*}", "type", "consent.recorded", "receipt", receipt, "withdraw_key", letter->withdraw_key)
             : NULL;
}

static void tell_unwritten(Letter *letter, const GError *why) {
  g_autofree char *missing = receipt_missing_text(why);
  g_autofree char *text = g_strconcat(
      missing, " Nothing is recorded until it can be written: that is tried again by itself, and then your letter has it.", NULL);
  http_respond_error(letter->request, 503, "no_receipt", text);
  letter->told = TRUE;
}

/* R7, R21: an answer that the ledger lacks keeps the gate closed until it stands there; the letter is where its receipt is looked for then (R24). */
static void on_kept(const VaultReply *reply, gpointer user) {
  Letter *letter = user;
  json_t *recorded = recorded_json(letter, reply->proof);
  if (recorded == NULL) {
    if (!letter->told)
      tell_unwritten(letter, reply->error);
    session_unrecorded(letter->session, letter->invited->member, write_leaf, letter_forget, letter);
    return;
  }
  session_unrecorded_done(letter->session, letter);
  if (!letter->told) {
    finish_json(letter, recorded);
    return;
  }
  json_decref(letter->invited->late);
  letter->invited->late = recorded;
  letter_free(letter);
}

static void write_leaf(gpointer user) {
  Letter *letter = user;
  vault_append_proven(letter->daemon->vault, letter->session->id, json_deep_copy(letter->leaf), on_kept, letter);
}

/* The core has accepted it: on the ledger before anything that follows from it. */
static void keep(gpointer user) {
  Letter *letter = user;
  session_unrecorded_forget(letter->session, letter->invited->member);
  g_clear_pointer(&letter->invited->late, json_decref);
  g_message("event=%s session=%s participant=%s written=yes", letter->event, letter->session->id, letter->invited->id);
  letter->invited->granted = letter->withdraw_key != NULL;
  write_leaf(letter);
}

static void hand_in(Letter *letter, const ConsentEvent *event) {
  ConsentResult result = session_event_then(letter->session, event, keep, letter);
  if (result != CONSENT_OK)
    refuse(letter, result);
}

static void grant(Letter *letter, ConsentEvent event) {
  static const char *const MEDIA[] = {"none", "audio", "video", "all"};
  const json_t *body = http_body(letter->request);
  const char *sha256 = json_string_value(json_object_get(body, "disclosure_sha256"));
  if (!answer_parse_media(json_object_get(body, "media"), &event.media)) {
    finish(letter, 400, "bad_media", "“media” must list audio, video, or both.");
    return;
  }
  if (!answer_parse_sha256(sha256, event.sha256)) {
    finish(letter, 400, "bad_request", "“disclosure_sha256” must be the 64 hexadecimal digits of the text that is agreed to (R3).");
    return;
  }
  if (daemon_wall_ms() > session_plan_closes_ms(letter->session)) {
    finish(letter, 409, "too_late", "The session is over: there is nothing to agree to any more.");
    return;
  }
  /* R4: the token that is shown with the answer says whether this person can consent. */
  session_event(letter->session,
                &(ConsentEvent){.type = CONSENT_EVENT_INVITE, .person = event.person, .cannot_consent = letter->token.cannot_consent});
  event.type = CONSENT_EVENT_GRANT;
  letter->event = "granted";
  letter->withdraw_key = receipt_withdraw_key_new(letter->withdraw_key_hash);
  letter->leaf = json_pack("{s:s, s:s, s:I, s:s, s:s, s:b}", "type", "grant", "participant", letter->invited->id, "request",
                           (json_int_t)event.request, "media", MEDIA[event.media], "disclosure_sha256", sha256, "written", TRUE);
  g_autofree char *key_hash = receipt_hex(letter->withdraw_key_hash);
  json_object_set_new(letter->leaf, "withdraw_key_sha256", json_string(key_hash));
  letter->daemon->counters.grants++;
  hand_in(letter, &event);
}

static void on_withdrawn(json_t *result, gpointer user) {
  finish_json(user, result);
}

/* After one's own yes a no is a withdrawal, acknowledged when it is durable (R4, R13). */
static void decline(Letter *letter, ConsentEvent event) {
  if (view_of(letter).answer == CONSENT_ANSWER_GRANTED || letter->invited->granted) {
    letter->invited->granted = FALSE;
    session_withdraw(letter->session, letter->invited->member, event.request, CONSENT_SCOPE_UNSET, letter->received_us, on_withdrawn,
                     letter);
    return;
  }
  event.type = CONSENT_EVENT_DECLINE;
  letter->event = "declined";
  letter->leaf = json_pack("{s:s, s:s, s:I, s:s, s:b}", "type", "decline", "participant", letter->invited->id, "request",
                           (json_int_t)event.request, "disclosure_sha256", letter->session->plan->request->sha256, "written", TRUE);
  letter->daemon->counters.declines++;
  hand_in(letter, &event);
}

static void answer(Letter *letter) {
  const json_t *body = http_body(letter->request), *number = json_object_get(body, "request");
  const char *decision = json_string_value(json_object_get(body, "decision"));
  if (!json_is_string(number) || (g_strcmp0(decision, "grant") != 0 && g_strcmp0(decision, "decline") != 0)) {
    finish(letter, 400, "bad_request",
           json_is_string(number) ? "“decision” must be grant or decline." : "“request” must be the number of the request, a string.");
    return;
  }
  if (letter->invited->member == NULL) { /* it was over when this process remembered it */
    refuse(letter, CONSENT_REQUEST_ENDED);
    return;
  }
  const ConsentEvent event = {.person = letter->invited->member->person, .request = g_ascii_strtoull(json_string_value(number), NULL, 10)};
  if (g_str_equal(decision, "grant"))
    grant(letter, event);
  else
    decline(letter, event);
}

/* --- whose letter it is --- */

static void on_ready(Session *session, gpointer user) {
  Letter *letter = user;
  if (session == NULL) {
    finish(letter, 503, "storage", "The store does not answer: try again later.");
    return;
  }
  letter->session = session_hold(session);
  letter->invited = session_plan_invited(session, letter->token.participant);
  if (session->plan == NULL)
    finish(letter, 404, "no_request", "Nobody has asked in writing about this session.");
  else if (letter->invited == NULL)
    finish(letter, 403, "not_invited", "You are not among the people who were invited to this session.");
  else if (g_str_equal(http_method(letter->request), "POST"))
    answer(letter);
  else
    show(letter);
}

void api_consent(HttpRequest *request, Daemon *daemon, const Token *token) {
  if (token->role == TOKEN_ROLE_AUDITOR || token->role == TOKEN_ROLE_SERVICE) {
    http_respond_error(request, 403, "wrong_role", "Only a participant reads and answers their own letter.");
    return;
  }
  Session *session = session_get(daemon, token->session, TRUE);
  if (session == NULL) {
    http_respond_error(request, 503, "too_many_sessions",
                       "This gate serves as many sessions as it may ([limits] sessions_max): try again later.");
    return;
  }
  if (session->idle_since_us > 0) /* in use */
    session->idle_since_us = daemon_now_us();
  Letter *letter = g_new0(Letter, 1);
  *letter = (Letter){.daemon = daemon, .request = request, .token = *token, .received_us = daemon_now_us()};
  session_when_ready(session, on_ready, letter);
}
