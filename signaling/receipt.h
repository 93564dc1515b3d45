/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts: what somebody gets who granted, declined, offered or withdrew (R24). Field names of ISO/IEC TS 27560; checked by receipt-check.h.
 *
 * Threads: any thread. A receipt proves and erases nothing: of the withdraw_key it holds the hash. */
#ifndef RECGATE_RECEIPT_H
#define RECGATE_RECEIPT_H

#include "gate/vault/vault.h"

#define RECEIPT_SCHEMA "recgate-receipt-1"

/* Leaf type and the words of a receipt's event: "grant" -> "granted". NULL: no receipt is given for such a leaf. */
const char *receipt_event_state(const char *leaf_type);

typedef struct ReceiptFacts { /* what the leaf says by itself (request, media, scope, time) is taken from it */
  const char *session, *participant;
  const json_t *disclosure;            /* what it is about; NULL: not known */
  const char *withdraw_key_sha256;     /* hex; NULL where no key was given */
  const json_t *participant_signature; /* of a grant; NULL: the client made none */
  const json_t *erased;                /* of a withdrawal: {"segments", "bytes"}; NULL */
} ReceiptFacts;

/* Signed with the log's key over the JCS text without `signature`. proof: VaultReply's, of exactly this act.
 * NULL: there is no proof, so there is no receipt. New reference. */
json_t *receipt_new(const Vault *vault, const ReceiptFacts *facts, const json_t *proof);

/* Why there is none: a sentence for a person; g_free it. */
char *receipt_missing_text(const GError *why);

/* Sets the fields that only repeat what the disclosure says. */
void receipt_describe(json_t *receipt, const json_t *disclosure);
/* RFC 3339 with milliseconds; g_free it. */
char *receipt_time(gint64 wall_ms);

/* A fresh withdraw_key (32 random bytes, base64url, no padding) and the SHA-256 of that text. g_free it. */
char *receipt_withdraw_key_new(guint8 sha256[32]);
char *receipt_hex(const guint8 sha256[32]); /* g_free it */
/* The same hash for a key that somebody shows. */
void receipt_withdraw_key_hash(const char *key, guint8 sha256[32]);

#endif
