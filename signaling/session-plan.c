/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/session-plan.h"

#include <string.h>

static void invited_clear(gpointer data) {
  json_decref(((Invited *)data)->late);
}

void session_plan_free(Plan *plan) {
  if (plan == NULL)
    return;
  g_array_unref(plan->invited);
  session_request_unref(plan->request);
  g_free(plan);
}

/* --- the door --- */

Invited *session_plan_invited(const Session *session, const char *participant) {
  for (guint i = 0; session->plan != NULL && i < session->plan->invited->len; i++) {
    Invited *invited = &g_array_index(session->plan->invited, Invited, i);
    if (g_str_equal(invited->id, participant))
      return invited;
  }
  return NULL;
}

gint64 session_plan_opens_ms(const Session *session) {
  return session->plan->starts_ms - session->daemon->config->early_s * 1000;
}

gint64 session_plan_closes_ms(const Session *session) {
  return session->plan->ends_ms + session->daemon->config->grace_s * 1000;
}

const char *session_plan_refusal(const Session *session, const char *participant, char **text) {
  if (session->plan == NULL)
    return NULL;
  gint64 now_ms = daemon_wall_ms();
  g_autofree char *starts = daemon_rfc3339(session->plan->starts_ms);
  g_autofree char *opens = daemon_rfc3339(session_plan_opens_ms(session));
  g_autofree char *ends = daemon_rfc3339(session->plan->ends_ms);
  if (session_plan_invited(session, participant) == NULL) {
    *text = g_strdup("You are not among the people who were invited to this session.");
    return "not_invited";
  }
  if (now_ms < session_plan_opens_ms(session)) {
    *text = g_strdup_printf("The session begins at %s; you can join from %s on.", starts, opens);
    return "too_early";
  }
  if (now_ms > session_plan_closes_ms(session)) {
    *text = g_strdup_printf("The session was planned until %s and is over.", ends);
    return "too_late";
  }
  return NULL;
}

/* --- asking in writing --- */

gboolean session_plan_asks(const Session *session) {
  ConsentView view = consent_view(session->consent);
  return session->plan != NULL && view.request_active && view.request == session->plan->request->number;
}

static void invite(Session *session, Invited *invited) {
  invited->member = session_member(session, invited->id);
  if (invited->member == NULL)
    invited->member = session_member_new(session, invited->id);
  if (invited->member == NULL)
    return;
  g_strlcpy(invited->member->name, invited->name, sizeof invited->member->name);
  invited->member->role = invited->role;
  session_event(session,
                &(ConsentEvent){.type = CONSENT_EVENT_INVITE, .person = invited->member->person, .granted_before = invited->granted});
}

static json_t *plan_leaf(const PlanDraft *draft, const Request *request) {
  json_t *people = json_array();
  for (guint i = 0; i < draft->invited->len; i++) {
    const Invited *invited = &g_array_index(draft->invited, Invited, i);
    json_array_append_new(
        people, json_pack("{s:s, s:s, s:s}", "participant", invited->id, "name", invited->name, "role", token_role_text(invited->role)));
  }
  return json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:o}", "type", "plan", "request", (json_int_t)request->number, "starts",
                   (json_int_t)draft->starts_ms, "ends", (json_int_t)draft->ends_ms, "by", draft->by, "name", draft->by_name,
                   "participants", people);
}

typedef struct Writing { /* a plan on its way to the ledger */
  Session *session;
  json_t *leaf;
  VaultDone done;
  gpointer user;
} Writing;

/* A plan without its request would be a door for guests whom nobody has asked. */
static void on_request_kept(const VaultReply *reply, gpointer user) {
  g_autofree Writing *writing = user;
  if (reply->error == NULL) {
    vault_append(writing->session->daemon->vault, writing->session->id, writing->leaf, writing->done, writing->user);
    return;
  }
  json_decref(writing->leaf);
  writing->done(reply, writing->user);
}

void session_plan_write(Session *session, const PlanDraft *draft, const Request *request, VaultDone done, gpointer user) {
  Writing *writing = g_new(Writing, 1);
  *writing = (Writing){session, plan_leaf(draft, request), done, user};
  session_suspend(session);
  session_request_keep(session, request, on_request_kept, writing);
}

/* --- remembering --- */

gboolean session_plan_is_open(const json_t *plan) {
  return plan != NULL && !json_is_true(json_object_get(plan, "over"));
}

static void remember_answer(Session *session, const Invited *invited, const json_t *person) {
  const char *media = json_string_value(json_object_get(person, "media"));
  /* R3: who has been in the call confirms there; the call's own memory ended with the process that held it. Their no is a withdrawal (R4). */
  if (!invited->granted || invited->member == NULL || json_is_true(json_object_get(person, "was_here")))
    return;
  ConsentEvent event = {.type = CONSENT_EVENT_GRANT,
                        .person = invited->member->person,
                        .request = session->plan->request->number,
                        .media = g_strcmp0(media, "audio") == 0   ? CONSENT_MEDIA_AUDIO
                                 : g_strcmp0(media, "video") == 0 ? CONSENT_MEDIA_VIDEO
                                                                  : CONSENT_MEDIA_ALL};
  memcpy(event.sha256, session->plan->request->hash, sizeof event.sha256);
  session_event(session, &event);
}

static GArray *remembered_people(const json_t *list) {
  GArray *people = g_array_new(FALSE, TRUE, sizeof(Invited));
  g_array_set_clear_func(people, invited_clear);
  for (gsize i = 0; i < json_array_size(list); i++) {
    const json_t *person = json_array_get(list, i);
    Invited invited = {.role = token_role_parse(json_string_value(json_object_get(person, "role"))),
                       .granted = g_strcmp0(json_string_value(json_object_get(person, "answer")), "granted") == 0};
    g_strlcpy(invited.id, json_string_value(json_object_get(person, "id")), sizeof invited.id);
    g_strlcpy(invited.name, json_string_value(json_object_get(person, "name")), sizeof invited.name);
    g_array_append_val(people, invited);
  }
  return people;
}

void session_plan_remember(Session *session, const json_t *kept) {
  Request *request = kept != NULL ? session_request_remembered(session, kept) : NULL;
  const json_t *people = json_object_get(kept, "participants");
  if (request == NULL)
    return;
  session->plan = g_new0(Plan, 1);
  *session->plan = (Plan){json_integer_value(json_object_get(kept, "starts")), json_integer_value(json_object_get(kept, "ends")), request,
                          remembered_people(people)};
  if (!session_plan_is_open(kept) || session_request_ask(session, session_request_ref(request), NULL, NULL) != CONSENT_OK)
    return;
  for (guint i = 0; i < session->plan->invited->len; i++) {
    Invited *invited = &g_array_index(session->plan->invited, Invited, i);
    invite(session, invited);
    remember_answer(session, invited, json_array_get(people, i));
  }
}
