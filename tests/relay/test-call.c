/* SPDX-License-Identifier: Apache-2.0 */
/* A call over real sockets: two peers, the gate between them, forwarding, the tap and its one admission check (R7, R9, R10, R11, R15). */
#include "pipelines/relay/call.h"
#include "pipelines/transport/worker-private.h"
#include "tests/transport/peer.h"

#include <pthread.h>
#include <string.h>

static const char *const addresses[] = {"127.0.0.1", NULL};

typedef struct Inbox { /* what a peer got */
  guint rtp, rtcp, data, plis;
  guint8 last_rtp[1500], last_data[64];
  gsize last_rtp_bytes, last_data_bytes;
  guint32 pli_media, pli_sum;
  gsize pli_compound_bytes;
} Inbox;

typedef struct Bed {
  Worker *worker;
  TapRing *ring;
  TapGate gate;
  Call *call;
  Peer *peers[2];
  Inbox inbox[2];
  guint connected, ended, changed[2], done;
  LegCredentials gate_local[2]; /* as each peer learned them */
  CallStats stats;
} Bed;

static void on_rtp(Peer *peer, guint8 *packet, gsize n, gpointer user) {
  (void)peer;
  Inbox *inbox = user;
  inbox->rtp++;
  inbox->last_rtp_bytes = MIN(n, sizeof inbox->last_rtp);
  memcpy(inbox->last_rtp, packet, inbox->last_rtp_bytes);
}

static void on_rtcp(Peer *peer, guint8 *packet, gsize n, gpointer user) {
  (void)peer;
  Inbox *inbox = user;
  inbox->rtcp++;
  if (n < 12 || packet[n - 12] != 0x81 || packet[n - 11] != 206)
    return;
  inbox->plis++;
  inbox->pli_compound_bytes = n;
  memcpy(&inbox->pli_media, packet + n - 4, 4);
  inbox->pli_media = GUINT32_FROM_BE(inbox->pli_media);
  inbox->pli_sum += inbox->pli_media;
}

static void on_data(Peer *peer, const guint8 *bytes, gsize n, gpointer user) {
  (void)peer;
  Inbox *inbox = user;
  inbox->data++;
  inbox->last_data_bytes = MIN(n, sizeof inbox->last_data);
  memcpy(inbox->last_data, bytes, inbox->last_data_bytes);
}

static void on_connected(Call *call, CallSide side, gpointer user) {
  (void)call;
  (void)side;
  ((Bed *)user)->connected++;
}

static void on_ended(Call *call, CallSide side, const char *why, gpointer user) {
  (void)call;
  g_test_message("leg %d ended: %s", side, why);
  ((Bed *)user)->ended++;
}

static void on_changed(Call *call, CallSide side, gpointer user) {
  (void)call;
  ((Bed *)user)->changed[side]++;
}

static void on_done(gpointer user) {
  ((Bed *)user)->done++;
}

static void on_stats(const CallStats *stats, gpointer user) {
  Bed *bed = user;
  bed->stats = *stats;
  bed->done++;
}

typedef gboolean (*Condition)(Bed *bed, guint64 value);

/* Runs both peers and control until the condition holds, at most 5 s. */
static gboolean run_until(Bed *bed, Condition condition, guint64 value) {
  gint64 end_us = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;
  while (!condition(bed, value)) {
    if (g_get_monotonic_time() > end_us)
      return FALSE;
    peers_run(bed->peers, 2, NULL, NULL, 2);
    while (g_main_context_iteration(NULL, FALSE))
      continue;
  }
  return TRUE;
}

static gboolean is_done(Bed *bed, guint64 value) {
  return bed->done >= value;
}
static gboolean is_connected(Bed *bed, guint64 value) {
  return bed->connected >= value && peer_is_connected(bed->peers[0]) && peer_is_connected(bed->peers[1]);
}
static gboolean has_rtp(Bed *bed, guint64 value) {
  return bed->inbox[CALL_B].rtp >= value;
}
static gboolean has_rtp_a(Bed *bed, guint64 value) {
  return bed->inbox[CALL_A].rtp >= value;
}
static gboolean has_rtcp(Bed *bed, guint64 value) {
  return bed->inbox[CALL_B].rtcp >= value;
}
static gboolean has_data(Bed *bed, guint64 value) {
  return bed->inbox[CALL_B].data >= value;
}
static gboolean has_plis(Bed *bed, guint64 value) {
  return bed->inbox[CALL_A].plis >= value;
}

