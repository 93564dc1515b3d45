/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/leg.h"
#include "pipelines/transport/demux.h"
#include "pipelines/transport/ice-agent.h"
#include "pipelines/transport/protection.h"
#include "pipelines/transport/worker-private.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#define CONNECT_US (30 * G_USEC_PER_SEC) /* from the first leg_set_remote to CONNECTED, the DTLS handshake included (fault 4) */
#define SILENCE_US (30 * G_USEC_PER_SEC) /* no check and no media: gone (RFC 7675 section 5.1 says the same of consent) */

#define UFRAG_CHARS 8  /* 48 bits: unique on a worker */
#define PWD_CHARS   32 /* 192 bits, RFC 8445 section 5.3 asks for 128 */
#define GENERATIONS 2

struct Leg { /* first what every packet looks at: two cache lines */
  Worker *worker;
  LegState state;
  gboolean retired; /* leg_free was called; freed when the stack has unwound */
  Protection *protection;
  gpointer user;
  IceAgent *agent; /* full ICE in its place; NULL: ICE-lite */
  LegStats stats;
  LegEvents events;
  Ice ice;
  char registered[GENERATIONS][sizeof((LegCredentials *)NULL)->ufrag];
  Fingerprints fingerprints;
  gboolean dtls_client;
  LegPeer peer;
  gint64 connect_by_us; /* 0: not asked to connect yet, or connected */
  Dtls *dtls;
};

static void random_ice_chars(char *text, gsize n) {
  static const char ice_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  guint8 bytes[PWD_CHARS];
  if (RAND_bytes(bytes, (int)n) != 1)
    g_error("no randomness for ICE credentials"); /* aborts: a predictable password would let strangers in */
  for (gsize i = 0; i < n; i++)
    text[i] = ice_chars[bytes[i] & 63];
  text[n] = '\0';
}

void leg_credentials_new(LegCredentials *credentials) {
  random_ice_chars(credentials->ufrag, UFRAG_CHARS);
  random_ice_chars(credentials->pwd, PWD_CHARS);
}

static void leg_emit(Leg *leg, LegState state, const char *why) {
  leg->state = state;
  if (!leg->retired && leg->events.state != NULL)
    leg->events.state(leg, state, why, leg->user);
}

static void leg_unregister(Leg *leg) {
  for (guint i = 0; i < GENERATIONS; i++) {
    worker_remove_ufrag(leg->worker, leg->registered[i], leg);
    leg->registered[i][0] = '\0';
  }
}

/* Keeps the worker's table equal to the credentials that count. */
static void leg_register(Leg *leg) {
  const IceGeneration *generations[GENERATIONS] = {&leg->ice.current, &leg->ice.previous};
  leg_unregister(leg);
  if (leg->agent != NULL)
    return;
  for (guint i = 0; i < GENERATIONS; i++)
    if (generations[i]->number != 0 && worker_add_ufrag(leg->worker, generations[i]->local.ufrag, leg))
      g_strlcpy(leg->registered[i], generations[i]->local.ufrag, sizeof leg->registered[i]);
}

static void leg_detach(Leg *leg) {
  leg_unregister(leg);
  if (leg->agent != NULL)
    ice_agent_detach(leg->agent);
  g_clear_pointer(&leg->agent, ice_agent_unref);
  for (guint i = 0; i < leg->ice.n_paths; i++)
    worker_remove_path(leg->worker, leg->ice.paths[i]);
  ice_clear(&leg->ice);
}

static void leg_end(Leg *leg, const char *why) {
  if (leg->state == LEG_ENDED)
    return;
  leg_detach(leg);
  leg_emit(leg, LEG_ENDED, why);
}

Leg *leg_new(Worker *worker, const LegCredentials *local, LegPeer peer, const LegEvents *events, gpointer user) {
  g_return_val_if_fail(worker != NULL && local != NULL && events != NULL, NULL);
  Leg *leg = g_aligned_alloc0(1, sizeof(Leg), CACHE_LINE_BYTES);
  leg->worker = worker;
  leg->peer = peer;
  leg->events = *events;
  leg->user = user;
  ice_init(&leg->ice, local, leg);
  leg_register(leg);
  worker_add_leg(worker, leg);
  return leg;
}

