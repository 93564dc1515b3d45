/* SPDX-License-Identifier: Apache-2.0 */
/* Alarms against a plain list, with a clock of the test's own. */
#include "signaling/alarms.h"

#define N 200

static gint64 now_us;
static gint64 clock_us(void) {
  return now_us;
}

typedef struct Case {
  Alarms *alarms;
  Alarm all[N];
  gint64 due_us[N]; /* the reference: 0 is not set */
  guint rung;
  gint64 last_us;
} Case;

static void on_ring(gpointer user) {
  gint64 *due_us = user;
  g_assert_cmpint(*due_us, !=, 0);
  g_assert_cmpint(*due_us, <=, now_us);
  *due_us = 0;
}

static void turn(void) {
  while (g_main_context_iteration(NULL, FALSE))
    ;
}

static void test_against_a_list(void) {
  Case c = {.alarms = alarms_new(NULL, clock_us)};
  now_us = 1;
  for (guint step = 0; step < 20000; step++) {
    const guint i = (guint)g_test_rand_int_range(0, N);
    switch (g_test_rand_int_range(0, 4)) {
    case 0:
      alarm_clear(c.alarms, &c.all[i]);
      c.due_us[i] = 0;
      break;
    case 1:
      now_us += g_test_rand_int_range(0, 50);
      turn();
      for (guint k = 0; k < N; k++)
        g_assert_true(c.due_us[k] == 0 || c.due_us[k] > now_us); /* all that were due have rung */
      break;
    default:
      c.due_us[i] = now_us + g_test_rand_int_range(-10, 1000);
      if (c.due_us[i] == 0)
        c.due_us[i] = 1;
      alarm_set(c.alarms, &c.all[i], c.due_us[i], on_ring, &c.due_us[i]);
    }
  }
  alarms_free(c.alarms);
}

static void on_order(gpointer user) {
  Case *c = user;
  c->rung++;
  g_assert_cmpint(now_us, >=, c->last_us);
  if (c->rung < 5)
    alarm_set(c->alarms, &c->all[0], now_us, on_order, c); /* due at once: rings in a turn of its own */
}

static void test_set_again_while_it_rings(void) {
  Case c = {.alarms = alarms_new(NULL, clock_us)};
  alarm_set(c.alarms, &c.all[0], now_us, on_order, &c);
  turn();
  g_assert_cmpuint(c.rung, ==, 5);
  g_assert_cmpuint(c.all[0].place, ==, 0);
  alarms_free(c.alarms);
}

static gint64 monotonic_us(void) {
  return g_get_monotonic_time();
}

static void on_quit(gpointer loop) {
  g_main_loop_quit(loop);
}

static void test_wakes_the_loop(void) {
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  Alarms *alarms = alarms_new(NULL, monotonic_us);
  Alarm alarm = {0};
  const gint64 at_us = monotonic_us() + 20000;
  alarm_set(alarms, &alarm, at_us, on_quit, loop);
  g_main_loop_run(loop);
  g_assert_cmpint(monotonic_us(), >=, at_us);
  alarms_free(alarms);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/alarms/against-a-list", test_against_a_list);
  g_test_add_func("/alarms/set-again-while-it-rings", test_set_again_while_it_rings);
  g_test_add_func("/alarms/wakes-the-loop", test_wakes_the_loop);
  return g_test_run();
}