/* The worker has carried out what was posted before. */
static void barrier(Bed *bed) {
  guint before = bed->done;
  call_stats(bed->call, on_stats, bed);
  g_assert_true(run_until(bed, is_done, before + 1));
}

#define VIDEO_SSRC 1001u
#define RTX_SSRC   1002u
#define AUDIO_SSRC 1003u
#define LAYER_SSRC 1004u /* a second layer of simulcast */
#define B_SSRC     2001u /* not declared: told by its MID */

static char *describe(const Peer *peer, const char *setup, const char *ssrcs_audio, const char *ssrcs_video) {
  g_autofree char *transport =
      g_strdup_printf("a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s\r\na=setup:%s\r\na=rtcp-mux\r\na=sendrecv\r\n", peer_ufrag(peer),
                      peer_pwd(peer), peer_fingerprint(peer), setup);
  return g_strdup_printf(
      "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n%sa=mid:0\r\na=rtpmap:111 opus/48000/2\r\n%s"
      "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\n%sa=mid:1\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
      "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n%s"
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n%sa=mid:2\r\na=sctp-port:5000\r\n",
      transport, ssrcs_audio, transport, ssrcs_video, transport);
}

static char *describe_a(Bed *bed) {
  return describe(bed->peers[CALL_A], "actpass", "a=ssrc:1003 cname:a\r\n",
                  "a=ssrc-group:SIM 1001 1004\r\na=ssrc-group:FID 1001 1002\r\na=ssrc:1001 cname:a\r\na=ssrc:1002 cname:a\r\n");
}

static char *pass_on(Bed *bed, CallSide from, SdpType type, const char *sdp) {
  g_autoptr(GError) error = NULL;
  char *out = NULL;
  gboolean ok = call_description(bed->call, from, type, sdp, &out, &error);
  g_assert_no_error(error);
  g_assert_true(ok);
  return out;
}

/* The peer learns of its gate from what it would have been told. */
static void learn(Bed *bed, CallSide side, const char *sdp, SdpType type) {
  g_autoptr(SdpInfo) info = sdp_read(sdp, type, NULL);
  g_assert_nonnull(info);
  Peer *peer = bed->peers[side];
  g_autofree char *ufrag = g_strdup(peer_ufrag(peer)), *pwd = g_strdup(peer_pwd(peer));
  g_strlcpy(bed->gate_local[side].ufrag, info->ufrag, sizeof bed->gate_local[side].ufrag);
  g_strlcpy(bed->gate_local[side].pwd, info->pwd, sizeof bed->gate_local[side].pwd);
  peer_restart(peer, ufrag, pwd, info->ufrag, info->pwd);
}

static void wake_ring(gpointer ring) {
  tap_ring_wake(ring);
}

static void set_after_batch(Worker *worker, gpointer ring) {
  worker_set_after_batch(worker, wake_ring, ring);
}

static void negotiate(Bed *bed, const char *answer_setup) {
  g_autofree char *offer = describe_a(bed), *to_b = pass_on(bed, CALL_A, SDP_OFFER, offer);
  learn(bed, CALL_B, to_b, SDP_OFFER);
  g_autofree char *answer = describe(bed->peers[CALL_B], answer_setup, "", ""), *to_a = pass_on(bed, CALL_B, SDP_ANSWER, answer);
  learn(bed, CALL_A, to_a, SDP_ANSWER);
}

