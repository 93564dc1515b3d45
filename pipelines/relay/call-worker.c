/* SPDX-License-Identifier: Apache-2.0 */
/* The packet path of a call: tapped where the gate admits it, then protected for the other leg and sent on. No lock, no allocation. */
#include "pipelines/relay/call-worker.h"

#include "pipelines/relay/packet.h"

#include <string.h>

#define CODEC_SILENCE_US G_USEC_PER_SEC

typedef struct WorkerSide {
  Leg *leg;
  CallWorker *owner;
  CallSide side;
  SsrcMap map;
  guint32 own_ssrc; /* sender of the gate's own feedback on this leg */
  gboolean keyframes_wanted;
  guint64 forwarded, not_forwarded;
} WorkerSide;

struct CallWorker {
  Worker *worker;
  TapGate *gate;
  TapRing *ring;
  CallWorkerEvents events;
  gpointer user;
  guint agreements; /* call_worker_apply so far */
  WorkerSide sides[2];
};

static WorkerSide *other_side(WorkerSide *from) {
  return &from->owner->sides[from->side == CALL_A ? CALL_B : CALL_A];
}

static void count_forwarded(WorkerSide *from, gboolean sent) {
  if (sent)
    from->forwarded++;
  else
    from->not_forwarded++;
}

/* Full: that take has a hole which nothing would show. It ends, and the ledger says why (R22). */
static gboolean push(WorkerSide *from, const TapRecord *record, const guint8 *bytes) {
  if (tap_ring_push(from->owner->ring, record, bytes))
    return TRUE;
  CallWorker *call = from->owner;
  if (call->gate->overrun_take != record->take) {
    call->gate->overrun_take = record->take;
    call->events.overrun(record->take, call->user);
  }
  return FALSE;
}

static void push_report(WorkerSide *from, SsrcEntry *entry, guint32 take, guint32 number) {
  TapRecord record = {.type = TAP_RECORD_SENDER_REPORT,
                      .take = take,
                      .track = number,
                      .arrival_us = entry->report_us,
                      .ntp = entry->ntp,
                      .rtp_time = entry->rtp_time,
                      .ssrc = entry->ssrc};
  if (push(from, &record, NULL))
    entry->report_take = take;
}

static guint32 admitting_take(WorkerSide *from, const RelayTrack *track) {
  if (track->number == 0)
    return 0;
  return tap_admit(from->owner->gate, worker_since_us(from->owner->worker), worker_now_us(from->owner->worker));
}

static void push_rtp(WorkerSide *from, guint32 take, guint32 number, guint32 ssrc, const guint8 *packet, gsize n) {
  TapRecord record = {.type = TAP_RECORD_RTP,
                      .take = take,
                      .track = number,
                      .arrival_us = worker_now_us(from->owner->worker),
                      .ssrc = ssrc,
                      .n_bytes = (guint32)n};
  push(from, &record, packet);
}

/* A sender may go over to another negotiated codec without a new offer: Chromium does where its encoder fails (RFC 3264 section 8.3.2 lets it).
 * Only once the one before has been silent: layers of several codecs at once, or a sender that alternates, must not make a take a packet. */
static void follow_codec(WorkerSide *from, RelayTrack *track, guint8 pt) {
  const gint64 now_us = worker_now_us(from->owner->worker);
  if (!pts_have(track->other_pts, pt)) {
    track->codec_us = now_us;
    return;
  }
  if (now_us - track->codec_us < CODEC_SILENCE_US || !relay_track_use_pt(track, pt))
    return;
  track->codec_us = now_us;
  from->owner->events.codec(from->side, &track->call, from->owner->agreements, from->owner->user);
}

static void tap_media(WorkerSide *from, SsrcEntry *entry, RelayTrack *track, const guint8 *packet, gsize n, const RtpHeader *header) {
  entry->media = TRUE;
  track->media_ssrc = header->ssrc;
  follow_codec(from, track, header->pt);
  guint32 take = admitting_take(from, track);
  if (take == 0) {
    sequence_closed(&entry->sequence, header->seq);
    return;
  }
  if (!sequence_admits(&entry->sequence, header->seq, take))
    return;
  entry->packet_take = take;
  if (entry->has_report && entry->report_take != take)
    push_report(from, entry, take, track->number);
  push_rtp(from, take, track->number, header->ssrc, packet, n);
}

