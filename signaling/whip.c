/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/whip.h"

#include <string.h>

#include "signaling/api-relays.h"
#include "signaling/whip-sdp.h"
#include "signaling/whip-upstream.h"

#define SDP_TYPE      "application/sdp"
#define FRAGMENT_TYPE "application/trickle-ice-sdpfrag"

typedef struct Whip {
  Daemon *daemon;
  Relay *relay;         /* NULL: over, and only the server's answer is waited for */
  HttpRequest *request; /* the POST, until it is answered */
  char *url;            /* where it is published */
  char *offer, *answer; /* the newest of the client, and the server's: an ICE restart is between client and gate */
  char *location;       /* at the server */
  guint restarts;       /* the entity tag names the ICE session (section 4.3.1) */
} Whip;

static void whip_free(Whip *whip) {
  if (whip->location != NULL)
    whip_upstream_delete(whip->daemon, whip->location);
  g_free(whip->url);
  g_free(whip->offer);
  g_free(whip->answer);
  g_free(whip->location);
  g_free(whip);
}

/* However the relay ended: the session at the server ends with it (R15). */
static void on_relay_over(Relay *relay, gpointer user) {
  Whip *whip = user;
  (void)relay;
  whip->relay = NULL;
  if (whip->request == NULL)
    whip_free(whip);
}

static void respond_empty(HttpRequest *request, guint status) {
  http_respond_bytes(request, status, NULL, g_bytes_new(NULL, 0));
}

static void respond_text(HttpRequest *request, guint status, const char *type, char *text) {
  http_respond_bytes(request, status, type, g_bytes_new_take(text, strlen(text)));
}

static char *make_etag(const Whip *whip) {
  return g_strdup_printf("\"%s-%u\"", whip->relay->id, whip->restarts);
}

static void add_etag(HttpRequest *request, const Whip *whip) {
  g_autofree char *tag = make_etag(whip);
  http_add_header(request, "ETag", tag);
}

/* --- POST: a session begins --- */

static void respond_upstream_failed(HttpRequest *request, const WhipAnswer *answer) {
  g_autofree char *text = NULL;
  if (answer->status == 503 || answer->status == 429) {
    http_respond_error(request, 503, "upstream_busy", "The WHIP server behind the gate takes no more now: try again later.");
    return;
  }
  if (answer->status == 0)
    text = g_strdup_printf("The gate does not reach the WHIP server behind it: %s.", answer->why);
  else
    text = g_strdup_printf("The WHIP server behind the gate did not take this: %s.",
                           answer->why != NULL ? answer->why : "no description came");
  http_respond_error(request, 502, answer->status == 0 ? "upstream_unreachable" : "upstream_refused", text);
}

static void respond_created(HttpRequest *request, const Whip *whip, char *sdp) {
  g_autofree char *location = g_strconcat("/v1/whip/", whip->relay->id, NULL);
  http_add_header(request, "Location", location);
  add_etag(request, whip);
  respond_text(request, 201, SDP_TYPE, sdp);
  g_message("event=whip_opened session=%s participant=%s relay=%s", whip->relay->session, whip->relay->participant, whip->relay->id);
}

static void on_answered(const WhipAnswer *answer, gpointer user) {
  Whip *whip = user;
  HttpRequest *request = g_steal_pointer(&whip->request);
  g_autofree char *sdp = NULL;
  g_autoptr(GError) error = NULL;
  whip->location = g_strdup(answer->location);
  whip->answer = g_strdup(answer->sdp);
  if (whip->relay == NULL) { /* its person left meanwhile */
    http_respond_error(request, 409, "not_joined", "This person left the session while the WHIP server was asked.");
    whip_free(whip);
    return;
  }
  if (answer->sdp != NULL && relay_describe(whip->relay, CALL_B, SDP_ANSWER, answer->sdp, &sdp, &error)) {
    respond_created(request, whip, g_steal_pointer(&sdp));
    return;
  }
  if (g_error_matches(error, RELAY_ERROR, RELAY_ERROR_MANY))
    http_respond_error(request, 503, "too_busy", "The gate has no room for more legs with full ICE now: try again later.");
  else if (error != NULL) { /* it is the server that is wrong, not who asks */
    g_autofree char *text = g_strdup_printf("What the WHIP server behind the gate answered does not serve: %s", error->message);
    http_respond_error(request, 502, "upstream_refused", text);
  } else
    respond_upstream_failed(request, answer);
  relay_end(whip->relay);
}

