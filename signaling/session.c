/* SPDX-License-Identifier: Apache-2.0 */
/* A session's life: people, events into the core, effects out of it. */
#include "signaling/janus-rooms.h"
#include "signaling/session-media.h"
#include "signaling/session-plan.h"
#include "signaling/session-unrecorded.h"

#include <string.h>

/* A session that nobody is in is forgotten after an hour; what is kept of it lies in the vault. */
#define SESSION_IDLE_US (3600LL * G_USEC_PER_SEC)

void session_tell_health(Session *session) {
  session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_HEALTH, .on = session->daemon->healthy && session->unrecorded->len == 0});
}

/* --- remembering what an earlier process knew --- */

typedef struct Waiting { /* a message of a socket, or a call back */
  guint64 connection;    /* serial */
  json_t *message;
  void (*ready)(Session *session, gpointer user);
  gpointer user;
} Waiting;

static void waiting_free(gpointer data) {
  Waiting *waiting = data;
  json_decref(waiting->message);
  g_free(waiting);
}

/* What a join is read by, and no more: a token has its limit, and until a slow disk answers there may be many of them. */
static json_t *join_of(const json_t *message) {
  return json_pack("{s:s, s:O, s:O*}", "type", "join", "token", json_object_get(message, "token"), "id", json_object_get(message, "id"));
}

void session_wait(Session *session, const Connection *connection, const json_t *message) {
  Waiting *waiting = g_new(Waiting, 1);
  *waiting = (Waiting){.connection = connection->serial, .message = join_of(message)};
  g_ptr_array_add(session->waiting, waiting);
}

void session_when_ready(Session *session, void (*ready)(Session *session, gpointer user), gpointer user) {
  if (session->consent != NULL) {
    ready(session, user);
    return;
  }
  Waiting *waiting = g_new(Waiting, 1);
  *waiting = (Waiting){.ready = ready, .user = user};
  g_ptr_array_add(session->waiting, waiting);
}

static void serve_waiting(Session *session, const GError *error) {
  Daemon *daemon = session->daemon;
  g_autoptr(GPtrArray) all = g_steal_pointer(&session->waiting);
  for (guint i = 0; i < all->len; i++) {
    const Waiting *waiting = all->pdata[i];
    const Connection *connection = connection_find(daemon, waiting->connection);
    if (waiting->ready != NULL && error == NULL)
      session_when_ready(session, waiting->ready, waiting->user); /* one before it may have suspended the session */
    else if (waiting->ready != NULL)
      waiting->ready(NULL, waiting->user);
    else if (connection == NULL)
      continue;
    else if (error == NULL)
      messages_received(connection->socket, waiting->message, daemon_now_us(), daemon);
    else
      socket_error(connection->socket, NULL, "storage",
                   "The store does not answer, and without it nothing may be decided: try again later.");
  }
}

static void on_recalled(const VaultRecall *recall, const GError *error, gpointer user) {
  Session *session = user;
  if (recall == NULL) {
    serve_waiting(session, error);
    g_hash_table_remove(session->daemon->sessions, session->id);
    return;
  }
  const Config *config = session->daemon->config;
  ConsentConfig consent = {.lease_us = config->lease_ms * 1000,
                           .absent_us = config->absent_ms * 1000,
                           .requests_max = (uint32_t)config->requests_max,
                           .has_sfu = config_has_sfu(config),
                           .take_last = recall->take_last,
                           .recorded = recall->requests > 0,
                           .requests_made = recall->requests - (session_plan_is_open(recall->plan) ? 1 : 0)};
  for (gsize i = 0; recall->nos[i] != NULL; i++) {
    const Member *member = session_member_new(session, recall->nos[i]);
    if (member != NULL)
      consent.no_stands |= G_GUINT64_CONSTANT(1) << (member->person - 1);
  }
  session->consent = consent_session_new(&consent);
  session->used = recall->used;
  session_plan_remember(session, recall->plan);
  session_tell_health(session);
  serve_waiting(session, NULL);
}

void session_suspend(Session *session) {
  g_return_if_fail(session->members->len == 0 && !session->handling);
  alarm_clear(session->daemon->alarms, &session->alarm);
  consent_session_free(g_steal_pointer(&session->consent));
  session->waiting = g_ptr_array_new_with_free_func(waiting_free);
}

void session_recall(Session *session) {
  vault_session_recall(session->daemon->vault, session->id, on_recalled, session);
}

static gboolean drop_idle(gpointer key, gpointer value, gpointer data) {
  (void)key;
  Session *session = value;
  gint64 now = *(gint64 *)data;
  return session->consent != NULL && session->idle_since_us > 0 && now - session->idle_since_us > SESSION_IDLE_US && session->holds == 0 &&
         session->links->len == 0 && session->closing == 0 && session->withdrawals->len == 0 && session->unrecorded->len == 0;
}

void session_drop_idle(Daemon *daemon) {
  gint64 now = daemon_now_us();
  g_hash_table_foreach_remove(daemon->sessions, drop_idle, &now);
}

