/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is on the storage thread: erases first, and yet they do not stop the rest (R6). */
#include "gate/vault/storage-thread.h"

#define ERASES 1000
#define OTHERS 5

typedef struct Order { /* storage thread */
  Storage *storage;
  guint erases, others;
  guint erases_before[OTHERS]; /* each other job */
} Order;

typedef struct OrderJob {
  Job job;
  Order *order;
} OrderJob;

/* There is always another one that waits. */
static void run_erase(Vault *vault, Job *job) {
  (void)vault;
  Order *order = ((OrderJob *)job)->order;
  if (++order->erases < ERASES)
    g_assert_true(storage_push(order->storage, LANE_ERASE, job));
}

static void run_other(Vault *vault, Job *job) {
  (void)vault;
  Order *order = ((OrderJob *)job)->order;
  order->erases_before[order->others++] = order->erases;
}

static gboolean no_work(Vault *vault) {
  (void)vault;
  return FALSE;
}

static gint64 never_us(Vault *vault) {
  (void)vault;
  return G_MAXINT64;
}

static void no_tick(Vault *vault) {
  (void)vault;
}

/* Before the thread begins everything is queued. */
static void test_turns(gconstpointer lane) {
  static const StorageIdle idle = {no_work, never_us, no_tick};
  Order order = {.storage = storage_new(NULL, &idle)};
  OrderJob erase = {{.run = run_erase}, &order}, others[OTHERS];
  for (guint i = 0; i < OTHERS; i++) {
    others[i] = (OrderJob){{.run = run_other}, &order};
    g_assert_true(storage_push(order.storage, (Lane)GPOINTER_TO_INT(lane), &others[i].job));
  }
  g_assert_true(storage_push(order.storage, LANE_ERASE, &erase.job));
  storage_start(order.storage);
  storage_stop(order.storage);
  storage_free(order.storage);
  g_assert_cmpuint(order.erases, ==, ERASES);
  g_assert_cmpuint(order.others, ==, OTHERS);
  g_assert_cmpuint(order.erases_before[0], >=, 1);
  g_assert_cmpuint(order.erases_before[OTHERS - 1], <, ERASES);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_data_func("/vault/storage-thread/turns-of-media", GINT_TO_POINTER(LANE_MEDIA), test_turns);
  g_test_add_data_func("/vault/storage-thread/turns-of-ledger", GINT_TO_POINTER(LANE_LEDGER), test_turns);
  return g_test_run();
}