static void bed_new(Bed *bed, gsize ring_bytes, gboolean b_is_client) {
  g_autoptr(GError) error = NULL;
  *bed = (Bed){.worker = worker_new("127.0.0.1", 0, &error)};
  g_assert_no_error(error);
  bed->ring = tap_ring_new(ring_bytes);
  worker_start(bed->worker);
  worker_post(bed->worker, set_after_batch, bed->ring, NULL);
  static const CallEvents events = {.connected = on_connected, .ended = on_ended, .tracks_changed = on_changed};
  CallConfig config = {
      .worker = bed->worker, .ring = bed->ring, .gate = &bed->gate, .addresses = addresses, .port = worker_port(bed->worker)};
  bed->call = call_new(&config, &events, bed);
  for (guint i = 0; i < 2; i++) {
    PeerConfig peer = {.remote_ufrag = "none",
                       .remote_pwd = "nonenonenonenonenonenone",
                       .fingerprint = transport_fingerprint(),
                       .address = "127.0.0.1",
                       .port = worker_port(bed->worker),
                       .dtls_client = i == CALL_A || b_is_client,
                       .events = {on_rtp, on_rtcp, on_data, &bed->inbox[i]}};
    bed->peers[i] = peer_new(&peer);
  }
  negotiate(bed, b_is_client ? "active" : "passive");
  g_assert_null(call_remote_fingerprint(bed->call, CALL_A)); /* announced is not proven */
  g_assert_true(run_until(bed, is_connected, 2));
  for (guint i = 0; i < 2; i++) /* whose media it is (R24) */
    g_assert_cmpstr(call_remote_fingerprint(bed->call, (CallSide)i), ==, peer_fingerprint(bed->peers[i]));
}

static void bed_up(Bed *bed, gconstpointer data) {
  (void)data;
  bed_new(bed, 1 << 20, TRUE);
}

static void bed_up_passive(Bed *bed, gconstpointer data) {
  (void)data;
  bed_new(bed, 1 << 20, FALSE);
}

static void bed_up_small(Bed *bed, gconstpointer data) {
  (void)data;
  bed_new(bed, 4096, TRUE);
}

static void bed_down(Bed *bed, gconstpointer data) {
  (void)data;
  guint before = bed->done;
  call_free(bed->call, on_done, bed);
  g_assert_true(run_until(bed, is_done, before + 1));
  peer_free(bed->peers[0]);
  peer_free(bed->peers[1]);
  worker_free(bed->worker);
  tap_ring_free(bed->ring);
}

/* What `video` made of this number, sent again (RFC 4588). */
static gsize retransmission(guint8 *out, guint16 sequence, guint16 original) {
  guint8 payload[202] = {(guint8)(original >> 8), (guint8)original};
  memset(payload + 2, (int)(original & 0xff), sizeof payload - 2);
  return peer_make_rtp(out, 97, sequence, 3000u * original, RTX_SSRC, payload, sizeof payload);
}

static gsize video(guint8 *out, guint16 sequence, guint32 ssrc, guint8 pt) {
  guint8 payload[200];
  memset(payload, (int)(sequence & 0xff), sizeof payload);
  return peer_make_rtp(out, pt, sequence, 3000u * sequence, ssrc, payload, sizeof payload);
}

/* n packets from A, each waited for at B, so that what the ring holds afterwards is all there will be. */
static void send_video(Bed *bed, guint16 first, guint n) {
  guint8 packet[1500];
  for (guint16 i = 0; i < n; i++) {
    gsize bytes = video(packet, (guint16)(first + i), VIDEO_SSRC, 96);
    guint before = bed->inbox[CALL_B].rtp;
    g_assert_true(peer_send_rtp(bed->peers[CALL_A], packet, bytes));
    g_assert_true(run_until(bed, has_rtp, before + 1));
  }
}

static guint drain(Bed *bed, TapRecordType type, TapRecord *last, guint8 *bytes) {
  TapRecord record = {0};
  const guint8 *lent;
  guint n = 0;
  while (tap_ring_pop(bed->ring, &record, &lent)) {
    if (record.type != type)
      continue;
    n++;
    if (last != NULL)
      *last = record;
    if (bytes != NULL)
      memcpy(bytes, lent, record.n_bytes);
  }
  return n;
}

static gint64 boot_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return (gint64)t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000;
}

static void tap(Bed *bed, CallSide side, guint32 number) {
  CallTap taps[] = {{"0", number + 1}, {"1", number}};
  guint before = bed->done;
  call_set_taps(bed->call, side, taps, 2, on_done, bed);
  g_assert_true(run_until(bed, is_done, before + 1));
}

