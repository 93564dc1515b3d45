/* SPDX-License-Identifier: Apache-2.0 */
/* DATA/keys: one 512-byte slot for each recording and participant, and the root key that wraps them.
 *
 * Threads: a ring belongs to one thread (the storage thread, or a reader's). The file is preallocated and held open, so that
 * destroying a key needs no space and no descriptor (R13, fault 30). Errors: VAULT_ERROR_STORAGE, _CORRUPT, _FULL. */
#ifndef RECGATE_VAULT_KEYRING_H
#define RECGATE_VAULT_KEYRING_H

#include "gate/vault/aead.h"
#include "gate/vault/vault.h"

#define KEYRING_SLOT_BYTES 512 /* one sector: written whole or not at all */
#define KEYRING_SLOTS_STEP 512 /* the file grows by so many, 256 KiB in one go */
#define KEYRING_SLOTS_FIRST 4096

typedef struct KeyRing KeyRing;
typedef struct KeyOwner { /* what a slot is bound to */
  gint64 recording;
  const char *session, *participant;
  gint64 request;
} KeyOwner;

/* What an erase leaves in a slot until its leaf is durable: enough to finish it after a crash (R13). Zeros follow. */
typedef struct KeyTombstone {
  VaultScope scope;       /* as asked: what was disclosed of each recording is the database's to say */
  gboolean whole_session; /* every recording of this participant's in the session */
  gboolean expired;
  char participant[65]; /* who withdrew */
} KeyTombstone;

typedef enum KeySlotState { KEY_SLOT_EMPTY = 0, KEY_SLOT_LIVE, KEY_SLOT_TOMBSTONE } KeySlotState;

/* make: root key and key file may be made when both are missing. A credential root.key in $CREDENTIALS_DIRECTORY (32 bytes) stands in for
 * DATA/root.key, which must not exist beside it. */
KeyRing *keyring_open(int dir_fd, gboolean make, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void keyring_free(KeyRing *ring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyRing, keyring_free)

gint64 keyring_slots(const KeyRing *ring);
gboolean keyring_state(KeyRing *ring, gint64 slot, KeySlotState *state, KeyTombstone *tombstone, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void keyring_set_used(KeyRing *ring, gint64 slot, gboolean used);

/* A new key in a free slot, durable on return. */
gboolean keyring_create(KeyRing *ring, const KeyOwner *owner, gint64 *slot, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The key, in locked memory of the ring; valid until keyring_forget. VAULT_ERROR_ERASED: it was destroyed. */
const guint8 *keyring_load(KeyRing *ring, gint64 slot, const KeyOwner *owner, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same slot still holds the bytes of the last keyring_load. */
gboolean keyring_unchanged(KeyRing *ring, gint64 slot);
void keyring_forget(KeyRing *ring);
/* Overwrites the slots in place; with the sync that follows, of several at once perhaps, the act that erases (R18). May be repeated. */
gboolean keyring_bury(KeyRing *ring, const gint64 *slots, guint n, const KeyTombstone *tombstone, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean keyring_sync(KeyRing *ring, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Zeros: for slots that no row names any more. The slot is free afterwards. Durable with the next sync, at the latest that of an erase which
 * followed: the withdrawal that undid a commit is acknowledged when that one's key is gone (R13). */
gboolean keyring_clear(KeyRing *ring, gint64 slot, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
