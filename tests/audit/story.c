/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/audit/story.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "gate/vault/store.h"

#define SLOT_BYTES 512

static void remove_tree(const char *path) {
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name(dir));) {
    g_autofree char *child = g_build_filename(path, name, NULL);
    remove_tree(child);
  }
  g_remove(path);
}

Story *story_new(void) {
  Story *story = g_new0(Story, 1);
  g_autoptr(GError) error = NULL;
  story->dir = g_dir_make_tmp("story-XXXXXX", NULL);
  g_autofree char *segments = g_build_filename(story->dir, "segments", NULL);
  g_assert_cmpint(g_mkdir(segments, 0700), ==, 0);
  story->db = store_open(story->dir, TRUE, &error);
  g_assert_no_error(error);
  g_assert_true(store_prepare(story->db, &error));
  story_sql(story, "PRAGMA synchronous=OFF");
  story->ledger_key = ledger_key_new("story.test/one");
  story->key = ledger_key_verifier_text(story->ledger_key);
  char *secret = ledger_key_text(story->ledger_key);
  g_free(story_save(story, "ledger.key", secret));
  note_text_free(secret);
  return story;
}

void story_free(Story *story) {
  if (!story)
    return;
  store_close(story->db);
  ledger_key_free(story->ledger_key);
  remove_tree(story->dir);
  g_free(story->dir);
  g_free(story->key);
  g_free(story);
}

void story_sql(Story *story, const char *sql) {
  char *why = NULL;
  sqlite3_exec(story->db, sql, NULL, NULL, &why);
  g_assert_cmpstr(why, ==, NULL);
}

static void story_sqlf(Story *story, const char *format, ...) {
  va_list values;
  va_start(values, format);
  char *sql = sqlite3_vmprintf(format, values);
  va_end(values);
  story_sql(story, sql);
  sqlite3_free(sql);
}

char *story_save(Story *story, const char *name, const char *text) {
  char *path = g_build_filename(story->dir, name, NULL);
  g_autofree char *dir = g_path_get_dirname(path);
  g_mkdir_with_parents(dir, 0700);
  g_assert_true(g_file_set_contents(path, text, -1, NULL));
  return path;
}

char *story_checkpoint(Story *story, const char *name) {
  g_autofree char *note = ledger_checkpoint(story->db, NULL);
  g_assert_nonnull(note);
  return story_save(story, name, note);
}

void story_sign(Story *story) {
  g_autoptr(GError) error = NULL;
  g_assert_true(ledger_sign(story->db, story->ledger_key, &error));
  g_assert_no_error(error);
}

void story_append(Story *story, json_t *leaf) {
  g_autoptr(GError) error = NULL;
  gint64 index;
  g_assert_true(ledger_append(story->db, leaf, &index, NULL, &error));
  g_assert_no_error(error);
  story->leaves = (guint64)index + 1;
  json_decref(leaf);
}

/* --- the store that follows --- */

static void slot_write(Story *story, gint64 slot, const char *magic) {
  g_autofree char *path = g_build_filename(story->dir, "keys", NULL);
  char bytes[SLOT_BYTES] = {0};
  memcpy(bytes, magic, strlen(magic));
  const int fd = open(path, O_WRONLY | O_CREAT, 0600);
  g_assert_cmpint(pwrite(fd, bytes, sizeof bytes, slot * SLOT_BYTES), ==, SLOT_BYTES);
  close(fd);
}

static gint64 number(Story *story, const char *format, ...) {
  va_list values;
  va_start(values, format);
  char *sql = sqlite3_vmprintf(format, values);
  va_end(values);
  sqlite3_stmt *row = NULL;
  g_assert_cmpint(sqlite3_prepare_v2(story->db, sql, -1, &row, NULL), ==, SQLITE_OK);
  const gint64 found = sqlite3_step(row) == SQLITE_ROW && sqlite3_column_type(row, 0) != SQLITE_NULL ? sqlite3_column_int64(row, 0) : -1;
  sqlite3_finalize(row);
  sqlite3_free(sql);
  return found;
}

