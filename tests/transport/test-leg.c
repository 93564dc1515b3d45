/* SPDX-License-Identifier: Apache-2.0 */
/* A leg on a real socket with a real peer: connecting in every role and family, forwarding, restart, nomination, life cycle. */
#include "tests/transport/bed.h"

#include <string.h>

#define CONNECT_MS 3000
#define SSRC       0x11223344u

typedef struct Heard {
  guint rtp, rtcp, data;
  guint8 last[1600];
  gsize last_bytes;
} Heard;

static void heard_keep(Heard *heard, const guint8 *bytes, gsize n) {
  heard->last_bytes = MIN(n, sizeof heard->last);
  memcpy(heard->last, bytes, heard->last_bytes);
}

static void on_rtp(Peer *peer, guint8 *packet, gsize n, gpointer user) {
  Heard *heard = user;
  (void)peer;
  heard->rtp++;
  heard_keep(heard, packet, n);
}

static void on_rtcp(Peer *peer, guint8 *packet, gsize n, gpointer user) {
  Heard *heard = user;
  (void)peer;
  heard->rtcp++;
  heard_keep(heard, packet, n);
}

static void on_data(Peer *peer, const guint8 *bytes, gsize n, gpointer user) {
  Heard *heard = user;
  (void)peer;
  heard->data++;
  heard_keep(heard, bytes, n);
}

static PeerConfig peer_config(Heard *heard, gboolean dtls_client) {
  return (PeerConfig){.dtls_client = dtls_client, .events = {on_rtp, on_rtcp, on_data, heard}};
}

static gboolean heard_rtp(gpointer user) {
  return ((Heard *)user)->rtp > 0;
}
static gboolean heard_rtcp(gpointer user) {
  return ((Heard *)user)->rtcp > 0;
}
static gboolean heard_data(gpointer user) {
  return ((Heard *)user)->data > 0;
}

/* One packet from one peer comes out at the other, byte for byte. */
static void pass_rtp(Peer *from, Peer *to, Heard *at, guint16 seq) {
  guint8 packet[1400];
  Peer *both[2] = {from, to};
  gsize n = peer_make_rtp(packet, 96, seq, 90u * seq, SSRC, (const guint8 *)"hello from here", 15);
  at->rtp = 0;
  g_assert_true(peer_send_rtp(from, packet, n));
  g_assert_true(peers_run(both, 2, heard_rtp, at, 1000));
  g_assert_cmpmem(at->last, at->last_bytes, packet, n);
}

static void pass_rtcp(Peer *from, Peer *to, Heard *at) {
  static const guint8 pli[] = {0x81, 0xce, 0, 2, 0, 0, 0, 1, 0x11, 0x22, 0x33, 0x44};
  Peer *both[2] = {from, to};
  at->rtcp = 0;
  g_assert_true(peer_send_rtcp(from, pli, sizeof pli));
  g_assert_true(peers_run(both, 2, heard_rtcp, at, 1000));
  g_assert_cmpmem(at->last, at->last_bytes, pli, sizeof pli);
}

static void pass_data(Peer *from, Peer *to, Heard *at) {
  guint8 record[1150];
  Peer *both[2] = {from, to};
  memset(record, 'd', sizeof record);
  at->data = 0;
  g_assert_true(peer_send_data(from, record, sizeof record));
  g_assert_true(peers_run(both, 2, heard_data, at, 1000));
  g_assert_cmpmem(at->last, at->last_bytes, record, sizeof record);
}

typedef struct Setup {
  const char *bind, *peer;
  gboolean dtls_client;
  const char *profiles;
} Setup;

