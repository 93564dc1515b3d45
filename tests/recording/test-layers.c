/* SPDX-License-Identifier: Apache-2.0 */
/* Which layer of simulcast is recorded: by itself, without media; and random senders against what is known of each. */
#include "pipelines/recording/layers.h"

#define STEP_US 10000

typedef struct Sender { /* one layer, a packet each step */
  guint32 ssrc;
  guint16 seq;
  gsize bytes;
  gboolean off;
} Sender;

static gint send_one(Layers *layers, Sender *sender, gint64 now_us, gboolean lost) {
  gboolean fresh;
  const guint16 seq = sender->seq++;
  return lost ? LAYERS_NONE : layers_packet(layers, sender->ssrc, seq, sender->bytes, now_us, &fresh);
}

static gint64 run_for(Layers *layers, Sender *senders, guint n, gint64 now_us, gint64 us) {
  for (gint64 end_us = now_us + us; now_us < end_us; now_us += STEP_US) {
    for (guint i = 0; i < n; i++)
      if (!senders[i].off)
        (void)send_one(layers, &senders[i], now_us, FALSE);
    layers_advance(layers, now_us);
  }
  return now_us;
}

static void test_begins_with_best(void) {
  Layers layers;
  Sender senders[] = {{1, 65530, 100, FALSE}, {2, 7, 300, FALSE}, {3, 9, 900, FALSE}};
  layers_init(&layers, TRUE);
  gint64 now_us = run_for(&layers, senders, 3, 5 * G_USEC_PER_SEC, 50000);
  g_assert_true(layers_takes(&layers, 0) && layers_takes(&layers, 1) && layers_takes(&layers, 2));
  layers_keyframe(&layers, 0, 100, now_us);
  g_assert_false(layers_adopt(&layers, 0, now_us)); /* what the others show is not known yet */
  layers_keyframe(&layers, 2, 1600, now_us);
  layers_keyframe(&layers, 1, 400, now_us);
  g_assert_false(layers_adopt(&layers, 1, now_us));
  g_assert_true(layers_adopt(&layers, 2, now_us));
  g_assert_false(layers_takes(&layers, 0) || layers_takes(&layers, 1)); /* fault 9: nothing is held of what is not recorded */

  layers_init(&layers, TRUE); /* one never shows a keyframe: the take waits half a second for it */
  now_us = run_for(&layers, senders, 3, now_us, 50000);
  layers_keyframe(&layers, 1, 400, now_us);
  g_assert_false(layers_adopt(&layers, 1, now_us));
  now_us = run_for(&layers, senders, 3, now_us, LAYERS_FIRST_US);
  g_assert_true(layers_adopt(&layers, 1, now_us));
}

static void test_better_when_complete(void) {
  Layers layers;
  Sender senders[] = {{1, 1, 100, FALSE}, {2, 1, 300, FALSE}};
  layers_init(&layers, TRUE);
  gint64 now_us = run_for(&layers, senders, 1, 0, 1000000);
  layers_keyframe(&layers, 0, 100, now_us);
  g_assert_true(layers_adopt(&layers, 0, now_us));
  now_us = run_for(&layers, senders, 2, now_us, LAYERS_STEADY_US - STEP_US);
  g_assert_cmpint(layers.next, ==, LAYERS_NONE);
  layers_keyframe(&layers, 1, 400, now_us);
  g_assert_false(layers_adopt(&layers, 1, now_us)); /* not complete for a second */
  now_us = run_for(&layers, senders, 2, now_us, 2 * STEP_US);
  g_assert_cmpint(layers.next, ==, 1);
  (void)send_one(&layers, &senders[1], now_us, TRUE);
  now_us = run_for(&layers, senders, 2, now_us, 70 * STEP_US); /* nothing brought it back */
  g_assert_cmpint(layers.next, ==, LAYERS_NONE);
  now_us = run_for(&layers, senders, 2, now_us, LAYERS_STEADY_US);
  g_assert_cmpint(layers.next, ==, 1);
  g_assert_cmpint(layers.current, ==, 0); /* at its keyframe, not before */
  g_assert_true(layers_adopt(&layers, 1, now_us));
  now_us = run_for(&layers, senders, 2, now_us, 2 * G_USEC_PER_SEC);
  g_assert_cmpint(layers.next, ==, LAYERS_NONE);
}