/* A retransmission enters as the packet that it sends again, when the take has that packet's stream and may have that packet (sequence.h). */
static void tap_repair(WorkerSide *from, const SsrcEntry *entry, const RelayTrack *track, const guint8 *packet, gsize n, guint8 pt) {
  guint8 original[WORKER_PACKET_ROOM_BYTES];
  RtpHeader header;
  const SsrcEntry *media = track->number != 0 ? ssrc_map_repaired(&from->map, entry) : NULL;
  gsize original_bytes = media != NULL ? rtx_unwrap(packet, n, media->ssrc, track->repaired_pt[pt], original) : 0;
  if (original_bytes == 0 || !rtp_header_read(original, original_bytes, &header))
    return;
  guint32 take = admitting_take(from, track);
  if (sequence_repairs(&media->sequence, header.seq, take))
    push_rtp(from, take, track->number, header.ssrc, original, original_bytes);
}

/* R7, R9: asks tap_admit for every packet of a tapped track, and copies nothing without its yes. Comes before the packet is protected in place. */
static void tap_rtp(WorkerSide *from, const guint8 *packet, gsize n, const RtpHeader *header) {
  SsrcEntry *entry = ssrc_map_packet(&from->map, header->ssrc, packet, n);
  RelayTrack *track = ssrc_map_track(&from->map, entry);
  if (track != NULL && relay_track_has_pt(track, header->pt))
    tap_media(from, entry, track, packet, n, header);
  else if (track != NULL && track->repaired_pt[header->pt & 0x7f] != 0)
    tap_repair(from, entry, track, packet, n, header->pt);
}

/* Kept always (timing, R9); handed on while the take that has this SSRC's packets is open. */
static void keep_report(WorkerSide *from, const SenderReport *report) {
  SsrcEntry *entry = ssrc_map_find(&from->map, report->ssrc);
  const RelayTrack *track = ssrc_map_track(&from->map, entry);
  if (track == NULL)
    return;
  entry->has_report = TRUE;
  entry->ntp = report->ntp;
  entry->rtp_time = report->rtp_time;
  entry->report_us = worker_now_us(from->owner->worker);
  if (track->number == 0 || entry->packet_take == 0)
    return;
  guint32 take = tap_admit(from->owner->gate, worker_since_us(from->owner->worker), entry->report_us);
  if (take != 0 && take == entry->packet_take)
    push_report(from, entry, take, track->number);
}

/* Asks for what is due. A wish that has to wait is looked at again with this side's next packet. */
static void ask_keyframes(WorkerSide *side) {
  gint64 now_us = worker_now_us(side->owner->worker);
  side->keyframes_wanted = FALSE;
  for (guint i = 0; i < side->map.n; i++) {
    SsrcEntry *entry = &side->map.entries[i];
    const RelayTrack *track = ssrc_map_track(&side->map, entry);
    if (track != NULL && leg_state(side->leg) == LEG_CONNECTED && keyframe_due(&entry->keyframe, now_us)) {
      guint8 packet[WORKER_PACKET_ROOM_BYTES];
      gsize n = rtcp_write_pli(packet, side->own_ssrc, entry->ssrc, track->rtcp_rsize);
      leg_send_rtcp(side->leg, packet, n);
    }
    side->keyframes_wanted = side->keyframes_wanted || entry->keyframe.wanted;
  }
}

static void on_rtp(Leg *leg, guint8 *packet, gsize n, gpointer user) {
  (void)leg;
  WorkerSide *from = user;
  RtpHeader header;
  if (!rtp_header_read(packet, n, &header)) {
    from->not_forwarded++;
    return;
  }
  tap_rtp(from, packet, n, &header);
  if (from->keyframes_wanted)
    ask_keyframes(from);
  count_forwarded(from, leg_send_rtp(other_side(from)->leg, packet, n));
}

static void on_rtcp(Leg *leg, guint8 *packet, gsize n, gpointer user) {
  (void)leg;
  WorkerSide *from = user;
  SenderReport report;
  gsize offset = 0;
  while (rtcp_next_sender_report(packet, n, &offset, &report))
    keep_report(from, &report);
  count_forwarded(from, leg_send_rtcp(other_side(from)->leg, packet, n));
}

static void on_data(Leg *leg, const guint8 *bytes, gsize n, gpointer user) {
  (void)leg;
  WorkerSide *from = user;
  count_forwarded(from, leg_send_data(other_side(from)->leg, bytes, n));
}

static void on_state(Leg *leg, LegState state, const char *why, gpointer user) {
  (void)leg;
  WorkerSide *side = user;
  side->owner->events.state(side->side, state, why, side->owner->user);
}

static const LegEvents leg_events = {.rtp = on_rtp, .rtcp = on_rtcp, .data = on_data, .state = on_state};

CallWorker *call_worker_new(Worker *worker, TapRing *ring, TapGate *gate, const CallWorkerEvents *events, gpointer user) {
  CallWorker *call = g_aligned_alloc0(1, sizeof(CallWorker), CACHE_LINE_BYTES);
  *call = (CallWorker){.worker = worker, .ring = ring, .gate = gate, .events = *events, .user = user};
  for (guint i = 0; i < 2; i++) {
    WorkerSide *side = &call->sides[i];
    side->owner = call;
    side->side = (CallSide)i;
    side->own_ssrc = g_random_int();
    ssrc_map_init(&side->map);
  }
  return call;
}

