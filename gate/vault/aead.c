/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256-GCM (NIST SP 800-38D) by OpenSSL's EVP. */
#include "gate/vault/aead.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

gboolean aead_seal(const guint8 *key, const guint8 *nonce, const void *aad, gsize aad_n, const guint8 *plain, gsize n, guint8 *out) {
  g_autoptr(EVP_CIPHER_CTX) cipher = EVP_CIPHER_CTX_new();
  int written = 0;
  if (!cipher || n > G_MAXINT32 || aad_n > G_MAXINT32 || !EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce))
    return FALSE;
  if (aad_n && !EVP_EncryptUpdate(cipher, NULL, &written, aad, (int)aad_n))
    return FALSE;
  if (n && !EVP_EncryptUpdate(cipher, out, &written, plain, (int)n))
    return FALSE;
  return EVP_EncryptFinal_ex(cipher, out + n, &written) && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES, out + n);
}

static gboolean open_checked(EVP_CIPHER_CTX *cipher, const void *aad, gsize aad_n, const guint8 *sealed, gsize n, guint8 *out) {
  int written = 0;
  guint8 tag[AEAD_TAG_BYTES], rest[AEAD_TAG_BYTES];
  memcpy(tag, sealed + n, sizeof tag);
  if (aad_n && !EVP_DecryptUpdate(cipher, NULL, &written, aad, (int)aad_n))
    return FALSE;
  if (n && !EVP_DecryptUpdate(cipher, out, &written, sealed, (int)n))
    return FALSE;
  return EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) && EVP_DecryptFinal_ex(cipher, rest, &written) > 0;
}

gboolean aead_open(const guint8 *key, const guint8 *nonce, const void *aad, gsize aad_n, const guint8 *sealed, gsize n, guint8 *out) {
  g_autoptr(EVP_CIPHER_CTX) cipher = EVP_CIPHER_CTX_new();
  if (!cipher || n < AEAD_TAG_BYTES || n > G_MAXINT32 || aad_n > G_MAXINT32 ||
      !EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce))
    return FALSE;
  if (open_checked(cipher, aad, aad_n, sealed, n - AEAD_TAG_BYTES, out))
    return TRUE;
  sodium_memzero(out, n - AEAD_TAG_BYTES);
  return FALSE;
}

gboolean aead_wrap(const guint8 *under, const void *aad, gsize aad_n, const guint8 *key, guint8 wrapped[AEAD_WRAPPED_BYTES]) {
  randombytes_buf(wrapped, AEAD_NONCE_BYTES);
  return aead_seal(under, wrapped, aad, aad_n, key, AEAD_KEY_BYTES, wrapped + AEAD_NONCE_BYTES);
}

gboolean aead_unwrap(const guint8 *under, const void *aad, gsize aad_n, const guint8 wrapped[AEAD_WRAPPED_BYTES], guint8 *key) {
  return aead_open(under, wrapped, aad, aad_n, wrapped + AEAD_NONCE_BYTES, AEAD_KEY_BYTES + AEAD_TAG_BYTES, key);
}