static void test_repaired_is_complete(void) {
  Layers layers;
  Sender senders[] = {{1, 1, 100, FALSE}, {2, 65500, 900, FALSE}};
  gboolean fresh;
  layers_init(&layers, TRUE);
  gint64 now_us = run_for(&layers, senders, 2, 0, STEP_US);
  layers.current = 0;
  for (guint i = 0; i < 300; i++) { /* every second packet comes 20 packets later */
    (void)send_one(&layers, &senders[1], now_us, i % 2 == 0);
    if (i >= 20 && i % 2 == 0)
      g_assert_cmpint(layers_packet(&layers, 2, (guint16)(senders[1].seq - 21), 900, now_us, &fresh), ==, 1);
    now_us = run_for(&layers, senders, 1, now_us, STEP_US);
  }
  g_assert_cmpint(layers.next, ==, 1); /* by its bytes: no keyframe told a size */
}

static void test_left(void) {
  Layers layers;
  Sender senders[] = {{1, 1, 100, FALSE}, {2, 1, 300, FALSE}, {3, 1, 900, FALSE}};
  layers_init(&layers, TRUE);
  gint64 now_us = run_for(&layers, senders, 3, 0, 2 * G_USEC_PER_SEC);
  for (gint i = 0; i < 3; i++)
    layers_keyframe(&layers, i, 100u << (2 * i), now_us);
  g_assert_true(layers_adopt(&layers, 2, now_us));
  senders[2].off = TRUE;
  now_us = run_for(&layers, senders, 3, now_us, LAYERS_SILENT_US + STEP_US);
  g_assert_cmpint(layers.next, ==, 1); /* the best of the others */
  senders[2].off = FALSE;
  now_us = run_for(&layers, senders, 3, now_us, STEP_US);
  g_assert_cmpint(layers.next, ==, LAYERS_NONE); /* back in time */
  senders[0].off = senders[1].off = senders[2].off = TRUE;
  now_us = run_for(&layers, senders, 3, now_us, 20 * G_USEC_PER_SEC);
  g_assert_cmpint(layers.next, ==, LAYERS_NONE);
  senders[0].off = senders[1].off = senders[2].off = FALSE;
  now_us = run_for(&layers, senders, 3, now_us, 2 * G_USEC_PER_SEC);
  layers_break(&layers, now_us);
  now_us = run_for(&layers, senders, 3, now_us, LAYERS_STEADY_US - STEP_US);
  layers_break(&layers, now_us); /* counts from the first */
  g_assert_cmpint(layers.next, ==, LAYERS_NONE);
  now_us = run_for(&layers, senders, 3, now_us, 2 * STEP_US);
  g_assert_cmpint(layers.next, ==, 1);
  layers_mend(&layers);
  layers_advance(&layers, now_us);
  g_assert_cmpint(layers.next, ==, LAYERS_NONE);
}

/* Fault 9: a stranger's thousand sources find four places, and none of somebody who sends. */
static void test_bounded(void) {
  Layers layers;
  Sender senders[] = {{1, 1, 100, FALSE}, {2, 1, 300, FALSE}, {3, 1, 900, FALSE}, {4, 1, 900, FALSE}};
  gboolean fresh;
  layers_init(&layers, TRUE);
  gint64 now_us = run_for(&layers, senders, 4, 0, G_USEC_PER_SEC);
  for (guint32 ssrc = 100; ssrc < 1100; ssrc++)
    g_assert_cmpint(layers_packet(&layers, ssrc, 1, 10, now_us, &fresh), ==, LAYERS_NONE);
  senders[1].off = TRUE;
  now_us = run_for(&layers, senders, 4, now_us, LAYERS_GONE_US);
  g_assert_cmpint(layers_packet(&layers, 100, 1, 10, now_us, &fresh), ==, 1);
  g_assert_true(fresh);
  g_assert_cmpint(layers_packet(&layers, 101, 1, 10, now_us, &fresh), ==, LAYERS_NONE);

  layers_init(&layers, FALSE); /* not simulcast: the last one has the place */
  for (guint32 ssrc = 100; ssrc < 200; ssrc++) {
    g_assert_cmpint(layers_packet(&layers, ssrc, 1, 10, now_us, &fresh), ==, 0);
    g_assert_true(fresh && layers.current == 0);
  }
}

