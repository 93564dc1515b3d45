/* SPDX-License-Identifier: Apache-2.0 */
/* WHIP (RFC 9725) through the gate: an encoder publishes here with its person's recgate token, and the gate publishes to the server behind it.
 * /whip[/{resource}] is the endpoint, /v1/whip/{id} a session; each is a relay.
 *
 * Threads: control thread. */
#ifndef RECGATE_WHIP_H
#define RECGATE_WHIP_H

#include "signaling/relay.h"

/* resource: what the path has behind /whip/; NULL: nothing. token NULL: an OPTIONS, which needs none. */
void whip_endpoint(HttpRequest *request, Daemon *daemon, const char *resource, const Token *token);
void whip_session(HttpRequest *request, Daemon *daemon, const char *id, const Token *token);

#endif
