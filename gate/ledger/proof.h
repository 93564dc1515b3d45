/* SPDX-License-Identifier: Apache-2.0 */
/* Making proofs from the ledger (RFC 6962 sections 2.1.1 and 2.1.2), and the file that carries one (c2sp.org/tlog-proof).
 *
 * Threads: the thread of the SQLite connection; proof_file* any thread. Checking a path is merkle.h's. */
#ifndef RECGATE_LEDGER_PROOF_H
#define RECGATE_LEDGER_PROOF_H

#include "gate/ledger/note.h"

typedef struct MerkleProof {
  gsize n;
  MerkleHash path[MERKLE_PROOF_MAX];
} MerkleProof;

/* Root of the first `size` leaves. */
gboolean proof_root(sqlite3 *db, guint64 size, MerkleHash *root, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Leaf `index` is in the tree of `size`; LEDGER_ERROR_NOT_FOUND unless index < size <= the log's. */
gboolean proof_inclusion(sqlite3 *db, guint64 index, guint64 size, MerkleProof *proof, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The tree of `size` continues that of `old_size`; LEDGER_ERROR_NOT_FOUND unless old_size <= size <= the log's. */
gboolean proof_consistency(sqlite3 *db, guint64 old_size, guint64 size, MerkleProof *proof, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The text of a .tlog-proof file for this leaf under the newest checkpoint; g_free it. */
char *proof_file(sqlite3 *db, guint64 index, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same under a checkpoint that the log signed earlier: several proofs that belong together while the log grows. */
char *proof_file_under(sqlite3 *db, guint64 index, const char *note, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct ProofFile { guint64 index; LedgerCheckpoint checkpoint; } ProofFile;
/* The checkpoint's signature, and the path from this leaf to its root. LEDGER_ERROR_PROOF, _SIGNATURE or _NOT_CANONICAL. */
gboolean proof_file_open(const LedgerVerifier *verifier, const char *text, const void *leaf, gsize n, ProofFile *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
