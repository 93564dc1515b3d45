/* SPDX-License-Identifier: Apache-2.0 */
/* One segment: its row against its leaf, its file against its hash, and nothing of it where it was erased. */
#include <string.h>

#include "gate/audit/leaf.h"
#include "gate/audit/store-private.h"
#include "gate/ledger/commitment.h"

#define WRAPPED_BYTES 60 /* nonce, key, tag: gate/vault/aead.h */

static const char *text(sqlite3_stmt *row, int column) {
  const char *value = (const char *)sqlite3_column_text(row, column);
  return value ? value : "";
}

/* Does the plain text of the store stand behind the log's commitment? Without a salt nobody can say, and the numbers must do (R23). */
typedef enum Opened { OPENED_NOT = 0, OPENED_YES, OPENED_OTHERWISE } Opened;

typedef struct Claim {
  const char *session, *participant, *kind, *plain;
  ScanText sealed;
} Claim;

static Opened claim_open(Store *store, const Claim *claim) {
  gboolean failed = FALSE;
  char commitment[COMMITMENT_TEXT_BYTES];
  Opened opened = OPENED_NOT;
  if (!store->salt)
    store->salt = source_query(store->source, NULL, "SELECT salt FROM salts WHERE session = ?1 AND participant = ?2", 0, NULL);
  if (!store->salt)
    return OPENED_NOT;
  sqlite3_bind_text(store->salt, 1, claim->session, -1, SQLITE_TRANSIENT);
  sqlite3_bind_text(store->salt, 2, claim->participant, -1, SQLITE_TRANSIENT);
  if (source_step(store->source, store->salt, &failed, NULL) && sqlite3_column_bytes(store->salt, 0) == COMMITMENT_SALT_BYTES) {
    commitment_make(sqlite3_column_blob(store->salt, 0), claim->kind, claim->plain, commitment);
    opened = scan_is(claim->sealed, commitment) ? OPENED_YES : OPENED_OTHERWISE;
  }
  sqlite3_reset(store->salt);
  return opened;
}

#define ROW_SQL                                                                                                                            \
  "SELECT s.take, s.seq, s.bytes, s.continues, coalesce(s.start_at, 0), coalesce(s.end_at, 0), coalesce(r.request, -1), s.track, "         \
  "s.medium,"                                                                                                                              \
  " s.sha256, r.session, s.participant, s.consent_set, s.dropped IS NOT NULL, coalesce(length(s.wrapped), 0),"                             \
  " EXISTS(SELECT 1 FROM cleanups AS c WHERE c.recording = s.recording AND c.participant = s.participant)"                                 \
  " FROM segments AS s LEFT JOIN recordings AS r ON r.id = s.recording WHERE s.id = ?"
enum {
  TAKE,
  SEQ,
  BYTES,
  CONTINUES,
  START,
  END,
  REQUEST,
  TRACK,
  MEDIUM,
  SHA256,
  SESSION,
  PARTICIPANT,
  CONSENT_SET,
  DROPPED,
  WRAPPED,
  CLEANUP
};

static const char *numbers_differ(sqlite3_stmt *row, const Leaf *leaf) {
  const struct {
    const char *name;
    int column;
    gint64 logged;
  } numbers[] = {
      {"take", TAKE, leaf->take},    {"seq", SEQ, leaf->seq}, {"bytes", BYTES, leaf->bytes},      {"continues", CONTINUES, leaf->continues},
      {"start", START, leaf->start}, {"end", END, leaf->end}, {"request", REQUEST, leaf->request}};
  for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
    if (sqlite3_column_int64(row, numbers[i].column) != numbers[i].logged)
      return numbers[i].name;
  return !scan_is(leaf->track, text(row, TRACK))     ? "track"
         : !scan_is(leaf->medium, text(row, MEDIUM)) ? "medium"
         : !scan_is(leaf->sha256, text(row, SHA256)) ? "sha256"
                                                     : NULL;
}

static const char *ids_differ(Store *store, sqlite3_stmt *row, const Leaf *leaf, gboolean count) {
  const char *session = text(row, SESSION);
  const Claim claims[] = {{session, "", "session", session, leaf->session},
                          {session, text(row, PARTICIPANT), "participant", text(row, PARTICIPANT), leaf->participant},
                          {session, "", "consent_set", text(row, CONSENT_SET), leaf->consent_set}};
  static const char *const names[] = {"session", "participant", "consent_set"};
  gboolean whole = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS(claims); i++) {
    const Opened opened = claim_open(store, &claims[i]);
    if (opened == OPENED_OTHERWISE)
      return names[i];
    whole &= opened == OPENED_YES;
  }
  store->by_numbers += count && !whole;
  return NULL;
}

