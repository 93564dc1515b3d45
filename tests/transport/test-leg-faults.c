/* SPDX-License-Identifier: Apache-2.0 */
/* FAULTS.md 1 to 6: what comes before, instead of, or against a proper ICE check and DTLS handshake. */
#include "pipelines/transport/dtls.h"
#include "tests/transport/bed.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MS  3000
#define EARLY_TIMES 200

static Bed *plain_bed(void) {
  return bed_new("127.0.0.1", "127.0.0.1");
}

static int raw_socket(const Bed *bed) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(worker_port(bed->worker)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint(connect(fd, (struct sockaddr *)&to, sizeof to), ==, 0);
  return fd;
}

static gsize exchange_within(int fd, const guint8 *bytes, gsize n, guint ms) {
  guint8 answer[2048];
  struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  g_assert_cmpint(send(fd, bytes, n, 0), ==, (ssize_t)n);
  ssize_t got = recv(fd, answer, sizeof answer, 0);
  return got > 0 ? (gsize)got : 0;
}

static gsize exchange(int fd, const guint8 *bytes, gsize n) {
  return exchange_within(fd, bytes, n, 2000);
}

/* Nothing comes back. */
static gboolean is_ignored(int fd, const guint8 *bytes, gsize n) {
  return exchange_within(fd, bytes, n, 50) == 0;
}

/* A ClientHello before the first check is dropped, and the call connects anyway. */
static void test_early_client_hello(void) {
  g_autoptr(Bed) bed = plain_bed();
  PeerConfig config = {.dtls_client = TRUE, .early_client_hello = TRUE, .no_checks = TRUE};
  guint connected = 0;
  for (guint i = 0; i < EARLY_TIMES; i++) {
    bed->n_legs = 0;
    memset(bed->legs, 0, sizeof bed->legs);
    BedLeg *leg = bed_leg(bed);
    guint64 refused = worker_stats(bed->worker).refused_dtls;
    g_autoptr(Peer) peer = bed_peer(leg, &config);
    peer_step(peer); /* the ClientHello alone */
    while (worker_stats(bed->worker).refused_dtls == refused)
      peer_run(peer, 1);
    g_assert_cmpint(leg->state, ==, LEG_NEW);
    peer_check(peer, 0, 100, TRUE);
    connected += bed_await_state(leg, peer, LEG_CONNECTED, CONNECT_MS);
    bed_leg_free(leg);
  }
  g_assert_cmpuint(connected, ==, EARLY_TIMES);
}

/* A ClientHello from elsewhere does not disturb a leg that is connected, nor make one. */
static void test_foreign_client_hello(void) {
  g_autoptr(Bed) bed = plain_bed();
  PeerConfig config = {.dtls_client = TRUE};
  g_autoptr(Peer) peer = bed_peer(bed_leg(bed), &config);
  g_assert_true(peer_connect(peer, CONNECT_MS));
  static const guint8 hello[64] = {22, 0xfe, 0xff, [12] = 51, 1};
  int fd = raw_socket(bed);
  g_assert_true(is_ignored(fd, hello, sizeof hello));
  close(fd);
  g_assert_cmpuint(worker_stats(bed->worker).refused_dtls, ==, 1);
  g_assert_true(peer_is_connected(peer));
}

static void refuse(const PeerConfig *config, gboolean wrong_fingerprint) {
  g_autoptr(Bed) bed = plain_bed();
  BedLeg *leg = bed_leg(bed);
  g_autoptr(Peer) stranger = bed_peer(leg, &(PeerConfig){.no_checks = TRUE});
  g_autoptr(Peer) peer = bed_peer(leg, config);
  if (wrong_fingerprint)
    g_assert_true(bed_remote(leg, peer_ufrag(peer), peer_fingerprint(stranger), !config->dtls_client, NULL));
  (void)bed_await(&leg->ended, 1, peer, CONNECT_MS);
  g_assert_cmpuint(leg->ended, ==, 1);
  for (guint16 i = 0; i < 10; i++) {
    guint8 packet[64];
    gsize n = peer_make_rtp(packet, 96, i, i, 1, (const guint8 *)"never", 5);
    if (!peer_send_rtp(peer, packet, n))
      peer_send_raw(peer, packet, n);
  }
  peer_run(peer, 20);
  LegStats stats = bed_leg_stats(leg);
  g_assert_cmpuint(leg->rtp + leg->rtcp + leg->data, ==, 0); /* 0 bytes */
  g_assert_cmpuint(stats.rtp_in + stats.rtp_out, ==, 0);
}

static void test_wrong_fingerprint(void) {
  refuse(&(PeerConfig){.dtls_client = TRUE}, TRUE);
  refuse(&(PeerConfig){.dtls_client = FALSE}, TRUE);
}

