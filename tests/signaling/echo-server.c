/* SPDX-License-Identifier: Apache-2.0 */
/* A small program on server.c for wire.mjs to attack: echoes messages, counts events, measures its own heap. Not installed. */
#include <glib-unix.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "signaling/server.h"

typedef struct Echo {
  guint opened, closed, messages;
  gsize heap_peak; /* of what is in use, seen at each message */
} Echo;

static gsize heap_in_use(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

static void on_opened(Socket *socket G_GNUC_UNUSED, gpointer user) {
  ((Echo *)user)->opened++;
}
static void on_closed(Socket *socket, gpointer user) {
  ((Echo *)user)->closed++;
  socket_send(socket, json_pack("{s:s}", "type", "too late"));
}

static void on_message(Socket *socket, json_t *message, gint64 received_us, gpointer user) {
  Echo *echo = user;
  echo->messages++;
  const char *type = json_string_value(json_object_get(message, "type"));
  if (strcmp(type, "flood") == 0)
    for (guint i = 0; i < 64; i++) {
      g_autofree char *text = g_strnfill(65536, 'x');
      socket_send(socket, json_pack("{s:s, s:s}", "type", "flood", "text", text));
    }
  else if (strcmp(type, "close") == 0)
    socket_close(socket, 4001, "as asked");
  else
    socket_send(socket, json_pack("{s:s, s:O, s:b}", "type", "echo", "of", message, "timed", received_us > 0));
}

static void on_other(Socket *socket, json_t *message, gint64 received_us G_GNUC_UNUSED, gpointer user G_GNUC_UNUSED) {
  socket_send(socket, json_pack("{s:O, s:s*}", "other", message, "token", socket_token(socket)));
}

static void on_refused(Socket *socket, const json_t *message, const char *code, const char *text) {
  socket_send(socket, json_pack("{s:s, s:s, s:O*}", "no", code, "why", text, "nr", json_object_get(message, "nr")));
}

typedef struct Writing {
  HttpStream *stream;
  gsize n_bytes;
  gboolean complete;
} Writing;

static gpointer write_stream(gpointer user) {
  g_autofree Writing *writing = user;
  guint8 bytes[50000];
  memset(bytes, 'v', sizeof bytes);
  gsize left = writing->n_bytes;
  while (left > 0 && http_stream_write(writing->stream, bytes, MIN(left, sizeof bytes)))
    left -= MIN(left, sizeof bytes);
  fprintf(stderr, "stream left=%zu\n", left);
  http_stream_end(writing->stream, writing->complete);
  return NULL;
}

static void respond_stream(HttpRequest *request, gboolean complete) {
  Writing *writing = g_new0(Writing, 1);
  const char *n = http_query(request, "n");
  writing->n_bytes = n ? (gsize)g_ascii_strtoull(n, NULL, 10) : 1000000;
  writing->complete = complete;
  writing->stream = http_respond_stream(request, "video/webm", "a \"file\".webm");
  g_thread_unref(g_thread_new("writer", write_stream, writing));
}

static gboolean answer_later(gpointer user) {
  http_respond_json(user, 200, json_pack("{s:s}", "answer", "later"));
  return G_SOURCE_REMOVE;
}

static void on_http(HttpRequest *request, gpointer user) {
  Echo *echo = user;
  const char *path = http_path(request);
  if (http_body_error(request))
    http_respond_error(request, 400, "bad_json", http_body_error(request));
  else if (strcmp(path, "/counts") == 0)
    http_respond_json(request, 200,
                      json_pack("{s:i, s:i, s:i, s:I}", "opened", echo->opened, "closed", echo->closed, "messages", echo->messages, "heap",
                                (json_int_t)heap_in_use()));
  else if (strcmp(path, "/stream") == 0)
    respond_stream(request, TRUE);
  else if (strcmp(path, "/cut") == 0)
    respond_stream(request, FALSE);
  else if (strcmp(path, "/later") == 0)
    g_timeout_add(50, answer_later, request);
  else if (strcmp(path, "/big") == 0)
    http_respond_bytes(request, 200, "text/plain", g_bytes_new_take(g_strnfill(3000000, 'b'), 3000000));
  else if (strcmp(path, "/missing") == 0)
    http_respond_error(request, 404, "not_found", "There is nothing here.");
  else
    http_respond_json(request, 200,
                      json_pack("{s:s, s:s, s:s*, s:s*, s:O*}", "method", http_method(request), "path", path, "a", http_query(request, "a"),
                                "bearer", http_bearer(request), "body", http_body(request)));
}

static gboolean on_signal(gpointer user) {
  g_main_loop_quit(user);
  return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv) {
  static const char *const origins[] = {"https://friend.example", NULL};
  Echo echo = {0};
  ServerConfig config = {.listen = "127.0.0.1:0",
                         .origins = origins,
                         .sockets_max = 64,
                         .sockets_per_address_max = 40,
                         .socket_queue_bytes_max = 8 << 20,
                         .messages_per_s_max = 50};
  if (argc == 3) {
    config.tls_cert = argv[1];
    config.tls_key = argv[2];
  }
  static const ServerEndpoint endpoint = {.path = "/v1/ws",
                                          .protocol = "recgate.v1",
                                          .type = "type",
                                          .id = "id",
                                          .always = "consent.withdraw",
                                          .rate_factor = 1,
                                          .opened = on_opened,
                                          .message = on_message,
                                          .closed = on_closed};
  static const ServerEndpoint other = {.path = "/other",
                                       .protocol = "other.v1",
                                       .type = "what",
                                       .id = "nr",
                                       .rate_factor = 4,
                                       .opened = on_opened,
                                       .message = on_other,
                                       .closed = on_closed,
                                       .refuse = on_refused};
  ServerEvents events = {.endpoints = {&endpoint, &other}, .http = on_http, .user = &echo};
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  g_autoptr(GError) error = NULL;
  g_autoptr(Server) server = server_new(&config, &events, loop, &error);
  if (!server) {
    fprintf(stderr, "%s\n", error->message);
    return 2;
  }
  g_unix_signal_add(SIGTERM, on_signal, loop);
  printf("ready %u\n", server_port(server));
  fflush(stdout);
  g_main_loop_run(loop);
  return 0;
}
