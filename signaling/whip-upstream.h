/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the WHIP server behind the gate, over libcurl (RFC 9725, the client's part).
 *
 * Threads: control thread; each request runs on a thread of its own. */
#ifndef RECGATE_WHIP_UPSTREAM_H
#define RECGATE_WHIP_UPSTREAM_H

#include "signaling/daemon.h"

#define WHIP_RUNNING_MAX 8  /* requests at a time, each a thread */
#define WHIP_WAITING_MAX 64 /* offers that wait for one of these; more are told to come again */

typedef struct WhipAnswer {
  guint status;   /* of HTTP; 0: none came */
  char *sdp;      /* of a 2xx; NULL: none */
  char *location; /* whole, and on the server that was asked; NULL: none */
  char *why;      /* NULL: all is well; else words of ours or of libcurl */
} WhipAnswer;

gboolean whip_upstream_start(Daemon *daemon, GError **error); /* reads the server's own token, where it has one */
void whip_upstream_stop(Daemon *daemon);                      /* offers end unanswered; what was begun is still deleted */
gboolean whip_upstream_is_quiet(const Daemon *daemon);
void whip_upstream_free(Daemon *daemon);                      /* ends what runs */
/* FALSE: too many wait already; done never runs. */
gboolean whip_upstream_post(Daemon *daemon, const char *url, const char *sdp, void (*done)(const WhipAnswer *answer, gpointer user),
                            gpointer user);
void whip_upstream_delete(Daemon *daemon, const char *url);

#endif
