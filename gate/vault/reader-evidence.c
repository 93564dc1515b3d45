/* SPDX-License-Identifier: Apache-2.0 */
/* What an evidence bundle needs beside the lists of reader-json.c, and the reports that wait for one. */
#include <string.h>

#include "gate/ledger/commitment.h"
#include "gate/ledger/proof.h"
#include "gate/vault/reader-private.h"
#include "gate/vault/vault-reports.h"

/* A page of the log is read and let go: the read lock that it needs keeps an erase waiting. */
#define PAGE_LEAVES 2048
#define QUEUE_ROWS  64

static json_t *nullable(sqlite3_stmt *row, int column) {
  const char *text = (const char *)sqlite3_column_text(row, column);
  return text ? json_string(text) : json_null();
}

static json_t *integer(sqlite3_stmt *row, int column) {
  return json_integer(sqlite3_column_int64(row, column));
}

/* One object a row; names[i] is of column i, `numbers` the first column that is an integer. */
static json_t *rows_json(sqlite3_stmt *row, const char *const *names, guint numbers, GError **error) {
  json_t *list = json_array();
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error)) {
    json_t *one = json_object();
    for (guint i = 0; names[i]; i++)
      json_object_set_new(one, names[i], i < numbers ? nullable(row, (int)i) : integer(row, (int)i));
    json_array_append_new(list, one);
  }
  if (row && !failed)
    return list;
  json_decref(list);
  return NULL;
}

json_t *vault_reader_reports(VaultReader *reader, const char *session, GError **error) {
  static const char *const names[] = {"report", "participant", "kind", "text", "bundle_sha256", "at", NULL};
  g_autoptr(sqlite3_stmt) row =
      store_query(reader->db, error,
                  "SELECT report, participant, kind, text, sha256, at FROM reports WHERE session = ? ORDER BY at, report", "s", session);
  return rows_json(row, names, 5, error);
}

json_t *vault_reader_report_queue(VaultReader *reader, const char *channel, GError **error) {
  static const char *const names[] = {"report",        "session", "participant", "name",     "role",    "kind", "text",
                                      "bundle_sha256", "at",      "attempts",    "first_ms", "next_ms", NULL};
  g_autoptr(sqlite3_stmt) row =
      store_query(reader->db, error,
                  "SELECT r.report, r.session, r.participant, p.name, p.role, r.kind, r.text, r.sha256, r.at, coalesce(d.attempts, 0),"
                  " coalesce(d.first_at, 0), coalesce(d.next_at, 0) AS next_at"
                  " FROM reports AS r LEFT JOIN participants AS p ON p.session = r.session AND p.participant = r.participant"
                  " LEFT JOIN deliveries AS d ON d.report = r.report AND d.channel = ?1"
                  " WHERE (?1 IS NULL) = (r.sha256 IS NULL) AND (d.state IS NULL OR d.state = 'waiting') ORDER BY next_at, r.at LIMIT ?2",
                  "si", channel, (gint64)QUEUE_ROWS);
  return rows_json(row, names, 8, error);
}

static json_t *salts_of(VaultReader *reader, const char *session, GError **error) {
  g_autoptr(sqlite3_stmt) row =
      store_query(reader->db, error, "SELECT participant, salt FROM salts WHERE session = ? ORDER BY participant", "s", session);
  json_t *salts = json_object();
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error)) {
    g_autofree char *salt = note_base64(sqlite3_column_blob(row, 1), (gsize)sqlite3_column_bytes(row, 1));
    json_object_set_new(salts, store_text(row, 0), json_string(salt));
  }
  if (row && !failed)
    return salts;
  json_decref(salts);
  return NULL;
}

json_t *vault_reader_salts(VaultReader *reader, const char *session, GError **error) {
  json_t *people = salts_of(reader, session, error);
  if (!people)
    return NULL;
  json_t *own = json_incref(json_object_get(people, "")); /* the session's own: nobody's id is empty */
  json_object_del(people, "");
  return json_pack("{s:o, s:o}", "session", own ? own : json_null(), "people", people);
}

json_t *vault_reader_staff_salts(VaultReader *reader, GError **error) {
  return salts_of(reader, "", error);
}

typedef struct Found {
  guint64 index;
  char *leaf;
} Found;

static void found_clear(gpointer found) {
  g_free(((Found *)found)->leaf);
}

static GArray *find_leaves(VaultReader *reader, gint64 first, gint64 end, const char *needle, GError **error) {
  g_autoptr(sqlite3_stmt) row =
      store_query(reader->db, error, "SELECT idx, leaf FROM leaves WHERE idx >= ? AND idx < ? AND instr(leaf, ?) > 0 ORDER BY idx", "iis",
                  first, end, needle);
  g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(Found));
  g_array_set_clear_func(page, found_clear);
  gboolean failed = FALSE;
  while (row && store_step(row, &failed, error)) {
    const Found found = {(guint64)sqlite3_column_int64(row, 0), g_strdup(store_text(row, 1))};
    g_array_append_val(page, found);
  }
  return row && !failed ? g_steal_pointer(&page) : NULL;
}

gboolean vault_reader_leaves(VaultReader *reader, guint64 size, const char *needle, VaultLeafTake take, gpointer user, GError **error) {
  for (guint64 first = 0; first < size; first += PAGE_LEAVES) {
    g_autoptr(GArray) page = find_leaves(reader, (gint64)first, (gint64)MIN(size, first + PAGE_LEAVES), needle, error);
    if (!page)
      return FALSE;
    for (guint i = 0; i < page->len; i++) {
      const Found *found = &g_array_index(page, Found, i);
      if (!take(found->index, found->leaf, user, error))
        return FALSE;
    }
  }
  return TRUE;
}

char *vault_reader_proof_under(VaultReader *reader, guint64 index, const char *checkpoint, GError **error) {
  g_autoptr(GError) why = NULL;
  char *proof = proof_file_under(reader->db, index, checkpoint, &why);
  if (!proof)
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_STORAGE, "no proof of leaf %" G_GUINT64_FORMAT ": %s", index,
                why ? why->message : "no checkpoint");
  return proof;
}
