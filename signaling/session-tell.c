/* SPDX-License-Identifier: Apache-2.0 */
/* What a session says to its people, and the leaves it puts on the ledger. */
#include "signaling/session.h"

#include <string.h>

void member_send(Member *member, json_t *message) {
  if (member->connection != NULL && member->greeted)
    socket_send(member->connection->socket, message);
  else
    json_decref(message);
}

void session_broadcast(Session *session, json_t *message, const Member *except) {
  for (guint i = 0; i < session->members->len; i++) {
    Member *member = session->members->pdata[i];
    if (member != except)
      member_send(member, json_incref(message));
  }
  json_decref(message);
}

static void set_request_id(json_t *object, guint64 number) {
  if (number > 0)
    json_object_set_new(object, "request", json_sprintf("%" G_GUINT64_FORMAT, number));
}

json_t *session_recording_json(Session *session, Member *to) {
  ConsentView view = consent_view(session->consent);
  g_autofree char *since = daemon_rfc3339(session->state_since_ms);
  json_t *message = json_pack("{s:s, s:s, s:s, s:s}", "type", "recording.state", "state", consent_state_text(view.state), "reason",
                              consent_reason_text(view.reason), "since", since);
  set_request_id(message, view.request);
  if (view.take > 0)
    json_object_set_new(message, "take", json_integer(view.take));
  const Member *by = session_person(session, view.person);
  if (by != NULL)
    json_object_set_new(message, "by", json_string(by->id));
  if (to != NULL)
    json_object_set_new(message, "n", json_integer((json_int_t)consent_next_number(session->consent, to->person, daemon_now_us())));
  return message;
}

json_t *session_participant_json(const Member *member) {
  return json_pack("{s:s, s:s, s:s}", "id", member->id, "name", member->name, "role", token_role_text(member->role));
}

/* Each message carries a fresh n: its echo confirms what was recorded before a change of state (R10). */
void session_tell_state(Session *session) {
  for (guint i = 0; i < session->members->len; i++) {
    Member *member = session->members->pdata[i];
    if (member->connection != NULL && member->greeted)
      member_send(member, session_recording_json(session, member));
  }
}

void session_tell_consents(Session *session) {
  ConsentView view = consent_view(session->consent);
  if (view.request == 0)
    return;
  json_t *lists[3] = {json_array(), json_array(), json_array()}; /* by ConsentAnswer: waiting, granted, declined */
  for (guint i = 0; i < session->members->len; i++) {
    const Member *member = session->members->pdata[i];
    ConsentPersonView person = consent_person_view(session->consent, member->person, daemon_now_us());
    ConsentAnswer answer = person.no_stands ? CONSENT_ANSWER_DECLINED : person.answer;
    if (person.on_roster || answer == CONSENT_ANSWER_DECLINED)
      json_array_append_new(lists[answer], json_string(member->id));
  }
  json_t *message = json_pack("{s:s, s:o, s:o, s:o}", "type", "consent.state", "waiting", lists[CONSENT_ANSWER_NONE], "granted",
                              lists[CONSENT_ANSWER_GRANTED], "declined", lists[CONSENT_ANSWER_DECLINED]);
  set_request_id(message, view.request);
  session_broadcast(session, message, NULL);
}

void session_ask(Session *session, Member *member, Request *request) {
  (void)session;
  json_t *message = json_pack("{s:s, s:s, s:s*, s:O, s:s, s:s}", "type", "consent.ask", "from",
                              request->asker != NULL ? request->asker->id : "", "from_name", request->asker_name, "disclosure",
                              request->disclosure, "disclosure_sha256", request->sha256, "message", request->letter);
  set_request_id(message, request->number);
  member_send(member, message);
}

/* One line an event for the operator. Ids and reasons only: their characters are checked or ours (fault 38). */
static void log_leaf(const Session *session, const char *type, const json_t *leaf) {
  const char *participant = json_string_value(json_object_get(leaf, "participant"));
  const char *reason = json_string_value(json_object_get(leaf, "reason"));
  const json_int_t take = json_integer_value(json_object_get(leaf, "take"));
  g_autoptr(GString) line = g_string_new(NULL);
  g_string_append_printf(line, "event=%s session=%s", type, session->id);
  if (participant != NULL)
    g_string_append_printf(line, " participant=%s", participant);
  if (take > 0)
    g_string_append_printf(line, " take=%" JSON_INTEGER_FORMAT, take);
  if (reason != NULL)
    g_string_append_printf(line, " reason=%s", reason);
  g_message("%s", line->str);
}

void session_leaf(Session *session, const char *type, json_t *leaf) {
  log_leaf(session, type, leaf);
  json_object_set_new(leaf, "type", json_string(type));
  vault_append(session->daemon->vault, session->id, leaf, NULL, NULL);
}
