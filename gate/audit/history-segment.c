/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: committed, dropped, purged (R10-R12, R16, R21, R22). */
#include <string.h>

#include "gate/audit/history-private.h"

void track_free(gpointer data) {
  Track *track = data;
  g_array_unref(track->runs);
  g_free(track->name);
  g_free(track);
}

static Track *take_track(Take *take, Person *person, ScanText name) {
  for (guint i = 0; i < take->tracks->len; i++) {
    Track *track = take->tracks->pdata[i];
    if (track->person == person && scan_is(name, track->name))
      return track;
  }
  Track *track = g_new0(Track, 1);
  *track = (Track){.take = take,
                   .person = person,
                   .name = g_strndup(name.at ? name.at : "", name.n),
                   .runs = g_array_new(FALSE, FALSE, sizeof(Run)),
                   .committed_last = -1};
  g_ptr_array_add(take->tracks, track);
  return track;
}

/* FALSE: that number was explained before. */
static gboolean track_explain(Track *track, gint64 seq) {
  GArray *runs = track->runs;
  guint i = runs->len;
  while (i > 0 && g_array_index(runs, Run, i - 1).first > seq)
    i--;
  Run *before = i > 0 ? &g_array_index(runs, Run, i - 1) : NULL;
  if (before && seq <= before->last)
    return FALSE;
  Run *after = i < runs->len ? &g_array_index(runs, Run, i) : NULL;
  const Run fresh = {seq, seq};
  if (before && before->last == seq - 1) {
    before->last = seq;
    if (after && after->first == seq + 1) {
      before->last = after->last;
      g_array_remove_index(runs, i);
    }
  } else if (after && after->first == seq + 1) {
    after->first = seq;
  } else {
    g_array_insert_val(runs, i, fresh);
  }
  return TRUE;
}

/* R22: no holes below what was kept; a crash may have forgotten some of what was being thrown away. */
void track_conclude(const Session *session, const Track *track, Findings *findings) {
  const Take *take = track->take;
  for (guint i = 0; i < track->runs->len; i++) {
    const gint64 missing = i == 0 ? 0 : g_array_index(track->runs, Run, i - 1).last + 1;
    if (g_array_index(track->runs, Run, i).first == missing || (missing > track->committed_last && take->restarted))
      continue;
    findings_add(findings, AT_LEAF(take->open_leaf), "R22",
                 "session %u, take %" G_GINT64_FORMAT ", person %u, track %s: segment number %" G_GINT64_FORMAT " is not explained",
                 session->number, take->number, track->person->number, track->name, missing);
    return;
  }
}

/* --- committed --- */

/* R10: everybody on the roster sent a sign of life that followed the last packet; R8: behind an SFU its roster was compared later, too. */
static gboolean is_confirmed(Session *session, const Take *take, const Leaf *leaf, gboolean *is_compared) {
  Scan scan;
  ScanInside list = {0};
  guint confirmed = 0;
  gboolean compared = !take->has_sfu;
  scan_init(&scan, leaf->confirmed.at ? leaf->confirmed.at : "[]", leaf->confirmed.at ? leaf->confirmed.n : 2);
  while (scan_element(&scan, &list)) {
    ScanInside object = {0};
    ScanText name, id = {0};
    gint64 before_us = -1;
    gboolean is_sfu = FALSE;
    while (scan_member(&scan, &object, &name))
      if (!(scan_is(name, "participant") ? scan_string(&scan, &id)
            : scan_is(name, "before_us") ? scan_integer(&scan, &before_us)
            : scan_is(name, "sfu")       ? scan_flag(&scan, &is_sfu)
                                         : scan_value(&scan, NULL)))
        return FALSE;
    compared |= is_sfu && before_us > leaf->last_us;
    const Person *person = id.at ? session_person_find(session, id) : NULL;
    confirmed += person && take_seat(take, person) && before_us > leaf->last_us;
  }
  *is_compared = compared;
  return scan_done(&scan) && confirmed == take->seats->len;
}

static const char *span_wrong(const Take *take, const Leaf *leaf) {
  if (leaf->first_us < 0 || leaf->last_us < leaf->first_us)
    return "has no span of time";
  if (leaf->first_us < take->open_us)
    return "began before the gate had opened";
  if (take->closed && !take->crash && leaf->last_us > take->close_us)
    return "reaches beyond the closing of the gate";
  return leaf->t >= 0 && leaf->last_us > leaf->t ? "ends after it was kept" : NULL;
}

