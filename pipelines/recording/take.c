/* SPDX-License-Identifier: Apache-2.0 */
/* A take on its recorder: see take.h. */
#include "pipelines/recording/take.h"

#include <stdatomic.h>

typedef struct TakeTrack {
  RecorderTrack track; /* its strings are owned */
  Take *take;
  Branch *branch; /* NULL: not attached, or failed */
  VaultSegment *segment;
} TakeTrack;

struct Take {
  _Atomic gint references;
  _Atomic gboolean dead;
  char *session;
  guint32 number;
  VaultTake *vault_take;
  gint64 segment_us, attached_us;
  gboolean begun;
  TakeTrack *tracks;
  gsize n_tracks;
  GHashTable *clocks; /* participant -> TimelineClock */
  RecorderStats done; /* of branches that are gone */
};

Take *take_new(const RecorderTake *config) {
  Take *take = g_new0(Take, 1);
  atomic_init(&take->references, 1);
  take->session = g_strdup(config->session);
  take->number = config->take;
  take->vault_take = vault_take_ref(config->vault_take);
  take->segment_us = config->segment_us;
  take->tracks = g_new0(TakeTrack, config->n_tracks);
  take->n_tracks = config->n_tracks;
  take->clocks = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
  for (gsize i = 0; i < config->n_tracks; i++) {
    TakeTrack *own = &take->tracks[i];
    own->take = take;
    own->track = config->tracks[i];
    own->track.participant = g_strdup(config->tracks[i].participant);
    own->track.track = g_strdup(config->tracks[i].track);
    own->track.medium = g_strdup(config->tracks[i].medium);
    own->track.codec = g_strdup(config->tracks[i].codec);
    if (!g_hash_table_contains(take->clocks, own->track.participant))
      g_hash_table_insert(take->clocks, (gpointer)own->track.participant, g_new0(TimelineClock, 1));
  }
  return take;
}

Take *take_ref(Take *take) {
  atomic_fetch_add(&take->references, 1);
  return take;
}

void take_unref(Take *take) {
  if (take == NULL || atomic_fetch_sub(&take->references, 1) != 1)
    return;
  g_hash_table_unref(take->clocks);
  for (gsize i = 0; i < take->n_tracks; i++) {
    g_free((gpointer)take->tracks[i].track.participant);
    g_free((gpointer)take->tracks[i].track.track);
    g_free((gpointer)take->tracks[i].track.medium);
    g_free((gpointer)take->tracks[i].track.codec);
  }
  g_free(take->tracks);
  vault_take_unref(take->vault_take);
  g_free(take->session);
  g_free(take);
}

gboolean take_matches(const Take *take, const char *session, guint32 number) {
  return take->number == number && g_strcmp0(take->session, session) == 0;
}

guint32 take_number(const Take *take) {
  return take->number;
}
gsize take_n_tracks(const Take *take) {
  return take->n_tracks;
}
guint32 take_track_number(const Take *take, gsize i) {
  return take->tracks[i].track.number;
}

void take_mark_dead(Take *take) {
  atomic_store(&take->dead, TRUE);
}

static gboolean is_dead(Take *take) {
  return atomic_load(&take->dead) || vault_take_is_dead(take->vault_take);
}

/* --- the vault as the sinks see it --- */

static gboolean segment_begin(guint32 seq, gboolean continues, gpointer user) {
  TakeTrack *own = user;
  if (is_dead(own->take))
    return FALSE;
  VaultSegmentInfo info = {.participant = own->track.participant,
                           .track = own->track.track,
                           .medium = own->track.medium,
                           .codec = own->track.codec,
                           .seq = seq,
                           .continues = continues};
  own->segment = vault_segment_new(own->take->vault_take, &info);
  return own->segment != NULL;
}

static gboolean segment_write(const guint8 *bytes, gsize n, gpointer user) {
  TakeTrack *own = user;
  return !is_dead(own->take) && vault_segment_write(own->segment, bytes, n) == VAULT_WRITE_OK;
}

static void segment_discard(gpointer user) {
  TakeTrack *own = user;
  vault_segment_discard(g_steal_pointer(&own->segment));
}

