/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/ice-server.h"

#include <string.h>

#include "signaling/address.h"

#define DEFAULT_PORT 3478 /* RFC 8489 section 18.6 */
#define UDP          "?transport=udp"

gboolean ice_server_parse(const char *text, const char *scheme, IceServer *server) {
  const gsize n = strlen(scheme);
  if (g_ascii_strncasecmp(text, scheme, n) != 0 || text[n] != ':')
    return FALSE;
  g_autofree char *at = g_strdup(text + n + 1);
  if (g_str_has_suffix(at, UDP) && strcmp(scheme, "turn") == 0)
    at[strlen(at) - strlen(UDP)] = '\0';
  g_autoptr(GInetSocketAddress) whole = address_parse(at);
  if (whole == NULL) {
    const gboolean is_ipv6 = strchr(at, ':') != NULL && *at != '[';
    g_autofree char *with_port = g_strdup_printf(is_ipv6 ? "[%s]:%d" : "%s:%d", at, DEFAULT_PORT);
    whole = address_parse(with_port);
  }
  if (whole == NULL || g_inet_socket_address_get_port(whole) == 0 || g_inet_address_get_is_any(g_inet_socket_address_get_address(whole)))
    return FALSE;
  *server = (IceServer){g_inet_address_to_string(g_inet_socket_address_get_address(whole)), g_inet_socket_address_get_port(whole)};
  return TRUE;
}
