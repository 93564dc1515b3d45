/* SPDX-License-Identifier: Apache-2.0 */
/* What log.c and log-saved.c share. Nobody else includes it.
 *
 * Threads: the audit's one thread. */
#ifndef RECGATE_AUDIT_LOG_PRIVATE_H
#define RECGATE_AUDIT_LOG_PRIVATE_H

#include <openssl/evp.h>

#include "gate/audit/log.h"
#include "gate/ledger/proof.h"

#define LOG_LEVELS 8 /* of tiles: 256^8 leaves */
#define LOG_WIDTH  256

typedef struct Fold { /* the tile of one level that is not full yet: roots of its perfect parts */
  guint count;
  MerkleHash peaks[8]; /* by the bits of count */
} Fold;

typedef struct Saved { /* what somebody kept: a checkpoint, and perhaps the proof of one leaf under it */
  char *file, *proof;  /* proof: NULL, or the text of a tlog-proof */
  guint64 index;       /* of that leaf */
  LedgerCheckpoint checkpoint;
  gboolean seen, holds;
} Saved;

struct Log {
  const LedgerVerifier *verifier;
  EVP_MD_CTX *context;
  EVP_MD *sha256;
  Fold folds[LOG_LEVELS];
  guint64 full[LOG_LEVELS]; /* tiles of each level that are full */
  guint64 size, signed_size, page_from;
  gboolean unsound;
  GPtrArray *saved; /* Saved */
  char *tiles;
  GBytes *tile; /* of the saved ones, that of leaf `size` */
  guint64 tile_number;
};

/* log.c */
MerkleHash log_root(Log *log);

/* log-saved.c */
gboolean saved_load(Log *log, const char *const *files, Findings *findings, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void saved_free(gpointer saved);
/* Before leaf `log->size` is counted: the saved tile and the saved proofs of it. FALSE: they differ. */
gboolean saved_judge_leaf(Log *log, const MerkleHash *hash, const char *text, gsize n, Findings *findings);
/* After it: checkpoints of exactly that size. FALSE: they differ. */
gboolean saved_judge_size(Log *log, Findings *findings);

#endif
