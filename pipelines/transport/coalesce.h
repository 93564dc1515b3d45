/* SPDX-License-Identifier: Apache-2.0 */
/* Adaptive interrupt coalescing for the worker's socket: under load it pays to let packets gather for a moment before they are read, since one
 * wake-up, one recvmmsg and one sendmmsg then serve many. Bounded, and never with little to gather.
 *
 * Threads: the worker's. No I/O, no clock. */
#ifndef RECGATE_COALESCE_H
#define RECGATE_COALESCE_H

#include <glib.h>

#define COALESCE_PACKETS_MIN 3  /* what the bound must be expected to bring: a wait for one or two saves nothing */
#define COALESCE_PACKETS     16 /* enough: no wait is longer than these are expected to take */

typedef struct Coalesce {
  guint bound_us; /* 0: never wait */
  gint64 window_from_us;
  guint window_packets;
  double packets_per_us;
} Coalesce;

void coalesce_count(Coalesce *coalesce, guint packets, gint64 now_us); /* after every read */
guint coalesce_wait_us(const Coalesce *coalesce);                      /* before the next one; 0: read now */

#endif
