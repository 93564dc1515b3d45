/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a data directory: lists, and the decrypted bytes of kept segments. Offline (recgatectl) or beside a running vault.
 *
 * Threads: a reader belongs to one thread, may block on disk, never the control or storage thread.
 * Queries hold the database's read lock only for a page of rows, so that an erase is never kept waiting. */
#ifndef RECGATE_VAULT_READER_H
#define RECGATE_VAULT_READER_H

#include "gate/vault/vault.h"

typedef struct VaultReader VaultReader;

/* In a copied or restored data directory lists and the log can be read, media cannot (VAULT_ERROR_RESTORED, restore.h).
 * vault: the running vault of this process, NULL offline. With it, reads notice an erase at once (R18, fault 36). */
VaultReader *vault_reader_open(const char *data_dir, Vault *vault, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vault_reader_free(VaultReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultReader, vault_reader_free)

/* JSON as PROTOCOL.md's GET /v1/sessions, /v1/sessions/{sid} and …/segments. New references. VAULT_ERROR_NOT_FOUND for an unknown session. */
json_t *vault_reader_sessions(VaultReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
json_t *vault_reader_session(VaultReader *reader, const char *session, GError **error) G_GNUC_WARN_UNUSED_RESULT;
json_t *vault_reader_segments(VaultReader *reader, const char *session, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same of one participant alone; NULL: of all. */
json_t *vault_reader_segments_of(VaultReader *reader, const char *session, const char *participant, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Compact: consecutive segments of one track with one fate as one range {first, last, segments, bytes, start, end, …}. */
json_t *vault_reader_runs(VaultReader *reader, const char *session, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Where a session's leaves stand in the log, and the salts that open their commitments (R23), base64: {events: [index], media: [index], salts: {session?,
 * participants: {id: salt}, staff: {id: salt}}}. media: of segments. Without salts.session they were erased, and nothing is listed. */
json_t *vault_reader_session_leaves(VaultReader *reader, const char *session, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* One decrypted segment, whole (a segment is some hundred kB to a few MB). VAULT_ERROR_ERASED when it is gone: no byte of it is given out. */
GBytes *vault_reader_segment_bytes(VaultReader *reader, guint64 segment, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- the log (R21, R23): what stands in it never changes --- */

/* The newest signed checkpoint (c2sp.org/tlog-checkpoint); g_free it. VAULT_ERROR_NOT_FOUND before the first leaf. */
char *vault_reader_checkpoint(VaultReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* c2sp.org/tlog-tiles: a hash tile, or the leaves under one, `width` wide (1 to 256). VAULT_ERROR_NOT_FOUND beyond the log's end. */
GBytes *vault_reader_tile(VaultReader *reader, guint level, guint64 index, guint width, GError **error) G_GNUC_WARN_UNUSED_RESULT;
GBytes *vault_reader_entries(VaultReader *reader, guint64 index, guint width, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* c2sp.org/tlog-proof of one leaf under the newest checkpoint; g_free it. */
char *vault_reader_proof(VaultReader *reader, guint64 index, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The log's verifier key as text (gate/ledger/note.h); g_free it. */
char *vault_reader_verifier(VaultReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
