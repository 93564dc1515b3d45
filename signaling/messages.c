/* SPDX-License-Identifier: Apache-2.0 */
/* The WebSocket side of PROTOCOL.md: one function a message type. Whose message it is, is its socket's business (fault 21). */
#include <string.h>

#include "signaling/admission.h"
#include "signaling/answer.h"
#include "signaling/disclosure.h"
#include "signaling/receipt.h"
#include "signaling/session-media.h"
#include "signaling/session-plan.h"
#include "signaling/session-report.h"
#include "signaling/session-signature.h"
#include "signaling/session-unrecorded.h"

/* PROTOCOL.md: the first message must be `join`, within 5 s. */
#define JOIN_WITHIN_MS 5000
/* How long the socket of somebody who left stays for a last `alive` that confirms what was recorded of them (R10). */
#define LINGER_MS 500

typedef struct Message {
  Daemon *daemon;
  Connection *connection;
  Member *member; /* NULL before join */
  Session *session;
  const json_t *json;
  const char *re; /* the request's id, NULL */
  gint64 received_us;
} Message;

/* --- answering --- */

static void answer(const Message *message, json_t *reply) {
  if (message->re != NULL)
    json_object_set_new(reply, "re", json_string(message->re));
  socket_send(message->connection->socket, reply);
}

static void refuse(const Message *message, const char *code, const char *text) {
  socket_error(message->connection->socket, message->re, code, text);
}

static gboolean passed(const Message *message, ConsentResult result) {
  if (result == CONSENT_OK)
    return TRUE;
  refuse(message, consent_result_text(result), answer_refusal_text(result));
  return FALSE;
}

static const char *text_field(const Message *message, const char *name) {
  return json_string_value(json_object_get(message->json, name));
}

/* --- joining --- */

static gboolean on_too_late(gpointer data) {
  Connection *connection = data;
  connection->join_timer = 0;
  socket_error(connection->socket, NULL, "join_timeout", "The first message must be join, within 5 seconds.");
  socket_close(connection->socket, 1008, "join_timeout");
  return G_SOURCE_REMOVE;
}

static void messages_opened(Socket *socket, gpointer user) {
  Daemon *daemon = user;
  Connection *connection = g_new0(Connection, 1);
  connection->serial = ++daemon->last_serial;
  connection->daemon = daemon;
  connection->socket = socket;
  connection->join_timer = g_timeout_add(JOIN_WITHIN_MS, on_too_late, connection);
  g_hash_table_insert(daemon->connections, &connection->serial, connection);
  socket_set_data(socket, connection);
}

Connection *connection_find(Daemon *daemon, guint64 serial) {
  return g_hash_table_lookup(daemon->connections, &serial);
}

/* R15: the second socket takes the first one's place; the first is told and may only withdraw. */
static void replace_connection(Member *member) {
  Connection *old = g_steal_pointer(&member->connection);
  if (old == NULL)
    return;
  old->replaced = TRUE;
  socket_send(old->socket, json_pack("{s:s}", "type", "replaced"));
}

static void greet(const Message *message, Member *member) {
  Session *session = member->session;
  const Config *config = message->daemon->config;
  json_t *participants = json_array(), *ice = json_array();
  for (guint i = 0; i < session->members->len; i++) {
    const Member *other = session->members->pdata[i];
    if (other->on_roster)
      json_array_append_new(participants, session_participant_json(other));
  }
  for (gsize i = 0; config->ice_servers != NULL && config->ice_servers[i] != NULL; i++) {
    json_t *object = json_loads(config->ice_servers[i], 0, NULL);
    json_array_append_new(ice, object != NULL ? object : json_pack("{s:s}", "urls", config->ice_servers[i]));
  }
  static const char *const MEDIA[] = {"none", "audio", "video", "all"};
  const ConsentPersonView view = consent_person_view(session->consent, member->person, daemon_now_us());
  guint64 n = consent_next_number(session->consent, member->person, daemon_now_us());
  json_t *joined = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "type", "joined", "self", member->id, "session",
                             session->id, "participants", participants, "recording", session_recording_json(session, NULL), "ice_servers",
                             ice, "lease_ms", (json_int_t)config->lease_ms, "heartbeat_ms", (json_int_t)config->heartbeat_ms, "server_time",
                             (json_int_t)daemon_wall_ms(), "n", (json_int_t)n);
  json_object_set_new(joined, "controller",
                      json_pack("{s:s, s:s}", "name", config->controller_name, "contact", config->controller_contact));
  if (consent_view(session->consent).requests_made > 0) /* R6: also before a restart there may be what can be withdrawn from */
    json_object_set_new(joined, "asked", json_true());
  if (view.answer == CONSENT_ANSWER_GRANTED) /* in writing, or before a reconnect: not asked again, so told here */
    json_object_set_new(joined, "agreed", json_string(MEDIA[view.media]));
  answer(message, joined);
  member->greeted = TRUE;
}

