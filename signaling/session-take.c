/* SPDX-License-Identifier: Apache-2.0 */
/* The running take: which tracks are recorded, opening in the order branches -> taps -> permit, closing in the order permit -> branches (R9). */
#include "signaling/session-media.h"

#include <sodium.h>
#include <string.h>

#include "pipelines/recording/codec.h"
#include "pipelines/transport/control.h"

typedef struct Opening { /* what an answer of another thread belongs to; the take may be over by then */
  Session *session;
  guint32 take;
  guint waiting; /* calls that have not confirmed their taps */
} Opening;

static gboolean recordable(const CallTrack *track, ConsentMedia media) {
  const ConsentMedia medium = g_str_equal(track->medium, "audio") ? CONSENT_MEDIA_AUDIO : CONSENT_MEDIA_VIDEO;
  return (media & medium) != 0 && codec_find(track->medium, track->codec) != NULL; /* R16 */
}

static void add_taps(GArray *taps, Link *link, CallSide side, ConsentMedia media) {
  const GArray *tracks = call_tracks(link->call, side);
  for (guint i = 0; i < tracks->len; i++) {
    const CallTrack *track = &g_array_index(tracks, CallTrack, i);
    if (!recordable(track, media))
      continue;
    Tapped tapped = {
        .number = ++link->session->daemon->next_track, .member = link->member[side], .link = link, .side = side, .track = *track};
    if (link_is_with_sfu(link)) /* several connections of one person count their sections alike */
      g_snprintf(tapped.name, sizeof tapped.name, "%" G_GUINT64_FORMAT ".%s", link->number, track->mid);
    else
      g_strlcpy(tapped.name, track->mid, sizeof tapped.name);
    g_array_append_val(taps, tapped);
  }
}

/* With other people a person's connections all carry the same: the first that is up is tapped. With an SFU each carries its own. */
static void choose_taps_of(GArray *taps, Session *session, const Member *member, ConsentMedia media) {
  for (guint i = 0; i < session->links->len; i++) {
    Link *link = session->links->pdata[i];
    for (CallSide side = CALL_A; side <= CALL_B; side++) {
      if (link->member[side] != member || !link->connected[side] || link->broken || call_tracks(link->call, side)->len == 0)
        continue;
      add_taps(taps, link, side, media);
      if (!link_is_with_sfu(link))
        return;
    }
  }
}

static GArray *choose_taps(Session *session) {
  GArray *taps = g_array_new(FALSE, TRUE, sizeof(Tapped));
  for (guint i = 0; i < session->members->len; i++) {
    const Member *member = session->members->pdata[i];
    ConsentPersonView person = consent_person_view(session->consent, member->person, daemon_now_us());
    if (person.on_roster && person.answer == CONSENT_ANSWER_GRANTED)
      choose_taps_of(taps, session, member, person.media);
  }
  return taps;
}

static gboolean same_taps(const GArray *a, const GArray *b) {
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++) {
    const Tapped *x = &g_array_index(a, Tapped, i), *y = &g_array_index(b, Tapped, i);
    if (x->link != y->link || x->side != y->side || memcmp(&x->track, &y->track, sizeof x->track) != 0)
      return FALSE;
  }
  return TRUE;
}

/* Who had granted what when this take opened: binds every segment to it (DESIGN.md, Vault). */
static void consent_set(Session *session, const Request *request, guint64 roster, guint8 hash[32], json_t *ids) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, request->hash, sizeof request->hash);
  for (guint i = 0; i < session->members->len; i++) {
    const Member *member = session->members->pdata[i];
    if ((roster & (G_GUINT64_CONSTANT(1) << i)) == 0)
      continue;
    const guint8 media = (guint8)consent_person_view(session->consent, member->person, daemon_now_us()).media;
    crypto_hash_sha256_update(&state, (const guint8 *)member->id, strlen(member->id) + 1);
    crypto_hash_sha256_update(&state, &media, 1);
    json_array_append_new(ids, json_string(member->id));
  }
  crypto_hash_sha256_final(&state, hash);
}

/* --- opening --- */

static void opening_free(Opening *opening) {
  opening->session->opening--;
  g_free(opening);
}

static Take *current(const Opening *opening) {
  Take *take = opening->session->take;
  return take != NULL && take->number == opening->take ? take : NULL;
}

