/* SPDX-License-Identifier: Apache-2.0 */
/* STUN and TURN servers as the configuration names them (RFC 7064, RFC 7065), and the thread of the legs that use them.
 *
 * Threads: any; no state. */
#ifndef RECGATE_ICE_SERVER_H
#define RECGATE_ICE_SERVER_H

#include "pipelines/transport/ice-service.h"

/* "stun:192.0.2.7:3478", "turn:[2001:db8::7]:3478?transport=udp"; scheme without colon. The port may be missing (3478); the address is literal, because a
 * look-up could block. FALSE: something else. address is the caller's to g_free. */
gboolean ice_server_parse(const char *text, const char *scheme, IceServer *server);

#endif
