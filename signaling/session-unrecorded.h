/* SPDX-License-Identifier: Apache-2.0 */
/* Acts that the core accepted and the ledger refused: while there is one the gate stays closed, and they are said again when the store works (R7, R21).
 *
 * Threads: control thread. */
#ifndef RECGATE_SESSION_UNRECORDED_H
#define RECGATE_SESSION_UNRECORDED_H

#include "signaling/session.h"

/* Once more after a refusal, or the first time: `again` appends the leaf once more, `forget` frees user. */
void session_unrecorded(Session *session, const Member *member, void (*again)(gpointer user), GDestroyNotify forget, gpointer user);
void session_unrecorded_done(Session *session, gconstpointer user); /* its leaf is there now; user stays the caller's */
gboolean session_is_unrecorded(const Session *session, const Member *member); /* the ledger lacks an act of theirs */
void session_unrecorded_again(Session *session);
/* NULL: all. Somebody's later act takes the place of what was refused of them before. */
void session_unrecorded_forget(Session *session, const Member *member);
void session_tell_health(Session *session); /* tells the core whether it may record */

#endif