/* What is chosen sends; a better one is chosen only when all of its last second's packets came. */
static void test_random(void) {
  const guint32 seed = g_random_int();
  g_test_message("seed %u", seed);
  g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
  Sender senders[] = {{1, 1, 100, FALSE}, {2, 1, 300, FALSE}, {3, 1, 900, FALSE}};
  gint64 sent_us[3], found_us[3] = {-G_USEC_PER_SEC, -G_USEC_PER_SEC, -G_USEC_PER_SEC};
  gint64 number[3] = {0}, lost_at[3] = {G_MAXINT32, G_MAXINT32, G_MAXINT32}; /* the oldest that is missing and not yet given up */
  guint loss[3] = {0}, better = 0, worse = 0;
  Layers layers;
  layers_init(&layers, TRUE);
  for (gint64 now_us = 0; now_us < 2000 * G_USEC_PER_SEC; now_us += STEP_US) {
    for (gint i = 0; i < 3; i++) {
      if (g_rand_int_range(rand, 0, 300) == 0)
        senders[i].off = g_rand_boolean(rand);
      if (g_rand_int_range(rand, 0, 300) == 0)
        loss[i] = g_rand_boolean(rand) ? 0 : 30;
      if (senders[i].off)
        continue;
      const gboolean lost = g_rand_int_range(rand, 0, 1000) < (gint)loss[i];
      number[i]++;
      if (lost) {
        (void)send_one(&layers, &senders[i], now_us, TRUE);
        lost_at[i] = MIN(lost_at[i], number[i]);
      } else {
        g_assert_cmpint(send_one(&layers, &senders[i], now_us, FALSE), ==, i);
        sent_us[i] = now_us;
        found_us[i] = number[i] - lost_at[i] >= 64 ? now_us : found_us[i];
        lost_at[i] = number[i] - lost_at[i] >= 64 ? G_MAXINT32 : lost_at[i];
      }
      if (g_rand_int_range(rand, 0, 50) == 0 && !lost)
        layers_keyframe(&layers, i, 100u << (2 * i), now_us);
    }
    layers_advance(&layers, now_us);
    const gint next = layers.next;
    if (next == LAYERS_NONE) {
      if (layers.current == LAYERS_NONE && g_rand_int_range(rand, 0, 100) == 0)
        (void)layers_adopt(&layers, g_rand_int_range(rand, 0, 3), now_us);
      continue;
    }
    g_assert_cmpint(next, !=, layers.current);
    g_assert_cmpint(now_us - sent_us[next], <, LAYERS_SILENT_US);
    if (now_us - sent_us[layers.current] < LAYERS_SILENT_US) {
      g_assert_cmpint(next, >, layers.current);
      g_assert_cmpint(now_us - found_us[next], >=, LAYERS_STEADY_US);
      better++;
    } else {
      worse++;
    }
    if (g_rand_int_range(rand, 0, 50) == 0)
      g_assert_true(layers_adopt(&layers, next, now_us));
  }
  g_test_message("%u better, %u others", better, worse);
  g_assert_cmpuint(better, >, 1000);
  g_assert_cmpuint(worse, >, 1000);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/recording/layers/begins_with_best", test_begins_with_best);
  g_test_add_func("/recording/layers/better_when_complete", test_better_when_complete);
  g_test_add_func("/recording/layers/repaired_is_complete", test_repaired_is_complete);
  g_test_add_func("/recording/layers/left", test_left);
  g_test_add_func("/recording/layers/bounded", test_bounded);
  g_test_add_func("/recording/layers/random", test_random);
  return g_test_run();
}
