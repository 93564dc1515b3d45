/* SPDX-License-Identifier: Apache-2.0 */
/* What all full-ICE legs of a process share: one thread with the GMainContext of their libnice agents, and the STUN and TURN servers they use.
 *
 * Threads: ice_service_new and ice_service_free: the owner's. Workers are no GLib loops and poll no agent's socket: this thread does, and hands
 * over what came (ice-agent.h). Free it after the workers: their legs hold agents until then. */
#ifndef RECGATE_ICE_SERVICE_H
#define RECGATE_ICE_SERVICE_H

#include <gio/gio.h>

typedef struct IceServer {
  char *address; /* literal, never a name: nothing is looked up. NULL: none */
  guint16 port;
} IceServer;

typedef struct IceServers {
  IceServer stun;                   /* RFC 8489, over UDP */
  IceServer turn;                   /* RFC 8656, over UDP */
  const char *turn_user, *turn_password;
  gboolean relay_only;              /* nothing but the TURN server's addresses is used */
  const char *bind;                 /* the one address of this machine to use; NULL: all, but loopback only without servers */
} IceServers;

typedef struct IceService IceService;
IceService *ice_service_new(const IceServers *servers); /* copies; any of it may be missing */
/* FALSE: no more agents should be made, for half of the process's file descriptors could be theirs: the other half must stay free for the disk, so that
 * nobody keeps an erase from it by opening connections (fault 9, R6). Any thread. */
gboolean ice_service_has_room(const IceService *service);
/* Waits up to a second until every agent has given its allocation back to the TURN server (RFC 8656 section 8). */
void ice_service_free(IceService *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IceService, ice_service_free)

/* --- for ice-agent.c --- */
const IceServers *ice_service_servers(const IceService *service);
GMainContext *ice_service_context(const IceService *service);
void ice_service_agent_made(IceService *service);
void ice_service_agent_gone(IceService *service); /* the service's thread */

#endif
