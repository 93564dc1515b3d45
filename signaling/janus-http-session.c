/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/janus-http-session.h"

#include <sodium.h>
#include <string.h>

#include "signaling/json.h"
#include "signaling/rate.h"

typedef struct Waiting { /* a request that Janus has not answered, or a long poll */
  JanusHttpSession *session;
  HttpRequest *request;
  char *transaction; /* NULL: a poll */
  guint events_max;  /* of a poll */
  guint timer;
} Waiting;

struct JanusHttpSession {
  Daemon *daemon;
  Janus *janus;
  guint8 token_hash[crypto_generichash_BYTES];
  GQueue requests, polls; /* Waiting, oldest first */
  GQueue events;          /* JSON texts, oldest first */
  gsize events_bytes;
  gint64 used_until_us; /* of its rate */
  guint idle_timer, ending;
};

static void hash_token(const char *jwt, guint8 hash[crypto_generichash_BYTES]) {
  crypto_generichash(hash, crypto_generichash_BYTES, (const guint8 *)jwt, strlen(jwt), NULL, 0);
}

/* --- answers --- */

void janus_http_respond_error(HttpRequest *request, guint status, const json_t *about, int code, const char *reason) {
  http_respond_json(request, status, janus_error_json(about, code, reason));
}

static void waiting_free(gpointer data) { /* its request was answered */
  Waiting *waiting = data;
  g_clear_handle_id(&waiting->timer, g_source_remove);
  g_free(waiting->transaction);
  g_free(waiting);
}

static void answer_error(Waiting *waiting, const char *reason) {
  json_auto_t *about = json_pack("{s:s}", "transaction", waiting->transaction);
  janus_http_respond_error(waiting->request, 200, about, JANUS_ERROR_UNREACHABLE, reason);
  waiting_free(waiting);
}

/* As many events as the poll takes; without any it says so, and that the session is alive. */
static void answer_poll(Waiting *poll) {
  JanusHttpSession *session = poll->session;
  GString *text = g_string_new(poll->events_max > 1 ? "[" : "");
  for (guint i = 0; i < poll->events_max && !g_queue_is_empty(&session->events); i++) {
    g_autofree char *event = g_queue_pop_head(&session->events);
    session->events_bytes -= strlen(event);
    g_string_append_printf(text, "%s%s", i > 0 ? "," : "", event);
  }
  if (text->len <= 1)
    g_string_append(text, "{\"janus\":\"keepalive\"}");
  if (poll->events_max > 1)
    g_string_append_c(text, ']');
  http_respond_bytes(poll->request, 200, "application/json", g_string_free_to_bytes(text));
  waiting_free(poll);
}

static void end_poll(Waiting *poll) { /* without an event, also where there is one */
  json_t *nothing = json_pack("{s:s}", "janus", "keepalive");
  http_respond_json(poll->request, 200, poll->events_max > 1 ? json_pack("[o]", nothing) : nothing);
  waiting_free(poll);
}

/* The newest poll first: where a client's network changed, an older one is a connection that leads nowhere any more. The others end with it, as
 * Janus has it. Who is known to have gone gets nothing, so that no event is lost with them. */
static void deliver(JanusHttpSession *session) {
  Waiting *poll;
  while ((poll = g_queue_pop_tail(&session->polls)) != NULL)
    if (http_is_gone(poll->request))
      end_poll(poll);
    else
      answer_poll(poll);
}

/* --- its life --- */

static gboolean on_end(gpointer user) {
  JanusHttpSession *session = user;
  session->ending = 0;
  g_hash_table_remove(session->daemon->janus_http, session);
  return G_SOURCE_REMOVE;
}

/* From the loop: this may be inside a call of Janus's connection. */
static void end_soon(JanusHttpSession *session) {
  if (session->ending == 0)
    session->ending = g_idle_add_full(G_PRIORITY_DEFAULT, on_end, session, NULL);
}

static void end_if_over(JanusHttpSession *session) {
  if (g_hash_table_size(session->janus->sessions) == 0 && g_queue_is_empty(&session->requests))
    end_soon(session);
}