static void test_forwards(Bed *bed, gconstpointer data) {
  (void)data;
  guint8 packet[1500], report[28] = {0x80, 200, 0, 6, 0, 0, 3, 0xe9};
  gsize n = video(packet, 65535, VIDEO_SSRC, 96);
  g_assert_true(peer_send_rtp(bed->peers[CALL_A], packet, n));
  g_assert_true(run_until(bed, has_rtp, 1));
  g_assert_cmpmem(bed->inbox[CALL_B].last_rtp, bed->inbox[CALL_B].last_rtp_bytes, packet, n);
  n = video(packet, 7, B_SSRC, 96);
  g_assert_true(peer_send_rtp(bed->peers[CALL_B], packet, n));
  g_assert_true(run_until(bed, has_rtp_a, 1));
  g_assert_cmpmem(bed->inbox[CALL_A].last_rtp, bed->inbox[CALL_A].last_rtp_bytes, packet, n);
  g_assert_true(peer_send_rtcp(bed->peers[CALL_A], report, sizeof report));
  g_assert_true(run_until(bed, has_rtcp, 1));
  g_assert_true(peer_send_data(bed->peers[CALL_A], (const guint8 *)"SCTP", 4));
  g_assert_true(run_until(bed, has_data, 1));
  g_assert_cmpmem(bed->inbox[CALL_B].last_data, bed->inbox[CALL_B].last_data_bytes, "SCTP", 4);

  barrier(bed);
  g_assert_cmpuint(bed->stats.forwarded[CALL_A], ==, 3);
  g_assert_cmpuint(bed->stats.forwarded[CALL_B], ==, 1);
  g_assert_cmpuint(bed->stats.not_forwarded[CALL_A], ==, 0);
  g_assert_cmpint(bed->stats.state[CALL_A], ==, LEG_CONNECTED);
  g_assert_cmpuint(bed->changed[CALL_A], ==, 1);
  g_assert_cmpuint(call_tracks(bed->call, CALL_A)->len, ==, 2);
}

/* R7, R9, R10, R11: nothing, all, nothing again, and never what came before. */
static void test_tap(Bed *bed, gconstpointer data) {
  (void)data;
  TapRecord record = {0};
  guint8 bytes[1500], sent[1500];
  send_video(bed, 1, 5); /* no tap */
  tap(bed, CALL_A, 50);
  send_video(bed, 6, 5); /* tapped, closed */
  g_assert_cmpuint(drain(bed, TAP_RECORD_RTP, NULL, NULL), ==, 0);
  g_assert_cmpuint(bed->gate.refused_closed, ==, 5);

  tap_gate_permit(&bed->gate, 3, 0, boot_us() + 60 * G_USEC_PER_SEC);
  send_video(bed, 11, 5);
  g_assert_cmpuint(drain(bed, TAP_RECORD_RTP, &record, bytes), ==, 5);
  g_assert_cmpuint(record.take, ==, 3);
  g_assert_cmpuint(record.track, ==, 50);
  g_assert_cmpuint(record.ssrc, ==, VIDEO_SSRC);
  g_assert_cmpmem(bytes, record.n_bytes, sent, video(sent, 15, VIDEO_SSRC, 96)); /* plain, not yet protected for B */

  tap_gate_revoke(&bed->gate);
  send_video(bed, 16, 5);
  tap_gate_permit(&bed->gate, 4, 0, boot_us() - 1);
  send_video(bed, 21, 5);
  g_assert_cmpuint(drain(bed, TAP_RECORD_RTP, NULL, NULL), ==, 0);
  g_assert_cmpuint(bed->gate.refused_expired, ==, 5);
  tap_gate_permit(&bed->gate, 4, 0, boot_us() + 60 * G_USEC_PER_SEC);
  guint before = bed->done;
  call_set_taps(bed->call, CALL_A, NULL, 0, on_done, bed);
  g_assert_true(run_until(bed, is_done, before + 1));
  send_video(bed, 26, 5);
  g_assert_cmpuint(drain(bed, TAP_RECORD_RTP, NULL, NULL), ==, 0);
  g_assert_cmpuint(bed->gate.admitted, ==, 5);
}

