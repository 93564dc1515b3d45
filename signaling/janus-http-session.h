/* SPDX-License-Identifier: Apache-2.0 */
/* A client of Janus's HTTP API: the requests and long polls that wait, and the events that wait for a poll.
 *
 * Threads: control thread.
 * Each Janus session that is created over HTTP is a client of its own, as each WebSocket is: what it may do is decided in janus.c. It ends with its
 * Janus session, by itself after JANUS_HTTP_IDLE_S without a request or poll, and when its events are more than [limits] socket_queue_bytes_max
 * (fault 20). */
#ifndef RECGATE_JANUS_HTTP_SESSION_H
#define RECGATE_JANUS_HTTP_SESSION_H

#include "signaling/janus.h"

#define JANUS_HTTP_POLL_S 30      /* Janus's own: a poll without an event is answered then */
#define JANUS_HTTP_ANSWER_S 10    /* Janus's own */
#define JANUS_HTTP_IDLE_S 60      /* Janus's default session_timeout */
#define JANUS_HTTP_POLLS_MAX 4    /* janus.js has one; a repeated one stands beside one that was lost */
#define JANUS_HTTP_REQUESTS_MAX 64 /* that wait for Janus: a client trickles some 30 candidates at once */

typedef struct JanusHttpSession JanusHttpSession;

/* token: whose it is. NULL: that person, or the gate, has as many as there may be (JANUS_ERROR_LIMIT). The daemon owns it. */
JanusHttpSession *janus_http_session_new(Daemon *daemon, const Token *token, const char *jwt, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void janus_http_session_free(JanusHttpSession *session); /* answers what waits */
JanusHttpSession *janus_http_session_find(Daemon *daemon, guint64 janus_session); /* NULL: no client has it */
/* A client goes on with the token that it began with, also when that has expired, as a WebSocket does. */
gboolean janus_http_session_began_with(const JanusHttpSession *session, const char *jwt);
gboolean janus_http_session_is_of(const JanusHttpSession *session, const Token *token);

/* Both answer the request, now or later. message: changed. events_max: of one answer; 1 gives one object, more an array, as Janus does. */
void janus_http_session_request(JanusHttpSession *session, HttpRequest *request, json_t *message);
void janus_http_session_poll(JanusHttpSession *session, HttpRequest *request, guint64 janus_session, guint events_max);
/* In Janus's form, with HTTP status 200 as Janus has it, or another. about: as janus_error_json. */
void janus_http_respond_error(HttpRequest *request, guint status, const json_t *about, int code, const char *reason);

GHashTable *janus_http_sessions_new(void); /* of a daemon */
void janus_http_stop(Daemon *daemon);      /* frees all of them: before the server is */

#endif