static void two_legs(const Setup *setup) {
  g_autoptr(Bed) bed = bed_new(setup->bind, setup->peer);
  BedLeg *a = bed_leg(bed), *b = bed_leg(bed);
  bed_join(a, b);
  Heard at_alice = {0}, at_bob = {0};
  PeerConfig config = peer_config(&at_alice, setup->dtls_client);
  config.srtp_profiles = setup->profiles;
  g_autoptr(Peer) alice = bed_peer(a, &config);
  config = peer_config(&at_bob, !setup->dtls_client);
  g_autoptr(Peer) bob = bed_peer(b, &config);
  g_assert_true(peer_connect(alice, CONNECT_MS));
  g_assert_true(peer_connect(bob, CONNECT_MS));
  g_assert_true(bed_await_state(a, alice, LEG_CONNECTED, 1000));
  g_assert_true(bed_await_state(b, bob, LEG_CONNECTED, 1000));
  for (guint16 i = 0; i < 20; i++) {
    pass_rtp(alice, bob, &at_bob, i);
    pass_rtp(bob, alice, &at_alice, i);
  }
  pass_rtcp(alice, bob, &at_bob);
  pass_rtcp(bob, alice, &at_alice);
  pass_data(alice, bob, &at_bob);
  pass_data(bob, alice, &at_alice);
  LegStats stats = bed_leg_stats(a);
  g_assert_cmpuint(stats.rtp_in, ==, 20);
  g_assert_cmpuint(stats.rtp_out, ==, 20);
  g_assert_cmpuint(stats.rtcp_in, ==, 1);
  g_assert_cmpuint(stats.refused, ==, 0);
  WorkerStats worker = worker_stats(bed->worker);
  g_assert_cmpuint(worker.legs, ==, 2);
  g_assert_cmpuint(worker.send_failed, ==, 0);
  g_assert_cmpuint(worker.socket_overflow, ==, 0);
}

static void test_two_legs(gconstpointer data) {
  two_legs(data);
}

/* A socket on all addresses answers from the one that was asked: the peer's socket is connected and takes no other. 127.0.0.2 is not the
 * address that the kernel would choose. */
static const Setup setups[] = {
    {"127.0.0.1", "127.0.0.1", TRUE, NULL},
    {"127.0.0.1", "127.0.0.1", FALSE, NULL},
    {"127.0.0.1", "127.0.0.1", TRUE, "SRTP_AES128_CM_SHA1_80"},
    {"127.0.0.1", "127.0.0.1", FALSE, "SRTP_AES128_CM_SHA1_80"},
    {"::1", "::1", TRUE, NULL},
    {"::1", "::1", FALSE, NULL},
    {"0.0.0.0", "127.0.0.2", TRUE, NULL},
    {"::", "127.0.0.2", TRUE, NULL},
    {"::", "::1", TRUE, NULL},
};

static BedLeg *connected(Bed *bed, Heard *heard, Peer **peer) {
  BedLeg *leg = bed_leg(bed);
  PeerConfig config = peer_config(heard, TRUE);
  *peer = bed_peer(leg, &config);
  g_assert_true(peer_connect(*peer, CONNECT_MS));
  g_assert_true(bed_await_state(leg, *peer, LEG_CONNECTED, 1000));
  return leg;
}

/* Media is echoed on path `want` when it is sent on path `send`. */
static void echo_comes_on(Peer *peer, Heard *heard, guint send, guint want, guint16 seq) {
  peer_set_path(peer, send);
  pass_rtp(peer, peer, heard, seq);
  g_assert_cmpuint(peer_last_path(peer), ==, want);
}

static gboolean answers_reached(gpointer user) {
  gpointer *pair = user;
  return peer_answered(pair[0]) >= GPOINTER_TO_UINT(pair[1]);
}

static gboolean check_answered(Peer *peer, guint path, guint32 priority, gboolean nominate) {
  gpointer wanted[2] = {peer, GUINT_TO_POINTER(peer_answered(peer) + 1)};
  peer_check(peer, path, priority, nominate);
  return peers_run(&peer, 1, answers_reached, wanted, 500);
}

static void count_data(Worker *worker, gpointer data) {
  (void)worker;
  BedLeg *leg = data;
  g_assert_true(leg_send_data(leg->leg, (const guint8 *)"x", 1));
}

/* Which path the gate chooses by itself, without media that moves it: a data record from the gate. */
static guint path_of_gate(BedLeg *leg, Peer *peer, Heard *heard) {
  heard->data = 0;
  bed_run(leg->bed, count_data, leg);
  g_assert_true(peers_run(&peer, 1, heard_data, heard, 1000));
  return peer_last_path(peer);
}

