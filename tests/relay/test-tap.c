/* SPDX-License-Identifier: Apache-2.0 */
/* The permit and the ring: zero means no (R7), next packet not next tick (R11), and one producer with one consumer without a lock. */
#include "pipelines/relay/tap.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

static void test_gate_zero_is_closed(void) {
  TapGate gate = {0};
  g_assert_cmpuint(tap_admit(&gate, 0, 0), ==, 0);
  g_assert_cmpuint(tap_admit(&gate, 0, G_MAXINT64), ==, 0);
  g_assert_cmpuint(gate.refused_closed, ==, 2);
  g_assert_cmpuint(gate.admitted, ==, 0);
}

/* R10, R11 */
static void test_gate_permit_expire_revoke(void) {
  TapGate gate = {0};
  tap_gate_permit(&gate, 7, 0, 1000);
  g_assert_cmpuint(tap_admit(&gate, 0, 999), ==, 7);
  g_assert_cmpuint(tap_admit(&gate, 0, 1000), ==, 0);
  tap_gate_permit(&gate, 7, 0, 2000);
  g_assert_cmpuint(tap_admit(&gate, 0, 1000), ==, 7);
  tap_gate_revoke(&gate);
  tap_gate_revoke(&gate);
  g_assert_cmpuint(tap_admit(&gate, 0, 1000), ==, 0);
  g_assert_cmpuint(gate.admitted, ==, 2);
  g_assert_cmpuint(gate.refused_expired, ==, 1);
  g_assert_cmpuint(gate.refused_closed, ==, 1);
}

/* R9: what may have arrived before the gate opened is not let in, whenever it is read. Renewing a take does not open it anew. */
static void test_gate_nothing_early(void) {
  TapGate gate = {0};
  tap_gate_permit(&gate, 7, 500, 1000);
  g_assert_cmpuint(tap_admit(&gate, 499, 600), ==, 0);
  g_assert_cmpuint(tap_admit(&gate, 500, 600), ==, 7);
  tap_gate_permit(&gate, 7, 800, 2000);
  g_assert_cmpuint(tap_admit(&gate, 700, 900), ==, 7);
  tap_gate_revoke(&gate);
  tap_gate_permit(&gate, 7, 900, 2000);
  g_assert_cmpuint(tap_admit(&gate, 899, 950), ==, 0);
  g_assert_cmpuint(gate.refused_closed, ==, 2);
}

static gboolean is_zero(const guint8 *bytes, gsize n) {
  for (gsize i = 0; i < n; i++)
    if (bytes[i] != 0)
      return FALSE;
  return TRUE;
}

static void test_ring_order_and_wipe(void) {
  TapRing *ring = tap_ring_new(4096);
  TapRecord in = {.type = TAP_RECORD_RTP, .take = 3, .track = 9, .n_bytes = 5}, out;
  const guint8 *bytes, *first;

  g_assert_false(tap_ring_pop(ring, &out, &bytes));
  g_assert_true(tap_ring_push(ring, &in, (const guint8 *)"hello"));
  g_assert_true(tap_ring_push(ring, &(TapRecord){.type = TAP_RECORD_SENDER_REPORT, .ntp = 42}, NULL));
  g_assert_true(tap_ring_pop(ring, &out, &first));
  g_assert_cmpuint(out.take, ==, 3);
  g_assert_cmpuint(out.track, ==, 9);
  g_assert_cmpmem(first, out.n_bytes, "hello", 5);
  g_assert_true(tap_ring_pop(ring, &out, &bytes));
  g_assert_cmpuint(out.ntp, ==, 42);
  g_assert_true(is_zero(first, 5)); /* fault 34 */
  g_assert_false(tap_ring_pop(ring, &out, &bytes));
  tap_ring_free(ring);
}

static void test_ring_full_writes_nothing(void) {
  TapRing *ring = tap_ring_new(4096);
  guint8 payload[1200];
  memset(payload, 0x5a, sizeof payload);
  TapRecord in = {.type = TAP_RECORD_RTP, .n_bytes = sizeof payload}, out;
  const guint8 *bytes;
  guint pushed = 0, popped = 0;
  while (tap_ring_push(ring, &in, payload))
    pushed++;
  g_assert_cmpuint(pushed, ==, 3);
  while (tap_ring_pop(ring, &out, &bytes))
    popped++;
  g_assert_cmpuint(popped, ==, pushed);
  g_assert_true(tap_ring_push(ring, &in, payload)); /* it wraps here */
  g_assert_true(tap_ring_pop(ring, &out, &bytes));
  g_assert_cmpmem(bytes, out.n_bytes, payload, sizeof payload);
  in.n_bytes = 8192;
  g_assert_false(tap_ring_push(ring, &in, payload));
  tap_ring_free(ring);
}