static void hold(Worker *worker, gpointer held) {
  (void)worker;
  pthread_mutex_lock(held);
  pthread_mutex_unlock(held);
}

/* R9: packets that wait in the socket when the gate opens came before it. */
static void test_tap_nothing_from_before_the_opening(Bed *bed, gconstpointer data) {
  (void)data;
  pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
  guint8 packet[1500];
  tap(bed, CALL_A, 50);
  pthread_mutex_lock(&held);
  worker_post(bed->worker, hold, &held, NULL);
  for (guint16 seq = 1; seq <= 5; seq++)
    g_assert_true(peer_send_rtp(bed->peers[CALL_A], packet, video(packet, seq, VIDEO_SSRC, 96)));
  tap_gate_permit(&bed->gate, 3, boot_us(), boot_us() + 60 * G_USEC_PER_SEC);
  pthread_mutex_unlock(&held);
  g_assert_true(run_until(bed, has_rtp, 5));
  g_assert_cmpuint(drain(bed, TAP_RECORD_RTP, NULL, NULL), ==, 0);
  worker_look(bed->worker);
  barrier(bed);
  send_video(bed, 6, 5);
  g_assert_cmpuint(drain(bed, TAP_RECORD_RTP, NULL, NULL), ==, 5);
}

/* An SSRC of nobody and an unknown payload type belong to no track, and RTX of a stream that the take has not is none of it. All is forwarded. */
static void test_tap_takes_media_only(Bed *bed, gconstpointer data) {
  (void)data;
  guint8 packet[1500];
  TapRecord record = {0};
  tap(bed, CALL_A, 50);
  tap_gate_permit(&bed->gate, 3, 0, boot_us() + 60 * G_USEC_PER_SEC);
  g_assert_true(peer_send_rtp(bed->peers[CALL_A], packet, video(packet, 1, RTX_SSRC, 97)));
  g_assert_true(run_until(bed, has_rtp, 1));
  g_assert_true(peer_send_rtp(bed->peers[CALL_A], packet, video(packet, 1, 4242, 96)));
  g_assert_true(run_until(bed, has_rtp, 2));
  g_assert_true(peer_send_rtp(bed->peers[CALL_A], packet, video(packet, 1, VIDEO_SSRC, 55)));
  g_assert_true(run_until(bed, has_rtp, 3));
  g_assert_true(peer_send_rtp(bed->peers[CALL_A], packet, video(packet, 1, AUDIO_SSRC, 111)));
  g_assert_true(run_until(bed, has_rtp, 4));
  g_assert_cmpuint(drain(bed, TAP_RECORD_RTP, &record, NULL), ==, 1);
  g_assert_cmpuint(record.track, ==, 51);
}

/* B declares no SSRC: its first packet carries the MID, the next ones do not. */
static void test_tap_latches_mid(Bed *bed, gconstpointer data) {
  (void)data;
  static const guint8 with_mid[] = {0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0x07, 0xd1, 0xbe, 0xde, 0, 1, 0x40, '1', 0, 0, 'x'};
  guint8 packet[1500];
  TapRecord record = {0};
  tap(bed, CALL_B, 70);
  tap_gate_permit(&bed->gate, 3, 0, boot_us() + 60 * G_USEC_PER_SEC);
  g_assert_true(peer_send_rtp(bed->peers[CALL_B], with_mid, sizeof with_mid));
  g_assert_true(run_until(bed, has_rtp_a, 1));
  g_assert_true(peer_send_rtp(bed->peers[CALL_B], packet, video(packet, 2, B_SSRC, 96)));
  g_assert_true(run_until(bed, has_rtp_a, 2));
  g_assert_cmpuint(drain(bed, TAP_RECORD_RTP, &record, NULL), ==, 2);
  g_assert_cmpuint(record.track, ==, 70);
}

static void send_again(Bed *bed, guint16 sequence, guint16 original) {
  guint8 packet[1500];
  gsize n = retransmission(packet, sequence, original);
  guint before = bed->inbox[CALL_B].rtp;
  g_assert_true(peer_send_rtp(bed->peers[CALL_A], packet, n));
  g_assert_true(run_until(bed, has_rtp, before + 1));
  g_assert_cmpmem(bed->inbox[CALL_B].last_rtp, bed->inbox[CALL_B].last_rtp_bytes, packet, n); /* passed on as it is */
}

