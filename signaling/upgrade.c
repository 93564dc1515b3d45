/* SPDX-License-Identifier: Apache-2.0 */
/* Upgrades to WebSocket: which path, which subprotocol, whose page (fault 14). */
#include <string.h>

#include "signaling/http-head.h"
#include "signaling/server-internal.h"

#define UPGRADE_TOKEN_BYTES_MAX 4096 /* a JWT with the longest claims of ours has some 700 */

static gboolean protocol_is_offered(const char *protocols, const char *wanted) {
  g_auto(GStrv) names = g_strsplit(protocols ? protocols : "", ",", 16);
  for (char **name = names; *name; name++)
    if (strcmp(g_strstrip(*name), wanted) == 0)
      return TRUE;
  return FALSE;
}

static gboolean origin_is_allowed(Connection *connection) {
  g_autofree char *origin = http_header(connection, WSI_TOKEN_ORIGIN), *host = http_header(connection, WSI_TOKEN_HOST);
  static const char site[] = "sec-fetch-site:";
  gboolean from_browser = lws_hdr_total_length(connection->wsi, WSI_TOKEN_HTTP_COOKIE) > 0 ||
                          lws_hdr_custom_length(connection->wsi, site, (int)strlen(site)) >= 0;
  return http_origin_is_allowed(origin, host, (const char *const *)connection->server->origins, from_browser);
}

static const ServerEndpoint *endpoint_at(const Server *server, const char *path) {
  for (guint i = 0; server->events.endpoints[i]; i++)
    if (g_strcmp0(server->events.endpoints[i]->path, path) == 0)
      return server->events.endpoints[i];
  return NULL;
}

/* libwebsockets has decoded the parameters and keeps each as one fragment "name=value". */
static char *token_of_query(struct lws *wsi) {
  static const char name[] = "token=";
  char part[UPGRADE_TOKEN_BYTES_MAX];
  char *token = NULL;
  for (int i = 0; !token && lws_hdr_copy_fragment(wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, i) > 0; i++)
    if (g_str_has_prefix(part, name) && g_utf8_validate(part, -1, NULL))
      token = g_strdup(part + strlen(name));
  explicit_bzero(part, sizeof part);
  return token;
}

static int refuse(Connection *connection, guint status, const char *code, const char *why) {
  g_autoptr(GBytes) answer = http_error_bytes(connection->server->tls, status, code, why, FALSE);
  gsize n;
  const guint8 *bytes = g_bytes_get_data(answer, &n);
  g_autofree guint8 *buffer = g_malloc(LWS_PRE + n);
  memcpy(buffer + LWS_PRE, bytes, n);
  lws_write(connection->wsi, buffer + LWS_PRE, n, LWS_WRITE_HTTP);
  return -1;
}

int upgrade_check(Connection *connection) {
  g_autofree char *path = http_header(connection, WSI_TOKEN_GET_URI), *protocols = http_header(connection, WSI_TOKEN_PROTOCOL);
  g_autofree char *upgrade = http_header(connection, WSI_TOKEN_UPGRADE);
  const ServerEndpoint *endpoint = endpoint_at(connection->server, path);
  if (!upgrade || g_ascii_strcasecmp(upgrade, "websocket") != 0)
    return refuse(connection, 400, "bad_request", "The only upgrade here is websocket.");
  if (!endpoint)
    return refuse(connection, 404, "not_found", "There is no WebSocket at this path.");
  if (!origin_is_allowed(connection))
    return refuse(connection, 403, "origin_not_allowed", "This page's origin is not in the configured list ([signaling] origins).");
  if (!protocol_is_offered(protocols, endpoint->protocol)) {
    g_autofree char *why = g_strdup_printf("Offer the subprotocol %s.", endpoint->protocol);
    return refuse(connection, 400, "protocol_needed", why);
  }
  connection->endpoint = endpoint;
  connection->token = token_of_query(connection->wsi);
  return 0;
}
