/* SPDX-License-Identifier: Apache-2.0 */
/* What reader.c and reader-json.c share. Nothing outside gate/vault includes this.
 *
 * Threads: the reader's one thread. */
#ifndef RECGATE_VAULT_READER_PRIVATE_H
#define RECGATE_VAULT_READER_PRIVATE_H

#include "gate/vault/chunked.h"
#include "gate/vault/keyring.h"
#include "gate/vault/store.h"
#include "gate/vault/vault-reader.h"

typedef struct ReaderSecrets { /* locked memory */
  guint8 key[AEAD_KEY_BYTES];
  ChunkedKeys derived;
} ReaderSecrets;

struct VaultReader {
  char *dir;
  Vault *vault; /* NULL offline */
  int dir_fd, segments_fd;
  sqlite3 *db;
  KeyRing *keyring;
  ReaderSecrets *secrets;
};

/* RFC 3339, UTC, with milliseconds; null for 0, which means unknown. */
json_t *reader_time_json(gint64 ms);
/* VAULT_ERROR_NOT_FOUND when there is no such session. */
gboolean reader_check_session(VaultReader *reader, const char *session, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* SQL: the newest reason why segment s is gone, NULL when it is not. Scopes as VaultScope: 2 participant, 3 session. */
#define READER_PURGED                                                                                                                                \
  "(SELECT p.reason FROM purges AS p WHERE p.recording = s.recording AND (p.scope = 3 OR (p.scope = 2 AND p.participant = s.participant))"           \
  " ORDER BY p.id LIMIT 1)"

#endif
