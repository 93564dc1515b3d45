/* SPDX-License-Identifier: Apache-2.0 */
/* A GLib context that waits in libev's epoll set, where libwebsockets keeps its sockets: a turn of the loop costs the same with ten open sockets
 * as with ten thousand. (libwebsockets' own GLib plugin hands GLib every socket to look at in every turn.)
 *
 * Threads: the thread that runs the context; one EventLoop a thread. */
#ifndef RECGATE_EVENT_LOOP_H
#define RECGATE_EVENT_LOOP_H

#include <glib.h>

typedef struct EventLoop EventLoop;

/* The context's way of polling is replaced until event_loop_free. NULL: no descriptors left. */
EventLoop *event_loop_new(GMainContext *context);
void event_loop_free(EventLoop *loop);      /* NULL is allowed; after libwebsockets' context */
void *event_loop_native(EventLoop *loop);   /* struct ev_loop *, for lws_context_creation_info.foreign_loops */

#endif
