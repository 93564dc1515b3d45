/* SPDX-License-Identifier: Apache-2.0 */
/* Takes and segments as the vault's nouns share them. Included by vault-private.h and by nobody else.
 *
 * Threads: fields marked storage belong to the storage thread; the rest says so. */
#ifndef RECGATE_VAULT_SEGMENT_PRIVATE_H
#define RECGATE_VAULT_SEGMENT_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "gate/vault/keyarena.h"
#include "gate/vault/vault.h"

/* --- take.c --- */
struct VaultTake {
  _Atomic guint references;
  atomic_bool dead, failed;
  Vault *vault;
  char *session, *reason;
  guint64 request;
  guint32 number;
  char consent_set[65];
  pthread_mutex_t lock; /* of segments and reason; taken before a segment's lock */
  GPtrArray *segments;  /* open and sealed ones, one reference each */
};
gboolean take_add(VaultTake *take, VaultSegment *segment); /* FALSE: dead */
void take_remove(VaultTake *take, VaultSegment *segment);

/* --- segment.c --- */
struct VaultSegment {
  _Atomic guint references;
  VaultTake *take;
  guint64 id;
  char *participant, *track, *medium, *codec;
  guint32 seq;
  gboolean continues;
  pthread_mutex_t lock; /* of cell */
  KeyCell *cell;        /* NULL: the key is gone */
  struct SegmentWriter *writer; /* recorder thread, NULL once sealed or discarded */
  gint64 start_at, end_at;      /* ms since the epoch, 0: unknown; set before sealed */
  gint64 first_packet_us, last_packet_us; /* boot clock */
  guint64 bytes; /* of the file; storage thread once sealed */
  char sha256[65];
  int fd;             /* storage */
  gint64 writeback;   /* storage: so much of the file was asked onto the disk */
  gboolean has_file;  /* storage */
  gboolean broken;    /* storage: a write failed, or it was forgotten */
  gboolean taken;     /* storage: a commit or a drop of it is under way */
};
VaultSegment *segment_ref(VaultSegment *segment);
void segment_unref(VaultSegment *segment);
void segment_wipe_key(VaultSegment *segment); /* any thread */
char *segment_context(const char *session, guint64 request, guint32 take, const char *participant, const char *track, guint32 seq,
                      const char *consent_set, GError **error);
void segment_part_name(guint64 id, char name[32]);
void segment_file_name(guint64 id, char name[32]);
/* storage thread: closes and unlinks what there is of an uncommitted one. */
void segment_forget_file(Vault *vault, VaultSegment *segment);
gboolean vault_sync_segments(Vault *vault); /* FALSE: unhealthy now */

#endif
