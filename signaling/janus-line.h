/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's own connection to Janus: a session there, a handle of each plugin that has rooms, and questions. It comes about, and anew after each end, as
 * often as its owner looks at it.
 *
 * Threads: control thread, but for `shorten`. */
#ifndef RECGATE_JANUS_LINE_H
#define RECGATE_JANUS_LINE_H

#include "signaling/daemon.h"
#include "signaling/upstream.h"

#define JANUS_ROOM_PLUGINS 2
extern const char *const JANUS_ROOM_PLUGIN_NAMES[JANUS_ROOM_PLUGINS]; /* those that have rooms and tell who is in them */

typedef struct JanusLine JanusLine;
typedef struct JanusLineEvents {
  void (*ready)(gpointer user); /* a step is done: it is worth looking again */
  /* To a question, whose reference is the callee's. data: the plugin's, NULL: none. */
  void (*answer)(gpointer question, gboolean is_error, const json_t *data, gpointer user);
  void (*closed)(gboolean was_open, const char *why, gpointer user); /* its questions are gone */
  void (*shorten)(json_t *message);                                  /* UpstreamEvents; NULL: nothing to take out */
} JanusLineEvents;

/* message_bytes_max: Janus's longest answer. free_question: of those that are never answered. */
JanusLine *janus_line_new(Daemon *daemon, gsize message_bytes_max, const JanusLineEvents *events, GDestroyNotify free_question, gpointer user);
void janus_line_free(JanusLine *line); /* no event afterwards; Janus ends the session with it. NULL is fine */
/* TRUE: nothing is being waited for, and the handles of these plugins (bits) are there. FALSE: what is missing was set going, unless it was already; a Janus that
 * said nothing for a whole lease is left, and its questions with it. */
gboolean janus_line_turn(JanusLine *line, guint plugins);
/* Of a plugin with a handle; takes body and question. plugin -1: whether the session is alive, without body. */
void janus_line_ask(JanusLine *line, int plugin, json_t *body, gpointer question);
gboolean janus_line_waits(const JanusLine *line); /* for an answer */

#endif