/* What the newcomer has to know beyond `joined`: the question that stands, and who has answered it. */
static void catch_up(Session *session, Member *member) {
  ConsentView view = consent_view(session->consent);
  Request *request = view.request_active ? session_request(session, view.request) : NULL;
  if (request == NULL)
    return;
  if (consent_person_view(session->consent, member->person, daemon_now_us()).answer != CONSENT_ANSWER_GRANTED)
    session_ask(session, member, request);
  session_tell_consents(session);
}

typedef struct Entering {
  Member *member;
  const Token *token;
} Entering;

/* R21: the join stands on the ledger before what it closed or opened. */
static void entered(gpointer user) {
  const Entering *entering = user;
  Member *member = entering->member;
  g_strlcpy(member->name, entering->token->name, sizeof member->name);
  member->role = entering->token->role;
  json_t *leaf = json_pack("{s:s, s:s, s:s}", "participant", member->id, "name", member->name, "role", token_role_text(member->role));
  if (entering->token->cannot_consent) /* R4 */
    json_object_set_new(leaf, "cannot_consent", json_true());
  session_leaf(member->session, "join", leaf);
}

static ConsentResult enter(const Message *message, Member *member, const Token *token) {
  Session *session = member->session;
  Entering entering = {member, token};
  gboolean may_request = g_strv_contains((const char *const *)message->daemon->config->request_roles, token_role_text(token->role));
  member->greeted = FALSE;
  ConsentResult result = session_event_then(
      session,
      &(ConsentEvent){
          .type = CONSENT_EVENT_JOIN, .person = member->person, .may_request = may_request, .cannot_consent = token->cannot_consent},
      entered, &entering);
  if (result != CONSENT_OK)
    return result;
  replace_connection(member);
  member->connection = message->connection;
  member->entries++;
  message->connection->member = member;
  session_hold(session);
  return CONSENT_OK;
}

/* R5: a planned session has its guests and its hours. */
static gboolean may_enter(const Message *message, const Session *session, const char *participant) {
  g_autofree char *text = NULL;
  const char *code = session_plan_refusal(session, participant, &text);
  if (code == NULL)
    return TRUE;
  json_t *refusal = json_pack("{s:s, s:s, s:s}", "type", "error", "code", code, "message", text);
  g_autofree char *opens = daemon_rfc3339(session_plan_opens_ms(session));
  json_object_set_new(refusal, "opens", json_string(opens));
  answer(message, refusal);
  return FALSE;
}

static void join_session(const Message *message, const Token *token) {
  Daemon *daemon = message->daemon;
  Session *session = session_get(daemon, token->session, TRUE);
  if (session == NULL) {
    refuse(message, "too_many_sessions", "This gate serves as many sessions as it may: try again later.");
    return;
  }
  if (session->consent == NULL) { /* it is being remembered: this message comes again then */
    session_wait(session, message->connection, message->json);
    return;
  }
  if (!may_enter(message, session, token->participant))
    return;
  Member *member = session_member(session, token->participant);
  gboolean was_here = member != NULL && member->on_roster;
  if (!was_here && session_roster_count(session) >= config_people_max(daemon->config)) {
    refuse(message, "session_full", "The session is full.");
    return;
  }
  if (member == NULL)
    member = session_member_new(session, token->participant);
  ConsentResult result = member != NULL ? enter(message, member, token) : CONSENT_SESSION_FULL;
  if (!passed(message, result))
    return;
  g_clear_handle_id(&message->connection->join_timer, g_source_remove);
  member->on_roster = TRUE;
  session->idle_since_us = 0;
  daemon->counters.joins++;
  greet(message, member);
  if (!was_here)
    session_broadcast(session, json_pack("{s:s, s:o}", "type", "participant.joined", "participant", session_participant_json(member)),
                      member);
  catch_up(session, member);
  if (member->legs_ending == 0)
    session_connect(session, member);
}

