/* SPDX-License-Identifier: Apache-2.0 */
/* Janus's lists of rooms, for all sessions: see janus-list.h. */
#include "signaling/janus-list.h"

#include "signaling/janus-line.h"
#include "signaling/janus-rooms.h"

/* Of a list, the longest that it says: about 900 bytes a room, so some 4,500 rooms (docs/janus.md). */
#define LIST_BYTES_MAX (4 * 1024 * 1024)
/* Between two of them, whatever rooms turn up. */
#define PAUSE_US (G_USEC_PER_SEC / 2)
/* Nobody wanted to know anything for so long, and whoever is watched asks every half second: the connection is given up. */
#define IDLE_US (2 * G_USEC_PER_SEC)

typedef struct Listing {      /* of one plugin */
  json_t *rooms;              /* the last answer, shortened: name -> whether it records. NULL: none yet */
  gint64 from_us;             /* when that was asked for */
  gint64 asked_us, wanted_us; /* the last question; the latest that somebody needs one from */
} Listing;

typedef struct JanusList {
  Daemon *daemon;
  JanusLine *line;
  Alarm alarm;
  Listing of[JANUS_ROOM_PLUGINS];
  gint64 used_us;
  gboolean warned; /* that the connection was lost: once until it answers again */
} JanusList;

typedef struct Question {
  int plugin;
  gint64 asked_us;
} Question;

void janus_list_free(JanusList *list) {
  if (list == NULL)
    return;
  alarm_clear(list->daemon->alarms, &list->alarm);
  janus_line_free(list->line);
  for (int i = 0; i < JANUS_ROOM_PLUGINS; i++)
    json_decref(list->of[i].rooms);
  g_free(list);
}

/* --- answers --- */

/* On the thread that read it: of a list of rooms, what each is called and whether it records. */
static void shorten(json_t *message) {
  json_t *data = json_object_get(json_object_get(message, "plugindata"), "data");
  const json_t *list = json_object_get(data, "list"), *one;
  size_t i;
  if (!json_is_array(list))
    return;
  json_t *rooms = json_object();
  for (int plugin = 0; plugin < JANUS_ROOM_PLUGINS; plugin++) {
    if (json_object_get(data, JANUS_ROOM_PLUGIN_NAMES[plugin]) == NULL)
      continue;
    json_array_foreach(list, i, one) {
      g_autofree char *room = janus_room_name(plugin, json_object_get(one, "room"));
      if (room != NULL)
        json_object_set_new(rooms, room, json_boolean(json_is_true(json_object_get(one, "record"))));
    }
  }
  json_object_set_new(data, "list", rooms);
}

static void tick(gpointer user);

static void tell_all(const Daemon *daemon) {
  GHashTableIter iter;
  gpointer session;
  g_hash_table_iter_init(&iter, daemon->sessions);
  while (g_hash_table_iter_next(&iter, NULL, &session))
    janus_watch_listed(session);
}

static void on_answer(gpointer question, gboolean is_error, const json_t *data, gpointer user) {
  JanusList *list = user;
  const g_autofree Question *asked = question;
  json_t *rooms = json_object_get(data, "list");
  if (is_error || !json_is_object(rooms))
    return;
  Listing *listing = &list->of[asked->plugin];
  json_decref(listing->rooms);
  listing->rooms = json_incref(rooms);
  listing->from_us = asked->asked_us;
  list->warned = FALSE;
  tell_all(list->daemon);
}

static void on_ready(gpointer user) {
  JanusList *list = user;
  alarm_set(list->daemon->alarms, &list->alarm, daemon_now_us(), tick, list);
}

static void on_closed(gboolean was_open, const char *why, gpointer user) {
  JanusList *list = user;
  if (!list->warned)
    g_warning("event=janus_list_closed was_open=%d why=\"%s\" advice=\"nothing is recorded in rooms of Janus until it lists them: does it "
              "answer, and has it no "
              "more than some 4,500 public rooms?\"",
              was_open, why);
  list->warned = TRUE;
}

/* --- asking --- */

static gboolean is_due(const Listing *listing, gint64 now_us) {
  const gboolean is_wanted =
      listing->wanted_us > listing->from_us || (listing->wanted_us > 0 && now_us - listing->from_us >= JANUS_LIST_US);
  return is_wanted && now_us - listing->asked_us >= PAUSE_US;
}

static void ask_due(JanusList *list, gint64 now_us) {
  for (int i = 0; i < JANUS_ROOM_PLUGINS; i++) {
    if (!is_due(&list->of[i], now_us))
      continue;
    Question *question = g_new(Question, 1);
    *question = (Question){i, now_us};
    list->of[i].asked_us = now_us;
    janus_line_ask(list->line, i, json_pack("{s:s}", "request", "list"), question);
  }
}

static void tick(gpointer user) {
  JanusList *list = user;
  const gint64 now_us = daemon_now_us();
  guint plugins = 0;
  if (now_us - list->used_us > IDLE_US) {
    list->daemon->janus_list = NULL;
    janus_list_free(list);
    return;
  }
  for (int i = 0; i < JANUS_ROOM_PLUGINS; i++)
    plugins |= is_due(&list->of[i], now_us) ? 1u << i : 0;
  if (janus_line_turn(list->line, plugins))
    ask_due(list, now_us);
  alarm_set(list->daemon->alarms, &list->alarm, now_us + PAUSE_US, tick, list);
}

static JanusList *list_of(Daemon *daemon) {
  static const JanusLineEvents events = {on_ready, on_answer, on_closed, shorten};
  if (daemon->janus_list == NULL) {
    JanusList *list = g_new0(JanusList, 1);
    list->daemon = daemon;
    list->line = janus_line_new(daemon, LIST_BYTES_MAX, &events, g_free, list);
    daemon->janus_list = list;
  }
  return daemon->janus_list;
}

JanusListed janus_list_says(Daemon *daemon, const char *room, gint64 from_us) {
  JanusList *list = list_of(daemon);
  Listing *listing = &list->of[janus_room_plugin(room)];
  const gint64 now_us = daemon_now_us();
  list->used_us = now_us;
  listing->wanted_us = MAX(listing->wanted_us, from_us);
  if (is_due(listing, now_us) && !janus_line_waits(list->line))
    alarm_set(daemon->alarms, &list->alarm, now_us, tick, list);
  if (listing->rooms == NULL || listing->from_us < from_us)
    return JANUS_LISTED_UNKNOWN;
  const json_t *records = json_object_get(listing->rooms, room);
  return records == NULL ? JANUS_LISTED_NOT : json_is_true(records) ? JANUS_LISTED_RECORDS : JANUS_LISTED;
}