static void judge_time(const Take *take, const Leaf *leaf, const FindingPlace *place, Findings *findings) {
  const char *wrong = span_wrong(take, leaf);
  if (wrong)
    findings_add(findings, place, "R22", "a segment of take %" G_GINT64_FORMAT " %s", take->number, wrong);
  if (take->withdrawn_leaf)
    findings_add(findings, place, "R11", "a segment was kept after the withdrawal in leaf %" G_GUINT64_FORMAT, take->withdrawn_leaf - 1);
  else if (take->request && take->request->purged)
    findings_add(findings, place, "R11", "a segment was kept after its recording had been erased");
  if (take->closed && take->crash)
    findings_add(findings, place, "R17", "a segment was kept of a take that a crash had ended");
  if (take->closed && take->discard)
    findings_add(findings, place, "R11", "a segment was kept of a take that was thrown away (%s)", take->reason);
}

static void judge_consent(Session *session, Take *take, const Seat *seat, const Leaf *leaf, const FindingPlace *place, Findings *findings) {
  const Media medium = scan_is(leaf->medium, "audio") ? MEDIA_AUDIO : scan_is(leaf->medium, "video") ? MEDIA_VIDEO : MEDIA_NONE;
  if (!take->request || take->request->number != leaf->request)
    findings_add(findings, place, "R22", "a segment of take %" G_GINT64_FORMAT " names another request", take->number);
  if (!seat)
    findings_add(findings, place, "R22", "a segment of somebody who was not on the roster of take %" G_GINT64_FORMAT, take->number);
  else if (medium == MEDIA_NONE || (seat->media & medium) == 0)
    findings_add(findings, place, "R16", "%.*s of person %u was kept, who had not agreed to that", (int)leaf->medium.n,
                 leaf->medium.at ? leaf->medium.at : "", seat->person->number);
  gboolean is_compared = FALSE;
  if (!is_confirmed(session, take, leaf, &is_compared))
    findings_add(findings, place, "R10", "a segment was kept that not everybody on the roster had confirmed");
  else if (!is_compared)
    findings_add(findings, place, "R8", "a segment was kept that no comparison with the SFU's roster had followed");
  if (!*take->consent_set && leaf->consent_set.at)
    g_strlcpy(take->consent_set, leaf->consent_set.at, MIN(leaf->consent_set.n + 1, sizeof take->consent_set));
  else if (!scan_is(leaf->consent_set, take->consent_set))
    findings_add(findings, place, "R22", "a segment stands under another consent record than its take");
}

void segment_committed(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  const FindingPlace place = {.leaf = (gint64)leaf->index, .segment = (guint64)MAX(leaf->segment, 0)};
  Take *take = session_take(session, leaf->take);
  Person *person = session_person(session, leaf->participant);
  if (!take || !person || leaf->segment <= 0 || leaf->seq < 0 || !leaf->sha256.at)
    return (void)findings_add(findings, &place, "R22", "a segment outside every take, or without its numbers");
  judge_time(take, leaf, &place, findings);
  judge_consent(session, take, take_seat(take, person), leaf, &place, findings);
  Track *track = take_track(take, person, leaf->track);
  if (!track_explain(track, leaf->seq))
    findings_add(findings, &place, "R22", "the number %" G_GINT64_FORMAT " of its track was used before", leaf->seq);
  track->committed_last = MAX(track->committed_last, leaf->seq);
  take->kept++;
  take->last_leaf = leaf->index;
  take->last_us = MAX(take->last_us, leaf->last_us);
  if (!track->holder && take->request)
    track->holder = request_holder(take->request, person, TRUE);
  if (track->holder) {
    track->holder->kept++;
    track->holder->bytes += (guint64)MAX(leaf->bytes, 0);
  }
  const Kept kept = {.id = (guint64)leaf->segment, .leaf = leaf->index, .track = track};
  history->sorted =
      history->sorted && history->segments->len > 0 && g_array_index(history->segments, Kept, history->segments->len - 1).id < kept.id;
  g_array_append_val(history->segments, kept);
}

/* --- dropped --- */

/* Of a segment that had been committed: a withdrawal overtook it while it was being synced (R11). From the end: it was just now. */
static gboolean undo(History *history, Track *track, guint64 id) {
  for (guint i = history->segments->len; i-- > 0;) {
    Kept *kept = &g_array_index(history->segments, Kept, i);
    if (kept->id != id || kept->track != track || kept->dropped)
      continue;
    kept->dropped = TRUE;
    track->take->kept--;
    if (track->holder && track->holder->kept > 0)
      track->holder->kept--;
    return TRUE;
  }
  return FALSE;
}