/* R9: a retransmission counts by its own arrival, and only where its original was sent after the take began. */
static void test_tap_retransmissions(Bed *bed, gconstpointer data) {
  (void)data;
  TapRecord record = {0};
  guint8 bytes[1500], sent[1500];
  tap(bed, CALL_A, 50);
  send_video(bed, 10, 2); /* 12 and 13 are lost on the way, the gate is closed */
  tap_gate_permit(&bed->gate, 3, 0, boot_us() + 60 * G_USEC_PER_SEC);
  send_again(bed, 1, 12);
  send_video(bed, 14, 1);
  send_video(bed, 18, 1);
  g_assert_cmpuint(drain(bed, TAP_RECORD_RTP, NULL, NULL), ==, 2);
  send_again(bed, 2, 11); /* came while the gate was closed */
  send_again(bed, 3, 13); /* may have been sent while it was */
  send_again(bed, 4, 14);
  send_video(bed, 9, 1); /* without RTX, on the same SSRC */
  g_assert_cmpuint(drain(bed, TAP_RECORD_RTP, NULL, NULL), ==, 0);
  send_again(bed, 5, 16);
  g_assert_cmpuint(drain(bed, TAP_RECORD_RTP, &record, bytes), ==, 1);
  g_assert_cmpuint(record.ssrc, ==, VIDEO_SSRC);
  g_assert_cmpuint(record.track, ==, 50);
  g_assert_cmpmem(bytes, record.n_bytes, sent, video(sent, 16, VIDEO_SSRC, 96));

  tap_gate_revoke(&bed->gate);
  send_again(bed, 6, 17);
  send_video(bed, 20, 1);
  tap_gate_permit(&bed->gate, 4, 0, boot_us() + 60 * G_USEC_PER_SEC);
  send_video(bed, 22, 1);
  g_assert_cmpuint(drain(bed, TAP_RECORD_RTP, NULL, NULL), ==, 1);
  send_again(bed, 7, 17); /* of the take before */
  send_again(bed, 8, 21);
  g_assert_cmpuint(drain(bed, TAP_RECORD_RTP, NULL, NULL), ==, 0);
}

static void send_report(Bed *bed, guint8 ntp) {
  guint8 report[28] = {0x80, 200, 0, 6, 0, 0, 3, 0xe9, 0, 0, 0, ntp, 0, 0, 0, 0, 0, 0, 0, 9};
  guint before = bed->inbox[CALL_B].rtcp;
  g_assert_true(peer_send_rtcp(bed->peers[CALL_A], report, sizeof report));
  g_assert_true(run_until(bed, has_rtcp, before + 1));
}

/* Timing may be kept while the gate is closed (R9); it comes right before the take's first packet. */
static void test_sender_report_first(Bed *bed, gconstpointer data) {
  (void)data;
  TapRecord record = {0};
  const guint8 *bytes;
  tap(bed, CALL_A, 50);
  send_report(bed, 1);
  send_report(bed, 2);
  g_assert_false(tap_ring_pop(bed->ring, &record, &bytes));
  for (guint32 take = 3; take < 5; take++) {
    tap_gate_permit(&bed->gate, take, 0, boot_us() + 60 * G_USEC_PER_SEC);
    send_video(bed, (guint16)(take * 10), 2);
    g_assert_true(tap_ring_pop(bed->ring, &record, &bytes));
    g_assert_cmpint(record.type, ==, TAP_RECORD_SENDER_REPORT);
    g_assert_cmpuint(record.take, ==, take);
    g_assert_cmpuint(record.track, ==, 50);
    g_assert_cmpuint(record.ntp >> 32, ==, 2);
    g_assert_cmpuint(record.rtp_time, ==, 9);
    g_assert_cmpuint(drain(bed, TAP_RECORD_RTP, NULL, NULL), ==, 2);
    tap_gate_revoke(&bed->gate);
  }
  tap_gate_permit(&bed->gate, 5, 0, boot_us() + 60 * G_USEC_PER_SEC);
  send_report(bed, 3); /* none before the first packet */
  g_assert_false(tap_ring_pop(bed->ring, &record, &bytes));
  send_video(bed, 100, 1);
  send_report(bed, 4);
  g_assert_cmpuint(drain(bed, TAP_RECORD_SENDER_REPORT, &record, NULL), ==, 2);
  g_assert_cmpuint(record.ntp >> 32, ==, 4);
}

