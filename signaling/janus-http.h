/* SPDX-License-Identifier: Apache-2.0 */
/* Janus's HTTP API at the gate's /janus: the addresses, methods and statuses that Janus's own HTTP transport has, in front of the same proxy that
 * serves WebSockets (janus.h). Janus itself is reached by its WebSocket alone.
 *
 * Threads: control thread. */
#ifndef RECGATE_JANUS_HTTP_H
#define RECGATE_JANUS_HTTP_H

#include "signaling/daemon.h"

/* Answers the request, now or later. rest: of its path, what follows /janus. */
void janus_http(HttpRequest *request, Daemon *daemon, const char *rest);

#endif
