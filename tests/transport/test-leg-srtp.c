/* SPDX-License-Identifier: Apache-2.0 */
/* FAULTS.md 7, 8, 9, 11, 12 against a connected leg: replays, damage, floods of SSRCs, malformed packets in authentic wrapping. */
#include "pipelines/transport/protection.h"
#include "tests/transport/bed.h"

#include <string.h>

#define CONNECT_MS 3000
#define SSRC       0x55667788u
#define ROOM       1700

typedef struct Rig {
  Bed *bed;
  BedLeg *leg;
  Peer *peer;
} Rig;

static void rig_up(Rig *rig, const char *profiles) {
  PeerConfig config = {.dtls_client = TRUE, .srtp_profiles = profiles};
  rig->bed = bed_new("127.0.0.1", "127.0.0.1");
  rig->leg = bed_leg(rig->bed);
  rig->peer = bed_peer(rig->leg, &config);
  g_assert_true(peer_connect(rig->peer, CONNECT_MS));
  g_assert_true(bed_await_state(rig->leg, rig->peer, LEG_CONNECTED, 1000));
}

static void rig_down(Rig *rig) {
  peer_free(rig->peer);
  bed_free(rig->bed);
}

static gsize sealed(Rig *rig, guint16 seq, guint32 ssrc, guint8 *out) {
  guint8 packet[64];
  gsize n = peer_make_rtp(packet, 96, seq, seq, ssrc, (const guint8 *)"payload", 7);
  gsize bytes = peer_protect_rtp(rig->peer, packet, n, out);
  g_assert_cmpuint(bytes, >, n);
  return bytes;
}

static gboolean handled(gpointer user) {
  Rig *rig = ((gpointer *)user)[0];
  guint64 n = *(guint64 *)((gpointer *)user)[1];
  WorkerStats s = worker_stats(rig->bed->worker);
  return rig->leg->rtp + rig->leg->rtcp + s.refused_srtp + s.refused_ssrc + s.refused_unknown >= n;
}

/* Until everything that was sent has been either passed or refused. */
static void settle(Rig *rig, guint64 sent) {
  gpointer user[2] = {rig, &sent};
  g_assert_true(peers_run(&rig->peer, 1, handled, user, 3000));
}

static const char *const profiles[] = {"SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_SHA1_80"};

/* In, at and beyond the window, and across a wrap of the sequence number (ROC). */
static void test_replay(gconstpointer profile) {
  Rig rig;
  rig_up(&rig, profile);
  guint n = PROTECTION_WINDOW_PACKETS + 200;
  g_autofree guint8 *all = g_malloc(n * ROOM);
  g_autofree gsize *bytes = g_new(gsize, n);
  guint sent = 0;
  for (guint i = 0; i < n; i++) {
    bytes[i] = sealed(&rig, (guint16)(65535 - n / 2 + i), SSRC, all + i * ROOM);
    peer_send_raw(rig.peer, all + i * ROOM, bytes[i]);
    if (++sent % 100 == 0)
      settle(&rig, sent);
  }
  settle(&rig, sent);
  g_assert_cmpuint(rig.leg->rtp, ==, n);
  for (guint i = 0; i < n; i++) {
    peer_send_raw(rig.peer, all + i * ROOM, bytes[i]);
    if (++sent % 100 == 0)
      settle(&rig, sent);
  }
  settle(&rig, sent);
  g_assert_cmpuint(rig.leg->rtp, ==, n); /* each at most once */
  g_assert_cmpuint(bed_leg_stats(rig.leg).refused, ==, n);
  rig_down(&rig);
}

/* Late within the window passes: it is not a replay. */
static void test_reordered(void) {
  Rig rig;
  rig_up(&rig, NULL);
  guint8 late[ROOM], packet[ROOM];
  gsize late_bytes = sealed(&rig, 1, SSRC, late);
  for (guint16 i = 2; i < 900; i++)
    peer_send_raw(rig.peer, packet, sealed(&rig, i, SSRC, packet));
  peer_send_raw(rig.peer, late, late_bytes);
  settle(&rig, 899);
  g_assert_cmpuint(rig.leg->rtp, ==, 899);
  rig_down(&rig);
}

/* Fault 8: truncated, huge, damaged; the next good packet works. */
static void test_damage(gconstpointer profile) {
  Rig rig;
  rig_up(&rig, profile);
  guint8 good[ROOM], bad[ROOM];
  g_autofree guint8 *huge = g_malloc0(65507);
  guint sent = 0;
  gsize n = sealed(&rig, 1, SSRC, good);
  for (gsize cut = 2; cut < n; cut++, sent++)
    peer_send_raw(rig.peer, good, cut);
  for (gsize at = 0; at < n; at++, sent++) {
    memcpy(bad, good, n);
    bad[at] ^= at == 0 ? 0x10 : 0x80; /* never a valid packet: the header is authenticated, too */
    if (at == 1)
      bad[at] = 200; /* as RTCP */
    peer_send_raw(rig.peer, bad, n);
  }
  huge[0] = 0x80;
  peer_send_raw(rig.peer, huge, 65507);
  peer_send_raw(rig.peer, huge, 1501);
  sent += 2;
  settle(&rig, sent);
  g_assert_cmpuint(rig.leg->rtp + rig.leg->rtcp, ==, 0);
  peer_send_raw(rig.peer, good, n);
  g_assert_true(bed_await(&rig.leg->rtp, 1, rig.peer, 1000));
  rig_down(&rig);
}