void leg_use_agent(Leg *leg, IceAgent *agent) {
  g_return_if_fail(leg->agent == NULL);
  if (leg->state != LEG_NEW) /* ended, or already reached by ICE-lite: then it needs none */
    return;
  leg_unregister(leg);
  leg->agent = ice_agent_ref(agent);
  ice_agent_attach(agent, leg->worker, leg);
}

void leg_free(Leg *leg) {
  if (leg == NULL || leg->retired)
    return;
  if (leg->dtls != NULL && leg->state == LEG_CONNECTED)
    dtls_close(leg->dtls);
  leg->retired = TRUE;
  leg_detach(leg);
  leg->state = LEG_ENDED;
  worker_retire_leg(leg->worker, leg);
}

void leg_destroy(Leg *leg) {
  dtls_free(leg->dtls);
  protection_free(leg->protection);
  ice_clear(&leg->ice);
  OPENSSL_cleanse(&leg->ice, sizeof leg->ice);
  g_aligned_free(leg);
}

gboolean leg_set_remote(Leg *leg, const LegRemote *remote, GError **error) {
  Fingerprints fingerprints;
  if (!fingerprints_parse(&fingerprints, remote->fingerprints, error))
    return FALSE;
  /* Who the peer is and which role it has were settled when the handshake began (RFC 5763 section 5, fault 3). */
  if (leg->dtls != NULL && (remote->dtls_client != leg->dtls_client || !fingerprints_contain(&leg->fingerprints, &fingerprints))) {
    g_set_error_literal(error, TRANSPORT_ERROR, TRANSPORT_ERROR_ARGUMENT, "the DTLS role or fingerprint of a running leg cannot change");
    return FALSE;
  }
  if (leg->state == LEG_ENDED || !ice_set_remote(&leg->ice, remote->ufrag)) {
    g_set_error_literal(error, TRANSPORT_ERROR, TRANSPORT_ERROR_ARGUMENT,
                        leg->state == LEG_ENDED ? "the leg has ended" : "unusable ICE user name fragment");
    return FALSE;
  }
  leg_register(leg);
  if (leg->dtls == NULL) {
    leg->fingerprints = fingerprints;
    leg->dtls_client = remote->dtls_client;
  }
  if (leg->state == LEG_NEW && leg->connect_by_us == 0)
    leg->connect_by_us = worker_now_us(leg->worker) + CONNECT_US;
  return TRUE;
}

void leg_restart(Leg *leg, const LegCredentials *local) {
  if (leg->state == LEG_ENDED)
    return;
  ice_restart(&leg->ice, local);
  leg_register(leg);
}

/* DTLS */

/* An ICE-lite leg's datagrams leave with the batch, as ever; the agent is asked for its own. */
static void leg_output(Leg *leg, const guint8 *bytes, gsize n) {
  if (leg->ice.selected != NULL)
    worker_send(leg->worker, &leg->ice.selected->address, bytes, n);
  else if (leg->agent != NULL)
    worker_count_agent_sent(leg->worker, n, ice_agent_send(leg->agent, bytes, n));
}

static void on_dtls_send(const guint8 *bytes, gsize n, gpointer user) {
  leg_output(user, bytes, n);
}

static void on_dtls_record(const guint8 *bytes, gsize n, gpointer user) {
  Leg *leg = user;
  if (leg->state == LEG_CONNECTED && leg->events.data != NULL)
    leg->events.data(leg, bytes, n, leg->user);
}

static void leg_connect(Leg *leg) {
  DtlsKeys keys = {0};
  gboolean agreed = dtls_keys(leg->dtls, &keys);
  if (agreed)
    leg->protection = protection_new(&keys, leg->peer == LEG_SFU ? PROTECTION_SSRCS_SFU : PROTECTION_SSRCS_CLIENT);
  OPENSSL_cleanse(&keys, sizeof keys);
  if (leg->protection == NULL) {
    dtls_close(leg->dtls);
    leg_end(leg, agreed ? "SRTP could not be set up" : "the peer agreed on no SRTP profile");
    return;
  }
  leg->connect_by_us = 0;
  leg_emit(leg, LEG_CONNECTED, "connected");
  /* What came in the handshake's last datagram waits in the TLS library. */
  if (leg->state == LEG_CONNECTED)
    (void)dtls_input(leg->dtls, NULL, 0);
}

