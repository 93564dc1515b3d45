/* SPDX-License-Identifier: Apache-2.0 */
/* A media worker: one thread, one UDP port, epoll, recvmmsg and sendmmsg; every leg of a call lives on one worker.
 *
 * Threads: worker_new, worker_start, worker_post, worker_stats, worker_free: any thread. Everything marked (worker thread) only inside
 * functions that were posted, or inside callbacks. Demultiplexing: RFC 7983. */
#ifndef RECGATE_WORKER_H
#define RECGATE_WORKER_H

#include <gio/gio.h>

#define TRANSPORT_ERROR (transport_error_quark())
GQuark transport_error_quark(void);
typedef enum TransportError { TRANSPORT_ERROR_SOCKET, TRANSPORT_ERROR_CRYPTO, TRANSPORT_ERROR_ARGUMENT } TransportError;

/* The largest datagram that is forwarded; larger ones are dropped (fault 8). Room behind it for SRTP's trailer. */
#define WORKER_PACKET_BYTES_MAX 1500
#define WORKER_PACKET_ROOM_BYTES (WORKER_PACKET_BYTES_MAX + 160)
#define CACHE_LINE_BYTES 64 /* a cache line: what each packet looks at begins one */

typedef struct Worker Worker;
typedef struct Leg Leg;

typedef struct WorkerStats { /* counters since start */
  guint64 packets_in, packets_out, bytes_in, bytes_out;
  guint64 refused_stun, refused_dtls, refused_srtp, refused_ssrc, refused_unknown; /* dropped, by the gate that dropped them */
  guint64 send_failed;        /* the socket did not take it */
  guint64 socket_overflow;    /* SO_RXQ_OVFL: lost by the kernel before we read */
  guint64 ice_overflow;       /* of legs with an agent: lost because the worker was behind */
  guint legs;
} WorkerStats;

/* Binds address:port (IPv4 or IPv6; port 0 picks one). Makes the process's DTLS certificate on first use (ECDSA P-256, kept for the process). */
Worker *worker_new(const char *address, guint16 port, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Before worker_start. Under load packets gather for at most this long before they are read (coalesce.h); 0, the default: never. */
void worker_set_coalescing(Worker *worker, guint bound_us);
void worker_start(Worker *worker);
void worker_free(Worker *worker); /* stops and joins; frees its legs */
guint16 worker_port(const Worker *worker);

/* Runs fn on the worker's thread, in the order of posting. destroy (may be NULL) is called with data after, also when the worker ends first. */
void worker_post(Worker *worker, void (*fn)(Worker *worker, gpointer data), gpointer data, GDestroyNotify destroy);
/* Any thread: it looks at its socket now, so that what arrives after this call is soon known to have (worker_since_us). */
void worker_look(Worker *worker);
WorkerStats worker_stats(Worker *worker);

/* (worker thread) boot clock of this wake-up, microseconds. */
gint64 worker_now_us(const Worker *worker);
/* (worker thread) the same clock, when the socket was last known to be empty: the packet in hand arrived after it. */
gint64 worker_since_us(const Worker *worker);
/* (worker thread) called once after each batch of packets; for what is better done in batches (waking a recorder). */
void worker_set_after_batch(Worker *worker, void (*fn)(gpointer data), gpointer data);

/* "sha-256 AB:CD:…" of the process's certificate, for a=fingerprint. Any thread. */
const char *transport_fingerprint(void);

#endif
