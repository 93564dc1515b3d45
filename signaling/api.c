/* SPDX-License-Identifier: Apache-2.0 */
/* PROTOCOL.md's HTTP table: routes, roles, and what blocks on a disk moved off the control thread. */
#include "gate/vault/vault-reader.h"
#include "pipelines/transport/control.h"
#include "signaling/api-evidence.h"
#include "signaling/api-export.h"
#include "signaling/api-forget.h"
#include "signaling/api-log.h"
#include "signaling/api-metrics.h"
#include "signaling/api-plan.h"
#include "signaling/api-relays.h"
#include "signaling/api-roster.h"
#include "signaling/api-withdraw.h"
#include "signaling/janus-http.h"
#include "signaling/whip.h"
#include <string.h>

/* --- who asks --- */

/* An auditor's or service's token serves for every session: its `sid` says nothing more than where it was made. */
static gboolean authorize(HttpRequest *request, Daemon *daemon, Token *token) {
  const char *jwt = http_bearer(request);
  g_autoptr(GError) error = NULL;
  if (jwt == NULL) {
    http_respond_error(request, 401, "no_token", "This needs a token: send “Authorization: Bearer …”.");
    return FALSE;
  }
  if (!token_verify(daemon->key, jwt, daemon_wall_ms() / 1000, token, &error)) {
    daemon->counters.refused_tokens++;
    http_respond_error(request, 401, g_error_matches(error, TOKEN_ERROR, TOKEN_ERROR_EXPIRED) ? "token_expired" : "bad_token",
                       error->message);
    return FALSE;
  }
  return TRUE;
}

static gboolean authorize_role(HttpRequest *request, Daemon *daemon, Token *token, gboolean service_too) {
  if (!authorize(request, daemon, token))
    return FALSE;
  if (token->role == TOKEN_ROLE_AUDITOR || (service_too && token->role == TOKEN_ROLE_SERVICE))
    return TRUE;
  http_respond_error(request, 403, "wrong_role",
                     service_too ? "Only an auditor or a service may see this." : "Only an auditor may see this.");
  return FALSE;
}

/* --- lists, read on a thread of their own --- */

typedef struct Listing {
  Daemon *daemon;
  HttpRequest *request;
  char *session; /* NULL: all sessions */
  gboolean segments, runs, leaves;
  json_t *found;
  GError *error;
} Listing;