static gint64 field(const json_t *leaf, const char *name) {
  return json_integer_value(json_object_get(leaf, name));
}

static const char *word(const json_t *leaf, const char *name) {
  return json_string_value(json_object_get(leaf, name));
}

static void keep(Story *story, json_t *leaf) {
  g_autofree char *content = g_strdup_printf("media of %d", (int)field(leaf, "segment"));
  g_autofree char *sha256 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, content, -1);
  g_autofree char *name = g_strdup_printf("segments/%016x.seg", (guint)field(leaf, "segment"));
  const char *who = word(leaf, "participant"), *session = word(leaf, "session");
  json_object_set_new(leaf, "bytes", json_integer((json_int_t)strlen(content)));
  json_object_set_new(leaf, "sha256", json_string(sha256));
  g_free(story_save(story, name, content));
  story_sqlf(story,
             "INSERT OR IGNORE INTO recordings(session, request, on_withdrawal, retention_s, disclosure, sha256, at) VALUES(%Q, %d, 3, 1, "
             "'', '', 1)",
             session, (int)field(leaf, "request"));
  const int recording =
      (int)number(story, "SELECT id FROM recordings WHERE session = %Q AND request = %d", session, (int)field(leaf, "request"));
  if (number(story, "SELECT slot FROM holders WHERE recording = %d AND participant = %Q", recording, who) < 0) {
    slot_write(story, story->slots, "RGKEY01");
    story_sqlf(story, "INSERT OR REPLACE INTO holders(recording, participant, slot) VALUES(%d, %Q, %d)", recording, who,
               (int)story->slots++);
  }
  story_sqlf(story,
             "INSERT OR IGNORE INTO segments(id, recording, take, participant, track, medium, codec, seq, continues, start_at, end_at, "
             "bytes, sha256,"
             " consent_set, wrapped) VALUES(%d, %d, %d, %Q, %Q, %Q, 'opus', %d, 0, 1, 2, %d, %Q, %Q, zeroblob(60))",
             (int)field(leaf, "segment"), recording, (int)field(leaf, "take"), who, word(leaf, "track"), word(leaf, "medium"),
             (int)field(leaf, "seq"), (int)strlen(content), sha256, word(leaf, "consent_set"));
}

static void unkeep(Story *story, gint64 id) {
  g_autofree char *name = g_strdup_printf("%s/segments/%016x.seg", story->dir, (guint)id);
  g_remove(name);
  story_sqlf(story, "UPDATE segments SET wrapped = NULL, dropped = 'withdrawn' WHERE id = %d", (int)id);
}

static void purge(Story *story, const char *session, const char *who, const json_t *recording) {
  const gint64 scope = field(recording, "scope");
  const int id =
      (int)number(story, "SELECT id FROM recordings WHERE session = %Q AND request = %d", session, (int)field(recording, "request"));
  gint64 segment;
  if (scope < 2)
    return;
  if (scope == 3)
    who = NULL;
  while ((segment = number(story, "SELECT id FROM segments WHERE recording = %d AND wrapped IS NOT NULL AND coalesce(participant = %Q, 1)",
                           id, who)) >= 0) {
    unkeep(story, segment);
    story_sqlf(story, "UPDATE segments SET dropped = NULL WHERE id = %d", (int)segment);
  }
  while ((segment = number(story, "SELECT slot FROM holders WHERE recording = %d AND slot IS NOT NULL AND coalesce(participant = %Q, 1)",
                           id, who)) >= 0) {
    slot_write(story, segment, "");
    story_sqlf(story, "UPDATE holders SET slot = NULL WHERE slot = %d", (int)segment);
  }
}

