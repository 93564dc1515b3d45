/* SPDX-License-Identifier: Apache-2.0 */
/* The pair of sockets: whose it is, what passes, and what is answered in Janus's place. */
#include "signaling/janus.h"

#include <string.h>

#include "signaling/admission.h"
#include "signaling/janus-message.h"
#include "signaling/janus-refusal.h"
#include "signaling/janus-rooms.h"
#include "signaling/report-transfer.h"

#define PROTOCOL "janus-protocol"
/* As PROTOCOL.md has it for join: whoever only connects is not kept. */
#define TOKEN_WITHIN_MS 5000

gboolean janus_start(Daemon *daemon, GError **error) {
  const Config *config = daemon->config;
  if (config->sfu_janus_token_file != NULL && (daemon->janus_token = report_secret(config->sfu_janus_token_file, 1, error)) == NULL)
    return FALSE;
  return config->sfu_janus_secret_file == NULL || (daemon->janus_secret = report_secret(config->sfu_janus_secret_file, 1, error)) != NULL;
}

static void refuse(Janus *janus, const json_t *about, const GError *why) {
  socket_send(janus->socket, janus_error_json(about, why->code, why->message));
}

static gboolean fail(GError **error, JanusError code, const char *text) {
  g_set_error_literal(error, JANUS_ERROR, (int)code, text);
  return FALSE;
}

static gboolean fail_taken(GError **error, JanusError code, char *text) {
  fail(error, code, text);
  g_free(text);
  return FALSE;
}

/* --- what belongs to this connection --- */

static JanusHandle *find_handle(const Janus *janus, guint64 id) {
  const gint64 key = (gint64)id;
  return g_hash_table_lookup(janus->handles, &key);
}

static gboolean has_session(const Janus *janus, guint64 id) {
  const gint64 key = (gint64)id;
  return g_hash_table_contains(janus->sessions, &key);
}

static void forget_handle(Janus *janus, guint64 id) {
  const gint64 key = (gint64)id;
  g_hash_table_remove(janus->handles, &key);
}

static gboolean is_of_session(gpointer key, gpointer value, gpointer session) {
  (void)key;
  return ((const JanusHandle *)value)->session == *(gint64 *)session;
}

static void forget_session(Janus *janus, guint64 id) {
  gint64 key = (gint64)id;
  g_hash_table_foreach_remove(janus->handles, is_of_session, &key);
  g_hash_table_remove(janus->sessions, &key);
}

/* Janus has made what was asked for. */
static void learn(Janus *janus, const JanusReply *reply) {
  const char *plugin = reply->transaction != NULL ? g_hash_table_lookup(janus->asked, reply->transaction) : NULL;
  const gint64 id = (gint64)reply->id;
  if (plugin == NULL)
    return;
  if (id > 0 && *plugin == '\0' && g_hash_table_size(janus->sessions) < JANUS_SESSIONS_MAX)
    g_hash_table_add(janus->sessions, g_memdup2(&id, sizeof id));
  else if (id > 0 && *plugin != '\0' && g_hash_table_size(janus->handles) < JANUS_HANDLES_MAX && has_session(janus, reply->session)) {
    JanusHandle *handle = janus_handle_new(janus, id, (gint64)reply->session, plugin);
    g_hash_table_replace(janus->handles, &handle->id, handle);
  }
  g_hash_table_remove(janus->asked, reply->transaction);
}

/* --- from Janus --- */

static void pass_down(Janus *janus, json_t *message, const JanusReply *reply) {
  JanusHandle *handle = find_handle(janus, reply->handle);
  g_autoptr(GError) error = NULL;
  if (handle != NULL)
    janus_rooms_reply(handle, reply->transaction, message);
  if (reply->jsep != NULL && handle == NULL)
    g_set_error_literal(&error, JANUS_ERROR, JANUS_ERROR_HANDLE, "Janus described a PeerConnection of a handle that is no more.");
  if (reply->jsep != NULL && (handle == NULL || !janus_handle_describe(handle, CALL_B, reply->jsep, &error))) {
    g_message("event=janus_description_refused session=%s participant=%s", janus->session, janus->participant);
    refuse(janus, message, error);
    return;
  }
  socket_send(janus->socket, json_incref(message));
}

