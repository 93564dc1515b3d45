/* SPDX-License-Identifier: Apache-2.0 */
/* Janus's clients by WebSocket: one connection is one client, whose person the first token names. */
#include "signaling/janus.h"

#include <string.h>

#define PROTOCOL "janus-protocol"
/* As PROTOCOL.md has it for join: whoever only connects is not kept. */
#define TOKEN_WITHIN_MS 5000

typedef struct JanusSocket { /* data of its Socket */
  Socket *socket;
  Janus *janus; /* NULL: no valid token came yet */
  guint token_timer;
} JanusSocket;

/* --- from Janus --- */

static void on_said(gpointer user, json_t *message) {
  socket_send(((JanusSocket *)user)->socket, message);
}

static void on_gone(gpointer user, gboolean was_open, const char *why) {
  (void)why; /* whoever waits for an answer was told */
  socket_close(((JanusSocket *)user)->socket, was_open ? 1001 : 1013, was_open ? "janus_gone" : "janus_unreachable");
}

/* --- from the client --- */

/* Later tokens are not looked at. */
static gboolean admitted(JanusSocket *own, const JanusRequest *request, Daemon *daemon, GError **error) {
  static const JanusClient client = {.answer = on_said, .event = on_said, .gone = on_gone};
  Token token;
  if (own->janus != NULL)
    return TRUE;
  if (!janus_admit(daemon, request->token != NULL ? request->token : socket_token(own->socket), &token, error))
    return FALSE;
  g_clear_handle_id(&own->token_timer, g_source_remove);
  own->janus = janus_new(daemon, &token, &client, own);
  return TRUE;
}

static void on_message(Socket *socket, json_t *message, gint64 received_us, gpointer daemon) {
  (void)received_us;
  JanusSocket *own = socket_data(socket);
  JanusRequest request;
  g_autoptr(GError) error = NULL;
  if (janus_request_read(message, &request, &error) && admitted(own, &request, daemon, &error) &&
      janus_pass(own->janus, message, &request, &error))
    return;
  socket_send(socket, janus_error_json(message, error->code, error->message));
  if (own->janus == NULL && g_error_matches(error, JANUS_ERROR, JANUS_ERROR_UNAUTHORIZED))
    socket_close(socket, 1008, "bad_token"); /* each is on the ledger: one a connection */
}

/* --- the socket --- */

static gboolean on_no_token(gpointer user) {
  JanusSocket *own = user;
  own->token_timer = 0;
  socket_close(own->socket, 1008, "token_timeout");
  return G_SOURCE_REMOVE;
}

static void on_opened(Socket *socket, gpointer daemon) {
  (void)daemon;
  JanusSocket *own = g_new0(JanusSocket, 1);
  own->socket = socket;
  own->token_timer = g_timeout_add(TOKEN_WITHIN_MS, on_no_token, own);
  socket_set_data(socket, own);
}

static void on_closed(Socket *socket, gpointer daemon) {
  (void)daemon;
  JanusSocket *own = socket_data(socket);
  g_clear_handle_id(&own->token_timer, g_source_remove);
  janus_free(own->janus);
  g_free(own);
}

static void on_refused(Socket *socket, const json_t *message, const char *code, const char *text) {
  const JanusError number = strcmp(code, "bad_json") == 0   ? JANUS_ERROR_JSON
                            : strcmp(code, "too_many") == 0 ? JANUS_ERROR_LIMIT
                                                            : JANUS_ERROR_MISSING;
  socket_send(socket, janus_error_json(message, (int)number, text));
}

const ServerEndpoint janus_endpoint = {.path = "/janus",
                                       .protocol = PROTOCOL,
                                       .type = "janus",
                                       .id = "transaction",
                                       .rate_factor = JANUS_RATE_FACTOR,
                                       .opened = on_opened,
                                       .message = on_message,
                                       .closed = on_closed,
                                       .refuse = on_refused};
