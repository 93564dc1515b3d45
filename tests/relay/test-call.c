/* SPDX-License-Identifier: Apache-2.0 */
/* A call over real sockets: two peers, the gate between them, forwarding, the tap and its one admission check (R7, R9, R10, R11, R15). */
#include "pipelines/transport/worker-private.h"
#include "tests/relay/call-bed.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

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

/* What `video` made of this number, sent again (RFC 4588). */
static gsize retransmission(guint8 *out, guint16 sequence, guint16 original) {
  guint8 payload[202] = {(guint8)(original >> 8), (guint8)original};
  memset(payload + 2, (int)(original & 0xff), sizeof payload - 2);
  return peer_make_rtp(out, 97, sequence, 3000u * original, RTX_SSRC, payload, sizeof payload);
}

static gint64 boot_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return (gint64)t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000;
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

/* A ring that nobody reads costs the recording its packets, never the call; and each take that lost some says so, once. */
static void test_overrun(Bed *bed, gconstpointer data) {
  (void)data;
  tap(bed, CALL_A, 50);
  tap_gate_permit(&bed->gate, 3, 0, boot_us() + 60 * G_USEC_PER_SEC);
  send_video(bed, 1, 5);
  barrier(bed);
  g_assert_cmpuint(bed->overruns, ==, 0);
  send_video(bed, 6, 35);
  barrier(bed);
  g_assert_cmpuint(bed->overruns, ==, 1);
  g_assert_cmpuint(bed->overrun_take, ==, 3);
  tap_gate_permit(&bed->gate, 4, 0, boot_us() + 60 * G_USEC_PER_SEC);
  send_video(bed, 41, 2);
  barrier(bed);
  g_assert_cmpuint(bed->overruns, ==, 2);
  g_assert_cmpuint(bed->overrun_take, ==, 4);
  guint taken = drain(bed, TAP_RECORD_RTP, NULL, NULL);
  g_assert_cmpuint(bed->inbox[CALL_B].rtp, ==, 42);
  g_assert_cmpuint(tap_ring_refused(bed->ring), >, 0);
  g_assert_cmpuint(tap_ring_refused(bed->ring) + taken, ==, 42);
}

/* Behind an SFU that puts everybody on one connection: 64 people with a microphone, a camera and its RTX each. Nobody of them is left out. */
static void test_many_people(Bed *bed, gconstpointer data) {
  (void)data;
  guint8 packet[1500];
  for (guint32 i = 0; i < 64 * 3; i++) {
    g_assert_true(peer_send_rtp(bed->peers[CALL_B], packet, video(packet, 1, B_SSRC + i, 96)));
    g_assert_true(run_until(bed, has_rtp_a, i + 1));
  }
  g_assert_true(peer_send_rtp(bed->peers[CALL_B], packet, video(packet, 2, B_SSRC, 96)));
  g_assert_true(run_until(bed, has_rtp_a, 64 * 3 + 1));
}

static void send_codec(Bed *bed, guint16 sequence, guint8 pt) {
  guint8 packet[1500];
  const guint before = bed->inbox[CALL_B].rtp;
  g_assert_true(peer_send_rtp(bed->peers[CALL_A], packet, video(packet, sequence, VIDEO_SSRC, pt)));
  g_assert_true(run_until(bed, has_rtp, before + 1));
  barrier(bed);
}

static const char *video_codec(Bed *bed) {
  return g_array_index(call_tracks(bed->call, CALL_A), CallTrack, 1).codec;
}

/* Without a new offer the sender goes over to the other codec that was agreed on, and back: what is recorded follows, but not each packet. */
static void test_other_codec(Bed *bed, gconstpointer data) {
  (void)data;
  tap(bed, CALL_A, 50);
  send_codec(bed, 1, 96);
  send_codec(bed, 2, 98);
  g_assert_cmpuint(bed->changed[CALL_A], ==, 1);
  worker_post(bed->worker, advance, GINT_TO_POINTER(1000001), NULL);
  send_codec(bed, 3, 98);
  g_assert_cmpuint(bed->changed[CALL_A], ==, 2);
  g_assert_cmpstr(video_codec(bed), ==, "vp9");
  g_assert_cmpuint(g_array_index(call_tracks(bed->call, CALL_A), CallTrack, 1).pt, ==, 98);
  send_codec(bed, 4, 98);
  send_codec(bed, 5, 96);
  g_assert_cmpuint(bed->changed[CALL_A], ==, 2);
  worker_post(bed->worker, advance, GINT_TO_POINTER(1000001), NULL);
  send_codec(bed, 6, 96);
  g_assert_cmpuint(bed->changed[CALL_A], ==, 3);
  g_assert_cmpstr(video_codec(bed), ==, "vp8");
  g_assert_cmpuint(bed->changed[CALL_B], ==, 1);
}

/* What it went over to may be none that can be recorded, so that its tap is taken away: when it comes back, control is told all the same. */
static void test_other_codec_without_tap(Bed *bed, gconstpointer data) {
  (void)data;
  tap(bed, CALL_A, 50);
  send_codec(bed, 1, 96);
  worker_post(bed->worker, advance, GINT_TO_POINTER(1000001), NULL);
  send_codec(bed, 2, 98);
  g_assert_cmpstr(video_codec(bed), ==, "vp9");
  const guint before = bed->done;
  call_set_taps(bed->call, CALL_A, NULL, 0, on_done, bed);
  g_assert_true(run_until(bed, is_done, before + 1));
  worker_post(bed->worker, advance, GINT_TO_POINTER(1000001), NULL);
  send_codec(bed, 3, 96);
  g_assert_cmpuint(bed->changed[CALL_A], ==, 3);
  g_assert_cmpstr(video_codec(bed), ==, "vp8");
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
  const CallConfig config = call_config(bed);
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
  ADD("/relay/call/many-people-behind-an-sfu", bed_up_sfu, test_many_people);
  ADD("/relay/call/other-codec", bed_up, test_other_codec);
  ADD("/relay/call/other-codec-without-tap", bed_up, test_other_codec_without_tap);
  ADD("/relay/call/ice-restart", bed_up, test_ice_restart);
  ADD("/relay/call/free-ends-both", bed_up, test_free_ends_both);
  return g_test_run();
}
