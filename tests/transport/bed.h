/* SPDX-License-Identifier: Apache-2.0 */
/* A test bed: one worker on a real loopback socket, its legs joined in pairs or echoing, seen from the test's thread.
 *
 * Threads: the test's, but for what says worker thread. Every call waits until the worker has done it. */
#ifndef RECGATE_TEST_BED_H
#define RECGATE_TEST_BED_H

#include "pipelines/transport/leg.h"
#include "tests/transport/peer.h"

#include <stdatomic.h>

#define BED_LEGS_MAX 8

typedef struct Bed Bed;

typedef struct BedLeg {
  Bed *bed;
  Leg *leg;
  struct BedLeg *other; /* where its packets go; itself: echo. NULL: nowhere */
  LegCredentials local;
  _Atomic int state;
  _Atomic guint rtp, rtcp, data, ended;
  char why[128]; /* valid once ended is set */
} BedLeg;

struct Bed {
  Worker *worker;
  char *peer_address; /* that peers write to */
  BedLeg legs[BED_LEGS_MAX];
  guint n_legs;
};

/* bind: the worker's address; peer_address: what peers are told. */
Bed *bed_new(const char *bind, const char *peer_address);
void bed_free(Bed *bed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bed, bed_free)

void bed_run(Bed *bed, void (*fn)(Worker *worker, gpointer data), gpointer data);
void bed_advance_clock(Bed *bed, gint64 us);

BedLeg *bed_leg(Bed *bed); /* echoes */
void bed_join(BedLeg *a, BedLeg *b);
void bed_leg_free(BedLeg *leg);
gboolean bed_remote(BedLeg *leg, const char *ufrag, const char *fingerprints, gboolean dtls_client, GError **error);
void bed_restart(BedLeg *leg); /* fresh local credentials */
LegStats bed_leg_stats(BedLeg *leg);

/* A peer of this leg; config's misbehaviour and events count, the rest is filled in. The leg has been told of it. */
Peer *bed_peer(BedLeg *leg, const PeerConfig *config);

/* Runs the peer until leg->state is that, or ms have passed. */
gboolean bed_await_state(BedLeg *leg, Peer *peer, LegState state, guint ms);
/* Runs the peer until *count reaches n, or ms have passed. */
gboolean bed_await(_Atomic guint *count, guint n, Peer *peer, guint ms);

#endif
