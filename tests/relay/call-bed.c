/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/relay/call-bed.h"

#include <string.h>

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

static void on_overrun(Call *call, guint32 take, gpointer user) {
  (void)call;
  Bed *bed = user;
  bed->overruns++;
  bed->overrun_take = take;
}

void on_done(gpointer user) {
  ((Bed *)user)->done++;
}

static void on_stats(const CallStats *stats, gpointer user) {
  Bed *bed = user;
  bed->stats = *stats;
  bed->done++;
}

gboolean run_until(Bed *bed, Condition condition, guint64 value) {
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

gboolean is_done(Bed *bed, guint64 value) {
  return bed->done >= value;
}
static gboolean is_connected(Bed *bed, guint64 value) {
  return bed->connected >= value && peer_is_connected(bed->peers[0]) && peer_is_connected(bed->peers[1]);
}
gboolean has_rtp(Bed *bed, guint64 value) {
  return bed->inbox[CALL_B].rtp >= value;
}

void barrier(Bed *bed) {
  guint before = bed->done;
  call_stats(bed->call, on_stats, bed);
  g_assert_true(run_until(bed, is_done, before + 1));
}

char *describe(const Peer *peer, const char *setup, const char *ssrcs_audio, const char *ssrcs_video) {
  g_autofree char *transport =
      g_strdup_printf("a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s\r\na=setup:%s\r\na=rtcp-mux\r\na=sendrecv\r\n", peer_ufrag(peer),
                      peer_pwd(peer), peer_fingerprint(peer), setup);
  return g_strdup_printf(
      "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n%sa=mid:0\r\na=rtpmap:111 opus/48000/2\r\n%s"
      "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98\r\nc=IN IP4 0.0.0.0\r\n%sa=mid:1\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
      "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:98 VP9/90000\r\n%s"
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n%sa=mid:2\r\na=sctp-port:5000\r\n",
      transport, ssrcs_audio, transport, ssrcs_video, transport);
}

char *describe_a(Bed *bed) {
  return describe(bed->peers[CALL_A], "actpass", "a=ssrc:1003 cname:a\r\n",
                  "a=ssrc-group:SIM 1001 1004\r\na=ssrc-group:FID 1001 1002\r\na=ssrc:1001 cname:a\r\na=ssrc:1002 cname:a\r\n");
}

char *pass_on(Bed *bed, CallSide from, SdpType type, const char *sdp) {
  g_autoptr(GError) error = NULL;
  char *out = NULL;
  gboolean ok = call_description(bed->call, from, type, sdp, &out, &error);
  g_assert_no_error(error);
  g_assert_true(ok);
  return out;
}

void learn(Bed *bed, CallSide side, const char *sdp, SdpType type) {
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

CallConfig call_config(Bed *bed) {
  static const char *const addresses[] = {"127.0.0.1", NULL};
  return (CallConfig){
      .worker = bed->worker, .ring = bed->ring, .gate = &bed->gate, .addresses = addresses, .port = worker_port(bed->worker)};
}

static void bed_new(Bed *bed, gsize ring_bytes, LegPeer b, gboolean b_is_client) {
  g_autoptr(GError) error = NULL;
  *bed = (Bed){.worker = worker_new("127.0.0.1", 0, &error)};
  g_assert_no_error(error);
  bed->ring = tap_ring_new(ring_bytes);
  worker_start(bed->worker);
  worker_post(bed->worker, set_after_batch, bed->ring, NULL);
  static const CallEvents events = {.connected = on_connected, .ended = on_ended, .tracks_changed = on_changed, .overrun = on_overrun};
  CallConfig config = call_config(bed);
  config.b = b;
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

void bed_up(Bed *bed, gconstpointer data) {
  (void)data;
  bed_new(bed, 1 << 20, LEG_CLIENT, TRUE);
}

void bed_up_passive(Bed *bed, gconstpointer data) {
  (void)data;
  bed_new(bed, 1 << 20, LEG_CLIENT, FALSE);
}

void bed_up_sfu(Bed *bed, gconstpointer data) {
  (void)data;
  bed_new(bed, 1 << 20, LEG_SFU, TRUE);
}

void bed_up_small(Bed *bed, gconstpointer data) {
  (void)data;
  bed_new(bed, 4096, LEG_CLIENT, TRUE);
}

void bed_down(Bed *bed, gconstpointer data) {
  (void)data;
  guint before = bed->done;
  call_free(bed->call, on_done, bed);
  g_assert_true(run_until(bed, is_done, before + 1));
  peer_free(bed->peers[0]);
  peer_free(bed->peers[1]);
  worker_free(bed->worker);
  tap_ring_free(bed->ring);
}

gsize video(guint8 *out, guint16 sequence, guint32 ssrc, guint8 pt) {
  guint8 payload[200];
  memset(payload, (int)(sequence & 0xff), sizeof payload);
  return peer_make_rtp(out, pt, sequence, 3000u * sequence, ssrc, payload, sizeof payload);
}

void send_video(Bed *bed, guint16 first, guint n) {
  guint8 packet[1500];
  for (guint16 i = 0; i < n; i++) {
    gsize bytes = video(packet, (guint16)(first + i), VIDEO_SSRC, 96);
    guint before = bed->inbox[CALL_B].rtp;
    g_assert_true(peer_send_rtp(bed->peers[CALL_A], packet, bytes));
    g_assert_true(run_until(bed, has_rtp, before + 1));
  }
}

guint drain(Bed *bed, TapRecordType type, TapRecord *last, guint8 *bytes) {
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

void tap(Bed *bed, CallSide side, guint32 number) {
  CallTap taps[] = {{"0", number + 1}, {"1", number}};
  guint before = bed->done;
  call_set_taps(bed->call, side, taps, 2, on_done, bed);
  g_assert_true(run_until(bed, is_done, before + 1));
}
