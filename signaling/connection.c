/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP connection: limits at accept, the strict look at its head while libwebsockets has not seen it yet, deadlines. */
#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "signaling/http-head.h"
#include "signaling/server-internal.h"

#define DRAIN_BYTES_MAX (4 * 1024 * 1024) /* read and thrown away so that a refused sender gets to read why */
#define DRAIN_TIMEOUT_S 3

static void source_clear(GSource **source) {
  if (!*source)
    return;
  g_source_destroy(*source);
  g_clear_pointer(source, g_source_unref);
}

static gboolean deadline_passed(gpointer user) {
  Connection *connection = user;
  source_clear(&connection->deadline);
  if (connection->wsi)
    connection_kill(connection);
  else
    connection_free(connection);
  return G_SOURCE_REMOVE;
}

void connection_deadline(Connection *connection, guint seconds) {
  source_clear(&connection->deadline);
  if (seconds == 0)
    return;
  connection->deadline = g_timeout_source_new_seconds(seconds);
  g_source_set_callback(connection->deadline, deadline_passed, connection, NULL);
  g_source_attach(connection->deadline, server_main_context(connection->server));
}

void connection_kill(Connection *connection) {
  if (connection->wsi)
    lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

/* Dissolving the association is Linux's way to say it: what the kernel still holds is dropped with it. */
void connection_abort(Connection *connection) {
  const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
  if (connection->wsi)
    (void)!connect(lws_get_socket_fd(connection->wsi), &nobody, sizeof nobody);
  connection_kill(connection);
}

/* An IPv6 network of one subscriber has 2^64 addresses: count /64. */
static char *address_key(const struct sockaddr *address, const char *text) {
  if (address->sa_family != AF_INET6)
    return g_strdup(text);
  const guint8 *bytes = ((const struct sockaddr_in6 *)(gconstpointer)address)->sin6_addr.s6_addr;
  GString *key = g_string_new("6:");
  for (guint i = 0; i < 8; i++)
    g_string_append_printf(key, "%02x", bytes[i]);
  return g_string_free(key, FALSE);
}

void connection_free(Connection *connection) {
  Server *server = connection->server;
  source_clear(&connection->readable);
  source_clear(&connection->deadline);
  if (connection->fd >= 0)
    close(connection->fd);
  guint count = GPOINTER_TO_UINT(g_hash_table_lookup(server->addresses, connection->address_key));
  if (count > 1)
    g_hash_table_insert(server->addresses, g_strdup(connection->address_key), GUINT_TO_POINTER(count - 1));
  else
    g_hash_table_remove(server->addresses, connection->address_key);
  g_hash_table_remove(server->connections, connection);
  if (connection->token)
    explicit_bzero(connection->token, strlen(connection->token));
  g_free(connection->token);
  g_free(connection->address);
  g_free(connection->address_key);
  g_free(connection);
}

static void connection_adopt(Connection *connection) {
  source_clear(&connection->readable);
  int low = 1;
  setsockopt(connection->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
  lws_sock_file_fd_type fd = {.sockfd = connection->fd};
  connection->fd = -1; /* libwebsockets closes it, also where it refuses */
  lws_adopt_desc_t adopt = {
      .vh = connection->server->vhost,
      .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | (connection->server->tls ? LWS_ADOPT_ALLOW_SSL : 0),
      .fd = fd,
      .opaque = connection,
  };
  Server *server = connection->server;
  struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&adopt);
  if (wsi)
    connection->wsi = wsi;
  else if (g_hash_table_contains(server->connections, connection)) /* not yet freed by WSI_DESTROY */
    connection_free(connection);
}

static gboolean drain_ready(int fd, GIOCondition condition G_GNUC_UNUSED, gpointer user) {
  Connection *connection = user;
  char bytes[4096];
  ssize_t n = recv(fd, bytes, sizeof bytes, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  if (n > 0)
    connection->drained += (gsize)n;
  if (n > 0 && connection->drained < DRAIN_BYTES_MAX)
    return G_SOURCE_CONTINUE;
  connection_free(connection);
  return G_SOURCE_REMOVE;
}

static void watch(Connection *connection, GUnixFDSourceFunc ready) {
  source_clear(&connection->readable);
  connection->readable = g_unix_fd_source_new(connection->fd, G_IO_IN);
  g_source_set_callback(connection->readable, G_SOURCE_FUNC(ready), connection, NULL);
  g_source_attach(connection->readable, server_main_context(connection->server));
}

static const char *refusal_code(guint status) {
  return status == 429   ? "too_many"
         : status == 503 ? "busy"
         : status == 413 ? "too_large"
         : status == 431 ? "too_large"
         : status == 405 ? "method_not_allowed"
                         : "bad_request";
}

/* Answers, half-closes, and reads on for a moment: closing with unread bytes would reset the connection before the answer is read. */
static void connection_refuse(Connection *connection, guint status, const char *why) {
  g_autoptr(GBytes) bytes = http_error_bytes(FALSE, status, refusal_code(status), why, FALSE);
  gsize n;
  const char *text = g_bytes_get_data(bytes, &n);
  int low = 1;
  setsockopt(connection->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
  if (send(connection->fd, text, n, MSG_NOSIGNAL) != (ssize_t)n || shutdown(connection->fd, SHUT_WR) != 0) {
    connection_free(connection);
    return;
  }
  connection_deadline(connection, DRAIN_TIMEOUT_S);
  watch(connection, drain_ready);
}

gboolean connection_peer_has_closed(int fd) {
  struct pollfd poll_fd = {.fd = fd, .events = POLLRDHUP};
  return poll(&poll_fd, 1, 0) > 0;
}

/* Looks without taking: libwebsockets reads the same bytes afterwards. Until they are enough, SO_RCVLOWAT keeps the loop asleep. */
static gboolean head_ready(int fd, GIOCondition condition G_GNUC_UNUSED, gpointer user) {
  Connection *connection = user;
  char bytes[HTTP_HEAD_BYTES_MAX];
  const char *why = "not an HTTP request";
  ssize_t n = recv(fd, bytes, sizeof bytes, MSG_PEEK);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  guint status = n > 0 ? http_head_check(bytes, (gsize)n, &why) : 0;
  if (n <= 0 || (status == 0 && connection_peer_has_closed(fd)))
    connection_free(connection);
  else if (status == 200)
    connection_adopt(connection);
  else if (status != 0)
    connection_refuse(connection, status, why);
  else {
    int low = (int)n + 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
  }
  return G_SOURCE_CONTINUE; /* the source is destroyed where it is done */
}

void connection_accepted(Server *server, int fd, const struct sockaddr *address) {
  gsize n = address->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
  g_autoptr(GSocketAddress) peer = g_socket_address_new_from_native((gpointer)address, n);
  Connection *connection = g_new0(Connection, 1);
  connection->server = server;
  connection->fd = fd;
  connection->address = g_inet_address_to_string(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(peer)));
  connection->address_key = address_key(address, connection->address);
  guint count = GPOINTER_TO_UINT(g_hash_table_lookup(server->addresses, connection->address_key));
  g_hash_table_insert(server->addresses, g_strdup(connection->address_key), GUINT_TO_POINTER(count + 1));
  g_hash_table_add(server->connections, connection);
  connection_deadline(connection, SERVER_HEAD_TIMEOUT_S);
  guint refused = g_hash_table_size(server->connections) > server->sockets_max ? 503 : count >= server->sockets_per_address_max ? 429 : 0;
  if (refused && server->tls)
    connection_free(connection);
  else if (refused)
    connection_refuse(connection, refused, "too many connections, try again later");
  else if (server->tls)
    connection_adopt(connection);
  else
    watch(connection, head_ready);
}
