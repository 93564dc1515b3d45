/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: packets that passed SRTP but come from a hostile peer, through reordering, depayloader and muxer into segments (faults 11, 13).
 * Input: one byte that picks the codec, then steps: an operation, a length, and so many bytes. */
#include "pipelines/recording/branch.h"
#include "tests/fuzz/fuzz.h"

#include <gst/gst.h>
#include <string.h>

#define SEGMENT_US  (2 * (gint64)G_USEC_PER_SEC)
#define STEP_US     (20 * 1000)
#define WRITTEN_MAX (8 * 1024 * 1024) /* a few kilobytes in never become more than this (fault 13) */
#define RTP_HEADER  12
#define PACKET_MAX  (RTP_HEADER + 255)

typedef struct Written {
  gboolean open;
  gsize n_bytes;
} Written;

static gboolean on_begin(guint32 seq, gboolean continues, gpointer user) {
  (void)seq, (void)continues;
  Written *written = user;
  g_assert_false(written->open);
  written->open = TRUE;
  return TRUE;
}

static gboolean on_write(const guint8 *bytes, gsize n, gpointer user) {
  Written *written = user;
  g_assert_true(written->open && (n == 0 || bytes != NULL));
  written->n_bytes += n;
  g_assert_cmpuint(written->n_bytes, <, WRITTEN_MAX);
  return TRUE;
}

static void on_seal(gint64 start_us, gint64 end_us, gpointer user) {
  Written *written = user;
  g_assert_true(written->open && start_us <= end_us);
  written->open = FALSE;
}

static void on_discard(gpointer user) {
  ((Written *)user)->open = FALSE;
}

static void on_keyframe(guint32 number, guint32 ssrc, gpointer user) {
  (void)ssrc, (void)user;
  g_assert_cmpuint(number, ==, 1);
}

typedef struct Bench {
  Branch *branch;
  guint8 pt;
  gboolean simulcast;
  guint16 seq;
  guint32 rtp_time;
  gint64 now_us;
} Bench;

/* A good header, so that what follows reaches the depayloader; bit 2 of the operation is the marker, of simulcast bits 3 to 5 the source. */
static void send_payload(Bench *bench, guint8 operation, const uint8_t *bytes, gsize n) {
  guint8 packet[PACKET_MAX] = {0x80, (guint8)(bench->pt | (operation & 4 ? 0x80 : 0)), (guint8)(bench->seq >> 8), (guint8)bench->seq};
  const guint32 rtp_time = GUINT32_TO_BE(bench->rtp_time);
  memcpy(packet + 4, &rtp_time, sizeof rtp_time);
  packet[11] = (guint8)(1 + (bench->simulcast ? operation >> 3 & 7 : 0)); /* SSRC */
  memcpy(packet + RTP_HEADER, bytes, n);
  g_autofree guint8 *exact = g_memdup2(packet, RTP_HEADER + n); /* so that ASan sees one byte too far */
  branch_packet(bench->branch, exact, RTP_HEADER + n, bench->now_us);
  bench->seq++;
}

static void step(Bench *bench, guint8 operation, const uint8_t *bytes, gsize n) {
  g_autofree guint8 *exact = g_memdup2(bytes, n);
  guint32 words[4] = {0};
  switch (operation & 3) {
  case 0:
    branch_packet(bench->branch, exact, n, bench->now_us);
    break;
  case 1:
    send_payload(bench, operation, bytes, n);
    break;
  case 2:
    memcpy(words, bytes, MIN(n, sizeof words));
    branch_report(bench->branch, words[0] & 1, (guint64)words[1] << 32 | words[2], words[3]);
    break;
  case 3:
    bench->now_us += (operation >> 2) * STEP_US;
    bench->rtp_time += n > 0 ? (guint32)bytes[0] << 12 : 1800;
    branch_advance(bench->branch, bench->now_us);
    break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  gst_init(NULL, NULL);
  g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK); /* an element was used as it must not be */
  /* Bit 0: a picture; bits 2 and 3: of which codec; bit 4: simulcast. */
  static const char *const pictures[4] = {"vp8", "vp9", "h264", "vp8"};
  const gboolean video = (data[0] & 1) != 0;
  const RecorderTrack track = {.number = 1,
                               .participant = "p",
                               .track = "0",
                               .medium = video ? "video" : "audio",
                               .codec = video ? pictures[data[0] >> 2 & 3] : "opus",
                               .pt = 96,
                               .red_pt = 97,
                               .ulpfec_pt = 98,
                               .simulcast = (data[0] & 16) != 0,
                               .clock_rate = video ? 90000 : 48000,
                               .keyframe = video ? on_keyframe : NULL};
  Written written = {0};
  TimelineClock clock = {0};
  const BranchConfig config = {&track, &clock, SEGMENT_US, {on_begin, on_write, on_seal, on_discard, &written}};
  Bench bench = {.branch = branch_new(&config, NULL),
                 .pt = track.pt,
                 .simulcast = track.simulcast,
                 .seq = (guint16)(65530 + data[0]),
                 .now_us = G_USEC_PER_SEC};
  g_assert_nonnull(bench.branch);
  branch_begin(bench.branch, bench.now_us);
  for (size_t at = 1; at + 2 <= size;) {
    const gsize n = MIN((gsize)data[at + 1], size - at - 2);
    step(&bench, data[at], data + at + 2, n);
    at += 2 + n;
  }
  if ((data[0] & 2) != 0)
    branch_end(bench.branch);
  branch_free(bench.branch);
  g_assert_false(written.open); /* sealed or discarded, never left */
  return 0;
}
