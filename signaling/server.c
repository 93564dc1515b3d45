/* SPDX-License-Identifier: Apache-2.0 */
/* The server: listening, libwebsockets' context on libev's epoll under the GLib loop, and the way of its callbacks. */
#include "signaling/server.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "signaling/address.h"
#include "signaling/http-head.h"
#include "signaling/server-internal.h"

G_DEFINE_QUARK(recgate - server - error, server_error)

#define SERVER_ACCEPT_BATCH 32 /* then other sources of the loop have their turn */
#define SERVER_BACKLOG      512

GMainContext *server_main_context(const Server *server) {
  return g_main_loop_get_context(server->loop);
}

static int on_receive(Connection *connection, void *in, size_t n) {
  return socket_receive(connection, in, n);
}
static int on_body(Connection *connection, void *in, size_t n) {
  return http_body_part(connection, in, n);
}
static int on_established(Connection *connection, void *in G_GNUC_UNUSED, size_t n G_GNUC_UNUSED) {
  return socket_established(connection);
}
static int on_ws_writeable(Connection *connection, void *in G_GNUC_UNUSED, size_t n G_GNUC_UNUSED) {
  return socket_writeable(connection);
}
static int on_http(Connection *connection, void *in G_GNUC_UNUSED, size_t n G_GNUC_UNUSED) {
  return http_begin(connection);
}
static int on_body_end(Connection *connection, void *in G_GNUC_UNUSED, size_t n G_GNUC_UNUSED) {
  return http_body_end(connection);
}
static int on_http_writeable(Connection *connection, void *in G_GNUC_UNUSED, size_t n G_GNUC_UNUSED) {
  return http_writeable(connection);
}
static int on_upgrade(Connection *connection, void *in G_GNUC_UNUSED, size_t n G_GNUC_UNUSED) {
  return upgrade_check(connection);
}

static int on_closed(Connection *connection, void *in G_GNUC_UNUSED, size_t n G_GNUC_UNUSED) {
  socket_gone(connection);
  http_gone(connection);
  return 0;
}

static int on_destroy(Connection *connection, void *in G_GNUC_UNUSED, size_t n G_GNUC_UNUSED) {
  on_closed(connection, NULL, 0);
  lws_set_opaque_user_data(connection->wsi, NULL);
  connection_free(connection);
  return 0;
}

typedef int (*Handler)(Connection *connection, void *in, size_t n);

static const struct {
  enum lws_callback_reasons reason;
  Handler handler;
} handlers[] = {
    {LWS_CALLBACK_RECEIVE, on_receive},
    {LWS_CALLBACK_SERVER_WRITEABLE, on_ws_writeable},
    {LWS_CALLBACK_ESTABLISHED, on_established},
    {LWS_CALLBACK_CLOSED, on_closed},
    {LWS_CALLBACK_HTTP_CONFIRM_UPGRADE, on_upgrade},
    {LWS_CALLBACK_HTTP, on_http},
    {LWS_CALLBACK_HTTP_BODY, on_body},
    {LWS_CALLBACK_HTTP_BODY_COMPLETION, on_body_end},
    {LWS_CALLBACK_HTTP_WRITEABLE, on_http_writeable},
    {LWS_CALLBACK_CLOSED_HTTP, on_closed},
    {LWS_CALLBACK_WSI_DESTROY, on_destroy},
};

static int server_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user G_GNUC_UNUSED, void *in, size_t n) {
  Connection *connection = wsi ? lws_get_opaque_user_data(wsi) : NULL;
  if (connection)
    connection->wsi = wsi; /* callbacks come before the adopting call has returned it */
  for (guint i = 0; connection && i < G_N_ELEMENTS(handlers); i++)
    if (handlers[i].reason == reason)
      return handlers[i].handler(connection, in, n);
  return 0;
}

