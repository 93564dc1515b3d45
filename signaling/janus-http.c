/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/janus-http.h"

#include "signaling/janus-http-session.h"
#include "signaling/janus-path.h"
#include "signaling/json.h"

/* The request itself, where Janus's clients put it; else the header; else the address, where a page's long poll has it. */
static const char *token_of(const HttpRequest *request, const json_t *message) {
  const char *token = message != NULL ? json_text_member(message, "token") : NULL;
  if (token == NULL)
    token = http_bearer(request);
  return token != NULL ? token : http_query(request, "token");
}

/* The client of this Janus session, if it is this person's: another's does not exist for them. *session NULL: there is none. */
static gboolean find(Daemon *daemon, guint64 id, const char *jwt, JanusHttpSession **session, GError **error) {
  Token token;
  JanusHttpSession *found = janus_http_session_find(daemon, id);
  if (found == NULL || !janus_http_session_began_with(found, jwt)) {
    if (!janus_admit(daemon, jwt, &token, error))
      return FALSE;
    if (found != NULL && !janus_http_session_is_of(found, &token))
      found = NULL;
  }
  *session = found;
  return TRUE;
}

/* --- POST --- */

static JanusHttpSession *client_of(Daemon *daemon, const JanusRequest *request, const char *jwt, GError **error) {
  JanusHttpSession *session = NULL;
  Token token;
  const gboolean is_for_nobody = request->session == 0 && (request->verb == JANUS_VERB_CREATE || request->verb == JANUS_VERB_OTHER);
  if (is_for_nobody)
    return janus_admit(daemon, jwt, &token, error) ? janus_http_session_new(daemon, &token, jwt, error) : NULL;
  if (!find(daemon, request->session, jwt, &session, error))
    return NULL;
  if (session == NULL)
    g_set_error(error, JANUS_ERROR, JANUS_ERROR_SESSION, "No such session %" G_GUINT64_FORMAT, request->session);
  return session;
}

static void pass(HttpRequest *request, Daemon *daemon, json_t *message) {
  JanusRequest read;
  g_autoptr(GError) error = NULL;
  JanusHttpSession *session =
      janus_request_read(message, &read, &error) ? client_of(daemon, &read, token_of(request, message), &error) : NULL;
  if (session != NULL)
    janus_http_session_request(session, request, message);
  else
    janus_http_respond_error(request, 200, message, error->code, error->message);
}

static void post(HttpRequest *request, Daemon *daemon, const JanusPath *path) {
  json_auto_t *message = json_deep_copy(http_body(request));
  g_autoptr(GError) error = NULL;
  if (path->kind == JANUS_PATH_INFO)
    janus_http_respond_error(request, 400, NULL, JANUS_ERROR_PATH, "Ask this with GET.");
  else if (message == NULL)
    janus_http_respond_error(request, 200, NULL, JANUS_ERROR_JSON,
                             http_body_error(request) != NULL ? http_body_error(request) : "JSON error: not an object");
  else if (!janus_path_apply(path, message, &error))
    janus_http_respond_error(request, 200, message, error->code, error->message);
  else
    pass(request, daemon, message);
}

/* --- GET --- */

static void poll(HttpRequest *request, Daemon *daemon, guint64 id) {
  const char *maxev = http_query(request, "maxev");
  guint64 events_max = 1;
  JanusHttpSession *session = NULL;
  g_autoptr(GError) error = NULL;
  if (maxev != NULL && !g_ascii_string_to_unsigned(maxev, 10, 1, G_MAXUINT16, &events_max, NULL))
    events_max = 1; /* as Janus has it */
  if (!find(daemon, id, token_of(request, NULL), &session, &error))
    janus_http_respond_error(request, 403, NULL, error->code, error->message);
  else if (session == NULL)
    janus_http_respond_error(request, 404, NULL, JANUS_ERROR_SESSION, "No such session: it ended, or is somebody else's.");
  else
    janus_http_session_poll(session, request, id, (guint)events_max);
}

static void get(HttpRequest *request, Daemon *daemon, const JanusPath *path) {
  json_auto_t *message = NULL;
  switch (path->kind) {
  case JANUS_PATH_INFO:
    message = json_pack("{s:s, s:s}", "janus", "info", "transaction", "recgate-get");
    pass(request, daemon, message);
    break;
  case JANUS_PATH_HANDLE: { /* events are the session's */
    g_autofree char *location = g_strdup_printf("/janus/%" G_GUINT64_FORMAT, path->session);
    http_add_header(request, "Location", location);
    http_respond_bytes(request, 302, NULL, g_bytes_new(NULL, 0));
    break;
  }
  case JANUS_PATH_SESSION:
    poll(request, daemon, path->session);
    break;
  case JANUS_PATH_SERVER:
  case JANUS_PATH_NONE:
    janus_http_respond_error(request, 404, NULL, JANUS_ERROR_PATH, "Ask for events at /janus/SESSION.");
    break;
  }
}

void janus_http(HttpRequest *request, Daemon *daemon, const char *rest) {
  const char *method = http_method(request);
  const JanusPath path = janus_path_read(rest);
  http_allow_pages(request, "GET, POST, OPTIONS");
  if (g_str_equal(method, "OPTIONS"))
    http_respond_bytes(request, 204, NULL, g_bytes_new(NULL, 0));
  else if (path.kind == JANUS_PATH_NONE)
    janus_http_respond_error(request, 404, NULL, JANUS_ERROR_PATH, "The addresses are /janus, /janus/SESSION and /janus/SESSION/HANDLE.");
  else if (g_str_equal(method, "POST"))
    post(request, daemon, &path);
  else if (g_str_equal(method, "GET"))
    get(request, daemon, &path);
  else {
    g_autofree char *text = g_strdup_printf("Unsupported method %s", method);
    janus_http_respond_error(request, 200, NULL, JANUS_ERROR_UNREACHABLE, text);
  }
}
