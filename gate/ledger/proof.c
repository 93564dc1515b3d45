/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/proof.h"

#include <string.h>

#define PROOF_HEADER "c2sp.org/tlog-proof@v1\n"

/* The largest power of two smaller than n, n > 1: where RFC 6962 splits a tree. */
static guint64 split(guint64 n) {
  guint64 k = 1;
  while (k << 1 < n)
    k <<= 1;
  return k;
}

/* MTH(D[from:to]), from < to. Left parts are perfect and stand in the tiles; only the right edge is walked. */
static gboolean subtree(sqlite3 *db, guint64 from, guint64 to, MerkleHash *hash, GError **error) {
  const guint64 n = to - from;
  if ((n & (n - 1)) == 0 && from % n == 0)
    return ledger_subtree(db, (guint)__builtin_ctzll(n), from / n, hash, error);
  const guint64 k = split(n);
  MerkleHash left, right;
  if (!subtree(db, from, from + k, &left, error) || !subtree(db, from + k, to, &right, error))
    return FALSE;
  merkle_node(&left, &right, hash);
  return TRUE;
}

static gboolean within(sqlite3 *db, guint64 size, GError **error) {
  guint64 there;
  if (!ledger_size(db, &there, error))
    return FALSE;
  if (size > there)
    g_set_error(error, LEDGER_ERROR, LEDGER_ERROR_NOT_FOUND, "the log has %" G_GUINT64_FORMAT " leaves, not %" G_GUINT64_FORMAT, there,
                size);
  return size <= there;
}

gboolean proof_root(sqlite3 *db, guint64 size, MerkleHash *root, GError **error) {
  if (size == 0) {
    merkle_empty(root);
    return TRUE;
  }
  return within(db, size, error) && subtree(db, 0, size, root, error);
}

static gboolean push(sqlite3 *db, guint64 from, guint64 to, MerkleProof *proof, GError **error) {
  if (!subtree(db, from, to, &proof->path[proof->n], error))
    return FALSE;
  proof->n++;
  return TRUE;
}

/* PATH(m, D[from:to]) of RFC 6962 section 2.1.1. Its depth is at most MERKLE_LEVELS_MAX. */
static gboolean inclusion_path(sqlite3 *db, guint64 index, guint64 from, guint64 to, MerkleProof *proof, GError **error) {
  if (to - from == 1)
    return TRUE;
  const guint64 middle = from + split(to - from);
  if (index < middle)
    return inclusion_path(db, index, from, middle, proof, error) && push(db, middle, to, proof, error);
  return inclusion_path(db, index, middle, to, proof, error) && push(db, from, middle, proof, error);
}

gboolean proof_inclusion(sqlite3 *db, guint64 index, guint64 size, MerkleProof *proof, GError **error) {
  proof->n = 0;
  if (!within(db, size, error))
    return FALSE;
  if (index >= size) {
    g_set_error(error, LEDGER_ERROR, LEDGER_ERROR_NOT_FOUND, "leaf %" G_GUINT64_FORMAT " is not among the first %" G_GUINT64_FORMAT, index,
                size);
    return FALSE;
  }
  return inclusion_path(db, index, 0, size, proof, error);
}

/* SUBPROOF(m, D[from:to], whole) of RFC 6962 section 2.1.2; m counts from `from`. */
static gboolean consistency_path(sqlite3 *db, guint64 m, guint64 from, guint64 to, gboolean whole, MerkleProof *proof, GError **error) {
  const guint64 n = to - from;
  if (m == n)
    return whole || push(db, from, to, proof, error);
  const guint64 k = split(n);
  if (m <= k)
    return consistency_path(db, m, from, from + k, whole, proof, error) && push(db, from + k, to, proof, error);
  return consistency_path(db, m - k, from + k, to, FALSE, proof, error) && push(db, from, from + k, proof, error);
}

