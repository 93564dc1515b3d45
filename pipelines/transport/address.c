/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/address.h"

#include <string.h>

G_STATIC_ASSERT(sizeof(Address) == 40);

static const guint8 v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

gboolean address_from_sockaddr(Address *address, const struct sockaddr_storage *from) {
  memset(address, 0, sizeof *address);
  if (from->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)from;
    memcpy(address->ip, v4_mapped, sizeof v4_mapped);
    memcpy(address->ip + 12, &in->sin_addr, 4);
    address->port = ntohs(in->sin_port);
    return TRUE;
  }
  if (from->ss_family != AF_INET6)
    return FALSE;
  const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
  memcpy(address->ip, &in6->sin6_addr, 16);
  address->port = ntohs(in6->sin6_port);
  if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
    address->scope = in6->sin6_scope_id;
  return TRUE;
}

socklen_t address_to_sockaddr(const Address *address, int family, struct sockaddr_storage *to) {
  if (family == AF_INET) {
    struct sockaddr_in *in = (struct sockaddr_in *)to;
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((guint16)address->port)};
    memcpy(&in->sin_addr, address->ip + 12, 4);
    return sizeof *in;
  }
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
  *in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((guint16)address->port), .sin6_scope_id = address->scope};
  memcpy(&in6->sin6_addr, address->ip, 16);
  return sizeof *in6;
}

gboolean address_is_ipv4(const Address *address) {
  return memcmp(address->ip, v4_mapped, sizeof v4_mapped) == 0;
}

/* Only addresses that passed an authenticated check are inserted, a bounded number a leg: nobody outside can choose collisions. */
guint address_hash(gconstpointer p) {
  const Address *address = p;
  guint32 words[sizeof *address / 4];
  memcpy(words, address, sizeof words);
  guint32 h = 2166136261u;
  for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
    h = (h ^ words[i]) * 0x9e3779b1u;
  return h ^ (h >> 15);
}

gboolean address_equal(gconstpointer a, gconstpointer b) {
  return memcmp(a, b, sizeof(Address)) == 0;
}
