/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and rewriting Janus's messages. */
#include "signaling/janus-message.h"

#include "signaling/json.h"

#include <string.h>

G_DEFINE_QUARK(recgate - janus - error, janus_error)

static guint64 number(const json_t *message, const char *name) {
  return (guint64)MAX(0, json_integer_value(json_object_get(message, name)));
}

/* Janus compares verbs without regard to case. */
static JanusVerb verb_of(const char *text) {
  static const struct {
    const char *text;
    JanusVerb verb;
  } verbs[] = {{"info", JANUS_VERB_OTHER},     {"ping", JANUS_VERB_OTHER},      {"keepalive", JANUS_VERB_OTHER},
               {"create", JANUS_VERB_CREATE},  {"destroy", JANUS_VERB_DESTROY}, {"attach", JANUS_VERB_ATTACH},
               {"detach", JANUS_VERB_DETACH},  {"hangup", JANUS_VERB_HANGUP},   {"trickle", JANUS_VERB_TRICKLE},
               {"message", JANUS_VERB_MESSAGE}};
  for (gsize i = 0; text && i < G_N_ELEMENTS(verbs); i++)
    if (g_ascii_strcasecmp(text, verbs[i].text) == 0)
      return verbs[i].verb;
  return JANUS_VERB_NONE;
}

gboolean janus_request_read(json_t *message, JanusRequest *request, GError **error) {
  const char *verb = json_text_member(message, "janus");
  JanusRequest read = {.verb = verb_of(verb),
                       .session = number(message, "session_id"),
                       .handle = number(message, "handle_id"),
                       .transaction = json_text_member(message, "transaction"),
                       .plugin = json_text_member(message, "plugin"),
                       .token = json_text_member(message, "token"),
                       .body = json_object_get(message, "body"),
                       .jsep = json_object_get(message, "jsep")};
  if (read.verb == JANUS_VERB_NONE && verb && g_ascii_strcasecmp(verb, "claim") == 0)
    g_set_error_literal(error, JANUS_ERROR, JANUS_ERROR_UNKNOWN_REQUEST,
                        "A Janus session ends with its connection to the gate and cannot be claimed: create a new one.");
  else if (read.verb == JANUS_VERB_NONE)
    g_set_error_literal(error, JANUS_ERROR, JANUS_ERROR_UNKNOWN_REQUEST, "The gate does not pass this request on.");
  else if (!read.transaction)
    g_set_error_literal(error, JANUS_ERROR, JANUS_ERROR_MISSING, "Missing mandatory element (transaction)");
  else if (strlen(read.transaction) > JANUS_TRANSACTION_BYTES_MAX)
    g_set_error_literal(error, JANUS_ERROR, JANUS_ERROR_MISSING, "A transaction has at most 64 bytes.");
  else if (read.jsep && (read.verb != JANUS_VERB_MESSAGE || !json_is_object(read.jsep)))
    g_set_error_literal(error, JANUS_ERROR, JANUS_ERROR_SDP, "A jsep is an object in a message.");
  else if (read.body && !json_is_object(read.body))
    g_set_error_literal(error, JANUS_ERROR, JANUS_ERROR_JSON, "A body is an object.");
  else {
    *request = read;
    return TRUE;
  }
  return FALSE;
}

void janus_request_set_secrets(json_t *message, const char *token, const char *api_secret) {
  json_object_del(message, "token");
  if (token)
    json_object_set_new(message, "token", json_string(token));
  if (api_secret)
    json_object_set_new(message, "apisecret", json_string(api_secret));
}

void janus_trickle_empty(json_t *message) {
  json_object_del(message, "candidates");
  json_object_set_new(message, "candidate", json_pack("{s:b}", "completed", TRUE));
}

static JanusReplyType reply_type_of(const char *text) {
  static const struct {
    const char *text;
    JanusReplyType type;
  } types[] = {{"success", JANUS_REPLY_SUCCESS},   {"error", JANUS_REPLY_ERROR},     {"hangup", JANUS_REPLY_HANGUP},
               {"detached", JANUS_REPLY_DETACHED}, {"timeout", JANUS_REPLY_TIMEOUT}, {"trickle", JANUS_REPLY_TRICKLE}};
  for (gsize i = 0; text && i < G_N_ELEMENTS(types); i++)
    if (strcmp(text, types[i].text) == 0)
      return types[i].type;
  return JANUS_REPLY_OTHER;
}

static gboolean is_answer(const char *text) {
  static const char *const answers[] = {"ack", "success", "error", "server_info", "pong"};
  for (gsize i = 0; text && i < G_N_ELEMENTS(answers); i++)
    if (strcmp(text, answers[i]) == 0)
      return TRUE;
  return FALSE;
}

JanusReply janus_reply_read(json_t *message) {
  const char *type = json_text_member(message, "janus");
  return (JanusReply){.type = reply_type_of(type),
                      .is_answer = is_answer(type),
                      .session = number(message, "session_id"),
                      .handle = number(message, "sender"),
                      .id = number(json_object_get(message, "data"), "id"),
                      .transaction = json_text_member(message, "transaction"),
                      .jsep = json_object_get(message, "jsep"),
                      .candidate = json_object_get(message, "candidate")};
}

const char *janus_reply_candidate(const JanusReply *reply) {
  return json_is_true(json_object_get(reply->candidate, "completed")) ? "" : json_text_member(reply->candidate, "candidate");
}

json_t *janus_error_json(const json_t *about, int code, const char *reason) {
  static const char *const kept[] = {"session_id", "sender", "transaction"};
  json_t *error = json_pack("{s:s, s:{s:i, s:s}}", "janus", "error", "error", "code", code, "reason", reason);
  for (gsize i = 0; i < G_N_ELEMENTS(kept); i++) {
    json_t *value = json_object_get(about, kept[i]);
    if (json_is_integer(value) || json_is_string(value))
      json_object_set(error, kept[i], value);
  }
  return error;
}
