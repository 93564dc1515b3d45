/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a token admits to a call, on whichever socket it comes.
 *
 * Threads: control thread. */
#ifndef RECGATE_ADMISSION_H
#define RECGATE_ADMISSION_H

#include "signaling/daemon.h"

/* NULL: admitted, token is filled in. Else a stable code, and why in words for a person (g_free it); a token that does not hold is on the
 * ledger (fault 15). R2: auditors and services never join. jwt may be NULL. */
const char *admission_refusal(Daemon *daemon, const char *jwt, Token *token, char **why);

#endif