static void advance(Worker *worker, gpointer us) {
  worker_advance_clock(worker, (gint64)GPOINTER_TO_INT(us));
}

/* Fault 12 */
static void test_keyframe_once_a_second(Bed *bed, gconstpointer data) {
  (void)data;
  tap(bed, CALL_A, 50);
  for (guint i = 0; i < 50; i++)
    call_request_keyframe(bed->call, CALL_A, 50, 0);
  g_assert_true(run_until(bed, has_plis, 1));
  call_request_keyframe(bed->call, CALL_A, 51, 0); /* audio */
  send_video(bed, 1, 5);
  g_assert_cmpuint(bed->inbox[CALL_A].plis, ==, 1);
  g_assert_cmpuint(bed->inbox[CALL_A].pli_media, ==, VIDEO_SSRC);
  g_assert_cmpuint(bed->inbox[CALL_A].pli_compound_bytes, ==, 40); /* rtcp-rsize was not negotiated */
  worker_post(bed->worker, advance, GINT_TO_POINTER(1000001), NULL);
  barrier(bed);
  send_video(bed, 6, 1); /* the 49 merged wishes */
  g_assert_true(run_until(bed, has_plis, 2));
  worker_post(bed->worker, advance, GINT_TO_POINTER(1000001), NULL);
  barrier(bed);
  send_video(bed, 7, 3);
  g_assert_cmpuint(bed->inbox[CALL_A].plis, ==, 2);
}

/* Each layer is a source with a pace of its own; RTX and what never sent is none. */
static void test_keyframe_of_layers(Bed *bed, gconstpointer data) {
  (void)data;
  guint8 packet[1500];
  tap(bed, CALL_A, 50);
  send_video(bed, 1, 1);
  call_request_keyframe(bed->call, CALL_A, 50, 0);
  call_request_keyframe(bed->call, CALL_A, 50, LAYER_SSRC);
  call_request_keyframe(bed->call, CALL_A, 50, RTX_SSRC);
  send_video(bed, 2, 2);
  g_assert_cmpuint(bed->inbox[CALL_A].plis, ==, 1);
  g_assert_cmpuint(bed->inbox[CALL_A].pli_media, ==, VIDEO_SSRC);
  g_assert_true(peer_send_rtp(bed->peers[CALL_A], packet, video(packet, 1, LAYER_SSRC, 96)));
  g_assert_true(run_until(bed, has_rtp, 4));
  call_request_keyframe(bed->call, CALL_A, 50, LAYER_SSRC);
  g_assert_true(run_until(bed, has_plis, 2));
  g_assert_cmpuint(bed->inbox[CALL_A].pli_media, ==, LAYER_SSRC);
  worker_post(bed->worker, advance, GINT_TO_POINTER(1000001), NULL);
  barrier(bed);
  call_request_keyframe(bed->call, CALL_A, 50, 0);
  g_assert_true(run_until(bed, has_plis, 4));
  g_assert_cmpuint(bed->inbox[CALL_A].pli_sum, ==, 2 * (VIDEO_SSRC + LAYER_SSRC));
}

/* A ring that nobody reads costs the recording its packets, never the call. */
static void test_overrun(Bed *bed, gconstpointer data) {
  (void)data;
  tap(bed, CALL_A, 50);
  tap_gate_permit(&bed->gate, 3, 0, boot_us() + 60 * G_USEC_PER_SEC);
  send_video(bed, 1, 40);
  guint taken = drain(bed, TAP_RECORD_RTP, NULL, NULL);
  g_assert_cmpuint(bed->inbox[CALL_B].rtp, ==, 40);
  g_assert_cmpuint(bed->gate.refused_overrun, >, 0);
  g_assert_cmpuint(bed->gate.refused_overrun + taken, ==, 40);
}

