/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/withdraw: with the withdraw_key or a token of the same person, during the call and after it, until retention ends (R6, R24).
 *
 * Threads: control thread; looking things up runs on a thread of its own, and no withdrawal waits for it. */
#ifndef RECGATE_API_WITHDRAW_H
#define RECGATE_API_WITHDRAW_H

#include "signaling/daemon.h"

/* token NULL: by the body's withdraw_key. preview: says what a withdrawal would erase, and erases nothing. */
void api_withdraw(HttpRequest *request, Daemon *daemon, const Token *token, gboolean preview);

#endif
