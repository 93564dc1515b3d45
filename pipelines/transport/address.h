/* SPDX-License-Identifier: Apache-2.0 */
/* Where a datagram came from and where it was sent to: one path, as a value that can be compared and hashed.
 *
 * Threads: any; no state. */
#ifndef RECGATE_ADDRESS_H
#define RECGATE_ADDRESS_H

#include <glib.h>
#include <netinet/in.h>

/* No padding, so that memcmp compares. IPv4 is kept as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). */
typedef struct Address {
  guint8 ip[16];    /* the peer's */
  guint8 local[16]; /* ours that it wrote to; zero where the socket is bound to one address anyway */
  guint32 scope;    /* of a link-local peer, else 0 */
  guint32 port;     /* the peer's, host order */
} Address;

/* FALSE for another family than IPv4 and IPv6. `local` stays zero. */
gboolean address_from_sockaddr(Address *address, const struct sockaddr_storage *from);
/* family: of the socket that sends. Returns the length. */
socklen_t address_to_sockaddr(const Address *address, int family, struct sockaddr_storage *to);
gboolean address_is_ipv4(const Address *address);

guint address_hash(gconstpointer address);
gboolean address_equal(gconstpointer a, gconstpointer b);

#endif
