/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/coalesce.h"

/* `packets` a second in batches, for a tenth of a second. */
static Coalesce after(guint bound_us, guint packets_per_s, guint batch) {
  Coalesce coalesce = {.bound_us = bound_us};
  const double step_us = 1e6 * batch / packets_per_s;
  for (guint i = 0; i * step_us < 100000; i++)
    coalesce_count(&coalesce, batch, (gint64)(1000000 + i * step_us));
  return coalesce;
}

static void test_off(void) {
  const Coalesce busy = after(0, 100000, 8);
  g_assert_cmpuint(coalesce_wait_us(&busy), ==, 0);
}

static void test_never_longer_than_the_bound(void) {
  for (guint rate = 100; rate < 1000000; rate += rate / 3 + 7) {
    const Coalesce coalesce = after(250, rate, 1 + rate / 20000);
    g_assert_cmpuint(coalesce_wait_us(&coalesce), <=, 250);
  }
}

static void test_little_to_gather_is_read_at_once(void) {
  const Coalesce quiet = after(250, 3000, 1), busy = after(250, 30000, 4);
  g_assert_cmpuint(coalesce_wait_us(&quiet), ==, 0);
  g_assert_cmpuint(coalesce_wait_us(&busy), ==, 250);
}

/* No longer than for a good batch: at 200,000 packets/s 16 of them come in 80 us. */
static void test_enough_is_enough(void) {
  const Coalesce flood = after(250, 200000, 32);
  g_assert_cmpuint(coalesce_wait_us(&flood), >=, 70);
  g_assert_cmpuint(coalesce_wait_us(&flood), <=, 90);
}

static void test_load_that_ends_is_forgotten(void) {
  Coalesce coalesce = after(250, 30000, 4);
  coalesce_count(&coalesce, 1, 5000000);
  g_assert_cmpuint(coalesce_wait_us(&coalesce), ==, 0);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/coalesce/off", test_off);
  g_test_add_func("/coalesce/never-longer-than-the-bound", test_never_longer_than_the_bound);
  g_test_add_func("/coalesce/little-to-gather-is-read-at-once", test_little_to_gather_is_read_at_once);
  g_test_add_func("/coalesce/enough-is-enough", test_enough_is_enough);
  g_test_add_func("/coalesce/load-that-ends-is-forgotten", test_load_that_ends_is_forgotten);
  return g_test_run();
}
