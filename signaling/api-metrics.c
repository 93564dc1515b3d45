/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/api-metrics.h"

#include "signaling/metrics.h"
#include "signaling/session.h"

typedef struct People {
  guint roster, recording;
} People;

static People count_people(const Daemon *daemon) {
  People people = {0, 0};
  GHashTableIter iter;
  gpointer session;
  g_hash_table_iter_init(&iter, daemon->sessions);
  while (g_hash_table_iter_next(&iter, NULL, &session)) {
    people.roster += session_roster_count(session);
    people.recording += ((Session *)session)->take != NULL;
  }
  return people;
}

static void media(Metrics *metrics, const Daemon *daemon) {
  WorkerStats sum = {0};
  RecorderStats recorders = {0};
  guint64 overrun = 0;
  for (guint i = 0; i < daemon->n_lanes; i++) {
    const WorkerStats one = worker_stats(daemon->lanes[i].worker);
    sum.packets_in += one.packets_in, sum.packets_out += one.packets_out, sum.bytes_in += one.bytes_in, sum.bytes_out += one.bytes_out;
    sum.refused_stun += one.refused_stun, sum.refused_dtls += one.refused_dtls, sum.refused_srtp += one.refused_srtp;
    sum.refused_ssrc += one.refused_ssrc, sum.refused_unknown += one.refused_unknown, sum.send_failed += one.send_failed,
        sum.socket_overflow += one.socket_overflow, sum.ice_overflow += one.ice_overflow, sum.legs += one.legs;
    overrun += tap_ring_refused(daemon->lanes[i].ring);
    const RecorderStats recorder = recorder_stats(daemon->lanes[i].recorder);
    recorders.branches += recorder.branches, recorders.packets += recorder.packets, recorders.lost += recorder.lost;
    recorders.segments += recorder.segments, recorders.dropped_stale += recorder.dropped_stale;
  }
  metrics_single(metrics, "recgate_packets_in_total", METRICS_COUNTER, "Datagrams received.", (double)sum.packets_in);
  metrics_single(metrics, "recgate_packets_out_total", METRICS_COUNTER, "Datagrams sent.", (double)sum.packets_out);
  metrics_single(metrics, "recgate_bytes_in_total", METRICS_COUNTER, "Bytes received.", (double)sum.bytes_in);
  metrics_single(metrics, "recgate_bytes_out_total", METRICS_COUNTER, "Bytes sent.", (double)sum.bytes_out);
  metrics_family(metrics, "recgate_packets_refused_total", METRICS_COUNTER, "Datagrams dropped, by what dropped them.");
  metrics_sample(metrics, "by", "stun", (double)sum.refused_stun);
  metrics_sample(metrics, "by", "dtls", (double)sum.refused_dtls);
  metrics_sample(metrics, "by", "srtp", (double)sum.refused_srtp);
  metrics_sample(metrics, "by", "ssrc", (double)sum.refused_ssrc);
  metrics_sample(metrics, "by", "unknown", (double)sum.refused_unknown);
  metrics_single(metrics, "recgate_send_failed_total", METRICS_COUNTER, "Datagrams that the socket did not take.", (double)sum.send_failed);
  metrics_single(metrics, "recgate_socket_overflow_total", METRICS_COUNTER, "Datagrams lost in the kernel before they were read.",
                 (double)sum.socket_overflow);
  metrics_single(metrics, "recgate_ice_overflow_total", METRICS_COUNTER,
                 "Datagrams of an SFU's, on legs with full ICE, that were lost because the worker was behind.", (double)sum.ice_overflow);
  metrics_single(metrics, "recgate_legs", METRICS_GAUGE, "Legs that exist.", sum.legs);
  metrics_single(metrics, "recgate_branches", METRICS_GAUGE, "Recording branches that exist: 0 while every gate is closed (R9).",
                 recorders.branches);
  metrics_single(metrics, "recgate_recorded_packets_total", METRICS_COUNTER, "Packets that entered a take.", (double)recorders.packets);
  metrics_single(metrics, "recgate_recorded_lost_total", METRICS_COUNTER, "Packets that a take missed.", (double)recorders.lost);
  metrics_single(metrics, "recgate_overrun_packets_total", METRICS_COUNTER,
                 "Admitted packets that a recorder's queue had no room for; each time the take ends.", (double)overrun);
  metrics_single(metrics, "recgate_stale_packets_total", METRICS_COUNTER, "Packets of an ended take that were thrown away.",
                 (double)recorders.dropped_stale);
  metrics_single(metrics, "recgate_segments_total", METRICS_COUNTER, "Segments that were completed.", (double)recorders.segments);
}

void api_metrics(HttpRequest *request, Daemon *daemon) {
  g_autoptr(Metrics) metrics = metrics_new();
  const People people = count_people(daemon);
  metrics_single(metrics, "recgate_ready", METRICS_GAUGE, "1: may record (store, keys and ledger are healthy).", daemon->healthy);
  metrics_single(metrics, "recgate_sessions", METRICS_GAUGE, "Sessions in memory.", g_hash_table_size(daemon->sessions));
  metrics_single(metrics, "recgate_participants", METRICS_GAUGE, "People on a roster.", people.roster);
  metrics_single(metrics, "recgate_open_gates", METRICS_GAUGE, "Sessions whose gate is open.", people.recording);
  metrics_single(metrics, "recgate_joins_total", METRICS_COUNTER, "Joins.", (double)daemon->counters.joins);
  metrics_single(metrics, "recgate_grants_total", METRICS_COUNTER, "Consents given.", (double)daemon->counters.grants);
  metrics_single(metrics, "recgate_declines_total", METRICS_COUNTER, "Consents refused.", (double)daemon->counters.declines);
  metrics_single(metrics, "recgate_withdrawals_total", METRICS_COUNTER, "Consents withdrawn.", (double)daemon->counters.withdrawals);
  metrics_single(metrics, "recgate_gate_opened_total", METRICS_COUNTER, "Takes opened.", (double)daemon->counters.gate_opened);
  metrics_single(metrics, "recgate_gate_closed_total", METRICS_COUNTER, "Takes closed.", (double)daemon->counters.gate_closed);
  metrics_single(metrics, "recgate_segments_committed_total", METRICS_COUNTER, "Segments that became permanent.",
                 (double)daemon->counters.commits);
  metrics_single(metrics, "recgate_segments_dropped_total", METRICS_COUNTER, "Segments that could not be confirmed, or were withdrawn.",
                 (double)daemon->counters.drops);
  metrics_single(metrics, "recgate_refused_tokens_total", METRICS_COUNTER, "Tokens refused.", (double)daemon->counters.refused_tokens);
  metrics_single(metrics, "recgate_last_gate_closed_us", METRICS_GAUGE, "The last withdrawal: until the media thread saw the closed gate.",
                 (double)daemon->counters.last_gate_closed_us);
  metrics_single(metrics, "recgate_last_erased_us", METRICS_GAUGE, "The last withdrawal: until the erase was durable.",
                 (double)daemon->counters.last_erased_us);
  metrics_single(metrics, "recgate_exports_running", METRICS_GAUGE, "Exports under way.", daemon->exports->len);
  media(metrics, daemon);
  http_respond_bytes(request, 200, METRICS_CONTENT_TYPE, metrics_take(metrics));
}
