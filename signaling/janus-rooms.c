/* SPDX-License-Identifier: Apache-2.0 */
/* Comings and goings in Janus's rooms, as they pass through the gate. */
#include "signaling/janus-rooms.h"

#include <string.h>

#include "signaling/json.h"

/* Janus and the gate hear of a coming or going one after the other, and the comparison has a connection of its own: for so long it decides nothing. */
#define JOINING_US (1 * G_USEC_PER_SEC)
#define LEAVING_US (3 * G_USEC_PER_SEC)

const char *const JANUS_ROOM_PLUGIN_NAMES[JANUS_ROOM_PLUGINS] = {"videoroom", "audiobridge"};

typedef enum EntrantState { ENTRANT_JOINING = 0, ENTRANT_IN, ENTRANT_LEAVING } EntrantState;

typedef struct Entrant {
  JanusHandle *handle; /* NULL: gone */
  EntrantState state;
  gint64 since_us;
  char *room, *id;   /* id as JSON; NULL: not told yet, or a subscriber, whom Janus does not list */
  char *transaction; /* of the joining */
} Entrant;

static void entrant_free(gpointer data) {
  Entrant *entrant = data;
  g_free(entrant->room);
  g_free(entrant->id);
  g_free(entrant->transaction);
  g_free(entrant);
}

int janus_room_plugin(const char *room) {
  for (int i = 0; i < JANUS_ROOM_PLUGINS; i++)
    if (g_str_has_prefix(room, JANUS_ROOM_PLUGIN_NAMES[i]) && room[strlen(JANUS_ROOM_PLUGIN_NAMES[i])] == ' ')
      return i;
  return -1;
}

/* An id or a room is a number or, with string_ids, a string. */
static char *plain(const json_t *value) {
  char *text = json_is_integer(value) || json_is_string(value) ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
  char *copy = g_strdup(text);
  free(text);
  return copy;
}

char *janus_room_name(int plugin, const json_t *room) {
  g_autofree char *text = plain(room);
  return plugin >= 0 && text != NULL ? g_strdup_printf("%s %s", JANUS_ROOM_PLUGIN_NAMES[plugin], text) : NULL;
}

static int plugin_of(const JanusHandle *handle) {
  const char *name = strrchr(handle->plugin, '.');
  for (int i = 0; name != NULL && i < JANUS_ROOM_PLUGINS; i++)
    if (g_str_equal(name + 1, JANUS_ROOM_PLUGIN_NAMES[i]))
      return i;
  return -1;
}

/* --- the list of each session --- */

static void leave_now(Entrant *entrant) {
  entrant->state = ENTRANT_LEAVING;
  entrant->since_us = daemon_now_us();
}

static gboolean is_over(const Entrant *entrant, gint64 from_us) {
  return entrant->state == ENTRANT_LEAVING && entrant->since_us < from_us;
}

static void sweep_list(GPtrArray *all, gint64 from_us) {
  for (guint i = all->len; i-- > 0;)
    if (is_over(all->pdata[i], from_us))
      g_ptr_array_remove_index_fast(all, i);
}

/* Where a comparison runs it must have asked about a room once more before that is forgotten; where none runs, none will miss it. */
static gboolean sweep_unwatched(gpointer id, gpointer all, gpointer daemon) {
  const Session *session = session_get(daemon, id, FALSE);
  if (session == NULL || session->watch == NULL)
    sweep_list(all, daemon_now_us() - LEAVING_US);
  return ((const GPtrArray *)all)->len == 0;
}

static GPtrArray *entrants_of(Daemon *daemon, const char *session, gboolean make) {
  if (daemon->janus_entrants == NULL)
    daemon->janus_entrants = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  GPtrArray *all = g_hash_table_lookup(daemon->janus_entrants, session);
  if (all == NULL && make) {
    g_hash_table_foreach_remove(daemon->janus_entrants, sweep_unwatched, daemon); /* of calls that are over */
    all = g_ptr_array_new_with_free_func(entrant_free);
    g_hash_table_insert(daemon->janus_entrants, g_strdup(session), all);
  }
  return all;
}

