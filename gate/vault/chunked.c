/* SPDX-License-Identifier: Apache-2.0 */
/* C2SP chunked-encryption, https://c2sp.org/chunked-encryption, written from the specification. */
#include "gate/vault/chunked.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sodium.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_KDF, EVP_KDF_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_KDF_CTX, EVP_KDF_CTX_free)

#define CHUNKS_MAX (G_GUINT64_CONSTANT(1) << 38)

G_STATIC_ASSERT(sizeof(ChunkedKeys) == AEAD_KEY_BYTES + AEAD_NONCE_BYTES + CHUNKED_COMMITMENT_BYTES);

gboolean chunked_derive(ChunkedKeys *keys, const guint8 *input_key, const guint8 *salt, const void *context, gsize n) {
  static const char label[] = "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM"; /* its NUL is the specification's 0x00 */
  g_autoptr(GByteArray) info = g_byte_array_new();
  g_byte_array_append(info, (const guint8 *)label, sizeof label);
  g_byte_array_append(info, salt, CHUNKED_SALT_BYTES);
  g_byte_array_append(info, context, (guint)n);
  g_autoptr(EVP_KDF) hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
  g_autoptr(EVP_KDF_CTX) expand = hkdf ? EVP_KDF_CTX_new(hkdf) : NULL;
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  OSSL_PARAM params[] = {OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
                         OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA512", 0),
                         OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)input_key, AEAD_KEY_BYTES),
                         OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info->data, info->len), OSSL_PARAM_construct_end()};
  return expand && EVP_KDF_derive(expand, (guint8 *)keys, sizeof *keys, params) > 0;
}

/* "the XOR of the base nonce and the chunk number as a big-endian integer" */
static void chunk_nonce(const ChunkedKeys *keys, guint64 chunk, guint8 nonce[AEAD_NONCE_BYTES]) {
  memcpy(nonce, keys->nonce, AEAD_NONCE_BYTES);
  for (guint i = 0; i < 8; i++)
    nonce[AEAD_NONCE_BYTES - 1 - i] ^= (guint8)(chunk >> (8 * i));
}

gboolean chunked_seal(const ChunkedKeys *keys, guint64 chunk, const guint8 *plain, gsize n, guint8 *out) {
  guint8 nonce[AEAD_NONCE_BYTES];
  g_return_val_if_fail(n <= CHUNKED_CHUNK_BYTES && chunk < CHUNKS_MAX, FALSE);
  chunk_nonce(keys, chunk, nonce);
  return aead_seal(keys->key, nonce, NULL, 0, plain, n, out);
}

gboolean chunked_plain_bytes(gsize n, gsize *plain) {
  if (n < CHUNKED_HEADER_BYTES + AEAD_TAG_BYTES)
    return FALSE;
  const gsize chunks = (n - CHUNKED_HEADER_BYTES) / CHUNKED_SEALED_BYTES, last = (n - CHUNKED_HEADER_BYTES) % CHUNKED_SEALED_BYTES;
  if (last < AEAD_TAG_BYTES)
    return FALSE;
  *plain = chunks * CHUNKED_CHUNK_BYTES + last - AEAD_TAG_BYTES;
  return TRUE;
}

static gboolean open_chunks(const ChunkedKeys *keys, const guint8 *sealed, gsize n, guint8 *out) {
  for (guint64 chunk = 0; chunk < CHUNKS_MAX; chunk++) {
    const gsize here = MIN(n, (gsize)CHUNKED_SEALED_BYTES);
    guint8 nonce[AEAD_NONCE_BYTES];
    chunk_nonce(keys, chunk, nonce);
    if (!aead_open(keys->key, nonce, NULL, 0, sealed, here, out))
      return FALSE;
    if (here < CHUNKED_SEALED_BYTES)
      return TRUE;
    sealed += here;
    out += CHUNKED_CHUNK_BYTES;
    n -= here;
  }
  return FALSE;
}

gboolean chunked_open(ChunkedKeys *keys, const guint8 *input_key, const void *context, gsize context_n, const guint8 *file, gsize n,
                      guint8 *out) {
  gsize plain;
  if (!chunked_plain_bytes(n, &plain))
    return FALSE;
  const gboolean right = chunked_derive(keys, input_key, file, context, context_n) &&
                         sodium_memcmp(keys->commitment, file + CHUNKED_SALT_BYTES, CHUNKED_COMMITMENT_BYTES) == 0 &&
                         open_chunks(keys, file + CHUNKED_HEADER_BYTES, n - CHUNKED_HEADER_BYTES, out);
  sodium_memzero(keys, sizeof *keys);
  if (!right)
    sodium_memzero(out, plain);
  return right;
}