static void test_weak_dtls(void) {
  refuse(&(PeerConfig){.dtls_client = TRUE, .dtls_1_0 = TRUE}, FALSE);
  refuse(&(PeerConfig){.dtls_client = FALSE, .dtls_1_0 = TRUE}, FALSE);
  refuse(&(PeerConfig){.dtls_client = TRUE, .ciphers = "eNULL:@SECLEVEL=0"}, FALSE);
  refuse(&(PeerConfig){.dtls_client = TRUE, .ciphers = "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"}, FALSE);
  refuse(&(PeerConfig){.dtls_client = TRUE, .srtp_profiles = ""}, FALSE);
  refuse(&(PeerConfig){.dtls_client = FALSE, .srtp_profiles = ""}, FALSE);
  refuse(&(PeerConfig){.dtls_client = TRUE, .srtp_profiles = "SRTP_AES128_CM_SHA1_32"}, FALSE);
}

/* a=setup or the fingerprint changed in mid-session. */
static void test_flipped_setup(void) {
  g_autoptr(Bed) bed = plain_bed();
  BedLeg *leg = bed_leg(bed);
  PeerConfig config = {.dtls_client = TRUE};
  g_autoptr(Peer) stranger = bed_peer(leg, &(PeerConfig){.no_checks = TRUE});
  g_autoptr(Peer) peer = bed_peer(leg, &config);
  g_assert_true(peer_connect(peer, CONNECT_MS));
  g_autoptr(GError) flipped = NULL, changed = NULL;
  g_assert_false(bed_remote(leg, peer_ufrag(peer), peer_fingerprint(peer), TRUE, &flipped));
  g_assert_error(flipped, TRANSPORT_ERROR, TRANSPORT_ERROR_ARGUMENT);
  g_assert_false(bed_remote(leg, peer_ufrag(peer), peer_fingerprint(stranger), FALSE, &changed));
  g_assert_error(changed, TRANSPORT_ERROR, TRANSPORT_ERROR_ARGUMENT);
  g_assert_true(bed_remote(leg, peer_ufrag(peer), peer_fingerprint(peer), FALSE, NULL));
  g_assert_true(peer_is_connected(peer));
}

static void test_unusable_fingerprints(void) {
  static const char *const bad[] = {
      NULL, "", "sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33", "sha-256 AB:CD", "sha-256", "md5 00", "sha-256 zz:zz"};
  g_autoptr(Bed) bed = plain_bed();
  BedLeg *leg = bed_leg(bed);
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_false(bed_remote(leg, "ufrag", bad[i], FALSE, &error));
    g_assert_error(error, TRANSPORT_ERROR, TRANSPORT_ERROR_ARGUMENT);
  }
  g_autofree char *several = g_strdup_printf("sha-1 00:11\n%s\n", transport_fingerprint());
  g_assert_true(bed_remote(leg, "ufrag", several, FALSE, NULL));
}

/* One ClientHello fragment of 1,000 bytes, in a record of its own. */
static gsize make_fragment(guint8 *record, guint number, guint message_bytes, guint message, guint offset) {
  guint payload = 12 + 1000;
  const guint8 head[25] = {22,
                           0xfe,
                           0xfd,
                           [9] = (guint8)(number >> 8),
                           (guint8)number,
                           (guint8)(payload >> 8),
                           (guint8)payload,
                           1,
                           (guint8)(message_bytes >> 16),
                           (guint8)(message_bytes >> 8),
                           (guint8)message_bytes,
                           (guint8)(message >> 8),
                           (guint8)message,
                           (guint8)(offset >> 16),
                           (guint8)(offset >> 8),
                           (guint8)offset,
                           0,
                           3,
                           0xe8};
  memset(record, 0, 13 + payload);
  memcpy(record, head, sizeof head);
  return 13 + payload;
}

/* Overlapping and huge fragments, in and out of order, without end: the leg ends after a bounded number of them. */
static void fragments(guint message_bytes, guint messages) {
  g_autoptr(Bed) bed = plain_bed();
  BedLeg *leg = bed_leg(bed);
  PeerConfig config = {.dtls_client = TRUE, .no_checks = TRUE, .no_dtls = TRUE};
  g_autoptr(Peer) peer = bed_peer(leg, &config);
  peer_check(peer, 0, 100, TRUE);
  g_assert_true(bed_await_state(leg, peer, LEG_CHECKED, 1000));
  guint8 record[13 + 12 + 1000];
  for (guint i = 0; i < 2 * DTLS_HANDSHAKE_DATAGRAMS_MAX && leg->ended == 0; i++) {
    guint message = 1 + i % messages, offset = i * 700 % (message_bytes - 1000);
    peer_send_raw(peer, record, make_fragment(record, i, message_bytes, message, offset));
    if (i % 16 == 15)
      peer_run(peer, 1);
  }
  g_assert_true(bed_await(&leg->ended, 1, peer, 1000));
  g_assert_cmpuint(worker_stats(bed->worker).packets_out, <, DTLS_HANDSHAKE_DATAGRAMS_MAX);
}

static void test_fragments(void) {
  fragments(0xfffff0, 1);
  fragments(12000, 1);
  fragments(12000, 16);
}