/* Of one person: a slow server's queue is everybody's. */
#define OFFERS_WAITING_MAX 4

static gboolean has_turn(Daemon *daemon, const Token *token) {
  GHashTableIter iter;
  gpointer value;
  guint waiting = 0;
  g_hash_table_iter_init(&iter, daemon->relays);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    const Relay *relay = value;
    waiting += relay->over == on_relay_over && ((const Whip *)relay->user)->request != NULL &&
               g_str_equal(relay->session, token->session) && g_str_equal(relay->participant, token->participant);
  }
  return waiting < OFFERS_WAITING_MAX;
}

/* The offer goes on once the gate knows its own candidates towards the server. relay NULL: its person left meanwhile, and its end frees whip. */
static void offer(Relay *relay, gpointer user) {
  Whip *whip = user;
  g_autofree char *sdp = NULL;
  g_autoptr(GError) error = NULL;
  if (relay != NULL && relay_describe(relay, CALL_A, SDP_OFFER, whip->offer, &sdp, &error) &&
      whip_upstream_post(whip->daemon, whip->url, sdp, on_answered, whip))
    return;
  HttpRequest *request = g_steal_pointer(&whip->request);
  if (relay == NULL)
    http_respond_error(request, 409, "not_joined", "This person left the session while the gate prepared for the WHIP server.");
  else if (error != NULL)
    relay_respond_error(request, error);
  else
    http_respond_error(request, 503, "too_busy", "Too many wait for the WHIP server already: try again later.");
  if (relay != NULL)
    relay_end(relay);
}

static void post(HttpRequest *request, Daemon *daemon, const char *url, const Token *token) {
  g_autoptr(GError) error = NULL;
  Relay *relay = relay_new(daemon, token->session, token->participant, &error);
  if (relay == NULL) {
    relay_respond_error(request, error);
    return;
  }
  Whip *whip = g_new0(Whip, 1);
  *whip = (Whip){.daemon = daemon, .relay = relay, .request = request, .url = g_strdup(url), .offer = g_strdup(http_text(request))};
  relay->over = on_relay_over;
  relay->user = whip;
  (void)!relay_when_ready(relay, offer, whip); /* nothing of a new one can wait already */
}

void whip_endpoint(HttpRequest *request, Daemon *daemon, const char *resource, const Token *token) {
  const char *method = http_method(request), *template = daemon->config->sfu_whip;
  g_autofree char *url = template != NULL && token != NULL ? whip_url_fill(template, token->session, token->participant, resource) : NULL;
  http_add_header(request, "Accept-Post", SDP_TYPE);
  if (token == NULL)
    respond_empty(request, 200);
  else if (template == NULL)
    http_respond_error(request, 404, "whip_off", "This gate has no WHIP server behind it: its operator sets [sfu] whip.");
  else if (!g_str_equal(method, "POST")) {
    http_add_header(request, "Allow", "POST, OPTIONS");
    http_respond_error(request, 405, "bad_method", "Publish here with POST (RFC 9725).");
  } else if (url == NULL)
    http_respond_error(request, 404, "unknown_endpoint", "There is no such WHIP endpoint: [sfu] whip says what may stand behind /whip.");
  else if (token->role == TOKEN_ROLE_AUDITOR || token->role == TOKEN_ROLE_SERVICE)
    http_respond_error(request, 403, "wrong_role", "Only a participant publishes: give the token of the person whose media it is.");
  else if (http_text(request) == NULL)
    http_respond_error(request, 415, "bad_type", "Send an SDP offer as application/sdp.");
  else if (strstr(http_text(request), "\nm=") == NULL)
    http_respond_error(request, 400, "bad_description", "An offer to publish names what it sends: there is no m= line in it.");
  else if (!has_turn(daemon, token))
    http_respond_error(request, 429, "too_many", "Some offers of yours wait for the WHIP server already.");
  else
    post(request, daemon, url, token);
}

