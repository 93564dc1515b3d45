/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's own WebSocket: to a server that takes the connection and never reads, and to one that has a lot to say. */
#include "signaling/upstream.h"

#include <gio/gio.h>
#include <stdatomic.h>

#define QUEUE_BYTES_MAX 1000

typedef struct Bed {
  GMainLoop *loop;
  Server *server;
  GSocketListener *listener;
  Upstream *upstream;
  guint told; /* how often that it closed */
} Bed;

static void on_message(json_t *message G_GNUC_UNUSED, gpointer user G_GNUC_UNUSED) {
  g_assert_not_reached();
}

static void on_closed(gboolean was_open, const char *why, gpointer user) {
  Bed *bed = user;
  g_assert_false(was_open);
  g_assert_cmpstr(why, ==, "it does not read what it is sent");
  bed->upstream = NULL;
  bed->told++;
}

static void bed_up(Bed *bed, gconstpointer data G_GNUC_UNUSED) {
  static const UpstreamEvents events = {.message = on_message, .closed = on_closed};
  const ServerConfig config = {.listen = "127.0.0.1:0",
                               .sockets_max = 1,
                               .sockets_per_address_max = 1,
                               .socket_queue_bytes_max = QUEUE_BYTES_MAX,
                               .messages_per_s_max = 1};
  const ServerEvents nothing = {0};
  g_autoptr(GError) error = NULL;
  bed->loop = g_main_loop_new(NULL, FALSE);
  bed->server = server_new(&config, &nothing, bed->loop, &error);
  g_assert_no_error(error);
  bed->listener = g_socket_listener_new();
  const guint16 port = g_socket_listener_add_any_inet_port(bed->listener, NULL, &error);
  g_assert_no_error(error);
  g_autofree char *url = g_strdup_printf("ws://127.0.0.1:%u/", port);
  bed->upstream = upstream_open(bed->server, url, "test", UPSTREAM_MESSAGE_BYTES_MAX, &events, bed);
  for (guint i = 0; i < QUEUE_BYTES_MAX / 10; i++)
    upstream_send(bed->upstream, json_pack("{s:s}", "more", "than it takes"));
}

static void bed_down(Bed *bed, gconstpointer data G_GNUC_UNUSED) {
  upstream_free(bed->upstream);
  server_free(bed->server);
  g_object_unref(bed->listener);
  g_main_loop_unref(bed->loop);
}

static void turn(void) {
  while (g_main_context_iteration(NULL, FALSE))
    ;
}

static void test_overflow_is_told(Bed *bed, gconstpointer data G_GNUC_UNUSED) {
  g_assert_cmpuint(bed->told, ==, 0); /* never from inside upstream_send */
  turn();
  g_assert_cmpuint(bed->told, ==, 1);
}

/* Its owner's memory may be another's by then. */
static void test_nothing_after_free(Bed *bed, gconstpointer data G_GNUC_UNUSED) {
  upstream_free(g_steal_pointer(&bed->upstream));
  turn();
  g_assert_cmpuint(bed->told, ==, 0);
}

/* --- long messages --- */

#define LONG_BYTES (2 * UPSTREAM_AT_ONCE_BYTES)
#define N_MESSAGES 6 /* every other one is long */

typedef struct Talk {
  GMainLoop *loop;
  Server *server; /* both ends are on it */
  Upstream *upstream;
  GThread *control;
  guint heard, free_at; /* the upstream is freed by its owner when this one is told; 0: never */
  gboolean is_over;
} Talk;

static _Atomic guint read_elsewhere;

static void say_all(Socket *socket, gpointer user G_GNUC_UNUSED) {
  g_autofree char *text = g_strnfill(LONG_BYTES, 'x');
  for (guint i = 0; i < N_MESSAGES; i++)
    socket_send(socket, json_pack("{s:i, s:s}", "number", i, "text", i % 2 == 0 ? text : ""));
}

static void ignore_message(Socket *socket G_GNUC_UNUSED, json_t *message G_GNUC_UNUSED, gint64 at_us G_GNUC_UNUSED,
                           gpointer user G_GNUC_UNUSED) {}

static void ignore_end(Socket *socket G_GNUC_UNUSED, gpointer user G_GNUC_UNUSED) {}

