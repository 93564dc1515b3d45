/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket: frames put together and parsed, a rate limit that withdrawals pass, a bounded queue of what is to be sent. */
#include <string.h>
#include <time.h>

#include "signaling/json.h"
#include "signaling/server-internal.h"

#define SOCKET_REASON_BYTES   123 /* RFC 6455 section 5.5: a control frame's 125 without the status */
#define SOCKET_ID_BYTES_MAX   64  /* PROTOCOL.md: `id`; Janus's transactions are shorter */
#define SOCKET_TYPE_BYTES_MAX 64  /* the longest type of ours has 20 */

struct Socket {
  Connection *connection;
  GQueue out; /* GBytes: LWS_PRE bytes of room, then the text */
  gsize out_bytes;
  GString *in;
  gpointer data;
  gint64 allowance_us, filled_us; /* token bucket in time: one message costs 1 s / messages_per_s_max */
  gboolean closing;
  guint16 status;
  char reason[SOCKET_REASON_BYTES + 1];
};

static gint64 boot_now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void socket_free(Socket *socket) {
  g_queue_clear_full(&socket->out, (GDestroyNotify)g_bytes_unref);
  g_string_free(socket->in, TRUE);
  g_free(socket);
}

static const ServerEndpoint *endpoint_of(const Socket *socket) {
  return socket->connection->endpoint;
}

static gpointer user_of(const Socket *socket) {
  return socket->connection->server->events.user;
}

int socket_established(Connection *connection) {
  if (!connection->endpoint || strcmp(lws_get_protocol(connection->wsi)->name, connection->endpoint->protocol) != 0)
    return -1; /* it offered the subprotocol of another path first */
  Socket *socket = g_new0(Socket, 1);
  socket->connection = connection;
  socket->in = g_string_new(NULL);
  socket->allowance_us = 2 * G_USEC_PER_SEC; /* the burst */
  socket->filled_us = boot_now_us();
  g_queue_init(&socket->out);
  connection->socket = socket;
  connection_deadline(connection, 0);
  lws_set_timeout(connection->wsi, NO_PENDING_TIMEOUT, 0);
  connection->endpoint->opened(socket, user_of(socket));
  return 0;
}

void socket_gone(Connection *connection) {
  Socket *socket = g_steal_pointer(&connection->socket);
  if (!socket)
    return;
  socket->closing = TRUE; /* nothing more is queued, also not from inside the last event */
  connection->endpoint->closed(socket, user_of(socket));
  socket_free(socket);
}

static gboolean within_rate(Socket *socket, gint64 now_us) {
  guint rate = socket->connection->server->messages_per_s_max * endpoint_of(socket)->rate_factor;
  if (rate == 0)
    return TRUE;
  socket->allowance_us = MIN(2 * G_USEC_PER_SEC, socket->allowance_us + now_us - socket->filled_us);
  socket->filled_us = now_us;
  gint64 cost_us = G_USEC_PER_SEC / rate;
  if (socket->allowance_us < cost_us)
    return FALSE;
  socket->allowance_us -= cost_us;
  return TRUE;
}

/* Answers nobody asked to be spared of would let a sender fill its own queue and be cut off before its withdrawal is read (R6). */
static void refuse_message(Socket *socket, const json_t *message, const char *code, const char *text) {
  const ServerEndpoint *endpoint = endpoint_of(socket);
  const char *id = message ? json_text_member(message, endpoint->id) : NULL;
  if (socket->out_bytes >= socket->connection->server->socket_queue_bytes_max / 4)
    return;
  if (endpoint->refuse)
    endpoint->refuse(socket, message, code, text);
  else
    socket_error(socket, id && strlen(id) <= SOCKET_ID_BYTES_MAX ? id : NULL, code, text);
}

static void refuse_shape(Socket *socket, const json_t *message, const char *member, const char *needs) {
  g_autofree char *text = g_strdup_printf("\"%s\" %s.", member, needs);
  refuse_message(socket, message, "bad_message", text);
}

