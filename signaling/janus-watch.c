/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's own connection to Janus for one session: who is in the rooms, as Janus says, beside who came in through the gate (R8). */
#include "signaling/janus-rooms.h"

#include <string.h>

#include "signaling/janus-line.h"
#include "signaling/janus-list.h"

/* Somebody who comes to Janus directly is found within a second, also where one answer is late. */
#define ROUND_US (G_USEC_PER_SEC / 2)
/* Of Janus's list of rooms: from when on it may have been asked for. Two, where one could not be answered. */
#define LIST_AGE_MAX_US    (2 * JANUS_LIST_US)
#define NO_SUCH_ROOM_VIDEO 426
#define NO_SUCH_ROOM_AUDIO 485

typedef enum RoomRecord { ROOM_UNLISTED = 0, ROOM_LISTED, ROOM_RECORDS } RoomRecord;

typedef struct Room {
  RoomRecord record;
  gint64 since_us; /* UNLISTED, RECORDS: a list that was asked for before says nothing of it */
} Room;

typedef struct JanusWatch {
  Session *session;
  JanusLine *line; /* its questions: the room, or "" */
  Alarm alarm;
  GHashTable *rooms;        /* name -> Room: those of the last round */
  gint64 asked_us, done_us; /* when the running round was asked; the last one that was answered */
  gboolean failed, found;
  gboolean warned; /* that the connection was lost: once while it is needed, for each try would say the same */
} JanusWatch;

void janus_watch_free(JanusWatch *watch) {
  if (watch == NULL)
    return;
  alarm_clear(watch->session->daemon->alarms, &watch->alarm);
  janus_line_free(watch->line);
  g_hash_table_unref(watch->rooms);
  g_free(watch);
}

/* --- what it says to the session --- */

static void tell(Session *session, ConsentReason reason, gint64 asked_us) {
  session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_COMPARED, .reason = reason, .asked_us = asked_us});
}

static void say_found(Session *session, ConsentReason reason, const char *room) {
  if (consent_view(session->consent).reason != reason) /* one line, not one every half second; rooms are named by people */
    g_message("event=%s session=%s room=\"%s\"", consent_reason_text(reason), session->id,
              janus_room_plugin(room) == 0 ? "videoroom" : "audiobridge");
  if (session->watch != NULL)
    session->watch->found = TRUE;
  tell(session, reason, daemon_now_us());
}

void janus_watch_found(Session *session, ConsentReason reason, const char *room) {
  const Room records = {ROOM_RECORDS, daemon_now_us()};
  if (session->watch != NULL && reason == CONSENT_REASON_RECORDING_ELSEWHERE)
    g_hash_table_replace(session->watch->rooms, g_strdup(room), g_memdup2(&records, sizeof records));
  say_found(session, reason, room);
}

/* --- asking --- */

