/* SPDX-License-Identifier: Apache-2.0 */
/* SSRC to track: declared first, then latched, in one small table that is looked through from where the last packet was found. */
#include "pipelines/relay/ssrc-map.h"

#include "pipelines/relay/packet.h"

#include <string.h>

#define ROOM_FIRST 8 /* microphone and camera with their RTX take four */

void relay_track_clear(gpointer track) {
  g_clear_pointer(&((RelayTrack *)track)->ssrcs, g_array_unref);
  g_clear_pointer(&((RelayTrack *)track)->repairs, g_array_unref);
  g_clear_pointer(&((RelayTrack *)track)->codecs, g_array_unref);
}

gboolean relay_track_has_pt(const RelayTrack *track, guint8 pt) {
  return pts_have(track->media_pts, pt);
}

gboolean pts_have(const guint64 pts[2], guint8 pt) {
  return (pts[pt / 64 & 1] >> (pt % 64) & 1) != 0;
}

gboolean relay_track_use_pt(RelayTrack *track, guint8 pt) {
  const CallTrack *used = NULL;
  for (guint i = 0; used == NULL && i < track->codecs->len; i++)
    if (pts_have(g_array_index(track->codecs, CallTrack, i).pts, pt))
      used = &g_array_index(track->codecs, CallTrack, i);
  if (used == NULL || pts_have(track->call.pts, pt))
    return FALSE;
  track->call = *used;
  memset(track->other_pts, 0, sizeof track->other_pts);
  for (guint i = 0; i < track->codecs->len; i++)
    for (guint j = 0; j < 2; j++)
      track->other_pts[j] |= g_array_index(track->codecs, CallTrack, i).pts[j] & ~used->pts[j];
  return TRUE;
}

static GArray *no_tracks(void) {
  GArray *tracks = g_array_new(FALSE, TRUE, sizeof(RelayTrack));
  g_array_set_clear_func(tracks, relay_track_clear);
  return tracks;
}

void ssrc_map_init(SsrcMap *map) {
  GArray *tracks = no_tracks();
  *map = (SsrcMap){.tracks = tracks, .first = (RelayTrack *)(gpointer)tracks->data};
}

void ssrc_map_clear(SsrcMap *map) {
  g_clear_pointer(&map->tracks, g_array_unref);
  g_clear_pointer(&map->entries, g_aligned_free);
}

SsrcEntry *ssrc_map_find(SsrcMap *map, guint32 ssrc) {
  if (map->last < map->n && map->entries[map->last].ssrc == ssrc)
    return &map->entries[map->last];
  for (guint i = 0; i < map->n; i++) {
    if (map->entries[i].ssrc != ssrc)
      continue;
    map->last = i;
    return &map->entries[i];
  }
  return NULL;
}

RelayTrack *ssrc_map_track(SsrcMap *map, const SsrcEntry *entry) {
  return entry != NULL && entry->track >= 0 ? map->first + entry->track : NULL;
}

static void make_room(SsrcMap *map) {
  SsrcEntry *before = map->entries;
  map->room = MAX(ROOM_FIRST, 2 * map->room);
  map->entries = g_aligned_alloc0(map->room, sizeof(SsrcEntry), CACHE_LINE_BYTES);
  if (map->n > 0)
    memcpy(map->entries, before, map->n * sizeof *before);
  g_aligned_free(before);
}

static SsrcEntry *add(SsrcMap *map, guint32 ssrc, gint track, gboolean declared) {
  if (map->n == SSRC_MAP_MAX)
    return NULL;
  if (map->n == map->room)
    make_room(map);
  SsrcEntry *entry = &map->entries[map->n++];
  *entry = (SsrcEntry){.ssrc = ssrc, .track = track, .declared = declared};
  return entry;
}

RelayTrack *ssrc_map_mid(SsrcMap *map, const char *mid) {
  for (guint i = 0; i < map->tracks->len; i++)
    if (strcmp(g_array_index(map->tracks, RelayTrack, i).call.mid, mid) == 0)
      return &g_array_index(map->tracks, RelayTrack, i);
  return NULL;
}

static gint track_of_mid(const GArray *tracks, const char *mid, gsize n) {
  for (guint i = 0; i < tracks->len; i++) {
    const char *its = g_array_index(tracks, RelayTrack, i).call.mid;
    if (strlen(its) == n && memcmp(its, mid, n) == 0)
      return (gint)i;
  }
  return -1;
}

/* Brings an old entry's reports along. */
static void put(SsrcMap *map, guint32 ssrc, gint track, gboolean declared, SsrcMap *old) {
  if (ssrc_map_find(map, ssrc) != NULL)
    return; /* the first section that declares an SSRC has it (fault 10) */
  SsrcEntry *entry = add(map, ssrc, track, declared);
  const SsrcEntry *before = entry != NULL ? ssrc_map_find(old, ssrc) : NULL;
  if (before == NULL)
    return;
  *entry = *before;
  entry->track = track;
  entry->declared = declared;
}

