/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/rate.h"

static guint taken(gint64 *until_us, gint64 now_us, guint tries) {
  guint n = 0;
  for (guint i = 0; i < tries; i++)
    n += rate_take(until_us, now_us, 50);
  return n;
}

static void test_burst(void) {
  gint64 until_us = 0;
  g_assert_cmpuint(taken(&until_us, 7 * G_USEC_PER_SEC, 1000), ==, 100); /* two seconds' worth at once */
  g_assert_cmpuint(taken(&until_us, 7 * G_USEC_PER_SEC, 1000), ==, 0);
  g_assert_cmpuint(taken(&until_us, 8 * G_USEC_PER_SEC, 1000), ==, 50);   /* then the rate */
  g_assert_cmpuint(taken(&until_us, 60 * G_USEC_PER_SEC, 1000), ==, 100); /* silence earns no more than the burst */
}

static void test_steady(void) {
  gint64 until_us = 0;
  for (guint i = 0; i < 1000; i++)
    g_assert_true(rate_take(&until_us, G_USEC_PER_SEC + i * (G_USEC_PER_SEC / 50), 50));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/signaling/rate/burst", test_burst);
  g_test_add_func("/signaling/rate/steady", test_steady);
  return g_test_run();
}
