/* SPDX-License-Identifier: Apache-2.0 */
/* R9 for what is sent again: which numbers a take may have, against a naive reference that knows each packet's true number. */
#include "pipelines/relay/sequence.h"

static void test_from_before(void) {
  Sequence sequence = {0};
  g_assert_false(sequence_repairs(&sequence, 1, 1)); /* nothing is known */
  sequence_closed(&sequence, 65534);
  g_assert_false(sequence_admits(&sequence, 65533, 1)); /* late, and older than what came while the gate was closed */
  g_assert_false(sequence_repairs(&sequence, 65535, 1));
  g_assert_true(sequence_admits(&sequence, 2, 1));
  g_assert_true(sequence_admits(&sequence, 0, 1));   /* out of order, by its own arrival */
  g_assert_false(sequence_repairs(&sequence, 1, 1)); /* before the first that arrived */
  g_assert_false(sequence_repairs(&sequence, 2, 1));
  g_assert_true(sequence_admits(&sequence, 5, 1));
  g_assert_true(sequence_repairs(&sequence, 4, 1));
  g_assert_false(sequence_repairs(&sequence, 4, 2)); /* another take has not begun this stream */
  g_assert_false(sequence_repairs(&sequence, 4, 0));
  g_assert_false(sequence_admits(&sequence, 6, 0));
}

/* What came while the gate was closed was older than what had come before: that does not let in what lies between them. */
static void test_older_while_closed(void) {
  Sequence sequence = {0};
  g_assert_true(sequence_admits(&sequence, 20, 1));
  sequence_closed(&sequence, 15);
  g_assert_false(sequence_admits(&sequence, 18, 2));
  g_assert_true(sequence_admits(&sequence, 21, 2));
}

static void test_next_take(void) {
  Sequence sequence = {0};
  g_assert_true(sequence_admits(&sequence, 10, 1));
  g_assert_true(sequence_admits(&sequence, 12, 2)); /* no packet came in between */
  g_assert_false(sequence_repairs(&sequence, 11, 2));
  g_assert_false(sequence_repairs(&sequence, 11, 1));
  sequence_closed(&sequence, 13);
  g_assert_false(sequence_repairs(&sequence, 13, 2)); /* the same take goes on, but not with what it was closed for */
  g_assert_true(sequence_admits(&sequence, 15, 2));
  g_assert_false(sequence_repairs(&sequence, 14, 2));
}

/* A sender that numbers anew goes on being recorded; one stray does not count as that. */
static void test_numbers_anew(void) {
  Sequence sequence = {0};
  sequence_closed(&sequence, 40000);
  g_assert_true(sequence_admits(&sequence, 40001, 1));
  g_assert_false(sequence_admits(&sequence, 20000, 1));
  g_assert_true(sequence_admits(&sequence, 40002, 1));
  g_assert_false(sequence_admits(&sequence, 20000, 1));
  g_assert_true(sequence_admits(&sequence, 20001, 1));
  g_assert_true(sequence_admits(&sequence, 20003, 1));
  g_assert_false(sequence_repairs(&sequence, 20000, 1));
  g_assert_true(sequence_repairs(&sequence, 20002, 1));
}

/* 200,000 packets with reordering and losses, the gate opening and closing: no wrap confuses it. */
static void test_random(void) {
  guint32 seed = g_random_int();
  g_test_message("seed %u", seed);
  g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
  Sequence sequence = {0};
  gint64 number = 60000, highest = -1, closed = -1, first = 0;
  guint32 take = 0, first_take = 0;
  guint admitted = 0, repaired = 0;
  for (guint i = 0; i < 200000; i++) {
    if (g_rand_int_range(rand, 0, 500) == 0)
      take = take != 0 ? 0 : 1 + i;
    number += g_rand_int_range(rand, 1, 4);
    const gint64 is = number - (g_rand_int_range(rand, 0, 5) == 0 ? g_rand_int_range(rand, 0, 60) : 0);
    highest = MAX(highest, is);
    if (take == 0) {
      sequence_closed(&sequence, (guint16)is);
      closed = highest; /* even if this one is older: all up to there was sent before the gate opens again */
      first_take = 0;
      continue;
    }
    const gboolean may = is > closed;
    g_assert_cmpint(sequence_admits(&sequence, (guint16)is, take), ==, may);
    if (may && first_take != take) {
      first_take = take;
      first = is;
    }
    const gint64 again = number - g_rand_int_range(rand, 0, 600);
    const gboolean may_again = first_take == take && again > first && again > closed;
    g_assert_cmpint(sequence_repairs(&sequence, (guint16)again, take), ==, may_again);
    admitted += may;
    repaired += may_again;
  }
  g_assert_cmpuint(admitted, >, 1000);
  g_assert_cmpuint(repaired, >, 1000);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay/sequence/from-before", test_from_before);
  g_test_add_func("/relay/sequence/older-while-closed", test_older_while_closed);
  g_test_add_func("/relay/sequence/next-take", test_next_take);
  g_test_add_func("/relay/sequence/numbers-anew", test_numbers_anew);
  g_test_add_func("/relay/sequence/random", test_random);
  return g_test_run();
}
