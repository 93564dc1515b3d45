/* SPDX-License-Identifier: Apache-2.0 */
/* One sodium_malloc'ed region cut into cells. */
#include "gate/vault/keyarena.h"

#include "gate/vault/vault.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>

struct KeyArena {
  pthread_mutex_t lock;
  KeyCell *cells;
  guint16 *free_cells; /* a stack of indexes */
  guint n_free;
};

KeyArena *keyarena_new(GError **error) {
  const gsize bytes = sizeof(KeyCell) * KEYARENA_CELLS;
  KeyCell *cells = sodium_malloc(bytes);
  /* sodium_malloc locks but does not say whether it could; ask again. It also keeps the region out of core dumps. */
  if (!cells || sodium_mlock(cells, bytes) != 0) {
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_STORAGE,
                "cannot lock %zu kB of memory for keys (%s): raise the limit, LimitMEMLOCK= or ulimit -l", bytes / 1024, g_strerror(errno));
    sodium_free(cells);
    return NULL;
  }
  KeyArena *arena = g_new0(KeyArena, 1);
  pthread_mutex_init(&arena->lock, NULL);
  sodium_memzero(cells, bytes);
  arena->cells = cells;
  arena->free_cells = g_new(guint16, KEYARENA_CELLS);
  for (guint i = 0; i < KEYARENA_CELLS; i++)
    arena->free_cells[arena->n_free++] = (guint16)(KEYARENA_CELLS - 1 - i);
  return arena;
}

void keyarena_free(KeyArena *arena) {
  if (!arena)
    return;
  sodium_free(arena->cells); /* zeroes first */
  g_free(arena->free_cells);
  pthread_mutex_destroy(&arena->lock);
  g_free(arena);
}

KeyCell *keyarena_take(KeyArena *arena) {
  pthread_mutex_lock(&arena->lock);
  KeyCell *cell = arena->n_free ? &arena->cells[arena->free_cells[--arena->n_free]] : NULL;
  pthread_mutex_unlock(&arena->lock);
  return cell;
}

void keyarena_give_back(KeyArena *arena, KeyCell *cell) {
  if (!cell)
    return;
  sodium_memzero(cell, sizeof *cell);
  pthread_mutex_lock(&arena->lock);
  arena->free_cells[arena->n_free++] = (guint16)(cell - arena->cells);
  pthread_mutex_unlock(&arena->lock);
}