static void on_join(const Message *message) {
  Token token;
  g_autofree char *why = NULL;
  if (message->member != NULL) {
    refuse(message, "already_joined", "This socket has joined already.");
    return;
  }
  const char *code = admission_refusal(message->daemon, text_field(message, "token"), &token, &why);
  if (code == NULL) {
    join_session(message, &token);
    return;
  }
  refuse(message, code, why);
  socket_close(message->connection->socket, 1008, g_str_equal(code, "token_expired") ? "bad_token" : code);
}

/* --- being there --- */

static void on_alive(const Message *message) {
  const json_t *echo = json_object_get(message->json, "echo");
  Member *member = message->member;
  Connection *connection = message->connection;
  guint64 number = json_is_integer(echo) && json_integer_value(echo) > 0 ? (guint64)json_integer_value(echo) : 0;
  if (connection->replaced) {
    refuse(message, "replaced", "Another window of yours has taken over: here you can only withdraw.");
    return;
  }
  ConsentResult result =
      session_event(message->session, &(ConsentEvent){.type = CONSENT_EVENT_ALIVE, .person = member->person, .echo = number});
  if (connection->left && !connection->ended) {
    socket_close(connection->socket, 1000, "left");
    return;
  }
  if (!connection->ended && !passed(message, member->on_roster ? result : CONSENT_NOT_JOINED))
    return;
  guint64 n = consent_next_number(message->session->consent, member->person, daemon_now_us());
  answer(message, json_pack("{s:s, s:I}", "type", "alive", "n", (json_int_t)n));
}

static gboolean on_lingered(gpointer data) {
  Connection *connection = data;
  connection->linger_timer = 0;
  socket_close(connection->socket, 1000, "left");
  return G_SOURCE_REMOVE;
}

static void on_leave(const Message *message) {
  Member *member = message->member;
  Connection *connection = message->connection;
  if (!connection->replaced && member->on_roster) {
    const json_t *echo = json_object_get(message->json, "echo");
    guint64 number = (guint64)MAX(0, json_integer_value(echo));
    session_event(message->session, &(ConsentEvent){.type = CONSENT_EVENT_LEAVE, .person = member->person, .echo = number});
    member->connection = NULL;
  }
  connection->left = TRUE;
  guint64 n = consent_next_number(message->session->consent, member->person, daemon_now_us());
  answer(message, json_pack("{s:s, s:I}", "type", "alive", "n", (json_int_t)n));
  if (connection->linger_timer == 0)
    connection->linger_timer = g_timeout_add(LINGER_MS, on_lingered, connection);
}

static void on_signal(const Message *message) {
  const char *to = text_field(message, "to");
  Member *other = to != NULL ? session_member(message->session, to) : NULL;
  g_autoptr(GError) error = NULL;
  if (other == NULL || other == message->member || !other->on_roster)
    refuse(message, "unknown_participant", "“to” must name another participant of this session.");
  else if (!session_signal(message->session, message->member, other, (json_t *)message->json, &error))
    refuse(message, "bad_description", error->message);
}

/* --- asking and answering --- */

/* An answer that waits for its leaf: what was decided is durable before anybody is told so. */
typedef struct Recorded {
  Daemon *daemon;
  Session *session;
  Member *member;
  guint64 connection; /* serial: the withdraw_key is for this socket alone (R24) */
  char *re, *withdraw_key, *withdraw_key_sha256;
  const char *event;
  guint64 request;
  json_t *leaf;
  json_t *signature;        /* the participant's own; NULL: none */
  gboolean told, asked_for; /* that the ledger refused it; of a request: its text is in the store */
  gboolean requested;       /* asking on one's own socket is agreeing (R2): answered as recording.requested, with the receipt */
} Recorded;

static void record_again(gpointer user);

static void recorded_free(Recorded *recorded) {
  session_release(recorded->session);
  json_decref(recorded->leaf);
  json_decref(recorded->signature);
  g_free(recorded->re);
  g_free(recorded->withdraw_key);
  g_free(recorded->withdraw_key_sha256);
  g_free(recorded);
}

static void recorded_forget(gpointer user) {
  recorded_free(user);
}

static json_t *recorded_json(const Recorded *recorded, const Request *request, json_t *receipt) {
  json_t *message = json_pack("{s:s, s:o}", "type", recorded->requested ? "recording.requested" : "consent.recorded", "receipt", receipt);
  if (recorded->requested && request != NULL) {
    json_object_set_new(message, "request", json_sprintf("%" G_GUINT64_FORMAT, request->number));
    json_object_set_new(message, "disclosure_sha256", json_string(request->sha256));
  }
  if (recorded->withdraw_key != NULL)
    json_object_set_new(message, "withdraw_key", json_string(recorded->withdraw_key));
  return message;
}

