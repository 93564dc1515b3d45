/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of the configuration: ADDR:PORT texts, and what this machine may announce.
 *
 * Threads: any. */
#ifndef RECGATE_ADDRESS_H
#define RECGATE_ADDRESS_H

#include <gio/gio.h>

/* "127.0.0.1:8480", "[::1]:8480"; a literal address, never a name (no DNS at start). NULL: not that. Port 0 lets the kernel pick. */
GInetSocketAddress *address_parse(const char *text);
/* Literal IPv4 or IPv6. */
gboolean address_is_ip(const char *text);
/* What to put into candidates when bound to `bound`: itself; for a wildcard this machine's addresses of the same family (both for ::),
 * non-loopback first because Firefox pairs none of those with 127.0.0.1; IPv6 link-local is skipped, it needs a zone. g_strfreev it. */
char **address_announced(GInetAddress *bound);

#endif
