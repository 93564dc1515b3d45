/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/sessions: a session ahead of time, with people, hours and a written request (R5). */
#include "signaling/api-plan.h"

#include <string.h>

#include "signaling/answer.h"
#include "signaling/disclosure.h"
#include "signaling/session-plan.h"

typedef struct Planning {
  Daemon *daemon;
  HttpRequest *request;
  Token by;
  char *id;
  Session *session;
  gboolean refused, exists; /* by the ledger; because it has a plan of that name */
} Planning;

static void planning_free(Planning *planning) {
  session_release(planning->session);
  g_free(planning->id);
  g_free(planning);
}

static void finish(Planning *planning, guint status, const char *code, const char *text) {
  http_respond_error(planning->request, status, code, text);
  planning_free(planning);
}

/* --- reading what was sent; every refusal names its field --- */

static gboolean bad(GError **error, const char *field, const char *advice) {
  g_set_error(error, DISCLOSURE_ERROR, DISCLOSURE_ERROR_BAD, "“%s” %s", field, advice);
  return FALSE;
}

static gboolean read_time(const json_t *body, const char *field, gint64 *ms, GError **error) {
  const char *text = json_string_value(json_object_get(body, field));
  g_autoptr(GDateTime) at = text != NULL ? g_date_time_new_from_iso8601(text, NULL) : NULL; /* without a zone: refused */
  if (at == NULL)
    return bad(error, field, "must be a time with its zone, such as 2026-03-01T14:00:00Z (RFC 3339).");
  *ms = g_date_time_to_unix(at) * 1000 + g_date_time_get_microsecond(at) / 1000;
  return TRUE;
}

static gboolean read_hours(const json_t *body, PlanDraft *draft, GError **error) {
  const gint64 now_ms = daemon_wall_ms();
  if (!read_time(body, "starts", &draft->starts_ms, error) || !read_time(body, "ends", &draft->ends_ms, error))
    return FALSE;
  if (draft->ends_ms <= draft->starts_ms)
    return bad(error, "ends", "must lie after “starts”.");
  if (draft->ends_ms <= now_ms)
    return bad(error, "ends", "has passed already.");
  if (draft->ends_ms - draft->starts_ms > PLAN_LENGTH_MAX_MS)
    return bad(error, "ends", "may lie at most 24 hours after “starts”.");
  if (draft->starts_ms - now_ms > PLAN_AHEAD_MAX_MS)
    return bad(error, "starts", "may lie at most 366 days ahead.");
  return TRUE;
}

static gboolean read_person(const json_t *one, gsize position, Invited *invited, GError **error) {
  g_autofree char *at = g_strdup_printf("participants[%" G_GSIZE_FORMAT "]", position);
  g_autofree char *id_field = g_strconcat(at, ".id", NULL);
  g_autofree char *name_field = g_strconcat(at, ".name", NULL);
  g_autofree char *role_field = g_strconcat(at, ".role", NULL);
  const char *id = json_string_value(json_object_get(one, "id"));
  const json_t *name = json_object_get(one, "name");
  const char *shown = name == NULL ? id : json_string_value(name);
  if (!json_is_object(one))
    return bad(error, at, "must be an object with “id”, “name” and “role”.");
  if (id == NULL || !token_id_is_valid(id))
    return bad(error, id_field, "must be 1 to 64 of A-Z a-z 0-9 . _ -, not starting with a dot.");
  if (shown == NULL || *shown == '\0' || strlen(shown) > TOKEN_NAME_BYTES_MAX)
    return bad(error, name_field, "must be a text of 1 to 128 bytes.");
  invited->role = token_role_parse(json_string_value(json_object_get(one, "role")));
  if (invited->role == TOKEN_ROLE_NONE || invited->role == TOKEN_ROLE_AUDITOR || invited->role == TOKEN_ROLE_SERVICE)
    return bad(error, role_field, "must be expert, client or observer: auditors and services never join a call.");
  g_strlcpy(invited->id, id, sizeof invited->id);
  g_strlcpy(invited->name, shown, sizeof invited->name);
  return TRUE;
}

