/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's own connection to Janus for one session: who is in the rooms, as Janus says, beside who came in through the gate (R8). */
#include "signaling/janus-rooms.h"

#include <string.h>

#include "signaling/janus-message.h"
#include "signaling/json.h"

/* Somebody who comes to Janus directly is found within a second, also where one answer is late. */
#define ROUND_US (G_USEC_PER_SEC / 2)
/* Rooms are listed too, for those that record: seldom, for Janus may have many. */
#define ROUNDS_A_LIST 20
/* Of Janus's list of rooms, the longest that it says: about 900 bytes a room, so some 4,500 rooms (docs/janus.md). Reading it holds the loop. */
#define LIST_BYTES_MAX     (4 * 1024 * 1024)
#define NO_SUCH_ROOM_VIDEO 426
#define NO_SUCH_ROOM_AUDIO 485

typedef enum RoomRecord { ROOM_UNLISTED = 0, ROOM_LISTED, ROOM_RECORDS } RoomRecord;
typedef enum AskKind { ASK_SESSION = 1, ASK_PLUGIN, ASK_ALIVE, ASK_PEOPLE, ASK_ROOMS } AskKind;

typedef struct Ask {
  AskKind kind;
  int plugin;
  char *room;
} Ask;

typedef struct JanusWatch {
  Session *session;
  Upstream *upstream;
  Alarm alarm;
  json_int_t janus_session, handles[JANUS_ROOM_PLUGINS]; /* 0: not yet */
  GHashTable *asked;                                     /* transaction -> Ask, not answered yet */
  GHashTable *rooms;                                     /* room -> RoomRecord: those of the last round */
  guint64 transaction, round;
  gint64 asked_us, done_us; /* when the running round was asked; the last one that was answered */
  gint64 heard_us;          /* when Janus last said something, or was first asked */
  gboolean in_round, failed, found, broken;
  gboolean warned; /* that the connection was lost: once while it is needed, for each try would say the same */
} JanusWatch;

static void ask_free(gpointer data) {
  Ask *ask = data;
  g_free(ask->room);
  g_free(ask);
}

static void disconnect(JanusWatch *watch) {
  upstream_free(g_steal_pointer(&watch->upstream)); /* Janus ends the session with it */
  g_hash_table_remove_all(watch->asked);
  watch->janus_session = 0;
  memset(watch->handles, 0, sizeof watch->handles);
  watch->in_round = watch->broken = FALSE;
}

void janus_watch_free(JanusWatch *watch) {
  if (watch == NULL)
    return;
  alarm_clear(watch->session->daemon->alarms, &watch->alarm);
  disconnect(watch);
  g_hash_table_unref(watch->asked);
  g_hash_table_unref(watch->rooms);
  g_free(watch);
}

/* --- what it says to the session --- */

static void tell(Session *session, ConsentReason reason, gint64 asked_us) {
  session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_COMPARED, .reason = reason, .asked_us = asked_us});
}

void janus_watch_found(Session *session, ConsentReason reason, const char *room) {
  if (consent_view(session->consent).reason != reason) /* one line, not one every half second; rooms are named by people */
    g_message("event=%s session=%s room=\"%s\"", consent_reason_text(reason), session->id,
              janus_room_plugin(room) == 0 ? "videoroom" : "audiobridge");
  if (session->watch != NULL)
    session->watch->found = TRUE;
  if (session->watch != NULL && reason == CONSENT_REASON_RECORDING_ELSEWHERE)
    g_hash_table_replace(session->watch->rooms, g_strdup(room), GINT_TO_POINTER(ROOM_RECORDS));
  tell(session, reason, daemon_now_us());
}

/* --- asking --- */

static void ask(JanusWatch *watch, const Ask *what, json_t *message) {
  g_autofree char *transaction = g_strdup_printf("%" G_GUINT64_FORMAT, ++watch->transaction);
  json_object_set_new(message, "transaction", json_string(transaction));
  if (watch->janus_session != 0)
    json_object_set_new(message, "session_id", json_integer(watch->janus_session));
  if (what->kind == ASK_PEOPLE || what->kind == ASK_ROOMS)
    json_object_set_new(message, "handle_id", json_integer(watch->handles[what->plugin]));
  janus_request_set_secrets(message, watch->session->daemon->janus_token, watch->session->daemon->janus_secret);
  Ask *kept = g_new(Ask, 1);
  *kept = (Ask){what->kind, what->plugin, g_strdup(what->room)};
  if (g_hash_table_size(watch->asked) == 0)
    watch->heard_us = daemon_now_us();
  g_hash_table_replace(watch->asked, g_steal_pointer(&transaction), kept);
  upstream_send(watch->upstream, message);
}

