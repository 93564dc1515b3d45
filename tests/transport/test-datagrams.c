/* SPDX-License-Identifier: Apache-2.0 */
/* What goes into an outbox comes out on the wire: every datagram whole, in its order for each peer, however they are sent together. */
#include "pipelines/transport/datagrams.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS 3

typedef struct Net {
  int gate, peers[PEERS];
  Address to[PEERS];
  guint8 sent[PEERS], seen[PEERS]; /* the next datagram's number */
} Net;

static int bound_socket(int family, struct sockaddr_storage *name) {
  const int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  const gboolean v4 = family == AF_INET;
  g_assert_cmpint(bind(fd, v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6, v4 ? sizeof in : sizeof in6), ==, 0);
  socklen_t n = sizeof *name;
  g_assert_cmpint(getsockname(fd, (struct sockaddr *)name, &n), ==, 0);
  return fd;
}

static Net net_up(int family) {
  Net net = {0};
  struct sockaddr_storage gate, peer;
  Address local;
  net.gate = bound_socket(family, &gate);
  g_assert_true(address_from_sockaddr(&local, &gate));
  for (guint i = 0; i < PEERS; i++) {
    net.peers[i] = bound_socket(family, &peer);
    g_assert_true(address_from_sockaddr(&net.to[i], &peer));
    memcpy(net.to[i].local, local.ip, sizeof local.ip);
  }
  return net;
}

static void net_down(Net *net) {
  close(net->gate);
  for (guint i = 0; i < PEERS; i++)
    close(net->peers[i]);
}

static void add(Net *net, Outbox *outbox, guint peer, gsize n, gboolean stays) {
  static guint8 kept[DATAGRAMS_BATCH][WORKER_PACKET_ROOM_BYTES];
  static guint next;
  guint8 *bytes = kept[next++ % DATAGRAMS_BATCH];
  memset(bytes, (int)n, n);
  bytes[0] = net->sent[peer]++;
  outbox_add(outbox, &net->to[peer], bytes, n, stays);
  if (!stays)
    memset(bytes, 0xee, n); /* it was copied */
}

static void expect(Net *net, guint peer, gsize n) {
  guint8 bytes[2000];
  g_assert_cmpint(recv(net->peers[peer], bytes, sizeof bytes, 0), ==, (ssize_t)n);
  g_assert_cmpuint(bytes[0], ==, net->seen[peer]++);
  for (gsize i = 1; i < n; i++)
    g_assert_cmpuint(bytes[i], ==, (guint8)n);
}

static void expect_no_more(Net *net) {
  guint8 byte;
  for (guint i = 0; i < PEERS; i++)
    g_assert_cmpint(recv(net->peers[i], &byte, 1, 0), ==, -1);
}

/* Sizes that end a run, that are too large for one, and peers between: (peer, size). */
static const struct {
  guint peer;
  gsize n;
} mixed[] = {{0, 1100}, {0, 1100}, {0, 1100}, {0, 300}, {0, 1100}, {1, 1100}, {1, 1100}, {0, 1100}, {2, 50},
             {2, 51},   {2, 51},   {2, 50},   {2, 50},  {0, 1500}, {0, 1500}, {1, 1400}, {1, 1400}, {1, 1401}};

static void exchange(Net *net, Outbox *outbox) {
  gsize bytes = 0;
  for (guint i = 0; i < G_N_ELEMENTS(mixed); i++) {
    add(net, outbox, mixed[i].peer, mixed[i].n, i % 3 != 0);
    bytes += mixed[i].n;
  }
  const OutboxResult result = outbox_flush(outbox, net->gate);
  g_assert_cmpuint(result.sent, ==, G_N_ELEMENTS(mixed));
  g_assert_cmpuint(result.bytes, ==, bytes);
  g_assert_cmpuint(result.failed, ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS(mixed); i++)
    expect(net, mixed[i].peer, mixed[i].n);
  expect_no_more(net);
}

static void test_in_order(gconstpointer family) {
  for (guint pktinfo = 0; pktinfo < 2; pktinfo++) {
    Net net = net_up(GPOINTER_TO_INT(family));
    Outbox *outbox = outbox_new(GPOINTER_TO_INT(family), pktinfo == 1);
    for (guint times = 0; times < 3; times++)
      exchange(&net, outbox);
    outbox_free(outbox);
    net_down(&net);
  }
}

/* Also where all is for one peer and is together more than one message can be: the kernel is asked for nothing that it has to refuse, after which
 * this outbox would make no runs any more. */
static void test_full(gconstpointer family) {
  Net net = net_up(GPOINTER_TO_INT(family));
  Outbox *outbox = outbox_new(GPOINTER_TO_INT(family), FALSE);
  for (gsize n = 700; n <= 1400; n += 100) {
    for (guint i = 0; i < DATAGRAMS_BATCH; i++) {
      g_assert_false(outbox_is_full(outbox));
      add(&net, outbox, 0, n, TRUE);
    }
    g_assert_true(outbox_is_full(outbox));
    g_assert_cmpuint(outbox_flush(outbox, net.gate).sent, ==, DATAGRAMS_BATCH);
    for (guint i = 0; i < DATAGRAMS_BATCH; i++)
      expect(&net, 0, n);
    g_assert_cmpuint(outbox_flush(outbox, net.gate).sent, ==, 0);
    g_assert_true(outbox_makes_runs(outbox));
  }
  outbox_free(outbox);
  net_down(&net);
}

/* A socket without checksums takes no runs (as do paths that are narrower than the datagrams): nothing is lost by it. */
static void test_kernel_takes_no_runs(void) {
  Net net = net_up(AF_INET);
  int on = 1;
  g_assert_cmpint(setsockopt(net.gate, SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), ==, 0);
  Outbox *outbox = outbox_new(AF_INET, TRUE);
  for (guint times = 0; times < 3; times++)
    exchange(&net, outbox);
  g_assert_false(outbox_makes_runs(outbox));
  outbox_free(outbox);
  net_down(&net);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_data_func("/datagrams/in-order/ipv4", GINT_TO_POINTER(AF_INET), test_in_order);
  g_test_add_data_func("/datagrams/in-order/ipv6", GINT_TO_POINTER(AF_INET6), test_in_order);
  g_test_add_data_func("/datagrams/full/ipv4", GINT_TO_POINTER(AF_INET), test_full);
  g_test_add_data_func("/datagrams/full/ipv6", GINT_TO_POINTER(AF_INET6), test_full);
  g_test_add_func("/datagrams/kernel-takes-no-runs", test_kernel_takes_no_runs);
  return g_test_run();
}