static void on_tapped(gpointer user) {
  Opening *opening = user;
  if (--opening->waiting > 0)
    return;
  Take *take = current(opening);
  if (take != NULL) {
    take->published = TRUE;
    tap_gate_permit(opening->session->gate, take->number, daemon_now_us(), take->until_us);
    worker_look(opening->session->lane->worker);
  }
  opening_free(opening);
}

static void set_taps(const Take *take, Link *link, CallSide side, void (*done)(gpointer), gpointer user) {
  g_autoptr(GArray) taps = g_array_new(FALSE, TRUE, sizeof(CallTap));
  for (guint i = 0; take != NULL && i < take->taps->len; i++) {
    const Tapped *tapped = &g_array_index(take->taps, Tapped, i);
    if (tapped->link != link || tapped->side != side)
      continue;
    CallTap tap = {.number = tapped->number};
    g_strlcpy(tap.mid, tapped->track.mid, sizeof tap.mid);
    g_array_append_val(taps, tap);
  }
  call_set_taps(link->call, side, (const CallTap *)taps->data, taps->len, done, user);
}

static void on_branches_ready(const GError *error, gpointer user) {
  Opening *opening = user;
  Session *session = opening->session;
  Take *take = current(opening);
  if (take == NULL) {
    opening_free(opening);
    return;
  }
  if (error != NULL) {
    g_warning("session=%s take=%u event=branches_failed why=\"%s\"", session->id, take->number, error->message);
    session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_TAKE_FAILED, .take = take->number, .reason = CONSENT_REASON_OVERRUN});
    opening_free(opening);
    return;
  }
  opening->waiting = session->links->len * 2 + 1;
  for (guint i = 0; i < session->links->len; i++)
    for (CallSide side = CALL_A; side <= CALL_B; side++)
      set_taps(take, session->links->pdata[i], side, on_tapped, opening);
  on_tapped(opening); /* the one that stands for no link at all */
}

typedef struct Keyframe {
  Daemon *daemon;
  guint32 number, ssrc;
} Keyframe;

/* Control thread: the call may have gone since the recorder asked. */
static void ask_keyframe(gpointer data) {
  const Keyframe *wanted = data;
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, wanted->daemon->sessions);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    const Take *take = ((Session *)value)->take;
    for (guint i = 0; take != NULL && i < take->taps->len; i++) {
      const Tapped *tapped = &g_array_index(take->taps, Tapped, i);
      if (tapped->number == wanted->number) {
        call_request_keyframe(tapped->link->call, tapped->side, tapped->number, wanted->ssrc);
        return;
      }
    }
  }
}

static void on_keyframe_wanted(guint32 number, guint32 ssrc, gpointer user) { /* recorder thread */
  Keyframe *wanted = g_new(Keyframe, 1);
  *wanted = (Keyframe){user, number, ssrc};
  control_post(wanted->daemon->control, G_PRIORITY_DEFAULT, ask_keyframe, wanted, g_free);
}

static void open_branches(Session *session, Take *take) {
  g_autoptr(GArray) tracks = g_array_new(FALSE, TRUE, sizeof(RecorderTrack));
  for (guint i = 0; i < take->taps->len; i++) {
    const Tapped *tapped = &g_array_index(take->taps, Tapped, i);
    const CallTrack *track = &tapped->track;
    const RecorderTrack one = {.number = tapped->number,
                               .participant = tapped->member->id,
                               .track = tapped->name,
                               .medium = track->medium,
                               .codec = track->codec,
                               .pt = track->pt,
                               .red_pt = track->red_pt,
                               .ulpfec_pt = track->ulpfec_pt,
                               .simulcast = track->simulcast,
                               .clock_rate = track->clock_rate,
                               .pts = {track->pts[0], track->pts[1]},
                               .keyframe = g_str_equal(track->medium, "video") ? on_keyframe_wanted : NULL,
                               .keyframe_user = session->daemon};
    g_array_append_val(tracks, one);
  }
  const RecorderTake wanted = {.vault_take = take->vault,
                               .take = take->number,
                               .session = session->id,
                               .segment_us = session->daemon->config->segment_s * G_USEC_PER_SEC,
                               .tracks = (const RecorderTrack *)tracks->data,
                               .n_tracks = tracks->len};
  Opening *opening = g_new(Opening, 1);
  *opening = (Opening){session, take->number, 0};
  session->opening++;
  recorder_open(session->lane->recorder, &wanted, on_branches_ready, opening);
}