static void ask_people(JanusWatch *watch, const char *room) {
  const int plugin = janus_room_plugin(room);
  json_t *id = json_loads(strchr(room, ' ') + 1, JSON_DECODE_ANY, NULL);
  ask(watch, &(Ask){ASK_PEOPLE, plugin, (char *)room},
      json_pack("{s:s, s:{s:s, s:o}}", "janus", "message", "body", "request", "listparticipants", "room", id));
}

/* The rooms of this round, with what is known of the last one's. */
static void take_rooms(JanusWatch *watch) {
  GHashTable *rooms = janus_rooms_of(watch->session, watch->done_us);
  g_autoptr(GHashTable) before = g_steal_pointer(&watch->rooms);
  watch->rooms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  GHashTableIter iter;
  gpointer room;
  g_hash_table_iter_init(&iter, rooms);
  while (g_hash_table_iter_next(&iter, &room, NULL))
    g_hash_table_replace(watch->rooms, g_strdup(room), g_hash_table_lookup(before, room));
  g_hash_table_unref(rooms);
}

/* TRUE: the handles that these rooms need are there. */
static gboolean have_handles(JanusWatch *watch, guint needed) {
  gboolean all = TRUE;
  for (int i = 0; i < JANUS_ROOM_PLUGINS; i++) {
    if ((needed & 1u << i) == 0 || watch->handles[i] != 0)
      continue;
    g_autofree char *plugin = g_strconcat("janus.plugin.", JANUS_ROOM_PLUGIN_NAMES[i], NULL);
    all = FALSE;
    if (g_hash_table_size(watch->asked) == 0)
      ask(watch, &(Ask){ASK_PLUGIN, i, NULL}, json_pack("{s:s, s:s}", "janus", "attach", "plugin", plugin));
  }
  return all;
}

static void ask_round(JanusWatch *watch) {
  guint needed = 0, unlisted = 0;
  GHashTableIter iter;
  gpointer room, record;
  take_rooms(watch);
  g_hash_table_iter_init(&iter, watch->rooms);
  while (g_hash_table_iter_next(&iter, &room, &record)) {
    const guint bit = 1u << janus_room_plugin(room);
    needed |= bit;
    if (GPOINTER_TO_INT(record) == ROOM_UNLISTED || watch->round % ROUNDS_A_LIST == 0)
      unlisted |= bit;
  }
  if (!have_handles(watch, needed))
    return;
  watch->asked_us = daemon_now_us();
  watch->in_round = TRUE;
  watch->failed = watch->found = FALSE;
  ask(watch, &(Ask){ASK_ALIVE, -1, NULL}, json_pack("{s:s}", "janus", "keepalive"));
  for (int i = 0; i < JANUS_ROOM_PLUGINS; i++)
    if ((unlisted & 1u << i) != 0)
      ask(watch, &(Ask){ASK_ROOMS, i, NULL}, json_pack("{s:s, s:{s:s}}", "janus", "message", "body", "request", "list"));
  g_hash_table_iter_init(&iter, watch->rooms);
  while (g_hash_table_iter_next(&iter, &room, NULL))
    ask_people(watch, room);
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
    janus_watch_found(watch->session, CONSENT_REASON_UNKNOWN_PARTICIPANT, room);
  else if (place == JANUS_PLACE_PASSING)
    watch->failed = TRUE;
}

static void judge_rooms(JanusWatch *watch, int plugin, const json_t *list) {
  GHashTableIter iter;
  gpointer room, record;
  size_t i;
  const json_t *one;
  watch->failed |= !json_is_array(list);
  g_hash_table_iter_init(&iter, watch->rooms);
  while (g_hash_table_iter_next(&iter, &room, &record))
    if (janus_room_plugin(room) == plugin && GPOINTER_TO_INT(record) == ROOM_UNLISTED) /* a private one stays what it was seen to be */
      g_hash_table_iter_replace(&iter, GINT_TO_POINTER(ROOM_LISTED));
  json_array_foreach(list, i, one) {
    g_autofree char *name = janus_room_name(plugin, json_object_get(one, "room"));
    if (name != NULL && g_hash_table_contains(watch->rooms, name))
      g_hash_table_replace(watch->rooms, g_steal_pointer(&name),
                           GINT_TO_POINTER(json_is_true(json_object_get(one, "record")) ? ROOM_RECORDS : ROOM_LISTED));
  }
}

