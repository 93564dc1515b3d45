/* SPDX-License-Identifier: Apache-2.0 */
/* The log's name and key, signed notes and checkpoints. Formats: c2sp.org/signed-note, c2sp.org/tlog-checkpoint; Ed25519 (RFC 8032).
 *
 * Threads: a LedgerKey is immutable, any thread. Its seed lies in locked memory.
 * Key texts are those of Go's sumdb/note: "PRIVATE+KEY+<name>+<key id, 8 hex>+<base64(0x01 || seed)>", "<name>+<key id>+<base64(0x01 || public key)>". */
#ifndef RECGATE_LEDGER_NOTE_H
#define RECGATE_LEDGER_NOTE_H

#include "gate/ledger/ledger.h"

#define LEDGER_KEY_TEXT_MAX  511
#define NOTE_SIGNATURE_BYTES 64
#define NOTE_BYTES_MAX       (64 * 1024) /* of a note that somebody shows: 16 signatures and more */

typedef struct LedgerKey LedgerKey;           /* may sign */
typedef struct LedgerVerifier LedgerVerifier; /* may check */

char *ledger_origin_new(void);                /* "recgate/" and 16 random hex digits; g_free it */
LedgerKey *ledger_key_new(const char *origin); /* a fresh one; NULL: the origin has spaces, a plus or control characters, or is empty */
LedgerKey *ledger_key_parse(const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* LEDGER_ERROR_KEY */
char *ledger_key_text(const LedgerKey *key);  /* the secret; wipe with note_text_free */
void note_text_free(char *text);
const char *ledger_key_origin(const LedgerKey *key);
char *ledger_key_verifier_text(const LedgerKey *key);
void ledger_key_sign(const LedgerKey *key, const void *bytes, gsize n, guint8 signature[NOTE_SIGNATURE_BYTES]);
void ledger_key_free(LedgerKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LedgerKey, ledger_key_free)

LedgerVerifier *ledger_verifier_parse(const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* LEDGER_ERROR_KEY */
const char *ledger_verifier_origin(const LedgerVerifier *verifier);
gboolean ledger_verifier_holds(const LedgerVerifier *verifier, const void *bytes, gsize n, const guint8 signature[NOTE_SIGNATURE_BYTES]);
void ledger_verifier_free(LedgerVerifier *verifier);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LedgerVerifier, ledger_verifier_free)

typedef struct LedgerCheckpoint { guint64 size; MerkleHash root; } LedgerCheckpoint;

/* The signed note of a checkpoint under the key's origin. g_free it. */
char *note_checkpoint(const LedgerKey *key, const LedgerCheckpoint *checkpoint);
/* Checks signature and origin before it believes anything. LEDGER_ERROR_SIGNATURE, or LEDGER_ERROR_NOT_CANONICAL for what is no checkpoint. */
gboolean note_checkpoint_open(const LedgerVerifier *verifier, const char *note, LedgerCheckpoint *checkpoint, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* base64 of RFC 4648 section 4; g_free it. */
char *note_base64(const guint8 *bytes, gsize n);
/* Exactly n bytes, canonical base64, or FALSE. */
gboolean note_base64_open(const char *text, gsize text_n, guint8 *bytes, gsize n);

#endif