/* R24: no receipt without its proof. It follows, unasked, when the ledger takes the act after all. */
static json_t *unrecorded_json(const GError *why) {
  g_autofree char *missing = receipt_missing_text(why);
  g_autofree char *text = g_strconcat(missing, " Nothing is recorded until it can be written: that is tried again by itself.", NULL);
  return json_pack("{s:s, s:s, s:s}", "type", "error", "code", "no_receipt", "message", text);
}

static void on_recorded(const VaultReply *reply, gpointer user) {
  Recorded *recorded = user;
  const Request *request = session_request(recorded->session, recorded->request);
  const ReceiptFacts facts = {.session = recorded->session->id,
                              .participant = recorded->member->id,
                              .disclosure = request != NULL ? request->disclosure : NULL,
                              .withdraw_key_sha256 = recorded->withdraw_key_sha256,
                              .participant_signature = recorded->signature};
  json_t *receipt = receipt_new(recorded->daemon->vault, &facts, reply->proof);
  json_t *message = receipt != NULL ? recorded_json(recorded, request, receipt) : unrecorded_json(reply->error);
  if (recorded->re != NULL && !recorded->told)
    json_object_set_new(message, "re", json_string(recorded->re));
  const Connection *connection = connection_find(recorded->daemon, recorded->connection);
  if ((receipt == NULL && recorded->told) || connection == NULL)
    json_decref(message);
  else
    socket_send(connection->socket, message);
  if (receipt == NULL) {
    recorded->told = TRUE;
    session_unrecorded(recorded->session, recorded->member, record_again, recorded_forget, recorded);
    return;
  }
  session_unrecorded_done(recorded->session, recorded);
  recorded_free(recorded);
}

static Recorded *recorded_new(const Message *message, const char *event, guint64 request, json_t *leaf) {
  json_object_set_new(leaf, "participant", json_string(message->member->id));
  Recorded *recorded = g_new0(Recorded, 1);
  *recorded = (Recorded){.daemon = message->daemon,
                         .session = session_hold(message->session),
                         .member = message->member,
                         .connection = message->connection->serial,
                         .re = g_strdup(message->re),
                         .event = event,
                         .request = request,
                         .leaf = leaf};
  return recorded;
}

static void append_recorded(Recorded *recorded) {
  vault_append_proven(recorded->daemon->vault, recorded->session->id, json_deep_copy(recorded->leaf), on_recorded, recorded);
}

static void record(gpointer user) {
  Recorded *recorded = user;
  session_unrecorded_forget(recorded->session, recorded->member);
  g_message("event=%s session=%s participant=%s request=%" G_GUINT64_FORMAT, recorded->event, recorded->session->id, recorded->member->id,
            recorded->request);
  append_recorded(recorded);
}

/* Hands the answer to the core; what it accepts is put on the ledger and answered with a receipt. */
static gboolean decide(const Message *message, const ConsentEvent *event, Recorded *recorded) {
  if (passed(message, session_event_then(message->session, event, record, recorded)))
    return TRUE;
  recorded_free(recorded);
  return FALSE;
}

static void give_withdraw_key(Recorded *recorded) {
  guint8 hash[32];
  recorded->withdraw_key = receipt_withdraw_key_new(hash);
  recorded->withdraw_key_sha256 = receipt_hex(hash);
  json_object_set_new(recorded->leaf, "withdraw_key_sha256", json_string(recorded->withdraw_key_sha256));
}

/* Comes before on_recorded: it was queued before. */
static void on_asked_for(const VaultReply *reply, gpointer user) {
  Recorded *recorded = user;
  recorded->asked_for = reply->error == NULL;
}

static void keep_request(Recorded *recorded) {
  const Request *request = session_request(recorded->session, recorded->request);
  session_request_keep(recorded->session, request, on_asked_for, recorded);
}

static void record_again(gpointer user) {
  Recorded *recorded = user;
  if (recorded->requested && !recorded->asked_for)
    keep_request(recorded);
  append_recorded(recorded);
}

static void request_accepted(gpointer user) {
  keep_request(user);
  record(user);
}

