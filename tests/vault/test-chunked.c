/* SPDX-License-Identifier: Apache-2.0 */
/* C2SP chunked-encryption against known answers of an independent implementation (tests/vault/chunked-vectors.mjs). */
#include "gate/vault/chunked.h"

#include <string.h>

typedef struct Vector {
  const char *context;
  gsize n, file_n;
  const char *commitment, *sha256;
} Vector;

static const Vector vectors[] = {
    {"", 0, 72, "ff391c60d5752836bb4e42f644aaf497976b648911d3ed26c54ff98ca744b758",
     "ac8fcf82888cb71e0db00663e4f16b3b1164fb9cf965c3cc7d39005aac06dc1b"},
    {"{\"seq\":0}", 5, 77, "6d5b7b156a99aff212b9f9307fbdb5639fa9999ffc9d0e991657c1bca899c6e3",
     "eba7455dd6de3ea921c0f6d76293e689badd0f23ef105b1f847f8bd8e547449f"},
    {"{\"seq\":0}", 16383, 16455, "6d5b7b156a99aff212b9f9307fbdb5639fa9999ffc9d0e991657c1bca899c6e3",
     "8558998b354c11ce1ea7f36fe40f00b7ccede82d04cd8eec91e87980936a0ce0"},
    {"{\"seq\":0}", 16384, 16472, "6d5b7b156a99aff212b9f9307fbdb5639fa9999ffc9d0e991657c1bca899c6e3",
     "07b4644aab6413aa16f94531d0bdbd933981cb75dfdf69e8cbc241e3c226cd93"},
    {"{\"seq\":0}", 40000, 40104, "6d5b7b156a99aff212b9f9307fbdb5639fa9999ffc9d0e991657c1bca899c6e3",
     "cfe22c90d841ea16adb4073002e57611c0dcea46cea186d1a48e858b492ef97e"},
};

static guint8 key[AEAD_KEY_BYTES], salt[CHUNKED_SALT_BYTES];

static guint8 *seal_all(const char *context, const guint8 *message, gsize n, gsize *file_n) {
  ChunkedKeys keys;
  g_assert_true(chunked_derive(&keys, key, salt, context, strlen(context)));
  guint8 *file = g_malloc(CHUNKED_HEADER_BYTES + n + (n / CHUNKED_CHUNK_BYTES + 1) * AEAD_TAG_BYTES);
  memcpy(file, salt, sizeof salt);
  memcpy(file + sizeof salt, keys.commitment, sizeof keys.commitment);
  *file_n = CHUNKED_HEADER_BYTES;
  for (gsize chunk = 0; chunk <= n / CHUNKED_CHUNK_BYTES; chunk++) {
    const gsize here = MIN(n - chunk * CHUNKED_CHUNK_BYTES, (gsize)CHUNKED_CHUNK_BYTES);
    g_assert_true(chunked_seal(&keys, chunk, message + chunk * CHUNKED_CHUNK_BYTES, here, file + *file_n));
    *file_n += here + AEAD_TAG_BYTES;
  }
  return file;
}

static guint8 *message_of(gsize n) {
  guint8 *message = g_malloc(n + 1);
  for (gsize i = 0; i < n; i++)
    message[i] = (guint8)(i * 7 + 3);
  return message;
}

static void test_known(void) {
  for (guint i = 0; i < G_N_ELEMENTS(vectors); i++) {
    const Vector *vector = &vectors[i];
    g_autofree guint8 *message = message_of(vector->n);
    gsize n, plain;
    g_autofree guint8 *file = seal_all(vector->context, message, vector->n, &n);
    g_autofree char *sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, file, n);
    g_autofree guint8 *back = g_malloc(vector->n + 1);
    char hex[65];
    for (guint k = 0; k < 32; k++)
      g_snprintf(hex + 2 * k, 3, "%02x", file[CHUNKED_SALT_BYTES + k]);
    g_assert_cmpuint(n, ==, vector->file_n);
    g_assert_cmpstr(hex, ==, vector->commitment);
    g_assert_cmpstr(sha256, ==, vector->sha256);
    g_assert_true(chunked_plain_bytes(n, &plain));
    g_assert_cmpuint(plain, ==, vector->n);
    ChunkedKeys keys;
    g_assert_true(chunked_open(&keys, key, vector->context, strlen(vector->context), file, n, back));
    g_assert_cmpmem(back, plain, message, vector->n);
  }
}

static gboolean opens(const char *context, const guint8 *file, gsize n) {
  ChunkedKeys keys;
  g_autofree guint8 *out = g_malloc(n + 1);
  return chunked_open(&keys, key, context, strlen(context), file, n, out);
}

/* R17, DESIGN.md: another context, one flipped bit anywhere, any cut: nothing comes out. */
static void test_altered(void) {
  const gsize message_n = 2 * CHUNKED_CHUNK_BYTES + 5;
  g_autofree guint8 *message = message_of(message_n);
  gsize n;
  g_autofree guint8 *file = seal_all("c", message, message_n, &n);
  g_assert_true(opens("c", file, n));
  g_assert_false(opens("d", file, n));
  for (gsize at = 0; at < n; at += at < 100 ? 1 : 997) {
    file[at] ^= 0x10;
    g_assert_false(opens("c", file, n));
    file[at] ^= 0x10;
  }
  for (gsize cut = 1; cut < n; cut += cut < 100 ? 1 : 991)
    g_assert_false(opens("c", file, n - cut));
  g_assert_false(opens("c", file, CHUNKED_HEADER_BYTES + CHUNKED_SEALED_BYTES));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < sizeof key; i++)
    key[i] = (guint8)i;
  for (guint i = 0; i < sizeof salt; i++)
    salt[i] = (guint8)(0xa0 + i);
  g_test_add_func("/vault/chunked/known-answers", test_known);
  g_test_add_func("/vault/chunked/altered", test_altered);
  return g_test_run();
}