static void conclude(JanusWatch *watch) {
  GHashTableIter iter;
  gpointer room, record;
  g_autofree char *recording = NULL;
  watch->in_round = FALSE;
  watch->done_us = watch->asked_us;
  watch->round += watch->failed ? 0 : 1; /* one that was to list the rooms and could not is not passed over */
  g_hash_table_iter_init(&iter, watch->rooms);
  while (recording == NULL && g_hash_table_iter_next(&iter, &room, &record))
    if (GPOINTER_TO_INT(record) == ROOM_RECORDS)
      recording = g_strdup(room);
  if (watch->found || watch->failed)
    return;
  if (recording != NULL)
    janus_watch_found(watch->session, CONSENT_REASON_RECORDING_ELSEWHERE, recording);
  else
    tell(watch->session, CONSENT_REASON_NONE, watch->asked_us);
}

static void tick(gpointer user);

static void again_at(JanusWatch *watch, gint64 at_us) {
  alarm_set(watch->session->daemon->alarms, &watch->alarm, at_us, tick, watch);
}

static void on_answer(JanusWatch *watch, const Ask *what, const JanusReply *reply, const json_t *message) {
  const gboolean is_error = reply->type == JANUS_REPLY_ERROR;
  const json_t *data = json_object_get(json_object_get(message, "plugindata"), "data");
  switch (what->kind) {
  case ASK_SESSION:
    watch->janus_session = (json_int_t)reply->id;
    break;
  case ASK_PLUGIN:
    watch->handles[what->plugin] = (json_int_t)reply->id;
    break;
  case ASK_ALIVE:
    break;
  case ASK_PEOPLE:
    if (!is_error)
      judge_people(watch, what->room, data);
    break;
  case ASK_ROOMS:
    if (!is_error)
      judge_rooms(watch, what->plugin, json_object_get(data, "list"));
    break;
  }
  watch->failed |= is_error;
  watch->broken |= is_error && what->kind != ASK_PLUGIN; /* Janus may not know the session any more: begin anew */
  if (watch->in_round && g_hash_table_size(watch->asked) == 0)
    conclude(watch);
  else if (!watch->in_round && !is_error)
    again_at(watch, daemon_now_us());
}

static void on_message(json_t *message, gpointer user) {
  JanusWatch *watch = user;
  const JanusReply reply = janus_reply_read(message);
  gpointer key, what;
  watch->heard_us = daemon_now_us();
  watch->broken |= reply.type == JANUS_REPLY_TIMEOUT || reply.type == JANUS_REPLY_DETACHED;
  if (reply.transaction == NULL || !g_hash_table_steal_extended(watch->asked, reply.transaction, &key, &what))
    return;
  g_free(key);
  on_answer(watch, what, &reply, message);
  ask_free(what);
}

static void on_closed(gboolean was_open, const char *why, gpointer user) {
  JanusWatch *watch = user;
  watch->upstream = NULL;
  if (!watch->warned)
    g_warning(
        "event=janus_watch_closed session=%s was_open=%d why=\"%s\" advice=\"nothing is recorded until the gate can compare: does Janus "
        "answer, and has it no more than some 4,500 public rooms?\"",
        watch->session->id, was_open, why);
  watch->warned = TRUE;
  disconnect(watch);
}

static gboolean is_needed(const Session *session) {
  const ConsentView view = consent_view(session->consent);
  return view.take > 0 || view.provisional > 0 || (view.request_active && view.roster != 0);
}

static void tick(gpointer user) {
  static const UpstreamEvents events = {on_message, on_closed};
  JanusWatch *watch = user;
  Session *session = watch->session;
  Daemon *daemon = session->daemon;
  const gint64 now_us = daemon_now_us();
  if (!is_needed(session)) {
    session->watch = NULL;
    janus_watch_free(watch);
    return;
  }
  const gboolean is_stuck = g_hash_table_size(watch->asked) > 0 && now_us - watch->heard_us > daemon->config->lease_ms * 1000;
  if (watch->broken || is_stuck)
    disconnect(watch);
  if (watch->upstream == NULL) {
    watch->upstream = upstream_open(daemon->server, daemon->config->sfu_janus, "janus-protocol", LIST_BYTES_MAX, &events, watch);
    ask(watch, &(Ask){ASK_SESSION, -1, NULL}, json_pack("{s:s}", "janus", "create"));
  } else if (watch->janus_session != 0 && g_hash_table_size(watch->asked) == 0)
    ask_round(watch);
  again_at(watch, now_us + ROUND_US);
}

void janus_watch_update(Session *session) {
  if (session->daemon->config->sfu_janus == NULL || g_cancellable_is_cancelled(session->daemon->ending) || session->watch != NULL ||
      !is_needed(session))
    return;
  JanusWatch *watch = g_new0(JanusWatch, 1);
  watch->session = session;
  watch->asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, ask_free);
  watch->rooms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  session->watch = watch;
  again_at(watch, daemon_now_us());
}