static gboolean is_twice(const GArray *people, const char *id) {
  for (guint i = 0; i < people->len; i++)
    if (g_str_equal(g_array_index(people, Invited, i).id, id))
      return TRUE;
  return FALSE;
}

static gboolean read_people(const json_t *body, const Config *config, GArray *people, GError **error) {
  const json_t *list = json_object_get(body, "participants");
  if (!json_is_array(list) || json_array_size(list) == 0)
    return bad(error, "participants", "must list at least one person: [{“id”, “name”, “role”}].");
  if (json_array_size(list) > config_people_max(config)) {
    g_autofree char *advice = g_strdup_printf("names more than %u people ([recording] max_participants).", config_people_max(config));
    return bad(error, "participants", advice);
  }
  for (gsize i = 0; i < json_array_size(list); i++) {
    Invited invited = {0};
    if (!read_person(json_array_get(list, i), i, &invited, error))
      return FALSE;
    if (is_twice(people, invited.id)) {
      g_autofree char *field = g_strdup_printf("participants[%" G_GSIZE_FORMAT "].id", i);
      return bad(error, field, "names somebody twice.");
    }
    g_array_append_val(people, invited);
  }
  return TRUE;
}

/* `request.language` may stand beside the disclosure; it is then the disclosure's. */
static json_t *read_disclosure(const json_t *body, GError **error) {
  const json_t *asked = json_object_get(body, "request");
  json_t *disclosure = json_object_get(asked, "disclosure"), *language = json_object_get(asked, "language");
  if (!json_is_object(disclosure)) {
    bad(error, "request.disclosure", "must be an object that says what the recording is for.");
    return NULL;
  }
  if (language != NULL && json_object_get(disclosure, "language") != NULL &&
      !json_equal(language, json_object_get(disclosure, "language"))) {
    bad(error, "request.language", "is another one than the disclosure's.");
    return NULL;
  }
  json_t *copy = json_copy(disclosure);
  if (language != NULL)
    json_object_set(copy, "language", language);
  return copy;
}

/* --- answering: personal links --- */

static char *link_of(const Planning *planning, const Invited *invited, const char *page, gint64 until_ms) {
  Token token = {.role = invited->role};
  g_strlcpy(token.session, planning->id, sizeof token.session);
  g_strlcpy(token.participant, invited->id, sizeof token.participant);
  g_strlcpy(token.name, invited->name, sizeof token.name);
  const gint64 now_s = daemon_wall_ms() / 1000;
  g_autofree char *jwt = token_make(planning->daemon->key, &token, now_s, MAX(1, until_ms / 1000 - now_s), NULL);
  return jwt != NULL ? g_strconcat(page, "#token=", jwt, NULL) : NULL;
}

/* The letter's link serves until retention ends: withdrawing must be possible as long as something is kept (R6). */
static json_t *people_json(const Planning *planning, gboolean *linked) {
  const Plan *plan = planning->session->plan;
  const gint64 closes = session_plan_closes_ms(planning->session);
  const gint64 kept = closes + json_integer_value(json_object_get(plan->request->disclosure, "retention_s")) * 1000;
  json_t *people = json_array();
  for (guint i = 0; i < plan->invited->len; i++) {
    const Invited *invited = &g_array_index(plan->invited, Invited, i);
    g_autofree char *letter = link_of(planning, invited, "/consent", kept);
    g_autofree char *call = link_of(planning, invited, "/", closes);
    *linked = letter != NULL && call != NULL;
    json_array_append_new(people, json_pack("{s:s, s:s, s:s, s:s*, s:s*}", "id", invited->id, "name", invited->name, "role",
                                            token_role_text(invited->role), "consent_link", letter, "call_link", call));
  }
  return people;
}

static void finish_exists(Planning *planning) {
  finish(planning, 409, "session_exists", "There is a session of that name already: plan another one under a name of its own.");
}