static void leg_follow_dtls(Leg *leg, DtlsStatus status) {
  if (leg->state == LEG_ENDED)
    return;
  if (status == DTLS_ESTABLISHED && leg->protection == NULL)
    leg_connect(leg);
  else if (status == DTLS_CLOSED)
    leg_end(leg, "closed by the peer");
  else if (status == DTLS_FAILED)
    leg_end(leg, leg->protection != NULL ? "DTLS failed" : "the DTLS handshake failed, or the certificate is not the announced one");
}

static gboolean leg_start_dtls(Leg *leg) {
  static const DtlsEvents events = {on_dtls_send, on_dtls_record};
  g_autoptr(GError) error = NULL;
  leg->dtls = dtls_new(worker_tls(leg->worker), leg->dtls_client, &leg->fingerprints, &events, leg, &error);
  if (leg->dtls == NULL) {
    leg_end(leg, error->message);
    return FALSE;
  }
  worker_tick_soon(leg->worker);
  return TRUE;
}

/* Input */

gboolean leg_find_pwd(Leg *leg, const guint8 *username, gsize n, const char **pwd, guint32 *generation) {
  const IceGeneration *found = ice_find(&leg->ice, username, n);
  if (found == NULL)
    return FALSE;
  *pwd = found->local.pwd;
  *generation = found->number;
  return TRUE;
}

static void on_path_dropped(IcePath *path, gpointer owner) {
  const Leg *leg = owner;
  worker_remove_path(leg->worker, path);
}

static void leg_checked(Leg *leg) {
  if (leg->state != LEG_NEW)
    return;
  leg_emit(leg, LEG_CHECKED, "an address is valid");
  if (leg->state == LEG_CHECKED && leg->dtls_client && leg_start_dtls(leg))
    leg_follow_dtls(leg, dtls_start(leg->dtls));
}

void leg_input_check(Leg *leg, const StunCheck *check, const Address *from, guint32 generation) {
  gint64 now_us = worker_now_us(leg->worker);
  IceCheck ice_event = {.from = *from, .priority = check->priority, .generation = generation, .use_candidate = check->use_candidate};
  IcePath *path = ice_check(&leg->ice, &ice_event, now_us, on_path_dropped);
  worker_add_path(leg->worker, path);
  leg->stats.last_in_us = now_us;
  if (leg->registered[1][0] != '\0' && leg->ice.previous.number == 0)
    leg_register(leg);
  leg_checked(leg);
}

static void leg_dtls(Leg *leg, const guint8 *bytes, gsize n) {
  leg->stats.last_in_us = worker_now_us(leg->worker);
  if (leg->dtls == NULL && !leg_start_dtls(leg))
    return;
  leg_follow_dtls(leg, dtls_input(leg->dtls, bytes, n));
}

void leg_input_dtls(Leg *leg, IcePath *path, const guint8 *bytes, gsize n) {
  path->heard_us = worker_now_us(leg->worker);
  leg_dtls(leg, bytes, n);
}

static ProtectionOpened leg_open(Leg *leg, guint8 *packet, gsize *n, gboolean is_rtcp) {
  if (leg->state != LEG_CONNECTED)
    return PROTECTION_REFUSED;
  return is_rtcp ? protection_open_rtcp(leg->protection, packet, n) : protection_open_rtp(leg->protection, packet, n);
}

void leg_input_media(Leg *leg, IcePath *path, guint8 *packet, gsize n, gboolean is_rtcp) {
  const ProtectionOpened opened = leg_open(leg, packet, &n, is_rtcp);
  if (opened != PROTECTION_OPENED) {
    WorkerCounters *counters = worker_counters(leg->worker);
    leg->stats.refused++;
    counter_add(opened == PROTECTION_REFUSED_SSRC ? &counters->refused_ssrc : &counters->refused_srtp, 1);
    return;
  }
  leg->stats.last_in_us = worker_now_us(leg->worker);
  if (path != NULL)
    ice_media(&leg->ice, path, leg->stats.last_in_us);
  if (is_rtcp) {
    leg->stats.rtcp_in++;
    if (leg->events.rtcp != NULL)
      leg->events.rtcp(leg, packet, n, leg->user);
    return;
  }
  leg->stats.rtp_in++;
  if (leg->events.rtp != NULL)
    leg->events.rtp(leg, packet, n, leg->user);
}

