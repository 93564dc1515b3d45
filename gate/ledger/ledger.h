/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence: an append-only log of what happened, one canonical JSON leaf an event (R21), in an RFC 6962 tree.
 *
 * Threads: the thread of the SQLite connection (the storage thread: it shares the vault's connection and its transaction).
 * Leaf: RFC 8785 (JCS) JSON, at most LEDGER_LEAF_BYTES_MAX, personal data as commitments (commitment.h).
 * Tables: leaves (idx, hash, leaf), nodes (c2sp.org/tlog-tiles: roots of full tiles, level 1 and up), checkpoint (the newest, signed). */
#ifndef RECGATE_LEDGER_H
#define RECGATE_LEDGER_H

#include <jansson.h>
#include <sqlite3.h>

#include "gate/ledger/merkle.h"

#define LEDGER_LEAF_BYTES_MAX 65535 /* C2SP tlog-tiles: an entry's length is a uint16 */
#define LEDGER_TILE_WIDTH     256

#define LEDGER_ERROR (ledger_error_quark())
GQuark ledger_error_quark(void);
typedef enum LedgerError {
  LEDGER_ERROR_STORE,         /* the database refused, or does not hold together */
  LEDGER_ERROR_TOO_LARGE,     /* a leaf beyond LEDGER_LEAF_BYTES_MAX */
  LEDGER_ERROR_NOT_CANONICAL, /* not a leaf, a checkpoint or a proof */
  LEDGER_ERROR_KEY,           /* not a key */
  LEDGER_ERROR_SIGNATURE,     /* signed by nobody known, or altered */
  LEDGER_ERROR_PROOF,         /* a proof that does not hold */
  LEDGER_ERROR_NOT_FOUND,     /* beyond the end of the log */
} LedgerError;

typedef struct LedgerKey LedgerKey;           /* note.h */
typedef struct LedgerVerifier LedgerVerifier; /* note.h */

/* Makes the ledger's tables if they are missing. */
gboolean ledger_prepare(sqlite3 *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* RFC 8785 text of a JSON value (numbers: integers only, |n| <= 2^53). Caller frees with g_free; NULL and error otherwise. */
char *ledger_canonical_json(const json_t *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Appends one leaf inside the caller's open transaction. `leaf` is an object with at least "type" and "at" (ms since the epoch).
 * *index gets its place, from 0; hash its leaf hash (may be NULL). Costs a constant number of rows, and every 256th time a tile's root. */
gboolean ledger_append(sqlite3 *db, const json_t *leaf, gint64 *index, MerkleHash *hash, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean ledger_size(sqlite3 *db, guint64 *size, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The text of one leaf; g_free it. LEDGER_ERROR_NOT_FOUND. */
char *ledger_leaf(sqlite3 *db, guint64 index, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Root of the perfect subtree over leaves [index << level, (index + 1) << level), all of which are there. */
gboolean ledger_subtree(sqlite3 *db, guint level, guint64 index, MerkleHash *hash, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Signs the tree as it is, inside the caller's open transaction; does nothing where it has not grown since. */
gboolean ledger_sign(sqlite3 *db, const LedgerKey *key, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The newest signed checkpoint (c2sp.org/tlog-checkpoint); g_free it. */
char *ledger_checkpoint(sqlite3 *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* c2sp.org/tlog-tiles: `width` hashes (1 to 256) of a hash tile, or that many length-prefixed leaves. LEDGER_ERROR_NOT_FOUND beyond the end. */
GBytes *ledger_tile(sqlite3 *db, guint level, guint64 index, guint width, GError **error) G_GNUC_WARN_UNUSED_RESULT;
GBytes *ledger_entries(sqlite3 *db, guint64 index, guint width, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Every leaf is in its place and matches its hash, every tile's root its leaves, and the checkpoint is of this tree and signed (fault 32).
 * The error names the first bad index. Reads the whole ledger. */
gboolean ledger_check(sqlite3 *db, const LedgerVerifier *verifier, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
