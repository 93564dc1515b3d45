/* SPDX-License-Identifier: Apache-2.0 */
/* Written consent before the call (R5): POST /v1/sessions, GET and POST /v1/consent.
 *
 * Threads: control thread. The token is verified; what its role may do is decided here. */
#ifndef RECGATE_API_PLAN_H
#define RECGATE_API_PLAN_H

#include "signaling/daemon.h"

void api_plan_post(HttpRequest *request, Daemon *daemon, const Token *token);
void api_consent(HttpRequest *request, Daemon *daemon, const Token *token);

#endif
