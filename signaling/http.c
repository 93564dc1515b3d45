/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP: a request is put together, handed up, and its one answer written out; then the connection ends. */
#include <string.h>

#include "signaling/http-head.h"
#include "signaling/json.h"
#include "signaling/server-internal.h"

#define NO_CACHING      "no-store"
#define QUERY_BYTES_MAX 4096 /* of one parameter: a token in the address of a long poll has some 700 */

struct HttpRequest {
  Connection *connection; /* NULL: the peer has gone, the answer goes nowhere */
  const char *method;
  char *path, *bearer, *content_type, *if_match;
  GString *headers; /* more of the answer's */
  char *origin;     /* of a page that may read the answer; NULL: no page asks, or none that may */
  GHashTable *query;
  GString *raw;
  json_t *body;
  char *body_error; /* why it is no JSON */
  gsize body_bytes; /* announced */
  gboolean handed_up;
};

struct Response {
  GQueue out; /* GBytes */
  gsize offset;
  HttpStream *stream;
  gboolean last; /* nothing follows what is queued */
};

static const char *reason_phrase(guint status) {
  static const struct {
    guint status;
    const char *phrase;
  } phrases[] = {{200, "OK"},
                 {201, "Created"},
                 {202, "Accepted"},
                 {204, "No Content"},
                 {302, "Found"},
                 {304, "Not Modified"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {409, "Conflict"},
                 {410, "Gone"},
                 {411, "Length Required"},
                 {412, "Precondition Failed"},
                 {413, "Content Too Large"},
                 {415, "Unsupported Media Type"},
                 {422, "Unprocessable Content"},
                 {428, "Precondition Required"},
                 {429, "Too Many Requests"},
                 {431, "Request Header Fields Too Large"},
                 {500, "Internal Server Error"},
                 {501, "Not Implemented"},
                 {502, "Bad Gateway"},
                 {503, "Service Unavailable"},
                 {505, "HTTP Version Not Supported"}};
  for (guint i = 0; i < G_N_ELEMENTS(phrases); i++)
    if (phrases[i].status == status)
      return phrases[i].phrase;
  return "Status";
}

/* length < 0: chunked. One answer a connection, so keep-alive never carries a second request past http_head_check. */
static GString *head_new(gboolean tls, guint status, const char *content_type, const char *caching, gint64 length) {
  GString *head = g_string_new(NULL);
  g_string_append_printf(head, "HTTP/1.1 %u %s\r\nConnection: close\r\n", status, reason_phrase(status));
  if (content_type != NULL)
    g_string_append_printf(head, "Content-Type: %s\r\n", content_type);
  if (status == 204) /* RFC 9110 section 8.6 */
    ;
  else if (length >= 0)
    g_string_append_printf(head, "Content-Length: %" G_GINT64_FORMAT "\r\n", length);
  else
    g_string_append(head, "Transfer-Encoding: chunked\r\n");
  g_string_append_printf(head, "Cache-Control: %s\r\n", caching);
  g_string_append(
      head, "Content-Security-Policy: default-src 'self'; img-src 'self' data:; media-src 'self' blob: mediastream:; object-src 'none'; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "X-Frame-Options: DENY\r\n"
            "Referrer-Policy: no-referrer\r\n"
            "Cross-Origin-Opener-Policy: same-origin\r\n"
            "Cross-Origin-Resource-Policy: same-origin\r\n"
            "Permissions-Policy: camera=(self), microphone=(self), display-capture=(self)\r\n");
  if (tls)
    g_string_append(head, "Strict-Transport-Security: max-age=31536000\r\n");
  return head;
}

static GBytes *error_body(const char *code, const char *message) {
  json_auto_t *object = json_pack("{s:s, s:s}", "code", code, "message", message);
  char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
  GBytes *bytes = g_bytes_new(text ? text : "{}", text ? strlen(text) : 2);
  free(text);
  return bytes;
}

static void head_append_extra(GString *head, guint status) {
  if (status == 401) /* RFC 6750 section 3 */
    g_string_append(head, "WWW-Authenticate: Bearer\r\n");
  if (status == 405 && strstr(head->str, "\r\nAllow:") == NULL)
    g_string_append(head, "Allow: GET, HEAD, POST\r\n");
  if (status == 429 || status == 503)
    g_string_append(head, "Retry-After: 1\r\n");
  g_string_append(head, "\r\n");
}

GBytes *http_error_bytes(gboolean tls, guint status, const char *code, const char *message, gboolean head_only) {
  g_autoptr(GBytes) body = error_body(code, message);
  gsize n;
  const char *text = g_bytes_get_data(body, &n);
  GString *all = head_new(tls, status, "application/json", NO_CACHING, (gint64)n);
  head_append_extra(all, status);
  if (!head_only)
    g_string_append_len(all, text, (gssize)n);
  return g_string_free_to_bytes(all);
}

/* --- the request --- */

char *http_header(Connection *connection, enum lws_token_indexes token) {
  int n = lws_hdr_total_length(connection->wsi, token);
  if (n <= 0)
    return NULL;
  char *text = g_malloc((gsize)n + 1);
  if (lws_hdr_copy(connection->wsi, text, n + 1, token) == n)
    return text;
  g_free(text);
  return NULL;
}

static void request_free(HttpRequest *request) {
  g_free(request->path);
  g_free(request->content_type);
  g_free(request->if_match);
  g_free(request->origin);
  g_string_free(request->headers, TRUE);
  if (request->bearer)
    explicit_bzero(request->bearer, strlen(request->bearer));
  g_free(request->bearer);
  g_hash_table_unref(request->query);
  g_string_free(request->raw, TRUE);
  json_decref(request->body);
  g_free(request->body_error);
  g_free(request);
}

/* libwebsockets has decoded the parameters and keeps each as one fragment "name=value". */
static void query_read(HttpRequest *request, struct lws *wsi) {
  char part[QUERY_BYTES_MAX];
  for (int i = 0; lws_hdr_copy_fragment(wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, i) > 0; i++) {
    char *equals = strchr(part, '=');
    if (equals && g_utf8_validate(part, -1, NULL))
      g_hash_table_insert(request->query, g_strndup(part, (gsize)(equals - part)), g_strdup(equals + 1));
  }
  explicit_bzero(part, sizeof part);
}

static char *bearer_read(Connection *connection) {
  g_autofree char *authorization = http_header(connection, WSI_TOKEN_HTTP_AUTHORIZATION);
  if (!authorization || g_ascii_strncasecmp(authorization, "Bearer ", 7) != 0)
    return NULL;
  return g_strdup(g_strstrip(authorization + 7));
}

/* What http_head_check refuses on plain connections; under TLS it cannot look, and this is what remains. */
static guint request_is_wrong(Connection *connection, const char *path, gsize length) {
  g_autofree char *version = http_header(connection, WSI_TOKEN_HTTP), *encoding = http_header(connection, WSI_TOKEN_HTTP_TRANSFER_ENCODING);
  if (encoding)
    return 411;
  if (g_strcmp0(version, "HTTP/1.1") != 0)
    return 505;
  if (length > HTTP_BODY_BYTES_MAX)
    return 413;
  if (path[0] != '/' || strstr(path, "//") || strstr(path, "/../") || strstr(path, "/./") || !g_utf8_validate(path, -1, NULL))
    return 400;
  return 0;
}

/* Only from a browser's page is there an Origin; whether that page may read the answer is decided here (Fetch, CORS protocol). */
static char *origin_read(Connection *connection) {
  g_autofree char *origin = http_header(connection, WSI_TOKEN_ORIGIN), *host = http_header(connection, WSI_TOKEN_HOST);
  return origin && http_origin_is_allowed(origin, host, (const char *const *)connection->server->origins, TRUE) ? g_steal_pointer(&origin)
                                                                                                                : NULL;
}

static char *content_type_read(Connection *connection) {
  g_autofree char *type = http_header(connection, WSI_TOKEN_HTTP_CONTENT_TYPE);
  g_auto(GStrv) parts = g_strsplit(type ? type : "", ";", 2);
  return g_ascii_strdown(parts[0] ? g_strstrip(parts[0]) : "", -1);
}

static HttpRequest *request_new(Connection *connection, const char *method, const char *path, gsize n) {
  HttpRequest *request = g_new0(HttpRequest, 1);
  request->connection = connection;
  request->method = method;
  request->path = g_strndup(path, n);
  request->bearer = bearer_read(connection);
  request->content_type = content_type_read(connection);
  request->if_match = http_header(connection, WSI_TOKEN_HTTP_IF_MATCH);
  request->origin = origin_read(connection);
  request->headers = g_string_new(NULL);
  request->query = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  request->raw = g_string_new(NULL);
  query_read(request, connection->wsi);
  g_autofree char *length = http_header(connection, WSI_TOKEN_HTTP_CONTENT_LENGTH);
  request->body_bytes = length ? (gsize)g_ascii_strtoull(length, NULL, 10) : 0;
  return request;
}

static void hand_up(HttpRequest *request) {
  Connection *connection = request->connection;
  request->handed_up = TRUE;
  connection_deadline(connection, 0);
  lws_set_timeout(connection->wsi, NO_PENDING_TIMEOUT, 0);
  connection->server->events.http(request, connection->server->events.user);
}

int http_begin(Connection *connection) {
  char *path = NULL;
  int n = 0, method = lws_http_get_uri_and_method(connection->wsi, &path, &n);
  if (connection->request || connection->response)
    return -1; /* one request a connection */
  const char *name = method == LWSHUMETH_GET       ? "GET"
                     : method == LWSHUMETH_POST    ? "POST"
                     : method == LWSHUMETH_HEAD    ? "HEAD"
                     : method == LWSHUMETH_DELETE  ? "DELETE"
                     : method == LWSHUMETH_PATCH   ? "PATCH"
                     : method == LWSHUMETH_OPTIONS ? "OPTIONS"
                                                   : NULL;
  connection->head_only = method == LWSHUMETH_HEAD;
  HttpRequest *request = request_new(connection, name ? name : "", path ? path : "", (gsize)MAX(n, 0));
  connection->request = request;
  guint wrong = name ? request_is_wrong(connection, request->path, request->body_bytes) : 405;
  if (wrong) {
    request->handed_up = TRUE;
    http_respond_error(request, wrong,
                       wrong == 413   ? "too_large"
                       : wrong == 405 ? "method_not_allowed"
                                      : "bad_request",
                       reason_phrase(wrong));
  } else if ((method == LWSHUMETH_POST || method == LWSHUMETH_PATCH) && request->body_bytes > 0)
    connection_deadline(connection, SERVER_BODY_TIMEOUT_S);
  else
    hand_up(request);
  return 0;
}

int http_body_part(Connection *connection, const char *bytes, gsize n) {
  HttpRequest *request = connection->request;
  if (!request || request->handed_up)
    return 0;
  if (request->raw->len + n > HTTP_BODY_BYTES_MAX)
    return -1;
  g_string_append_len(request->raw, bytes, (gssize)n);
  return 0;
}

/* Bodies that are not JSON: WHIP's (RFC 9725, RFC 8840 section 9). */
static gboolean is_text(const char *content_type) {
  return g_str_equal(content_type, "application/sdp") || g_str_equal(content_type, "application/trickle-ice-sdpfrag");
}

int http_body_end(Connection *connection) {
  HttpRequest *request = connection->request;
  if (!request || request->handed_up)
    return 0;
  g_autoptr(GError) why = NULL;
  if (!is_text(request->content_type) && (request->body = json_text_parse(request->raw->str, request->raw->len, &why)) == NULL)
    request->body_error = g_strdup(why->message);
  hand_up(request);
  return 0;
}

const char *http_method(const HttpRequest *request) {
  return request->method;
}
const char *http_path(const HttpRequest *request) {
  return request->path;
}
const char *http_query(const HttpRequest *request, const char *name) {
  return g_hash_table_lookup(request->query, name);
}
const char *http_bearer(const HttpRequest *request) {
  return request->bearer;
}
const json_t *http_body(const HttpRequest *request) {
  return request->body;
}
const char *http_body_error(const HttpRequest *request) {
  return request->body_error;
}
gboolean http_is_gone(const HttpRequest *request) {
  return !request->connection || connection_peer_has_closed(lws_get_socket_fd(request->connection->wsi));
}
const char *http_content_type(const HttpRequest *request) {
  return request->content_type;
}
const char *http_if_match(const HttpRequest *request) {
  return request->if_match;
}
const char *http_text(const HttpRequest *request) {
  return is_text(request->content_type) && strlen(request->raw->str) == request->raw->len ? request->raw->str : NULL;
}

void http_add_header(HttpRequest *request, const char *name, const char *value) {
  g_string_append_printf(request->headers, "%s: %s\r\n", name, value);
}

void http_allow_pages(HttpRequest *request, const char *methods) {
  http_add_header(request, "Vary", "Origin");
  if (!request->origin)
    return;
  http_add_header(request, "Access-Control-Allow-Origin", request->origin);
  http_add_header(request, "Access-Control-Allow-Methods", methods);
  http_add_header(request, "Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match");
  http_add_header(request, "Access-Control-Max-Age", "600"); /* each candidate that is trickled would be asked for first */
  http_add_header(request, "Access-Control-Expose-Headers", "Location, ETag, Accept-Post");
}

/* --- the answer --- */

/* Takes the connection's request away; NULL: the peer has gone. */
static Response *response_begin(HttpRequest *request, GString *head) {
  Connection *connection = request->connection;
  request_free(request);
  if (!connection) {
    g_string_free(head, TRUE);
    return NULL;
  }
  connection->request = NULL;
  Response *response = g_new0(Response, 1);
  g_queue_init(&response->out);
  g_queue_push_tail(&response->out, g_string_free_to_bytes(head));
  connection->response = response;
  connection_deadline(connection, SERVER_PROGRESS_TIMEOUT_S);
  lws_set_timeout(connection->wsi, NO_PENDING_TIMEOUT, 0);
  lws_callback_on_writable(connection->wsi);
  return response;
}

static gboolean request_tls(const HttpRequest *request) {
  return request->connection && request->connection->server->tls;
}

static void respond(HttpRequest *request, guint status, const char *content_type, const char *caching, GBytes *bytes) {
  g_autoptr(GBytes) body = bytes;
  gboolean head_only = request->connection && request->connection->head_only;
  GString *head = head_new(request_tls(request), status, content_type, caching, (gint64)g_bytes_get_size(body));
  g_string_append_len(head, request->headers->str, (gssize)request->headers->len);
  head_append_extra(head, status);
  Response *response = response_begin(request, head);
  if (!response)
    return;
  response->last = TRUE;
  if (!head_only && g_bytes_get_size(body) > 0)
    g_queue_push_tail(&response->out, g_bytes_ref(body));
}

void http_respond_bytes(HttpRequest *request, guint status, const char *content_type, GBytes *bytes) {
  respond(request, status, content_type, NO_CACHING, bytes);
}

void http_respond_cached(HttpRequest *request, const char *content_type, const char *caching, GBytes *bytes) {
  respond(request, 200, content_type, caching, bytes);
}

void http_respond_json(HttpRequest *request, guint status, json_t *body) {
  char *text = json_dumps(body, JSON_COMPACT);
  json_decref(body);
  http_respond_bytes(request, status, "application/json", g_bytes_new_with_free_func(text, text ? strlen(text) : 0, free, text));
}

void http_respond_error(HttpRequest *request, guint status, const char *code, const char *message) {
  http_respond_bytes(request, status, "application/json", error_body(code, message));
}

HttpStream *http_respond_stream(HttpRequest *request, const char *content_type, const char *filename) {
  Connection *connection = request->connection;
  GString *head = head_new(request_tls(request), 200, content_type, NO_CACHING, -1);
  if (filename) {
    g_autofree char *safe = g_strdup(filename);
    g_strcanon(safe, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", '_');
    g_string_append_printf(head, "Content-Disposition: attachment; filename=\"%s\"\r\n", safe);
  }
  head_append_extra(head, 200);
  Response *response = response_begin(request, head);
  gboolean head_only = connection && connection->head_only;
  if (response && head_only)
    response->last = TRUE;
  HttpStream *stream = http_stream_new(response && !head_only ? connection : NULL);
  if (response && !head_only)
    response->stream = stream;
  return stream;
}

static int write_piece(Connection *connection, GBytes *bytes, gsize *offset) {
  gsize n;
  const guint8 *data = g_bytes_get_data(bytes, &n);
  gsize part = MIN(n - *offset, SERVER_WRITE_BYTES);
  g_autofree guint8 *buffer = g_malloc(LWS_PRE + part);
  memcpy(buffer + LWS_PRE, data + *offset, part);
  *offset += part;
  connection_deadline(connection, SERVER_PROGRESS_TIMEOUT_S);
  return lws_write(connection->wsi, buffer + LWS_PRE, part, LWS_WRITE_HTTP);
}

/* TRUE: there is something at the head of the queue. */
static gboolean response_fill(Response *response, int *end) {
  GBytes *piece = g_queue_is_empty(&response->out) && response->stream ? http_stream_pull(response->stream, end) : NULL;
  if (piece)
    g_queue_push_tail(&response->out, piece);
  response->last = response->last || *end != 0;
  return !g_queue_is_empty(&response->out);
}

int http_writeable(Connection *connection) {
  Response *response = connection->response;
  int end = 0;
  if (!response)
    return 0;
  if (!response_fill(response, &end)) {
    connection_deadline(connection, 0); /* it is the writer who is slow, not the reader */
    return response->last ? -1 : 0;
  }
  if (end < 0)
    return -1;
  GBytes *bytes = g_queue_peek_head(&response->out);
  if (write_piece(connection, bytes, &response->offset) < 0)
    return -1;
  if (response->offset == g_bytes_get_size(bytes)) {
    g_bytes_unref(g_queue_pop_head(&response->out));
    response->offset = 0;
  }
  if (response->last && g_queue_is_empty(&response->out))
    return -1; /* libwebsockets sends what the socket has not taken yet, then closes */
  lws_callback_on_writable(connection->wsi);
  return 0;
}

void http_gone(Connection *connection) {
  HttpRequest *request = g_steal_pointer(&connection->request);
  Response *response = g_steal_pointer(&connection->response);
  if (request && request->handed_up)
    request->connection = NULL; /* freed by its answer */
  else if (request)
    request_free(request);
  if (!response)
    return;
  http_stream_detach(response->stream);
  g_queue_clear_full(&response->out, (GDestroyNotify)g_bytes_unref);
  g_free(response);
}
