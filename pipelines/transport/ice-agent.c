/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/ice-agent.h"

#include "pipelines/transport/control.h"
#include "pipelines/transport/worker-private.h"

#include <nice/agent.h>
#include <nice/interfaces.h>
#include <pthread.h>
#include <string.h>

/* Of a check, the Rc of RFC 8489 section 6.2.1: over 30 s, so that a leg's own timeout ends it. libnice's three give up after some 7 s, and whoever
 * carries the gate's answer to the SFU may be slower. */
#define RETRANSMISSIONS 7
#define COMPONENT       1 /* RTP and RTCP are multiplexed (RFC 5761) */
/* Datagrams that wait for the worker: two batches of it and then some, a key frame of 1080p. More are dropped, as by a full socket. */
#define WAITING_MAX 256
/* That the worker takes before it looks at its other work (R11), as of its own socket. */
#define TAKEN_MAX 64

typedef struct Datagram Datagram;
struct Datagram {
  Datagram *next;
  gsize n;
  guint8 bytes[WORKER_PACKET_ROOM_BYTES];
};

typedef enum IceAgentState { ICE_AGENT_CHECKING = 0, ICE_AGENT_UP, ICE_AGENT_FAILED } IceAgentState;

struct IceAgent {
  _Atomic guint refs;
  _Atomic gboolean is_set_up; /* GLib's locks are none that TSan can follow: what callbacks read is published by this */
  IceService *service;
  NiceAgent *nice;
  guint stream;
  void (*gathered)(gpointer user);
  gpointer user;
  GDestroyNotify destroy;
  char *remote_ufrag, *remote_pwd; /* owner's thread; NULL: not told yet */
  guint n_trickled;                /* owner's thread; for those */

  pthread_mutex_t lock; /* guards what follows up to `leg` */
  Worker *worker;       /* NULL: nobody listens */
  Datagram *first, **last;
  guint waiting, dropped;
  gboolean posted; /* the worker has been told to take them */
  IceAgentState state;

  Leg *leg; /* worker's thread */
};

IceAgent *ice_agent_ref(IceAgent *agent) {
  atomic_fetch_add(&agent->refs, 1);
  return agent;
}

/* --- the end, on the service's thread: no callback of libnice's runs there meanwhile --- */

static void on_closed(GObject *nice, GAsyncResult *result, gpointer data) {
  IceAgent *agent = data;
  (void)nice, (void)result;
  g_object_unref(agent->nice);
  if (agent->destroy != NULL)
    agent->destroy(agent->user);
  while (agent->first != NULL) {
    Datagram *datagram = agent->first;
    agent->first = datagram->next;
    g_free(datagram);
  }
  pthread_mutex_destroy(&agent->lock);
  g_free(agent->remote_ufrag);
  g_free(agent->remote_pwd);
  ice_service_agent_gone(agent->service);
  g_free(agent);
}

static void agent_end(gpointer data) {
  IceAgent *agent = data;
  g_signal_handlers_disconnect_by_data(agent->nice, agent);
  nice_agent_attach_recv(agent->nice, agent->stream, COMPONENT, ice_service_context(agent->service), NULL, NULL);
  nice_agent_close_async(agent->nice, on_closed, agent);
}

static void unref(gpointer agent) {
  ice_agent_unref(agent);
}

void ice_agent_unref(IceAgent *agent) {
  if (agent != NULL && atomic_fetch_sub(&agent->refs, 1) == 1)
    control_post(ice_service_context(agent->service), G_PRIORITY_DEFAULT, agent_end, agent, NULL);
}

/* --- to the worker --- */

static Datagram *take_some(IceAgent *agent, Worker *worker) {
  pthread_mutex_lock(&agent->lock);
  Datagram *taken = agent->first, **end = &agent->first;
  guint n = 0;
  for (; *end != NULL && n < TAKEN_MAX; n++)
    end = &(*end)->next;
  agent->first = *end;
  *end = NULL;
  if (agent->first == NULL)
    agent->last = &agent->first;
  agent->waiting -= n;
  agent->posted = agent->waiting > 0;
  counter_add(&worker_counters(worker)->ice_overflow, agent->dropped);
  agent->dropped = 0;
  pthread_mutex_unlock(&agent->lock);
  return taken;
}

