/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions planned ahead (R5): who is invited, when, and what was asked in writing. State of `plan` leaves, and reading it back. */
#include "gate/vault/vault-private.h"

/* INSERT … DO NOTHING did nothing: who plans is told; a constraint that failed would read as a sick store and close every gate (R7). */
static gboolean is_new(sqlite3 *db, const char *what, GError **error) {
  if (sqlite3_changes(db) > 0)
    return TRUE;
  g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_EXISTS, what);
  return FALSE;
}

static gboolean invite(sqlite3 *db, const char *session, gint64 position, const json_t *person, GError **error) {
  return store_run(db, error,
                   "INSERT INTO invited(session, position, participant, name, role) VALUES(?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", "sisss",
                   session, position, json_string_value(json_object_get(person, "participant")),
                   json_string_value(json_object_get(person, "name")), json_string_value(json_object_get(person, "role"))) &&
         is_new(db, "somebody is invited twice", error);
}

gboolean plan_follow(sqlite3 *db, const json_t *leaf, GError **error) {
  const char *session = json_string_value(json_object_get(leaf, "session"));
  const json_t *people = json_object_get(leaf, "participants");
  if (!store_run(db, error, "INSERT INTO plans(session, request, starts, ends, asker_name) VALUES(?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                 "siiis", session, json_integer_value(json_object_get(leaf, "request")),
                 json_integer_value(json_object_get(leaf, "starts")), json_integer_value(json_object_get(leaf, "ends")),
                 json_string_value(json_object_get(leaf, "name"))) ||
      !is_new(db, "the session is planned already", error))
    return FALSE;
  for (gsize i = 0; i < json_array_size(people); i++)
    if (!invite(db, session, (gint64)i, json_array_get(people, i), error))
      return FALSE;
  return TRUE;
}

/* R4: after a no, a withdrawal or a stop the written request is never asked again, whatever happens to the process. */
gboolean plan_end(sqlite3 *db, const char *session, GError **error) {
  return store_run(db, error, "UPDATE plans SET over = 1 WHERE session = ?", "s", session);
}

/* {"request", "starts", "ends", "over", "asker_name", "disclosure": canonical text, "sha256", "at"} */
static json_t *recall_row(sqlite3 *db, const char *session, GError **error) {
  g_autoptr(sqlite3_stmt) row =
      store_query(db, error,
                  "SELECT p.request, starts, ends, over, asker_name, r.disclosure, r.sha256, r.at FROM plans AS p JOIN recordings AS r"
                  " ON r.session = p.session AND r.request = p.request WHERE p.session = ?",
                  "s", session);
  gboolean failed = FALSE;
  if (!row)
    return NULL;
  if (!store_step(row, &failed, error))
    return failed ? NULL : json_null();
  return json_pack("{s:I, s:I, s:I, s:b, s:s, s:s, s:s, s:I}", "request", (json_int_t)sqlite3_column_int64(row, 0), "starts",
                   (json_int_t)sqlite3_column_int64(row, 1), "ends", (json_int_t)sqlite3_column_int64(row, 2), "over",
                   sqlite3_column_int(row, 3), "asker_name", store_text(row, 4), "disclosure", store_text(row, 5), "sha256",
                   store_text(row, 6), "at", (json_int_t)sqlite3_column_int64(row, 7));
}

/* [{"id", "name", "role", "was_here", "answer"?, "media"?}]: the answer to the plan's own request. */
static json_t *recall_people(sqlite3 *db, const char *session, gint64 request, GError **error) {
  g_autoptr(sqlite3_stmt) row =
      store_query(db, error,
                  "SELECT i.participant, i.name, i.role, j.participant IS NOT NULL, c.answer, c.media FROM invited AS i"
                  " LEFT JOIN participants AS j ON j.session = i.session AND j.participant = i.participant"
                  " LEFT JOIN consents AS c ON c.session = i.session AND c.participant = i.participant AND c.request = ?2"
                  " WHERE i.session = ?1 ORDER BY i.position",
                  "si", session, request);
  gboolean failed = FALSE;
  json_t *people = json_array();
  while (row && store_step(row, &failed, error)) {
    json_t *person = json_pack("{s:s, s:s, s:s, s:b}", "id", store_text(row, 0), "name", store_text(row, 1), "role", store_text(row, 2),
                               "was_here", sqlite3_column_int(row, 3));
    if (sqlite3_column_type(row, 4) != SQLITE_NULL)
      json_object_set_new(person, "answer", json_string(store_text(row, 4)));
    json_t *media = json_loads(store_text(row, 5), JSON_DECODE_ANY, NULL);
    if (media)
      json_object_set_new(person, "media", media);
    json_array_append_new(people, person);
  }
  if (row && !failed)
    return people;
  json_decref(people);
  return NULL;
}

json_t *plan_recall(sqlite3 *db, const char *session, GError **error) {
  json_t *plan = recall_row(db, session, error);
  if (!plan || json_is_null(plan))
    return plan;
  json_t *people = recall_people(db, session, json_integer_value(json_object_get(plan, "request")), error);
  if (people) {
    json_object_set_new(plan, "participants", people);
    return plan;
  }
  json_decref(plan);
  return NULL;
}
