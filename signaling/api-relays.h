/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/relays: one side's description in, the other's out, for SFUs whose signalling is the application's own (docs/relays.md).
 *
 * Threads: control thread. The token is verified; what its role may do is decided here. */
#ifndef RECGATE_API_RELAYS_H
#define RECGATE_API_RELAYS_H

#include "signaling/relay.h"

/* POST /v1/relays (id NULL), POST and DELETE /v1/relays/{id}. */
void api_relays(HttpRequest *request, Daemon *daemon, const char *id, const Token *token);

/* Shared with WHIP. */
void relay_respond_error(HttpRequest *request, const GError *error); /* of RELAY_ERROR */
/* A participant's own relay, or any one for a service; NULL: none, and answered. */
Relay *relay_of_token(HttpRequest *request, Daemon *daemon, const char *id, const Token *token);

#endif
