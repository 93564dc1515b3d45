/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is on the storage thread: erases first, and yet they do not stop the rest (R6); what can wait does. */
#include "gate/vault/storage-thread.h"

#include <pthread.h>

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

typedef struct Log { /* under lock; pthread's, which TSan can follow */
  pthread_mutex_t lock;
  pthread_cond_t more;
  GString *ran;
} Log;

typedef struct LoggedJob {
  Job job;
  Log *log;
  char name;
} LoggedJob;

static void run_logged(Vault *vault, Job *job) {
  (void)vault;
  LoggedJob *logged = (LoggedJob *)job;
  pthread_mutex_lock(&logged->log->lock);
  g_string_append_c(logged->log->ran, logged->name);
  pthread_cond_signal(&logged->log->more);
  pthread_mutex_unlock(&logged->log->lock);
}

static void wait_for(Log *log, gsize n) {
  pthread_mutex_lock(&log->lock);
  while (log->ran->len < n)
    pthread_cond_wait(&log->more, &log->lock);
  pthread_mutex_unlock(&log->lock);
}

#define LONG_US ((gint64)3600 * G_USEC_PER_SEC)

/* What waits for company runs with the first that does not, before it; or at its time; or when the vault closes. */
static void test_company(gconstpointer user) {
  static const StorageIdle idle = {no_work, never_us, no_tick};
  const Lane lane = (Lane)GPOINTER_TO_INT(user);
  Log log = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, g_string_new(NULL)};
  const gint64 now_us = storage_now_us();
  LoggedJob jobs[] = {{{.run = run_logged, .not_before_us = now_us + LONG_US}, &log, 'a'},
                      {{.run = run_logged, .not_before_us = now_us + 2 * LONG_US}, &log, 'b'},
                      {{.run = run_logged}, &log, 'c'},
                      {{.run = run_logged, .not_before_us = now_us + LONG_US}, &log, 'd'},
                      {{.run = run_logged, .not_before_us = now_us + STORAGE_COMPANY_US}, &log, 'e'},
                      {{.run = run_logged, .not_before_us = now_us + LONG_US}, &log, 'f'}};
  Storage *storage = storage_new(NULL, &idle);
  storage_start(storage);
  for (guint i = 0; i < 3; i++)
    g_assert_true(storage_push(storage, lane, &jobs[i].job));
  wait_for(&log, 3);
  for (guint i = 3; i < 5; i++)
    g_assert_true(storage_push(storage, lane, &jobs[i].job));
  wait_for(&log, 5);
  g_assert_cmpint(storage_now_us(), >=, now_us + STORAGE_COMPANY_US);
  g_assert_true(storage_push(storage, lane, &jobs[5].job));
  storage_stop(storage);
  storage_free(storage);
  g_assert_cmpstr(log.ran->str, ==, "abcdef");
  g_string_free(log.ran, TRUE);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_data_func("/vault/storage-thread/turns-of-media", GINT_TO_POINTER(LANE_MEDIA), test_turns);
  g_test_add_data_func("/vault/storage-thread/turns-of-ledger", GINT_TO_POINTER(LANE_LEDGER), test_turns);
  g_test_add_data_func("/vault/storage-thread/company-of-media", GINT_TO_POINTER(LANE_MEDIA), test_company);
  g_test_add_data_func("/vault/storage-thread/company-of-ledger", GINT_TO_POINTER(LANE_LEDGER), test_company);
  return g_test_run();
}
