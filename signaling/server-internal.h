/* SPDX-License-Identifier: Apache-2.0 */
/* What server.c, connection.c, upgrade.c, socket.c, upstream.c, http.c and http-stream.c share. Not for others.
 *
 * Threads: control thread, but for what http-stream.c locks.
 * Connection: one TCP connection from accept to the end of its wsi; it is a WebSocket (socket) or one HTTP request (request, then response). */
#ifndef RECGATE_SERVER_INTERNAL_H
#define RECGATE_SERVER_INTERNAL_H

#include <libwebsockets.h>

#include "signaling/event-loop.h"
#include "signaling/server.h"

#define SERVER_WRITE_BYTES 65536      /* at a time, so that no reader holds the loop */
#define SERVER_HEAD_TIMEOUT_S 10      /* from accept to a whole head, TLS handshake included (fault 16) */
#define SERVER_BODY_TIMEOUT_S 30      /* for all of a body */
#define SERVER_PROGRESS_TIMEOUT_S 60  /* a reader of a response that takes nothing */
#define SERVER_CLOSE_TIMEOUT_S 10     /* for what is queued and the closing handshake */

typedef struct Connection Connection;
typedef struct Response Response;

struct Server {
  ServerEvents events;
  char **origins;
  guint sockets_max, sockets_per_address_max, messages_per_s_max;
  gsize socket_queue_bytes_max;
  gboolean tls;
  GMainLoop *loop;
  EventLoop *sockets_loop; /* libwebsockets' */
  int listen_fd, spare_fd; /* spare: given up for a moment to refuse a connection when descriptors run out */
  guint16 port;
  GSource *acceptor;
  struct lws_protocols protocols[SERVER_ENDPOINTS_MAX + 2];
  struct lws_context *context;
  struct lws_vhost *vhost;
  struct lws_vhost *outward; /* of connections that the gate makes itself (upstream.c); NULL before the first */
  GHashTable *readings;    /* set of Reading: threads of upstream.c */
  GHashTable *connections; /* set of Connection */
  GHashTable *addresses;   /* address key -> count */
};

struct Connection {
  Server *server;
  int fd;          /* before libwebsockets has it, else -1 */
  struct lws *wsi; /* after */
  char *address, *address_key;
  GSource *readable, *deadline;
  gsize drained;
  const ServerEndpoint *endpoint; /* of an upgrade that was allowed */
  char *token;                    /* of its URL */
  Socket *socket;
  HttpRequest *request;
  Response *response;
  gboolean head_only;
};

/* server.c */
GMainContext *server_main_context(const Server *server);

/* upstream.c */
void upstream_end_readings(Server *server); /* waits for its threads, some ms each; nothing is told of what they read */

/* connection.c */
void connection_accepted(Server *server, int fd, const struct sockaddr *address);
void connection_free(Connection *connection);                  /* closes an fd that libwebsockets does not have */
void connection_deadline(Connection *connection, guint seconds); /* 0: none. At it the connection is killed. */
void connection_kill(Connection *connection);                  /* soon, from the loop */
void connection_abort(Connection *connection);                 /* its bytes at once (RFC 9293 section 3.10.5), the rest soon */
gboolean connection_peer_has_closed(int fd);                   /* also where the loop has not heard of it yet */

/* upgrade.c */
int upgrade_check(Connection *connection); /* 0: allowed; else it was answered */

/* socket.c: what libwebsockets calls back; the result is its */
int socket_established(Connection *connection);
int socket_receive(Connection *connection, const char *bytes, gsize n);
int socket_writeable(Connection *connection);
void socket_gone(Connection *connection);

/* http.c */
int http_begin(Connection *connection);
int http_body_part(Connection *connection, const char *bytes, gsize n);
int http_body_end(Connection *connection);
int http_writeable(Connection *connection);
void http_gone(Connection *connection);
/* A whole error answer with its head. */
GBytes *http_error_bytes(gboolean tls, guint status, const char *code, const char *message, gboolean head_only);
char *http_header(Connection *connection, enum lws_token_indexes token); /* NULL without it */

/* http-stream.c */
HttpStream *http_stream_new(Connection *connection);
void http_stream_detach(HttpStream *stream); /* the connection is gone or done; unrefs */
/* Next piece with its chunk framing, asked for when the socket has taken the one before; NULL: nothing now. *end: 1 it was the last, -1 cut off. */
GBytes *http_stream_pull(HttpStream *stream, int *end);

#endif
