/* SPDX-License-Identifier: Apache-2.0 */
/* ADDR:PORT texts and the machine's own addresses. */
#include "signaling/address.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

GInetSocketAddress *address_parse(const char *text) {
  const char *colon = text ? strrchr(text, ':') : NULL;
  guint64 port = 0;
  if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, 0, G_MAXUINT16, &port, NULL))
    return NULL;
  gsize n = (gsize)(colon - text);
  gboolean brackets = n > 2 && text[0] == '[' && text[n - 1] == ']';
  g_autofree char *host = brackets ? g_strndup(text + 1, n - 2) : g_strndup(text, n);
  g_autoptr(GInetAddress) address = g_inet_address_new_from_string(host);
  if (!address || brackets != (g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV6))
    return NULL;
  return G_INET_SOCKET_ADDRESS(g_inet_socket_address_new(address, (guint16)port));
}

gboolean address_is_ip(const char *text) {
  return text && g_hostname_is_ip_address(text);
}

static GInetAddress *interface_address(const struct ifaddrs *one, gboolean also_ipv6) {
  if (!one->ifa_addr || !(one->ifa_flags & IFF_UP))
    return NULL;
  if (one->ifa_addr->sa_family != AF_INET && !(also_ipv6 && one->ifa_addr->sa_family == AF_INET6))
    return NULL;
  gsize n = one->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
  g_autoptr(GSocketAddress) native = g_socket_address_new_from_native(one->ifa_addr, n);
  GInetAddress *address = g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(native));
  return g_inet_address_get_is_link_local(address) ? NULL : g_object_ref(address);
}

char **address_announced(GInetAddress *bound) {
  g_autoptr(GStrvBuilder) found = g_strv_builder_new();
  g_autoptr(GPtrArray) loopback = g_ptr_array_new_with_free_func(g_free);
  if (!g_inet_address_get_is_any(bound)) {
    g_autofree char *itself = g_inet_address_to_string(bound);
    g_strv_builder_add(found, itself);
    return g_strv_builder_end(found);
  }
  gboolean also_ipv6 = g_inet_address_get_family(bound) == G_SOCKET_FAMILY_IPV6;
  struct ifaddrs *all = NULL;
  if (getifaddrs(&all) != 0)
    all = NULL;
  for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
    g_autoptr(GInetAddress) address = interface_address(one, also_ipv6);
    g_autofree char *text = address ? g_inet_address_to_string(address) : NULL;
    if (text && g_inet_address_get_is_loopback(address))
      g_ptr_array_add(loopback, g_steal_pointer(&text));
    else if (text)
      g_strv_builder_add(found, text);
  }
  freeifaddrs(all);
  for (guint i = 0; i < loopback->len; i++)
    g_strv_builder_add(found, loopback->pdata[i]);
  if (loopback->len == 0)
    g_strv_builder_add(found, "127.0.0.1");
  return g_strv_builder_end(found);
}
