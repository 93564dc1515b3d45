/* SPDX-License-Identifier: Apache-2.0 */
/* A full ICE agent (RFC 8445) for one leg towards an SFU, on libnice's NiceAgent: it begins the checks, and where STUN or TURN servers are set it finds
 * the addresses that those give. For SFUs that are ICE-lite themselves, and gates that cannot be reached.
 *
 * It sends checks to the candidates it is told, before anything has proven itself. So its remote candidates must come from the SFU's own description,
 * never from a client's: a client's would let anybody make the gate send to any address. Its owner sees to that; names are never looked up.
 * Datagrams cost more this way: a wake-up of the service's thread, libnice, a copy and a wake-up of the worker (docs/performance.md).
 * R9: what comes in here is the SFU's media, which is never recorded. worker_since_us says nothing of when it arrived: tap no such leg.
 *
 * Threads: ice_agent_new, ice_agent_set_remote, ice_agent_add_remote, ice_agent_candidates, ice_agent_has_relay: one thread, the owner's (control).
 * References: any thread. The rest is the leg's, on its worker's thread. */
#ifndef RECGATE_ICE_AGENT_H
#define RECGATE_ICE_AGENT_H

#include "pipelines/transport/ice-service.h"
#include "pipelines/transport/leg.h"

#define ICE_AGENT_CANDIDATES_MAX 32 /* of each side, in one description: some addresses of a machine times host, srflx and relay */

/* Gathers at once. gathered (any thread, perhaps before this returns): all servers have answered or failed; it may take half a minute, or never come.
 * destroy: of user, when nothing calls gathered any more (any thread). */
IceAgent *ice_agent_new(IceService *service, const LegCredentials *local, void (*gathered)(gpointer user), gpointer user, GDestroyNotify destroy);
IceAgent *ice_agent_ref(IceAgent *agent);
void ice_agent_unref(IceAgent *agent); /* the last one ends it, on the service's thread */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IceAgent, ice_agent_unref)

/* Values of a=candidate (RFC 8839 section 5.1) known so far. g_strfreev it; may be empty. */
char **ice_agent_candidates(IceAgent *agent);
/* A TURN server is set and gave an address, or none is set. */
gboolean ice_agent_has_relay(IceAgent *agent);

typedef struct IceRemote {
  const char *ufrag, *pwd;
  const char *const *candidates; /* values of a=candidate; those that are not UDP, or not a literal unicast address, are passed over. NULL: none */
  gboolean controlling;          /* RFC 8445 section 6.1.1: the other side is ICE-lite, or the gate made the first offer */
  gboolean complete;             /* no more candidates will be told: checks that all fail may end it before the leg's own timeout */
} IceRemote;
/* An agreed description of the SFU's. Other credentials than before are an ICE restart (RFC 8445 section 9), then with `local`. */
void ice_agent_set_remote(IceAgent *agent, const LegCredentials *local, const IceRemote *remote);
/* Trickled (RFC 8838), after ice_agent_set_remote; "" ends them. More than ICE_AGENT_CANDIDATES_MAX after one restart are passed over. */
void ice_agent_add_remote(IceAgent *agent, const char *candidate);

/* --- for leg.c, worker thread --- */
void ice_agent_attach(IceAgent *agent, Worker *worker, Leg *leg); /* from now on datagrams and changes of state come to the leg */
void ice_agent_detach(IceAgent *agent);                           /* nothing comes any more, once this returns */
gboolean ice_agent_send(IceAgent *agent, const guint8 *bytes, gsize n);

#endif
