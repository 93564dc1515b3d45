/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/audit/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "gate/audit/store-private.h"

Store *store_new(Source *source, const History *history) {
  Store *store = g_new0(Store, 1);
  store->source = source;
  store->history = history;
  store->suspects = g_array_new(FALSE, FALSE, sizeof(guint64));
  store->strangers = g_ptr_array_new_with_free_func(g_free);
  store->holders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return store;
}

void store_free(Store *store) {
  if (!store)
    return;
  g_array_unref(store->suspects);
  g_ptr_array_unref(store->strangers);
  g_hash_table_unref(store->holders);
  g_free(store->last_holder);
  sqlite3_finalize(store->row);
  sqlite3_finalize(store->salt);
  g_free(store);
}

void store_file_name(guint64 id, gboolean part, char name[STORE_NAME_BYTES]) {
  g_snprintf(name, STORE_NAME_BYTES, "%016" G_GINT64_MODIFIER "x.%s", id, part ? "part" : "seg");
}

gboolean store_file_is_there(const Store *store, const char *name) {
  return store->source->segments_fd >= 0 && faccessat(store->source->segments_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void suspect(Store *store, guint64 id) {
  g_array_append_val(store->suspects, id);
}

/* --- rows --- */

typedef struct Row {
  guint64 id;
  gboolean dropped, wrapped;
  char *holder;
} Row;

static void row_clear(gpointer data) {
  g_free(((Row *)data)->holder);
}

static void note_holder(Store *store, Row *row, const Kept *kept) {
  if (g_strcmp0(store->last_holder, row->holder) == 0 || !history_holder(kept))
    return;
  g_free(store->last_holder);
  store->last_holder = g_strdup(row->holder);
  g_hash_table_insert(store->holders, g_steal_pointer(&row->holder), history_holder(kept));
}

static gboolean look_at_row(Store *store, Row *row, GError **error) {
  const Kept *kept = history_find(store->history, row->id);
  g_autofree char *what = NULL;
  char name[STORE_NAME_BYTES];
  if (kept)
    note_holder(store, row, kept);
  if (kept && history_is_kept(kept)) {
    if (!store_segment(store, row->id, TRUE, &what, name, error))
      return FALSE;
    if (what)
      suspect(store, row->id);
  } else if (row->wrapped || (!kept && !row->dropped)) {
    suspect(store, row->id);
  }
  return TRUE;
}

static gboolean read_rows(Store *store, gint64 after, GArray *rows, GError **error) {
  const gint64 bounds[] = {after, STORE_PAGE_ROWS};
  gboolean failed = FALSE;
  g_array_set_size(rows, 0);
  g_autoptr(sqlite3_stmt) statement = source_query(
      store->source, error,
      "SELECT id, dropped IS NOT NULL, wrapped IS NOT NULL, recording || '/' || participant FROM segments WHERE id > ? ORDER BY id LIMIT ?",
      2, bounds);
  while (statement && source_step(store->source, statement, &failed, error)) {
    const Row row = {(guint64)sqlite3_column_int64(statement, 0), sqlite3_column_int(statement, 1) != 0,
                     sqlite3_column_int(statement, 2) != 0, g_strdup((const char *)sqlite3_column_text(statement, 3))};
    g_array_append_val(rows, row);
  }
  return statement && !failed;
}

typedef struct Looking {
  void (*progress)(const char *what, guint64 done, guint64 all, gpointer user);
  gpointer user;
  guint next; /* of the log's segments by growing id */
} Looking;

/* Segments that the log says are kept and that have no row. */
static void miss(Store *store, Looking *looking, guint64 before) {
  for (; looking->next < history_segments(store->history); looking->next++) {
    const Kept *kept = history_segment(store->history, looking->next);
    if (kept->id >= before)
      return;
    if (history_is_kept(kept))
      suspect(store, kept->id);
  }
}

static gboolean look_at_rows(Store *store, Looking *looking, GError **error) {
  g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(Row));
  g_array_set_clear_func(rows, row_clear);
  gint64 last = G_MININT64;
  do {
    if (!read_rows(store, last, rows, error))
      return FALSE;
    for (guint i = 0; i < rows->len; i++) {
      Row *row = &g_array_index(rows, Row, i);
      last = (gint64)row->id;
      miss(store, looking, row->id);
      while (looking->next < history_segments(store->history) && history_segment(store->history, looking->next)->id == row->id)
        looking->next++;
      if (!look_at_row(store, row, error))
        return FALSE;
    }
    if (looking->progress)
      looking->progress("segments", looking->next, history_segments(store->history), looking->user);
  } while (rows->len == STORE_PAGE_ROWS);
  miss(store, looking, G_MAXUINT64);
  return TRUE;
}

/* --- files --- */

static void look_at_file(Store *store, const char *name) {
  char *rest = NULL, seg[STORE_NAME_BYTES];
  const guint64 id = g_ascii_strtoull(name, &rest, 16);
  const gboolean part = rest == name + 16 && strcmp(rest, ".part") == 0, whole = rest == name + 16 && strcmp(rest, ".seg") == 0;
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
    return;
  const Kept *kept = part || whole ? history_find(store->history, id) : NULL;
  store_file_name(id, FALSE, seg);
  if (!part && !whole)
    g_ptr_array_add(store->strangers, g_strdup(name));
  else if (part && !kept)
    store->unfinished++;
  else if (!kept || !history_is_kept(kept) || (part && store_file_is_there(store, seg)))
    suspect(store, id);
}

static gboolean look_at_files(Store *store, GError **error) {
  const int fd = store->source->segments_fd < 0 ? -1 : openat(store->source->segments_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd < 0 ? NULL : fdopendir(fd);
  if (!dir && store->source->segments_fd >= 0) {
    g_set_error(error, AUDIT_ERROR, AUDIT_ERROR_STORE, "segments/ cannot be listed: %s", g_strerror(errno));
    return FALSE;
  }
  for (const struct dirent *entry; dir && (entry = readdir(dir));)
    look_at_file(store, entry->d_name);
  if (dir)
    closedir(dir);
  return TRUE;
}

gboolean store_look(Store *store, void (*progress)(const char *what, guint64 done, guint64 all, gpointer user), gpointer user,
                    GError **error) {
  Looking looking = {progress, user, 0};
  return look_at_rows(store, &looking, error) && look_at_files(store, error);
}

/* --- judging --- */

gboolean store_suspects(const Store *store) {
  return store->suspects->len + store->strangers->len > 0;
}

gboolean store_judge(Store *store, Findings *findings, GError **error) {
  store->erasing = 0;
  for (guint i = 0; i < store->suspects->len; i++) {
    g_autofree char *what = NULL;
    char name[STORE_NAME_BYTES] = "", file[STORE_NAME_BYTES + 16];
    const guint64 id = g_array_index(store->suspects, guint64, i);
    if (!store_segment(store, id, FALSE, &what, name, error))
      return FALSE;
    g_snprintf(file, sizeof file, "segments/%s", name);
    const Kept *kept = history_find(store->history, id);
    if (what)
      findings_add(findings, &(const FindingPlace){.leaf = kept ? (gint64)kept->leaf : -1, .segment = id, .file = *name ? file : NULL},
                   "R22", "%s", what);
  }
  for (guint i = 0; i < store->strangers->len; i++) {
    g_autofree char *file = g_strconcat("segments/", store->strangers->pdata[i], NULL);
    if (store_file_is_there(store, store->strangers->pdata[i]))
      findings_add(findings, &(const FindingPlace){.leaf = -1, .file = file}, "R22", "a file that is nobody's");
  }
  return store_keys(store, findings, error);
}

json_t *store_json(const Store *store) {
  return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "files", (json_int_t)store->files, "bytes", (json_int_t)store->bytes,
                   "by_numbers", (json_int_t)store->by_numbers, "unfinished", (json_int_t)store->unfinished, "erasing",
                   (json_int_t)store->erasing, "interrupted", (json_int_t)store->interrupted, "keys",
                   store->no_keys ? (json_int_t)-1 : (json_int_t)store->keys);
}
