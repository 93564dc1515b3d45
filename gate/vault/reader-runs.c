/* SPDX-License-Identifier: Apache-2.0 */
/* The segments of a session as runs: what a page can draw of eight hours. Merged row by row, so that the read lock is held for a page only. */
#include <string.h>

#include "gate/vault/reader-private.h"

#define PAGE_ROWS 256 /* as reader-json.c */

typedef struct Run {
  gint64 request, take, first, last, segments, bytes, start_ms, end_ms; /* times 0: unknown */
  char *participant, *track, *medium, *state, *reason;
} Run;

static void run_free(gpointer data) {
  Run *run = data;
  g_free(run->participant);
  g_free(run->track);
  g_free(run->medium);
  g_free(run->state);
  g_free(run->reason);
  g_free(run);
}

/* Columns: id, request, take, participant, track, medium, seq, start, end, bytes, state, reason. */
static Run *run_of(sqlite3_stmt *row) {
  Run *run = g_new0(Run, 1);
  *run = (Run){.request = sqlite3_column_int64(row, 1),
               .take = sqlite3_column_int64(row, 2),
               .participant = g_strdup(store_text(row, 3)),
               .track = g_strdup(store_text(row, 4)),
               .medium = g_strdup(store_text(row, 5)),
               .first = sqlite3_column_int64(row, 6),
               .last = sqlite3_column_int64(row, 6),
               .segments = 1,
               .start_ms = sqlite3_column_int64(row, 7),
               .end_ms = sqlite3_column_int64(row, 8),
               .bytes = sqlite3_column_int64(row, 9),
               .state = g_strdup(store_text(row, 10)),
               .reason = g_strdup((const char *)sqlite3_column_text(row, 11))};
  return run;
}

static gboolean run_extend(Run *run, sqlite3_stmt *row) {
  const gint64 seq = sqlite3_column_int64(row, 6), start_ms = sqlite3_column_int64(row, 7), end_ms = sqlite3_column_int64(row, 8);
  if (seq != run->last + 1 || strcmp(run->state, store_text(row, 10)) != 0 ||
      g_strcmp0(run->reason, (const char *)sqlite3_column_text(row, 11)) != 0)
    return FALSE;
  run->last = seq;
  run->segments++;
  run->bytes += sqlite3_column_int64(row, 9);
  if (start_ms != 0)
    run->start_ms = run->start_ms == 0 ? start_ms : MIN(run->start_ms, start_ms);
  run->end_ms = MAX(run->end_ms, end_ms);
  return TRUE;
}

/* open: the last run of each track. */
static void take_row(GHashTable *open, GPtrArray *runs, sqlite3_stmt *row) {
  g_autofree char *key = g_strdup_printf("%lld\n%lld\n%s\n%s", (long long)sqlite3_column_int64(row, 1),
                                         (long long)sqlite3_column_int64(row, 2), store_text(row, 3), store_text(row, 4));
  Run *last = g_hash_table_lookup(open, key);
  if (last != NULL && run_extend(last, row))
    return;
  Run *run = run_of(row);
  g_ptr_array_add(runs, run);
  g_hash_table_insert(open, g_steal_pointer(&key), run);
}

/* One recording after the other: so each page is a walk along the index, however many segments there are. */
static gboolean read_recording(VaultReader *reader, gint64 recording, GHashTable *open, GPtrArray *runs, GError **error) {
  static const char sql[] =
      "SELECT id, request, take, participant, track, medium, seq, start_at, end_at, bytes,"
      " CASE WHEN dropped IS NOT NULL THEN 'dropped' WHEN purged IS NULL THEN 'kept' WHEN purged = 'expired' THEN 'expired' ELSE 'purged' "
      "END,"
      " coalesce(dropped, purged) FROM (SELECT s.*, (SELECT request FROM recordings WHERE id = ?1) AS request, " READER_PURGED
      " AS purged FROM segments AS s WHERE s.recording = ?1 AND s.id > ?2 ORDER BY s.id LIMIT ?3)";
  gint64 last = -1, rows = PAGE_ROWS;
  while (rows == PAGE_ROWS) {
    g_autoptr(sqlite3_stmt) page = store_query(reader->db, error, sql, "iii", recording, last, (gint64)PAGE_ROWS);
    gboolean failed = FALSE;
    for (rows = 0; page && store_step(page, &failed, error); rows++) {
      last = sqlite3_column_int64(page, 0);
      take_row(open, runs, page);
    }
    if (!page || failed)
      return FALSE;
  }
  return TRUE;
}

static gboolean read_rows(VaultReader *reader, const char *session, GHashTable *open, GPtrArray *runs, GError **error) {
  gint64 recording = -1;
  for (;;) {
    if (!store_number(reader->db, -1, &recording, error,
                      "SELECT min(id) FROM recordings WHERE session = ? AND id > ? HAVING min(id) NOT NULL", "si", session, recording))
      return FALSE;
    if (recording < 0)
      return TRUE;
    if (!read_recording(reader, recording, open, runs, error))
      return FALSE;
  }
}

static json_t *run_json(const Run *run) {
  return json_pack("{s:I, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:s, s:s?}", "request", (json_int_t)run->request, "take",
                   (json_int_t)run->take, "participant", run->participant, "track", run->track, "medium", run->medium, "first",
                   (json_int_t)run->first, "last", (json_int_t)run->last, "segments", (json_int_t)run->segments, "bytes",
                   (json_int_t)run->bytes, "start", reader_time_json(run->start_ms), "end", reader_time_json(run->end_ms), "state",
                   run->state, "reason", run->reason);
}

json_t *vault_reader_runs(VaultReader *reader, const char *session, GError **error) {
  g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func(run_free);
  g_autoptr(GHashTable) open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  if (!reader_check_session(reader, session, error) || !read_rows(reader, session, open, runs, error))
    return NULL;
  json_t *list = json_array();
  for (guint i = 0; i < runs->len; i++)
    json_array_append_new(list, run_json(runs->pdata[i]));
  return list;
}
