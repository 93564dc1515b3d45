/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody saved earlier: only against that can a cut tail, or a history rewritten with the log's own key, be seen. */
#include <string.h>

#include "gate/audit/log-private.h"

#define SAVED_BYTES_MAX (1024 * 1024)
#define PROOF_HEADER    "c2sp.org/tlog-proof@v1\n"
#define JSON_DEPTH_MAX  16

void saved_free(gpointer data) {
  Saved *saved = data;
  g_free(saved->file);
  g_free(saved->proof);
  g_free(saved);
}

static gboolean looks_right(const char *text) {
  return g_str_has_prefix(text, PROOF_HEADER) || strstr(text, "\n\n\xe2\x80\x94 ") != NULL;
}

/* In JSON, whatever its shape: the first text that is a proof or a checkpoint. A receipt carries one. */
static const char *text_within(const json_t *value, guint depth) {
  const char *found = json_string_value(value), *name;
  size_t i;
  json_t *inner;
  if (found)
    return looks_right(found) ? found : NULL;
  if (depth > JSON_DEPTH_MAX)
    return NULL;
  json_object_foreach((json_t *)value, name, inner) if (!found) found = text_within(inner, depth + 1);
  json_array_foreach(value, i, inner) if (!found) found = text_within(inner, depth + 1);
  return found;
}

static gboolean bad_file(const char *file, const char *why, GError **error) {
  g_set_error(error, AUDIT_ERROR, AUDIT_ERROR_INPUT, "%s: %s", file, why);
  return FALSE;
}

static gboolean saved_open(Log *log, const char *file, const char *text, Findings *findings, GError **error) {
  g_autoptr(GError) why = NULL;
  const gboolean proof = g_str_has_prefix(text, PROOF_HEADER);
  const char *blank = proof ? strstr(text, "\n\n") : NULL, *note = proof ? (blank ? blank + 2 : "") : text;
  const char *index = proof ? strstr(text, "\nindex ") : NULL;
  Saved *saved = g_new0(Saved, 1);
  saved->file = g_strdup(file);
  saved->proof = proof ? g_strdup(text) : NULL;
  saved->index = index ? g_ascii_strtoull(index + strlen("\nindex "), NULL, 10) : 0;
  g_ptr_array_add(log->saved, saved);
  if (note_checkpoint_open(log->verifier, note, &saved->checkpoint, &why))
    return TRUE;
  if (!g_error_matches(why, LEDGER_ERROR, LEDGER_ERROR_SIGNATURE))
    return bad_file(file, why->message, error);
  findings_add(findings, NULL, "log", "%s: %s", file, why->message);
  saved->seen = TRUE;
  return TRUE;
}

static gboolean saved_load_one(Log *log, const char *file, Findings *findings, GError **error) {
  g_autofree char *text = NULL;
  gsize n = 0;
  g_autoptr(GError) why = NULL;
  if (!g_file_get_contents(file, &text, &n, &why))
    return bad_file(file, why->message, error);
  if (n > SAVED_BYTES_MAX || strlen(text) != n)
    return bad_file(file, "this is neither a checkpoint nor a proof", error);
  json_auto_t *json = looks_right(text) ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  const char *found = json ? text_within(json, 0) : text;
  return found && looks_right(found) ? saved_open(log, file, found, findings, error)
                                     : bad_file(file, "there is no checkpoint and no proof in it", error);
}

gboolean saved_load(Log *log, const char *const *files, Findings *findings, GError **error) {
  for (guint i = 0; files && files[i]; i++)
    if (!saved_load_one(log, files[i], findings, error))
      return FALSE;
  return saved_judge_size(log, findings) || TRUE;
}

/* --- tiles that were kept (c2sp.org/tlog-tiles) --- */

static char *tile_path(const char *dir, guint64 number) {
  g_autofree char *path = g_strdup_printf("%03u", (guint)(number % 1000));
  for (number /= 1000; number > 0; number /= 1000) {
    char *longer = g_strdup_printf("x%03u/%s", (guint)(number % 1000), path);
    g_free(path);
    path = longer;
  }
  return g_build_filename(dir, "tile", "0", path, NULL);
}

