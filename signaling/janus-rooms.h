/* SPDX-License-Identifier: Apache-2.0 */
/* Who of a recgate session is in which room of Janus, as far as they came through the gate, and what Janus says of those rooms (R8). janus-rooms.c
 * learns from what passes between people and Janus; janus-watch.c asks Janus itself, on a connection of the gate's own.
 *
 * Threads: control thread. */
#ifndef RECGATE_JANUS_ROOMS_H
#define RECGATE_JANUS_ROOMS_H

#include "signaling/janus-line.h"
#include "signaling/janus.h"

typedef enum JanusPlace {
  JANUS_PLACE_NOWHERE = 0, /* nobody who is on the roster now */
  JANUS_PLACE_PASSING,     /* may be somebody of ours whose coming or going is not through yet: the next comparison tells */
  JANUS_PLACE_IN,
} JanusPlace;

/* A room's name here: the plugin's, and the room's as JSON, for 1 and "1" are two: `videoroom 1234`. */
int janus_room_plugin(const char *room);               /* index of it; -1: none */
char *janus_room_name(int plugin, const json_t *room); /* g_free it; NULL: no room. Any thread */

/* --- janus-rooms.c --- */
void janus_rooms_request(JanusHandle *handle, const char *transaction, const json_t *body); /* a message that passes up */
/* A message that comes down, before it is passed on: somebody unknown in it closes the gate (R8). */
void janus_rooms_reply(JanusHandle *handle, const char *transaction, const json_t *message);
void janus_rooms_forget(const JanusHandle *handle); /* it is being freed: Janus will hear of it, and then they are out */
/* R15: whoever leaves the session, or comes anew, leaves the rooms that they were in until now. */
void janus_rooms_part(Session *session, const Member *member);
/* Those of a session: set of names. Also rooms that were left after from_us, for one more comparison. */
GHashTable *janus_rooms_of(Session *session, gint64 from_us);
JanusPlace janus_rooms_place(Session *session, const char *room, const json_t *id);
/* The first in a list of {id, …} who is nowhere; else PASSING if one may be passing; else IN. Janus's own placeholders are nobody. */
JanusPlace janus_rooms_place_all(Session *session, const char *room, const json_t *people);
/* The people of other sessions whom no list of Janus's would show, for they subscribe: NOWHERE, where there are some; PASSING where some are joining; IN:
 * nobody. Whose leg and handle are gone, or going, is none of them. */
JanusPlace janus_rooms_place_others(Session *session, const char *room);

/* --- janus-watch.c --- */
/* While a take is open or wanted, or something waits for its confirmation, Janus is asked. After each event of the session. */
void janus_watch_update(Session *session);
void janus_watch_listed(Session *session); /* Janus's list of rooms has come (janus-list.h) */
void janus_watch_found(Session *session, ConsentReason reason, const char *room); /* closes the gate at once */
void janus_watch_free(struct JanusWatch *watch);

#endif
