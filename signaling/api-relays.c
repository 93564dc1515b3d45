/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/api-relays.h"

#include <string.h>

#include "signaling/json.h"

void relay_respond_error(HttpRequest *request, const GError *error) {
  static const struct {
    RelayError error;
    guint status;
    const char *code;
  } ANSWERS[] = {{RELAY_ERROR_NOT_JOINED, 409, "not_joined"}, {RELAY_ERROR_MANY, 429, "too_many"},
                 {RELAY_ERROR_FAST, 429, "too_many"},         {RELAY_ERROR_ICE_LITE, 409, "ice_lite"},
                 {RELAY_ERROR_TOO_LARGE, 413, "too_large"},   {RELAY_ERROR_DESCRIPTION, 400, "bad_description"}};
  for (gsize i = 0; i < G_N_ELEMENTS(ANSWERS); i++)
    if (g_error_matches(error, RELAY_ERROR, (int)ANSWERS[i].error)) {
      http_respond_error(request, ANSWERS[i].status, ANSWERS[i].code, error->message);
      return;
    }
  http_respond_error(request, 503, "unavailable", error->message);
}

Relay *relay_of_token(HttpRequest *request, Daemon *daemon, const char *id, const Token *token) {
  Relay *relay = relay_find(daemon, id);
  if (relay != NULL && (token->role == TOKEN_ROLE_SERVICE ||
                        (g_str_equal(token->session, relay->session) && g_str_equal(token->participant, relay->participant))))
    return relay;
  http_respond_error(request, 404, "unknown_relay",
                     "There is no such relay of yours: it was ended, its connection broke, or its person left the session.");
  return NULL;
}

/* Whose relay it is to be: the token says it, or where a service asks, the body. */
static gboolean read_whose(HttpRequest *request, const Token *token, char *session, char *participant) {
  const char *named_session = json_text_member(http_body(request), "session"),
             *named_participant = json_text_member(http_body(request), "participant");
  const gboolean is_service = token->role == TOKEN_ROLE_SERVICE;
  if (is_service &&
      (named_session == NULL || named_participant == NULL || !token_id_is_valid(named_session) || !token_id_is_valid(named_participant))) {
    http_respond_error(request, 400, "bad_id",
                       "A service names whose relay it is: “session” and “participant”, as in that person's token.");
    return FALSE;
  }
  if (!is_service && ((named_session != NULL && !g_str_equal(named_session, token->session)) ||
                      (named_participant != NULL && !g_str_equal(named_participant, token->participant)))) {
    http_respond_error(request, 403, "not_yours", "This token makes relays of its own participant alone; for others it takes a service's.");
    return FALSE;
  }
  g_strlcpy(session, is_service ? named_session : token->session, TOKEN_ID_BYTES_MAX + 1);
  g_strlcpy(participant, is_service ? named_participant : token->participant, TOKEN_ID_BYTES_MAX + 1);
  return TRUE;
}

/* FALSE: answered. */
static gboolean read_from(HttpRequest *request, CallSide *from) {
  const char *text = json_text_member(http_body(request), "from");
  *from = g_strcmp0(text, "sfu") == 0 ? CALL_B : CALL_A;
  if (*from == CALL_B || g_strcmp0(text, "client") == 0)
    return TRUE;
  http_respond_error(request, 400, "bad_from", "“from” says whose it is: “client” or “sfu”.");
  return FALSE;
}

typedef struct Described { /* what a body says; borrowed from it, and so from its request */
  CallSide from;
  SdpType type;
  const char *type_text, *sdp;
} Described;

static gboolean read_description(HttpRequest *request, Described *described) {
  const json_t *description = json_object_get(http_body(request), "description");
  described->type_text = json_text_member(description, "type");
  described->type = sdp_type_parse(described->type_text);
  described->sdp = json_text_member(description, "sdp");
  if (!read_from(request, &described->from))
    return FALSE;
  if (described->type == SDP_NONE || (described->sdp == NULL && described->type != SDP_ROLLBACK)) {
    http_respond_error(request, 400, "bad_description",
                       "“description” needs a “type” of offer, answer, pranswer or rollback, and an “sdp”.");
    return FALSE;
  }
  return TRUE;
}

/* A full agent checks every address in the SFU's description. A participant's word for it would let them make the gate send to any. */
static gboolean may_describe(HttpRequest *request, const Relay *relay, const Described *described, const Token *token) {
  if (described->from == CALL_A || token->role == TOKEN_ROLE_SERVICE || described->sdp == NULL ||
      !relay_begins_checks(relay, described->type, described->sdp))
    return TRUE;
  http_respond_error(
      request, 403, "service_only",
      "The gate itself checks the addresses in this SFU's descriptions (it is ICE-lite, or [sfu] ice = full), so they are taken from "
      "a service alone: let your server send them.");
  return FALSE;
}

static gboolean pass(HttpRequest *request, Relay *relay, const Described *described, guint status) {
  g_autofree char *out = NULL;
  g_autoptr(GError) error = NULL;
  if (!relay_describe(relay, described->from, described->type, described->sdp != NULL ? described->sdp : "", &out, &error)) {
    relay_respond_error(request, error);
    return FALSE;
  }
  g_autofree char *location = g_strconcat("/v1/relays/", relay->id, NULL);
  if (status == 201)
    http_add_header(request, "Location", location);
  http_respond_json(
      request, status,
      json_pack("{s:s, s:{s:s, s:s}}", "relay", relay->id, "description", "type", described->type_text, "sdp", out != NULL ? out : ""));
  return TRUE;
}

