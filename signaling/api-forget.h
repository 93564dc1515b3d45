/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /v1/sessions/{sid}[/participants/{pid}]: forgetting who somebody was (R23).
 *
 * Threads: control thread. */
#ifndef RECGATE_API_FORGET_H
#define RECGATE_API_FORGET_H

#include "signaling/daemon.h"

/* rest: the path after /v1/sessions/. */
void api_forget(HttpRequest *request, Daemon *daemon, const char *rest, const Token *token);

#endif
