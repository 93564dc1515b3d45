/* SPDX-License-Identifier: Apache-2.0 */
/* Which of Janus's rooms record by themselves, as its lists of rooms say (R8). One connection asks for all sessions, and a thread reads the answers: each
 * of a thousand sessions would else be told of each of a thousand rooms, on the thread that answers withdrawals (R6).
 *
 * Threads: control thread. */
#ifndef RECGATE_JANUS_LIST_H
#define RECGATE_JANUS_LIST_H

#include "signaling/daemon.h"

typedef enum JanusListed {
  JANUS_LISTED_UNKNOWN = 0, /* no list that was asked for at from_us or later has come */
  JANUS_LISTED_NOT,         /* it is private, or is not */
  JANUS_LISTED,
  JANUS_LISTED_RECORDS,
} JanusListed;

/* room: as janus_room_name makes it. Whoever goes on asking has lists asked for, anew every JANUS_LIST_US; each session that is watched hears of it
 * (janus_watch_listed) when one has come. */
#define JANUS_LIST_US (10 * G_USEC_PER_SEC)
JanusListed janus_list_says(Daemon *daemon, const char *room, gint64 from_us);
void janus_list_free(struct JanusList *list); /* NULL is fine */

#endif
