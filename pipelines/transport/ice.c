/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/ice.h"

#include <string.h>

#define UFRAG_BYTES_MIN 4 /* RFC 8839 section 5.4 */

void ice_init(Ice *ice, const LegCredentials *local, gpointer owner) {
  memset(ice, 0, sizeof *ice);
  ice->owner = owner;
  ice->current.local = *local;
  ice->current.number = 1;
}

void ice_clear(Ice *ice) {
  for (guint i = 0; i < ice->n_paths; i++)
    g_aligned_free(ice->paths[i]);
  ice->n_paths = 0;
  ice->selected = NULL;
}

static gboolean ufrag_is_valid(const char *ufrag) {
  gsize n = ufrag != NULL ? strlen(ufrag) : 0;
  if (n < UFRAG_BYTES_MIN || n > ICE_UFRAG_BYTES_MAX)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    if (!g_ascii_isalnum(ufrag[i]) && ufrag[i] != '+' && ufrag[i] != '/')
      return FALSE;
  return TRUE;
}

/* The generation in use stays valid until the new one is nominated; one that never came to life is simply replaced. */
static void ice_begin_generation(Ice *ice) {
  gboolean pending = ice->previous.number != 0 && ice->selected_generation != ice->current.number;
  if (!pending && ice->current.remote[0] != '\0')
    ice->previous = ice->current;
  ice->current.number++;
}

gboolean ice_set_remote(Ice *ice, const char *ufrag) {
  if (!ufrag_is_valid(ufrag))
    return FALSE;
  if (strcmp(ice->current.remote, ufrag) == 0)
    return TRUE;
  if (ice->current.remote[0] != '\0') {
    ice_begin_generation(ice);
    ice->remote_is_ahead = TRUE;
  }
  g_strlcpy(ice->current.remote, ufrag, sizeof ice->current.remote);
  return TRUE;
}

void ice_restart(Ice *ice, const LegCredentials *local) {
  if (!ice->remote_is_ahead) {
    ice_begin_generation(ice);
    ice->current.remote[0] = '\0';
  }
  ice->remote_is_ahead = FALSE;
  ice->current.local = *local;
}

static gboolean generation_is_named(const IceGeneration *generation, const guint8 *username, gsize n) {
  gsize ours = strlen(generation->local.ufrag), theirs = strlen(generation->remote);
  return generation->number != 0 && theirs > 0 && n == ours + 1 + theirs && memcmp(username, generation->local.ufrag, ours) == 0 &&
         username[ours] == ':' && memcmp(username + ours + 1, generation->remote, theirs) == 0;
}

const IceGeneration *ice_find(const Ice *ice, const guint8 *username, gsize n) {
  if (generation_is_named(&ice->current, username, n))
    return &ice->current;
  return generation_is_named(&ice->previous, username, n) ? &ice->previous : NULL;
}

static void ice_remove_at(Ice *ice, guint i) {
  if (ice->selected == ice->paths[i])
    ice->selected = NULL;
  g_aligned_free(ice->paths[i]);
  ice->paths[i] = ice->paths[--ice->n_paths];
}

void ice_forget(Ice *ice, IcePath *path) {
  for (guint i = 0; i < ice->n_paths; i++)
    if (ice->paths[i] == path) {
      ice_remove_at(ice, i);
      return;
    }
}

/* Whoever was heard of longest ago makes room, never the path in use: a thousand new ports do not cost the original one (fault 6). */
static void ice_make_room(Ice *ice, void (*drop)(IcePath *path, gpointer owner)) {
  guint oldest = ice->paths[0] == ice->selected ? 1 : 0;
  for (guint i = 0; i < ice->n_paths; i++)
    if (ice->paths[i] != ice->selected && ice->paths[i]->heard_us < ice->paths[oldest]->heard_us)
      oldest = i;
  drop(ice->paths[oldest], ice->owner);
  ice_remove_at(ice, oldest);
}

static IcePath *ice_path(Ice *ice, const Address *address, void (*drop)(IcePath *path, gpointer owner)) {
  for (guint i = 0; i < ice->n_paths; i++)
    if (address_equal(&ice->paths[i]->address, address))
      return ice->paths[i];
  if (ice->n_paths == ICE_PATHS_MAX)
    ice_make_room(ice, drop);
  IcePath *path = g_aligned_alloc0(1, sizeof(IcePath), CACHE_LINE_BYTES);
  path->address = *address;
  path->owner = ice->owner;
  ice->paths[ice->n_paths++] = path;
  return path;
}

/* Firefox nominates every pair of an ICE-lite peer, one after the other: only a better one than that in use counts. */
static void ice_nominate(Ice *ice, IcePath *path) {
  path->nominated = TRUE;
  gboolean newer = path->generation > ice->selected_generation;
  if (newer) {
    ice->selected_generation = path->generation;
    if (path->generation == ice->current.number)
      memset(&ice->previous, 0, sizeof ice->previous);
  }
  if (newer || ice->selected == NULL || path->priority > ice->selected->priority)
    ice->selected = path;
}

IcePath *ice_check(Ice *ice, const IceCheck *check, gint64 now_us, void (*drop)(IcePath *path, gpointer owner)) {
  IcePath *path = ice_path(ice, &check->from, drop);
  if (check->generation > path->generation) {
    path->nominated = FALSE;
    path->generation = check->generation;
  }
  path->priority = check->priority;
  path->heard_us = now_us;
  if (ice->selected == NULL || now_us - ice->selected->heard_us >= ICE_SILENCE_US)
    ice->selected = path;
  if (check->use_candidate && check->generation == path->generation)
    ice_nominate(ice, path);
  else if (ice->selected_generation == 0 && !ice->media_heard)
    ice->selected = path; /* before nomination the last valid one is the best guess */
  return path;
}

void ice_media(Ice *ice, IcePath *path, gint64 now_us) {
  path->heard_us = now_us;
  if (path->media && ice->selected == path)
    return;
  path->media = ice->media_heard = TRUE;
  ice->selected = path;
}
