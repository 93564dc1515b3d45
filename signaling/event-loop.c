/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/event-loop.h"

#include <ev.h>
#include <poll.h>

struct EventLoop {
  GMainContext *context;
  GPollFunc replaced;
  struct ev_loop *ev;
  ev_timer timeout;
  GPtrArray *watched; /* ev_io, one for each descriptor of GLib's own in the last turn */
  GSource *source;    /* calls back what waits in ev */
};

typedef struct EvSource {
  GSource base;
  EventLoop *loop;
} EvSource;

static GPrivate loop_of_thread; /* GLib gives its poll function no user data */

/* Events are only gathered while GLib polls; they are called back when it dispatches. */
static void call_back_later(struct ev_loop *ev) {
  (void)ev;
}
static void on_io(struct ev_loop *ev, ev_io *io, int events) {
  (void)ev, (void)io, (void)events;
}
static void on_timeout(struct ev_loop *ev, ev_timer *timer, int events) {
  (void)ev, (void)timer, (void)events;
}

/* Set anew in every turn: a descriptor that was closed and opened again under its number has left the epoll set. */
static void watch(EventLoop *loop, const GPollFD *fds, guint n) {
  while (loop->watched->len < n)
    g_ptr_array_add(loop->watched, g_new0(ev_io, 1));
  for (guint i = 0; i < n; i++) {
    ev_io *io = loop->watched->pdata[i];
    ev_io_init(io, on_io, fds[i].fd, ((fds[i].events & G_IO_IN) ? EV_READ : 0) | ((fds[i].events & G_IO_OUT) ? EV_WRITE : 0));
    ev_io_start(loop->ev, io);
  }
}

static gint gather(EventLoop *loop, GPollFD *fds, guint n) {
  gint ready = 0;
  for (guint i = 0; i < n; i++) {
    ev_io *io = loop->watched->pdata[i];
    const int events = ev_clear_pending(loop->ev, io);
    ev_io_stop(loop->ev, io);
    fds[i].revents = (gushort)(((events & EV_READ) ? fds[i].events & G_IO_IN : 0) | ((events & EV_WRITE) ? fds[i].events & G_IO_OUT : 0));
    ready += fds[i].revents != 0;
  }
  return ready;
}

static gint poll_in_ev(GPollFD *fds, guint n, gint timeout_ms) {
  EventLoop *loop = g_private_get(&loop_of_thread);
  watch(loop, fds, n);
  if (timeout_ms > 0) {
    ev_now_update(loop->ev);
    ev_timer_init(&loop->timeout, on_timeout, timeout_ms / 1000.0, 0.0);
    ev_timer_start(loop->ev, &loop->timeout);
  }
  ev_run(loop->ev, timeout_ms == 0 ? EVRUN_NOWAIT : EVRUN_ONCE);
  ev_clear_pending(loop->ev, &loop->timeout);
  ev_timer_stop(loop->ev, &loop->timeout);
  return gather(loop, fds, n);
}

static gboolean ev_source_ready(GSource *source) {
  return ev_pending_count(((EvSource *)source)->loop->ev) > 0;
}

static gboolean ev_source_prepare(GSource *source, gint *timeout_ms) {
  *timeout_ms = -1;
  return ev_source_ready(source);
}

static gboolean ev_source_dispatch(GSource *source, GSourceFunc callback, gpointer user) {
  (void)callback, (void)user;
  ev_invoke_pending(((EvSource *)source)->loop->ev);
  return G_SOURCE_CONTINUE;
}

EventLoop *event_loop_new(GMainContext *context) {
  static GSourceFuncs funcs = {.prepare = ev_source_prepare, .check = ev_source_ready, .dispatch = ev_source_dispatch};
  g_return_val_if_fail(g_private_get(&loop_of_thread) == NULL, NULL);
  struct ev_loop *ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
  if (ev == NULL)
    return NULL;
  EventLoop *loop = g_new0(EventLoop, 1);
  loop->context = g_main_context_ref(context);
  loop->ev = ev;
  loop->watched = g_ptr_array_new_with_free_func(g_free);
  ev_timer_init(&loop->timeout, on_timeout, 0.0, 0.0);
  ev_set_invoke_pending_cb(ev, call_back_later);
  loop->source = g_source_new(&funcs, sizeof(EvSource));
  ((EvSource *)loop->source)->loop = loop;
  g_source_attach(loop->source, context);
  g_private_set(&loop_of_thread, loop);
  loop->replaced = g_main_context_get_poll_func(context);
  g_main_context_set_poll_func(context, poll_in_ev);
  return loop;
}

void event_loop_free(EventLoop *loop) {
  if (loop == NULL)
    return;
  g_main_context_set_poll_func(loop->context, loop->replaced);
  g_private_set(&loop_of_thread, NULL);
  g_source_destroy(loop->source);
  g_source_unref(loop->source);
  ev_loop_destroy(loop->ev);
  g_ptr_array_unref(loop->watched);
  g_main_context_unref(loop->context);
  g_free(loop);
}

void *event_loop_native(EventLoop *loop) {
  return loop->ev;
}