static void answer(Planning *planning) {
  const Session *session = planning->session;
  const Plan *plan = session->plan;
  g_autofree char *starts = daemon_rfc3339(plan->starts_ms), *ends = daemon_rfc3339(plan->ends_ms);
  g_autofree char *opens = daemon_rfc3339(session_plan_opens_ms(session)), *closes = daemon_rfc3339(session_plan_closes_ms(session));
  gboolean linked = FALSE;
  json_t *people = people_json(planning, &linked);
  json_t *answer = json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:o}", "session", session->id, "request",
                             json_sprintf("%" G_GUINT64_FORMAT, plan->request->number), "disclosure_sha256", plan->request->sha256,
                             "starts", starts, "ends", ends, "opens", opens, "closes", closes, "participants", people);
  if (!linked)
    json_object_set_new(
        answer, "links",
        json_string("This gate holds only a public key, so the links are yours to make: /consent#token=… and /#token=…, with a "
                    "token of this session (sid) for each participant (sub, name, role)."));
  http_respond_json(planning->request, 201, answer);
  planning_free(planning);
}

/* --- planning --- */

static void on_planned(Session *session, gpointer user) {
  Planning *planning = user;
  if (planning->exists)
    finish_exists(planning);
  else if (planning->refused)
    finish(planning, 503, "storage",
           "Nothing was planned: the store does not take it. Try again later, under another name where this one is taken then.");
  else if (session == NULL || session->plan == NULL)
    finish(planning, 503, "storage", "The store does not answer: the session may be planned or not; look at it before you try again.");
  else
    answer(planning);
}

/* What the session is now, its ledger says. */
static void on_written(const VaultReply *reply, gpointer user) {
  Planning *planning = user;
  planning->refused = reply->error != NULL;
  planning->exists = g_error_matches(reply->error, VAULT_ERROR, VAULT_ERROR_EXISTS);
  session_when_ready(planning->session, on_planned, planning);
  session_recall(planning->session);
}

static gboolean plan(Planning *planning, GError **error) {
  const json_t *body = http_body(planning->request);
  g_autoptr(GArray) people = g_array_new(FALSE, TRUE, sizeof(Invited));
  PlanDraft draft = {.by = planning->by.participant, .by_name = planning->by.name, .invited = people};
  json_auto_t *disclosure = NULL;
  if (read_hours(body, &draft, error) && read_people(body, planning->daemon->config, people, error))
    disclosure = read_disclosure(body, error);
  Request *request = disclosure != NULL ? session_request_new(planning->session, disclosure, planning->by.name, NULL, error) : NULL;
  if (request != NULL)
    session_plan_write(planning->session, &draft, request, on_written, planning);
  session_request_unref(request);
  return request != NULL;
}

static void on_ready(Session *session, gpointer user) {
  Planning *planning = user;
  g_autoptr(GError) error = NULL;
  if (session == NULL) {
    finish(planning, 503, "storage", "The store does not answer: try again later.");
    return;
  }
  planning->session = session_hold(session);
  if (session->plan != NULL || session->used || session->members->len > 0) {
    finish_exists(planning);
    return;
  }
  if (!plan(planning, &error))
    finish(planning, 400, g_error_matches(error, DISCLOSURE_ERROR, DISCLOSURE_ERROR_MISSING) ? "disclosure_incomplete" : "bad_request",
           error->message);
}

void api_plan_post(HttpRequest *request, Daemon *daemon, const Token *token) {
  const char *id = json_string_value(json_object_get(http_body(request), "session"));
  if (token->role != TOKEN_ROLE_SERVICE) {
    http_respond_error(request, 403, "wrong_role", "Only a service may plan a session.");
    return;
  }
  if (id == NULL || !token_id_is_valid(id)) {
    http_respond_error(request, 400, "bad_request", "“session” must be 1 to 64 of A-Z a-z 0-9 . _ -, not starting with a dot.");
    return;
  }
  Session *session = session_get(daemon, id, TRUE);
  if (session == NULL) {
    http_respond_error(request, 503, "too_many_sessions",
                       "This gate serves as many sessions as it may ([limits] sessions_max): try again later.");
    return;
  }
  Planning *planning = g_new0(Planning, 1);
  *planning = (Planning){.daemon = daemon, .request = request, .by = *token, .id = g_strdup(id)};
  session_when_ready(session, on_ready, planning);
}