/* A mark stays where it was, over wraps and whatever is pushed after it. */
static void test_ring_passed(void) {
  TapRing *ring = tap_ring_new(4096);
  TapRecord in = {.type = TAP_RECORD_RTP, .n_bytes = 1200}, out;
  guint8 payload[1200] = {0};
  const guint8 *bytes;
  g_assert_true(tap_ring_passed(ring, tap_ring_written(ring)));
  for (guint i = 0; i < 20; i++) {
    g_assert_true(tap_ring_push(ring, &in, payload));
    const guint64 written = tap_ring_written(ring);
    g_assert_true(tap_ring_push(ring, &in, payload));
    g_assert_false(tap_ring_passed(ring, written));
    g_assert_true(tap_ring_pop(ring, &out, &bytes));
    g_assert_true(tap_ring_passed(ring, written));
    g_assert_true(tap_ring_pop(ring, &out, &bytes));
    g_assert_true(tap_ring_passed(ring, written));
    g_assert_false(tap_ring_pop(ring, &out, &bytes));
  }
  tap_ring_free(ring);
}

static gboolean readable(int fd) {
  return poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) == 1;
}

static void test_ring_wakes_once_a_batch(void) {
  TapRing *ring = tap_ring_new(4096);
  guint64 wakes;
  tap_ring_wake(ring);
  g_assert_false(readable(tap_ring_fd(ring)));
  TapRecord in = {.type = TAP_RECORD_SENDER_REPORT};
  g_assert_true(tap_ring_push(ring, &in, NULL));
  g_assert_true(tap_ring_push(ring, &in, NULL));
  tap_ring_wake(ring);
  tap_ring_wake(ring);
  g_assert_cmpint(read(tap_ring_fd(ring), &wakes, sizeof wakes), ==, 8);
  g_assert_cmpuint(wakes, ==, 1);
  tap_ring_free(ring);
}

#define THREADED_RECORDS 200000

static gpointer produce(gpointer data) {
  TapRing *ring = data;
  g_autoptr(GRand) rand = g_rand_new_with_seed(1);
  guint8 payload[1500];
  for (guint32 i = 0; i < THREADED_RECORDS; i++) {
    TapRecord record = {.type = TAP_RECORD_RTP, .track = i, .n_bytes = g_rand_int_range(rand, 0, sizeof payload)};
    memset(payload, (int)(i & 0xff), record.n_bytes);
    while (!tap_ring_push(ring, &record, payload)) {
      tap_ring_wake(ring);
      g_thread_yield();
    }
    if (i % 16 == 0)
      tap_ring_wake(ring);
  }
  tap_ring_wake(ring);
  return NULL;
}

static void test_ring_two_threads(void) {
  TapRing *ring = tap_ring_new(16384);
  g_autoptr(GRand) rand = g_rand_new_with_seed(1);
  GThread *producer = g_thread_new("producer", produce, ring);
  guint32 next = 0;
  while (next < THREADED_RECORDS) {
    TapRecord record;
    const guint8 *bytes;
    if (!tap_ring_pop(ring, &record, &bytes)) {
      guint64 wakes;
      if (poll(&(struct pollfd){.fd = tap_ring_fd(ring), .events = POLLIN}, 1, 10000) != 1)
        g_error("no wake after record %u", next);
      g_assert_cmpint(read(tap_ring_fd(ring), &wakes, sizeof wakes), ==, 8);
      continue;
    }
    g_assert_cmpuint(record.track, ==, next);
    g_assert_cmpuint(record.n_bytes, ==, (guint)g_rand_int_range(rand, 0, 1500));
    if (record.n_bytes > 0)
      g_assert_true(bytes[0] == (next & 0xff) && bytes[record.n_bytes - 1] == (next & 0xff));
    next++;
  }
  g_thread_join(producer);
  tap_ring_free(ring);
}

typedef struct Race {
  TapGate gate;
  _Atomic gboolean stop;
  _Atomic guint64 seen;
} Race;

static gpointer ask(gpointer data) {
  Race *race = data;
  while (!atomic_load(&race->stop)) {
    guint32 take = tap_admit(&race->gate, 0, 500);
    /* Even takes are published expired: never may one be let in by the limit of an odd one, before or after it. */
    g_assert_true(take == 0 || take % 2 == 1);
    atomic_fetch_add(&race->seen, take != 0);
  }
  return NULL;
}

static void test_gate_never_mixes_takes(void) {
  Race race = {0};
  GThread *thread = g_thread_new("worker", ask, &race);
  for (guint32 take = 1; take <= 200000 || (atomic_load(&race.seen) == 0 && take < 100000000); take++) {
    tap_gate_permit(&race.gate, take, 0, take % 2 ? 1000 : 0);
    if (take % 3 == 0)
      tap_gate_revoke(&race.gate);
  }
  atomic_store(&race.stop, TRUE);
  g_thread_join(thread);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay/tap/zero-is-closed", test_gate_zero_is_closed);
  g_test_add_func("/relay/tap/permit-expire-revoke", test_gate_permit_expire_revoke);
  g_test_add_func("/relay/tap/nothing-early", test_gate_nothing_early);
  g_test_add_func("/relay/tap/never-mixes-takes", test_gate_never_mixes_takes);
  g_test_add_func("/relay/ring/order-and-wipe", test_ring_order_and_wipe);
  g_test_add_func("/relay/ring/full-writes-nothing", test_ring_full_writes_nothing);
  g_test_add_func("/relay/ring/passed", test_ring_passed);
  g_test_add_func("/relay/ring/wakes-once-a-batch", test_ring_wakes_once_a_batch);
  g_test_add_func("/relay/ring/two-threads", test_ring_two_threads);
  return g_test_run();
}
