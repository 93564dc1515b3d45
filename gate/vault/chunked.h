/* SPDX-License-Identifier: Apache-2.0 */
/* C2SP chunked-encryption, instance Cobblestone-256 (SHA-512, AES-256-GCM): the format of a segment's file.
 *
 * Threads: any. salt (24) || commitment (32) || chunks of 16 KiB + tag, the last one shorter, perhaps empty. */
#ifndef RECGATE_VAULT_CHUNKED_H
#define RECGATE_VAULT_CHUNKED_H

#include "gate/vault/aead.h"

#define CHUNKED_CHUNK_BYTES      16384
#define CHUNKED_SALT_BYTES       24
#define CHUNKED_COMMITMENT_BYTES 32
#define CHUNKED_HEADER_BYTES     (CHUNKED_SALT_BYTES + CHUNKED_COMMITMENT_BYTES)
#define CHUNKED_SEALED_BYTES     (CHUNKED_CHUNK_BYTES + AEAD_TAG_BYTES)

typedef struct ChunkedKeys { /* in locked memory; the order is HKDF's output */
  guint8 key[AEAD_KEY_BYTES];
  guint8 nonce[AEAD_NONCE_BYTES];
  guint8 commitment[CHUNKED_COMMITMENT_BYTES];
} ChunkedKeys;

/* HKDF-Expand (RFC 5869 section 2.3) as the specification's "Key derivation". */
gboolean chunked_derive(ChunkedKeys *keys, const guint8 *input_key, const guint8 *salt, const void *context, gsize n) G_GNUC_WARN_UNUSED_RESULT;
/* n <= CHUNKED_CHUNK_BYTES, smaller in the last chunk only. out: n + AEAD_TAG_BYTES. */
gboolean chunked_seal(const ChunkedKeys *keys, guint64 chunk, const guint8 *plain, gsize n, guint8 *out) G_GNUC_WARN_UNUSED_RESULT;
/* Length of the message in a file of n bytes; FALSE: no message has a file of that length (truncated). */
gboolean chunked_plain_bytes(gsize n, gsize *plain) G_GNUC_WARN_UNUSED_RESULT;
/* A whole file into out (chunked_plain_bytes of it). keys: scratch in locked memory. FALSE: truncated, altered, or another key or context; out is zeroed. */
gboolean chunked_open(ChunkedKeys *keys, const guint8 *input_key, const void *context, gsize context_n, const guint8 *file, gsize n, guint8 *out)
    G_GNUC_WARN_UNUSED_RESULT;

#endif