static void on_request(const Message *message) {
  Session *session = message->session;
  g_autoptr(GError) error = NULL;
  Request *request =
      session_request_new(session, json_object_get(message->json, "disclosure"), message->member->name, message->member, &error);
  if (request == NULL) {
    refuse(message, g_error_matches(error, DISCLOSURE_ERROR, DISCLOSURE_ERROR_MISSING) ? "disclosure_incomplete" : "bad_disclosure",
           error->message);
    return;
  }
  Recorded *recorded = recorded_new(message, "granted", request->number,
                                    json_pack("{s:s, s:I, s:s, s:s}", "type", "grant", "request", (json_int_t)request->number, "media",
                                              "all", "disclosure_sha256", request->sha256));
  recorded->requested = TRUE;
  give_withdraw_key(recorded);
  if (!passed(message, session_request_ask(session, request, request_accepted, recorded)))
    recorded_free(recorded);
}

static void on_grant(const Message *message) {
  static const char *const MEDIA[] = {"none", "audio", "video", "all"};
  ConsentEvent event = {.type = CONSENT_EVENT_GRANT, .person = message->member->person, .request = answer_request_number(message->json)};
  if (!answer_parse_media(json_object_get(message->json, "media"), &event.media)) {
    refuse(message, "bad_media", "“media” must list audio, video, or both.");
    return;
  }
  if (!answer_parse_sha256(text_field(message, "disclosure_sha256"), event.sha256)) {
    refuse(message, "wrong_disclosure", "A grant names the text it agrees to: “disclosure_sha256”, 64 hexadecimal digits (R3).");
    return;
  }
  Recorded *recorded = recorded_new(message, "granted", event.request,
                                    json_pack("{s:s, s:I, s:s, s:s}", "type", "grant", "request", (json_int_t)event.request, "media",
                                              MEDIA[event.media], "disclosure_sha256", text_field(message, "disclosure_sha256")));
  g_autoptr(GError) error = NULL;
  if (!session_signature_take(message->session, message->member, message->json, recorded->leaf, &error)) {
    recorded_free(recorded);
    refuse(message, "bad_signature", error->message);
    return;
  }
  recorded->signature = json_deep_copy(json_object_get(recorded->leaf, "signature"));
  give_withdraw_key(recorded);
  message->daemon->counters.grants += decide(message, &event, recorded);
}

static void on_decline(const Message *message) {
  guint64 request = answer_request_number(message->json);
  const ConsentEvent event = {.type = CONSENT_EVENT_DECLINE, .person = message->member->person, .request = request};
  const Request *asked = session_request(message->session, request);
  json_t *leaf = json_pack("{s:s, s:I, s:s*}", "type", "decline", "request", (json_int_t)request, "disclosure_sha256",
                           asked != NULL ? asked->sha256 : NULL);
  message->daemon->counters.declines += decide(message, &event, recorded_new(message, "declined", request, leaf));
}

static void on_offer(const Message *message) {
  const ConsentEvent event = {.type = CONSENT_EVENT_OFFER, .person = message->member->person};
  decide(message, &event, recorded_new(message, "offered", 0, json_pack("{s:s}", "type", "offer")));
}

/* --- withdrawing: works on every socket that ever joined, replaced and left ones too (R6, R15) --- */

typedef struct Reply {
  Daemon *daemon;
  Member *member;
  guint64 connection; /* serial */
  char *re;
} Reply;

static void on_withdrawn(json_t *result, gpointer user) {
  g_autofree Reply *reply = user;
  if (reply->re != NULL)
    json_object_set_new(result, "re", json_string(reply->re));
  const Connection *connection = connection_find(reply->daemon, reply->connection);
  if (connection != NULL)
    socket_send(connection->socket, result);
  else
    member_send(reply->member, result); /* they came back on another socket meanwhile */
  g_free(reply->re);
}

static void on_withdraw(const Message *message) {
  const char *scope_word = text_field(message, "scope");
  Reply *reply = g_new(Reply, 1);
  *reply = (Reply){message->daemon, message->member, message->connection->serial, g_strdup(message->re)};
  session_withdraw(message->session, message->member, answer_request_number(message->json), disclosure_scope_parse(scope_word),
                   message->received_us, on_withdrawn, reply);
}

/* --- toggling (R14) --- */

typedef struct Toggling {
  Member *member;
  const char *leaf;
} Toggling;

static void toggled(gpointer user) {
  const Toggling *toggling = user;
  session_leaf(toggling->member->session, toggling->leaf, json_pack("{s:s}", "participant", toggling->member->id));
}