/* By what the answer prefers, not by what the sender has gone over to: control may not know that yet, and would not set the tap anew. */
static gboolean is_same(const RelayTrack *was, const RelayTrack *is) {
  return was->codecs->len > 0 && is->codecs->len > 0 && memcmp(was->codecs->data, is->codecs->data, sizeof(CallTrack)) == 0;
}

static void carry_over(SsrcMap *old, GArray *tracks) {
  for (guint i = 0; i < tracks->len; i++) {
    RelayTrack *is = &g_array_index(tracks, RelayTrack, i);
    const RelayTrack *was = ssrc_map_mid(old, is->call.mid);
    if (was == NULL)
      continue;
    is->media_ssrc = was->media_ssrc;
    is->number = is->sends && is_same(was, is) ? was->number : 0;
  }
}

static void set_repairs(SsrcMap *map) {
  for (guint i = 0; i < map->n; i++)
    map->entries[i].repairs = 0;
  for (guint i = 0; i < map->tracks->len; i++) {
    const GArray *repairs = g_array_index(map->tracks, RelayTrack, i).repairs;
    for (guint j = 0; j < repairs->len; j++) {
      const SdpRepair *repair = &g_array_index(repairs, SdpRepair, j);
      SsrcEntry *rtx = ssrc_map_find(map, repair->rtx);
      if (rtx != NULL && rtx->track == (gint)i)
        rtx->repairs = repair->media;
    }
  }
}

void ssrc_map_set_tracks(SsrcMap *map, GArray *tracks) {
  SsrcMap old = *map;
  carry_over(&old, tracks);
  *map = (SsrcMap){.tracks = tracks, .first = (RelayTrack *)(gpointer)tracks->data};
  for (guint i = 0; i < tracks->len; i++) {
    const GArray *ssrcs = g_array_index(tracks, RelayTrack, i).ssrcs;
    for (guint j = 0; j < ssrcs->len; j++)
      put(map, g_array_index(ssrcs, guint32, j), (gint)i, TRUE, &old);
  }
  for (guint i = 0; i < old.n; i++) {
    const RelayTrack *was = old.entries[i].declared ? NULL : ssrc_map_track(&old, &old.entries[i]);
    gint track = was != NULL ? track_of_mid(tracks, was->call.mid, strlen(was->call.mid)) : -1;
    if (track >= 0)
      put(map, old.entries[i].ssrc, track, FALSE, &old);
  }
  set_repairs(map);
  ssrc_map_clear(&old);
}

static gint track_of_packet(const SsrcMap *map, const guint8 *packet, gsize n) {
  for (guint i = 0; i < map->tracks->len; i++) {
    gsize mid_bytes;
    guint8 id = g_array_index(map->tracks, RelayTrack, i).mid_ext_id;
    const guint8 *mid = rtp_extension_find(packet, n, id, &mid_bytes);
    gint track = mid != NULL ? track_of_mid(map->tracks, (const char *)mid, mid_bytes) : -1;
    /* Sections may number the extension each in its own way; a number counts only where the section itself uses it. */
    if (track >= 0 && g_array_index(map->tracks, RelayTrack, (guint)track).mid_ext_id == id)
      return track;
  }
  return -1;
}

/* Only where several encodings are told apart by it; senders stop sending it once it has arrived. */
static void latch_rid(const SsrcMap *map, SsrcEntry *entry, const guint8 *packet, gsize n) {
  const RelayTrack *track = ssrc_map_track((SsrcMap *)map, entry);
  if (track == NULL || !track->call.simulcast || entry->rid[0] != '\0')
    return;
  gsize bytes;
  const guint8 *rid = rtp_extension_find(packet, n, track->repaired_rid_ext_id, &bytes);
  if (rid == NULL)
    rid = rtp_extension_find(packet, n, track->rid_ext_id, &bytes);
  if (rid != NULL && bytes < sizeof entry->rid)
    memcpy(entry->rid, rid, bytes);
}

SsrcEntry *ssrc_map_packet(SsrcMap *map, guint32 ssrc, const guint8 *packet, gsize n) {
  SsrcEntry *entry = ssrc_map_find(map, ssrc);
  if (entry == NULL) {
    gint track = track_of_packet(map, packet, n);
    entry = track >= 0 ? add(map, ssrc, track, FALSE) : NULL;
  }
  if (entry != NULL)
    latch_rid(map, entry, packet, n);
  return entry;
}

SsrcEntry *ssrc_map_repaired(SsrcMap *map, const SsrcEntry *rtx) {
  SsrcEntry *only = NULL;
  guint found = 0;
  for (guint i = 0; i < map->n; i++) {
    SsrcEntry *entry = &map->entries[i];
    if (entry == rtx || entry->track != rtx->track || !entry->media)
      continue;
    if (rtx->repairs != 0 ? entry->ssrc != rtx->repairs : rtx->rid[0] != '\0' && strcmp(entry->rid, rtx->rid) != 0)
      continue;
    only = entry;
    found++;
  }
  return found == 1 ? only : NULL;
}