/* Of this handle, in this state; transaction NULL: whatever. */
static Entrant *find(const JanusHandle *handle, EntrantState state, const char *transaction) {
  GPtrArray *all = entrants_of(handle->janus->daemon, handle->janus->session, FALSE);
  for (guint i = 0; all != NULL && i < all->len; i++) {
    Entrant *entrant = all->pdata[i];
    if (entrant->handle == handle && entrant->state == state && (transaction == NULL || g_strcmp0(entrant->transaction, transaction) == 0))
      return entrant;
  }
  return NULL;
}

/* --- what passes --- */

void janus_rooms_request(JanusHandle *handle, const char *transaction, const json_t *body) {
  const char *request = json_text_member(body, "request");
  const char *const joins[] = {"join", "joinandconfigure", "changeroom"};
  gboolean is_join = FALSE;
  for (gsize i = 0; request != NULL && i < G_N_ELEMENTS(joins); i++)
    is_join |= g_ascii_strcasecmp(request, joins[i]) == 0; /* Janus does not mind the case */
  g_autofree char *room = is_join ? janus_room_name(plugin_of(handle), json_object_get(body, "room")) : NULL;
  if (room == NULL)
    return;
  GPtrArray *all = entrants_of(handle->janus->daemon, handle->janus->session, TRUE);
  sweep_unwatched(handle->janus->session, all, handle->janus->daemon);
  Entrant *entrant = find(handle, ENTRANT_JOINING, NULL);
  if (entrant == NULL) {
    entrant = g_new0(Entrant, 1);
    entrant->handle = handle;
    g_ptr_array_add(all, entrant);
  }
  g_free(entrant->room);
  g_free(entrant->transaction);
  entrant->room = g_steal_pointer(&room);
  entrant->transaction = g_strdup(transaction);
  entrant->since_us = daemon_now_us();
}

/* Somebody of ours is in a room now, or watches one. */
static void learn_in(JanusHandle *handle, const char *room, const json_t *id) {
  Entrant *before = find(handle, ENTRANT_IN, NULL), *entrant = find(handle, ENTRANT_JOINING, NULL);
  if (before != NULL)
    leave_now(before);
  if (entrant == NULL) { /* without having asked: it is where Janus says */
    entrant = g_new0(Entrant, 1);
    entrant->handle = handle;
    g_ptr_array_add(entrants_of(handle->janus->daemon, handle->janus->session, TRUE), entrant);
  }
  g_free(entrant->room);
  g_free(entrant->id);
  entrant->room = g_strdup(room);
  entrant->id = plain(id);
  entrant->state = ENTRANT_IN;
}

/* The handle's own end in that room. The room is told of others' too, without a transaction, and `ok` may be the id of one; a room that is ended from here may
 * be another. */
static Entrant *find_leaver(const JanusHandle *handle, const char *event, const char *transaction, const json_t *data, const char *room) {
  const gboolean is_kicked = g_strcmp0(json_text_member(data, "reason"), "kicked") == 0;
  const gboolean is_out = g_strcmp0(json_text_member(data, "leaving"), "ok") == 0 && (transaction != NULL || is_kicked);
  const gboolean is_over = g_strcmp0(event, "destroyed") == 0 || (g_strcmp0(event, "left") == 0 && transaction != NULL);
  Entrant *entrant = is_out || is_over ? find(handle, ENTRANT_IN, NULL) : NULL;
  return entrant != NULL && g_strcmp0(entrant->room, room) == 0 ? entrant : NULL;
}

static gboolean is_in_room(const GPtrArray *all, const char *room) {
  for (guint i = 0; i < all->len; i++) {
    const Entrant *entrant = all->pdata[i];
    if (entrant->state != ENTRANT_LEAVING && g_str_equal(entrant->room, room))
      return TRUE;
  }
  return FALSE;
}

