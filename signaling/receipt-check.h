/* SPDX-License-Identifier: Apache-2.0 */
/* Checking a receipt offline (R24): signature, commitments, leaf, proof. Shares with its making only the words and the fields that repeat the disclosure.
 *
 * Threads: any thread. Pure. */
#ifndef RECGATE_RECEIPT_CHECK_H
#define RECGATE_RECEIPT_CHECK_H

#include <jansson.h>

#include "gate/ledger/note.h"

/* Every receipt in a file that somebody shows: a single one, a list, or what the page offers ({"receipts": [...]}, entries {"receipt": ...}).
 * A new list; empty: there was none. */
json_t *receipt_find_all(const json_t *file);

/* The key that the receipt itself names; borrowed, NULL: none. It shows that a receipt is unaltered, not who made it. */
const char *receipt_key(const json_t *receipt);

typedef struct ReceiptChecks {
  json_t *checks; /* [{"check", "holds", "detail"}], in order; owned by the caller */
  gboolean holds; /* every one of them */
  gboolean proven; /* then: */
  LedgerCheckpoint checkpoint;
} ReceiptChecks;
/* Never fails: whatever is missing or wrong does not hold. */
void receipt_check(const json_t *receipt, const LedgerVerifier *verifier, ReceiptChecks *checks);
/* Adds one more. detail is for a person. */
void receipt_checks_add(ReceiptChecks *checks, const char *check, gboolean holds, const char *detail);

#endif