/* Fault 9: 10,000 SSRCs from an authenticated peer; those that came first go on. */
static void test_many_ssrcs(void) {
  Rig rig;
  rig_up(&rig, NULL);
  guint8 packet[ROOM];
  guint sent = 0;
  for (guint32 i = 0; i < 10000; i++) {
    peer_send_raw(rig.peer, packet, sealed(&rig, 1, 1000 + i, packet));
    if (++sent % 100 == 0)
      settle(&rig, sent);
  }
  g_assert_cmpuint(rig.leg->rtp, ==, PROTECTION_SSRCS_CLIENT);
  g_assert_cmpuint(worker_stats(rig.bed->worker).refused_ssrc, ==, 10000 - PROTECTION_SSRCS_CLIENT);
  peer_send_raw(rig.peer, packet, sealed(&rig, 2, 1000, packet));
  g_assert_true(bed_await(&rig.leg->rtp, PROTECTION_SSRCS_CLIENT + 1, rig.peer, 1000));
  rig_down(&rig);
}

typedef struct Malformed {
  const char *bytes;
  gsize n;
} Malformed;
#define MALFORMED(s)                                                                                                                       \
  { s, sizeof s - 1 }

/* Fault 11: authentic SRTP, nonsense inside. What libsrtp itself would not seal is sealed around a fitting header and cannot be made here. */
static void test_malformed(gconstpointer profile) {
  static const Malformed packets[] = {
      MALFORMED("\xa0\x60\0\1\0\0\0\1\0\0\0\1xx\xff"),                        /* padding beyond the payload */
      MALFORMED("\xa0\x60\0\2\0\0\0\1\0\0\0\1xxx\0"),                         /* padding of 0 */
      MALFORMED("\x90\x60\0\3\0\0\0\1\0\0\0\1\xbe\xde\0\1\x1f\0\0\0payload"), /* extension element overruns */
      MALFORMED("\x90\x60\0\4\0\0\0\1\0\0\0\1\x10\0\0\1\1\xff\0\0payload"),   /* the same, two-byte form */
      MALFORMED("\x8f\x60\0\5\0\0\0\1\0\0\0\1"
                "123456789012345678901234567890123456789012345678901234567890"
                "payload"), /* CSRC=15 */
  };
  Rig rig;
  rig_up(&rig, profile);
  guint8 out[ROOM];
  for (guint i = 0; i < G_N_ELEMENTS(packets); i++) {
    gsize n = peer_protect_rtp(rig.peer, (const guint8 *)packets[i].bytes, packets[i].n, out);
    g_assert_cmpuint(n, >, 0);
    peer_send_raw(rig.peer, out, n);
  }
  settle(&rig, G_N_ELEMENTS(packets));
  g_assert_cmpuint(rig.leg->rtp, ==, 0);
  peer_send_raw(rig.peer, out, sealed(&rig, 100, 1, out));
  g_assert_true(bed_await(&rig.leg->rtp, 1, rig.peer, 1000));
  rig_down(&rig);
}

/* Fault 12 and the E bit: authentic SRTCP whose lengths lie; SRTCP that says it is not encrypted. */
static void test_rtcp(gconstpointer profile) {
  static const guint8 lies[] = {0x80, 0xc9, 0, 9, 0, 0, 0, 1}, good[] = {0x80, 0xc9, 0, 1, 0, 0, 0, 1};
  Rig rig;
  rig_up(&rig, profile);
  guint8 out[ROOM];
  peer_send_raw(rig.peer, out, peer_protect_rtcp(rig.peer, lies, sizeof lies, out));
  gsize n = peer_protect_rtcp(rig.peer, good, sizeof good, out);
  gsize index_at = n - 4 - (profile == profiles[1] ? 10 : 0);
  g_assert_cmpuint(out[index_at] & 0x80, ==, 0x80);
  out[index_at] &= 0x7f;
  peer_send_raw(rig.peer, out, n);
  settle(&rig, 2);
  g_assert_cmpuint(rig.leg->rtcp, ==, 0);
  out[index_at] |= 0x80;
  peer_send_raw(rig.peer, out, n);
  g_assert_true(bed_await(&rig.leg->rtcp, 1, rig.peer, 1000));
  peer_send_raw(rig.peer, out, n); /* replayed */
  settle(&rig, 4);
  g_assert_cmpuint(rig.leg->rtcp, ==, 1);
  rig_down(&rig);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  static const char *const names[] = {"gcm", "cm"};
  for (guint i = 0; i < G_N_ELEMENTS(profiles); i++) {
    g_autofree char *replay = g_strdup_printf("/transport/srtp/fault-7-replay-%s", names[i]);
    g_autofree char *damage = g_strdup_printf("/transport/srtp/fault-8-damage-%s", names[i]);
    g_autofree char *malformed = g_strdup_printf("/transport/srtp/fault-11-malformed-%s", names[i]);
    g_autofree char *rtcp = g_strdup_printf("/transport/srtp/fault-12-rtcp-%s", names[i]);
    g_test_add_data_func(replay, profiles[i], test_replay);
    g_test_add_data_func(damage, profiles[i], test_damage);
    g_test_add_data_func(malformed, profiles[i], test_malformed);
    g_test_add_data_func(rtcp, profiles[i], test_rtcp);
  }
  g_test_add_func("/transport/srtp/fault-7-reordered-passes", test_reordered);
  g_test_add_func("/transport/srtp/fault-9-many-ssrcs", test_many_ssrcs);
  return g_test_run();
}