static void take(Worker *worker, gpointer data) {
  IceAgent *agent = data;
  Datagram *next = NULL;
  for (Datagram *datagram = take_some(agent, worker); datagram != NULL; datagram = next) {
    next = datagram->next;
    if (agent->leg != NULL)
      leg_input_agent(agent->leg, datagram->bytes, datagram->n);
    g_free(datagram);
  }
  pthread_mutex_lock(&agent->lock);
  if (agent->posted && agent->worker != NULL)
    worker_post(worker, take, ice_agent_ref(agent), unref); /* behind what was posted meanwhile */
  pthread_mutex_unlock(&agent->lock);
}

/* Service's thread. */
static void on_received(NiceAgent *nice, guint stream, guint component, guint n, char *bytes, gpointer user) {
  IceAgent *agent = user;
  (void)nice, (void)stream, (void)component;
  if (!atomic_load(&agent->is_set_up) || n == 0 || n > WORKER_PACKET_BYTES_MAX) /* fault 8 */
    return;
  pthread_mutex_lock(&agent->lock);
  if (agent->worker != NULL && agent->waiting < WAITING_MAX) {
    Datagram *datagram = g_malloc(sizeof *datagram);
    datagram->next = NULL;
    datagram->n = n;
    memcpy(datagram->bytes, bytes, n);
    *agent->last = datagram;
    agent->last = &datagram->next;
    agent->waiting++;
    if (!agent->posted)
      worker_post(agent->worker, take, ice_agent_ref(agent), unref);
    agent->posted = TRUE;
  } else if (agent->worker != NULL)
    agent->dropped++;
  pthread_mutex_unlock(&agent->lock);
}

static void tell_state(Worker *worker, gpointer data) {
  IceAgent *agent = data;
  (void)worker;
  pthread_mutex_lock(&agent->lock);
  const IceAgentState state = agent->state;
  pthread_mutex_unlock(&agent->lock);
  if (agent->leg != NULL && state != ICE_AGENT_CHECKING)
    leg_agent_changed(agent->leg, state == ICE_AGENT_UP);
}

/* Any thread that calls libnice. While a restart is checking, the pair in use stays in use. */
static void on_state_changed(NiceAgent *nice, guint stream, guint component, guint state, gpointer user) {
  IceAgent *agent = user;
  (void)nice, (void)stream, (void)component;
  const gboolean is_up = state == NICE_COMPONENT_STATE_CONNECTED || state == NICE_COMPONENT_STATE_READY;
  if (!atomic_load(&agent->is_set_up) || (!is_up && state != NICE_COMPONENT_STATE_FAILED))
    return;
  pthread_mutex_lock(&agent->lock);
  agent->state = is_up ? ICE_AGENT_UP : ICE_AGENT_FAILED;
  if (agent->worker != NULL)
    worker_post(agent->worker, tell_state, ice_agent_ref(agent), unref);
  pthread_mutex_unlock(&agent->lock);
}

static void on_gathered(NiceAgent *nice, guint stream, gpointer user) {
  IceAgent *agent = user;
  (void)nice, (void)stream;
  if (atomic_load(&agent->is_set_up))
    agent->gathered(agent->user);
}

void ice_agent_attach(IceAgent *agent, Worker *worker, Leg *leg) {
  agent->leg = leg;
  pthread_mutex_lock(&agent->lock);
  agent->worker = worker;
  pthread_mutex_unlock(&agent->lock);
  tell_state(worker, agent);
}

void ice_agent_detach(IceAgent *agent) {
  agent->leg = NULL;
  pthread_mutex_lock(&agent->lock);
  agent->worker = NULL;
  pthread_mutex_unlock(&agent->lock);
}

