/* SPDX-License-Identifier: Apache-2.0 */
/* Reorder: order, losses, fillers, wraps, replays (fault 7), and random traffic against a naive reference. */
#include "pipelines/recording/reorder.h"

#include <string.h>

typedef struct Got {
  GArray *ids;  /* guint32: the RTP time marks the packet */
  GArray *seqs; /* guint16: renumbered */
  gsize in_call_bytes;
} Got;

static void on_out(const ReorderPacket *packet, gpointer user) {
  Got *got = user;
  for (gsize i = 0; i < packet->n_bytes; i++)
    g_assert_cmpuint(packet->bytes[i], ==, packet->rtp_time & 0xff);
  g_array_append_val(got->ids, packet->rtp_time);
  g_array_append_val(got->seqs, packet->seq);
  got->in_call_bytes += packet->n_bytes;
}

static Got got_new(void) {
  return (Got){g_array_new(FALSE, FALSE, 4), g_array_new(FALSE, FALSE, 2), 0};
}

static void got_clear(Got *got) {
  g_array_unref(got->ids);
  g_array_unref(got->seqs);
}

static void push(Reorder *reorder, guint16 seq, guint32 id, gint64 arrival_us, gboolean filler) {
  guint8 bytes[10];
  memset(bytes, (int)(id & 0xff), sizeof bytes);
  const ReorderPacket media = {.seq = seq, .rtp_time = id, .arrival_us = arrival_us, .n_bytes = sizeof bytes, .bytes = bytes};
  const ReorderPacket nothing = {.seq = seq, .filler = TRUE, .arrival_us = arrival_us};
  reorder_push(reorder, filler ? &nothing : &media);
  memset(bytes, 0xee, sizeof bytes); /* what it keeps, it copied */
}