void leg_input_agent(Leg *leg, guint8 *bytes, gsize n) {
  const DemuxClass class = demux_classify(bytes, n);
  WorkerCounters *counters = worker_counters(leg->worker);
  counter_add(&counters->packets_in, 1);
  counter_add(&counters->bytes_in, n);
  if (class == DEMUX_RTP || class == DEMUX_RTCP)
    leg_input_media(leg, NULL, bytes, n, class == DEMUX_RTCP);
  else if (class == DEMUX_DTLS && leg->state != LEG_NEW)
    leg_dtls(leg, bytes, n);
  else /* fault 1: a ClientHello before any pair was validated counts here too */
    counter_add(class == DEMUX_DTLS ? &counters->refused_dtls : &counters->refused_unknown, 1);
}

void leg_agent_changed(Leg *leg, gboolean is_up) {
  if (is_up)
    leg_checked(leg);
  else if (leg->state == LEG_NEW)
    leg_end(leg, "ICE failed: nothing answered at any candidate of the other side");
  else
    leg_end(leg, "ICE failed: the other side answers checks no more");
}

void leg_forget_path(Leg *leg, IcePath *path) {
  ice_forget(&leg->ice, path);
}

gboolean leg_tick(Leg *leg) {
  gint64 now_us = worker_now_us(leg->worker);
  if (leg->state == LEG_ENDED)
    return FALSE;
  if (leg->connect_by_us != 0 && now_us >= leg->connect_by_us) {
    leg_end(leg, "not connected within 30 s");
    return FALSE;
  }
  if (leg->state == LEG_CONNECTED && leg->agent == NULL && now_us - leg->stats.last_in_us >= SILENCE_US) {
    leg_end(leg, "silent for 30 s");
    return FALSE;
  }
  if (leg->dtls == NULL || dtls_status(leg->dtls) != DTLS_HANDSHAKING)
    return FALSE;
  leg_follow_dtls(leg, dtls_tick(leg->dtls));
  return leg->state != LEG_ENDED;
}

/* Output */

static gboolean leg_may_send(const Leg *leg) {
  return leg->state == LEG_CONNECTED && (leg->ice.selected != NULL || leg->agent != NULL);
}

gboolean leg_send_rtp(Leg *leg, guint8 *packet, gsize n) {
  if (!leg_may_send(leg) || !protection_seal_rtp(leg->protection, packet, &n)) {
    leg->stats.refused++;
    return FALSE;
  }
  leg_output(leg, packet, n);
  leg->stats.rtp_out++;
  return TRUE;
}

gboolean leg_send_rtcp(Leg *leg, guint8 *packet, gsize n) {
  if (!leg_may_send(leg) || !protection_seal_rtcp(leg->protection, packet, &n)) {
    leg->stats.refused++;
    return FALSE;
  }
  leg_output(leg, packet, n);
  leg->stats.rtcp_out++;
  return TRUE;
}

gboolean leg_send_data(Leg *leg, const guint8 *bytes, gsize n) {
  if (leg_may_send(leg) && dtls_send(leg->dtls, bytes, n))
    return TRUE;
  leg->stats.refused++;
  return FALSE;
}

LegState leg_state(const Leg *leg) {
  return leg->state;
}
LegStats leg_stats(const Leg *leg) {
  return leg->stats;
}

G_STATIC_ASSERT(LEG_FINGERPRINT_BYTES == FINGERPRINT_TEXT_BYTES);

gboolean leg_remote_fingerprint(const Leg *leg, char text[LEG_FINGERPRINT_BYTES]) {
  return leg->state == LEG_CONNECTED && dtls_remote_fingerprint(leg->dtls, text);
}
