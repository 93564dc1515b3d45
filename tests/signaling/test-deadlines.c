/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines against a list that is searched: whatever is set, moved and cleared, those that are due are called, once and in order. */
#include "signaling/deadlines.h"

#define OWNERS  64
#define CHANGES 20000

typedef struct Owner {
  Deadline deadline;
  gint64 wanted_us; /* as the test knows it; 0: none */
  guint called;
  Deadlines *deadlines;
  gint64 again_us;
  gint64 *last_us;
} Owner;

static void due(gpointer user) {
  Owner *owner = user;
  g_assert_cmpuint(owner->deadline.place, ==, 0);
  g_assert_cmpint(owner->wanted_us, >=, *owner->last_us);
  *owner->last_us = owner->wanted_us;
  owner->called++;
  owner->wanted_us = 0;
  if (owner->again_us > 0) {
    owner->wanted_us = owner->again_us;
    deadlines_set(owner->deadlines, &owner->deadline, owner->again_us);
  }
}

static void own(Owner *owners, Deadlines *deadlines, gint64 *last_us) {
  for (guint i = 0; i < OWNERS; i++)
    owners[i] = (Owner){.deadline = {.due = due, .owner = &owners[i]}, .deadlines = deadlines, .last_us = last_us};
}

static void clear(Owner *owner) {
  owner->wanted_us = 0;
  deadlines_clear(owner->deadlines, &owner->deadline);
  g_assert_cmpuint(owner->deadline.place, ==, 0);
}

/* Half of the time lies behind, so that the next turn of the loop calls what is due; the rest lies an hour ahead. */
static void test_random(void) {
  g_autoptr(GMainContext) context = g_main_context_new();
  g_autoptr(Deadlines) deadlines = deadlines_new(context);
  static Owner owners[OWNERS];
  gint64 last_us = 0;
  const gint64 now_us = g_get_monotonic_time();
  own(owners, deadlines, &last_us);
  for (guint change = 0; change < CHANGES; change++) {
    Owner *owner = &owners[g_test_rand_int_range(0, OWNERS)];
    if (g_test_rand_int_range(0, 4) == 0) {
      clear(owner);
    } else {
      owner->wanted_us = now_us + g_test_rand_int_range(-1000000, 0) + (g_test_rand_bit() ? 3600LL * G_USEC_PER_SEC : 0);
      deadlines_set(deadlines, &owner->deadline, owner->wanted_us);
    }
    if (g_test_rand_int_range(0, 16) > 0)
      continue;
    last_us = 0;
    guint expected = 0, called = 0;
    for (guint i = 0; i < OWNERS; i++) {
      owners[i].called = 0;
      expected += owners[i].wanted_us > 0 && owners[i].wanted_us <= now_us;
    }
    g_main_context_iteration(context, FALSE);
    for (guint i = 0; i < OWNERS; i++) {
      called += owners[i].called;
      g_assert_cmpuint(owners[i].called, <=, 1);
      g_assert_true(owners[i].wanted_us == 0 || owners[i].wanted_us > now_us);
    }
    g_assert_cmpuint(called, ==, expected);
  }
  for (guint i = 0; i < OWNERS; i++)
    clear(&owners[i]);
}

static void test_set_again_while_called(void) {
  g_autoptr(GMainContext) context = g_main_context_new();
  g_autoptr(Deadlines) deadlines = deadlines_new(context);
  static Owner owners[OWNERS];
  gint64 last_us = 0;
  own(owners, deadlines, &last_us);
  owners[0].wanted_us = g_get_monotonic_time() - 1;
  owners[0].again_us = g_get_monotonic_time() + 3600LL * G_USEC_PER_SEC;
  deadlines_set(deadlines, &owners[0].deadline, owners[0].wanted_us);
  g_main_context_iteration(context, FALSE);
  g_main_context_iteration(context, FALSE);
  g_assert_cmpuint(owners[0].called, ==, 1);
  g_assert_cmpuint(owners[0].deadline.place, ==, 1);
  clear(&owners[0]);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/signaling/deadlines/random", test_random);
  g_test_add_func("/signaling/deadlines/set-again-while-called", test_set_again_while_called);
  return g_test_run();
}
