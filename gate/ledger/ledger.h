/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence: an append-only log of what happened, one canonical JSON leaf an event (R21).
 *
 * Threads: storage thread (it shares the vault's SQLite connection and its transaction).
 * Leaf: RFC 8785 (JCS) JSON, at most LEDGER_LEAF_BYTES_MAX; hash: RFC 6962 section 2.1, SHA-256(0x00 || leaf).
 * The Merkle tree, checkpoints, tiles and salted commitments (R22, R23) are not built yet: their place is here. */
#ifndef RECGATE_LEDGER_H
#define RECGATE_LEDGER_H

#include <glib.h>
#include <jansson.h>
#include <sqlite3.h>

#define LEDGER_LEAF_BYTES_MAX 65535 /* C2SP tlog-tiles: an entry's length is a uint16 */
#define LEDGER_HASH_BYTES 32

#define LEDGER_ERROR (ledger_error_quark())
GQuark ledger_error_quark(void);
typedef enum LedgerError { LEDGER_ERROR_STORE, LEDGER_ERROR_TOO_LARGE, LEDGER_ERROR_NOT_CANONICAL } LedgerError;

/* Makes the ledger's tables if they are missing. */
gboolean ledger_prepare(sqlite3 *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* RFC 8785 text of a JSON value (numbers: integers only, |n| <= 2^53). Caller frees with g_free; NULL and error otherwise. */
char *ledger_canonical_json(const json_t *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Appends one leaf inside the caller's open transaction. `leaf` is an object with at least "type" and "at" (ms since the epoch).
 * *index gets its place, from 0; hash its leaf hash (may be NULL). */
gboolean ledger_append(sqlite3 *db, const json_t *leaf, gint64 *index, guint8 hash[LEDGER_HASH_BYTES], GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Every leaf is in its place and matches its hash (fault 32). Reads the whole ledger. */
gboolean ledger_check(sqlite3 *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
