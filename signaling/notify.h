/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager is told, over the socket that it names in NOTIFY_SOCKET (sd_notify(3)): ready, stopping, still alive.
 *
 * Threads: control. Without the socket every call does nothing: a failure to tell is no reason to stop serving. */
#ifndef RECGATE_NOTIFY_H
#define RECGATE_NOTIFY_H

#include <glib.h>

/* state: such as "READY=1". FALSE: nobody to tell, or they did not take it. */
gboolean notify_send(const char *state);
/* How often "WATCHDOG=1" is due: half of WATCHDOG_USEC, in ms; 0: not asked for, or asked of another process. */
guint notify_watchdog_ms(void);
/* Sends it that often from context, so that it stops when the loop does. NULL: not asked for; else g_source_destroy and g_source_unref. */
GSource *notify_watchdog_start(GMainContext *context);

#endif