static void dispatch(Socket *socket, gint64 received_us) {
  const ServerEndpoint *endpoint = endpoint_of(socket);
  g_autoptr(GError) why = NULL;
  json_auto_t *message = json_text_parse(socket->in->str, socket->in->len, &why);
  const char *type = message ? json_text_member(message, endpoint->type) : NULL;
  const json_t *id = message ? json_object_get(message, endpoint->id) : NULL;
  const char *id_text = message ? json_text_member(message, endpoint->id) : NULL;
  gboolean in_rate = within_rate(socket, received_us);
  if (!in_rate && (!endpoint->always || g_strcmp0(type, endpoint->always) != 0))
    refuse_message(socket, message, "too_many", "Too many messages; wait a second. Withdrawing always works.");
  else if (!message)
    refuse_message(socket, NULL, "bad_json", why->message);
  else if (!type || !*type || strlen(type) > SOCKET_TYPE_BYTES_MAX)
    refuse_shape(socket, message, endpoint->type, "is a string that every message needs");
  else if (id && (!id_text || strlen(id_text) > SOCKET_ID_BYTES_MAX))
    refuse_shape(socket, NULL, endpoint->id, "is a string of at most 64 bytes");
  else
    endpoint->message(socket, message, received_us, user_of(socket));
}

static int close_now(Connection *connection, guint16 status, const char *reason) {
  lws_close_reason(connection->wsi, (enum lws_close_status)status, (guchar *)reason, strlen(reason));
  return -1;
}

int socket_receive(Connection *connection, const char *bytes, gsize n) {
  Socket *socket = connection->socket;
  if (!socket || socket->closing)
    return 0;
  gint64 received_us = boot_now_us();
  if (lws_frame_is_binary(connection->wsi))
    return close_now(connection, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "text frames only");
  /* The announced rest counts as well: what cannot fit is not waited for. */
  if (socket->in->len + n + lws_remaining_packet_payload(connection->wsi) > JSON_TEXT_BYTES_MAX)
    return close_now(connection, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "a message is at most 256 KiB");
  g_string_append_len(socket->in, bytes, (gssize)n);
  if (!lws_is_final_fragment(connection->wsi))
    return 0;
  dispatch(socket, received_us);
  if (socket->in->allocated_len > SERVER_WRITE_BYTES) { /* an idle socket does not keep what one large message needed */
    g_string_free(socket->in, TRUE);
    socket->in = g_string_new(NULL);
  }
  g_string_truncate(socket->in, 0);
  return 0;
}

int socket_writeable(Connection *connection) {
  Socket *socket = connection->socket;
  if (!socket)
    return 0;
  GBytes *bytes = g_queue_pop_head(&socket->out);
  if (bytes) {
    gsize n;
    guchar *buffer = g_bytes_unref_to_data(bytes, &n); /* the last reference: no copy */
    socket->out_bytes -= n - LWS_PRE;
    int written = lws_write(connection->wsi, buffer + LWS_PRE, n - LWS_PRE, LWS_WRITE_TEXT);
    g_free(buffer);
    if (written < 0)
      return -1;
  }
  if (!g_queue_is_empty(&socket->out))
    lws_callback_on_writable(connection->wsi);
  else if (socket->closing)
    return close_now(connection, socket->status, socket->reason);
  return 0;
}

void socket_send(Socket *socket, json_t *message) {
  json_auto_t *owned = message;
  Connection *connection = socket->connection;
  if (socket->closing)
    return;
  gsize n = json_dumpb(owned, NULL, 0, JSON_COMPACT);
  if (n == 0)
    return;
  if (socket->out_bytes + n > connection->server->socket_queue_bytes_max) {
    socket->closing = TRUE; /* fault 20: it reads nothing, so no closing handshake either */
    connection_kill(connection);
    return;
  }
  guchar *buffer = g_malloc(LWS_PRE + n);
  json_dumpb(owned, (char *)buffer + LWS_PRE, n, JSON_COMPACT);
  g_queue_push_tail(&socket->out, g_bytes_new_take(buffer, LWS_PRE + n));
  socket->out_bytes += n;
  lws_callback_on_writable(connection->wsi);
}

void socket_error(Socket *socket, const char *re, const char *code, const char *text) {
  json_t *message = json_pack("{s:s, s:s, s:s}", "type", "error", "code", code, "message", text);
  if (message && re)
    json_object_set_new(message, "re", json_string(re));
  if (message)
    socket_send(socket, message);
}

void socket_close(Socket *socket, guint16 status, const char *reason) {
  if (socket->closing)
    return;
  socket->closing = TRUE;
  socket->status = status;
  g_strlcpy(socket->reason, reason ? reason : "", sizeof socket->reason);
  connection_deadline(socket->connection, SERVER_CLOSE_TIMEOUT_S);
  lws_callback_on_writable(socket->connection->wsi);
}

void socket_set_data(Socket *socket, gpointer data) {
  socket->data = data;
}

gpointer socket_data(const Socket *socket) {
  return socket->data;
}

const char *socket_address(const Socket *socket) {
  return socket->connection->address;
}

const char *socket_token(const Socket *socket) {
  return socket->connection->token;
}
