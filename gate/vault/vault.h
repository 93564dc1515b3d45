/* SPDX-License-Identifier: Apache-2.0 */
/* The store: encrypted segments, their keys, state and ledger of one data directory. The only code that makes files
 * under segments/ and the only code that touches keys (R13, R17, R18).
 *
 * Threads: vault_* any thread unless said otherwise; they never wait for the disk. The work is done on the vault's own storage
 * thread; erases overtake everything else (R6). Callbacks run in the GMainContext that vault_open was given (control thread).
 * Each file is C2SP chunked-encryption (AES-256-GCM, SHA-512); its context is session, take, participant, track, seq and the consent set's hash.
 * Keys: DATA/keys has one 512-byte slot for each recording and participant, wrapped by the root key (DATA/root.key, 0600);
 * SQLite holds segment keys wrapped by the slot's key. Destroying the slot's bytes (zeros + fdatasync) erases, in constant time. */
#ifndef RECGATE_VAULT_H
#define RECGATE_VAULT_H

#include "gate/vault/vault-events.h"

#define VAULT_ERROR (vault_error_quark())
GQuark vault_error_quark(void);
typedef enum VaultError {
  VAULT_ERROR_BUSY,     /* another process owns the data directory (fault 33) */
  VAULT_ERROR_CORRUPT,  /* database, key file or segment does not hold together (fault 32); the message says what and where to restore from */
  VAULT_ERROR_STORAGE,  /* the disk refused (errno text in the message) */
  VAULT_ERROR_ERASED,   /* what was asked for has been erased */
  VAULT_ERROR_NOT_FOUND,
  VAULT_ERROR_FULL,     /* no free key slot, queue full */
  VAULT_ERROR_RESTORED, /* the data directory was copied or restored from a backup: see restore.h */
  VAULT_ERROR_KEPT,     /* cannot be forgotten yet: recordings are kept, or the session is being recorded */
  VAULT_ERROR_EXISTS,   /* a session is planned once */
} VaultError;

typedef struct VaultTake VaultTake;       /* counted: control and recorder hold it */
typedef struct VaultSegment VaultSegment; /* one open segment, owned by one recorder thread */

typedef struct VaultSealed { /* a segment is complete and its bytes are synced; it waits for vault_commit or vault_drop */
  guint64 segment;       /* the vault's number of it, > 0 */
  const char *session;
  guint32 take;
  gint64 last_packet_us; /* boot clock */
} VaultSealed;

typedef struct VaultEvents { /* control thread */
  void (*sealed)(const VaultSealed *sealed, gpointer user);
  void (*take_failed)(const char *session, guint32 take, const char *why, gpointer user); /* queue full, disk error, vault_take_fail: close it */
  void (*health)(gboolean healthy, const char *why, gpointer user); /* on every change (R7) */
  gpointer user;
} VaultEvents;

/* Opens, or makes, the data directory (0700), takes its lock, finishes what a crash left (pending erases, orphans: R13, fault 29), starts the storage thread. */
/* origin: the log's name for its checkpoints, used when the log is made; NULL or "": a random one. The log's key is DATA/ledger.key, 0600. */
Vault *vault_open(const char *data_dir, const char *origin, GMainContext *control, const VaultEvents *events, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Finishes what is queued, delivers every answer, then stops. Open and provisional segments are gone, as in a crash (R17).
 * Control thread; recorders and readers first. An erase that the disk still refuses is answered with an error, and finished at the next start. */
void vault_free(Vault *vault);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Vault, vault_free)
/* That recording has passed its retention_s and is erased when this returns (R19): exports of it are cut here. TRUE: its request is still open,
 * so it is not over; asked again soon. request 0: nothing of the session is kept, and everybody in it is forgotten (R23); TRUE: it is not over.
 * Control thread, before the context runs; without one everything overdue is over. */
typedef gboolean (*VaultOverdue)(const char *session, guint64 request, gpointer user);
void vault_set_overdue(Vault *vault, VaultOverdue overdue, gpointer user);
gboolean vault_healthy(Vault *vault);
/* The log's verifier key as text (note.h), as long as the vault lives; and an Ed25519 signature by its key (receipts, bundles). Any thread. */
const char *vault_verifier_text(const Vault *vault);
void vault_sign(const Vault *vault, const void *bytes, gsize n, guint8 signature[64]);

