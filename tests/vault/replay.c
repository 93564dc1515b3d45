/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves hold commitments, state holds what they stand for: the state is sealed by a SQL function of ours, and then both are compared as JSON. */
#include "tests/vault/replay.h"

#include <sodium.h>
#include <string.h>

#include "gate/ledger/commitment.h"
#include "tests/vault/fixture.h"

typedef struct Replay {
  json_t *tables; /* {table: {key: {column: value}}} */
  const json_t *leaf;
  const char *session; /* sealed; NULL: none */
  gint64 index;
  char hash[65];
} Replay;

static const struct {
  const char *table, *sql; /* first column: the key */
} state[] = {
    {"sessions", "SELECT seal('session', session, '', session) AS key, first_at, last_at FROM sessions"},
    {"participants", "SELECT seal('session', session, '', session) || ' ' || seal('participant', session, participant, participant) AS key,"
                     " seal('name', session, participant, name) AS name, role, joined_at, left_at, left_reason FROM participants"},
    {"recordings", "SELECT seal('session', session, '', session) || ' ' || request AS key, ended, retention_s, at,"
                   " CASE on_withdrawal WHEN 1 THEN 'after' WHEN 2 THEN 'participant' ELSE 'session' END AS on_withdrawal,"
                   " seal('disclosure_sha256', session, '', sha256) AS sha256, seal('participant', session, asker, asker) AS asker"
                   " FROM recordings"},
    {"consents", "SELECT seal('session', session, '', session) || ' ' || request || ' ' ||"
                 " seal('participant', session, participant, participant) AS key, seal('session', session, '', session) AS session,"
                 " seal('participant', session, participant, participant) AS participant, answer, media, scope, at,"
                 " seal('disclosure_sha256', session, '', sha256) AS sha256 FROM consents"},
    {"takes", "SELECT seal('session', session, '', session) || ' ' || take AS key, request, opened_at, closed_at, reason,"
              " (SELECT json_group_array(seal('participant', session, value, value)) FROM json_each(roster)) AS roster FROM takes"},
    {"exports", "SELECT row_number() OVER (ORDER BY rowid) AS key, seal('session', session, '', session) AS session,"
                " seal('participant', session, participant, participant) AS participant, seal('by', '', by, by) AS by, begun_at,"
                " finished_at FROM exports"},
    {"holders", "SELECT seal('session', r.session, '', r.session) || ' ' || r.request || ' ' ||"
                " seal('participant', r.session, participant, participant) AS key, segments, bytes, slot IS NOT NULL AS held"
                " FROM holders JOIN recordings AS r ON r.id = recording"},
    {"runs", "SELECT seal('session', r.session, '', r.session) || ' ' || r.request || ' ' ||"
             " seal('participant', r.session, participant, participant) || ' ' || take || ' ' || track AS key, first, last"
             " FROM runs JOIN recordings AS r ON r.id = recording"},
    {"segments", "SELECT s.id AS key, seal('session', r.session, '', r.session) || ' ' || r.request AS recording, take, track, seq,"
                 " seal('participant', r.session, participant, CASE WHEN r.id IS NOT NULL THEN participant END) AS participant, dropped,"
                 " CASE WHEN dropped IS NULL THEN medium END AS medium, CASE WHEN dropped IS NULL THEN continues END AS continues,"
                 " CASE WHEN dropped IS NULL THEN start_at END AS start, CASE WHEN dropped IS NULL THEN end_at END AS end,"
                 " CASE WHEN dropped IS NULL THEN bytes END AS bytes, CASE WHEN dropped IS NULL THEN s.sha256 END AS sha256,"
                 " CASE WHEN dropped IS NULL THEN seal('consent_set', r.session, '', consent_set) END AS consent_set,"
                 " CASE WHEN EXISTS(SELECT 1 FROM purges AS p WHERE p.recording = s.recording AND (p.scope = 3 OR"
                 " (p.scope = 2 AND p.participant = s.participant))) THEN 'gone' WHEN wrapped IS NULL THEN 'no' ELSE 'yes' END AS key_is"
                 " FROM segments AS s LEFT JOIN recordings AS r ON r.id = s.recording"},
    {"purges", "SELECT leaf || ' ' || r.request AS key, seal('session', r.session, '', r.session) AS session, scope, p.reason, segments,"
               " bytes, hash, p.at, seal('participant', r.session, p.participant, p.participant) AS participant,"
               " seal('participant', r.session, by, by) AS by FROM purges AS p JOIN recordings AS r ON r.id = p.recording"},
};