static gboolean on_idle(gpointer user) {
  JanusHttpSession *session = user;
  session->idle_timer = 0;
  g_message("event=janus_idle session=%s participant=%s", session->janus->session, session->janus->participant);
  end_soon(session);
  return G_SOURCE_REMOVE;
}

static void touch(JanusHttpSession *session) {
  g_clear_handle_id(&session->idle_timer, g_source_remove);
  session->idle_timer = g_timeout_add_seconds(JANUS_HTTP_IDLE_S, on_idle, session);
}

void janus_http_session_free(JanusHttpSession *session) {
  Waiting *waiting;
  g_clear_handle_id(&session->idle_timer, g_source_remove);
  g_clear_handle_id(&session->ending, g_source_remove);
  janus_free(session->janus);
  while ((waiting = g_queue_pop_head(&session->requests)) != NULL)
    answer_error(waiting, "This Janus session ended meanwhile: create a new one.");
  while ((waiting = g_queue_pop_head(&session->polls)) != NULL)
    end_poll(waiting);
  g_queue_clear_full(&session->events, g_free);
  g_free(session);
}

/* --- from Janus --- */

static Waiting *take_request(JanusHttpSession *session, const char *transaction) {
  for (GList *link = session->requests.head; link != NULL; link = link->next) {
    Waiting *waiting = link->data;
    if (g_strcmp0(waiting->transaction, transaction) != 0)
      continue;
    g_queue_delete_link(&session->requests, link);
    return waiting;
  }
  return NULL; /* its client gave up, or the gate asked by itself */
}

static void on_answer(gpointer user, json_t *message) {
  JanusHttpSession *session = user;
  Waiting *waiting = take_request(session, json_text_member(message, "transaction"));
  if (waiting == NULL) {
    json_decref(message);
    return;
  }
  http_respond_json(waiting->request, 200, message);
  waiting_free(waiting);
  end_if_over(session);
}

static void on_event(gpointer user, json_t *message) {
  JanusHttpSession *session = user;
  char *text = json_dumps(message, JSON_COMPACT);
  json_decref(message);
  session->events_bytes += strlen(text);
  g_queue_push_tail(&session->events, g_strdup(text));
  free(text);
  deliver(session);
  if (session->events_bytes > (gsize)session->daemon->config->socket_queue_bytes_max) {
    g_message("event=janus_not_polled session=%s participant=%s", session->janus->session, session->janus->participant);
    end_soon(session);
  }
  end_if_over(session); /* Janus ended it */
}

static void on_gone(gpointer user, gboolean was_open, const char *why) {
  JanusHttpSession *session = user;
  Waiting *waiting;
  (void)was_open;
  deliver(session);
  while ((waiting = g_queue_pop_head(&session->requests)) != NULL)
    answer_error(waiting, why);
  end_soon(session);
}

/* --- from the client --- */

gboolean janus_http_session_is_of(const JanusHttpSession *session, const Token *token) {
  return g_str_equal(session->janus->session, token->session) && g_str_equal(session->janus->participant, token->participant);
}

gboolean janus_http_session_began_with(const JanusHttpSession *session, const char *jwt) {
  guint8 hash[crypto_generichash_BYTES];
  if (jwt == NULL)
    return FALSE;
  hash_token(jwt, hash);
  return sodium_memcmp(hash, session->token_hash, sizeof hash) == 0;
}

JanusHttpSession *janus_http_session_find(Daemon *daemon, guint64 janus_session) {
  GHashTableIter iter;
  gpointer session;
  g_hash_table_iter_init(&iter, daemon->janus_http);
  while (g_hash_table_iter_next(&iter, &session, NULL))
    if (((JanusHttpSession *)session)->ending == 0 && janus_has_session(((JanusHttpSession *)session)->janus, janus_session))
      return session;
  return NULL;
}

/* A person has as many as a WebSocket may hold. All of them: as many as there may be sockets, for each is one towards Janus. */
static gboolean has_room(Daemon *daemon, const Token *token) {
  GHashTableIter iter;
  gpointer session;
  guint own = 0;
  g_hash_table_iter_init(&iter, daemon->janus_http);
  while (g_hash_table_iter_next(&iter, &session, NULL))
    own += janus_http_session_is_of(session, token);
  return own < JANUS_SESSIONS_MAX && g_hash_table_size(daemon->janus_http) < (guint)daemon->config->sockets_max;
}