/* R8: to other sessions in the room somebody of this one is a stranger, who may only listen and so be in none of Janus's lists. */
static void tell_others(const Janus *janus, const char *room) {
  GHashTableIter iter;
  gpointer id, all;
  g_hash_table_iter_init(&iter, janus->daemon->janus_entrants);
  while (g_hash_table_iter_next(&iter, &id, &all)) {
    Session *other = is_in_room(all, room) && !g_str_equal(id, janus->session) ? session_get(janus->daemon, id, FALSE) : NULL;
    if (other != NULL && other->consent != NULL)
      janus_watch_found(other, CONSENT_REASON_UNKNOWN_PARTICIPANT, room);
  }
}

static void learn(JanusHandle *handle, int plugin, const char *transaction, const json_t *data, const char *room) {
  const char *event = json_text_member(data, JANUS_ROOM_PLUGIN_NAMES[plugin]);
  const gboolean is_in = g_strcmp0(event, "joined") == 0 || g_strcmp0(event, "roomchanged") == 0;
  Entrant *entrant = NULL;
  if (room != NULL && ((is_in && json_object_get(data, "id") != NULL) || g_strcmp0(event, "attached") == 0)) {
    learn_in(handle, room, is_in ? json_object_get(data, "id") : NULL); /* a subscriber's is the feed's */
    tell_others(handle->janus, room);
  } else if (json_object_get(data, "error_code") != NULL && transaction != NULL)
    entrant = find(handle, ENTRANT_JOINING, transaction);
  else
    entrant = find_leaver(handle, event, transaction, data, room);
  if (entrant != NULL)
    leave_now(entrant);
}

/* R8: a feed or a person that nobody on the roster is. */
static void check(Session *session, const json_t *data, const char *room) {
  static const char *const lists[] = {"publishers", "attendees", "participants"};
  JanusPlace worst = janus_rooms_place_others(session, room);
  const json_t *joining = json_object_get(data, "joining");
  for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
    worst = MIN(worst, janus_rooms_place_all(session, room, json_object_get(data, lists[i])));
  if (json_is_object(joining))
    worst = MIN(worst, janus_rooms_place(session, room, json_object_get(joining, "id")));
  if (worst == JANUS_PLACE_NOWHERE)
    janus_watch_found(session, CONSENT_REASON_UNKNOWN_PARTICIPANT, room);
  if (json_is_true(json_object_get(data, "record")))
    janus_watch_found(session, CONSENT_REASON_RECORDING_ELSEWHERE, room);
}

static void check_list(Session *session, int plugin, GHashTable *ours, const json_t *list) {
  size_t i;
  const json_t *one;
  json_array_foreach(list, i, one) {
    g_autofree char *room = janus_room_name(plugin, json_object_get(one, "room"));
    if (room != NULL && g_hash_table_contains(ours, room) && json_is_true(json_object_get(one, "record")))
      janus_watch_found(session, CONSENT_REASON_RECORDING_ELSEWHERE, room);
  }
}

void janus_rooms_reply(JanusHandle *handle, const char *transaction, const json_t *message) {
  const json_t *data = json_object_get(json_object_get(message, "plugindata"), "data");
  const int plugin = plugin_of(handle);
  if (plugin < 0 || !json_is_object(data))
    return;
  g_autofree char *room = janus_room_name(plugin, json_object_get(data, "room"));
  learn(handle, plugin, transaction, data, room);
  Session *session = session_get(handle->janus->daemon, handle->janus->session, FALSE);
  if (session == NULL || session->consent == NULL)
    return;
  g_autoptr(GHashTable) ours = janus_rooms_of(session, 0);
  if (room != NULL && g_hash_table_contains(ours, room))
    check(session, data, room);
  check_list(session, plugin, ours, json_object_get(data, "list"));
}

void janus_rooms_forget(const JanusHandle *handle) {
  GPtrArray *all = entrants_of(handle->janus->daemon, handle->janus->session, FALSE);
  for (guint i = 0; all != NULL && i < all->len; i++) {
    Entrant *entrant = all->pdata[i];
    if (entrant->handle != handle)
      continue;
    leave_now(entrant);
    entrant->handle = NULL;
  }
}