static void test_double_nomination(void) {
  g_autoptr(Bed) bed = bed_new("127.0.0.1", "127.0.0.1");
  Heard heard = {0};
  g_autoptr(Peer) peer = NULL;
  BedLeg *leg = connected(bed, &heard, &peer);
  guint second = peer_add_path(peer);
  for (guint i = 0; i < 20; i++) {
    g_assert_true(check_answered(peer, second, 1000, TRUE)); /* lower PRIORITY */
    g_assert_cmpuint(path_of_gate(leg, peer, &heard), ==, 0);
    g_assert_true(check_answered(peer, 0, 2000, TRUE));
    g_assert_cmpuint(path_of_gate(leg, peer, &heard), ==, 0);
  }
  echo_comes_on(peer, &heard, second, second, 1); /* media moves it */
  g_assert_true(check_answered(peer, 0, 500, TRUE));
  g_assert_cmpuint(path_of_gate(leg, peer, &heard), ==, second);
  g_assert_true(check_answered(peer, 0, 5000, TRUE)); /* higher PRIORITY moves it */
  g_assert_cmpuint(path_of_gate(leg, peer, &heard), ==, 0);
}

static void test_restart(void) {
  g_autoptr(Bed) bed = bed_new("127.0.0.1", "127.0.0.1");
  Heard heard = {0};
  g_autoptr(Peer) peer = NULL;
  BedLeg *leg = connected(bed, &heard, &peer);
  pass_rtp(peer, peer, &heard, 1);
  bed_restart(leg);
  g_assert_true(bed_remote(leg, "newufrag", peer_fingerprint(peer), FALSE, NULL));
  g_assert_true(check_answered(peer, 0, 100, TRUE)); /* the old ones still count */
  pass_rtp(peer, peer, &heard, 2);
  g_autofree char *old_ufrag = g_strdup(peer_ufrag(peer)), *old_pwd = g_strdup(peer_pwd(peer));
  guint second = peer_add_path(peer);
  peer_set_path(peer, second);
  peer_restart(peer, "newufrag", NULL, leg->local.ufrag, leg->local.pwd);
  g_assert_true(check_answered(peer, second, 10, TRUE));
  pass_rtp(peer, peer, &heard, 3);
  g_assert_cmpuint(peer_last_path(peer), ==, second);
  g_assert_true(peer_connect(peer, CONNECT_MS));
  WorkerStats before = worker_stats(bed->worker);
  peer_restart(peer, old_ufrag, old_pwd, "gone", "gonegonegonegonegonegone");
  peer_check(peer, 0, 100, TRUE);
  peer_run(peer, 50);
  g_assert_cmpuint(worker_stats(bed->worker).refused_stun, >, before.refused_stun);
  g_assert_cmpint(leg->state, ==, LEG_CONNECTED);
}

static void test_close_ends(void) {
  g_autoptr(Bed) bed = bed_new("127.0.0.1", "127.0.0.1");
  Heard heard = {0};
  Peer *peer = NULL;
  BedLeg *leg = connected(bed, &heard, &peer);
  peer_free(peer); /* close_notify */
  g_autoptr(Peer) other = NULL;
  (void)connected(bed, &heard, &other);
  g_assert_true(bed_await(&leg->ended, 1, other, 1000));
  g_assert_cmpstr(leg->why, ==, "closed by the peer");
  g_assert_cmpint(leg->state, ==, LEG_ENDED);
}

static void test_free_closes(void) {
  g_autoptr(Bed) bed = bed_new("127.0.0.1", "127.0.0.1");
  Heard heard = {0};
  g_autoptr(Peer) peer = NULL;
  BedLeg *leg = connected(bed, &heard, &peer);
  bed_leg_free(leg);
  peer_run(peer, 100);
  g_assert_true(peer_has_failed(peer));
  g_assert_cmpuint(leg->ended, ==, 0); /* silent */
  g_assert_cmpuint(worker_stats(bed->worker).legs, ==, 0);
}