/* --- the state, sealed --- */

/* seal(kind, session, person whose salt it is, text) */
static void seal(sqlite3_context *context, int n, sqlite3_value **values) {
  guint8 salt[COMMITMENT_SALT_BYTES];
  char commitment[COMMITMENT_TEXT_BYTES];
  gboolean found = FALSE;
  g_assert_cmpint(n, ==, 4);
  const char *kind = (const char *)sqlite3_value_text(values[0]), *session = (const char *)sqlite3_value_text(values[1]);
  const char *person = (const char *)sqlite3_value_text(values[2]), *text = (const char *)sqlite3_value_text(values[3]);
  if (!text)
    return; /* NULL stays NULL */
  g_autoptr(GError) error = NULL;
  if (!commitment_salt(sqlite3_user_data(context), session, person, salt, &found, &error)) {
    sqlite3_result_error(context, "no salt: state without a leaf", -1);
    return;
  }
  commitment_make(salt, kind, text, commitment);
  sqlite3_result_text(context, commitment, -1, SQLITE_TRANSIENT);
}

static json_t *column_json(sqlite3_stmt *row, int column) {
  switch (sqlite3_column_type(row, column)) {
  case SQLITE_INTEGER:
    return json_integer(sqlite3_column_int64(row, column));
  case SQLITE_NULL:
    return json_null();
  }
  return json_string((const char *)sqlite3_column_text(row, column));
}

/* NULL: there is something that no leaf speaks of. */
static json_t *table_json(sqlite3 *db, const char *sql) {
  sqlite3_stmt *row = NULL;
  json_t *table = json_object();
  int status;
  g_assert_cmpint(sqlite3_prepare_v2(db, sql, -1, &row, NULL), ==, SQLITE_OK);
  while ((status = sqlite3_step(row)) == SQLITE_ROW) {
    json_t *columns = json_object();
    for (int i = 1; i < sqlite3_column_count(row); i++)
      json_object_set_new(columns, sqlite3_column_name(row, i), column_json(row, i));
    json_object_set_new(table, (const char *)sqlite3_column_text(row, 0), columns);
  }
  sqlite3_finalize(row);
  if (status == SQLITE_DONE)
    return table;
  json_decref(table);
  return NULL;
}

/* --- what the leaves say --- */

static const char *word(const Replay *replay, const char *name) {
  return json_string_value(json_object_get(replay->leaf, name));
}

static gint64 number(const Replay *replay, const char *name) {
  return json_integer_value(json_object_get(replay->leaf, name));
}

static json_t *field(const json_t *object, const char *name) {
  json_t *value = json_object_get(object, name);
  return value ? json_incref(value) : json_null();
}

static json_t *table_of(const Replay *replay, const char *table) {
  return json_object_get(replay->tables, table);
}

G_GNUC_PRINTF(3, 4) static json_t *row_of(const Replay *replay, const char *table, const char *format, ...) {
  va_list values;
  va_start(values, format);
  g_autofree char *key = g_strdup_vprintf(format, values);
  va_end(values);
  return json_object_get(table_of(replay, table), key);
}

/* Takes the columns. */
G_GNUC_PRINTF(4, 5) static void row_set(const Replay *replay, const char *table, json_t *columns, const char *format, ...) {
  va_list values;
  va_start(values, format);
  g_autofree char *key = g_strdup_vprintf(format, values);
  va_end(values);
  g_assert_nonnull(columns);
  json_object_set_new(table_of(replay, table), key, columns);
}

/* What is null in `changes` stays as it was. Takes them. */
static void merge(json_t *row, json_t *changes) {
  const char *name;
  json_t *value;
  json_object_foreach(changes, name, value) if (!json_is_null(value)) json_object_set(row, name, value);
  json_decref(changes);
}

static json_t *list_text(const json_t *list) {
  char *text = json_dumps(list, JSON_COMPACT);
  json_t *string = text ? json_string(text) : json_null();
  free(text);
  return string;
}

static gboolean looks_only(const char *type) {
  return g_str_equal(type, "access") || g_str_equal(type, "export_begin") || g_str_equal(type, "refused");
}