typedef struct Waiting { /* for the gate's candidates towards the SFU */
  HttpRequest *request;
  Described described;
  gboolean is_new;
} Waiting;

static void go(Relay *relay, gpointer data) {
  g_autofree Waiting *waiting = data;
  if (relay == NULL)
    http_respond_error(waiting->request, 409, "not_joined",
                       "This person left the session, or the relay ended, while the gate was about it.");
  else if (!pass(waiting->request, relay, &waiting->described, waiting->is_new ? 201 : 200)) {
    if (waiting->is_new)
      relay_end(relay);
  } else if (waiting->is_new)
    g_message("event=relay_opened session=%s participant=%s relay=%s", relay->session, relay->participant, relay->id);
}

/* The SFU's never wait: what they need is found out with them. */
static void pass_when_ready(HttpRequest *request, Relay *relay, const Described *described, gboolean is_new) {
  Waiting *waiting = g_new(Waiting, 1);
  *waiting = (Waiting){request, *described, is_new};
  if (described->from == CALL_B)
    go(relay, waiting);
  else if (!relay_when_ready(relay, go, waiting)) {
    g_free(waiting);
    http_respond_error(request, 429, "too_many", "A description of this relay is still on its way: send the next when it was answered.");
  }
}

static gboolean are_candidates(const json_t *candidates) {
  for (gsize i = 0; i < json_array_size(candidates); i++) {
    const char *text = json_text_member(json_array_get(candidates, i), "candidate");
    if (text == NULL || (*text != '\0' && !g_str_has_prefix(text, "candidate:")))
      return FALSE;
  }
  return json_array_size(candidates) > 0 && json_array_size(candidates) <= RELAY_CANDIDATES_MAX;
}

/* RFC 8838. A client's are not needed: the gate, ICE-lite towards it, learns where it is from its checks. */
static void post_candidates(HttpRequest *request, Relay *relay, const json_t *candidates, const Token *token) {
  CallSide from;
  g_autoptr(GError) error = NULL;
  if (!read_from(request, &from))
    return;
  if (json_object_get(http_body(request), "description") != NULL)
    http_respond_error(request, 400, "bad_candidates", "“candidates” and a “description” are two requests, in either order.");
  else if (!are_candidates(candidates))
    http_respond_error(request, 400, "bad_candidates",
                       "“candidates” are 1 to " G_STRINGIFY(
                           RELAY_CANDIDATES_MAX) " of {“candidate”: “candidate:…”}, as browsers and SFUs trickle them; “” is their end.");
  else if (from == CALL_B && token->role != TOKEN_ROLE_SERVICE)
    http_respond_error(request, 403, "service_only",
                       "The gate itself may check an SFU's candidates, so they are taken from a service alone: let your server send them.");
  else if (!relay_candidates(relay, from, candidates, &error))
    relay_respond_error(request, error);
  else
    http_respond_bytes(request, 204, NULL, g_bytes_new(NULL, 0));
}

static void post_more(HttpRequest *request, Relay *relay, const Token *token) {
  const json_t *candidates = json_object_get(http_body(request), "candidates");
  Described described;
  if (candidates != NULL)
    post_candidates(request, relay, candidates, token);
  else if (read_description(request, &described) && may_describe(request, relay, &described, token))
    pass_when_ready(request, relay, &described, FALSE);
}

static void post_new(HttpRequest *request, Daemon *daemon, const Token *token) {
  char session[TOKEN_ID_BYTES_MAX + 1], participant[TOKEN_ID_BYTES_MAX + 1];
  Described described;
  g_autoptr(GError) error = NULL;
  if (!read_whose(request, token, session, participant) || !read_description(request, &described))
    return;
  if (described.type != SDP_OFFER) {
    http_respond_error(request, 400, "bad_description", "A relay begins with an offer, of either side. Answers go to /v1/relays/{relay}.");
    return;
  }
  Relay *relay = relay_new(daemon, session, participant, &error);
  if (relay == NULL)
    relay_respond_error(request, error);
  else if (!may_describe(request, relay, &described, token))
    relay_end(relay);
  else
    pass_when_ready(request, relay, &described, TRUE);
}

void api_relays(HttpRequest *request, Daemon *daemon, const char *id, const Token *token) {
  const char *method = http_method(request);
  const gboolean is_post = g_str_equal(method, "POST"), is_delete = id != NULL && g_str_equal(method, "DELETE");
  if (!g_str_equal(daemon->config->sfu_mode, "relays"))
    http_respond_error(request, 404, "relays_off", "This gate passes no relays: its operator sets [sfu] mode = relays.");
  else if (token->role == TOKEN_ROLE_AUDITOR)
    http_respond_error(request, 403, "wrong_role", "Relays are made by the participant they are of, or by a service.");
  else if (!is_post && !is_delete) {
    http_add_header(request, "Allow", id != NULL ? "POST, DELETE, OPTIONS" : "POST, OPTIONS");
    http_respond_error(request, 405, "bad_method", "POST a description, or DELETE a relay.");
  } else if (id == NULL)
    post_new(request, daemon, token);
  else {
    Relay *relay = relay_of_token(request, daemon, id, token);
    if (relay == NULL)
      return;
    if (relay->over != NULL && !is_delete)
      http_respond_error(request, 404, "unknown_relay", "This relay is a WHIP session: PATCH or DELETE /v1/whip/{id}.");
    else if (is_delete) {
      relay_end(relay);
      http_respond_bytes(request, 204, NULL, g_bytes_new(NULL, 0));
    } else
      post_more(request, relay, token);
  }
}