static void test_silence_ends(void) {
  g_autoptr(Bed) bed = bed_new("127.0.0.1", "127.0.0.1");
  Heard heard = {0};
  g_autoptr(Peer) peer = NULL;
  BedLeg *leg = connected(bed, &heard, &peer);
  bed_advance_clock(bed, 29 * G_USEC_PER_SEC);
  g_assert_true(check_answered(peer, 0, 100, FALSE));
  bed_advance_clock(bed, 29 * G_USEC_PER_SEC);
  g_assert_true(check_answered(peer, 0, 100, FALSE));
  g_assert_cmpint(leg->state, ==, LEG_CONNECTED);
  bed_advance_clock(bed, 31 * G_USEC_PER_SEC);
  g_assert_true(bed_await_state(leg, peer, LEG_ENDED, 1000));
  g_assert_cmpstr(leg->why, ==, "silent for 30 s");
  g_assert_false(check_answered(peer, 0, 100, FALSE));
}

static void test_not_connected_ends(void) {
  g_autoptr(Bed) bed = bed_new("127.0.0.1", "127.0.0.1");
  BedLeg *waiting = bed_leg(bed), *asked = bed_leg(bed);
  PeerConfig config = {.no_checks = TRUE};
  g_autoptr(Peer) peer = bed_peer(asked, &config);
  bed_advance_clock(bed, 29 * G_USEC_PER_SEC);
  peer_run(peer, 50);
  g_assert_cmpuint(asked->ended, ==, 0);
  bed_advance_clock(bed, 2 * G_USEC_PER_SEC);
  g_assert_true(bed_await(&asked->ended, 1, peer, 1000));
  g_assert_cmpstr(asked->why, ==, "not connected within 30 s");
  g_assert_cmpuint(waiting->ended, ==, 0); /* nobody has answered it yet: the owner's to judge */
}

static void count_up(Worker *worker, gpointer data) {
  (void)worker;
  atomic_fetch_add((_Atomic guint *)data, 1);
}

static void count_destroyed(gpointer data) {
  atomic_fetch_add((_Atomic guint *)data + 1, 1);
}

static void test_posts_are_all_destroyed(void) {
  _Atomic guint counts[2] = {0, 0};
  Worker *idle = worker_new("127.0.0.1", 0, NULL);
  worker_post(idle, count_up, counts, count_destroyed);
  worker_free(idle);
  g_assert_cmpuint(counts[0], ==, 0);
  g_assert_cmpuint(counts[1], ==, 1);
  Worker *worker = worker_new("127.0.0.1", 0, NULL);
  worker_start(worker);
  for (guint i = 0; i < 1000; i++)
    worker_post(worker, count_up, counts, count_destroyed);
  worker_free(worker);
  g_assert_cmpuint(counts[1], ==, 1001);
}

static void test_bad_addresses(void) {
  static const char *const bad[] = {"localhost", "", "1.2.3", "192.0.2.1" /* not ours */};
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(worker_new(bad[i], 0, &error));
    g_assert_nonnull(error);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(setups); i++) {
    g_autofree char *path =
        g_strdup_printf("/transport/leg/forwards/%s-%s-%s-%s", setups[i].bind, setups[i].peer,
                        setups[i].dtls_client ? "peer-client" : "peer-server", setups[i].profiles != NULL ? setups[i].profiles : "default");
    g_test_add_data_func(path, &setups[i], test_two_legs);
  }
  g_test_add_func("/transport/leg/double-nomination", test_double_nomination);
  g_test_add_func("/transport/leg/restart", test_restart);
  g_test_add_func("/transport/leg/close-ends", test_close_ends);
  g_test_add_func("/transport/leg/free-closes", test_free_closes);
  g_test_add_func("/transport/leg/silence-ends", test_silence_ends);
  g_test_add_func("/transport/leg/not-connected-ends", test_not_connected_ends);
  g_test_add_func("/transport/worker/posts-are-all-destroyed", test_posts_are_all_destroyed);
  g_test_add_func("/transport/worker/bad-addresses", test_bad_addresses);
  return g_test_run();
}