JanusHttpSession *janus_http_session_new(Daemon *daemon, const Token *token, const char *jwt, GError **error) {
  static const JanusClient client = {.answer = on_answer, .event = on_event, .gone = on_gone};
  if (!has_room(daemon, token)) {
    g_set_error_literal(error, JANUS_ERROR, JANUS_ERROR_LIMIT,
                        "There are as many Janus sessions as one person, or all of them, may have: destroy those that are over.");
    return NULL;
  }
  JanusHttpSession *session = g_new0(JanusHttpSession, 1);
  session->daemon = daemon;
  hash_token(jwt, session->token_hash);
  g_queue_init(&session->requests);
  g_queue_init(&session->polls);
  g_queue_init(&session->events);
  session->janus = janus_new(daemon, token, &client, session);
  g_hash_table_add(daemon->janus_http, session);
  touch(session);
  return session;
}

static gboolean on_late(gpointer user) {
  Waiting *waiting = user;
  JanusHttpSession *session = waiting->session;
  waiting->timer = 0;
  if (waiting->transaction == NULL) {
    g_queue_remove(&session->polls, waiting);
    end_poll(waiting);
    return G_SOURCE_REMOVE;
  }
  g_queue_remove(&session->requests, waiting);
  answer_error(waiting, "Janus does not answer this request.");
  end_if_over(session);
  return G_SOURCE_REMOVE;
}

static void wait_for(JanusHttpSession *session, HttpRequest *request, const char *transaction, guint events_max) {
  Waiting *waiting = g_new0(Waiting, 1);
  *waiting = (Waiting){.session = session, .request = request, .transaction = g_strdup(transaction), .events_max = events_max};
  waiting->timer = g_timeout_add_seconds(transaction == NULL ? JANUS_HTTP_POLL_S : JANUS_HTTP_ANSWER_S, on_late, waiting);
  g_queue_push_tail(transaction == NULL ? &session->polls : &session->requests, waiting);
}

static gboolean take_turn(JanusHttpSession *session, gboolean has_room, GError **error) {
  const gint64 rate = session->daemon->config->messages_per_s_max * JANUS_RATE_FACTOR;
  touch(session);
  if (has_room && rate_take(&session->used_until_us, daemon_now_us(), rate))
    return TRUE;
  g_set_error_literal(error, JANUS_ERROR, JANUS_ERROR_LIMIT, "Too many requests; wait a second.");
  return FALSE;
}

void janus_http_session_request(JanusHttpSession *session, HttpRequest *request, json_t *message) {
  JanusRequest read;
  g_autoptr(GError) error = NULL;
  if (take_turn(session, session->requests.length < JANUS_HTTP_REQUESTS_MAX, &error) && janus_request_read(message, &read, &error) &&
      janus_pass(session->janus, message, &read, &error)) {
    wait_for(session, request, read.transaction, 0);
    return;
  }
  janus_http_respond_error(request, 200, message, error->code, error->message);
  end_if_over(session);
}

void janus_http_session_poll(JanusHttpSession *session, HttpRequest *request, guint64 janus_session, guint events_max) {
  g_autoptr(GError) error = NULL;
  if (!take_turn(session, TRUE, &error)) {
    janus_http_respond_error(request, 429, NULL, error->code, error->message);
    return;
  }
  janus_keep_alive(session->janus, janus_session); /* a poll is a sign of life, and Janus hears of none by itself */
  if (session->polls.length == JANUS_HTTP_POLLS_MAX)
    end_poll(g_queue_pop_head(&session->polls));
  wait_for(session, request, NULL, events_max);
  if (!g_queue_is_empty(&session->events))
    deliver(session);
}

GHashTable *janus_http_sessions_new(void) {
  return g_hash_table_new_full(NULL, NULL, (GDestroyNotify)janus_http_session_free, NULL);
}

void janus_http_stop(Daemon *daemon) {
  g_clear_pointer(&daemon->janus_http, g_hash_table_unref);
}