gboolean proof_consistency(sqlite3 *db, guint64 old_size, guint64 size, MerkleProof *proof, GError **error) {
  proof->n = 0;
  if (!within(db, size, error))
    return FALSE;
  if (old_size > size) {
    g_set_error_literal(error, LEDGER_ERROR, LEDGER_ERROR_NOT_FOUND, "the older tree is the larger one");
    return FALSE;
  }
  return old_size == 0 || old_size == size || consistency_path(db, old_size, 0, size, TRUE, proof, error);
}

/* --- files --- */

char *proof_file(sqlite3 *db, guint64 index, GError **error) {
  g_autofree char *note = ledger_checkpoint(db, error);
  return note ? proof_file_under(db, index, note, error) : NULL;
}

char *proof_file_under(sqlite3 *db, guint64 index, const char *note, GError **error) {
  MerkleProof proof;
  const char *second_line = strchr(note, '\n');
  if (!second_line)
    return NULL;
  const guint64 size = g_ascii_strtoull(second_line + 1, NULL, 10);
  if (!proof_inclusion(db, index, size, &proof, error))
    return NULL;
  GString *text = g_string_new(NULL);
  g_string_printf(text, PROOF_HEADER "index %" G_GUINT64_FORMAT "\n", index);
  for (gsize i = 0; i < proof.n; i++) {
    g_autofree char *hash = note_base64(proof.path[i].bytes, sizeof proof.path[i].bytes);
    g_string_append_printf(text, "%s\n", hash);
  }
  g_string_append_printf(text, "\n%s", note);
  return g_string_free(text, FALSE);
}

static gboolean not_a_proof(GError **error) {
  g_set_error_literal(error, LEDGER_ERROR, LEDGER_ERROR_NOT_CANONICAL, "this is not a proof of a log (c2sp.org/tlog-proof@v1)");
  return FALSE;
}

/* The lines before the blank one: index and hashes. */
static gboolean parse_head(const char *head, guint64 *index, MerkleProof *proof) {
  g_auto(GStrv) lines = g_strsplit(head, "\n", MERKLE_PROOF_MAX + 4);
  guint at = lines[0] && g_str_has_prefix(lines[0], "extra ") ? 1 : 0;
  const char *number = lines[at] && g_str_has_prefix(lines[at], "index ") ? lines[at] + strlen("index ") : "";
  if ((*number == '0' && number[1] != '\0') || !g_ascii_string_to_unsigned(number, 10, 0, G_MAXINT64, index, NULL))
    return FALSE;
  proof->n = 0;
  for (at++; lines[at]; at++)
    if (proof->n == MERKLE_PROOF_MAX ||
        !note_base64_open(lines[at], strlen(lines[at]), proof->path[proof->n++].bytes, sizeof proof->path[0].bytes))
      return FALSE;
  return TRUE;
}

gboolean proof_file_open(const LedgerVerifier *verifier, const char *text, const void *leaf, gsize n, ProofFile *file, GError **error) {
  MerkleProof proof;
  ProofFile read;
  const char *head = text + strlen(PROOF_HEADER);
  const char *blank = g_str_has_prefix(text, PROOF_HEADER) ? strstr(head, "\n\n") : NULL;
  g_autofree char *lines = blank ? g_strndup(head, (gsize)(blank - head)) : NULL;
  if (!lines || !parse_head(lines, &read.index, &proof))
    return not_a_proof(error);
  if (!note_checkpoint_open(verifier, blank + 2, &read.checkpoint, error))
    return FALSE;
  MerkleHash hash;
  merkle_leaf(leaf, n, &hash);
  if (!merkle_inclusion_holds(read.index, read.checkpoint.size, &hash, proof.path, proof.n, &read.checkpoint.root)) {
    g_set_error(error, LEDGER_ERROR, LEDGER_ERROR_PROOF,
                "the proof does not lead from this leaf, number %" G_GUINT64_FORMAT ", to its checkpoint", read.index);
    return FALSE;
  }
  *file = read;
  return TRUE;
}
