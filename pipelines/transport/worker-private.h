/* SPDX-License-Identifier: Apache-2.0 */
/* What a leg needs of its worker, and a worker of its legs. Private to pipelines/transport.
 *
 * Threads: the worker's. */
#ifndef RECGATE_WORKER_PRIVATE_H
#define RECGATE_WORKER_PRIVATE_H

#include "pipelines/transport/ice.h"
#include "pipelines/transport/stun-check.h"

#include <openssl/ssl.h>
#include <stdatomic.h>

/* Written by the worker alone, read by anyone. */
typedef struct WorkerCounters {
  _Atomic guint64 packets_in, packets_out, bytes_in, bytes_out;
  _Atomic guint64 refused_stun, refused_dtls, refused_srtp, refused_ssrc, refused_unknown;
  _Atomic guint64 send_failed, socket_overflow, ice_overflow;
  _Atomic guint legs;
} WorkerCounters;

/* One writer: no locked instruction needed. */
static inline void counter_add(_Atomic guint64 *counter, guint64 n) {
  atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

WorkerCounters *worker_counters(Worker *worker);
SSL_CTX *worker_tls(Worker *worker);
void worker_send(Worker *worker, const Address *to, const guint8 *bytes, gsize n); /* leaves with the batch; copied unless it came with it */

void worker_count_agent_sent(Worker *worker, gsize n, gboolean sent); /* what libnice sent, or did not */

void worker_add_leg(Worker *worker, Leg *leg);
void worker_retire_leg(Worker *worker, Leg *leg); /* frees it when nobody on the stack uses it any more */
/* FALSE: another leg has it. */
gboolean worker_add_ufrag(Worker *worker, const char *ufrag, Leg *leg);
void worker_remove_ufrag(Worker *worker, const char *ufrag, Leg *leg);
void worker_add_path(Worker *worker, IcePath *path); /* takes it from the leg that had the address before */
void worker_remove_path(Worker *worker, IcePath *path);
void worker_tick_soon(Worker *worker); /* a handshake began: retransmissions need short ticks */
void worker_advance_clock(Worker *worker, gint64 us); /* as a suspend does; tests of 30 s need not last 30 s */

/* Called by the worker. */
gboolean leg_find_pwd(Leg *leg, const guint8 *username, gsize n, const char **pwd, guint32 *generation);
void leg_input_check(Leg *leg, const StunCheck *check, const Address *from, guint32 generation);
void leg_input_dtls(Leg *leg, IcePath *path, const guint8 *bytes, gsize n);
void leg_input_media(Leg *leg, IcePath *path, guint8 *packet, gsize n, gboolean is_rtcp);
void leg_input_agent(Leg *leg, guint8 *bytes, gsize n); /* of its agent; WORKER_PACKET_ROOM_BYTES */
void leg_agent_changed(Leg *leg, gboolean is_up);      /* FALSE: it has failed */
void leg_forget_path(Leg *leg, IcePath *path);
gboolean leg_tick(Leg *leg); /* TRUE: it is in a handshake */
void leg_destroy(Leg *leg);

#endif
