/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket in time: how often somebody may ask for something, with a burst of two seconds' worth.
 *
 * Threads: any; the state is the caller's. */
#ifndef RECGATE_RATE_H
#define RECGATE_RATE_H

#include <glib.h>

/* *until_us: what was used already, in time; 0 at first. now_us: a monotonic clock. per_s: at least 1. FALSE: too fast, and nothing was used. */
gboolean rate_take(gint64 *until_us, gint64 now_us, gint64 per_s) G_GNUC_WARN_UNUSED_RESULT;

#endif
