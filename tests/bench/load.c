/* SPDX-License-Identifier: Apache-2.0 */
/* Many ends at once, told what to do by JSON lines on standard input, answering by JSON lines (tests/bench/relay.mjs speaks to it).
 *
 * usage: bench-load ENDS webrtc|bare gcm|cm ADDRESS PORT
 *   at start           {"ends": [{"ufrag","pwd","fingerprint","audio","video"}]}, the last two its SSRCs
 *   {"connect": [{"ufrag","pwd","port"}], "first": i}  of the ends from i on → {"connected": how many of them, "ms": …}
 *   {"run": {"pps", "burst", "ms", "bytes", "warm_ms"}} each end sends pps packets a second, burst at a time → {"sent","received","latency_us":{"p50","p99"},"late_ms"}
 *   {"play": {"clip", "senders", "warm_ms", "ms"}}   the first ends send true media → {"warm"}, {"measured"}, {"sent","frames","late_ms"} (recording/play.h)
 *   end of input ends it. */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/bench/load.h"
#include "tests/bench/recording/play.h"

#define CONNECT_MS   30000
#define CONNECT_MANY 32 /* handshakes at a time: a burst of a thousand would measure the sockets' buffers */
#define DRAIN_MS     300
#define LINE_BYTES   (16 * 1024 * 1024)

typedef struct Load {
  guint n;
  End **ends;
  int epoll;
  Tally *tally;
} Load;

static void say(json_t *answer) {
  char *text = json_dumps(answer, JSON_COMPACT);
  puts(text);
  fflush(stdout);
  free(text);
  json_decref(answer);
}

/* Reads what has come, for at most this long. */
static void step(Load *load, gint64 until_us) {
  struct epoll_event events[256];
  const gint64 left_us = until_us - g_get_monotonic_time();
  const int n = epoll_wait(load->epoll, events, G_N_ELEMENTS(events), left_us > 1000 ? (int)(left_us / 1000) : 0);
  for (int i = 0; i < n; i++)
    end_step(load->ends[events[i].data.u32]);
}

static void connect_some(Load *load, const json_t *remotes, guint first) {
  const guint last = MIN(load->n, first + (guint)json_array_size(remotes));
  const gint64 began_us = g_get_monotonic_time(), end_us = began_us + CONNECT_MS * 1000;
  guint begun = first, connected = 0;
  while (first + connected < last && g_get_monotonic_time() < end_us) {
    for (; begun < last && begun < first + connected + CONNECT_MANY; begun++) {
      const json_t *remote = json_array_get(remotes, begun - first);
      end_connect(load->ends[begun], json_string_value(json_object_get(remote, "ufrag")), json_string_value(json_object_get(remote, "pwd")),
                  (guint16)json_integer_value(json_object_get(remote, "port")));
    }
    connected = 0;
    for (guint i = first; i < begun; i++) {
      end_step(load->ends[i]);
      connected += end_is_connected(load->ends[i]);
    }
    step(load, g_get_monotonic_time() + 1000);
  }
  say(json_pack("{s:i, s:f}", "connected", (int)connected, "ms", (double)(g_get_monotonic_time() - began_us) / 1000));
}

static gint64 percentile_us(const Tally *tally, double share) {
  guint64 seen = 0;
  for (guint i = 0; i < LATENCY_BUCKETS; i++) {
    seen += tally->latency[i];
    if ((double)seen >= share * (double)tally->received)
      return ((gint64)i + 1) * LATENCY_BUCKET_US;
  }
  return 0;
}

typedef struct Pace {
  gdouble pps;
  guint burst; /* packets of one end at a time */
  gsize bytes;
  gint64 worst_late_us;
} Pace;

/* Every end sends at its own moment of the interval: no bursts but those that lateness makes. */
static void send_for(Load *load, Pace *pace, gint64 ms) {
  const gint64 began_us = g_get_monotonic_time();
  const double interval_us = 1e6 / pace->pps, gap_us = interval_us / load->n;
  const guint64 total = (guint64)((double)ms * 1000 / gap_us);
  for (guint64 k = 0; k < total;) {
    const gint64 due_us = began_us + (gint64)((double)(k - k % pace->burst) * gap_us), now_us = g_get_monotonic_time();
    if (now_us < due_us) {
      step(load, due_us);
      continue;
    }
    pace->worst_late_us = MAX(pace->worst_late_us, now_us - due_us);
    end_send(load->ends[k / pace->burst % load->n], pace->bytes);
    if (++k % 16 == 0)
      step(load, 0);
  }
  for (guint i = 0; i < load->n; i++) /* checks that are due: consent to receive */
    end_step(load->ends[i]);
}

