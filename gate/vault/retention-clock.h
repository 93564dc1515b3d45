/* SPDX-License-Identifier: Apache-2.0 */
/* What time is it for retention? Promised in wall time, but a wall clock may lie (fault 31). Pure.
 *
 * Threads: plain values, any thread; the vault's is the storage thread's.
 * Two clocks judge. *Lived* time is what the boot clock counted while a process had the store open, added up over restarts: it can be late
 * (nothing counts while the machine is off), never early. *Wall* time is believed only when it has gone along with the boot clock for
 * RETENTION_SETTLE_US: a clock that jumped, or that a start has just brought, decides nothing until then. What either says is over, is over:
 * a clock set back keeps nothing for ever, one set forward erases nothing at once. */
#ifndef RECGATE_VAULT_RETENTION_CLOCK_H
#define RECGATE_VAULT_RETENTION_CLOCK_H

#include <glib.h>

#define RETENTION_SETTLE_US (10 * 60 * G_USEC_PER_SEC) /* longer than a boot takes to hear from its time server */
#define RETENTION_STEP_MS   5000                       /* a clock that is slewed stays below it between two looks, one that is set does not */

typedef struct RetentionClock {
  gint64 lived_before_ms; /* by earlier processes */
  gint64 opened_us, believed_from_us;
  gint64 gap_ms; /* wall minus boot clock at the last look */
} RetentionClock;

void retention_clock_start(RetentionClock *clock, gint64 lived_before_ms, gint64 wall_ms, gint64 boot_us);
gint64 retention_clock_lived_ms(const RetentionClock *clock, gint64 boot_us);
/* Looks at both clocks; may the wall decide? */
gboolean retention_clock_look(RetentionClock *clock, gint64 wall_ms, gint64 boot_us);

#endif
