/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6962 section 2.1: the arithmetic of the tree, over SHA-256. Pure.
 *
 * Threads: any thread.
 * A proof is a list of hashes in RFC order, from the leaf's sibling up. The verifying functions follow RFC 9162, sections 2.1.3.2 and 2.1.4.2,
 * and share nothing with the making of proofs (proof.h). */
#ifndef RECGATE_LEDGER_MERKLE_H
#define RECGATE_LEDGER_MERKLE_H

#include <glib.h>

#define MERKLE_LEVELS_MAX 63 /* a tree of fewer than 2^63 leaves: SQLite's integers */
#define MERKLE_PROOF_MAX  (2 * MERKLE_LEVELS_MAX + 1)

typedef struct MerkleHash { guint8 bytes[32]; } MerkleHash;

void merkle_empty(MerkleHash *root);                                  /* MTH({}) */
void merkle_leaf(const void *leaf, gsize n, MerkleHash *hash);        /* SHA-256(0x00 || leaf) */
void merkle_node(const MerkleHash *left, const MerkleHash *right, MerkleHash *hash); /* SHA-256(0x01 || left || right); may be in place */
gboolean merkle_equal(const MerkleHash *a, const MerkleHash *b);

/* A tree that grows to the right: the roots of its perfect subtrees and nothing else. Zero is the empty one. */
typedef struct MerkleRange {
  guint64 size;
  MerkleHash peaks[MERKLE_LEVELS_MAX]; /* by level; valid where size has that bit */
} MerkleRange;
void merkle_range_append(MerkleRange *range, const MerkleHash *leaf_hash);
void merkle_range_root(const MerkleRange *range, MerkleHash *root);

gboolean merkle_inclusion_holds(guint64 index, guint64 size, const MerkleHash *leaf_hash, const MerkleHash *path, gsize n, const MerkleHash *root);
/* old_size 0 needs the empty tree's root and an empty proof. */
gboolean merkle_consistency_holds(guint64 old_size, const MerkleHash *old_root, guint64 size, const MerkleHash *root, const MerkleHash *path, gsize n);

#endif