/* Before anything else in main: no core dumps, memory not readable by other processes, room for locked keys (fault 35). */
gboolean vault_process_protect(GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- takes and segments --- */

/* control thread. consent_set_sha256: hash of who had granted what (goes into every segment's context and leaf). */
VaultTake *vault_take_new(Vault *vault, const char *session, guint64 request, guint32 take, const guint8 consent_set_sha256[32]);
VaultTake *vault_take_ref(VaultTake *take);
void vault_take_unref(VaultTake *take);
/* From now on nothing of this take is written and nothing of it commits: open and provisional segments are forgotten,
 * their keys wiped from locked memory, their files unlinked (R11). Idempotent. */
void vault_take_kill(VaultTake *take, const char *reason);
gboolean vault_take_is_dead(const VaultTake *take);
/* Nothing more comes of it: no new segment, and control is told through take_failed, once, where it is not dead. Any thread; never waits. */
void vault_take_fail(VaultTake *take, const char *why);

typedef struct VaultSegmentInfo {
  const char *participant; /* id */
  const char *track;       /* unique within the participant and take: the SDP mid, say */
  const char *medium;      /* "audio" | "video" */
  const char *codec;       /* "opus" | "vp8" | "vp9" | "h264" */
  guint32 seq;             /* from 0, without holes, for each track of a take */
  gboolean continues;      /* does not begin with a keyframe */
} VaultSegmentInfo;

typedef enum VaultWrite { VAULT_WRITE_DEAD = 0, VAULT_WRITE_OK, VAULT_WRITE_FULL, VAULT_WRITE_FAILED } VaultWrite;

/* recorder thread. NULL: dead, full or failed; the take is told through take_failed where it is not dead. Never waits. */
VaultSegment *vault_segment_new(VaultTake *take, const VaultSegmentInfo *info);
VaultWrite vault_segment_write(VaultSegment *segment, const guint8 *bytes, gsize n); /* encrypts here, writes on the storage thread */
/* Ends it, frees it. start_us/end_us: boot clock of its first and last packet. One that ends before it begins is thrown away:
 * whether anybody could still withdraw is judged by its end (R10). */
void vault_segment_seal(VaultSegment *segment, gint64 start_us, gint64 end_us);
void vault_segment_discard(VaultSegment *segment); /* throws it away, frees it; NULL allowed */

/* R10's second half. `confirmed`: [{"participant", "n", "before_us"}], behind an SFU also {"sfu", "before_us"} (R8), goes on the ledger; taken
 * over. Order on disk: data synced, key and leaf committed, file renamed in.
 * Refused (reply->error VAULT_ERROR_ERASED) when the take was killed or its recording erased meanwhile: withdrawal wins (R11). */
void vault_commit(Vault *vault, guint64 segment, json_t *confirmed, VaultDone done, gpointer user);
void vault_drop(Vault *vault, guint64 segment, const char *reason);

typedef struct VaultErase {
  const char *session;
  guint64 request;         /* 0, with theirs: every recording of the session */
  VaultScope scope;        /* AFTER destroys no key: only the leaf */
  const char *participant; /* who withdrew */
  gboolean theirs;         /* only what they agreed to or were in; a request that was not theirs is 0 (R6, R12) */
  const char *reason;      /* "withdrawn" | "expired" */
} VaultErase;
/* Keys destroyed first (in place, fdatasync), then leaf and state, then `done`, then files unlinked (R13, R18). Does not answer until durable:
 * where the disk refuses it wipes the key from memory, reports health, and keeps trying. Works for sessions long past. */
void vault_erase(Vault *vault, const VaultErase *erase, VaultDone done, gpointer user);

/* Forgets a person of a session, or with participant NULL the session with everybody in it (R23): leaf `forget`, then their salts, names, texts
 * and withdraw_keys are gone, and in every list their id is VAULT_FORGOTTEN and the commitment that stands for it in the leaves. Every proof
 * stays valid. VAULT_ERROR_KEPT as long as any recording of the session is kept or a take is open; VAULT_ERROR_NOT_FOUND. */
#define VAULT_FORGOTTEN "forgotten-"
void vault_forget(Vault *vault, const char *session, const char *participant, VaultDone done, gpointer user);
/* Sessions are forgotten by themselves this long after their last event and their last recording's end; 0: never. Any thread. */
void vault_set_personal_data(Vault *vault, gint64 seconds);

#endif