/* --- PATCH and DELETE of a session --- */

static gboolean tag_fits(const Whip *whip, const char *if_match) {
  g_autofree char *tag = make_etag(whip);
  return strcmp(if_match, "*") == 0 || strcmp(if_match, "\"*\"") == 0 || strcmp(if_match, tag) == 0;
}

/* The client's leg alone restarts: the server's stays as it is, and sees nothing of it. */
static void restart(HttpRequest *request, Whip *whip, const char *ufrag, const char *pwd) {
  g_autofree char *offer = whip_sdp_restarted(whip->offer, ufrag, pwd), *passed = NULL, *answer = NULL, *rolled_back = NULL;
  g_autoptr(GError) error = NULL;
  if (!relay_describe(whip->relay, CALL_A, SDP_OFFER, offer, &passed, &error)) {
    relay_respond_error(request, error);
    return;
  }
  if (!relay_describe(whip->relay, CALL_B, SDP_ANSWER, whip->answer, &answer, &error)) {
    (void)!relay_describe(whip->relay, CALL_A, SDP_ROLLBACK, "", &rolled_back, NULL);
    relay_respond_error(request, error);
    return;
  }
  g_free(whip->offer);
  whip->offer = g_steal_pointer(&offer);
  whip->restarts++;
  add_etag(request, whip);
  respond_text(request, 200, FRAGMENT_TYPE, whip_sdp_fragment(answer));
}

static void patch(HttpRequest *request, Whip *whip) {
  const char *if_match = http_if_match(request), *fragment = http_text(request);
  if (fragment == NULL || !g_str_equal(http_content_type(request), FRAGMENT_TYPE)) {
    http_respond_error(request, 415, "bad_type", "Send an SDP fragment as application/trickle-ice-sdpfrag.");
    return;
  }
  if (if_match == NULL) {
    http_respond_error(request, 428, "if_match_needed", "Send If-Match with the ETag of the ICE session, or * for an ICE restart.");
    return;
  }
  if (!tag_fits(whip, if_match)) {
    http_respond_error(request, 412, "other_ice_session", "If-Match names another ICE session than the present one.");
    return;
  }
  g_autofree char *ufrag = whip_sdp_value(fragment, "ice-ufrag"), *pwd = whip_sdp_value(fragment, "ice-pwd"),
                  *present = whip_sdp_value(whip->offer, "ice-ufrag");
  if (ufrag == NULL || g_strcmp0(ufrag, present) == 0)
    respond_empty(request, 204); /* candidates: an ICE-lite gate learns addresses from checks alone */
  else if (strchr(if_match, '*') == NULL || pwd == NULL)
    http_respond_error(request, 422, "not_a_restart", "Other ICE credentials are a restart: send ufrag and pwd, and If-Match: *.");
  else
    restart(request, whip, ufrag, pwd);
}

void whip_session(HttpRequest *request, Daemon *daemon, const char *id, const Token *token) {
  const char *method = http_method(request);
  if (token == NULL) {
    respond_empty(request, 200);
    return;
  }
  Relay *relay = relay_of_token(request, daemon, id, token);
  Whip *whip = relay != NULL && relay->over == on_relay_over ? relay->user : NULL;
  if (relay == NULL)
    return;
  if (whip == NULL || whip->request != NULL)
    http_respond_error(request, 404, "unknown_relay", "This is no WHIP session.");
  else if (g_str_equal(method, "DELETE")) {
    relay_end(relay);
    respond_empty(request, 200);
  } else if (g_str_equal(method, "PATCH"))
    patch(request, whip);
  else {
    http_add_header(request, "Allow", "PATCH, DELETE, OPTIONS");
    http_respond_error(request, 405, "bad_method", "PATCH or DELETE a WHIP session (RFC 9725).");
  }
}