static void count_in(Load *load, Tally *tally) {
  for (guint i = 0; i < load->n; i++)
    end_count(load->ends[i], tally);
}

static void run(Load *load, const json_t *order) {
  Pace pace = {.pps = json_number_value(json_object_get(order, "pps")),
               .burst = MAX(1, (guint)json_integer_value(json_object_get(order, "burst"))),
               .bytes = (gsize)json_integer_value(json_object_get(order, "bytes"))};
  send_for(load, &pace, json_integer_value(json_object_get(order, "warm_ms")));
  memset(load->tally, 0, sizeof *load->tally);
  pace.worst_late_us = 0;
  load->tally->from_ns = g_get_monotonic_time() * 1000;
  say(json_pack("{s:b}", "warm", TRUE));
  count_in(load, load->tally);
  send_for(load, &pace, json_integer_value(json_object_get(order, "ms")));
  say(json_pack("{s:b}", "measured", TRUE));
  const gint64 end_us = g_get_monotonic_time() + DRAIN_MS * 1000;
  while (g_get_monotonic_time() < end_us)
    step(load, end_us);
  count_in(load, NULL);
  say(json_pack("{s:I, s:I, s:{s:I, s:I}, s:f}", "sent", (json_int_t)load->tally->sent, "received", (json_int_t)load->tally->received,
                "latency_us", "p50", (json_int_t)percentile_us(load->tally, 0.5), "p99", (json_int_t)percentile_us(load->tally, 0.99),
                "late_ms", (double)pace.worst_late_us / 1000));
}

static void step_until(gpointer user, gint64 until_us) {
  step(user, until_us);
}

static void make_ends(Load *load, char **argv) {
  const gboolean webrtc = strcmp(argv[2], "webrtc") == 0, aead = strcmp(argv[3], "gcm") == 0;
  load->n = (guint)atoi(argv[1]);
  load->ends = g_new0(End *, load->n);
  load->epoll = epoll_create1(EPOLL_CLOEXEC);
  load->tally = g_new0(Tally, 1);
  for (guint i = 0; i < load->n; i++) {
    load->ends[i] = (webrtc ? end_new_webrtc : end_new_bare)(i, aead, argv[4], (guint16)atoi(argv[5]));
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    epoll_ctl(load->epoll, EPOLL_CTL_ADD, end_fd(load->ends[i]), &event);
  }
}

static void introduce(const Load *load) {
  json_t *list = json_array();
  for (guint i = 0; i < load->n; i++)
    json_array_append_new(list, json_pack("{s:s*, s:s*, s:s*, s:I, s:I}", "ufrag", end_ufrag(load->ends[i]), "pwd", end_pwd(load->ends[i]),
                                          "fingerprint", end_fingerprint(load->ends[i]), "audio", (json_int_t)end_ssrc(i, FALSE), "video",
                                          (json_int_t)end_ssrc(i, TRUE)));
  say(json_pack("{s:o}", "ends", list));
}

/* Until the next order comes the ends go on living: checks, answers, retransmissions. */
static void wait_for_order(const Load *load) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  while (poll(&input, 1, 100) == 0)
    for (guint i = 0; i < load->n; i++)
      end_step(load->ends[i]);
}

int main(int argc, char **argv) {
  if (argc != 6)
    return 2;
  Load load = {0};
  make_ends(&load, argv);
  introduce(&load);
  char *line = g_malloc(LINE_BYTES);
  while (wait_for_order(&load), fgets(line, LINE_BYTES, stdin) != NULL) {
    json_t *order = json_loads(line, 0, NULL);
    if (json_object_get(order, "connect") != NULL)
      connect_some(&load, json_object_get(order, "connect"), (guint)json_integer_value(json_object_get(order, "first")));
    else if (json_object_get(order, "run") != NULL)
      run(&load, json_object_get(order, "run"));
    else if (json_object_get(order, "play") != NULL)
      say(play(load.ends, load.n, json_object_get(order, "play"), step_until, say, &load));
    json_decref(order);
  }
  for (guint i = 0; i < load.n; i++)
    end_free(load.ends[i]);
  g_free(load.ends);
  g_free(load.tally);
  g_free(line);
  close(load.epoll);
  return 0;
}