gboolean ice_agent_send(IceAgent *agent, const guint8 *bytes, gsize n) {
  return nice_agent_send(agent->nice, agent->stream, COMPONENT, (guint)n, (const char *)bytes) == (int)n;
}

/* --- the owner's --- */

static void add_address(IceAgent *agent, const char *text) {
  NiceAddress address;
  nice_address_init(&address);
  if (nice_address_set_from_string(&address, text))
    nice_agent_add_local_address(agent->nice, &address);
}

/* libnice's own list has no loopback, and its sockets send by their own interface only: an SFU at 127.0.0.1 would not be reached. Where there are servers
 * the SFU is elsewhere, and each address that no server is reached from would make gathering wait. */
static void use_addresses(IceAgent *agent, const IceServers *servers) {
  if (servers->bind != NULL) {
    add_address(agent, servers->bind);
    return;
  }
  GList *addresses = servers->stun.address == NULL && servers->turn.address == NULL ? nice_interfaces_get_local_ips(TRUE) : NULL;
  for (GList *at = addresses; at != NULL; at = at->next)
    add_address(agent, at->data);
  g_list_free_full(addresses, g_free);
}

static void use_servers(IceAgent *agent, const IceServers *servers) {
  if (servers->stun.address != NULL)
    g_object_set(agent->nice, "stun-server", servers->stun.address, "stun-server-port", (guint)servers->stun.port, NULL);
  if (servers->turn.address != NULL)
    nice_agent_set_relay_info(agent->nice, agent->stream, COMPONENT, servers->turn.address, servers->turn.port, servers->turn_user,
                              servers->turn_password, NICE_RELAY_TYPE_TURN_UDP);
}

IceAgent *ice_agent_new(IceService *service, const LegCredentials *local, void (*gathered)(gpointer user), gpointer user,
                        GDestroyNotify destroy) {
  const IceServers *servers = ice_service_servers(service);
  GMainContext *context = ice_service_context(service);
  IceAgent *agent = g_new0(IceAgent, 1);
  atomic_init(&agent->refs, 1);
  agent->service = service;
  agent->gathered = gathered;
  agent->user = user;
  agent->destroy = destroy;
  agent->last = &agent->first;
  pthread_mutex_init(&agent->lock, NULL);
  ice_service_agent_made(service);
  /* Trickle: libnice waits for candidates that may still be told. Consent freshness (RFC 7675): an ICE-lite peer is silent while nobody sends. */
  agent->nice =
      nice_agent_new_full(context, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_ICE_TRICKLE | NICE_AGENT_OPTION_CONSENT_FRESHNESS);
  g_object_set(agent->nice, "ice-tcp", FALSE, "upnp", FALSE, "force-relay", servers->relay_only, "stun-max-retransmissions",
               RETRANSMISSIONS, NULL);
  agent->stream = nice_agent_add_stream(agent->nice, 1);
  use_addresses(agent, servers);
  use_servers(agent, servers);
  nice_agent_set_local_credentials(agent->nice, agent->stream, local->ufrag, local->pwd);
  g_signal_connect(agent->nice, "component-state-changed", G_CALLBACK(on_state_changed), agent);
  g_signal_connect(agent->nice, "candidate-gathering-done", G_CALLBACK(on_gathered), agent);
  nice_agent_attach_recv(agent->nice, agent->stream, COMPONENT, context, on_received, agent);
  atomic_store(&agent->is_set_up, TRUE);
  (void)nice_agent_gather_candidates(agent->nice, agent->stream); /* FALSE: no socket could be had; then there are no candidates */
  return agent;
}

static void candidate_free(gpointer candidate) {
  nice_candidate_free(candidate);
}

