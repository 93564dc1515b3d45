/* SPDX-License-Identifier: Apache-2.0 */
/* Many deadlines behind one GSource: GLib looks at each of its sources in every turn, and a session's deadline moves with every heartbeat.
 *
 * Threads: the thread that iterates the context. */
#ifndef RECGATE_DEADLINES_H
#define RECGATE_DEADLINES_H

#include <glib.h>

typedef struct Deadlines Deadlines;

/* Embedded in its owner; zero: not set. */
typedef struct Deadline {
  gint64 at_us; /* monotonic clock */
  guint place;  /* in the heap, from 1 */
  void (*due)(gpointer owner);
  gpointer owner;
} Deadline;

Deadlines *deadlines_new(GMainContext *context);
void deadlines_free(Deadlines *deadlines); /* whose deadlines are all cleared */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Deadlines, deadlines_free)

/* Calls due(owner) once, from the context, when g_get_monotonic_time() has reached at_us; replaces what was set. */
void deadlines_set(Deadlines *deadlines, Deadline *deadline, gint64 at_us);
void deadlines_clear(Deadlines *deadlines, Deadline *deadline); /* one that is not set: nothing */

#endif
