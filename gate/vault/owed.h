/* SPDX-License-Identifier: Apache-2.0 */
/* Owed leaves: events of a session that nobody waits for, which the store refused. They are written before any later event, in their order (R21), and the
 * vault is not healthy until then (R7). But an opening of the gate that was refused was none: nothing is kept of that take, and its closing is no leaf
 * either (vault-state.c). What belongs to no session, such as a stranger's bad token, is not owed: strangers could fill the queue (fault 20).
 *
 * Threads: storage. */
#ifndef RECGATE_VAULT_OWED_H
#define RECGATE_VAULT_OWED_H

#include <glib.h>
#include <jansson.h>

#define OWED_MAX     100000 /* events of hours; beyond it the log cannot be whole, and the gate stays shut until a restart */
#define OWED_AT_ONCE 128    /* in one transaction */

typedef struct Vault Vault;

typedef struct Owed { /* zeroed: nothing is */
  GQueue leaves;      /* json_t */
  gboolean any, lost; /* any: also of those that the open transaction has just refused */
} Owed;

/* Is a leaf that was refused with this error owed? */
gboolean owed_is(const json_t *leaf, const GError *error);
/* Takes the leaf over. */
void owed_add(Owed *owed, json_t *leaf);
/* Writes what is owed, or one transaction of it where an erase waits (R6). TRUE: nothing is owed. */
gboolean owed_settle(Vault *vault, gboolean erase_waits);
void owed_clear(Owed *owed);

#endif