char **ice_agent_candidates(IceAgent *agent) {
  g_autoptr(GStrvBuilder) values = g_strv_builder_new();
  GSList *candidates = nice_agent_get_local_candidates(agent->nice, agent->stream, COMPONENT);
  guint n = 0;
  for (GSList *at = candidates; at != NULL && n < ICE_AGENT_CANDIDATES_MAX; at = at->next, n++) {
    g_autofree char *line = nice_agent_generate_local_candidate_sdp(agent->nice, at->data);
    g_strv_builder_add(values, line + strlen("a=candidate:"));
  }
  g_slist_free_full(candidates, candidate_free);
  return g_strv_builder_end(values);
}

gboolean ice_agent_has_relay(IceAgent *agent) {
  gboolean found = ice_service_servers(agent->service)->turn.address == NULL;
  GSList *candidates = nice_agent_get_local_candidates(agent->nice, agent->stream, COMPONENT);
  for (GSList *at = candidates; at != NULL; at = at->next)
    found = found || ((const NiceCandidate *)at->data)->type == NICE_CANDIDATE_TYPE_RELAYED;
  g_slist_free_full(candidates, candidate_free);
  return found;
}

/* "1 1 udp 2113937151 192.0.2.7 4444 typ host": what libnice would look up, or what is no place to send a check to, is passed over. */
static NiceCandidate *candidate_read(IceAgent *agent, const char *value) {
  g_auto(GStrv) words = g_strsplit(value, " ", 8);
  if (g_strv_length(words) < 8 || strcmp(words[1], "1") != 0 || g_ascii_strcasecmp(words[2], "udp") != 0)
    return NULL;
  g_autoptr(GInetAddress) address = g_inet_address_new_from_string(words[4]);
  if (address == NULL || g_inet_address_get_is_any(address) || g_inet_address_get_is_multicast(address))
    return NULL;
  g_autofree char *line = g_strconcat("a=candidate:", value, NULL);
  return nice_agent_parse_remote_candidate_sdp(agent->nice, agent->stream, line);
}

static void add_candidates(IceAgent *agent, const char *const *values) {
  GSList *candidates = NULL;
  for (guint i = 0; values != NULL && values[i] != NULL && i < ICE_AGENT_CANDIDATES_MAX; i++) {
    NiceCandidate *candidate = candidate_read(agent, values[i]);
    if (candidate != NULL)
      candidates = g_slist_append(candidates, candidate);
  }
  if (candidates != NULL)
    nice_agent_set_remote_candidates(agent->nice, agent->stream, COMPONENT, candidates);
  g_slist_free_full(candidates, candidate_free);
}

void ice_agent_set_remote(IceAgent *agent, const LegCredentials *local, const IceRemote *remote) {
  if (agent->remote_ufrag == NULL)
    g_object_set(agent->nice, "controlling-mode", remote->controlling, NULL);
  if (g_strcmp0(agent->remote_ufrag, remote->ufrag) != 0 || g_strcmp0(agent->remote_pwd, remote->pwd) != 0) {
    if (agent->remote_ufrag != NULL) {
      nice_agent_restart_stream(agent->nice, agent->stream);
      nice_agent_set_local_credentials(agent->nice, agent->stream, local->ufrag, local->pwd);
    }
    nice_agent_set_remote_credentials(agent->nice, agent->stream, remote->ufrag, remote->pwd);
    g_free(agent->remote_ufrag);
    g_free(agent->remote_pwd);
    agent->n_trickled = 0;
    agent->remote_ufrag = g_strdup(remote->ufrag);
    agent->remote_pwd = g_strdup(remote->pwd);
  }
  add_candidates(agent, remote->candidates);
  if (remote->complete)
    nice_agent_peer_candidate_gathering_done(agent->nice, agent->stream);
}

void ice_agent_add_remote(IceAgent *agent, const char *candidate) {
  if (agent->remote_ufrag == NULL)
    return;
  if (*candidate == '\0')
    nice_agent_peer_candidate_gathering_done(agent->nice, agent->stream);
  else if (agent->n_trickled++ < ICE_AGENT_CANDIDATES_MAX)
    add_candidates(agent, (const char *const[]){candidate, NULL});
}