static void assert_ids(const Got *got, const guint32 *ids, guint n) {
  g_assert_cmpuint(got->ids->len, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint(g_array_index(got->ids, guint32, i), ==, ids[i]);
}

static void test_back_slack(void) {
  Got got = got_new();
  g_autoptr(Reorder) reorder = reorder_new(on_out, &got);
  push(reorder, 65535, 3, 1000, FALSE);
  push(reorder, 0, 4, 1500, FALSE);
  push(reorder, 65533, 1, 30000, FALSE);
  push(reorder, 65534, 2, 45000, FALSE);
  g_assert_cmpuint(got.ids->len, ==, 0);
  g_assert_cmpint(reorder_deadline(reorder), ==, 1000 + REORDER_SLACK_US);
  reorder_advance(reorder, 1000 + REORDER_SLACK_US);
  assert_ids(&got, (guint32[]){1, 2, 3, 4}, 4);
  g_assert_cmpint(reorder_deadline(reorder), ==, G_MAXINT64);
  got_clear(&got);
}

static void test_loss_makes_one_gap(void) {
  Got got = got_new();
  g_autoptr(Reorder) reorder = reorder_new(on_out, &got);
  push(reorder, 10, 10, 0, FALSE);
  reorder_advance(reorder, REORDER_SLACK_US);
  push(reorder, 14, 14, 300000, FALSE);
  push(reorder, 15, 15, 310000, FALSE);
  assert_ids(&got, (guint32[]){10}, 1);
  g_assert_cmpint(reorder_deadline(reorder), ==, 300000 + REORDER_LOST_US);
  reorder_advance(reorder, 300000 + REORDER_LOST_US);
  assert_ids(&got, (guint32[]){10, 14, 15}, 3);
  g_assert_cmpuint(reorder_stats(reorder).lost, ==, 3);
  g_assert_cmpuint((guint16)(g_array_index(got.seqs, guint16, 1) - g_array_index(got.seqs, guint16, 0)), ==, 2);
  g_assert_cmpuint((guint16)(g_array_index(got.seqs, guint16, 2) - g_array_index(got.seqs, guint16, 1)), ==, 1);
  got_clear(&got);
}

static void test_fillers_make_no_gap(void) {
  Got got = got_new();
  g_autoptr(Reorder) reorder = reorder_new(on_out, &got);
  for (guint i = 0; i < 300; i++)
    push(reorder, (guint16)(65400 + i), i, i * 5000, i % 3 == 1);
  reorder_flush(reorder);
  g_assert_cmpuint(got.ids->len, ==, 200);
  for (guint i = 1; i < 200; i++)
    g_assert_cmpuint((guint16)(g_array_index(got.seqs, guint16, i) - g_array_index(got.seqs, guint16, i - 1)), ==, 1);
  got_clear(&got);
}

static void test_replayed_once(void) {
  Got got = got_new();
  g_autoptr(Reorder) reorder = reorder_new(on_out, &got);
  for (guint i = 0; i < 50; i++)
    for (guint again = 0; again < 3; again++)
      push(reorder, (guint16)i, i, i * 5000 + again, FALSE);
  push(reorder, 3, 3, 260000, FALSE);
  reorder_flush(reorder);
  g_assert_cmpuint(got.ids->len, ==, 50);
  got_clear(&got);
}

static void test_restarts(void) {
  Got got = got_new();
  g_autoptr(Reorder) reorder = reorder_new(on_out, &got);
  push(reorder, 30000, 1, 0, FALSE);
  push(reorder, 30001, 2, 200000, FALSE);
  /* far ahead: an outage */
  push(reorder, 33000, 3, 400000, FALSE);
  push(reorder, 33001, 4, 700000, FALSE);
  assert_ids(&got, (guint32[]){1, 2, 3, 4}, 4);
  g_assert_cmpuint(reorder_stats(reorder).lost, ==, 33000 - 30002);
  /* far behind: a stray alone, a new beginning with its follower */
  push(reorder, 20000, 5, 800000, FALSE);
  push(reorder, 33002, 6, 800000, FALSE);
  push(reorder, 20000, 7, 900000, FALSE);
  push(reorder, 20001, 8, 900000, FALSE);
  push(reorder, 20002, 9, 900001, FALSE);
  reorder_flush(reorder);
  assert_ids(&got, (guint32[]){1, 2, 3, 4, 6, 8, 9}, 7);
  /* another SSRC after a flush, its sequence unrelated */
  push(reorder, 7, 10, 1000000, FALSE);
  reorder_flush(reorder);
  g_assert_cmpuint(got.ids->len, ==, 8);
  g_assert_cmpuint((guint16)(g_array_index(got.seqs, guint16, 7) - g_array_index(got.seqs, guint16, 6)), ==, 2);
  got_clear(&got);
}

/* A sender that numbers anew a little behind loses a second of sound, not all up to where it was. What is sent again comes beside what is new. */
static void test_restarts_a_little_behind(void) {
  Got got = got_new();
  g_autoptr(Reorder) reorder = reorder_new(on_out, &got);
  gint64 at_us = 0;
  for (guint16 i = 0; i < 200; i++, at_us += 20000) {
    push(reorder, 1000 + i, i, at_us, FALSE);
    if (i >= 20)
      push(reorder, 800 + i, 999, at_us, FALSE);
  }
  g_assert_cmpuint(got.ids->len, ==, 200);
  for (guint16 i = 0; i < 200; i++, at_us += 20000)
    push(reorder, 300 + i, 1000 + i, at_us, FALSE);
  reorder_flush(reorder);
  g_assert_cmpuint(got.ids->len, ==, 200 + 200 - (REORDER_ANEW - 1));
  g_assert_cmpuint(g_array_index(got.ids, guint32, 200), ==, 1000 + REORDER_ANEW - 1);
  g_assert_cmpuint(g_array_index(got.ids, guint32, got.ids->len - 1), ==, 1199);
  got_clear(&got);
}

static void test_bytes_bounded(void) {
  Got got = got_new();
  g_autoptr(Reorder) reorder = reorder_new(on_out, &got);
  g_autofree guint8 *bytes = g_malloc(65000);
  for (guint i = 0; i < 200; i++) {
    memset(bytes, (int)i, 65000);
    const ReorderPacket packet = {.seq = (guint16)(i * 2), .rtp_time = i, .n_bytes = 65000, .bytes = bytes};
    reorder_push(reorder, &packet);
  }
  g_assert_cmpuint(200 * 65000 - got.in_call_bytes, <=, REORDER_BYTES_MAX);
  got_clear(&got);
}

/* The reference: every packet with its 64-bit number in a list; asked by brute force, one microsecond deadline at a time. */
typedef struct Naive {
  gint64 next; /* -1: not begun */
  gint64 first_us;
  GArray *held; /* NaivePacket */
  GArray *out;  /* guint32 */
} Naive;
typedef struct NaivePacket {
  gint64 seq, arrival_us;
  gboolean filler;
} NaivePacket;

static gint naive_lowest(const Naive *naive) {
  gint lowest = -1;
  for (guint i = 0; i < naive->held->len; i++)
    if (lowest < 0 || g_array_index(naive->held, NaivePacket, i).seq < g_array_index(naive->held, NaivePacket, (guint)lowest).seq)
      lowest = (gint)i;
  return lowest;
}

static void naive_give(Naive *naive, gint at) {
  NaivePacket packet = g_array_index(naive->held, NaivePacket, (guint)at);
  guint32 id = (guint32)packet.seq;
  if (!packet.filler)
    g_array_append_val(naive->out, id);
  naive->next = packet.seq + 1;
  g_array_remove_index(naive->held, (guint)at);
}

static void naive_advance(Naive *naive, gint64 now_us) {
  for (gint lowest = naive_lowest(naive); lowest >= 0; lowest = naive_lowest(naive)) {
    gint64 earliest = G_MAXINT64;
    for (guint i = 0; i < naive->held->len; i++)
      earliest = MIN(earliest, g_array_index(naive->held, NaivePacket, i).arrival_us);
    gboolean begin = naive->next < 0 && now_us >= naive->first_us + REORDER_SLACK_US;
    gboolean follows = naive->next >= 0 && g_array_index(naive->held, NaivePacket, (guint)lowest).seq == naive->next;
    gboolean late = naive->next >= 0 && now_us >= earliest + REORDER_LOST_US;
    if (!begin && !follows && !late)
      return;
    naive_give(naive, lowest);
  }
}

static void naive_push(Naive *naive, NaivePacket packet) {
  if (naive->first_us < 0)
    naive->first_us = packet.arrival_us;
  naive_advance(naive, packet.arrival_us);
  gboolean known = packet.seq < naive->next;
  for (guint i = 0; i < naive->held->len; i++)
    known |= g_array_index(naive->held, NaivePacket, i).seq == packet.seq;
  if (!known)
    g_array_append_val(naive->held, packet);
  naive_advance(naive, packet.arrival_us);
}

static gint by_arrival(gconstpointer a, gconstpointer b) {
  const NaivePacket *x = a, *y = b;
  return x->arrival_us < y->arrival_us ? -1 : x->arrival_us > y->arrival_us;
}

static void run_random(guint32 seed) {
  g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
  Got got = got_new();
  g_autoptr(Reorder) reorder = reorder_new(on_out, &got);
  Naive naive = {-1, -1, g_array_new(FALSE, FALSE, sizeof(NaivePacket)), g_array_new(FALSE, FALSE, 4)};
  g_autoptr(GArray) sent = g_array_new(FALSE, FALSE, sizeof(NaivePacket));
  gint64 first = g_rand_int_range(rand, 70000, 140000);
  for (gint64 i = 0; i < 800; i++) {
    if (g_rand_int_range(rand, 0, 100) < 5)
      continue;
    gint copies = g_rand_int_range(rand, 0, 100) < 5 ? 2 : 1;
    for (gint c = 0; c < copies; c++) {
      NaivePacket packet = {first + i, i * 4000 + g_rand_int_range(rand, 0, 300) * 1000, (first + i) % 7 == 0};
      g_array_append_val(sent, packet);
    }
  }
  g_array_sort(sent, by_arrival);
  for (guint i = 0; i < sent->len; i++) {
    NaivePacket packet = g_array_index(sent, NaivePacket, i);
    push(reorder, (guint16)packet.seq, (guint32)packet.seq, packet.arrival_us, packet.filler);
    naive_push(&naive, packet);
  }
  reorder_advance(reorder, G_MAXINT64 / 2);
  naive_advance(&naive, G_MAXINT64 / 2);
  assert_ids(&got, (guint32 *)(void *)naive.out->data, naive.out->len);
  for (guint i = 1; i < got.ids->len; i++) /* in order, never twice */
    g_assert_cmpuint(g_array_index(got.ids, guint32, i), >, g_array_index(got.ids, guint32, i - 1));
  g_array_unref(naive.held);
  g_array_unref(naive.out);
  got_clear(&got);
}

static void test_random(void) {
  guint32 seed = g_random_int();
  g_test_message("seed %u", seed);
  for (guint32 i = 0; i < 300; i++)
    run_random(seed + i);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/recording/reorder/back_slack", test_back_slack);
  g_test_add_func("/recording/reorder/loss_makes_one_gap", test_loss_makes_one_gap);
  g_test_add_func("/recording/reorder/fillers_make_no_gap", test_fillers_make_no_gap);
  g_test_add_func("/recording/reorder/replayed_once", test_replayed_once);
  g_test_add_func("/recording/reorder/restarts", test_restarts);
  g_test_add_func("/recording/reorder/restarts_a_little_behind", test_restarts_a_little_behind);
  g_test_add_func("/recording/reorder/bytes_bounded", test_bytes_bounded);
  g_test_add_func("/recording/reorder/random", test_random);
  return g_test_run();
}
