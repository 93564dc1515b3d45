/* SPDX-License-Identifier: Apache-2.0 */
/* What the vault's nouns share. Nothing outside gate/vault includes this.
 *
 * Threads: "storage" fields belong to the storage thread (before it starts and after it ended: to the opener). */
#ifndef RECGATE_VAULT_PRIVATE_H
#define RECGATE_VAULT_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "gate/ledger/note.h"
#include "gate/vault/delivery.h"
#include "gate/vault/keyarena.h"
#include "gate/vault/keyring.h"
#include "gate/vault/owed.h"
#include "gate/vault/retention-clock.h"
#include "gate/vault/segment-private.h"
#include "gate/vault/storage-thread.h"
#include "gate/vault/store.h"

/* Chunks on their way to the disk: 100 calls at 4 Mbit/s fill it in about a second. Beyond it a take ends (VAULT_WRITE_FULL). */
#define VAULT_QUEUE_BYTES_MAX (64 * 1024 * 1024)
#define VAULT_SPARE_FDS       2 /* SQLite's journal and its directory (fault 30: EMFILE) */
#define VAULT_NAME_BYTES_MAX  255

typedef enum HealthBit { /* why the vault is not healthy; 0: it is */
  HEALTH_FSYNC = 1,      /* a sync of media failed: until restart, it is never retried */
  HEALTH_SPACE = 2,      /* ENOSPC and friends: until a probe succeeds */
  HEALTH_STORE = 4,      /* the database refused: until a probe succeeds */
  HEALTH_ERASE = 8,      /* an erase is not durable yet */
} HealthBit;

struct Vault {
  char *dir, *origin, *verifier_text;
  LedgerKey *ledger_key;           /* immutable once open */
  LedgerVerifier *ledger_verifier; /* immutable once open */
  int dir_fd, lock_fd, segments_fd;
  Storage *storage;
  Delivery *delivery;
  VaultEvents events;
  VaultOverdue overdue; /* control */
  gpointer overdue_user;
  KeyArena *arena;
  _Atomic guint64 next_segment;
  _Atomic gsize queued_bytes;
  _Atomic guint pending_recordings; /* vault_recording_new queued: an erase may have overtaken it */
  _Atomic gint64 personal_data_s;   /* 0: nobody is forgotten by themselves */
  _Atomic guint health;             /* HealthBit mask */
  pthread_mutex_t doomed_lock;
  GPtrArray *doomed; /* erases asked for and not yet in the database */

  sqlite3 *db;             /* storage */
  KeyRing *keyring;        /* storage */
  GHashTable *sealed;      /* storage: id -> VaultSegment, one reference each */
  int spare_fds[VAULT_SPARE_FDS]; /* storage */
  gint64 probe_us;         /* storage: next write probe, G_MAXINT64: none is due */
  guint erases_refused;    /* storage: erases that the disk refused and that are tried again */
  Owed owed;               /* storage */
  gboolean segments_dirty; /* storage: names changed under segments/ */
  char *head_file;         /* storage; NULL: none */
  gint64 head_next_us;     /* storage */
  struct {                 /* storage; retention.c */
    RetentionClock clock;
    gint64 next_us, looked_at, forgot_at, saved_ms, opened_ms; /* next look; recording and session (rowid) the last look ended with, 0: none; lived time in the database; wall */
    gboolean opened;
  } retention;
};

/* --- commit.c --- */
void commit_push_forget(VaultTake *take);
/* Leaf and rows for what was dropped. apply-phase helper. */
gboolean commit_record_dropped(Vault *vault, VaultSegment *const *segments, guint n, const char *reason, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- erase.c --- */
gboolean erase_is_doomed(Vault *vault, const char *session, guint64 request, const char *participant); /* participant NULL: for a commit */
/* Finishes at start what a crash left of an erase. */
gboolean erase_finish(Vault *vault, const VaultErase *erase, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void doomed_free(gpointer doomed);

/* --- cleanup.c, recover.c, health.c --- */
gboolean cleanup_work(Vault *vault);
gboolean recover(Vault *vault, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void health_set(Vault *vault, HealthBit bit, const char *why);
void health_clear(Vault *vault, guint bits);
void health_from_errno(Vault *vault, int code, const char *why);
gint64 health_next_us(Vault *vault);
void health_tick(Vault *vault);
gboolean health_make_reserve(Vault *vault, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Gives back the space and descriptors that were kept for an erase (fault 30). */
void health_open_reserve(Vault *vault);

/* --- vault.c, for restore.c: a vault without its thread, its home unseen --- */
Vault *vault_open_parts(const char *data_dir, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean vault_open_rest(Vault *vault, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* and what a crash left */
void vault_close_parts(Vault *vault);

/* --- forget.c --- */
gboolean forget_now(Vault *vault, const char *session, const char *participant, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* without a job */

/* --- head.c --- */
void head_write(Vault *vault);
gint64 head_next_us(Vault *vault);
void head_tick(Vault *vault);

/* --- retention.c --- */
gboolean retention_open(Vault *vault, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void retention_save(Vault *vault); /* lived time, so that it is not counted again */
/* Inside the open transaction, behind the rows of the take. */
gboolean retention_take_closed(Vault *vault, const char *session, gint64 take, gint64 at_ms, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean retention_take_opened(Vault *vault, const char *session, gint64 request, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gint64 retention_next_us(Vault *vault);
void retention_tick(Vault *vault);

/* --- vault-state.c --- */
typedef struct LeafPlace {
  gint64 index;
  char hash[65];
} LeafPlace;
/* Leaf and the rows that follow it, inside the open transaction. leaf needs "type", "at" and (but for the vault's own) "session". */
gboolean state_append(Vault *vault, const json_t *leaf, LeafPlace *place, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gint64 state_wall_ms(void);

/* --- plan.c: sessions planned ahead (R5), inside the open transaction --- */
gboolean plan_follow(sqlite3 *db, const json_t *leaf, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean plan_end(sqlite3 *db, const char *session, GError **error) G_GNUC_WARN_UNUSED_RESULT;
json_t *plan_recall(sqlite3 *db, const char *session, GError **error); /* as VaultRecall.plan; null: none; NULL: error */
/* --- reports.c --- */
/* The rows that follow a leaf about a report. VAULT_ERROR_FULL: this person has made as many as one may. */
gboolean reports_follow(sqlite3 *db, const json_t *leaf, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- vault.c: answers --- */
typedef struct Answer {
  LeafPlace place;
  guint64 segments, bytes;
  json_t *exports, *proof;
  gint64 done_us;
} Answer;
void vault_answer(Vault *vault, VaultDone done, gpointer user, const GError *error, const Answer *answer); /* error NULL: done. Takes exports and proof */
void vault_tell_sealed(Vault *vault, const VaultSegment *segment);
void vault_tell_failed(Vault *vault, const char *session, guint32 take, const char *why);
void vault_tell_overdue(Vault *vault, const char *session, guint64 request); /* asks control, then erases; 0: forgets */
void vault_tell_health(Vault *vault, gboolean healthy, const char *why);
/* Pushes, or answers at once when the vault is closing. */
gboolean vault_push(Vault *vault, Lane lane, Job *job);
/* Signs what the open transaction appended, then COMMIT; FALSE: the caller rolls back. */
gboolean vault_commit_transaction(Vault *vault, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean vault_in_transaction(Vault *vault, gboolean (*work)(Vault *vault, gpointer user, GError **error), gpointer user, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

#endif
