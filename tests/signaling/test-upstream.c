/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's own WebSocket to a server that takes the connection and never reads. */
#include "signaling/upstream.h"

#include <gio/gio.h>

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
  static const UpstreamEvents events = {on_message, on_closed};
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

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add("/signaling/upstream/overflow-is-told", Bed, NULL, bed_up, test_overflow_is_told, bed_down);
  g_test_add("/signaling/upstream/nothing-after-free", Bed, NULL, bed_up, test_nothing_after_free, bed_down);
  return g_test_run();
}
