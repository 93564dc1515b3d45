/* SPDX-License-Identifier: Apache-2.0 */
/* A log of its own in memory.
 *
 * Threads: the test's main thread. */
#ifndef RECGATE_TEST_LEDGER_LOG_H
#define RECGATE_TEST_LEDGER_LOG_H

#include "gate/ledger/note.h"

typedef struct Log {
  sqlite3 *db;
  LedgerKey *key;
  LedgerVerifier *verifier;
} Log;

Log *log_new(void);
void log_free(Log *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Log, log_free)
/* Takes the leaf. */
gboolean log_append(Log *log, json_t *leaf, gint64 *index, MerkleHash *hash, GError **error);
/* n leaves {"at": place, "type": "x"} behind what is there. */
void log_fill(Log *log, guint n);
void log_sign(Log *log);

#endif
