/* SPDX-License-Identifier: Apache-2.0 */
/* Many alarms in one source of a GLib context: GLib looks at each of its sources in every turn of the loop, and each session has an alarm.
 *
 * Threads: the context's. */
#ifndef RECGATE_ALARMS_H
#define RECGATE_ALARMS_H

#include <glib.h>

typedef struct Alarms Alarms;

typedef struct Alarm { /* zeroed: not set. Lies in what it belongs to, which must clear it before it goes. */
  gint64 at_us;
  guint place; /* in the heap, from 1; 0: not set */
  void (*ring)(gpointer user);
  gpointer user;
} Alarm;

Alarms *alarms_new(GMainContext *context, gint64 (*clock_us)(void));
void alarms_free(Alarms *alarms); /* NULL is allowed; what is still set never rings */
/* Once, at at_us of the clock or as soon after it as the loop comes to it; replaces what was set. It may be set again while it rings. */
void alarm_set(Alarms *alarms, Alarm *alarm, gint64 at_us, void (*ring)(gpointer user), gpointer user);
void alarm_clear(Alarms *alarms, Alarm *alarm);

#endif
