/* SPDX-License-Identifier: Apache-2.0 */
/* What passes between a client and Janus, and what is answered in Janus's place. */
#include "signaling/janus.h"

#include <sodium.h>
#include <string.h>

#include "signaling/admission.h"
#include "signaling/janus-refusal.h"
#include "signaling/janus-rooms.h"
#include "signaling/report-transfer.h"

#define PROTOCOL               "janus-protocol"
#define KEEP_ALIVE_TRANSACTION "recgate-alive"
#define OVER_TRANSACTION       "recgate-over"
#define ASKED_RANDOM_BYTES     16

gboolean janus_start(Daemon *daemon, GError **error) {
  const Config *config = daemon->config;
  if (config->sfu_janus_token_file != NULL && (daemon->janus_token = report_secret(config->sfu_janus_token_file, 1, error)) == NULL)
    return FALSE;
  return config->sfu_janus_secret_file == NULL || (daemon->janus_secret = report_secret(config->sfu_janus_secret_file, 1, error)) != NULL;
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

/* --- what belongs to this client --- */

static JanusHandle *find_handle(const Janus *janus, guint64 id) {
  const gint64 key = (gint64)id;
  return g_hash_table_lookup(janus->handles, &key);
}

gboolean janus_has_session(const Janus *janus, guint64 id) {
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

/* --- what was asked to be made --- */

typedef struct Asked {
  char *plugin; /* to attach; "" for a session */
  char *transaction;
} Asked;

static void asked_free(gpointer data) {
  Asked *asked = data;
  g_free(asked->plugin);
  g_free(asked->transaction);
  g_free(asked);
}

/* Under a transaction of the gate's, once and unguessable, because a client may give several requests the same one: whichever was answered first would say
 * what a handle is, and so what is refused to it (R7). New reference. */
static json_t *ask_to_make(Janus *janus, const json_t *message, const JanusRequest *request) {
  guint8 random[ASKED_RANDOM_BYTES];
  char own[2 * ASKED_RANDOM_BYTES + 1];
  randombytes_buf(random, sizeof random);
  sodium_bin2hex(own, sizeof own, random, sizeof random);
  Asked *asked = g_new(Asked, 1);
  *asked = (Asked){g_strdup(request->plugin != NULL ? request->plugin : ""), g_strdup(request->transaction)};
  g_hash_table_insert(janus->asked, g_strdup(own), asked);
  json_t *copy = json_copy((json_t *)message);
  json_object_set_new(copy, "transaction", json_string(own));
  return copy;
}

/* Janus has made what was asked for. */
static void learn(Janus *janus, const JanusReply *reply, const char *plugin) {
  const gint64 id = (gint64)reply->id;
  if (id > 0 && *plugin == '\0' && g_hash_table_size(janus->sessions) < JANUS_SESSIONS_MAX)
    g_hash_table_add(janus->sessions, g_memdup2(&id, sizeof id));
  else if (id > 0 && *plugin != '\0' && g_hash_table_size(janus->handles) < JANUS_HANDLES_MAX && janus_has_session(janus, reply->session)) {
    JanusHandle *handle = janus_handle_new(janus, id, (gint64)reply->session, plugin);
    g_hash_table_replace(janus->handles, &handle->id, handle);
  }
}

/* An answer to what was asked to be made goes on with the client's own transaction. */
static void answer_asked(Janus *janus, json_t *message, JanusReply *reply) {
  const Asked *asked = reply->transaction != NULL ? g_hash_table_lookup(janus->asked, reply->transaction) : NULL;
  if (asked == NULL)
    return;
  g_autofree char *own = g_strdup(reply->transaction);
  if (reply->type == JANUS_REPLY_SUCCESS)
    learn(janus, reply, asked->plugin);
  json_object_set_new(message, "transaction", json_string(asked->transaction));
  *reply = janus_reply_read(message);
  g_hash_table_remove(janus->asked, own);
}

static void forget_waiting(Janus *janus) {
  g_clear_handle_id(&janus->waking, g_source_remove);
  while (!g_queue_is_empty(&janus->waiting))
    json_decref(g_queue_pop_head(&janus->waiting));
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
    janus->client->event(janus->user, janus_error_json(message, error->code, error->message));
  } else if (reply->is_answer)
    janus->client->answer(janus->user, json_incref(message));
  else
    janus->client->event(janus->user, json_incref(message));
}

/* To the gate's own hanging up or detaching: nobody's. A client that uses the gate's word still has its events looked at. */
static gboolean is_own_answer(const JanusReply *reply) {
  return (reply->type == JANUS_REPLY_SUCCESS || reply->type == JANUS_REPLY_ERROR) && g_strcmp0(reply->transaction, OVER_TRANSACTION) == 0;
}

static void on_reply(json_t *message, gpointer user) {
  Janus *janus = user;
  JanusReply reply = janus_reply_read(message);
  JanusHandle *handle = find_handle(janus, reply.handle);
  if (is_own_answer(&reply))
    return;
  answer_asked(janus, message, &reply);
  switch (reply.type) {
  case JANUS_REPLY_HANGUP:
    if (handle != NULL)
      janus_handle_hung_up(handle);
    break;
  case JANUS_REPLY_DETACHED:
    forget_handle(janus, reply.handle);
    break;
  case JANUS_REPLY_TIMEOUT:
    forget_session(janus, reply.session);
    break;
  case JANUS_REPLY_TRICKLE: /* where Janus is: for the gate, where it checks itself; the client is to reach the gate only */
    if (handle != NULL)
      janus_handle_trickle(handle, janus_reply_candidate(&reply));
    return;
  case JANUS_REPLY_SUCCESS:
  case JANUS_REPLY_ERROR:
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
  gpointer asked;
  g_hash_table_iter_init(&iter, janus->asked);
  while (g_hash_table_iter_next(&iter, NULL, &asked)) {
    json_auto_t *about = json_pack("{s:s}", "transaction", ((const Asked *)asked)->transaction);
    janus->client->answer(janus->user, janus_error_json(about, JANUS_ERROR_UNREACHABLE, reason));
  }
  forget_waiting(janus);
  g_hash_table_remove_all(janus->asked);
  g_hash_table_remove_all(janus->handles);
  g_hash_table_remove_all(janus->sessions);
  janus->client->gone(janus->user, was_open, reason);
}

/* --- from the client --- */

gboolean janus_admit(Daemon *daemon, const char *jwt, Token *token, GError **error) {
  g_autofree char *why = NULL;
  const char *code = admission_refusal(daemon, jwt, token, &why);
  return code == NULL ||
         fail_taken(
             error, JANUS_ERROR_UNAUTHORIZED,
             g_strdup_printf("%s (%s). This is recgate in front of Janus: give your recgate token as your Janus client's token, or in "
                             "the address (/janus?token=…).",
                             code, why));
}

static gboolean may_attach(const Janus *janus, const JanusRequest *request, GError **error) {
  char *refusal = janus_refuse_plugin(request->plugin);
  if (refusal != NULL)
    return fail_taken(error, JANUS_ERROR_PLUGIN, refusal);
  if (g_hash_table_size(janus->handles) + g_hash_table_size(janus->asked) >= JANUS_HANDLES_MAX)
    return fail(error, JANUS_ERROR_LIMIT, "There are as many handles as one connection may have.");
  return TRUE;
}

/* FALSE without an error: not yet (janus_handle_must_wait). */
static gboolean may_pass_message(JanusHandle *handle, const JanusRequest *request, GError **error) {
  char *refusal = janus_refuse_body(handle->plugin, request->body);
  if (refusal != NULL) {
    g_message("event=recording_elsewhere_refused session=%s participant=%s", handle->janus->session, handle->janus->participant);
    return fail_taken(error, JANUS_ERROR_UNAUTHORIZED, refusal);
  }
  return request->jsep == NULL ||
         (!janus_handle_must_wait(handle, request->jsep) && janus_handle_describe(handle, CALL_A, request->jsep, error));
}

static gboolean may_pass(Janus *janus, const JanusRequest *request, GError **error) {
  if (request->verb == JANUS_VERB_CREATE)
    return g_hash_table_size(janus->sessions) + g_hash_table_size(janus->asked) < JANUS_SESSIONS_MAX ||
           fail(error, JANUS_ERROR_LIMIT, "There are as many Janus sessions as one connection may have.");
  if (request->verb == JANUS_VERB_OTHER && request->session == 0)
    return TRUE;
  if (!janus_has_session(janus, request->session))
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
  case JANUS_VERB_CREATE:
  case JANUS_VERB_ATTACH:
  case JANUS_VERB_OTHER:
  case JANUS_VERB_NONE:
    break;
  }
}

/* FALSE without an error: it has to wait. */
static gboolean pass_now(Janus *janus, json_t *message, const JanusRequest *request, GError **error) {
  if (!may_pass(janus, request, error))
    return FALSE;
  const gboolean makes = request->verb == JANUS_VERB_CREATE || request->verb == JANUS_VERB_ATTACH;
  note(janus, message, request);
  janus_ask(janus, makes ? ask_to_make(janus, message, request) : json_incref(message));
  return TRUE;
}

gboolean janus_pass(Janus *janus, json_t *message, const JanusRequest *request, GError **error) {
  GError *why = NULL;
  if (janus->upstream == NULL)
    return fail(error, JANUS_ERROR_UNREACHABLE, "Janus has gone from behind the gate: begin anew.");
  if (g_queue_get_length(&janus->waiting) >= JANUS_WAITING_MAX)
    return fail(error, JANUS_ERROR_LIMIT, "Too many messages wait for the gate's own candidates towards Janus.");
  if (g_queue_is_empty(&janus->waiting) && pass_now(janus, message, request, &why))
    return TRUE;
  if (why != NULL) {
    g_propagate_error(error, why);
    return FALSE;
  }
  g_queue_push_tail(&janus->waiting, json_incref(message));
  return TRUE;
}

/* FALSE: the first of them has to wait longer. */
static gboolean serve_first(Janus *janus, json_t *message) {
  JanusRequest request;
  g_autoptr(GError) error = NULL;
  if (janus_request_read(message, &request, &error) && pass_now(janus, message, &request, &error))
    return TRUE;
  if (error == NULL)
    return FALSE;
  janus->client->answer(janus->user, janus_error_json(message, error->code, error->message));
  return TRUE;
}

static gboolean serve_waiting(gpointer data) {
  Janus *janus = data;
  janus->waking = 0;
  for (json_t *message; (message = g_queue_peek_head(&janus->waiting)) != NULL && serve_first(janus, message);)
    json_decref(g_queue_pop_head(&janus->waiting));
  return G_SOURCE_REMOVE;
}

void janus_wake(Janus *janus) {
  if (janus->waking == 0 && !g_queue_is_empty(&janus->waiting))
    janus->waking = g_idle_add(serve_waiting, janus);
}

void janus_ask(Janus *janus, json_t *message) {
  json_auto_t *owned = message;
  if (janus->upstream == NULL)
    return;
  janus_request_set_secrets(owned, janus->daemon->janus_token, janus->daemon->janus_secret);
  upstream_send(janus->upstream, json_incref(owned));
}

void janus_keep_alive(Janus *janus, guint64 session) {
  janus_ask(janus,
            json_pack("{s:s, s:s, s:I}", "janus", "keepalive", "transaction", KEEP_ALIVE_TRANSACTION, "session_id", (json_int_t)session));
}

void janus_end(Janus *janus, const char *how, guint64 session, guint64 handle) {
  janus_ask(janus, json_pack("{s:s, s:s, s:I, s:I}", "janus", how, "transaction", OVER_TRANSACTION, "session_id", (json_int_t)session,
                             "handle_id", (json_int_t)handle));
}

Janus *janus_new(Daemon *daemon, const Token *token, const JanusClient *client, gpointer user) {
  static const UpstreamEvents events = {.message = on_reply, .closed = on_upstream_closed};
  Janus *janus = g_new0(Janus, 1);
  *janus = (Janus){.daemon = daemon, .client = client, .user = user};
  janus->sessions = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  janus->handles = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, janus_handle_free);
  janus->asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, asked_free);
  g_strlcpy(janus->session, token->session, sizeof janus->session);
  g_strlcpy(janus->participant, token->participant, sizeof janus->participant);
  (void)janus_member(janus, NULL); /* who is in the session already: this client belongs to that stay of theirs */
  g_message("event=janus_opened session=%s participant=%s", janus->session, janus->participant);
  janus->upstream = upstream_open(daemon->server, daemon->config->sfu_janus, PROTOCOL, UPSTREAM_MESSAGE_BYTES_MAX, &events, janus);
  return janus;
}

void janus_free(Janus *janus) {
  if (janus == NULL)
    return;
  upstream_free(g_steal_pointer(&janus->upstream)); /* Janus ends its sessions with it */
  g_hash_table_unref(janus->handles);
  forget_waiting(janus); /* after the handles, whose end wakes it */
  g_hash_table_unref(janus->sessions);
  g_hash_table_unref(janus->asked);
  g_free(janus);
}
