/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256-GCM from OpenSSL, and keys wrapped with it.
 *
 * Threads: any. A cipher context lives for one call only, so that no expanded key stays on the heap (R17). */
#ifndef RECGATE_VAULT_AEAD_H
#define RECGATE_VAULT_AEAD_H

#include <glib.h>

#define AEAD_KEY_BYTES     32
#define AEAD_NONCE_BYTES   12
#define AEAD_TAG_BYTES     16
#define AEAD_WRAPPED_BYTES (AEAD_NONCE_BYTES + AEAD_KEY_BYTES + AEAD_TAG_BYTES)

/* out: n + AEAD_TAG_BYTES. aad may be NULL. FALSE: OpenSSL refused. */
gboolean aead_seal(const guint8 *key, const guint8 *nonce, const void *aad, gsize aad_n, const guint8 *plain, gsize n, guint8 *out)
    G_GNUC_WARN_UNUSED_RESULT;
/* n includes the tag; out: n - AEAD_TAG_BYTES, zeroed when it does not authenticate. */
gboolean aead_open(const guint8 *key, const guint8 *nonce, const void *aad, gsize aad_n, const guint8 *sealed, gsize n, guint8 *out)
    G_GNUC_WARN_UNUSED_RESULT;

/* nonce || ciphertext || tag of one 32-byte key under another, bound to aad. */
gboolean aead_wrap(const guint8 *under, const void *aad, gsize aad_n, const guint8 *key, guint8 wrapped[AEAD_WRAPPED_BYTES])
    G_GNUC_WARN_UNUSED_RESULT;
gboolean aead_unwrap(const guint8 *under, const void *aad, gsize aad_n, const guint8 wrapped[AEAD_WRAPPED_BYTES], guint8 *key)
    G_GNUC_WARN_UNUSED_RESULT;

#endif
