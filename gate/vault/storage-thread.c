/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes and the loop of the storage thread. */
#include "gate/vault/storage-thread.h"

#include <pthread.h>
#include <time.h>

#include "gate/vault/vault-private.h"

#define BATCH_JOBS_MAX 128
#define ERASES_MAX     32 /* at once */
/* Of other work in a transaction of erases, and after it: whatever their rate, the rest goes on. Together below the 5 ms of R6. */
#define RIDE_SLICE_US   3000
#define OTHERS_SLICE_US 1500

typedef struct JobList {
  Job *first, **end;
  gint64 due_us; /* ledger and media: when the one that waits least is due; then all run, in their order. Erases wait each for itself */
} JobList;

struct Storage {
  Vault *vault;
  StorageIdle idle;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  JobList lanes[LANES];
  gboolean stopping, stopped;
  gboolean media_next; /* ledger and media lanes take turns, so that neither starves */
  gboolean erased;     /* the last job was of the erase lane */
  gint64 others_until_us;
  gboolean idle_left;
};

gint64 storage_now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void list_push(JobList *list, Job *job) {
  job->next = NULL;
  *list->end = job;
  list->end = &job->next;
  list->due_us = MIN(list->due_us, job->not_before_us);
}

static Job *list_pop(JobList *list) {
  Job *job = list->first;
  if (!job)
    return NULL;
  list->first = job->next;
  if (!list->first) {
    list->end = &list->first;
    list->due_us = G_MAXINT64;
  }
  return job;
}

/* First erase that need not wait any longer; like: of its prepare. */
static Job *list_pop_due(JobList *list, gint64 now_us, const Job *like) {
  for (Job **place = &list->first; *place; place = &(*place)->next) {
    Job *job = *place;
    if (job->not_before_us > now_us || (like && job->prepare != like->prepare))
      continue;
    *place = job->next;
    if (!job->next)
      list->end = place;
    return job;
  }
  return NULL;
}

static gint64 earliest_us(const Storage *storage) {
  gint64 earliest = MIN(storage->lanes[LANE_LEDGER].due_us, storage->lanes[LANE_MEDIA].due_us);
  for (const Job *job = storage->lanes[LANE_ERASE].first; job; job = job->next)
    earliest = MIN(earliest, job->not_before_us);
  return earliest;
}

gboolean storage_push(Storage *storage, Lane lane, Job *job) {
  pthread_mutex_lock(&storage->lock);
  /* While stopping the storage thread itself may still requeue slices of what it began. */
  const gboolean accepted = !storage->stopped && (!storage->stopping || pthread_equal(pthread_self(), storage->thread));
  if (accepted) {
    const gint64 due_us = storage->lanes[lane].due_us;
    list_push(&storage->lanes[lane], job);
    storage->idle_left = TRUE;
    if (lane == LANE_ERASE || storage->lanes[lane].due_us < due_us)
      pthread_cond_signal(&storage->wake);
  }
  pthread_mutex_unlock(&storage->lock);
  return accepted;
}

gboolean storage_erase_waiting(Storage *storage) {
  gboolean waiting = FALSE;
  const gint64 now_us = storage_now_us();
  pthread_mutex_lock(&storage->lock);
  for (const Job *job = storage->lanes[LANE_ERASE].first; job && !waiting; job = job->next)
    waiting = job->not_before_us <= now_us;
  pthread_mutex_unlock(&storage->lock);
  return waiting;
}

static Job *pop_batched(Storage *storage) {
  pthread_mutex_lock(&storage->lock);
  Job *first = storage->lanes[LANE_LEDGER].first;
  Job *job = first && first->apply ? list_pop(&storage->lanes[LANE_LEDGER]) : NULL;
  pthread_mutex_unlock(&storage->lock);
  return job;
}

static gboolean exec(Vault *vault, const char *sql, GError **error) {
  return sqlite3_exec(vault->db, sql, NULL, NULL, NULL) == SQLITE_OK || store_failed(vault->db, error);
}

/* One job inside the open transaction; its refusal leaves its neighbours' changes alone. */
static gboolean apply_one(Vault *vault, Job *job, gboolean erase, GError **error) {
  if (vault->owed.any && !erase) {
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_STORAGE,
                        "the log lacks what came before it: the store refused that, and is asked again");
    return FALSE;
  }
  if (!exec(vault, "SAVEPOINT job", error))
    return FALSE;
  if (job->apply(vault, job, error))
    return exec(vault, "RELEASE job", error);
  sqlite3_exec(vault->db, "ROLLBACK TO job; RELEASE job", NULL, NULL, NULL);
  return FALSE;
}

