/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads, read strictly (RFC 9112). */
#include "signaling/http-head.h"

#include <string.h>

typedef struct Head {
  gboolean host, length, upgrade;
  gboolean has_body_method;
  const char *why;
} Head;

static guint refuse(Head *head, guint status, const char *why) {
  head->why = why;
  return status;
}

/* Decodes one %XX at p (its '%'); -1: not that. */
static int percent(const char *p, const char *end) {
  int high = end - p >= 3 ? g_ascii_xdigit_value(p[1]) : -1, low = high >= 0 ? g_ascii_xdigit_value(p[2]) : -1;
  return low >= 0 ? high * 16 + low : -1;
}

/* One segment of the path: visible ASCII, escapes that do not hide a slash, backslash or control, and no "." or ".." once decoded. */
static gboolean segment_is_plain(const char *p, const char *end) {
  gsize n = 0, dots = 0;
  for (; p < end; p++, n++) {
    int c = *p == '%' ? percent(p, end) : (guchar)*p;
    if (c <= 0x20 || c == 0x7f || c == '\\' || (*p == '%' && c == '/') || (*p != '%' && c > 0x7f))
      return FALSE;
    dots += c == '.';
    p += *p == '%' ? 2 : 0;
  }
  return !(n == dots && (n == 1 || n == 2));
}

static gboolean query_is_plain(const char *p, const char *end) {
  for (; p < end; p++) {
    int c = *p == '%' ? percent(p, end) : (guchar)*p;
    if (c < 0x20 || *p == ' ' || c == 0x7f || *p == '#' || (*p != '%' && c > 0x7f))
      return FALSE;
  }
  return TRUE;
}

static guint check_target(Head *head, const char *target, const char *end) {
  if (target >= end || *target != '/')
    return refuse(head, 400, "the target is not a path");
  const char *path_end = memchr(target, '?', (gsize)(end - target));
  path_end = path_end ? path_end : end;
  if (memchr(target, '#', (gsize)(end - target)))
    return refuse(head, 400, "the path is not allowed");
  for (const char *p = target + 1; p <= path_end;) {
    const char *slash = memchr(p, '/', (gsize)(path_end - p));
    const char *segment_end = slash ? slash : path_end;
    gboolean doubled = segment_end == p && segment_end < path_end;
    if (doubled || !segment_is_plain(p, segment_end))
      return refuse(head, 400, "the path is not allowed");
    p = segment_end + 1;
  }
  return query_is_plain(path_end, end) ? 200 : refuse(head, 400, "the query is not allowed");
}

static guint check_request_line(Head *head, const char *line, gsize n) {
  const char *end = line + n, *space = memchr(line, ' ', n);
  const char *target = space ? space + 1 : NULL, *version = target ? memchr(target, ' ', (gsize)(end - target)) : NULL;
  if (!version)
    return refuse(head, 400, "not an HTTP request");
  if (end - version != 9 || memcmp(version, " HTTP/1.1", 9) != 0)
    return refuse(head, 505, "only HTTP/1.1 is spoken here");
  gsize n_method = (gsize)(space - line);
  head->has_body_method = (n_method == 4 && memcmp(line, "POST", 4) == 0) || (n_method == 5 && memcmp(line, "PATCH", 5) == 0);
  if (!head->has_body_method && !(n_method == 3 && memcmp(line, "GET", 3) == 0) && !(n_method == 4 && memcmp(line, "HEAD", 4) == 0) &&
      !(n_method == 6 && memcmp(line, "DELETE", 6) == 0) && !(n_method == 7 && memcmp(line, "OPTIONS", 7) == 0))
    return refuse(head, 405, "only GET, HEAD, POST, PATCH, DELETE and OPTIONS are answered here");
  return check_target(head, target, version);
}

static gboolean name_is(const char *line, gsize n_name, const char *name) {
  return n_name == strlen(name) && g_ascii_strncasecmp(line, name, n_name) == 0;
}

static guint check_length(Head *head, const char *value) {
  guint64 length = 0;
  if (head->length || !g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT64, &length, NULL))
    return refuse(head, 400, "Content-Length is not one number");
  head->length = TRUE;
  if (length > HTTP_BODY_BYTES_MAX)
    return refuse(head, 413, "the body is larger than 256 KiB");
  return head->has_body_method || length == 0 ? 200 : refuse(head, 400, "a body where none belongs");
}

