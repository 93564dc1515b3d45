/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: the worker's half of a call. Two legs, what goes from one to the other, and the tap.
 *
 * Threads: worker thread, but for call_worker_new. */
#ifndef RECGATE_CALL_WORKER_H
#define RECGATE_CALL_WORKER_H

#include "pipelines/relay/call.h"
#include "pipelines/relay/ssrc-map.h"

typedef struct CallWorker CallWorker;

/* why: NULL for a connected leg, else why it ended. Worker thread. */
typedef void (*CallWorkerState)(CallSide side, LegState state, const char *why, gpointer user);

/* The ring had no room for a packet of this take; once a take. Worker thread. */
typedef void (*CallWorkerOverrun)(guint32 take, gpointer user);

/* A side went over to another negotiated codec of a track (at most one a second a track), tapped or not: only control knows what can be recorded.
 * The track as it is now. agreement: of the call_worker_apply that it is part of. Worker thread. */
typedef void (*CallWorkerCodec)(CallSide side, const CallTrack *track, guint agreement, gpointer user);

typedef struct CallWorkerEvents {
  CallWorkerState state;
  CallWorkerOverrun overrun;
  CallWorkerCodec codec;
} CallWorkerEvents;
CallWorker *call_worker_new(Worker *worker, TapRing *ring, TapGate *gate, const CallWorkerEvents *events, gpointer user); /* any thread */
void call_worker_start(CallWorker *call, const LegCredentials local[2], LegPeer b); /* makes the legs; b: who is at B's */
void call_worker_use_agent(CallWorker *call, CallSide side, IceAgent *agent); /* leg_use_agent */
void call_worker_stop(CallWorker *call);                                  /* frees the legs: no packet passes afterwards (R15) */
void call_worker_free(CallWorker *call);                                  /* the memory alone; also after the worker ended */

/* One leg's part of an agreed answer. Strings are owned. */
typedef struct CallWorkerLeg {
  gboolean restarts, connects;  /* the gate's credentials change; there is a transport to set */
  LegCredentials local;
  char *ufrag, *fingerprints;
  gboolean dtls_client;
  GArray *tracks;               /* RelayTrack; taken by call_worker_apply */
} CallWorkerLeg;
void call_worker_leg_clear(CallWorkerLeg *leg);
void call_worker_apply(CallWorker *call, CallSide side, CallWorkerLeg *leg);

void call_worker_set_taps(CallWorker *call, CallSide side, const CallTap *taps, gsize n);
void call_worker_request_keyframe(CallWorker *call, CallSide side, guint32 number, guint32 ssrc);
CallStats call_worker_stats(const CallWorker *call);
gboolean call_worker_remote_fingerprint(const CallWorker *call, CallSide side, char text[LEG_FINGERPRINT_BYTES]);

#endif