typedef struct Batch {
  struct {
    Job *job;
    GError *error;
  } jobs[BATCH_JOBS_MAX];
  guint n, erases;
  gboolean begun;
  GError *failed; /* all of them */
} Batch;

static void batch_apply(Vault *vault, Batch *batch, Job *job) {
  GError **error = &batch->jobs[batch->n].error;
  const gboolean erase = batch->n < batch->erases;
  batch->jobs[batch->n++].job = job;
  if (batch->begun && !apply_one(vault, job, erase, error) && sqlite3_get_autocommit(vault->db)) {
    /* A full disk or an I/O error rolled back everything, the neighbours too (sqlite.org/lang_transaction.html, section 3). */
    batch->failed = g_error_copy(*error);
    batch->begun = FALSE;
  }
}

/* Erases that wait, together: their keys go with one sync, their leaves with one transaction. */
static guint gather_erases(Storage *storage, Job *first, Job **jobs) {
  guint n = 0;
  const gint64 now_us = storage_now_us();
  pthread_mutex_lock(&storage->lock);
  for (Job *job = first; job; job = n < ERASES_MAX ? list_pop_due(&storage->lanes[LANE_ERASE], now_us, first) : NULL)
    jobs[n++] = job;
  pthread_mutex_unlock(&storage->lock);
  first->prepare(storage->vault, jobs, n);
  return n;
}

static void batch_end(Vault *vault, Batch *batch) {
  if (batch->begun && !vault_commit_transaction(vault, &batch->failed))
    sqlite3_exec(vault->db, "ROLLBACK", NULL, NULL, NULL);
  if (batch->failed && batch->n > batch->erases)
    health_set(vault, HEALTH_STORE, batch->failed->message);
  for (guint i = 0; i < batch->n; i++) {
    GError *error = batch->jobs[i].error;
    if (i >= batch->erases && error && g_error_matches(error, VAULT_ERROR, VAULT_ERROR_STORAGE))
      health_set(vault, HEALTH_STORE, error->message); /* an erase says so itself */
    batch->jobs[i].job->after(vault, batch->jobs[i].job, error ? error : batch->failed);
    g_clear_error(&error);
  }
  g_clear_error(&batch->failed);
}

/* Group commit: one set of fsyncs for up to BATCH_JOBS_MAX jobs, cut short by a waiting erase or the slice's end. Erases take small jobs
 * along, the leaves of their own withdrawals among them: without them a transaction for each would follow. */
static void run_batch(Storage *storage, Job *first) {
  Batch batch = {0};
  Job *erases[ERASES_MAX];
  const gboolean erasing = first->prepare != NULL;
  batch.erases = erasing ? gather_erases(storage, first, erases) : 0;
  (void)!owed_settle(storage->vault, erasing);
  batch.begun = exec(storage->vault, "BEGIN IMMEDIATE", &batch.failed);
  for (guint i = 0; i < batch.erases; i++)
    batch_apply(storage->vault, &batch, erases[i]);
  if (!erasing)
    batch_apply(storage->vault, &batch, first);
  const gint64 end_us = storage_now_us() + (erasing ? RIDE_SLICE_US : STORAGE_SLICE_US);
  while (batch.begun && batch.n < BATCH_JOBS_MAX && storage_now_us() < end_us && (erasing || !storage_erase_waiting(storage))) {
    Job *job = pop_batched(storage);
    if (!job)
      break;
    batch_apply(storage->vault, &batch, job);
  }
  batch_end(storage->vault, &batch);
}

static void run_job(Storage *storage, Job *job) {
  if (job->apply)
    run_batch(storage, job);
  else
    job->run(storage->vault, job);
}

static Job *pop_due(Storage *storage, Lane lane, gint64 now_us) {
  return storage->lanes[lane].due_us <= now_us || storage->stopping ? list_pop(&storage->lanes[lane]) : NULL;
}

static Job *pick_other(Storage *storage, gint64 now_us) {
  const Lane first = storage->media_next ? LANE_MEDIA : LANE_LEDGER, second = storage->media_next ? LANE_LEDGER : LANE_MEDIA;
  storage->media_next = !storage->media_next;
  Job *job = pop_due(storage, first, now_us);
  return job ? job : pop_due(storage, second, now_us);
}

