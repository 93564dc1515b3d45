/* SPDX-License-Identifier: Apache-2.0 */
/* Lists as PROTOCOL.md's HTTP table shapes them. Times are RFC 3339, UTC, with milliseconds. */
#include <string.h>

#include "gate/vault/reader-private.h"

#define PAGE_ROWS 256 /* then the database's read lock is let go: an erase may be waiting for it */

json_t *reader_time_json(gint64 ms) {
  g_autoptr(GDateTime) at = ms ? g_date_time_new_from_unix_utc(ms / 1000) : NULL;
  g_autofree char *seconds = at ? g_date_time_format(at, "%Y-%m-%dT%H:%M:%S") : NULL;
  return seconds ? json_sprintf("%s.%03dZ", seconds, (int)(ms % 1000)) : json_null();
}

static json_t *time_json(sqlite3_stmt *row, int column) {
  return reader_time_json(sqlite3_column_int64(row, column)); /* NULL reads as 0 */
}

static json_t *text_json(sqlite3_stmt *row, int column) {
  const char *text = (const char *)sqlite3_column_text(row, column);
  return text ? json_string(text) : json_null();
}

static json_t *number_json(sqlite3_stmt *row, int column) {
  return json_integer(sqlite3_column_int64(row, column));
}

static json_t *parsed_json(sqlite3_stmt *row, int column) {
  json_t *value = json_loads(store_text(row, column), JSON_DECODE_ANY, NULL);
  return value ? value : json_null();
}

static json_t *continues_json(sqlite3_stmt *row, int column) {
  return json_boolean(sqlite3_column_int64(row, column));
}

typedef struct Column {
  const char *name; /* NULL: the paging key, not shown */
  json_t *(*value)(sqlite3_stmt *row, int column);
} Column;

static json_t *row_json(sqlite3_stmt *row, const Column *columns, guint n) {
  json_t *object = json_object();
  for (guint i = 0; i < n; i++)
    if (columns[i].name)
      json_object_set_new(object, columns[i].name, columns[i].value(row, (int)i));
  return object;
}

/* sql takes (session, last key, page size[, participant]) and gives the paging key, a growing integer, in column 0. */
static gboolean list_rows(VaultReader *reader, const char *session, const char *participant, const char *sql, const Column *columns,
                          guint n, json_t *list, GError **error) {
  gint64 last = -1;
  gint64 rows = PAGE_ROWS;
  while (rows == PAGE_ROWS) {
    g_autoptr(sqlite3_stmt) page =
        store_query(reader->db, error, sql, participant ? "siis" : "sii", session, last, (gint64)PAGE_ROWS, participant);
    gboolean failed = FALSE;
    for (rows = 0; page && store_step(page, &failed, error); rows++) {
      last = sqlite3_column_int64(page, 0);
      json_array_append_new(list, row_json(page, columns, n));
    }
    if (!page || failed)
      return FALSE;
  }
  return TRUE;
}

static json_t *listed(VaultReader *reader, const char *session, const char *sql, const Column *columns, guint n, GError **error) {
  json_t *list = json_array();
  if (list_rows(reader, session, NULL, sql, columns, n, list, error))
    return list;
  json_decref(list);
  return NULL;
}

json_t *vault_reader_sessions(VaultReader *reader, GError **error) {
  static const Column columns[] = {{NULL, NULL},
                                   {"id", text_json},
                                   {"first", time_json},
                                   {"last", time_json},
                                   {"participants", number_json},
                                   {"people", parsed_json},
                                   {"requests", number_json},
                                   {"takes", number_json},
                                   {"segments", number_json},
                                   {"bytes", number_json}};
  /* Kept segments and bytes come from the running totals: a holder without a slot has been erased. */
  return listed(
      reader, NULL,
      "SELECT t.rowid, t.session, first_at, last_at, (SELECT count(*) FROM participants WHERE session = t.session),"
      " (SELECT json_group_array(coalesce(name, participant)) FROM participants WHERE session = t.session),"
      " (SELECT count(*) FROM recordings WHERE session = t.session), (SELECT count(*) FROM takes WHERE session = t.session),"
      " (SELECT coalesce(sum(h.segments), 0) FROM recordings AS r JOIN holders AS h ON h.recording = r.id WHERE r.session = t.session"
      " AND h.slot IS NOT NULL),"
      " (SELECT coalesce(sum(h.bytes), 0) FROM recordings AS r JOIN holders AS h ON h.recording = r.id WHERE r.session = t.session"
      " AND h.slot IS NOT NULL)"
      " FROM sessions AS t WHERE ?1 IS NULL AND t.rowid > ?2 ORDER BY t.rowid LIMIT ?3",
      columns, G_N_ELEMENTS(columns), error);
}