static void on_reply(json_t *message, gpointer user) {
  Janus *janus = user;
  const JanusReply reply = janus_reply_read(message);
  JanusHandle *handle = find_handle(janus, reply.handle);
  switch (reply.type) {
  case JANUS_REPLY_SUCCESS:
    learn(janus, &reply);
    break;
  case JANUS_REPLY_ERROR:
    if (reply.transaction != NULL)
      g_hash_table_remove(janus->asked, reply.transaction);
    break;
  case JANUS_REPLY_HANGUP:
    if (handle != NULL)
      janus_handle_hangup(handle);
    break;
  case JANUS_REPLY_DETACHED:
    forget_handle(janus, reply.handle);
    break;
  case JANUS_REPLY_TIMEOUT:
    forget_session(janus, reply.session);
    break;
  case JANUS_REPLY_TRICKLE: /* where Janus is: the client is to reach the gate only */
    return;
  case JANUS_REPLY_OTHER:
    break;
  }
  pass_down(janus, message, &reply);
}

static void on_upstream_closed(gboolean was_open, const char *why, gpointer user) {
  Janus *janus = user;
  janus->upstream = NULL;
  g_message("event=janus_gone session=%s participant=%s was_open=%d why=\"%s\"", janus->session, janus->participant, was_open, why);
  g_autofree char *reason = g_strdup_printf("The gate does not reach Janus: %s.", why);
  GHashTableIter iter;
  gpointer transaction;
  g_hash_table_iter_init(&iter, janus->asked);
  while (g_hash_table_iter_next(&iter, &transaction, NULL)) {
    json_auto_t *about = json_pack("{s:s}", "transaction", transaction);
    socket_send(janus->socket, janus_error_json(about, JANUS_ERROR_UNREACHABLE, reason));
  }
  g_hash_table_remove_all(janus->handles);
  socket_close(janus->socket, was_open ? 1001 : 1013, was_open ? "janus_gone" : "janus_unreachable");
}

/* --- from the client --- */

/* The first token says whose connection this is; later ones are not looked at. */
static gboolean admitted(Janus *janus, const JanusRequest *request, GError **error) {
  static const UpstreamEvents events = {on_reply, on_upstream_closed};
  Token token;
  g_autofree char *why = NULL;
  if (janus->upstream != NULL)
    return TRUE;
  const char *jwt = request->token != NULL ? request->token : socket_token(janus->socket);
  const char *code = admission_refusal(janus->daemon, jwt, &token, &why);
  if (code != NULL)
    return fail_taken(
        error, JANUS_ERROR_UNAUTHORIZED,
        g_strdup_printf("%s (%s). This is recgate in front of Janus: give your recgate token as your Janus client's token, or in "
                        "the address (/janus?token=…).",
                        code, why));
  g_clear_handle_id(&janus->token_timer, g_source_remove);
  g_strlcpy(janus->session, token.session, sizeof janus->session);
  g_strlcpy(janus->participant, token.participant, sizeof janus->participant);
  (void)janus_member(janus, NULL); /* who is in the session already: this connection belongs to that stay of theirs */
  g_message("event=janus_opened session=%s participant=%s", janus->session, janus->participant);
  janus->upstream = upstream_open(janus->daemon->server, janus->daemon->config->sfu_janus, PROTOCOL, &events, janus);
  return TRUE;
}

static gboolean may_attach(const Janus *janus, const JanusRequest *request, GError **error) {
  char *refusal = janus_refuse_plugin(request->plugin);
  if (refusal != NULL)
    return fail_taken(error, JANUS_ERROR_PLUGIN, refusal);
  if (g_hash_table_size(janus->handles) + g_hash_table_size(janus->asked) >= JANUS_HANDLES_MAX)
    return fail(error, JANUS_ERROR_LIMIT, "There are as many handles as one connection may have.");
  return TRUE;
}

static gboolean may_pass_message(JanusHandle *handle, const JanusRequest *request, GError **error) {
  char *refusal = janus_refuse_body(handle->plugin, request->body);
  if (refusal != NULL) {
    g_message("event=recording_elsewhere_refused session=%s participant=%s", handle->janus->session, handle->janus->participant);
    return fail_taken(error, JANUS_ERROR_UNAUTHORIZED, refusal);
  }
  return request->jsep == NULL || janus_handle_describe(handle, CALL_A, request->jsep, error);
}