static void follow(Story *story, json_t *leaf) {
  size_t i;
  json_t *one;
  const char *type = word(leaf, "type");
  if (strcmp(type, "commit") == 0 && word(leaf, "session"))
    keep(story, leaf);
  if (strcmp(type, "drop") == 0)
    json_array_foreach(json_object_get(leaf, "segments"), i, one) unkeep(story, field(one, "segment"));
  if (strcmp(type, "purge") == 0)
    json_array_foreach(json_object_get(leaf, "recordings"), i, one) purge(story, word(leaf, "session"), word(leaf, "participant"), one);
}

/* --- reading lines --- */

static json_t *scalar(const char *text) {
  gint64 value;
  if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
    return json_boolean(*text == 't');
  return g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &value, NULL) ? json_integer(value) : json_string(text);
}

static const struct {
  const char *name, *parts[5];
} lists[] = {{"roster", {NULL}},
             {"confirmed", {"participant", "before_us", "sfu"}},
             {"segments", {"segment", "participant", "track", "seq"}},
             {"recordings", {"request", "scope", "segments"}}};

static json_t *list_read(guint kind, const char *text) {
  g_auto(GStrv) items = g_strsplit(text, ",", -1);
  json_t *list = json_array();
  for (guint i = 0; items[i] && *items[i]; i++) {
    g_auto(GStrv) parts = g_strsplit(items[i], ":", -1);
    json_t *one = lists[kind].parts[0] ? json_object() : scalar(items[i]);
    for (guint k = 0; lists[kind].parts[0] && parts[k]; k++)
      if (*parts[k])
        json_object_set_new(one, lists[kind].parts[k], scalar(parts[k]));
    json_array_append_new(list, one);
  }
  return list;
}

static json_t *value_read(const char *name, const char *text) {
  for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
    if (strcmp(lists[i].name, name) == 0)
      return list_read(i, text);
  return scalar(text);
}

static void tell_line(Story *story, const char *line) {
  g_auto(GStrv) words = g_strsplit(line, " ", -1);
  const gint64 t = (gint64)(story->leaves + 1) * 1000;
  json_t *leaf = json_pack("{s:s, s:I, s:I, s:s}", "type", words[0], "at", (json_int_t)t, "t", (json_int_t)t, "session", "s");
  for (guint i = 1; words[i]; i++) {
    char *equals = strchr(words[i], '=');
    g_assert_nonnull(equals);
    *equals = '\0';
    json_object_set_new(leaf, words[i], value_read(words[i], equals + 1));
  }
  if (g_strcmp0(word(leaf, "session"), "-") == 0)
    json_object_del(leaf, "session");
  follow(story, leaf);
  story_append(story, leaf);
}

void story_tell(Story *story, const char *text) {
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  story_sql(story, "BEGIN");
  for (guint i = 0; lines[i]; i++)
    if (*lines[i])
      tell_line(story, lines[i]);
  story_sign(story);
  story_sql(story, "COMMIT");
}

/* --- verdicts --- */

json_t *story_verdict(const Story *story, const char *const *checkpoints, const char *tiles) {
  const AuditOptions options = {.data = story->dir, .checkpoints = checkpoints, .tiles = tiles, .key = story->key};
  g_autoptr(GError) error = NULL;
  json_t *verdict = audit_run(&options, &error);
  g_assert_no_error(error);
  return verdict;
}

void story_expect(const json_t *verdict, const char *about, const char *rule, gint64 leaf) {
  const json_t *first = json_array_get(json_object_get(verdict, "findings"), 0);
  const json_t *place = json_object_get(first, "leaf");
  if (g_strcmp0(word(first, "rule"), rule) != 0 || (leaf >= 0 && json_integer_value(place) != leaf) ||
      json_is_true(json_object_get(verdict, "ok")) != (rule == NULL)) {
    char *text = json_dumps(json_object_get(verdict, "findings"), JSON_INDENT(1));
    g_test_message("%s: expected %s at leaf %d, got %s", about, rule ? rule : "nothing", (int)leaf, text);
    free(text);
    g_test_fail();
  }
}