static void toggle(const Message *message, ConsentEventType type, const char *leaf) {
  Toggling toggling = {message->member, leaf};
  const ConsentEvent event = {.type = type, .person = message->member->person};
  if (!passed(message, session_event_then(message->session, &event, toggled, &toggling)))
    return;
  answer(message, session_recording_json(message->session, message->member));
}

static void on_pause(const Message *message) {
  toggle(message, CONSENT_EVENT_PAUSE, "pause");
}
static void on_resume(const Message *message) {
  toggle(message, CONSENT_EVENT_RESUME, "resume");
}
static void on_stop(const Message *message) {
  toggle(message, CONSENT_EVENT_STOP, "stop");
}

static gboolean may_request(const Message *message) {
  return g_strv_contains((const char *const *)message->daemon->config->request_roles, token_role_text(message->member->role));
}

/* Who may ask to record may also end the session for everybody. */
static void on_end(const Message *message) {
  if (may_request(message))
    session_end(message->session, message->member, message->re);
  else
    refuse(message, "role_may_not_end", "Your role may not end the session for everybody: you can leave it yourself.");
}

static void on_report(const Message *message) {
  session_report(message->member, message->connection, message->json, message->re);
}

/* --- dispatch --- */

static const struct {
  const char *type;
  void (*handle)(const Message *message);
  gboolean always; /* also on a socket that was replaced or has left */
} HANDLERS[] = {
    {"alive", on_alive, TRUE},
    {"consent.withdraw", on_withdraw, TRUE},
    {"leave", on_leave, TRUE},
    {"signal", on_signal, FALSE},
    {"recording.request", on_request, FALSE},
    {"consent.grant", on_grant, FALSE},
    {"consent.decline", on_decline, FALSE},
    {"consent.offer", on_offer, FALSE},
    {"recording.pause", on_pause, FALSE},
    {"recording.resume", on_resume, FALSE},
    {"recording.stop", on_stop, FALSE},
    {"session.end", on_end, FALSE},
    {"violation.report", on_report, FALSE},
};

static void dispatch(const Message *message, const char *type) {
  for (gsize i = 0; i < G_N_ELEMENTS(HANDLERS); i++) {
    if (!g_str_equal(type, HANDLERS[i].type))
      continue;
    gboolean present = !message->connection->replaced && !message->connection->left && message->member->on_roster;
    if (HANDLERS[i].always || present)
      HANDLERS[i].handle(message);
    else if (message->connection->replaced)
      refuse(message, "replaced", "Another window of yours has taken over: here you can only withdraw.");
    else
      refuse(message, "not_joined", answer_refusal_text(CONSENT_NOT_JOINED));
    return;
  }
  refuse(message, "unknown_type", "This gate does not know that type of message.");
}

void messages_received(Socket *socket, json_t *json, gint64 received_us, gpointer daemon) {
  Connection *connection = socket_data(socket);
  const char *type = json_string_value(json_object_get(json, "type"));
  const char *id = json_string_value(json_object_get(json, "id"));
  Message message = {.daemon = daemon,
                     .connection = connection,
                     .member = connection->member,
                     .session = connection->member != NULL ? connection->member->session : NULL,
                     .json = json,
                     .re = id != NULL && strlen(id) <= 64 ? id : NULL,
                     .received_us = received_us};
  if (g_str_equal(type, "join"))
    on_join(&message);
  else if (message.member == NULL)
    refuse(&message, "not_joined", "The first message must be join.");
  else
    dispatch(&message, type);
}

/* A lost socket is not a departure: the lease decides (R10). */
static void messages_closed(Socket *socket, gpointer daemon) {
  Connection *connection = socket_data(socket);
  g_hash_table_remove(((Daemon *)daemon)->connections, &connection->serial);
  if (connection->join_timer > 0)
    g_source_remove(connection->join_timer);
  if (connection->linger_timer > 0)
    g_source_remove(connection->linger_timer);
  if (connection->member != NULL) {
    if (connection->member->connection == connection)
      connection->member->connection = NULL;
    session_release(connection->member->session);
  }
  g_free(connection);
}

const ServerEndpoint messages_endpoint = {.path = "/v1/ws",
                                          .protocol = "recgate.v1",
                                          .type = "type",
                                          .id = "id",
                                          .always = "consent.withdraw", /* R6 */
                                          .rate_factor = 1,
                                          .opened = messages_opened,
                                          .message = messages_received,
                                          .closed = messages_closed};
