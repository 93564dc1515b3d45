/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP and WebSocket on one port: libwebsockets on the GLib main loop. Knows nothing of sessions or consent.
 *
 * Threads: control thread, but for http_stream_write and http_stream_end (any thread).
 * PROTOCOL.md: WebSocket frames, limits and Origin; HTTP errors. Faults 14, 16, 17, 18, 20. */
#ifndef RECGATE_SERVER_H
#define RECGATE_SERVER_H

#include <glib.h>
#include <jansson.h>

#define SERVER_ERROR (server_error_quark())
GQuark server_error_quark(void);
typedef enum ServerError { SERVER_ERROR_LISTEN, SERVER_ERROR_TLS, SERVER_ERROR_ADDRESS } ServerError;

typedef struct Server Server;
typedef struct Socket Socket;           /* one WebSocket connection */
typedef struct HttpRequest HttpRequest; /* one request that waits for its answer */

typedef struct ServerConfig {
  const char *listen;                /* ADDR:PORT or [ADDR6]:PORT, :0 picks */
  const char *const *origins;        /* allowed Origins besides the same host; "*" any. NULL: the same host only */
  const char *tls_cert, *tls_key;    /* PEM files; both or none */
  guint sockets_max, sockets_per_address_max;
  gsize socket_queue_bytes_max;      /* a reader that stops reading is disconnected beyond it (fault 20) */
  guint messages_per_s_max;          /* a socket's, twice as many in a burst; beyond it `too_many`, but consent.withdraw always passes (R6) */
} ServerConfig;

/* A path where a WebSocket may be opened, and what is spoken there. */
typedef struct ServerEndpoint {
  const char *path, *protocol;       /* with its subprotocol, which the client must offer */
  const char *type, *id;             /* members of every message: what it is (a string, needed), and what its answer names (may be missing) */
  const char *always;                /* the type that passes any rate limit; NULL: none */
  guint rate_factor;                 /* times messages_per_s_max */
  void (*opened)(Socket *socket, gpointer user);
  /* One text frame: a JSON object with a string `type` (anything else is refused here). received_us: boot clock of the wake-up. */
  void (*message)(Socket *socket, json_t *message, gint64 received_us, gpointer user);
  void (*closed)(Socket *socket, gpointer user); /* last event; the socket is freed after it */
  /* How to say no in this protocol; message NULL: not JSON. NULL: socket_error. */
  void (*refuse)(Socket *socket, const json_t *message, const char *code, const char *text);
} ServerEndpoint;

#define SERVER_ENDPOINTS_MAX 4
typedef struct ServerEvents {
  const ServerEndpoint *endpoints[SERVER_ENDPOINTS_MAX + 1]; /* NULL-terminated; they outlive the server */
  void (*http)(HttpRequest *request, gpointer user);         /* answer now or later, exactly once */
  gpointer user;
} ServerEvents;

Server *server_new(const ServerConfig *config, const ServerEvents *events, GMainLoop *loop, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void server_free(Server *server); /* ends every connection, with closed for each; requests that wait may still be answered (into nothing) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Server, server_free)
guint16 server_port(const Server *server);

/* Queues one frame; takes the reference. Messages keep their order. */
void socket_send(Socket *socket, json_t *message);
void socket_error(Socket *socket, const char *re, const char *code, const char *text);
/* Sends what is queued, then closes with this status (RFC 6455 section 7.4) and reason. */
void socket_close(Socket *socket, guint16 status, const char *reason);
void socket_set_data(Socket *socket, gpointer data);
gpointer socket_data(const Socket *socket);
const char *socket_address(const Socket *socket); /* of the peer, for limits and logs */
const char *socket_token(const Socket *socket);   /* `token` of the URL's query, where a browser cannot set a header; NULL without it */

const char *http_method(const HttpRequest *request);      /* "GET" | "HEAD" | "POST" | "PATCH" | "DELETE" | "OPTIONS" */
const char *http_path(const HttpRequest *request);        /* decoded once, without query; no "..", no NUL, no doubled slash, else 400 was sent here */
const char *http_query(const HttpRequest *request, const char *name); /* NULL without it */
const char *http_bearer(const HttpRequest *request);      /* the token of Authorization: Bearer, NULL */
const json_t *http_body(const HttpRequest *request);      /* POST's JSON, at most 256 KiB; NULL for GET, and where it is none: */
const char *http_body_error(const HttpRequest *request);  /* why it is no JSON; NULL: it is, or there is none */
gboolean http_is_gone(const HttpRequest *request);        /* who asked has closed the connection: an answer goes nowhere */
const char *http_text(const HttpRequest *request);        /* the body of an application/sdp or trickle-ice-sdpfrag; NULL: of another type */
const char *http_content_type(const HttpRequest *request); /* lower case, without parameters; "" without it */
const char *http_if_match(const HttpRequest *request);    /* NULL without it */
/* Answers. Security headers (CSP, nosniff, no-referrer, frame-ancestors, HSTS under TLS) are added. */
void http_add_header(HttpRequest *request, const char *name, const char *value); /* to the answer, before it is given; both of our making */
void http_allow_pages(HttpRequest *request, const char *methods); /* CORS: pages of the allowed origins may read the answer */
void http_respond_json(HttpRequest *request, guint status, json_t *body); /* takes the reference */
void http_respond_error(HttpRequest *request, guint status, const char *code, const char *message);
void http_respond_bytes(HttpRequest *request, guint status, const char *content_type, GBytes *bytes); /* takes the reference */
/* 200, with this Cache-Control in place of no-store: only for what is the same for everyone who may ask. Takes the reference. */
void http_respond_cached(HttpRequest *request, const char *content_type, const char *caching, GBytes *bytes);
/* A body of unknown length. Any thread may write; write waits while more than 4 MiB are unsent and returns FALSE when the reader is gone. */
typedef struct HttpStream HttpStream;
HttpStream *http_respond_stream(HttpRequest *request, const char *content_type, const char *filename);
gboolean http_stream_write(HttpStream *stream, const guint8 *bytes, gsize n);
/* Control thread, after the last write: `drained` once, with whole TRUE when the socket has taken all but the last piece, which waits for the end; FALSE: it
 * was cut or the reader is gone, perhaps before this returns. */
void http_stream_drain(HttpStream *stream, void (*drained)(gboolean whole, gpointer user), gpointer user);
/* Control thread, before the end: the connection breaks off at once, with all that the reader has not taken; write returns FALSE from then on. */
void http_stream_cut(HttpStream *stream);
/* Frees it. complete FALSE: the connection is cut, so that the reader sees that the file is not whole. */
void http_stream_end(HttpStream *stream, gboolean complete);

#endif