Session *session_hold(Session *session) {
  session->holds++;
  return session;
}

void session_release(Session *session) {
  if (session != NULL)
    session->holds--;
}

Session *session_get(Daemon *daemon, const char *id, gboolean make) {
  Session *session = g_hash_table_lookup(daemon->sessions, id);
  if (session != NULL || !make)
    return session;
  session_drop_idle(daemon);
  if (g_hash_table_size(daemon->sessions) >= (guint)daemon->config->sessions_max)
    return NULL;
  session = g_new0(Session, 1);
  session->daemon = daemon;
  g_strlcpy(session->id, id, sizeof session->id);
  session->waiting = g_ptr_array_new_with_free_func(waiting_free);
  session->lane = &daemon->lanes[daemon->next_lane++ % daemon->n_lanes];
  session->gate = g_new0(TapGate, 1);
  session->members = g_ptr_array_new_with_free_func(g_free);
  session->links = g_ptr_array_new_with_free_func(g_free);
  session->requests = g_ptr_array_new_with_free_func((GDestroyNotify)session_request_unref);
  session->unrecorded = g_ptr_array_new();
  session->withdrawals = g_ptr_array_new();
  session->past_takes = g_ptr_array_new_with_free_func((GDestroyNotify)vault_take_unref);
  session->purge_leaf = -1;
  session->state_since_ms = daemon_wall_ms();
  session->idle_since_us = daemon_now_us();
  g_queue_init(&session->events);
  g_hash_table_insert(daemon->sessions, session->id, session);
  session_recall(session);
  return session;
}

/* Ends a session's takes cleanly when the daemon ends: what waits for confirmation is forgotten, what is committed stays. */
void session_shut(Session *session) {
  if (session->consent == NULL)
    return;
  for (guint i = 0; i < session->members->len; i++) {
    Member *member = session->members->pdata[i];
    member->connection = NULL;
    session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_LEAVE, .person = member->person});
  }
  alarm_clear(session->daemon->alarms, &session->alarm);
  g_clear_pointer(&session->watch, janus_watch_free);
}

gboolean session_is_quiet(const Session *session) {
  for (guint i = 0; i < session->members->len; i++)
    if (((const Member *)session->members->pdata[i])->legs_ending > 0)
      return FALSE;
  return session->consent != NULL && session->opening == 0 && session->closing == 0 && session->withdrawals->len == 0 && !session->renewing;
}

void session_free(Session *session) {
  alarm_clear(session->daemon->alarms, &session->alarm);
  janus_watch_free(session->watch);
  g_queue_clear_full(&session->events, g_free);
  g_clear_pointer(&session->waiting, g_ptr_array_unref);
  session_unrecorded_forget(session, NULL);
  g_ptr_array_unref(session->unrecorded);
  g_ptr_array_unref(session->withdrawals);
  g_ptr_array_unref(session->past_takes);
  g_ptr_array_unref(session->requests);
  session_plan_free(session->plan);
  g_ptr_array_unref(session->links);
  g_ptr_array_unref(session->members);
  consent_session_free(session->consent);
  g_free(session->gate);
  g_free(session);
}

Member *session_member(Session *session, const char *id) {
  for (guint i = 0; i < session->members->len; i++) {
    Member *member = session->members->pdata[i];
    if (g_str_equal(member->id, id))
      return member;
  }
  return NULL;
}

Member *session_member_now(Daemon *daemon, const char *id, const char *participant) {
  Session *session = session_get(daemon, id, FALSE);
  Member *member = session != NULL && session->consent != NULL ? session_member(session, participant) : NULL;
  return member != NULL && member->on_roster && member->greeted ? member : NULL;
}

Member *session_person(Session *session, ConsentPerson person) {
  return person >= 1 && person <= session->members->len ? session->members->pdata[person - 1] : NULL;
}

Member *session_member_new(Session *session, const char *id) {
  if (session->members->len >= CONSENT_PEOPLE_MAX)
    return NULL;
  Member *member = g_new0(Member, 1);
  member->session = session;
  g_strlcpy(member->id, id, sizeof member->id);
  g_strlcpy(member->name, id, sizeof member->name);
  g_ptr_array_add(session->members, member);
  member->person = session->members->len;
  return member;
}

guint session_roster_count(const Session *session) {
  guint count = 0;
  for (guint i = 0; i < session->members->len; i++)
    count += ((Member *)session->members->pdata[i])->on_roster;
  return count;
}

Request *session_request(Session *session, guint64 number) {
  for (guint i = 0; i < session->requests->len; i++) {
    Request *request = session->requests->pdata[i];
    if (request->number == number)
      return request;
  }
  return NULL;
}

