/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/merkle.h"

#include <sodium.h>
#include <string.h>

void merkle_empty(MerkleHash *root) {
  crypto_hash_sha256(root->bytes, NULL, 0);
}

/* The first byte keeps a leaf from passing for an inner node. */
void merkle_leaf(const void *leaf, gsize n, MerkleHash *hash) {
  static const guint8 prefix = 0x00;
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, &prefix, 1);
  crypto_hash_sha256_update(&state, leaf, n);
  crypto_hash_sha256_final(&state, hash->bytes);
}

void merkle_node(const MerkleHash *left, const MerkleHash *right, MerkleHash *hash) {
  guint8 text[1 + 2 * sizeof hash->bytes];
  text[0] = 0x01;
  memcpy(text + 1, left->bytes, sizeof left->bytes);
  memcpy(text + 1 + sizeof left->bytes, right->bytes, sizeof right->bytes);
  crypto_hash_sha256(hash->bytes, text, sizeof text);
}

gboolean merkle_equal(const MerkleHash *a, const MerkleHash *b) {
  return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void merkle_range_append(MerkleRange *range, const MerkleHash *leaf_hash) {
  MerkleHash carry = *leaf_hash;
  guint level = 0;
  for (; range->size >> level & 1; level++)
    merkle_node(&range->peaks[level], &carry, &carry);
  range->peaks[level] = carry;
  range->size++;
}

void merkle_range_root(const MerkleRange *range, MerkleHash *root) {
  gboolean any = FALSE;
  for (guint level = 0; level < MERKLE_LEVELS_MAX; level++) {
    if (!(range->size >> level & 1))
      continue;
    if (any)
      merkle_node(&range->peaks[level], root, root);
    else
      *root = range->peaks[level];
    any = TRUE;
  }
  if (!any)
    merkle_empty(root);
}

/* RFC 9162 section 2.1.3.2. */
gboolean merkle_inclusion_holds(guint64 index, guint64 size, const MerkleHash *leaf_hash, const MerkleHash *path, gsize n,
                                const MerkleHash *root) {
  if (index >= size)
    return FALSE;
  guint64 node = index, last = size - 1;
  MerkleHash hash = *leaf_hash;
  for (gsize i = 0; i < n; i++) {
    if (last == 0)
      return FALSE;
    if (node & 1 || node == last) {
      merkle_node(&path[i], &hash, &hash);
      while (!(node & 1) && node > 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      merkle_node(&hash, &path[i], &hash);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && merkle_equal(&hash, root);
}

/* RFC 9162 section 2.1.4.2, from step 4 on: both roots are made from the one path. */
static gboolean consistency_walk(guint64 old_size, guint64 size, MerkleHash *old_root, MerkleHash *new_root, const MerkleHash *path,
                                 gsize n) {
  guint64 node = old_size - 1, last = size - 1;
  while (node & 1) {
    node >>= 1;
    last >>= 1;
  }
  for (gsize i = 0; i < n; i++) {
    if (last == 0)
      return FALSE;
    if (node & 1 || node == last) {
      merkle_node(&path[i], old_root, old_root);
      merkle_node(&path[i], new_root, new_root);
      while (!(node & 1) && node > 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      merkle_node(new_root, &path[i], new_root);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0;
}

gboolean merkle_consistency_holds(guint64 old_size, const MerkleHash *old_root, guint64 size, const MerkleHash *root,
                                  const MerkleHash *path, gsize n) {
  if (old_size > size)
    return FALSE;
  if (old_size == size)
    return n == 0 && merkle_equal(old_root, root);
  if (old_size == 0) {
    MerkleHash empty;
    merkle_empty(&empty);
    return n == 0 && merkle_equal(old_root, &empty);
  }
  /* A perfect old tree is a node of the new one: its root is the path's unwritten first hash. */
  const gboolean perfect = (old_size & (old_size - 1)) == 0;
  if (!perfect && n == 0)
    return FALSE;
  MerkleHash from_old = perfect ? *old_root : path[0], from_new = from_old;
  const gsize skip = perfect ? 0 : 1;
  return consistency_walk(old_size, size, &from_old, &from_new, path + skip, n - skip) && merkle_equal(&from_old, old_root) &&
         merkle_equal(&from_new, root);
}
