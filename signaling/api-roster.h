/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/sessions/{sid}/roster: the application says who is with its SFU, and the gate compares (R8, docs/relays.md).
 *
 * Threads: control thread. The token is verified; what its role may do is decided here. */
#ifndef RECGATE_API_ROSTER_H
#define RECGATE_API_ROSTER_H

#include "signaling/session.h"

void api_roster(HttpRequest *request, Daemon *daemon, const char *session, const Token *token);

#endif