void call_worker_start(CallWorker *call, const LegCredentials local[2], LegPeer b) {
  for (guint i = 0; i < 2; i++)
    call->sides[i].leg = leg_new(call->worker, &local[i], i == CALL_B ? b : LEG_CLIENT, &leg_events, &call->sides[i]);
}

void call_worker_use_agent(CallWorker *call, CallSide which, IceAgent *agent) {
  if (call->sides[which].leg != NULL)
    leg_use_agent(call->sides[which].leg, agent);
}

void call_worker_stop(CallWorker *call) {
  for (guint i = 0; i < 2; i++)
    g_clear_pointer(&call->sides[i].leg, leg_free);
}

void call_worker_free(CallWorker *call) {
  for (guint i = 0; i < 2; i++)
    ssrc_map_clear(&call->sides[i].map);
  g_aligned_free(call);
}

void call_worker_leg_clear(CallWorkerLeg *leg) {
  g_free(leg->ufrag);
  g_free(leg->fingerprints);
  g_clear_pointer(&leg->tracks, g_array_unref);
  explicit_bzero(&leg->local, sizeof leg->local);
}

void call_worker_apply(CallWorker *call, CallSide which, CallWorkerLeg *leg) {
  WorkerSide *side = &call->sides[which];
  g_autoptr(GError) error = NULL;
  if (leg->restarts)
    leg_restart(side->leg, &leg->local);
  LegRemote remote = {.ufrag = leg->ufrag, .fingerprints = leg->fingerprints, .dtls_client = leg->dtls_client};
  if (leg->connects && !leg_set_remote(side->leg, &remote, &error))
    call->events.state(which, LEG_ENDED, error->message, call->user);
  if (which == CALL_A) /* both sides of one answer */
    call->agreements++;
  ssrc_map_set_tracks(&side->map, g_steal_pointer(&leg->tracks));
}

void call_worker_set_taps(CallWorker *call, CallSide which, const CallTap *taps, gsize n) {
  SsrcMap *map = &call->sides[which].map;
  for (guint i = 0; i < map->tracks->len; i++) {
    RelayTrack *track = &g_array_index(map->tracks, RelayTrack, i);
    track->number = 0;
  }
  for (guint i = 0; i < map->n; i++)
    map->entries[i].keyframe.wanted = FALSE;
  for (gsize i = 0; i < n; i++) {
    RelayTrack *track = ssrc_map_mid(map, taps[i].mid);
    if (track != NULL && track->sends)
      track->number = taps[i].number;
  }
}

static void want_keyframe(SsrcMap *map, guint index, guint32 ssrc) {
  const RelayTrack *track = &g_array_index(map->tracks, RelayTrack, index);
  for (guint i = 0; i < map->n; i++) {
    SsrcEntry *entry = &map->entries[i];
    const gboolean wanted = ssrc != 0 ? entry->ssrc == ssrc : track->call.simulcast || entry->ssrc == track->media_ssrc;
    if (entry->track == (gint)index && entry->media && wanted)
      keyframe_want(&entry->keyframe);
  }
  SsrcEntry *declared = track->ssrcs->len > 0 ? ssrc_map_find(map, g_array_index(track->ssrcs, guint32, 0)) : NULL;
  if (ssrc == 0 && track->media_ssrc == 0 && declared != NULL)
    keyframe_want(&declared->keyframe);
}

void call_worker_request_keyframe(CallWorker *call, CallSide which, guint32 number, guint32 ssrc) {
  WorkerSide *side = &call->sides[which];
  for (guint i = 0; number != 0 && i < side->map.tracks->len; i++) {
    const RelayTrack *track = &g_array_index(side->map.tracks, RelayTrack, i);
    if (track->number == number && strcmp(track->call.medium, "video") == 0)
      want_keyframe(&side->map, i, ssrc);
  }
  if (side->leg != NULL)
    ask_keyframes(side);
}

CallStats call_worker_stats(const CallWorker *call) {
  CallStats stats = {0};
  for (guint i = 0; i < 2; i++) {
    const WorkerSide *side = &call->sides[i];
    stats.forwarded[i] = side->forwarded;
    stats.not_forwarded[i] = side->not_forwarded;
    stats.leg[i] = leg_stats(side->leg);
    stats.state[i] = leg_state(side->leg);
  }
  return stats;
}

gboolean call_worker_remote_fingerprint(const CallWorker *call, CallSide side, char text[LEG_FINGERPRINT_BYTES]) {
  const Leg *leg = call->sides[side].leg;
  return leg != NULL && leg_remote_fingerprint(leg, text);
}
