/* SPDX-License-Identifier: Apache-2.0 */
/* The one thread that touches the disk: lanes of jobs, erases behind one bounded step of other work at most (R6), one transaction for
 * several small jobs.
 *
 * Threads: storage_push and storage_erase_waiting any; the callbacks of a job run on the storage thread.
 * A job that is not an erase takes at most STORAGE_SLICE_US apart from an fsync; long work pushes itself again. */
#ifndef RECGATE_VAULT_STORAGE_THREAD_H
#define RECGATE_VAULT_STORAGE_THREAD_H

#include "gate/vault/vault.h"

#define STORAGE_SLICE_US 4000
/* What is in no hurry (chunks of an open segment) waits so long for more of it: waking costs more than the work. */
#define STORAGE_COMPANY_US (100 * 1000)

typedef enum Lane { LANE_ERASE = 0, LANE_LEDGER, LANE_MEDIA } Lane;
#define LANES (LANE_MEDIA + 1)

typedef struct Job Job;
struct Job { /* embedded first in a concrete job */
  Job *next;
  gint64 not_before_us; /* boot clock. Erase lane: retry then. Other lanes: may wait until then for company (STORAGE_COMPANY_US), 0 does not */
  /* Either run (owns the job: frees it or pushes it again), or apply inside a transaction shared with neighbours and
   * then after, once it is durable (error NULL) or refused. after owns the job. prepare, of erases: what must be durable before the
   * transaction begins, for all jobs of the same prepare that are due. */
  void (*run)(Vault *vault, Job *job);
  void (*prepare)(Vault *vault, Job *const *jobs, guint n);
  gboolean (*apply)(Vault *vault, Job *job, GError **error);
  void (*after)(Vault *vault, Job *job, const GError *error);
  void (*cancel)(Vault *vault, Job *job); /* of run jobs and erases: the vault is closing; frees the job */
};

typedef struct Storage Storage;

typedef struct StorageIdle {
  gboolean (*work)(Vault *vault);          /* one slice of background work; FALSE: nothing left until the next job */
  gint64 (*next_tick_us)(Vault *vault);    /* G_MAXINT64: never */
  void (*tick)(Vault *vault);
} StorageIdle;

Storage *storage_new(Vault *vault, const StorageIdle *idle);
void storage_start(Storage *storage); /* the vault is whole by now, this storage in it: background work begins at once */
/* FALSE once storage_stop was called: the caller keeps the job. */
gboolean storage_push(Storage *storage, Lane lane, Job *job) G_GNUC_WARN_UNUSED_RESULT;
gboolean storage_erase_waiting(Storage *storage);
/* Runs what is queued, joins the thread. Jobs that wait for a retry are left: storage_pop_left. */
void storage_stop(Storage *storage);
Job *storage_pop_left(Storage *storage);
void storage_free(Storage *storage);

/* Microseconds of the boot clock (CLOCK_BOOTTIME). */
gint64 storage_now_us(void);

#endif
