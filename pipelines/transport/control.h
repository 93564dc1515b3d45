/* SPDX-License-Identifier: Apache-2.0 */
/* Handing a piece of work to the thread of a GMainContext: to control, mostly.
 *
 * Threads: any thread posts; the work runs on the thread that iterates the context. */
#ifndef RECGATE_TRANSPORT_CONTROL_H
#define RECGATE_TRANSPORT_CONTROL_H

#include <glib.h>

/* Runs work(data) once, in the order of posting among equal priorities (G_PRIORITY_DEFAULT, or G_PRIORITY_HIGH for what must overtake),
 * then destroy(data) (may be NULL). When the context ends first, destroy(data) alone. control is borrowed for the call. */
void control_post(GMainContext *control, int priority, void (*work)(gpointer data), gpointer data, GDestroyNotify destroy);

#endif