static void follow_session(const Replay *replay, const char *type) {
  json_t *row = row_of(replay, "sessions", "%s", replay->session);
  const gint64 at = number(replay, "at");
  if (row)
    json_object_set_new(row, "last_at", json_integer(MAX(at, json_integer_value(json_object_get(row, "last_at")))));
  else if (!looks_only(type))
    row_set(replay, "sessions", json_pack("{s:I, s:I}", "first_at", (json_int_t)at, "last_at", (json_int_t)at), "%s", replay->session);
}

static void follow_presence(const Replay *replay, const char *type) {
  const char *person = word(replay, "participant");
  json_t *row = row_of(replay, "participants", "%s %s", replay->session, person);
  const json_int_t at = number(replay, "at");
  if (g_str_equal(type, "leave")) {
    if (row)
      json_object_update_new(row, json_pack("{s:I, s:o}", "left_at", at, "left_reason", field(replay->leaf, "reason")));
    return;
  }
  const json_int_t joined = row ? json_integer_value(json_object_get(row, "joined_at")) : at;
  row_set(replay, "participants",
          json_pack("{s:o, s:o, s:I, s:n, s:n}", "name", field(replay->leaf, "name"), "role", field(replay->leaf, "role"), "joined_at",
                    joined, "left_at", "left_reason"),
          "%s %s", replay->session, person);
}

static void follow_request(const Replay *replay) {
  row_set(replay, "recordings",
          json_pack("{s:i, s:o, s:o, s:o, s:o, s:o}", "ended", 0, "retention_s", field(replay->leaf, "retention_s"), "at",
                    field(replay->leaf, "at"), "on_withdrawal", field(replay->leaf, "on_withdrawal"), "sha256",
                    field(replay->leaf, "disclosure_sha256"), "asker", field(replay->leaf, "asker")),
          "%s %" G_GINT64_FORMAT, replay->session, number(replay, "request"));
}

static void follow_answer(const Replay *replay, const char *answer) {
  const char *person = word(replay, "participant");
  const gint64 request = number(replay, "request");
  if (!row_of(replay, "consents", "%s %" G_GINT64_FORMAT " %s", replay->session, request, person))
    row_set(replay, "consents",
            json_pack("{s:s, s:s, s:n, s:n, s:n}", "session", replay->session, "participant", person, "media", "scope", "sha256"),
            "%s %" G_GINT64_FORMAT " %s", replay->session, request, person);
  merge(row_of(replay, "consents", "%s %" G_GINT64_FORMAT " %s", replay->session, request, person),
        json_pack("{s:s, s:o, s:o, s:o, s:o}", "answer", answer, "media", list_text(json_object_get(replay->leaf, "media")), "scope",
                  field(replay->leaf, "scope"), "sha256", field(replay->leaf, "disclosure_sha256"), "at", field(replay->leaf, "at")));
}

/* Of a person, whatever they were asked: an offer lifts a no, a withdrawal ends everything. */
static void follow_person(const Replay *replay, const char *answer) {
  const gboolean offers = g_str_equal(answer, "offered");
  const char *key;
  json_t *row;
  json_object_foreach(table_of(replay, "consents"), key, row) {
    const char *was = json_string_value(json_object_get(row, "answer"));
    if (!json_equal(json_object_get(row, "participant"), json_object_get(replay->leaf, "participant")) ||
        g_strcmp0(json_string_value(json_object_get(row, "session")), replay->session) != 0 ||
        (offers && !g_str_equal(was, "declined") && !g_str_equal(was, "withdrawn")))
      continue;
    merge(row, json_pack("{s:s, s:o, s:o}", "answer", answer, "at", field(replay->leaf, "at"), "scope",
                         offers ? json_null() : field(replay->leaf, "scope")));
  }
}

static void follow_gate(const Replay *replay, const char *type) {
  json_t *row = row_of(replay, "takes", "%s %" G_GINT64_FORMAT, replay->session, number(replay, "take"));
  if (g_str_equal(type, "gate_close")) {
    if (row && json_is_null(json_object_get(row, "closed_at")))
      json_object_update_new(row, json_pack("{s:o, s:o}", "closed_at", field(replay->leaf, "at"), "reason", field(replay->leaf, "reason")));
    return;
  }
  g_assert_null(row); /* takes are numbered */
  row_set(replay, "takes",
          json_pack("{s:o, s:o, s:o, s:n, s:n}", "request", field(replay->leaf, "request"), "roster",
                    list_text(json_object_get(replay->leaf, "roster")), "opened_at", field(replay->leaf, "at"), "closed_at", "reason"),
          "%s %" G_GINT64_FORMAT, replay->session, number(replay, "take"));
}