static GHashTable *rooms_new(void) {
  return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

/* The rooms of this round, with what is known of the last one's. The plugins that they are of, as bits. */
static guint take_rooms(JanusWatch *watch, gint64 now_us) {
  GHashTable *rooms = janus_rooms_of(watch->session, watch->done_us);
  g_autoptr(GHashTable) before = g_steal_pointer(&watch->rooms);
  guint plugins = 0;
  GHashTableIter iter;
  gpointer name;
  watch->rooms = rooms_new();
  g_hash_table_iter_init(&iter, rooms);
  while (g_hash_table_iter_next(&iter, &name, NULL)) {
    const Room *last = g_hash_table_lookup(before, name), fresh = {ROOM_UNLISTED, now_us};
    g_hash_table_replace(watch->rooms, g_strdup(name), g_memdup2(last != NULL ? last : &fresh, sizeof fresh));
    plugins |= 1u << janus_room_plugin(name);
  }
  g_hash_table_unref(rooms);
  return plugins;
}

/* FALSE: whether it records is not known. */
static gboolean look_up(JanusWatch *watch, const char *name, Room *room) {
  const gint64 from_us = MAX(watch->asked_us - LIST_AGE_MAX_US, room->since_us);
  const JanusListed says = janus_list_says(watch->session->daemon, name, from_us);
  if (says == JANUS_LISTED_RECORDS)
    room->record = ROOM_RECORDS;
  else if (says == JANUS_LISTED ||
           (says == JANUS_LISTED_NOT && room->record == ROOM_UNLISTED)) /* a private one stays what it was seen to be */
    room->record = ROOM_LISTED;
  return says != JANUS_LISTED_UNKNOWN;
}

static void ask_people(JanusWatch *watch, const char *room) {
  json_t *id = json_loads(strchr(room, ' ') + 1, JSON_DECODE_ANY, NULL);
  janus_line_ask(watch->line, janus_room_plugin(room), json_pack("{s:s, s:o}", "request", "listparticipants", "room", id), g_strdup(room));
}

static void ask_round(JanusWatch *watch, gint64 now_us) {
  GHashTableIter iter;
  gpointer name, room;
  watch->asked_us = now_us;
  watch->failed = watch->found = FALSE;
  janus_line_ask(watch->line, -1, NULL, g_strdup(""));
  g_hash_table_iter_init(&iter, watch->rooms);
  while (g_hash_table_iter_next(&iter, &name, &room)) {
    ask_people(watch, name);
    (void)look_up(watch, name, room); /* so that a list that it needs comes meanwhile */
  }
}

/* --- answers --- */

static void judge_people(JanusWatch *watch, const char *room, const json_t *data) {
  const json_int_t code = json_integer_value(json_object_get(data, "error_code"));
  const json_t *people = json_object_get(data, "participants");
  if (code == NO_SUCH_ROOM_VIDEO || code == NO_SUCH_ROOM_AUDIO)
    return; /* nobody is in it */
  if (!json_is_array(people)) {
    watch->failed = TRUE;
    return;
  }
  const JanusPlace listed = janus_rooms_place_all(watch->session, room, people), others = janus_rooms_place_others(watch->session, room);
  const JanusPlace place = MIN(listed, others);
  if (place == JANUS_PLACE_NOWHERE)
    say_found(watch->session, CONSENT_REASON_UNKNOWN_PARTICIPANT, room);
  else if (place == JANUS_PLACE_PASSING)
    watch->failed = TRUE;
}

/* One that records; NULL: none, or it is not known of all. */
static char *find_recording(JanusWatch *watch) {
  GHashTableIter iter;
  gpointer name, room;
  char *recording = NULL;
  g_hash_table_iter_init(&iter, watch->rooms);
  while (g_hash_table_iter_next(&iter, &name, &room)) {
    watch->failed |= !look_up(watch, name, room);
    if (recording == NULL && ((const Room *)room)->record == ROOM_RECORDS)
      recording = g_strdup(name);
  }
  return recording;
}

static void conclude(JanusWatch *watch) {
  watch->done_us = watch->asked_us;
  g_autofree char *recording = find_recording(watch);
  if (watch->found)
    return;
  if (recording != NULL)
    say_found(watch->session, CONSENT_REASON_RECORDING_ELSEWHERE, recording);
  else if (!watch->failed)
    tell(watch->session, CONSENT_REASON_NONE, watch->asked_us);
}

static void on_answer(gpointer question, gboolean is_error, const json_t *data, gpointer user) {
  JanusWatch *watch = user;
  g_autofree char *room = question;
  if (!is_error && *room != '\0')
    judge_people(watch, room, data);
  watch->failed |= is_error;
  if (!janus_line_waits(watch->line))
    conclude(watch);
}

static void tick(gpointer user);

static void again_at(JanusWatch *watch, gint64 at_us) {
  alarm_set(watch->session->daemon->alarms, &watch->alarm, at_us, tick, watch);
}

static void on_ready(gpointer watch) {
  again_at(watch, daemon_now_us());
}

void janus_watch_listed(Session *session) {
  if (session->watch != NULL && !janus_line_waits(session->watch->line))
    again_at(session->watch, daemon_now_us());
}

static void on_closed(gboolean was_open, const char *why, gpointer user) {
  JanusWatch *watch = user;
  if (!watch->warned)
    g_warning("event=janus_watch_closed session=%s was_open=%d why=\"%s\" advice=\"nothing is recorded until the gate can compare: does "
              "Janus answer?\"",
              watch->session->id, was_open, why);
  watch->warned = TRUE;
}

static gboolean is_needed(const Session *session) {
  const ConsentView view = consent_view(session->consent);
  return view.take > 0 || view.provisional > 0 || (view.request_active && view.roster != 0);
}

static void tick(gpointer user) {
  JanusWatch *watch = user;
  const gint64 now_us = daemon_now_us();
  if (!is_needed(watch->session)) {
    watch->session->watch = NULL;
    janus_watch_free(watch);
    return;
  }
  const guint plugins = janus_line_waits(watch->line) ? 0 : take_rooms(watch, now_us); /* a round that runs keeps its own */
  if (janus_line_turn(watch->line, plugins))
    ask_round(watch, now_us);
  again_at(watch, now_us + ROUND_US);
}

void janus_watch_update(Session *session) {
  static const JanusLineEvents events = {.ready = on_ready, .answer = on_answer, .closed = on_closed};
  if (session->daemon->config->sfu_janus == NULL || g_cancellable_is_cancelled(session->daemon->ending) || session->watch != NULL ||
      !is_needed(session))
    return;
  JanusWatch *watch = g_new0(JanusWatch, 1);
  watch->session = session;
  watch->line = janus_line_new(session->daemon, UPSTREAM_MESSAGE_BYTES_MAX, &events, g_free, watch);
  watch->rooms = rooms_new();
  session->watch = watch;
  again_at(watch, daemon_now_us());
}