gboolean reader_check_session(VaultReader *reader, const char *session, GError **error) {
  gint64 known = 0;
  if (!store_number(reader->db, 0, &known, error, "SELECT 1 FROM sessions WHERE session = ?", "s", session))
    return FALSE;
  if (!known)
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "no such session");
  return known != 0;
}

static json_t *list_participants(VaultReader *reader, const char *session, GError **error) {
  static const Column columns[] = {{NULL, NULL},          {"id", text_json},   {"name", text_json},  {"role", text_json},
                                   {"joined", time_json}, {"left", time_json}, {"reason", text_json}};
  return listed(reader, session,
                "SELECT * FROM (SELECT row_number() OVER (ORDER BY joined_at, participant) AS n, participant, name, role, joined_at, "
                "left_at, left_reason"
                " FROM participants WHERE session = ?1) WHERE n > ?2 LIMIT ?3",
                columns, G_N_ELEMENTS(columns), error);
}

static json_t *list_consents(VaultReader *reader, const char *session, GError **error) {
  static const Column columns[] = {
      {NULL, NULL},           {"request", number_json}, {"participant", text_json},       {"answer", text_json},
      {"media", parsed_json}, {"scope", text_json},     {"disclosure_sha256", text_json}, {"at", time_json}};
  return listed(reader, session,
                "SELECT * FROM (SELECT row_number() OVER (ORDER BY request, at, participant) AS n, request, participant, answer, media, "
                "scope, sha256, at"
                " FROM consents WHERE session = ?1) WHERE n > ?2 LIMIT ?3",
                columns, G_N_ELEMENTS(columns), error);
}

static json_t *list_requests(VaultReader *reader, const char *session, GError **error) {
  static const Column columns[] = {{"request", number_json},
                                   {"asker", text_json},
                                   {"on_withdrawal", text_json},
                                   {"retention_s", number_json},
                                   {"disclosure", parsed_json},
                                   {"disclosure_sha256", text_json},
                                   {"at", time_json}};
  return listed(reader, session,
                "SELECT request, asker, CASE on_withdrawal WHEN 1 THEN 'after' WHEN 2 THEN 'participant' ELSE 'session' END, retention_s, "
                "disclosure, sha256,"
                " at FROM recordings WHERE session = ?1 AND request > ?2 ORDER BY request LIMIT ?3",
                columns, G_N_ELEMENTS(columns), error);
}

static json_t *list_takes(VaultReader *reader, const char *session, GError **error) {
  static const Column columns[] = {{"take", number_json}, {"request", number_json}, {"roster", parsed_json},
                                   {"opened", time_json}, {"closed", time_json},    {"reason", text_json}};
  return listed(
      reader, session,
      "SELECT take, request, roster, opened_at, closed_at, reason FROM takes WHERE session = ?1 AND take > ?2 ORDER BY take LIMIT ?3",
      columns, G_N_ELEMENTS(columns), error);
}

static json_t *list_purges(VaultReader *reader, const char *session, GError **error) {
  static const Column columns[] = {{NULL, NULL},          {"request", number_json},  {"participant", text_json}, {"scope", text_json},
                                   {"reason", text_json}, {"segments", number_json}, {"bytes", number_json},     {"at", time_json}};
  return listed(
      reader, session,
      "SELECT p.id, r.request, p.by, CASE p.scope WHEN 1 THEN 'after' WHEN 2 THEN 'participant' ELSE 'session' END, p.reason, p.segments, "
      "p.bytes,"
      " p.at FROM purges AS p JOIN recordings AS r ON r.id = p.recording WHERE r.session = ?1 AND p.id > ?2 ORDER BY p.id LIMIT ?3",
      columns, G_N_ELEMENTS(columns), error);
}