/* The widest that there is of a tile; NULL: none. */
static GBytes *tile_load(const char *dir, guint64 number) {
  g_autofree char *path = tile_path(dir, number), *partial = g_strconcat(path, ".p", NULL), *text = NULL;
  gsize n = 0;
  g_autoptr(GDir) widths = g_dir_open(partial, 0, NULL);
  guint64 widest = 0;
  for (const char *name; widths && (name = g_dir_read_name(widths));)
    widest = MAX(widest, g_ascii_strtoull(name, NULL, 10));
  g_autofree char *width = g_strdup_printf("%" G_GUINT64_FORMAT, widest), *file = g_build_filename(partial, width, NULL);
  if (!g_file_get_contents(path, &text, &n, NULL) && !g_file_get_contents(file, &text, &n, NULL))
    return NULL;
  return g_bytes_new_take(g_steal_pointer(&text), n);
}

static gboolean tile_agrees(Log *log, const MerkleHash *hash) {
  const guint64 number = log->size / LOG_WIDTH;
  gsize n = 0;
  if (!log->tiles)
    return TRUE;
  if (log->tile_number != number) {
    g_clear_pointer(&log->tile, g_bytes_unref);
    log->tile = tile_load(log->tiles, number);
    log->tile_number = number;
  }
  const guint8 *hashes = log->tile ? g_bytes_get_data(log->tile, &n) : NULL;
  const gsize at = log->size % LOG_WIDTH * sizeof hash->bytes;
  return at + sizeof hash->bytes > n || memcmp(hashes + at, hash->bytes, sizeof hash->bytes) == 0;
}

/* --- judging --- */

gboolean saved_judge_leaf(Log *log, const MerkleHash *hash, const char *text, gsize n, Findings *findings) {
  if (!tile_agrees(log, hash))
    return findings_add(findings, AT_LEAF(log->size), "log",
                        "leaf %" G_GUINT64_FORMAT " is not the one whose hash was saved: the history was rewritten from here on",
                        log->size);
  for (guint i = 0; i < log->saved->len; i++) {
    Saved *saved = log->saved->pdata[i];
    ProofFile file;
    g_autoptr(GError) why = NULL;
    if (!saved->proof || saved->seen || saved->index != log->size || proof_file_open(log->verifier, saved->proof, text, n, &file, &why))
      continue;
    saved->seen = TRUE;
    return findings_add(findings, AT_LEAF(log->size), "log",
                        "leaf %" G_GUINT64_FORMAT " is not the one that %s proves: the history was rewritten", log->size, saved->file);
  }
  return TRUE;
}

gboolean saved_judge_size(Log *log, Findings *findings) {
  gboolean all = TRUE;
  for (guint i = 0; i < log->saved->len; i++) {
    Saved *saved = log->saved->pdata[i];
    if (saved->seen || saved->checkpoint.size != log->size)
      continue;
    const MerkleHash root = log_root(log);
    saved->seen = TRUE;
    saved->holds = memcmp(root.bytes, saved->checkpoint.root.bytes, sizeof root.bytes) == 0;
    if (!saved->holds)
      all = findings_add(findings, AT_LEAF(0), "log",
                         "the first %" G_GUINT64_FORMAT
                         " leaves are not those of %s: the history was rewritten, from which of them on only saved tiles can tell",
                         log->size, saved->file);
  }
  return all;
}

void log_conclude(Log *log, Findings *findings) {
  for (guint i = 0; !log->unsound && i < log->saved->len; i++) {
    Saved *saved = log->saved->pdata[i];
    if (saved->seen)
      continue;
    saved->seen = log->unsound = TRUE;
    findings_add(findings, AT_LEAF(log->size), "log",
                 "leaf %" G_GUINT64_FORMAT " is missing: %s knows %" G_GUINT64_FORMAT " leaves; the end was cut off", log->size,
                 saved->file, saved->checkpoint.size);
  }
}

json_t *log_against(const Log *log) {
  json_t *list = json_array();
  for (guint i = 0; i < log->saved->len; i++) {
    const Saved *saved = log->saved->pdata[i];
    json_array_append_new(
        list, json_pack("{s:s, s:I, s:b}", "file", saved->file, "size", (json_int_t)saved->checkpoint.size, "holds", saved->holds));
  }
  return list;
}
