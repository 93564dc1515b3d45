/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes and the loop of the storage thread. */
#include "gate/vault/storage-thread.h"

#include <pthread.h>
#include <time.h>

#include "gate/vault/vault-private.h"

#define BATCH_JOBS_MAX 64

typedef struct JobList {
  Job *first, **end;
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
}

static Job *list_pop(JobList *list) {
  Job *job = list->first;
  if (!job)
    return NULL;
  list->first = job->next;
  if (!list->first)
    list->end = &list->first;
  return job;
}

/* First erase that need not wait any longer. */
static Job *list_pop_due(JobList *list, gint64 now_us) {
  for (Job **place = &list->first; *place; place = &(*place)->next) {
    Job *job = *place;
    if (job->not_before_us > now_us)
      continue;
    *place = job->next;
    if (!job->next)
      list->end = place;
    return job;
  }
  return NULL;
}

static gint64 earliest_us(Storage *storage) {
  gint64 earliest = storage->idle.next_tick_us(storage->vault);
  for (const Job *job = storage->lanes[LANE_ERASE].first; job; job = job->next)
    earliest = MIN(earliest, job->not_before_us);
  return earliest;
}

gboolean storage_push(Storage *storage, Lane lane, Job *job) {
  pthread_mutex_lock(&storage->lock);
  /* While stopping the storage thread itself may still requeue slices of what it began. */
  const gboolean accepted = !storage->stopped && (!storage->stopping || pthread_equal(pthread_self(), storage->thread));
  if (accepted) {
    list_push(&storage->lanes[lane], job);
    storage->idle_left = TRUE;
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
static gboolean apply_one(Vault *vault, Job *job, GError **error) {
  if (!exec(vault, "SAVEPOINT job", error))
    return FALSE;
  if (job->apply(vault, job, error))
    return exec(vault, "RELEASE job", error);
  sqlite3_exec(vault->db, "ROLLBACK TO job; RELEASE job", NULL, NULL, NULL);
  return FALSE;
}

typedef struct Batched {
  Job *job;
  GError *error;
} Batched;

/* Group commit: one set of fsyncs for up to BATCH_JOBS_MAX jobs, cut short by a waiting erase or the slice's end. */
static void run_batch(Storage *storage, Job *first) {
  Vault *vault = storage->vault;
  Batched batch[BATCH_JOBS_MAX];
  guint n = 0;
  g_autoptr(GError) failed = NULL;
  const gint64 end_us = storage_now_us() + STORAGE_SLICE_US;
  gboolean begun = exec(vault, "BEGIN IMMEDIATE", &failed);
  for (Job *job = first; job;
       job = n < BATCH_JOBS_MAX && storage_now_us() < end_us && !storage_erase_waiting(storage) ? pop_batched(storage) : NULL) {
    batch[n] = (Batched){.job = job};
    if (begun && !apply_one(vault, job, &batch[n].error) && sqlite3_get_autocommit(vault->db)) {
      /* A full disk or an I/O error rolled back everything, the neighbours too (sqlite.org/lang_transaction.html, section 3). */
      failed = g_error_copy(batch[n].error);
      begun = FALSE;
    }
    n++;
  }
  if (begun && !vault_commit_transaction(vault, &failed))
    sqlite3_exec(vault->db, "ROLLBACK", NULL, NULL, NULL);
  if (failed)
    health_set(vault, HEALTH_STORE, failed->message);
  for (guint i = 0; i < n; i++) {
    if (batch[i].error && g_error_matches(batch[i].error, VAULT_ERROR, VAULT_ERROR_STORAGE))
      health_set(vault, HEALTH_STORE, batch[i].error->message);
    batch[i].job->after(vault, batch[i].job, batch[i].error ? batch[i].error : failed);
    g_clear_error(&batch[i].error);
  }
}

static void run_job(Storage *storage, Job *job) {
  if (job->apply)
    run_batch(storage, job);
  else
    job->run(storage->vault, job);
}

static Job *pick(Storage *storage) {
  Job *job = list_pop_due(&storage->lanes[LANE_ERASE], storage_now_us());
  if (job)
    return job;
  const Lane first = storage->media_next ? LANE_MEDIA : LANE_LEDGER, second = storage->media_next ? LANE_LEDGER : LANE_MEDIA;
  storage->media_next = !storage->media_next;
  job = list_pop(&storage->lanes[first]);
  return job ? job : list_pop(&storage->lanes[second]);
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

/* Nothing is queued: background work, the tick, or sleep. Called and returns locked. */
static void rest(Storage *storage) {
  const gint64 due_us = earliest_us(storage);
  if (due_us <= storage_now_us()) {
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
    wait_locked(storage, due_us);
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
    storage->lanes[i].end = &storage->lanes[i].first;
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