/* R5: null where nothing was planned. */
static json_t *read_plan(VaultReader *reader, const char *session, GError **error) {
  static const Column columns[] = {{"request", number_json}, {"starts", time_json}, {"ends", time_json}};
  static const Column people[] = {{NULL, NULL}, {"id", text_json}, {"name", text_json}, {"role", text_json}};
  json_t *plans = listed(reader, session, "SELECT request, starts, ends FROM plans WHERE session = ?1 AND request > ?2 LIMIT ?3", columns,
                         G_N_ELEMENTS(columns), error);
  if (!plans)
    return NULL;
  json_t *plan = json_array_size(plans) > 0 ? json_incref(json_array_get(plans, 0)) : json_null();
  json_decref(plans);
  if (json_is_null(plan))
    return plan;
  json_t *invited =
      listed(reader, session,
             "SELECT position, participant, name, role FROM invited WHERE session = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
             people, G_N_ELEMENTS(people), error);
  if (!invited || json_object_set_new(plan, "invited", invited) != 0)
    g_clear_pointer(&plan, json_decref);
  return plan;
}

/* Each take is two entries: the gate opened, the gate closed with its reason (R21). */
static json_t *gate_history(const json_t *takes) {
  json_t *history = json_array();
  size_t i;
  json_t *take;
  json_array_foreach((json_t *)takes, i, take) {
    json_array_append_new(history, json_pack("{s:O, s:s, s:O, s:O}", "at", json_object_get(take, "opened"), "gate", "open", "take",
                                             json_object_get(take, "take"), "request", json_object_get(take, "request")));
    if (json_is_string(json_object_get(take, "closed")))
      json_array_append_new(history, json_pack("{s:O, s:s, s:O, s:O}", "at", json_object_get(take, "closed"), "gate", "closed", "take",
                                               json_object_get(take, "take"), "reason", json_object_get(take, "reason")));
  }
  return history;
}

json_t *vault_reader_session(VaultReader *reader, const char *session, GError **error) {
  static const struct {
    const char *name;
    json_t *(*list)(VaultReader *reader, const char *session, GError **error);
  } parts[] = {{"participants", list_participants}, {"plan", read_plan},   {"requests", list_requests},
               {"consents", list_consents},         {"takes", list_takes}, {"purges", list_purges}};
  if (!reader_check_session(reader, session, error))
    return NULL;
  json_t *object = json_pack("{s:s}", "id", session);
  for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
    json_t *list = parts[i].list(reader, session, error);
    if (!list) {
      json_decref(object);
      return NULL;
    }
    json_object_set_new(object, parts[i].name, list);
  }
  json_object_set_new(object, "gate_history", gate_history(json_object_get(object, "takes")));
  return object;
}

#define SEGMENTS_SQL(only)                                                                                                                 \
  "SELECT id, request, take, participant, track, medium, codec, seq, continues, start_at, end_at, bytes, nullif(sha256, ''),"              \
  " CASE WHEN dropped IS NOT NULL THEN 'dropped' WHEN purged IS NULL THEN 'kept' WHEN purged = 'expired' THEN 'expired' ELSE 'purged' "    \
  "END,"                                                                                                                                   \
  " coalesce(dropped, purged) FROM (SELECT s.*, r.request, " READER_PURGED                                                                 \
  " AS purged FROM recordings AS r JOIN segments AS s ON s.recording = r.id WHERE r.session = ?1 AND s.id > ?2" only                       \
  " ORDER BY s.id LIMIT ?3)"                                                                                                               \
  " ORDER BY id"

json_t *vault_reader_segments_of(VaultReader *reader, const char *session, const char *participant, GError **error) {
  static const Column columns[] = {
      {"id", number_json},   {"request", number_json}, {"take", number_json}, {"participant", text_json},    {"track", text_json},
      {"medium", text_json}, {"codec", text_json},     {"seq", number_json},  {"continues", continues_json}, {"start", time_json},
      {"end", time_json},    {"bytes", number_json},   {"sha256", text_json}, {"state", text_json},          {"reason", text_json}};
  if (!reader_check_session(reader, session, error))
    return NULL;
  json_t *list = json_array();
  if (list_rows(reader, session, participant, participant ? SEGMENTS_SQL(" AND s.participant = ?4") : SEGMENTS_SQL(""), columns,
                G_N_ELEMENTS(columns), list, error))
    return list;
  json_decref(list);
  return NULL;
}

json_t *vault_reader_segments(VaultReader *reader, const char *session, GError **error) {
  return vault_reader_segments_of(reader, session, NULL, error);
}