/* RFC 8445 section 9: A restarts; B notices nothing; media goes on. */
static void test_ice_restart(Bed *bed, gconstpointer data) {
  (void)data;
  LegCredentials before[2] = {bed->gate_local[0], bed->gate_local[1]};
  Peer *a = bed->peers[CALL_A];
  g_autofree char *old_ufrag = g_strdup(peer_ufrag(a));
  peer_restart(a, NULL, NULL, before[CALL_A].ufrag, before[CALL_A].pwd);
  g_assert_cmpstr(peer_ufrag(a), !=, old_ufrag);
  g_autofree char *offer = describe_a(bed), *to_b = pass_on(bed, CALL_A, SDP_OFFER, offer);
  g_autoptr(SdpInfo) seen = sdp_read(to_b, SDP_OFFER, NULL);
  g_assert_cmpstr(seen->ufrag, ==, before[CALL_B].ufrag);
  g_assert_cmpstr(seen->pwd, ==, before[CALL_B].pwd);
  g_autofree char *answer = describe(bed->peers[CALL_B], "active", "", ""), *to_a = pass_on(bed, CALL_B, SDP_ANSWER, answer);
  learn(bed, CALL_A, to_a, SDP_ANSWER);
  g_assert_cmpstr(bed->gate_local[CALL_A].ufrag, !=, before[CALL_A].ufrag);
  guint answered = peer_answered(a);
  peer_check(a, 0, 2130706431, TRUE);
  peers_run(bed->peers, 2, NULL, NULL, 200);
  g_assert_cmpuint(peer_answered(a), >, answered);
  send_video(bed, 1, 5);
  g_assert_cmpuint(bed->ended, ==, 0);
}

/* R15: when call_free says done, no packet of the call passes. */
static void test_free_ends_both(Bed *bed, gconstpointer data) {
  (void)data;
  guint8 packet[1500];
  send_video(bed, 1, 1);
  call_free(bed->call, on_done, bed);
  guint before = bed->done;
  bed->call = NULL;
  g_assert_true(run_until(bed, is_done, before + 1));
  guint rtp = bed->inbox[CALL_B].rtp;
  (void)peer_send_rtp(bed->peers[CALL_A], packet, video(packet, 2, VIDEO_SSRC, 96));
  peers_run(bed->peers, 2, NULL, NULL, 100);
  g_assert_cmpuint(bed->inbox[CALL_B].rtp, ==, rtp);
  g_assert_cmpuint(bed->ended, ==, 0);
  CallConfig config = {
      .worker = bed->worker, .ring = bed->ring, .gate = &bed->gate, .addresses = addresses, .port = worker_port(bed->worker)};
  static const CallEvents events = {0};
  bed->call = call_new(&config, &events, bed); /* for bed_down; freed without ever having been used */
}

#define ADD(path, up, fn) g_test_add(path, Bed, NULL, up, fn, bed_down)

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  ADD("/relay/call/forwards", bed_up, test_forwards);
  ADD("/relay/call/forwards-as-dtls-client", bed_up_passive, test_forwards);
  ADD("/relay/call/tap", bed_up, test_tap);
  ADD("/relay/call/tap-nothing-early", bed_up, test_tap_nothing_from_before_the_opening);
  ADD("/relay/call/tap-takes-media-only", bed_up, test_tap_takes_media_only);
  ADD("/relay/call/tap-latches-mid", bed_up, test_tap_latches_mid);
  ADD("/relay/call/tap-retransmissions", bed_up, test_tap_retransmissions);
  ADD("/relay/call/sender-report-first", bed_up, test_sender_report_first);
  ADD("/relay/call/keyframe-once-a-second", bed_up, test_keyframe_once_a_second);
  ADD("/relay/call/keyframe-of-layers", bed_up, test_keyframe_of_layers);
  ADD("/relay/call/overrun", bed_up_small, test_overrun);
  ADD("/relay/call/ice-restart", bed_up, test_ice_restart);
  ADD("/relay/call/free-ends-both", bed_up, test_free_ends_both);
  return g_test_run();
}