static void shorten(json_t *message) {
  if (json_string_length(json_object_get(message, "text")) > 0 && !g_main_context_is_owner(NULL))
    atomic_fetch_add(&read_elsewhere, 1);
  json_object_del(message, "text");
}

static void on_said(json_t *message, gpointer user) {
  Talk *talk = user;
  g_assert_true(g_thread_self() == talk->control);
  g_assert_cmpint(json_integer_value(json_object_get(message, "number")), ==, talk->heard);
  g_assert_null(json_object_get(message, "text"));
  talk->heard++;
  if (talk->heard == talk->free_at)
    upstream_free(g_steal_pointer(&talk->upstream));
}

static void on_talk_closed(gboolean was_open G_GNUC_UNUSED, const char *why G_GNUC_UNUSED, gpointer user) {
  Talk *talk = user;
  talk->upstream = NULL;
  talk->is_over = TRUE;
}

static void talk_up(Talk *talk, guint free_at) {
  static const ServerEndpoint endpoint = {
      .path = "/", .protocol = "talk", .type = "type", .opened = say_all, .message = ignore_message, .closed = ignore_end};
  static const UpstreamEvents events = {.message = on_said, .closed = on_talk_closed, .shorten = shorten};
  const ServerConfig config = {.listen = "127.0.0.1:0",
                               .sockets_max = 1,
                               .sockets_per_address_max = 1,
                               .socket_queue_bytes_max = 2 * N_MESSAGES * LONG_BYTES,
                               .messages_per_s_max = 1};
  const ServerEvents at_server = {.endpoints = {&endpoint}};
  g_autoptr(GError) error = NULL;
  *talk = (Talk){.control = g_thread_self(), .free_at = free_at, .loop = g_main_loop_new(NULL, FALSE)};
  atomic_store(&read_elsewhere, 0);
  talk->server = server_new(&config, &at_server, talk->loop, &error);
  g_assert_no_error(error);
  g_autofree char *url = g_strdup_printf("ws://127.0.0.1:%u/", server_port(talk->server));
  talk->upstream = upstream_open(talk->server, url, "talk", UPSTREAM_MESSAGE_BYTES_MAX, &events, talk);
}

static void talk_down(Talk *talk) {
  upstream_free(talk->upstream);
  server_free(talk->server);
  g_main_loop_unref(talk->loop);
}

static void test_long_messages(void) {
  Talk talk;
  talk_up(&talk, 0);
  while (talk.heard < N_MESSAGES && !talk.is_over)
    g_main_context_iteration(NULL, TRUE);
  g_assert_cmpuint(talk.heard, ==, N_MESSAGES);
  g_assert_cmpuint(atomic_load(&read_elsewhere), ==, N_MESSAGES / 2);
  talk_down(&talk);
}

/* Whoever is told may end it, then and there: nothing more is told, and nothing is left behind. */
static void test_freed_when_told(void) {
  for (guint at = 1; at <= N_MESSAGES; at++) {
    Talk talk;
    talk_up(&talk, at);
    while (talk.heard < at)
      g_main_context_iteration(NULL, TRUE);
    turn();
    g_assert_cmpuint(talk.heard, ==, at);
    talk_down(&talk);
  }
}

/* The server ends while a thread reads. */
static void test_ended_while_read(void) {
  for (guint at = 0; at < 20; at++) {
    Talk talk;
    talk_up(&talk, 0);
    while (talk.heard == 0)
      g_main_context_iteration(NULL, TRUE);
    for (guint i = 0; i < at; i++)
      g_main_context_iteration(NULL, FALSE);
    talk_down(&talk);
    turn();
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add("/signaling/upstream/overflow-is-told", Bed, NULL, bed_up, test_overflow_is_told, bed_down);
  g_test_add("/signaling/upstream/nothing-after-free", Bed, NULL, bed_up, test_nothing_after_free, bed_down);
  g_test_add_func("/signaling/upstream/long-messages", test_long_messages);
  g_test_add_func("/signaling/upstream/freed-when-told", test_freed_when_told);
  g_test_add_func("/signaling/upstream/ended-while-read", test_ended_while_read);
  return g_test_run();
}
