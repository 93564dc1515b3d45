/* SPDX-License-Identifier: Apache-2.0 */
/* Roots and proofs against the recursive definitions of RFC 6962 section 2.1, written anew here; what is altered does not hold. */
#include "gate/ledger/proof.h"

#include <string.h>

#include "tests/ledger/log.h"

#define LEAVES 600 /* two full tiles and a partial one */

static void naive_root(const MerkleHash *leaves, guint n, MerkleHash *root) {
  if (n == 0)
    merkle_empty(root);
  else if (n == 1)
    *root = *leaves;
  else {
    guint k = 1;
    while (k * 2 < n)
      k *= 2;
    MerkleHash left, right;
    naive_root(leaves, k, &left);
    naive_root(leaves + k, n - k, &right);
    merkle_node(&left, &right, root);
  }
}

typedef struct Fixture {
  Log *log;
  MerkleHash leaves[LEAVES];
} Fixture;

static void setup(Fixture *fixture, gconstpointer data) {
  (void)data;
  fixture->log = log_new();
  for (guint i = 0; i < LEAVES; i++) {
    gint64 index;
    g_assert_true(log_append(fixture->log, json_pack("{s:s, s:i}", "type", "x", "at", (int)i), &index, &fixture->leaves[i], NULL));
  }
}

static void teardown(Fixture *fixture, gconstpointer data) {
  (void)data;
  log_free(fixture->log);
}

/* RFC 6962's empty tree, and the roots of its reference implementation's eight leaves (certificate-transparency, merkletree tests). */
static void test_vectors(void) {
  static const char *const leaves[] = {"",
                                       "\x00",
                                       "\x10",
                                       "\x20\x21",
                                       "\x30\x31",
                                       "\x40\x41\x42\x43",
                                       "\x50\x51\x52\x53\x54\x55\x56\x57",
                                       "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"};
  static const gsize lengths[] = {0, 1, 1, 2, 2, 4, 8, 16};
  static const char *const roots[] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  MerkleRange range = {0};
  for (guint n = 0; n <= G_N_ELEMENTS(leaves); n++) {
    MerkleHash root, leaf;
    char hex[65];
    merkle_range_root(&range, &root);
    for (guint i = 0; i < sizeof root.bytes; i++)
      g_snprintf(hex + 2 * i, 3, "%02x", root.bytes[i]);
    g_assert_cmpstr(hex, ==, roots[n]);
    if (n == G_N_ELEMENTS(leaves))
      break;
    merkle_leaf(leaves[n], lengths[n], &leaf);
    merkle_range_append(&range, &leaf);
  }
}

static void test_roots(Fixture *fixture, gconstpointer data) {
  (void)data;
  MerkleRange range = {0};
  for (guint n = 0; n <= LEAVES; n++) {
    MerkleHash naive, grown, stored;
    g_autoptr(GError) error = NULL;
    naive_root(fixture->leaves, n, &naive);
    merkle_range_root(&range, &grown);
    g_assert_true(proof_root(fixture->log->db, n, &stored, &error));
    g_assert_true(merkle_equal(&naive, &grown) && merkle_equal(&naive, &stored));
    if (n < LEAVES)
      merkle_range_append(&range, &fixture->leaves[n]);
  }
}

/* Every index of some sizes; a proof holds for its own leaf, index and size and for nothing else. */
static void test_inclusion(Fixture *fixture, gconstpointer data) {
  (void)data;
  static const guint sizes[] = {1, 2, 3, 5, 8, 100, 255, 256, 257, 511, 512, 513, 600};
  for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
    MerkleHash root;
    const guint size = sizes[s];
    naive_root(fixture->leaves, size, &root);
    for (guint index = 0; index<size; index += size> 100 ? 7 : 1) {
      MerkleProof proof;
      g_autoptr(GError) error = NULL;
      g_assert_true(proof_inclusion(fixture->log->db, index, size, &proof, &error));
      const MerkleHash *leaf = &fixture->leaves[index];
      g_assert_true(merkle_inclusion_holds(index, size, leaf, proof.path, proof.n, &root));
      g_assert_false(merkle_inclusion_holds(index, size, &fixture->leaves[(index + 1) % LEAVES], proof.path, proof.n, &root));
      g_assert_false(merkle_inclusion_holds(size, size, leaf, proof.path, proof.n, &root));
      if (proof.n > 0) {
        g_assert_false(merkle_inclusion_holds(index ^ 1, size, leaf, proof.path, proof.n, &root));
        g_assert_false(merkle_inclusion_holds(index, size, leaf, proof.path, proof.n - 1, &root));
        proof.path[proof.n / 2].bytes[31] ^= 1;
        g_assert_false(merkle_inclusion_holds(index, size, leaf, proof.path, proof.n, &root));
      }
    }
  }
}