static void follow_export(const Replay *replay, const char *type) {
  json_t *exports = table_of(replay, "exports");
  if (g_str_equal(type, "export_begin")) {
    row_set(replay, "exports",
            json_pack("{s:s, s:o, s:o, s:o, s:n}", "session", replay->session, "participant", field(replay->leaf, "participant"), "by",
                      field(replay->leaf, "by"), "begun_at", field(replay->leaf, "at"), "finished_at"),
            "%zu", json_object_size(exports) + 1);
    return;
  }
  for (gsize i = 1; i <= json_object_size(exports); i++) {
    json_t *row = row_of(replay, "exports", "%zu", i);
    if (!json_is_null(json_object_get(row, "finished_at")) ||
        !json_equal(json_object_get(row, "by"), json_object_get(replay->leaf, "by")) ||
        !json_equal(json_object_get(row, "participant"), json_object_get(replay->leaf, "participant")))
      continue;
    json_object_set(row, "finished_at", json_object_get(replay->leaf, "at"));
    return;
  }
}

/* --- segments --- */

static void add(json_t *row, const char *name, gint64 more) {
  json_object_set_new(row, name, json_integer(json_integer_value(json_object_get(row, name)) + more));
}

static json_t *holder_of(const Replay *replay, gint64 request, const char *person) {
  if (!row_of(replay, "holders", "%s %" G_GINT64_FORMAT " %s", replay->session, request, person))
    row_set(replay, "holders", json_pack("{s:i, s:i, s:i}", "segments", 0, "bytes", 0, "held", 1), "%s %" G_GINT64_FORMAT " %s",
            replay->session, request, person);
  return row_of(replay, "holders", "%s %" G_GINT64_FORMAT " %s", replay->session, request, person);
}

/* Takes the details. Where the request never reached the disk its segments, all of them dropped, are in state nobody's. */
static void segment_set(const Replay *replay, const json_t *of, json_t *details) {
  g_autofree char *key = g_strdup_printf("%s %" G_GINT64_FORMAT, replay->session, number(replay, "request"));
  const gboolean asked = row_of(replay, "recordings", "%s", key) != NULL;
  g_assert_true(asked || !json_is_null(json_object_get(details, "dropped")));
  json_object_update_new(details, json_pack("{s:o, s:o, s:o, s:o, s:o}", "recording", asked ? json_string(key) : json_null(), "take",
                                            field(replay->leaf, "take"), "track", field(of, "track"), "seq", field(of, "seq"),
                                            "participant", asked ? field(of, "participant") : json_null()));
  row_set(replay, "segments", details, "%" G_GINT64_FORMAT, (gint64)json_integer_value(json_object_get(of, "segment")));
}

static void follow_commit(const Replay *replay) {
  const json_t *leaf = replay->leaf;
  const gint64 request = number(replay, "request"), seq = number(replay, "seq");
  const char *person = word(replay, "participant");
  g_assert_null(row_of(replay, "segments", "%" G_GINT64_FORMAT, number(replay, "segment")));
  segment_set(replay, leaf,
              json_pack("{s:n, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:s}", "dropped", "medium", field(leaf, "medium"), "continues",
                        json_is_true(json_object_get(leaf, "continues")), "start", field(leaf, "start"), "end", field(leaf, "end"), "bytes",
                        field(leaf, "bytes"), "sha256", field(leaf, "sha256"), "consent_set", field(leaf, "consent_set"), "key_is", "yes"));
  json_t *holder = holder_of(replay, request, person);
  json_object_set_new(holder, "held", json_integer(1));
  add(holder, "segments", 1);
  add(holder, "bytes", number(replay, "bytes"));
  g_autofree char *run = g_strdup_printf("%s %" G_GINT64_FORMAT " %s %" G_GINT64_FORMAT " %s", replay->session, request, person,
                                         number(replay, "take"), word(replay, "track"));
  const json_t *was = row_of(replay, "runs", "%s", run);
  const gint64 first = was ? json_integer_value(json_object_get(was, "first")) : seq;
  row_set(replay, "runs", json_pack("{s:I, s:I}", "first", (json_int_t)MIN(first, seq), "last", (json_int_t)seq), "%s", run);
}