void session_take_open(Session *session, const ConsentEffect *effect) {
  const Request *request = session_request(session, effect->request);
  g_return_if_fail(session->take == NULL && request != NULL);
  guint8 set[32];
  json_t *ids = json_array();
  consent_set(session, request, effect->roster, set, ids);
  Take *take = g_new0(Take, 1);
  take->number = effect->take;
  take->request = effect->request;
  take->taps = choose_taps(session);
  take->vault = vault_take_new(session->daemon->vault, session->id, effect->request, effect->take, set);
  session->take = take;
  session->daemon->counters.gate_opened++;
  json_t *leaf = json_pack("{s:I, s:i, s:o, s:I}", "request", (json_int_t)effect->request, "take", (int)effect->take, "roster", ids,
                           "absent_ms", (json_int_t)session->daemon->config->absent_ms); /* R3: how long a grant survives an absence */
  if (config_has_sfu(session->daemon->config))
    json_object_set_new(leaf, "sfu", json_true()); /* R8: its segments are compared */
  session_leaf(session, "gate_open", leaf);
  open_branches(session, take);
}

void session_take_permit(Session *session, const ConsentEffect *effect) {
  Take *take = session->take;
  if (take == NULL || take->number != effect->take)
    return;
  take->until_us = effect->until_us;
  if (take->published)
    tap_gate_permit(session->gate, take->number, daemon_now_us(), take->until_us);
}

/* --- closing --- */

/* A take that ends well: the recorder drains the ring once the worker has put the last admitted packet into it. */
typedef struct Closing {
  Session *session;
  guint32 take;
  guint waiting;
} Closing;

static void on_branches_gone(gpointer user) {
  Session *session = user;
  session->closing--;
  session_withdraw_take_closed(session);
}

static void on_untapped(gpointer user) {
  Closing *closing = user;
  if (--closing->waiting > 0)
    return;
  recorder_close(closing->session->lane->recorder, closing->session->id, closing->take, FALSE, on_branches_gone, closing->session);
  g_free(closing);
}

static void close_branches(Session *session, const Take *take, gboolean discard) {
  Closing *closing = discard ? NULL : g_new(Closing, 1);
  if (closing != NULL)
    *closing = (Closing){session, take->number, session->links->len * 2 + 1};
  session->closing++;
  for (guint i = 0; i < session->links->len; i++)
    for (CallSide side = CALL_A; side <= CALL_B; side++)
      set_taps(NULL, session->links->pdata[i], side, closing != NULL ? on_untapped : NULL, closing);
  if (closing != NULL)
    on_untapped(closing); /* the one that stands for no link at all */
  else
    recorder_close(session->lane->recorder, session->id, take->number, TRUE, on_branches_gone, session);
}

/* Segments of a closed take wait for their confirmation at most absent_ms (R10); a handful of takes is more than that. */
#define PAST_TAKES_MAX 16

static void remember(Session *session, VaultTake *take) {
  if (session->past_takes->len >= PAST_TAKES_MAX)
    g_ptr_array_remove_index(session->past_takes, 0);
  g_ptr_array_add(session->past_takes, take);
}

void session_take_kill_past(Session *session) {
  for (guint i = 0; i < session->past_takes->len; i++)
    vault_take_kill(session->past_takes->pdata[i], consent_reason_text(CONSENT_REASON_WITHDRAWN));
  g_ptr_array_set_size(session->past_takes, 0);
}

void session_take_close(Session *session, const ConsentEffect *effect) {
  tap_gate_revoke(session->gate); /* before anything else: the next packet is not admitted (R11) */
  Take *take = g_steal_pointer(&session->take);
  if (take == NULL || take->number != effect->take)
    return;
  const char *reason = consent_reason_text(effect->reason);
  if (effect->discard)
    vault_take_kill(take->vault, reason);
  close_branches(session, take, effect->discard);
  session->daemon->counters.gate_closed++;
  session_leaf(session, "gate_close",
               json_pack("{s:i, s:s, s:b}", "take", (int)take->number, "reason", reason, "discard", effect->discard));
  remember(session, take->vault);
  g_array_unref(take->taps);
  g_free(take);
}

/* A different set of tracks is a different take (R9): the branches are made anew. */
void session_take_tracks_changed(Session *session) {
  if (session->take == NULL)
    return;
  g_autoptr(GArray) now = choose_taps(session);
  if (!same_taps(session->take->taps, now))
    session_event(session,
                  &(ConsentEvent){.type = CONSENT_EVENT_TAKE_FAILED, .take = session->take->number, .reason = CONSENT_REASON_TRACKS});
}