static void listing_answer(gpointer data) { /* control thread */
  Listing *listing = data;
  if (listing->found != NULL)
    http_respond_json(listing->request, 200, listing->found);
  else if (g_error_matches(listing->error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
    http_respond_error(listing->request, 404, "unknown_session", "There is no such session.");
  else
    http_respond_error(listing->request, 503, "storage", listing->error->message);
  listing->daemon->listings--;
  g_clear_error(&listing->error);
  g_free(listing->session);
  g_free(listing);
}

static void listing_find(Listing *listing) {
  g_autoptr(VaultReader) reader = vault_reader_open(listing->daemon->config->data_dir, listing->daemon->vault, &listing->error);
  if (reader != NULL && listing->session == NULL)
    listing->found = vault_reader_sessions(reader, &listing->error);
  else if (reader != NULL && listing->leaves)
    listing->found = vault_reader_session_leaves(reader, listing->session, &listing->error);
  else if (reader != NULL && listing->runs)
    listing->found = vault_reader_runs(reader, listing->session, &listing->error);
  else if (reader != NULL && listing->segments)
    listing->found = vault_reader_segments(reader, listing->session, &listing->error);
  else if (reader != NULL)
    listing->found = vault_reader_session(reader, listing->session, &listing->error);
}

static gpointer listing_read(gpointer data) {
  Listing *listing = data;
  listing_find(listing); /* its reader is closed by now: control may end the vault after the answer */
  control_post(listing->daemon->control, G_PRIORITY_DEFAULT, listing_answer, listing, NULL);
  return NULL;
}

static Listing *listing_new(HttpRequest *request, Daemon *daemon, const char *session, gboolean segments) {
  Listing *listing = g_new0(Listing, 1);
  *listing = (Listing){.daemon = daemon, .request = request, .session = g_strdup(session), .segments = segments};
  daemon->listings++;
  return listing;
}

static void list(HttpRequest *request, Daemon *daemon, const char *session, gboolean segments) {
  g_thread_unref(g_thread_new("listing", listing_read, listing_new(request, daemon, session, segments)));
}

static void on_list_logged(const VaultReply *reply, gpointer user) {
  Listing *listing = user;
  if (reply->error != NULL) {
    listing->error = g_error_copy(reply->error);
    listing_answer(listing);
    return;
  }
  g_thread_unref(g_thread_new("listing", listing_read, listing));
}

/* R20: a listing of media is on the ledger before it is sent. */
static void list_segments(HttpRequest *request, Daemon *daemon, const char *session, const Token *token, const char *what) {
  Listing *listing = listing_new(request, daemon, session, TRUE);
  listing->leaves = g_str_equal(what, "leaves");
  listing->runs = g_strcmp0(http_query(request, "runs"), "1") == 0;
  json_t *leaf = json_pack("{s:s, s:s, s:s}", "type", "access", "by", token->participant, "what", what);
  vault_append(daemon->vault, session, leaf, on_list_logged, listing);
}

/* --- POST /v1/withdraw (R6): with the key or a token of the same person, also when the call is long over --- */

static void post_withdraw(HttpRequest *request, Daemon *daemon, gboolean preview) {
  Token token;
  const gboolean by_key = json_is_string(json_object_get(http_body(request), "withdraw_key"));
  if (by_key || authorize(request, daemon, &token))
    api_withdraw(request, daemon, by_key ? NULL : &token, preview);
}

/* --- routes --- */

static void log_route(HttpRequest *request, Daemon *daemon, const char *rest) {
  Token token;
  if (!api_log_is_private(rest) || authorize_role(request, daemon, &token, FALSE))
    api_log(request, daemon, rest);
}

static void ready(HttpRequest *request, const Daemon *daemon) {
  if (daemon->healthy)
    http_respond_json(request, 200, json_pack("{s:b}", "ready", TRUE));
  else
    http_respond_error(request, 503, "not_ready", daemon->unhealthy_why != NULL ? daemon->unhealthy_why : "The store is not ready.");
}

static void page(HttpRequest *request, const char *path) {
  static const struct {
    const char *suffix, *type;
  } TYPES[] = {{".html", "text/html; charset=utf-8"},
               {".js", "text/javascript; charset=utf-8"},
               {".css", "text/css; charset=utf-8"},
               {".svg", "image/svg+xml"},
               {".ts", "text/plain; charset=utf-8"}};
  g_autofree char *html = strchr(path, '.') == NULL ? g_strconcat(path, ".html", NULL) : NULL; /* /audit, /withdraw, … */
  const char *name = g_str_equal(path, "/") ? "/index.html" : html != NULL ? html : path;
  g_autofree char *resource = g_strconcat("/recgate/web", name, NULL);
  GBytes *bytes = g_resources_lookup_data(resource, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  for (gsize i = 0; bytes != NULL && i < G_N_ELEMENTS(TYPES); i++)
    if (g_str_has_suffix(name, TYPES[i].suffix)) {
      http_respond_bytes(request, 200, TYPES[i].type, bytes);
      return;
    }
  if (bytes != NULL)
    g_bytes_unref(bytes);
  http_respond_error(request, 404, "not_found", "There is nothing at this address.");
}

/* /v1/sessions/{sid}[/segments|/leaves|/recording|/evidence] */
static void session_route(HttpRequest *request, Daemon *daemon, const char *rest) {
  g_auto(GStrv) parts = g_strsplit(rest, "/", 3);
  const char *what = parts[0] != NULL && parts[1] != NULL ? parts[1] : "";
  Token token;
  if (parts[0] == NULL || !token_id_is_valid(parts[0])) {
    http_respond_error(request, 400, "bad_id", "A session id is 1 to 64 of A-Z a-z 0-9 . _ -, not starting with a dot.");
    return;
  }
  if (!authorize_role(request, daemon, &token, *what == '\0'))
    return;
  if (*what == '\0')
    list(request, daemon, parts[0], FALSE);
  else if (g_str_equal(what, "segments") || g_str_equal(what, "leaves"))
    list_segments(request, daemon, parts[0], &token, what);
  else if (g_str_equal(what, "recording"))
    api_export(request, daemon, parts[0], &token);
  else if (g_str_equal(what, "evidence"))
    api_evidence(request, daemon, parts[0], &token);
  else
    http_respond_error(request, 404, "not_found", "A session has /segments, /recording, /leaves and /evidence.");
}

static void get(HttpRequest *request, Daemon *daemon, const char *path) {
  Token token;
  if (g_str_equal(path, "/healthz"))
    http_respond_json(request, 200, json_pack("{s:b}", "alive", TRUE));
  else if (g_str_equal(path, "/readyz"))
    ready(request, daemon);
  else if (g_str_equal(path, "/metrics"))
    api_metrics(request, daemon);
  else if (g_str_equal(path, "/v1/sessions")) {
    if (authorize_role(request, daemon, &token, TRUE))
      list(request, daemon, NULL, FALSE);
  } else if (g_str_equal(path, "/v1/consent")) {
    if (authorize(request, daemon, &token))
      api_consent(request, daemon, &token);
  } else if (g_str_has_prefix(path, "/v1/sessions/"))
    session_route(request, daemon, path + strlen("/v1/sessions/"));
  else if (g_str_has_prefix(path, "/v1/log/"))
    log_route(request, daemon, path + strlen("/v1/log/"));
  else
    page(request, path);
}

static void delete (HttpRequest *request, Daemon *daemon, const char *rest) {
  Token token;
  if (authorize(request, daemon, &token))
    api_forget(request, daemon, rest, &token);
}

/* What pages of other hosts may use: each answer says so (CORS), and OPTIONS asks for nothing else. */
static void relays_route(HttpRequest *request, Daemon *daemon, const char *id) {
  Token token;
  http_allow_pages(request, "POST, DELETE, OPTIONS");
  if (g_str_equal(http_method(request), "OPTIONS"))
    http_respond_bytes(request, 204, NULL, g_bytes_new(NULL, 0));
  else if (authorize(request, daemon, &token))
    api_relays(request, daemon, id, &token);
}

static void whip_route(HttpRequest *request, Daemon *daemon, const char *path) {
  Token token;
  const gboolean is_options = g_str_equal(http_method(request), "OPTIONS"), is_session = g_str_has_prefix(path, "/v1/whip/");
  http_allow_pages(request, is_session ? "PATCH, DELETE, OPTIONS" : "POST, OPTIONS");
  if (!is_options && !authorize(request, daemon, &token))
    return;
  if (is_session)
    whip_session(request, daemon, path + strlen("/v1/whip/"), is_options ? NULL : &token);
  else
    whip_endpoint(request, daemon, path[strlen("/whip")] == '/' ? path + strlen("/whip/") : NULL, is_options ? NULL : &token);
}

static void roster_route(HttpRequest *request, Daemon *daemon, const char *rest) {
  g_auto(GStrv) parts = g_strsplit(rest, "/", 3);
  Token token;
  if (parts[0] == NULL || !token_id_is_valid(parts[0]) || g_strcmp0(parts[1], "roster") != 0 || parts[2] != NULL)
    http_respond_error(request, 405, "bad_method", "Of a session, /roster alone takes POST.");
  else if (authorize(request, daemon, &token))
    api_roster(request, daemon, parts[0], &token);
}

static gboolean is_janus(const Daemon *daemon, const char *path) {
  return daemon->config->sfu_janus != NULL && (g_str_equal(path, "/janus") || g_str_has_prefix(path, "/janus/"));
}

void api_handle(HttpRequest *request, gpointer daemon) {
  const char *method = http_method(request), *path = http_path(request);
  if (is_janus(daemon, path))
    janus_http(request, daemon, path + strlen("/janus"));
  else if (http_body_error(request) != NULL)
    http_respond_error(request, 400, "bad_json", http_body_error(request));
  else if (g_str_equal(path, "/v1/relays") || g_str_has_prefix(path, "/v1/relays/"))
    relays_route(request, daemon, path[strlen("/v1/relays")] == '/' ? path + strlen("/v1/relays/") : NULL);
  else if (g_str_equal(path, "/whip") || g_str_has_prefix(path, "/whip/") || g_str_has_prefix(path, "/v1/whip/"))
    whip_route(request, daemon, path);
  else if (g_str_equal(method, "GET") || g_str_equal(method, "HEAD"))
    get(request, daemon, path);
  else if (g_str_equal(method, "POST") && g_str_equal(path, "/v1/withdraw"))
    post_withdraw(request, daemon, FALSE);
  else if (g_str_equal(method, "POST") && g_str_equal(path, "/v1/withdraw/preview"))
    post_withdraw(request, daemon, TRUE);
  else if (g_str_equal(method, "POST") && (g_str_equal(path, "/v1/sessions") || g_str_equal(path, "/v1/consent"))) {
    Token token;
    if (authorize(request, daemon, &token))
      (g_str_equal(path, "/v1/consent") ? api_consent : api_plan_post)(request, daemon, &token);
  } else if (g_str_equal(method, "POST") && g_str_has_prefix(path, "/v1/sessions/"))
    roster_route(request, daemon, path + strlen("/v1/sessions/"));
  else if (g_str_equal(method, "DELETE") && g_str_has_prefix(path, "/v1/sessions/"))
    delete (request, daemon, path + strlen("/v1/sessions/"));
  else
    http_respond_error(request, 405, "bad_method", "This address does not take that method.");
}