/* What the heartbeats were that confirmed a segment, and the comparison with the SFU's roster: for the ledger (R21). */
static json_t *confirmations(Session *session, guint64 roster) {
  json_t *confirmed = json_array();
  for (guint i = 0; i < session->members->len; i++) {
    const Member *member = session->members->pdata[i];
    if ((roster & (G_GUINT64_CONSTANT(1) << i)) == 0)
      continue;
    ConsentPersonView person = consent_person_view(session->consent, member->person, daemon_now_us());
    json_array_append_new(confirmed, json_pack("{s:s, s:I, s:I}", "participant", member->id, "n", (json_int_t)person.confirmed_number,
                                               "before_us", (json_int_t)person.confirmed_us));
  }
  const gint64 compared_us = consent_view(session->consent).compared_us;
  if (config_has_sfu(session->daemon->config)) /* R8 */
    json_array_append_new(confirmed, json_pack("{s:b, s:I}", "sfu", TRUE, "before_us", (json_int_t)compared_us));
  return confirmed;
}

static void effect_left(Session *session, const ConsentEffect *effect) {
  Member *member = session_person(session, effect->person);
  if (member == NULL)
    return;
  member->on_roster = FALSE;
  const char *reason = consent_reason_text(effect->reason);
  session_leaf(session, "leave", json_pack("{s:s, s:s}", "participant", member->id, "reason", reason));
  session_broadcast(session, json_pack("{s:s, s:s, s:s}", "type", "participant.left", "id", member->id, "reason", reason), NULL);
  if (session_roster_count(session) == 0)
    session->idle_since_us = daemon_now_us();
}

static void carry_out(Session *session, const ConsentEffect *effect) {
  Member *member = session_person(session, effect->person);
  switch (effect->type) {
  case CONSENT_EFFECT_OPEN_TAKE:
    session_take_open(session, effect);
    break;
  case CONSENT_EFFECT_PERMIT:
    session_take_permit(session, effect);
    break;
  case CONSENT_EFFECT_CLOSE_TAKE:
    session_take_close(session, effect);
    break;
  case CONSENT_EFFECT_COMMIT:
    session->daemon->counters.commits++;
    vault_commit(session->daemon->vault, effect->segment, confirmations(session, effect->roster), NULL, NULL);
    break;
  case CONSENT_EFFECT_DROP:
    session->daemon->counters.drops++;
    vault_drop(session->daemon->vault, effect->segment, consent_reason_text(effect->reason));
    break;
  case CONSENT_EFFECT_ERASE:
    session_withdraw_erase(session, effect);
    break;
  case CONSENT_EFFECT_END_LEGS:
    if (member != NULL)
      session_end_legs(session, member);
    break;
  case CONSENT_EFFECT_LEFT:
    effect_left(session, effect);
    break;
  case CONSENT_EFFECT_ASK: {
    Request *request = session_request(session, effect->request);
    if (member != NULL && request != NULL)
      session_ask(session, member, request);
    break;
  }
  case CONSENT_EFFECT_CONSENTS:
    session_tell_consents(session);
    break;
  case CONSENT_EFFECT_STATE:
    session->state_since_ms = daemon_wall_ms();
    session_tell_state(session);
    break;
  }
}

static ConsentResult handle_one(Session *session, const ConsentEvent *event, void (*accepted)(gpointer user), gpointer user) {
  ConsentEffects effects = {NULL, 0};
  ConsentResult result = consent_handle(session->consent, event, daemon_now_us(), &effects);
  if (result == CONSENT_OK && accepted != NULL)
    accepted(user);
  for (size_t i = 0; i < effects.n; i++)
    carry_out(session, &effects.items[i]);
  return result;
}

ConsentResult session_event(Session *session, const ConsentEvent *event) {
  return session_event_then(session, event, NULL, NULL);
}

ConsentResult session_event_then(Session *session, const ConsentEvent *event, void (*accepted)(gpointer user), gpointer user) {
  if (session->handling) {
    g_return_val_if_fail(accepted == NULL, CONSENT_REFUSED); /* people's messages never come from within an effect */
    g_queue_push_tail(&session->events, g_memdup2(event, sizeof *event));
    return CONSENT_OK;
  }
  session->handling = TRUE;
  ConsentResult result = handle_one(session, event, accepted, user);
  for (;;) {
    g_autofree ConsentEvent *next = g_queue_pop_head(&session->events);
    if (next == NULL)
      break;
    handle_one(session, next, NULL, NULL);
  }
  session->handling = FALSE;
  session_reschedule(session);
  janus_watch_update(session);
  return result;
}

static void on_deadline(gpointer session) {
  session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_TICK});
}

void session_reschedule(Session *session) {
  const int64_t deadline_us = consent_next_deadline_us(session->consent);
  if (deadline_us == INT64_MAX)
    alarm_clear(session->daemon->alarms, &session->alarm);
  else
    alarm_set(session->daemon->alarms, &session->alarm, deadline_us, on_deadline, session);
}

void session_health(Daemon *daemon) {
  GHashTableIter iter;
  gpointer session;
  g_hash_table_iter_init(&iter, daemon->sessions);
  while (g_hash_table_iter_next(&iter, NULL, &session))
    if (((Session *)session)->consent != NULL) {
      if (daemon->healthy)
        session_unrecorded_again(session);
      session_tell_health(session);
    }
}