static gboolean row_differs(Store *store, const Kept *kept, sqlite3_stmt *row, gboolean count, char **what, GError **error) {
  Leaf leaf;
  gsize n = 0;
  g_autoptr(GError) why = NULL;
  g_autofree char *leaf_text = source_leaf(store->source, kept->leaf, &n, &why);
  if (why) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  if (!leaf_text || !leaf_read(&leaf, kept->leaf, leaf_text, n)) {
    *what = g_strdup("its leaf is gone");
    return TRUE;
  }
  const char *field = numbers_differ(row, &leaf);
  if (!field)
    field = ids_differ(store, row, &leaf, count);
  if (field)
    *what = g_strdup_printf("its record in the store says otherwise than its leaf about: %s", field);
  return TRUE;
}

static gboolean file_differs(Store *store, guint64 id, const char *sha256, gboolean count, char **what, char name[STORE_NAME_BYTES],
                             GError **error) {
  char hex[65];
  guint64 bytes = 0;
  g_autoptr(GError) why = NULL;
  store_file_name(id, FALSE, name);
  gboolean there = source_file_sha256(store->source, name, hex, &bytes, &why);
  if (!there && !why) { /* kept, and its renaming still on its way */
    char part[STORE_NAME_BYTES];
    store_file_name(id, TRUE, part);
    there = source_file_sha256(store->source, part, hex, &bytes, &why);
  }
  if (why) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  if (!there)
    *what = g_strdup("its file is missing");
  else if (strcmp(hex, sha256) != 0)
    *what = g_strdup("its file is not the one that was recorded: SHA-256 differs");
  store->files += count && there;
  store->bytes += count && there ? bytes : 0;
  return TRUE;
}

/* Of what was dropped or erased there is no key and no file left, or the daemon is about to tidy it up. */
static void gone_is_there(Store *store, guint64 id, gboolean was_kept, sqlite3_stmt *row, char **what, char name[STORE_NAME_BYTES]) {
  const gboolean wrapped = row && sqlite3_column_int(row, WRAPPED) > 0, listed = row && !sqlite3_column_int(row, DROPPED) && !was_kept;
  store_file_name(id, FALSE, name);
  const gboolean file = store_file_is_there(store, name);
  if (row && sqlite3_column_int(row, CLEANUP) && was_kept) {
    store->erasing++;
    return;
  }
  if (file)
    *what = g_strdup(was_kept ? "it was erased, and its file is still there" : "a file that no leaf explains");
  else if (wrapped)
    *what = g_strdup(was_kept ? "it was erased, and its wrapped key is still there" : "a key of a segment that was never kept");
  else if (listed)
    *what = g_strdup("the store lists it and no leaf does");
  if (!file)
    *name = '\0';
}

/* What the row says, in one short read transaction; the media are hashed after it. *sha256: of the file, where there must be one. */
static gboolean judge_row(Store *store, guint64 id, gboolean count, char sha256[65], char **what, char name[STORE_NAME_BYTES],
                          GError **error) {
  const Kept *kept = history_find(store->history, id);
  gboolean failed = FALSE;
  const gboolean there = source_step(store->source, store->row, &failed, error);
  if (failed)
    return FALSE;
  if (!kept || !history_is_kept(kept)) {
    gone_is_there(store, id, kept != NULL, there ? store->row : NULL, what, name);
    return TRUE;
  }
  if (!there)
    *what = g_strdup("the log says it is kept, and the store does not know it");
  else if (sqlite3_column_int(store->row, DROPPED) || sqlite3_column_int(store->row, WRAPPED) != WRAPPED_BYTES)
    *what = g_strdup("the log says it is kept, and the store has no key of it");
  else if (!row_differs(store, kept, store->row, count, what, error))
    return FALSE;
  g_strlcpy(sha256, there ? text(store->row, SHA256) : "", 65);
  return TRUE;
}

gboolean store_segment(Store *store, guint64 id, gboolean count, char **what, char name[STORE_NAME_BYTES], GError **error) {
  char sha256[65] = "";
  *what = NULL;
  *name = '\0';
  if (!store->row && !(store->row = source_query(store->source, error, ROW_SQL, 0, NULL)))
    return FALSE;
  sqlite3_bind_int64(store->row, 1, (gint64)id);
  const gboolean read = judge_row(store, id, count, sha256, what, name, error);
  sqlite3_reset(store->row); /* the row kept the read lock over the questions between */
  return read && (*what || !*sha256 || file_differs(store, id, sha256, count, what, name, error));
}
