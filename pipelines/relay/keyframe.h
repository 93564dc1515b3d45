/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: when the gate may ask a source for a keyframe: at most once a second, more are merged into one (fault 12).
 *
 * Threads: worker thread. Time is a parameter. */
#ifndef RECGATE_KEYFRAME_H
#define RECGATE_KEYFRAME_H

#include <glib.h>

#define KEYFRAME_INTERVAL_US G_USEC_PER_SEC

typedef struct Keyframe { gboolean wanted, asked_before; gint64 asked_us; } Keyframe;
void keyframe_want(Keyframe *keyframe);
/* TRUE: ask now; it then counts as asked. */
gboolean keyframe_due(Keyframe *keyframe, gint64 now_us);

#endif