/* Authenticated, but the handshake never ends: timeout. */
static void test_stalled_handshake(void) {
  g_autoptr(Bed) bed = plain_bed();
  BedLeg *leg = bed_leg(bed);
  PeerConfig config = {.dtls_client = FALSE, .no_checks = TRUE, .no_dtls = TRUE};
  g_autoptr(Peer) peer = bed_peer(leg, &config);
  guint8 check[512];
  gsize n = peer_make_check(peer, check, sizeof check, 100, TRUE);
  int fd = raw_socket(bed); /* a socket that never answers the ClientHello */
  g_assert_cmpuint(exchange(fd, check, n), >, 0);
  bed_advance_clock(bed, 31 * G_USEC_PER_SEC);
  g_assert_true(bed_await(&leg->ended, 1, peer, 1000));
  close(fd);
}

/* Bad MESSAGE-INTEGRITY, USERNAME, FINGERPRINT: no word, no change. */
static void test_bad_checks(void) {
  g_autoptr(Bed) bed = plain_bed();
  BedLeg *leg = bed_leg(bed);
  PeerConfig config = {.dtls_client = TRUE, .no_checks = TRUE};
  g_autoptr(Peer) peer = bed_peer(leg, &config);
  int fd = raw_socket(bed);
  g_autofree char *ufrag = g_strdup(peer_ufrag(peer));
  guint8 good[512], bad[512];
  gsize n = peer_make_check(peer, good, sizeof good, 100, TRUE);
  memcpy(bad, good, n);
  bad[n - 8 - 4] ^= 1; /* within MESSAGE-INTEGRITY; FINGERPRINT is wrong, too */
  g_assert_true(is_ignored(fd, bad, n));
  memcpy(bad, good, n);
  bad[n - 1] ^= 1; /* FINGERPRINT */
  g_assert_true(is_ignored(fd, bad, n));
  static const char *const wrong[][3] = {{"", NULL, "wrongpasswordwrongpassword00"}, {"nobodyhere", NULL, NULL}, {"", "stranger", NULL}};
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
    peer_restart(peer, wrong[i][1] != NULL ? wrong[i][1] : ufrag, NULL, wrong[i][0][0] != '\0' ? wrong[i][0] : leg->local.ufrag,
                 wrong[i][2] != NULL ? wrong[i][2] : leg->local.pwd);
    gsize bytes = peer_make_check(peer, bad, sizeof bad, 100, TRUE);
    g_assert_true(is_ignored(fd, bad, bytes));
  }
  static const guint8 bare[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}; /* a binding request without anything */
  g_assert_true(is_ignored(fd, bare, sizeof bare));
  g_assert_cmpint(leg->state, ==, LEG_NEW);
  g_assert_cmpuint(worker_stats(bed->worker).refused_stun, ==, 6);
  gsize reply = exchange(fd, good, n);
  g_assert_cmpuint(reply, >, 0);
  g_assert_cmpuint(reply, <=, n);
  close(fd);
}

/* 1,000 source ports with valid checks, all nominating: the path with media stays, and goes on carrying it. */
static void test_thousand_ports(void) {
  g_autoptr(Bed) bed = plain_bed();
  BedLeg *leg = bed_leg(bed);
  PeerConfig config = {.dtls_client = TRUE};
  g_autoptr(Peer) peer = bed_peer(leg, &config);
  g_assert_true(peer_connect(peer, CONNECT_MS));
  guint8 check[512], packet[64];
  gsize n = peer_make_check(peer, check, sizeof check, 100, TRUE);
  for (guint i = 0; i < 1000; i++) {
    int fd = raw_socket(bed);
    g_assert_cmpint(send(fd, check, n, 0), ==, (ssize_t)n);
    if (i % 50 == 0)
      g_assert_cmpuint(exchange(fd, check, n), >, 0); /* also keeps the pace */
    close(fd);
  }
  for (guint16 i = 0; i < 10; i++)
    g_assert_true(peer_send_rtp(peer, packet, peer_make_rtp(packet, 96, i, i, 1, (const guint8 *)"still here", 10)));
  g_assert_true(bed_await(&leg->rtp, 10, peer, 1000));
  g_assert_cmpuint(worker_stats(bed->worker).refused_unknown, ==, 0);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/transport/leg/fault-1-early-client-hello", test_early_client_hello);
  g_test_add_func("/transport/leg/fault-1-foreign-client-hello", test_foreign_client_hello);
  g_test_add_func("/transport/leg/fault-2-wrong-fingerprint", test_wrong_fingerprint);
  g_test_add_func("/transport/leg/fault-2-unusable-fingerprints", test_unusable_fingerprints);
  g_test_add_func("/transport/leg/fault-3-weak-dtls", test_weak_dtls);
  g_test_add_func("/transport/leg/fault-3-flipped-setup", test_flipped_setup);
  g_test_add_func("/transport/leg/fault-4-fragments", test_fragments);
  g_test_add_func("/transport/leg/fault-4-stalled-handshake", test_stalled_handshake);
  g_test_add_func("/transport/leg/fault-5-bad-checks", test_bad_checks);
  g_test_add_func("/transport/leg/fault-6-thousand-ports", test_thousand_ports);
  return g_test_run();
}