static void test_consistency(Fixture *fixture, gconstpointer data) {
  (void)data;
  static const guint sizes[] = {0, 1, 2, 3, 4, 7, 8, 9, 127, 128, 255, 256, 257, 512, 513, 600};
  for (guint a = 0; a < G_N_ELEMENTS(sizes); a++)
    for (guint b = a; b < G_N_ELEMENTS(sizes); b++) {
      MerkleHash old_root, root;
      MerkleProof proof;
      g_autoptr(GError) error = NULL;
      naive_root(fixture->leaves, sizes[a], &old_root);
      naive_root(fixture->leaves, sizes[b], &root);
      g_assert_true(proof_consistency(fixture->log->db, sizes[a], sizes[b], &proof, &error));
      g_assert_true(merkle_consistency_holds(sizes[a], &old_root, sizes[b], &root, proof.path, proof.n));
      old_root.bytes[0] ^= 1;
      g_assert_false(merkle_consistency_holds(sizes[a], &old_root, sizes[b], &root, proof.path, proof.n));
      old_root.bytes[0] ^= 1;
      root.bytes[0] ^= 1;
      g_assert_true(sizes[a] == 0 || !merkle_consistency_holds(sizes[a], &old_root, sizes[b], &root, proof.path, proof.n));
      root.bytes[0] ^= 1;
      if (proof.n > 0) {
        proof.path[proof.n - 1].bytes[5] ^= 0x80;
        g_assert_false(merkle_consistency_holds(sizes[a], &old_root, sizes[b], &root, proof.path, proof.n));
      }
    }
}

static void test_beyond(Fixture *fixture, gconstpointer data) {
  (void)data;
  MerkleProof proof;
  g_autoptr(GError) error = NULL;
  g_assert_false(proof_inclusion(fixture->log->db, 3, LEAVES + 1, &proof, &error));
  g_assert_error(error, LEDGER_ERROR, LEDGER_ERROR_NOT_FOUND);
  g_clear_error(&error);
  g_assert_false(proof_inclusion(fixture->log->db, 5, 5, &proof, &error));
  g_assert_error(error, LEDGER_ERROR, LEDGER_ERROR_NOT_FOUND);
  g_clear_error(&error);
  g_assert_false(proof_consistency(fixture->log->db, 6, 5, &proof, &error));
  g_assert_error(error, LEDGER_ERROR, LEDGER_ERROR_NOT_FOUND);
  g_clear_error(&error);
  g_assert_null(ledger_tile(fixture->log->db, 0, 2, 256, &error)); /* 88 wide */
  g_assert_error(error, LEDGER_ERROR, LEDGER_ERROR_NOT_FOUND);
  g_clear_error(&error);
  g_assert_null(ledger_entries(fixture->log->db, G_MAXUINT64, 1, &error));
  g_assert_error(error, LEDGER_ERROR, LEDGER_ERROR_NOT_FOUND);
}

static void test_tiles(Fixture *fixture, gconstpointer data) {
  (void)data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) partial = ledger_tile(fixture->log->db, 0, 2, 88, &error), up = ledger_tile(fixture->log->db, 1, 0, 2, &error);
  g_assert_cmpmem(g_bytes_get_data(partial, NULL), g_bytes_get_size(partial), &fixture->leaves[512], 88 * sizeof(MerkleHash));
  MerkleHash roots[2];
  naive_root(fixture->leaves, 256, &roots[0]);
  naive_root(fixture->leaves + 256, 256, &roots[1]);
  g_assert_cmpmem(g_bytes_get_data(up, NULL), g_bytes_get_size(up), roots, sizeof roots);
  g_autoptr(GBytes) entries = ledger_entries(fixture->log->db, 2, 88, &error);
  const char first[] = "\x00\x15{\"at\":512,\"type\":\"x\"}";
  g_assert_cmpmem(g_bytes_get_data(entries, NULL), sizeof first - 1, first, sizeof first - 1);
}

/* c2sp.org/tlog-proof: opens with its leaf, and with no other, no other key, no altered line. */
static void test_file(Fixture *fixture, gconstpointer data) {
  (void)data;
  ProofFile file;
  g_autoptr(GError) error = NULL;
  log_sign(fixture->log);
  g_autofree char *text = proof_file(fixture->log->db, 300, &error), *leaf = ledger_leaf(fixture->log->db, 300, &error);
  g_assert_no_error(error);
  g_assert_true(g_str_has_prefix(text, "c2sp.org/tlog-proof@v1\nindex 300\n"));
  g_assert_true(proof_file_open(fixture->log->verifier, text, leaf, strlen(leaf), &file, &error));
  g_assert_true(file.index == 300 && file.checkpoint.size == LEAVES);
  g_assert_false(proof_file_open(fixture->log->verifier, text, leaf, strlen(leaf) - 1, &file, &error));
  g_assert_error(error, LEDGER_ERROR, LEDGER_ERROR_PROOF);
  for (gsize i = 0; text[i]; i++) {
    g_autoptr(GError) why = NULL;
    text[i] ^= 1;
    g_assert_false(proof_file_open(fixture->log->verifier, text, leaf, strlen(leaf), &file, &why));
    g_assert_nonnull(why);
    text[i] ^= 1;
  }
  g_autofree char *extra = g_strdup_printf("c2sp.org/tlog-proof@v1\nextra AAAA\n%s", text + strlen("c2sp.org/tlog-proof@v1\n"));
  g_clear_error(&error);
  g_assert_true(proof_file_open(fixture->log->verifier, extra, leaf, strlen(leaf), &file, &error));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/ledger/merkle/vectors", test_vectors);
  g_test_add("/ledger/proof/roots", Fixture, NULL, setup, test_roots, teardown);
  g_test_add("/ledger/proof/inclusion", Fixture, NULL, setup, test_inclusion, teardown);
  g_test_add("/ledger/proof/consistency", Fixture, NULL, setup, test_consistency, teardown);
  g_test_add("/ledger/proof/beyond-the-end", Fixture, NULL, setup, test_beyond, teardown);
  g_test_add("/ledger/proof/tiles", Fixture, NULL, setup, test_tiles, teardown);
  g_test_add("/ledger/proof/file", Fixture, NULL, setup, test_file, teardown);
  return g_test_run();
}
