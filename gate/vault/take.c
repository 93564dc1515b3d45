/* SPDX-License-Identifier: Apache-2.0 */
/* Takes: the dead flag that everything below asks before it writes (R11). */
#include <string.h>

#include "gate/vault/vault-private.h"

VaultTake *vault_take_new(Vault *vault, const char *session, guint64 request, guint32 number, const guint8 consent_set_sha256[32]) {
  VaultTake *take = g_new0(VaultTake, 1);
  take->references = 1;
  take->vault = vault;
  take->session = g_strdup(session);
  take->request = request;
  take->number = number;
  for (guint i = 0; i < 32; i++)
    g_snprintf(take->consent_set + 2 * i, 3, "%02x", consent_set_sha256[i]);
  pthread_mutex_init(&take->lock, NULL);
  take->segments = g_ptr_array_new_with_free_func((GDestroyNotify)segment_unref);
  return take;
}

VaultTake *vault_take_ref(VaultTake *take) {
  atomic_fetch_add(&take->references, 1);
  return take;
}

void vault_take_unref(VaultTake *take) {
  if (!take || atomic_fetch_sub(&take->references, 1) != 1)
    return;
  g_ptr_array_unref(take->segments);
  pthread_mutex_destroy(&take->lock);
  g_free(take->session);
  g_free(take->reason);
  g_free(take);
}

gboolean vault_take_is_dead(const VaultTake *take) {
  return atomic_load(&((VaultTake *)take)->dead);
}

/* The keys go here and now, on the caller's thread: a segment's lock is held by others for one chunk's encryption at most. */
void vault_take_kill(VaultTake *take, const char *reason) {
  pthread_mutex_lock(&take->lock);
  const gboolean first = !vault_take_is_dead(take);
  if (first) {
    take->reason = g_strdup(reason ? reason : "dropped"); /* before the flag: who sees the flag may read it */
    atomic_store(&take->dead, TRUE);
    for (guint i = 0; i < take->segments->len; i++)
      segment_wipe_key(take->segments->pdata[i]);
  }
  const gboolean any = take->segments->len > 0;
  pthread_mutex_unlock(&take->lock);
  if (first && any)
    commit_push_forget(take);
}

gboolean take_add(VaultTake *take, VaultSegment *segment) {
  pthread_mutex_lock(&take->lock);
  const gboolean alive = !atomic_load(&take->dead);
  if (alive)
    g_ptr_array_add(take->segments, segment_ref(segment));
  pthread_mutex_unlock(&take->lock);
  return alive;
}

void take_remove(VaultTake *take, VaultSegment *segment) {
  pthread_mutex_lock(&take->lock);
  guint place;
  VaultSegment *found = NULL;
  if (g_ptr_array_find(take->segments, segment, &place)) {
    found = segment_ref(segment); /* the last reference must not go while the take is locked: it holds the take */
    g_ptr_array_remove_index_fast(take->segments, place);
  }
  pthread_mutex_unlock(&take->lock);
  segment_unref(found);
}

void vault_take_fail(VaultTake *take, const char *why) {
  if (!vault_take_is_dead(take) && !atomic_exchange(&take->failed, TRUE))
    vault_tell_failed(take->vault, take->session, take->number, why);
}