/* Descriptors have run out: the spare one takes the connection and ends it, instead of spinning on a listener that stays readable. */
static void accept_refuse(Server *server) {
  close(server->spare_fd);
  int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
  if (fd >= 0)
    close(fd);
  server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static gboolean accept_ready(int listen_fd, GIOCondition condition G_GNUC_UNUSED, gpointer user) {
  Server *server = user;
  for (guint i = 0; i < SERVER_ACCEPT_BATCH; i++) {
    struct sockaddr_storage address;
    socklen_t n = sizeof address;
    int fd = accept4(listen_fd, (struct sockaddr *)&address, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
      connection_accepted(server, fd, (const struct sockaddr *)&address);
    else if (errno == EMFILE || errno == ENFILE)
      accept_refuse(server);
    else if (errno != ECONNABORTED && errno != EINTR)
      break;
  }
  return G_SOURCE_CONTINUE;
}

static gboolean server_listen(Server *server, const char *text, GError **error) {
  g_autoptr(GInetSocketAddress) address = address_parse(text);
  if (!address) {
    g_set_error(error, SERVER_ERROR, SERVER_ERROR_ADDRESS, "%s is not ADDR:PORT with a literal address", text);
    return FALSE;
  }
  struct sockaddr_storage native;
  socklen_t n = (socklen_t)g_socket_address_get_native_size(G_SOCKET_ADDRESS(address));
  int on = 1;
  server->listen_fd = socket(g_socket_address_get_family(G_SOCKET_ADDRESS(address)), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (server->listen_fd < 0 || !g_socket_address_to_native(G_SOCKET_ADDRESS(address), &native, sizeof native, NULL) ||
      setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(server->listen_fd, (struct sockaddr *)&native, n) != 0 || listen(server->listen_fd, SERVER_BACKLOG) != 0 ||
      getsockname(server->listen_fd, (struct sockaddr *)&native, &n) != 0) {
    g_set_error(error, SERVER_ERROR, SERVER_ERROR_LISTEN, "cannot listen on %s: %s", text, g_strerror(errno));
    return FALSE;
  }
  g_autoptr(GSocketAddress) bound = g_socket_address_new_from_native(&native, n);
  server->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
  server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  server->acceptor = g_unix_fd_source_new(server->listen_fd, G_IO_IN);
  g_source_set_callback(server->acceptor, G_SOURCE_FUNC(accept_ready), server, NULL);
  g_source_attach(server->acceptor, server_main_context(server));
  return TRUE;
}

static void log_debug(int level G_GNUC_UNUSED, const char *line) {
  g_debug("libwebsockets: %.200s", line);
}

/* http/1.1 only, no extensions (permessage-deflate is one): what is not offered cannot be attacked (fault 16). */
static gboolean server_context(Server *server, const ServerConfig *config, GError **error) {
  server->sockets_loop = event_loop_new(server_main_context(server));
  if (!server->sockets_loop) {
    g_set_error(error, SERVER_ERROR, SERVER_ERROR_LISTEN, "no event loop for connections: %s", g_strerror(errno));
    return FALSE;
  }
  server->protocols[0] = (struct lws_protocols){.name = "http", .callback = server_callback};
  for (guint i = 0; server->events.endpoints[i]; i++)
    server->protocols[i + 1] = (struct lws_protocols){.name = server->events.endpoints[i]->protocol, .callback = server_callback};
  void *loops[] = {event_loop_native(server->sockets_loop)};
  struct lws_context_creation_info info = {
      .port = CONTEXT_PORT_NO_LISTEN_SERVER,
      .protocols = server->protocols,
      .foreign_loops = loops,
      .alpn = "http/1.1",
      .gid = (gid_t)-1,
      .uid = (uid_t)-1,
      .max_http_header_data = HTTP_HEAD_BYTES_MAX,
      .timeout_secs = SERVER_HEAD_TIMEOUT_S,
      .timeout_secs_ah_idle = SERVER_HEAD_TIMEOUT_S,
      .options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_VALIDATE_UTF8 |
                 (config->tls_cert ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
      .ssl_cert_filepath = config->tls_cert,
      .ssl_private_key_filepath = config->tls_key,
      .ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION,
  };
  lws_set_log_level(LLL_ERR | LLL_WARN, log_debug);
  server->context = lws_create_context(&info);
  server->vhost = server->context ? lws_create_vhost(server->context, &info) : NULL;
  if (server->vhost)
    return TRUE;
  if (config->tls_cert)
    g_set_error(error, SERVER_ERROR, SERVER_ERROR_TLS, "TLS does not start: check that %s is a PEM certificate and %s its key",
                config->tls_cert, config->tls_key);
  else
    g_set_error(error, SERVER_ERROR, SERVER_ERROR_LISTEN,
                "libwebsockets does not start: is its libev plugin (libwebsockets-evlib-ev) installed?");
  return FALSE;
}

Server *server_new(const ServerConfig *config, const ServerEvents *events, GMainLoop *loop, GError **error) {
  g_autoptr(Server) server = g_new0(Server, 1);
  server->events = *events;
  server->origins = g_strdupv((char **)config->origins);
  server->sockets_max = config->sockets_max;
  server->sockets_per_address_max = config->sockets_per_address_max;
  server->messages_per_s_max = config->messages_per_s_max;
  server->socket_queue_bytes_max = config->socket_queue_bytes_max;
  server->tls = config->tls_cert != NULL;
  server->loop = g_main_loop_ref(loop);
  server->listen_fd = server->spare_fd = -1;
  server->readings = g_hash_table_new(NULL, NULL);
  server->connections = g_hash_table_new(NULL, NULL);
  server->addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  if (!server_context(server, config, error) || !server_listen(server, config->listen, error))
    return NULL;
  return g_steal_pointer(&server);
}

void server_free(Server *server) {
  if (!server)
    return;
  if (server->acceptor) {
    g_source_destroy(server->acceptor);
    g_source_unref(server->acceptor);
  }
  if (server->listen_fd >= 0)
    close(server->listen_fd);
  if (server->spare_fd >= 0)
    close(server->spare_fd);
  if (server->context)
    lws_context_destroy(server->context); /* ends every wsi, with closed for each */
  event_loop_free(server->sockets_loop);
  GHashTableIter iter;
  gpointer left;
  g_hash_table_iter_init(&iter, server->connections);
  while (g_hash_table_iter_next(&iter, &left, NULL)) {
    g_hash_table_iter_steal(&iter);
    connection_free(left);
  }
  upstream_end_readings(server);
  g_hash_table_unref(server->readings);
  g_hash_table_unref(server->connections);
  g_hash_table_unref(server->addresses);
  g_strfreev(server->origins);
  g_main_loop_unref(server->loop);
  g_free(server);
}

guint16 server_port(const Server *server) {
  return server->port;
}
