/* SPDX-License-Identifier: Apache-2.0 */
/* The strict reading of a request head before libwebsockets sees it, and the Origin rule. Pure.
 *
 * Threads: any.
 * libwebsockets collapses "/../", takes what it does not know, and upgrades to h2c: what is ambiguous is refused here (faults 14, 16, 18).
 * RFC 9112; one request a connection, so that nothing behind a body is ever taken for a request. */
#ifndef RECGATE_HTTP_HEAD_H
#define RECGATE_HTTP_HEAD_H

#include <glib.h>

#define HTTP_HEAD_BYTES_MAX 16384  /* a token is at most 8 KiB; browsers send about 1 KiB beside it */
#define HTTP_BODY_BYTES_MAX 262144 /* PROTOCOL.md: as a frame */

/* 0: more bytes are needed; 200: fit to be handled; else the HTTP status to refuse with, and *why a constant sentence. */
guint http_head_check(const char *bytes, gsize n, const char **why);

/* RFC 6454. origin may be NULL: missing. allowed: besides the same host; "*" any.
 * A missing Origin is refused only where from_browser: browsers always send one with a WebSocket, other programs mostly do not
 * and cannot be made to send somebody's request (fault 14). from_browser: there was a Cookie or Sec-Fetch-Site header. */
gboolean http_origin_is_allowed(const char *origin, const char *host, const char *const *allowed, gboolean from_browser);

#endif
