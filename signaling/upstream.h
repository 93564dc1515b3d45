/* SPDX-License-Identifier: Apache-2.0 */
/* A WebSocket that the gate opens itself, to a server behind it. Knows nothing of what is spoken there.
 *
 * Threads: control thread. Text messages only, bounded both ways (fault 20). */
#ifndef RECGATE_UPSTREAM_H
#define RECGATE_UPSTREAM_H

#include "signaling/server.h"

#define UPSTREAM_MESSAGE_BYTES_MAX (1024 * 1024) /* what a server behind the gate may say at once to a client: SDP has up to 128 KiB, JSON-quoted */
/* A longer message is read by a thread, for it takes more than the millisecond or so that a withdrawal may wait here (R6). What comes after it waits. */
#define UPSTREAM_AT_ONCE_BYTES (32 * 1024)

typedef struct Upstream Upstream;
typedef struct UpstreamEvents {
  void (*message)(json_t *message, gpointer user); /* a JSON object; borrowed. In the order in which they came */
  /* Last event, never from inside upstream_open or upstream_send; frees itself. was_open FALSE: it never came about. */
  void (*closed)(gboolean was_open, const char *why, gpointer user);
  /* Each message before it is told, on the thread that read it: any. It makes something short of what is long. May be NULL. */
  void (*shorten)(json_t *message);
} UpstreamEvents;

typedef struct UpstreamUrl { char *host, *path; guint16 port; } UpstreamUrl;
/* ws://ADDR[:PORT][/PATH] with a literal address or localhost: no name is ever looked up, for that could block. FALSE: something else. */
gboolean upstream_url_parse(const char *text, UpstreamUrl *url);
void upstream_url_clear(UpstreamUrl *url);

/* What is sent before it is open waits in the queue. events are copied. url as upstream_url_parse takes it. message_bytes_max: a longer one closes it. */
Upstream *upstream_open(Server *server, const char *url, const char *protocol, gsize message_bytes_max, const UpstreamEvents *events, gpointer user);
void upstream_send(Upstream *upstream, json_t *message); /* takes the reference */
void upstream_free(Upstream *upstream);                  /* sends what is queued if it can, closes; no event afterwards. NULL is fine */

#endif
