/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/transport/bed.h"
#include "pipelines/transport/worker-private.h"

#include <pthread.h>
#include <string.h>

typedef struct Errand {
  void (*fn)(Worker *worker, gpointer data);
  gpointer data;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gboolean done;
} Errand;

static void run_errand(Worker *worker, gpointer data) {
  Errand *errand = data;
  errand->fn(worker, errand->data);
  pthread_mutex_lock(&errand->lock);
  errand->done = TRUE;
  pthread_cond_signal(&errand->changed);
  pthread_mutex_unlock(&errand->lock);
}

void bed_run(Bed *bed, void (*fn)(Worker *worker, gpointer data), gpointer data) {
  Errand errand = {.fn = fn, .data = data, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  worker_post(bed->worker, run_errand, &errand, NULL);
  pthread_mutex_lock(&errand.lock);
  while (!errand.done)
    pthread_cond_wait(&errand.changed, &errand.lock);
  pthread_mutex_unlock(&errand.lock);
}

Bed *bed_new(const char *bind, const char *peer_address) {
  g_autoptr(GError) error = NULL;
  Bed *bed = g_new0(Bed, 1);
  bed->worker = worker_new(bind, 0, &error);
  g_assert_no_error(error);
  bed->peer_address = g_strdup(peer_address);
  worker_start(bed->worker);
  return bed;
}

void bed_free(Bed *bed) {
  if (bed == NULL)
    return;
  worker_free(bed->worker);
  g_free(bed->peer_address);
  g_free(bed);
}

static void on_rtp(Leg *leg, guint8 *packet, gsize n, gpointer user) {
  BedLeg *self = user;
  (void)leg;
  if (self->other != NULL && self->other->leg != NULL)
    leg_send_rtp(self->other->leg, packet, n);
  atomic_fetch_add(&self->rtp, 1);
}

static void on_rtcp(Leg *leg, guint8 *packet, gsize n, gpointer user) {
  BedLeg *self = user;
  (void)leg;
  if (self->other != NULL && self->other->leg != NULL)
    leg_send_rtcp(self->other->leg, packet, n);
  atomic_fetch_add(&self->rtcp, 1);
}

static void on_data(Leg *leg, const guint8 *bytes, gsize n, gpointer user) {
  BedLeg *self = user;
  (void)leg;
  if (self->other != NULL && self->other->leg != NULL)
    leg_send_data(self->other->leg, bytes, n);
  atomic_fetch_add(&self->data, 1);
}

static void on_state(Leg *leg, LegState state, const char *why, gpointer user) {
  BedLeg *self = user;
  (void)leg;
  if (state == LEG_ENDED) {
    g_strlcpy(self->why, why, sizeof self->why);
    atomic_fetch_add(&self->ended, 1);
  }
  atomic_store(&self->state, state);
}

static void make_leg(Worker *worker, gpointer data) {
  static const LegEvents events = {on_rtp, on_rtcp, on_data, on_state};
  BedLeg *leg = data;
  leg->leg = leg_new(worker, &leg->local, LEG_CLIENT, &events, leg);
}

BedLeg *bed_leg(Bed *bed) {
  g_assert_cmpuint(bed->n_legs, <, BED_LEGS_MAX);
  BedLeg *leg = &bed->legs[bed->n_legs++];
  leg->bed = bed;
  leg->other = leg;
  leg_credentials_new(&leg->local);
  bed_run(bed, make_leg, leg);
  g_assert_nonnull(leg->leg);
  return leg;
}

static void join_legs(Worker *worker, gpointer data) {
  BedLeg **pair = data;
  (void)worker;
  pair[0]->other = pair[1];
  pair[1]->other = pair[0];
}

void bed_join(BedLeg *a, BedLeg *b) {
  BedLeg *pair[2] = {a, b};
  bed_run(a->bed, join_legs, pair);
}

static void free_leg(Worker *worker, gpointer data) {
  BedLeg *leg = data;
  (void)worker;
  leg_free(leg->leg);
  leg->leg = NULL;
}

void bed_leg_free(BedLeg *leg) {
  bed_run(leg->bed, free_leg, leg);
}

typedef struct RemoteErrand {
  BedLeg *leg;
  LegRemote remote;
  gboolean ok;
  GError **error;
} RemoteErrand;

static void set_remote(Worker *worker, gpointer data) {
  RemoteErrand *errand = data;
  (void)worker;
  errand->ok = leg_set_remote(errand->leg->leg, &errand->remote, errand->error);
}

gboolean bed_remote(BedLeg *leg, const char *ufrag, const char *fingerprints, gboolean dtls_client, GError **error) {
  RemoteErrand errand = {.leg = leg, .remote = {ufrag, fingerprints, dtls_client}, .error = error};
  bed_run(leg->bed, set_remote, &errand);
  return errand.ok;
}

static void restart_leg(Worker *worker, gpointer data) {
  BedLeg *leg = data;
  (void)worker;
  leg_restart(leg->leg, &leg->local);
}

void bed_restart(BedLeg *leg) {
  leg_credentials_new(&leg->local);
  bed_run(leg->bed, restart_leg, leg);
}

typedef struct StatsErrand {
  BedLeg *leg;
  LegStats stats;
} StatsErrand;

static void read_stats(Worker *worker, gpointer data) {
  StatsErrand *errand = data;
  (void)worker;
  errand->stats = leg_stats(errand->leg->leg);
}

LegStats bed_leg_stats(BedLeg *leg) {
  StatsErrand errand = {.leg = leg};
  bed_run(leg->bed, read_stats, &errand);
  return errand.stats;
}

static void advance_clock(Worker *worker, gpointer data) {
  worker_advance_clock(worker, *(gint64 *)data);
}

void bed_advance_clock(Bed *bed, gint64 us) {
  bed_run(bed, advance_clock, &us);
}

Peer *bed_peer(BedLeg *leg, const PeerConfig *config) {
  g_autoptr(GError) error = NULL;
  PeerConfig filled = *config;
  filled.remote_ufrag = leg->local.ufrag;
  filled.remote_pwd = leg->local.pwd;
  filled.fingerprint = transport_fingerprint();
  filled.address = leg->bed->peer_address;
  filled.port = worker_port(leg->bed->worker);
  Peer *peer = peer_new(&filled);
  bed_remote(leg, peer_ufrag(peer), peer_fingerprint(peer), !config->dtls_client, &error);
  g_assert_no_error(error);
  return peer;
}

typedef struct StateAwait {
  BedLeg *leg;
  LegState state;
} StateAwait;

static gboolean state_reached(gpointer user) {
  const StateAwait *await = user;
  return atomic_load(&await->leg->state) == (int)await->state;
}

gboolean bed_await_state(BedLeg *leg, Peer *peer, LegState state, guint ms) {
  StateAwait await = {leg, state};
  return peers_run(&peer, 1, state_reached, &await, ms);
}

typedef struct Await {
  _Atomic guint *count;
  guint n;
} Await;

static gboolean count_reached(gpointer user) {
  const Await *await = user;
  return atomic_load(await->count) >= await->n;
}

gboolean bed_await(_Atomic guint *count, guint n, Peer *peer, guint ms) {
  Await await = {count, n};
  return peers_run(&peer, 1, count_reached, &await, ms);
}