static void segment_seal(gint64 start_us, gint64 end_us, gpointer user) {
  TakeTrack *own = user;
  if (is_dead(own->take))
    segment_discard(user);
  else
    vault_segment_seal(g_steal_pointer(&own->segment), start_us, end_us);
}

/* --- branches --- */

static void add_branch_stats(const Branch *branch, RecorderStats *stats) {
  BranchStats of = branch_stats(branch);
  stats->packets += of.packets;
  stats->lost += of.lost;
  stats->keyframes_asked += of.keyframes_asked;
  stats->segments += of.segments;
}

static void drop_branch(TakeTrack *own) {
  if (own->branch != NULL)
    add_branch_stats(own->branch, &own->take->done);
  g_clear_pointer(&own->branch, branch_free);
}

gboolean take_attach(Take *take, gint64 now_us, GError **error) {
  take->attached_us = now_us;
  for (gsize i = 0; i < take->n_tracks; i++) {
    TakeTrack *own = &take->tracks[i];
    BranchConfig config = {.track = &own->track,
                           .clock = g_hash_table_lookup(take->clocks, own->track.participant),
                           .segment_us = take->segment_us,
                           .writer = {segment_begin, segment_write, segment_seal, segment_discard, own}};
    own->branch = branch_new(&config, error);
    if (own->branch == NULL) {
      take_detach(take, TRUE);
      return FALSE;
    }
  }
  return TRUE;
}

static TakeTrack *find_track(const Take *take, guint32 number) {
  for (gsize i = 0; i < take->n_tracks; i++)
    if (take->tracks[i].track.number == number)
      return &take->tracks[i];
  return NULL;
}

/* What one branch's writer refuses is refused to all: a take with a part missing is no record, and nobody must be told that it records. */
static void end_if_broken(Take *take, const TakeTrack *own) {
  if (own->branch == NULL || branch_works(own->branch))
    return;
  vault_take_fail(take->vault_take, "a track could not be muxed or kept");
  take_detach(take, TRUE);
}

static void begin(Take *take, gint64 origin_us) {
  take->begun = TRUE;
  for (gsize i = 0; i < take->n_tracks; i++)
    if (take->tracks[i].branch != NULL)
      branch_begin(take->tracks[i].branch, origin_us);
}

void take_record(Take *take, const TapRecord *record, const guint8 *bytes) {
  TakeTrack *own = find_track(take, record->track);
  if (own == NULL || own->branch == NULL)
    return;
  if (is_dead(take)) {
    take_detach(take, TRUE);
    return;
  }
  if (record->type == TAP_RECORD_SENDER_REPORT)
    branch_report(own->branch, record->ssrc, record->ntp, record->rtp_time);
  if (record->type != TAP_RECORD_RTP)
    return;
  if (!take->begun)
    begin(take, record->arrival_us);
  branch_packet(own->branch, bytes, record->n_bytes, record->arrival_us);
  end_if_broken(take, own);
}

void take_advance(Take *take, gint64 now_us) {
  if (is_dead(take)) {
    take_detach(take, TRUE);
    return;
  }
  if (!take->begun && now_us - take->attached_us < TAKE_FIRST_ASK_US)
    return;
  for (gsize i = 0; i < take->n_tracks; i++) {
    TakeTrack *own = &take->tracks[i];
    if (own->branch == NULL)
      continue;
    branch_advance(own->branch, now_us);
    end_if_broken(take, own);
  }
}

void take_detach(Take *take, gboolean discard) {
  if (discard)
    take_mark_dead(take);
  for (gsize i = 0; i < take->n_tracks; i++) {
    TakeTrack *own = &take->tracks[i];
    if (own->branch != NULL && !discard)
      branch_end(own->branch);
    drop_branch(own);
  }
}

void take_add_stats(const Take *take, RecorderStats *stats) {
  stats->packets += take->done.packets;
  stats->lost += take->done.lost;
  stats->keyframes_asked += take->done.keyframes_asked;
  stats->segments += take->done.segments;
  for (gsize i = 0; i < take->n_tracks; i++) {
    if (take->tracks[i].branch == NULL)
      continue;
    add_branch_stats(take->tracks[i].branch, stats);
    stats->branches++;
  }
}
