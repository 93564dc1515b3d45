/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts: what somebody gets who granted, declined or withdrew (R24). Field names of ISO/IEC TS 27560.
 *
 * Threads: control thread. The gate's signature and the inclusion proof are not made yet: their place is here. */
#ifndef RECGATE_RECEIPT_H
#define RECGATE_RECEIPT_H

#include "signaling/session.h"

typedef struct ReceiptFacts {
  const char *session, *participant;
  const char *event;            /* "granted" | "declined" | "offered" | "withdrawn" */
  const Request *request;       /* NULL: there was none */
  gint64 leaf_index;            /* -1: none */
  const char *leaf_hash;        /* hex */
  const char *withdraw_key_sha256; /* hex; NULL where no key was given */
} ReceiptFacts;
json_t *receipt_new(const ReceiptFacts *facts);

/* A fresh withdraw_key (32 random bytes, base64url, no padding) and the SHA-256 of that text. g_free it. */
char *receipt_withdraw_key_new(guint8 sha256[32]);
char *receipt_hex(const guint8 sha256[32]); /* g_free it */
/* The same hash for a key that somebody shows. */
void receipt_withdraw_key_hash(const char *key, guint8 sha256[32]);

#endif