/* Of what erases do not take along. */
static Job *pick_beside(Storage *storage, gint64 now_us) {
  const Job *ledger = storage->lanes[LANE_LEDGER].first;
  Job *job = pop_due(storage, LANE_MEDIA, now_us);
  return job || !ledger || ledger->apply ? job : pop_due(storage, LANE_LEDGER, now_us);
}

/* An erase, unless the last one is just done and other work has waited for it. */
static Job *pick(Storage *storage) {
  const gint64 now_us = storage_now_us();
  if (storage->erased)
    storage->others_until_us = now_us + OTHERS_SLICE_US;
  Job *job = now_us < storage->others_until_us ? pick_beside(storage, now_us) : NULL;
  storage->erased = job == NULL && (job = list_pop_due(&storage->lanes[LANE_ERASE], now_us, NULL)) != NULL;
  return job ? job : pick_other(storage, now_us);
}

static void wait_locked(Storage *storage, gint64 until_us) {
  if (until_us == G_MAXINT64) {
    pthread_cond_wait(&storage->wake, &storage->lock);
    return;
  }
  struct timespec until; /* condition variables know no boot clock: turn the wait into the monotonic one */
  clock_gettime(CLOCK_MONOTONIC, &until);
  const gint64 at_us = (gint64)until.tv_sec * G_USEC_PER_SEC + until.tv_nsec / 1000 + MAX(until_us - storage_now_us(), 0);
  until.tv_sec = at_us / G_USEC_PER_SEC;
  until.tv_nsec = at_us % G_USEC_PER_SEC * 1000;
  pthread_cond_timedwait(&storage->wake, &storage->lock, &until);
}

/* Nothing is due: background work, the tick, or sleep. Called and returns locked. */
static void rest(Storage *storage) {
  const gint64 tick_us = storage->idle.next_tick_us(storage->vault);
  if (tick_us <= storage_now_us()) {
    pthread_mutex_unlock(&storage->lock);
    storage->idle.tick(storage->vault);
    pthread_mutex_lock(&storage->lock);
  } else if (storage->idle_left) {
    storage->idle_left = FALSE;
    pthread_mutex_unlock(&storage->lock);
    const gboolean more = storage->idle.work(storage->vault);
    pthread_mutex_lock(&storage->lock);
    storage->idle_left |= more;
  } else {
    wait_locked(storage, MIN(tick_us, earliest_us(storage)));
  }
}

static void *storage_main(void *user) {
  Storage *storage = user;
  pthread_mutex_lock(&storage->lock);
  for (;;) {
    Job *job = pick(storage);
    if (job) {
      pthread_mutex_unlock(&storage->lock);
      run_job(storage, job);
      pthread_mutex_lock(&storage->lock);
    } else if (storage->stopping) {
      break;
    } else {
      rest(storage);
    }
  }
  pthread_mutex_unlock(&storage->lock);
  return NULL;
}

Storage *storage_new(Vault *vault, const StorageIdle *idle) {
  Storage *storage = g_new0(Storage, 1);
  storage->vault = vault;
  storage->idle = *idle;
  storage->idle_left = TRUE;
  for (guint i = 0; i < LANES; i++)
    storage->lanes[i] = (JobList){.end = &storage->lanes[i].first, .due_us = G_MAXINT64};
  pthread_mutex_init(&storage->lock, NULL);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&storage->wake, &attributes);
  pthread_condattr_destroy(&attributes);
  return storage;
}

void storage_start(Storage *storage) {
  /* Held until the handle is written: storage_push compares with it. */
  pthread_mutex_lock(&storage->lock);
  const int failed = pthread_create(&storage->thread, NULL, storage_main, storage);
  pthread_mutex_unlock(&storage->lock);
  if (failed)
    g_error("no thread for storage: %s", g_strerror(failed)); /* as g_thread_new does: nothing can go on */
  (void)pthread_setname_np(storage->thread, "recgate-store");
}

void storage_stop(Storage *storage) {
  pthread_mutex_lock(&storage->lock);
  storage->stopping = TRUE;
  pthread_cond_signal(&storage->wake);
  pthread_mutex_unlock(&storage->lock);
  pthread_join(storage->thread, NULL);
  pthread_mutex_lock(&storage->lock);
  storage->stopped = TRUE;
  pthread_mutex_unlock(&storage->lock);
}

Job *storage_pop_left(Storage *storage) {
  return list_pop(&storage->lanes[LANE_ERASE]);
}

void storage_free(Storage *storage) {
  if (!storage)
    return;
  pthread_cond_destroy(&storage->wake);
  pthread_mutex_destroy(&storage->lock);
  g_free(storage);
}
