/* SPDX-License-Identifier: Apache-2.0 */
/* Which leaves are a session's, and the salts that open their commitments: for an auditor alone. */
#include <string.h>

#include "gate/ledger/commitment.h"
#include "gate/ledger/note.h"
#include "gate/vault/reader-private.h"

#define PAGE_LEAVES 2048 /* looked through at a time; then the read lock is let go: an erase may be waiting for it */

static gboolean add_salts(VaultReader *reader, const char *session, json_t *salts, GError **error) {
  g_autoptr(sqlite3_stmt) row =
      store_query(reader->db, error, "SELECT participant, salt FROM salts WHERE session = ? AND participant != ''", "s", session);
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error)) {
    g_autofree char *text = note_base64(sqlite3_column_blob(row, 1), (gsize)sqlite3_column_bytes(row, 1));
    json_object_set_new(salts, store_text(row, 0), json_string(text));
  }
  return row && !failed;
}

/* The places of leaves after `last`, up to `end`; segments' own apart from the others, because there are so many. */
static gboolean add_page(VaultReader *reader, const char *needle, gint64 last, gint64 end, json_t *events, json_t *media, GError **error) {
  g_autoptr(sqlite3_stmt) row = store_query(reader->db, error,
                                            "SELECT idx, leaf LIKE '%\"type\":\"commit\"%' OR leaf LIKE '%\"type\":\"drop\"%' FROM leaves "
                                            "WHERE idx > ? AND idx <= ? AND instr(leaf, ?)"
                                            " ORDER BY idx",
                                            "iis", last, end, needle);
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error))
    json_array_append_new(sqlite3_column_int64(row, 1) ? media : events, json_integer(sqlite3_column_int64(row, 0)));
  return row && !failed;
}

static gboolean find_leaves(VaultReader *reader, const char *needle, json_t *events, json_t *media, GError **error) {
  gint64 end = -1;
  if (!store_number(reader->db, -1, &end, error, "SELECT max(idx) FROM leaves", ""))
    return FALSE;
  for (gint64 last = -1; last < end; last += PAGE_LEAVES)
    if (!add_page(reader, needle, last, MIN(end, last + PAGE_LEAVES), events, media, error))
      return FALSE;
  return TRUE;
}

json_t *vault_reader_session_leaves(VaultReader *reader, const char *session, GError **error) {
  guint8 salt[COMMITMENT_SALT_BYTES];
  char commitment[COMMITMENT_TEXT_BYTES];
  gboolean found;
  g_autoptr(GError) why = NULL;
  if (!reader_check_session(reader, session, error))
    return NULL;
  if (!commitment_salt(reader->db, session, "", salt, &found, &why) && why) {
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_STORAGE, why->message);
    return NULL;
  }
  json_t *events = json_array(), *media = json_array(), *people = json_object(), *staff = json_object();
  json_t *result = json_pack("{s:o, s:o, s:{s:o, s:o}}", "events", events, "media", media, "salts", "participants", people, "staff", staff);
  if (!found) /* erased (R23): nobody can tell any more which leaves were its */
    return result;
  commitment_make(salt, "session", session, commitment);
  g_autofree char *needle = g_strdup_printf("\"session\":\"%s\"", commitment), *text = note_base64(salt, sizeof salt);
  json_object_set_new(json_object_get(result, "salts"), "session", json_string(text));
  if (add_salts(reader, session, people, error) && add_salts(reader, "", staff, error) && find_leaves(reader, needle, events, media, error))
    return result;
  json_decref(result);
  return NULL;
}
