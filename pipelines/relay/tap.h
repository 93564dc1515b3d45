/* SPDX-License-Identifier: Apache-2.0 */
/* The tap: the one place where a packet may leave the relay towards a recording. Admission is one function.
 *
 * Threads: TapGate is written by control (atomic stores) and read by one worker; TapRing has one producer (worker) and one consumer (recorder).
 * While a gate is closed nothing of the media is copied anywhere (R9); the last sender report of each SSRC is kept, it is timing. */
#ifndef RECGATE_TAP_H
#define RECGATE_TAP_H

#include <glib.h>
#include <stdatomic.h>

/* A session's permit. take 0: closed. Control stores the limits first, then take; revokes by storing take 0: one atomic store (R11). */
typedef struct TapGate {
  _Atomic guint32 take;
  _Atomic gint64 from_us;        /* boot clock; what may have arrived before it arrived while the gate was closed (R9) */
  _Atomic gint64 until_us;       /* boot clock; the media thread closes by itself when it has passed (R10) */
  _Atomic guint64 admitted, refused_closed, refused_expired;
  guint32 overrun_take;          /* worker: the last take that the ring had no room for, so that control is told once */
} TapGate;
/* Control thread; publishes a take from from_us on, or renews it (then from_us stays what it was). */
void tap_gate_permit(TapGate *gate, guint32 take, gint64 from_us, gint64 until_us);
void tap_gate_revoke(TapGate *gate);                                /* control thread; any number of times */

/* The choke point (R7, R9): the take that a packet may enter which arrived after since_us and was read at now_us; 0: none. Worker thread. */
guint32 tap_admit(TapGate *gate, gint64 since_us, gint64 now_us);

typedef enum TapRecordType { TAP_RECORD_NONE = 0, TAP_RECORD_RTP, TAP_RECORD_SENDER_REPORT } TapRecordType;
typedef struct TapRecord {
  TapRecordType type;
  guint32 take;             /* that admitted it */
  guint32 track;            /* number that control gave to the tapped track, unique in the process */
  gint64 arrival_us;        /* boot clock */
  guint64 ntp;              /* SENDER_REPORT: NTP timestamp, 32.32 (RFC 3550 section 6.4.1) */
  guint32 rtp_time;         /* SENDER_REPORT: the same instant in RTP time */
  guint32 ssrc;
  guint32 n_bytes;          /* RTP: the whole packet, header included, decrypted */
} TapRecord;

typedef struct TapRing TapRing; /* lock-free, one producer and one consumer, an eventfd for waking */
TapRing *tap_ring_new(gsize bytes);
void tap_ring_free(TapRing *ring);
gboolean tap_ring_push(TapRing *ring, const TapRecord *record, const guint8 *bytes); /* producer. FALSE: full, nothing was written; counted */
void tap_ring_wake(TapRing *ring);                                                   /* producer, once a batch */
/* consumer: the next record; *bytes stays valid until the next call. FALSE: empty. */
gboolean tap_ring_pop(TapRing *ring, TapRecord *record, const guint8 **bytes);
guint64 tap_ring_refused(TapRing *ring);                                             /* any thread: records that it had no room for */
/* consumer: what was pushed before this moment is popped, the next record is a later one, once tap_ring_passed. */
guint64 tap_ring_written(TapRing *ring);
gboolean tap_ring_passed(TapRing *ring, guint64 written);
int tap_ring_fd(const TapRing *ring);                                                /* readable after a wake; read 8 bytes to clear */

#endif