static guint check_header(Head *head, const char *line, gsize n) {
  const char *colon = memchr(line, ':', n);
  gsize n_name = colon ? (gsize)(colon - line) : 0;
  if (n_name == 0)
    return refuse(head, 400, "a header has no name");
  for (gsize i = 0; i < n_name; i++) /* RFC 9110 section 5.6.2: a token; a leading blank would be obsolete folding */
    if (!g_ascii_isalnum(line[i]) && !strchr("!#$%&'*+-.^_`|~", line[i]))
      return refuse(head, 400, "a header's name is not allowed");
  for (gsize i = n_name; i < n; i++)
    if (((guchar)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
      return refuse(head, 400, "a header's value is not allowed");
  g_autofree char *copy = g_strndup(colon + 1, n - n_name - 1);
  const char *value = g_strstrip(copy);
  if (name_is(line, n_name, "transfer-encoding"))
    return refuse(head, 411, "send a Content-Length");
  if (name_is(line, n_name, "content-length"))
    return check_length(head, value);
  if (name_is(line, n_name, "upgrade") && g_ascii_strcasecmp(value, "websocket") != 0)
    return refuse(head, 400, "the only upgrade here is websocket");
  if (name_is(line, n_name, "http2-settings"))
    return refuse(head, 400, "HTTP/2 is not spoken here");
  if (name_is(line, n_name, "host")) {
    if (head->host)
      return refuse(head, 400, "more than one Host");
    head->host = TRUE;
  }
  return 200;
}

guint http_head_check(const char *bytes, gsize n, const char **why) {
  Head head = {0};
  if (n == 0)
    return 0;
  const char *end = memmem(bytes, n, "\r\n\r\n", 4);
  if (n > HTTP_HEAD_BYTES_MAX - 1 && (!end || end - bytes > HTTP_HEAD_BYTES_MAX - 4)) {
    *why = "the request's head is too large";
    return 431;
  }
  gsize line = 0;
  for (const char *p = bytes; end && p <= end; line++) {
    const char *eol = memmem(p, (gsize)(end + 2 - p), "\r\n", 2);
    gsize n_line = (gsize)(eol - p);
    guint status = memchr(p, '\n', n_line) || memchr(p, '\r', n_line) || memchr(p, '\0', n_line)
                       ? refuse(&head, 400, "a stray control character")
                   : line == 0 ? check_request_line(&head, p, n_line)
                               : check_header(&head, p, n_line);
    if (status != 200) {
      *why = head.why;
      return status;
    }
    p = eol + 2;
  }
  if (!end)
    return 0;
  if (!head.host) {
    *why = "no Host";
    return 400;
  }
  if (head.has_body_method && !head.length) {
    *why = "send a Content-Length";
    return 411;
  }
  return 200;
}

/* "https://Example.org:443" -> its host and port as a Host header would say it: without the scheme's own port. NULL: not an origin. */
static char *origin_host(const char *origin) {
  g_autoptr(GUri) uri = g_uri_parse(origin, G_URI_FLAGS_NONE, NULL);
  const char *scheme = uri ? g_uri_get_scheme(uri) : NULL, *host = uri ? g_uri_get_host(uri) : NULL;
  if (!host || !*host || *g_uri_get_path(uri) || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
    return NULL;
  int port = g_uri_get_port(uri);
  gboolean ipv6 = strchr(host, ':') != NULL;
  g_autofree char *named = g_strdup_printf(ipv6 ? "[%s]" : "%s", host);
  if (port < 0 || port == (strcmp(scheme, "https") == 0 ? 443 : 80))
    return g_steal_pointer(&named);
  return g_strdup_printf("%s:%d", named, port);
}

gboolean http_origin_is_allowed(const char *origin, const char *host, const char *const *allowed, gboolean from_browser) {
  for (gsize i = 0; allowed && allowed[i]; i++)
    if (strcmp(allowed[i], "*") == 0 || (origin && g_ascii_strcasecmp(allowed[i], origin) == 0))
      return TRUE;
  if (!origin || !*origin)
    return !from_browser;
  g_autofree char *from = origin_host(origin);
  return from && host && g_ascii_strcasecmp(from, host) == 0;
}