static gboolean may_pass(Janus *janus, const JanusRequest *request, GError **error) {
  if (request->verb == JANUS_VERB_CREATE)
    return g_hash_table_size(janus->sessions) + g_hash_table_size(janus->asked) < JANUS_SESSIONS_MAX ||
           fail(error, JANUS_ERROR_LIMIT, "There are as many Janus sessions as one connection may have.");
  if (request->verb == JANUS_VERB_OTHER && request->session == 0)
    return TRUE;
  if (!has_session(janus, request->session))
    return fail(error, JANUS_ERROR_SESSION, "No such session was created on this connection.");
  if (request->verb == JANUS_VERB_OTHER || request->verb == JANUS_VERB_DESTROY)
    return TRUE;
  if (request->verb == JANUS_VERB_ATTACH)
    return may_attach(janus, request, error);
  JanusHandle *handle = find_handle(janus, request->handle);
  if (handle == NULL || handle->session != (gint64)request->session)
    return fail(error, JANUS_ERROR_HANDLE, "No such handle was attached on this connection.");
  return request->verb != JANUS_VERB_MESSAGE || may_pass_message(handle, request, error);
}

/* What a request that passes changes here. */
static void note(Janus *janus, json_t *message, const JanusRequest *request) {
  JanusHandle *handle = find_handle(janus, request->handle);
  switch (request->verb) {
  case JANUS_VERB_CREATE:
  case JANUS_VERB_ATTACH:
    g_hash_table_replace(janus->asked, g_strdup(request->transaction), g_strdup(request->plugin != NULL ? request->plugin : ""));
    break;
  case JANUS_VERB_DESTROY:
    forget_session(janus, request->session);
    break;
  case JANUS_VERB_DETACH:
    forget_handle(janus, request->handle);
    break;
  case JANUS_VERB_HANGUP:
    janus_handle_hangup(handle);
    break;
  case JANUS_VERB_TRICKLE:
    janus_trickle_empty(message);
    break;
  case JANUS_VERB_MESSAGE:
    janus_rooms_request(handle, request->transaction, request->body);
    break;
  case JANUS_VERB_OTHER:
  case JANUS_VERB_NONE:
    break;
  }
}

static void on_message(Socket *socket, json_t *message, gint64 received_us, gpointer daemon) {
  (void)received_us;
  Janus *janus = socket_data(socket);
  JanusRequest request;
  g_autoptr(GError) error = NULL;
  if (!janus_request_read(message, &request, &error) || !admitted(janus, &request, &error) || !may_pass(janus, &request, &error)) {
    refuse(janus, message, error);
    if (g_error_matches(error, JANUS_ERROR, JANUS_ERROR_UNAUTHORIZED) && janus->upstream == NULL)
      socket_close(socket, 1008, "bad_token"); /* each is on the ledger: one a connection */
    return;
  }
  note(janus, message, &request);
  janus_request_set_secrets(message, ((Daemon *)daemon)->janus_token, ((Daemon *)daemon)->janus_secret);
  upstream_send(janus->upstream, json_incref(message));
}

/* --- the socket --- */

static gboolean on_no_token(gpointer data) {
  Janus *janus = data;
  janus->token_timer = 0;
  socket_close(janus->socket, 1008, "token_timeout");
  return G_SOURCE_REMOVE;
}

static void on_opened(Socket *socket, gpointer daemon) {
  Janus *janus = g_new0(Janus, 1);
  janus->daemon = daemon;
  janus->socket = socket;
  janus->sessions = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  janus->handles = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, janus_handle_free);
  janus->asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  janus->token_timer = g_timeout_add(TOKEN_WITHIN_MS, on_no_token, janus);
  socket_set_data(socket, janus);
}

static void on_closed(Socket *socket, gpointer daemon) {
  (void)daemon;
  Janus *janus = socket_data(socket);
  g_clear_handle_id(&janus->token_timer, g_source_remove);
  upstream_free(g_steal_pointer(&janus->upstream)); /* Janus ends its sessions with it */
  g_hash_table_unref(janus->handles);
  g_hash_table_unref(janus->sessions);
  g_hash_table_unref(janus->asked);
  g_free(janus);
}

static void on_refused(Socket *socket, const json_t *message, const char *code, const char *text) {
  const JanusError number = g_str_equal(code, "bad_json")   ? JANUS_ERROR_JSON
                            : g_str_equal(code, "too_many") ? JANUS_ERROR_LIMIT
                                                            : JANUS_ERROR_MISSING;
  socket_send(socket, janus_error_json(message, (int)number, text));
}

const ServerEndpoint janus_endpoint = {.path = "/janus",
                                       .protocol = PROTOCOL,
                                       .type = "janus",
                                       .id = "transaction",
                                       .rate_factor = 4, /* every candidate is a message */
                                       .opened = on_opened,
                                       .message = on_message,
                                       .closed = on_closed,
                                       .refuse = on_refused};