static void follow_drop(const Replay *replay) {
  gsize i;
  json_t *one;
  json_array_foreach(json_object_get(replay->leaf, "segments"), i, one) {
    const json_t *was = row_of(replay, "segments", "%" G_GINT64_FORMAT, (gint64)json_integer_value(json_object_get(one, "segment")));
    if (was && !json_is_null(json_object_get(was, "dropped")))
      g_error("segment %" G_GINT64_FORMAT " is dropped twice", (gint64)json_integer_value(json_object_get(one, "segment")));
    if (was) { /* withdrawn while it was being committed */
      json_t *holder = holder_of(replay, number(replay, "request"), json_string_value(json_object_get(one, "participant")));
      add(holder, "segments", -1);
      add(holder, "bytes", -json_integer_value(json_object_get(was, "bytes")));
      if (json_integer_value(json_object_get(holder, "segments")) == 0)
        json_object_set_new(holder, "held", json_integer(0));
    }
    segment_set(replay, one,
                json_pack("{s:o, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:s}", "dropped", field(replay->leaf, "reason"), "medium", "continues",
                          "start", "end", "bytes", "sha256", "consent_set", "key_is", "no"));
  }
}

static void purge_recording(const Replay *replay, const json_t *one) {
  const gint64 request = json_integer_value(json_object_get(one, "request")), scope = json_integer_value(json_object_get(one, "scope"));
  gint64 segments = 0, bytes = 0;
  gsize i;
  json_t *person;
  json_array_foreach(json_object_get(one, "purged"), i, person) {
    json_t *holder = holder_of(replay, request, json_string_value(json_object_get(person, "participant")));
    g_assert_cmpint(json_integer_value(json_object_get(holder, "held")), ==, 1);
    json_object_set_new(holder, "held", json_integer(0));
    segments += json_integer_value(json_object_get(holder, "segments"));
    bytes += json_integer_value(json_object_get(holder, "bytes"));
  }
  g_assert_cmpint(json_integer_value(json_object_get(one, "segments")), ==, segments); /* the leaf is true to the leaves before it */
  g_assert_cmpint(json_integer_value(json_object_get(one, "bytes")), ==, bytes);
  json_object_set_new(row_of(replay, "recordings", "%s %" G_GINT64_FORMAT, replay->session, request), "ended", json_integer(1));
  row_set(replay, "purges",
          json_pack("{s:s, s:I, s:o, s:I, s:I, s:s, s:o, s:o, s:o}", "session", replay->session, "scope", (json_int_t)scope, "reason",
                    field(replay->leaf, "reason"), "segments", (json_int_t)segments, "bytes", (json_int_t)bytes, "hash", replay->hash, "at",
                    field(replay->leaf, "at"), "participant", scope == 2 ? field(replay->leaf, "participant") : json_null(), "by",
                    field(replay->leaf, "participant")),
          "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT, replay->index, request);
}

/* What was dropped after a purge is gone as well: judged at the end. */
static void cover_segments(const Replay *replay) {
  const char *key, *purge_key;
  json_t *segment, *purge;
  json_object_foreach(table_of(replay, "segments"), key, segment) {
    json_object_foreach(table_of(replay, "purges"), purge_key, purge) {
      g_autofree char *recording =
          g_strdup_printf("%s %s", json_string_value(json_object_get(purge, "session")), strchr(purge_key, ' ') + 1);
      const gint64 scope = json_integer_value(json_object_get(purge, "scope"));
      if (g_strcmp0(recording, json_string_value(json_object_get(segment, "recording"))) == 0 &&
          (scope == 3 || (scope == 2 && json_equal(json_object_get(purge, "participant"), json_object_get(segment, "participant")))))
        json_object_set_new(segment, "key_is", json_string("gone"));
    }
  }
}

static void follow(const Replay *replay) {
  const char *type = word(replay, "type");
  gsize i;
  json_t *one;
  if (replay->session)
    follow_session(replay, type);
  if (g_str_equal(type, "join") || g_str_equal(type, "leave"))
    follow_presence(replay, type);
  else if (g_str_equal(type, "request"))
    follow_request(replay);
  else if (g_str_equal(type, "grant"))
    follow_answer(replay, "granted");
  else if (g_str_equal(type, "decline"))
    follow_answer(replay, "declined");
  else if (g_str_equal(type, "offer"))
    follow_person(replay, "offered");
  else if (g_str_equal(type, "withdraw") && number(replay, "request"))
    follow_answer(replay, "withdrawn");
  else if (g_str_equal(type, "withdraw"))
    follow_person(replay, "withdrawn");
  else if (g_str_has_prefix(type, "gate_"))
    follow_gate(replay, type);
  else if (g_str_has_prefix(type, "export_"))
    follow_export(replay, type);
  else if (g_str_equal(type, "commit"))
    follow_commit(replay);
  else if (g_str_equal(type, "drop"))
    follow_drop(replay);
  else if (g_str_equal(type, "purge"))
    json_array_foreach(json_object_get(replay->leaf, "recordings"), i, one) purge_recording(replay, one);
}

static void replay_leaves(sqlite3 *db, Replay *replay) {
  sqlite3_stmt *row = NULL;
  g_assert_cmpint(sqlite3_prepare_v2(db, "SELECT hash, leaf FROM leaves ORDER BY idx", -1, &row, NULL), ==, SQLITE_OK);
  for (; sqlite3_step(row) == SQLITE_ROW; replay->index++) {
    json_t *leaf = json_loads((const char *)sqlite3_column_text(row, 1), 0, NULL);
    replay->leaf = leaf;
    replay->session = word(replay, "session");
    sodium_bin2hex(replay->hash, sizeof replay->hash, sqlite3_column_blob(row, 0), 32);
    follow(replay);
    json_decref(leaf);
  }
  sqlite3_finalize(row);
  cover_segments(replay);
}

/* --- the comparison --- */

static char *compare(const char *table, const json_t *leaves_say, const json_t *state_says) {
  if (state_says && json_equal(leaves_say, state_says))
    return NULL;
  char *expected = json_dumps(leaves_say, JSON_INDENT(1) | JSON_SORT_KEYS);
  char *found = state_says ? json_dumps(state_says, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
  char *difference =
      g_strdup_printf("%s: the leaves say\n%s\nthe table says\n%s", table, expected, found ? found : "what no leaf speaks of");
  free(expected);
  free(found);
  return difference;
}

static gint64 scalar(sqlite3 *db, const char *sql) {
  sqlite3_stmt *row = NULL;
  g_assert_cmpint(sqlite3_prepare_v2(db, sql, -1, &row, NULL), ==, SQLITE_OK);
  const gint64 value = sqlite3_step(row) == SQLITE_ROW ? sqlite3_column_int64(row, 0) : -1;
  sqlite3_finalize(row);
  return value;
}

static char *compare_all(sqlite3 *db, gint64 *leaves) {
  Replay replay = {.tables = json_object()};
  char *difference = NULL;
  for (guint i = 0; i < G_N_ELEMENTS(state); i++)
    json_object_set_new(replay.tables, state[i].table, json_object());
  replay_leaves(db, &replay);
  for (guint i = 0; i < G_N_ELEMENTS(state) && !difference; i++) {
    json_t *found = table_json(db, state[i].sql);
    difference = compare(state[i].table, table_of(&replay, state[i].table), found);
    json_decref(found);
  }
  const gint64 signed_size = scalar(db, "SELECT coalesce(max(size), 0) FROM checkpoint");
  if (!difference && signed_size != replay.index)
    difference = g_strdup_printf("a checkpoint of %" G_GINT64_FORMAT " leaves over %" G_GINT64_FORMAT, signed_size, replay.index);
  json_decref(replay.tables);
  *leaves = replay.index;
  return difference;
}

static void copy_file(const char *from, const char *to, const char *name) {
  g_autofree char *source = g_build_filename(from, name, NULL), *target = g_build_filename(to, name, NULL), *bytes = NULL;
  gsize n;
  if (g_file_get_contents(source, &bytes, &n, NULL))
    g_assert_true(g_file_set_contents_full(target, bytes, (gssize)n, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

char *replay_difference(const char *dir, const char *sql, gint64 *leaves) {
  g_autofree char *copy = g_dir_make_tmp("vault-XXXXXX", NULL), *path = g_build_filename(copy, "vault.db", NULL);
  copy_file(dir, copy, "vault.db");
  copy_file(dir, copy, "vault.db-journal");
  sqlite3 *db = NULL;
  char *difference = NULL;
  *leaves = -1;
  g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
  sqlite3_create_function(db, "seal", 4, SQLITE_UTF8, db, seal, NULL, NULL);
  g_assert_cmpint(sqlite3_exec(db, sql ? sql : "", NULL, NULL, NULL), ==, SQLITE_OK);
  if (scalar(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'leaves'") == 1)
    difference = compare_all(db, leaves);
  sqlite3_close(db);
  fixture_remove(copy);
  return difference;
}