static void drop_one(History *history, Session *session, Take *take, Scan *scan, const Leaf *leaf, Findings *findings) {
  ScanInside object = {0};
  ScanText name, id = {0}, track_name = {0};
  gint64 segment = 0, seq = -1;
  while (scan_member(scan, &object, &name))
    if (!(scan_is(name, "participant") ? scan_string(scan, &id)
          : scan_is(name, "track")     ? scan_string(scan, &track_name)
          : scan_is(name, "segment")   ? scan_integer(scan, &segment)
          : scan_is(name, "seq")       ? scan_integer(scan, &seq)
                                       : scan_value(scan, NULL)))
      return;
  const FindingPlace place = {.leaf = (gint64)leaf->index, .segment = (guint64)MAX(segment, 0)};
  Person *person = session_person(session, id);
  if (!person || seq < 0)
    return (void)findings_add(findings, &place, "R21", "a dropped segment without its numbers");
  Track *track = take_track(take, person, track_name);
  take->dropped++;
  history->counts.dropped++;
  if (!track_explain(track, seq) && !undo(history, track, (guint64)segment))
    findings_add(findings, &place, "R22", "the number %" G_GINT64_FORMAT " of its track was used before", seq);
}

void segment_dropped(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  Scan scan;
  ScanInside list = {0};
  Take *take = session_take(session, leaf->take);
  if (!take)
    return (void)findings_add(findings, AT_LEAF(leaf->index), "R22", "a segment was dropped of a take that never was");
  scan_init(&scan, leaf->segments.at ? leaf->segments.at : "[]", leaf->segments.at ? leaf->segments.n : 2);
  while (scan_element(&scan, &list))
    drop_one(history, session, take, &scan, leaf, findings);
  if (scan.bad)
    findings_add(findings, AT_LEAF(leaf->index), "R21", "a list of dropped segments that cannot be read");
}

/* --- purged --- */

typedef struct Purged { /* one recording of a purge leaf */
  gint64 request, scope, segments;
} Purged;

static gboolean purged_read(Scan *scan, Purged *purged) {
  ScanInside object = {0};
  ScanText name;
  while (scan_member(scan, &object, &name))
    if (!(scan_is(name, "request")    ? scan_integer(scan, &purged->request)
          : scan_is(name, "scope")    ? scan_integer(scan, &purged->scope)
          : scan_is(name, "segments") ? scan_integer(scan, &purged->segments)
                                      : scan_value(scan, NULL)))
      return FALSE;
  return !scan->bad;
}

/* R12: as disclosed, or more. The number of segments is the vault's own running total: it must be ours. */
static void purge_recording(Session *session, const Purged *purged, const Leaf *leaf, Findings *findings) {
  Request *request = session_request(session, purged->request);
  const Person *person = session_person_find(session, leaf->participant);
  guint64 erased = 0;
  if (!request)
    return (void)findings_add(findings, AT_LEAF(leaf->index), "R21", "an erase of a request that never was");
  request->purged = TRUE;
  for (guint i = 0; i < request->holders->len; i++) {
    Holder *holder = request->holders->pdata[i];
    if (holder->purged || !(purged->scope == SCOPE_SESSION || (purged->scope == SCOPE_PARTICIPANT && holder->person == person)))
      continue;
    holder->purged = TRUE;
    holder->expired = scan_is(leaf->reason, "expired");
    erased += holder->kept;
  }
  if (purged->scope < (gint64)request->on_withdrawal)
    findings_add(findings, AT_LEAF(leaf->index), "R12", "an erase of less than was disclosed");
  if (erased != (guint64)MAX(purged->segments, 0))
    findings_add(findings, AT_LEAF(leaf->index), "R21",
                 "an erase of %" G_GINT64_FORMAT " segments by its own account, of %" G_GUINT64_FORMAT " by the log's", purged->segments,
                 erased);
}

void segment_purged(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  Scan scan;
  ScanInside list = {0};
  history->counts.purges++;
  scan_init(&scan, leaf->recordings.at ? leaf->recordings.at : "[]", leaf->recordings.at ? leaf->recordings.n : 2);
  while (scan_element(&scan, &list)) {
    Purged purged = {0};
    if (!purged_read(&scan, &purged))
      break;
    purge_recording(session, &purged, leaf, findings);
  }
  if (scan.bad)
    findings_add(findings, AT_LEAF(leaf->index), "R21", "a list of what was erased that cannot be read");
}
