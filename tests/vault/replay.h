/* SPDX-License-Identifier: Apache-2.0 */
/* The state that follows from the leaves alone, by a reading of its own, against the state tables (R21): no leaf without its state, no state without
 * its leaf.
 *
 * Threads: the test's main thread. */
#ifndef RECGATE_TEST_VAULT_REPLAY_H
#define RECGATE_TEST_VAULT_REPLAY_H

#include <glib.h>

/* Every table of DIR/vault.db is what its ledger says, and the newest checkpoint is of exactly those leaves: NULL. Else what differs; g_free it.
 * *leaves: how many there are; -1: the database was never made. A copy is looked at, so that a journal that a crash left stays there.
 * sql, unless NULL, is run on the copy first. */
char *replay_difference(const char *dir, const char *sql, gint64 *leaves);

#endif