void janus_rooms_part(Session *session, const Member *member) {
  GPtrArray *all = session->daemon->config->sfu_janus != NULL ? entrants_of(session->daemon, session->id, FALSE) : NULL;
  for (guint i = 0; all != NULL && i < all->len; i++) {
    Entrant *entrant = all->pdata[i];
    Janus *janus = entrant->handle != NULL ? entrant->handle->janus : NULL;
    if (janus == NULL || janus->upstream == NULL || janus->entry == 0 || !g_str_equal(janus->participant, member->id) ||
        entrant->state == ENTRANT_LEAVING)
      continue;
    janus_ask(janus,
              json_pack("{s:s, s:s, s:I, s:I, s:{s:s}}", "janus", "message", "transaction", "recgate-leave", "session_id",
                        (json_int_t)entrant->handle->session, "handle_id", (json_int_t)entrant->handle->id, "body", "request", "leave"));
    leave_now(entrant);
  }
}

/* --- who is where --- */

GHashTable *janus_rooms_of(Session *session, gint64 from_us) {
  GHashTable *rooms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  GPtrArray *all = entrants_of(session->daemon, session->id, FALSE);
  if (all != NULL)
    sweep_list(all, from_us - LEAVING_US);
  for (guint i = 0; all != NULL && i < all->len; i++)
    g_hash_table_add(rooms, g_strdup(((const Entrant *)all->pdata[i])->room));
  return rooms;
}

static JanusPlace place_by(const Entrant *entrant, const char *id, gint64 now_us) {
  if (entrant->id == NULL)
    return entrant->state == ENTRANT_JOINING && now_us - entrant->since_us < JOINING_US ? JANUS_PLACE_PASSING : JANUS_PLACE_NOWHERE;
  if (!g_str_equal(entrant->id, id))
    return JANUS_PLACE_NOWHERE;
  if (entrant->state == ENTRANT_LEAVING)
    return now_us - entrant->since_us < LEAVING_US ? JANUS_PLACE_PASSING : JANUS_PLACE_NOWHERE;
  return entrant->handle != NULL && janus_member(entrant->handle->janus, NULL) != NULL ? JANUS_PLACE_IN : JANUS_PLACE_NOWHERE;
}

JanusPlace janus_rooms_place(Session *session, const char *room, const json_t *value) {
  GPtrArray *all = entrants_of(session->daemon, session->id, FALSE);
  g_autofree char *id = plain(value);
  JanusPlace best = JANUS_PLACE_NOWHERE;
  for (guint i = 0; id != NULL && all != NULL && i < all->len; i++)
    if (g_str_equal(((const Entrant *)all->pdata[i])->room, room))
      best = MAX(best, place_by(all->pdata[i], id, daemon_now_us()));
  return best;
}

JanusPlace janus_rooms_place_others(Session *session, const char *room) {
  JanusPlace worst = JANUS_PLACE_IN;
  GHashTableIter iter;
  gpointer id, value;
  if (session->daemon->janus_entrants == NULL)
    return worst;
  g_hash_table_iter_init(&iter, session->daemon->janus_entrants);
  while (g_hash_table_iter_next(&iter, &id, &value)) {
    const GPtrArray *all = value;
    for (guint i = 0; i < all->len && !g_str_equal(id, session->id); i++) {
      const Entrant *entrant = all->pdata[i];
      if (entrant->id == NULL && entrant->state != ENTRANT_LEAVING && g_str_equal(entrant->room, room))
        worst = MIN(worst, place_by(entrant, "", daemon_now_us()));
    }
  }
  return worst;
}

JanusPlace janus_rooms_place_all(Session *session, const char *room, const json_t *people) {
  JanusPlace worst = JANUS_PLACE_IN;
  size_t i;
  const json_t *one;
  json_array_foreach(people, i, one) {
    if (!json_is_true(json_object_get(one, "dummy"))) /* a room's dummy_publisher: Janus's own, with no connection and no media */
      worst = MIN(worst, janus_rooms_place(session, room, json_object_get(one, "id")));
  }
  return worst;
}
