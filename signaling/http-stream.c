/* SPDX-License-Identifier: Apache-2.0 */
/* A response body written from another thread, with back-pressure: the writer waits while the reader is behind. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "signaling/server-internal.h"

#define STREAM_BYTES_MAX   (4 * 1024 * 1024) /* server.h's promise */
#define STREAM_PIECE_BYTES 65536
/* R18: what the kernel holds for a reader who stands still is as good as taken away. What is on its way does not count, so no line gets slower by it. */
#define STREAM_UNSENT_BYTES (2 * STREAM_PIECE_BYTES)

/* Two owners, the writer and the connection; the last one out frees it. */
struct HttpStream {
  pthread_mutex_t mutex; /* pthread and C11 atomics, which TSan can follow; GLib's are opaque to it */
  pthread_cond_t room;
  GMainContext *context;
  Connection *connection; /* control thread only, NULL: gone */
  GQueue pieces;          /* GBytes, framed */
  gsize n_bytes;
  gboolean gone, ended, complete, wake_pending;
  void (*drained)(gboolean whole, gpointer user); /* control thread only, NULL: nobody waits for it */
  gpointer drained_user;
  atomic_int owners;
};

static void stream_unref(HttpStream *stream) {
  if (atomic_fetch_sub(&stream->owners, 1) != 1)
    return;
  g_queue_clear_full(&stream->pieces, (GDestroyNotify)g_bytes_unref);
  g_main_context_unref(stream->context);
  pthread_mutex_destroy(&stream->mutex);
  pthread_cond_destroy(&stream->room);
  g_free(stream);
}

HttpStream *http_stream_new(Connection *connection) {
  HttpStream *stream = g_new0(HttpStream, 1);
  pthread_mutex_init(&stream->mutex, NULL);
  pthread_cond_init(&stream->room, NULL);
  g_queue_init(&stream->pieces);
  atomic_init(&stream->owners, 1);
  stream->connection = connection;
  stream->gone = connection == NULL;
  stream->context = g_main_context_ref(connection ? server_main_context(connection->server) : g_main_context_default());
  if (connection) {
    const int unsent = STREAM_UNSENT_BYTES;
    setsockopt(lws_get_socket_fd(connection->wsi), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    atomic_fetch_add(&stream->owners, 1);
  }
  return stream;
}

static void tell_drained(HttpStream *stream, gboolean whole) {
  void (*drained)(gboolean whole, gpointer user) = g_steal_pointer(&stream->drained);
  if (drained)
    drained(whole, stream->drained_user);
}

/* The writer is told at its next piece; what is queued is forgotten. */
static void close_down(HttpStream *stream) {
  pthread_mutex_lock(&stream->mutex);
  stream->gone = TRUE;
  g_queue_clear_full(&stream->pieces, (GDestroyNotify)g_bytes_unref);
  stream->n_bytes = 0;
  pthread_cond_broadcast(&stream->room);
  pthread_mutex_unlock(&stream->mutex);
  tell_drained(stream, FALSE);
}

void http_stream_detach(HttpStream *stream) {
  if (!stream)
    return;
  stream->connection = NULL;
  close_down(stream);
  stream_unref(stream);
}

void http_stream_cut(HttpStream *stream) {
  Connection *connection = stream->connection;
  if (!connection)
    return;
  connection_abort(connection);
  close_down(stream); /* last: who waits for the drained stream ends it */
}

static gboolean wake_control(gpointer user) {
  HttpStream *stream = user;
  pthread_mutex_lock(&stream->mutex);
  stream->wake_pending = FALSE;
  pthread_mutex_unlock(&stream->mutex);
  if (stream->connection)
    lws_callback_on_writable(stream->connection->wsi);
  return G_SOURCE_REMOVE;
}

static void wake_release(gpointer user) {
  stream_unref(user);
}

/* With the mutex held. */
static void wake(HttpStream *stream) {
  if (stream->wake_pending || stream->gone)
    return;
  stream->wake_pending = TRUE;
  atomic_fetch_add(&stream->owners, 1);
  g_autoptr(GSource) source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  g_source_set_callback(source, wake_control, stream, wake_release);
  g_source_attach(source, stream->context);
}

/* RFC 9112 section 7.1: an export cut short lacks the last chunk, which every reader notices. */
static GBytes *frame(const guint8 *bytes, gsize n) {
  GByteArray *framed = g_byte_array_sized_new((guint)n + 16);
  char size[16];
  int n_size = g_snprintf(size, sizeof size, "%" G_GSIZE_MODIFIER "x\r\n", n);
  g_byte_array_append(framed, (const guint8 *)size, (guint)n_size);
  g_byte_array_append(framed, bytes, (guint)n);
  g_byte_array_append(framed, (const guint8 *)"\r\n", 2);
  return g_byte_array_free_to_bytes(framed);
}

gboolean http_stream_write(HttpStream *stream, const guint8 *bytes, gsize n) {
  pthread_mutex_lock(&stream->mutex);
  for (gsize done = 0; done < n && !stream->gone;) {
    while (stream->n_bytes > STREAM_BYTES_MAX - STREAM_PIECE_BYTES && !stream->gone)
      pthread_cond_wait(&stream->room, &stream->mutex);
    if (stream->gone)
      break;
    gsize part = MIN(n - done, STREAM_PIECE_BYTES);
    GBytes *piece = frame(bytes + done, part);
    stream->n_bytes += g_bytes_get_size(piece);
    g_queue_push_tail(&stream->pieces, piece);
    done += part;
    wake(stream);
  }
  gboolean there = !stream->gone;
  pthread_mutex_unlock(&stream->mutex);
  return there;
}

void http_stream_drain(HttpStream *stream, void (*drained)(gboolean whole, gpointer user), gpointer user) {
  stream->drained = drained;
  stream->drained_user = user;
  pthread_mutex_lock(&stream->mutex);
  const gboolean gone = stream->gone;
  wake(stream);
  pthread_mutex_unlock(&stream->mutex);
  if (gone)
    tell_drained(stream, FALSE);
}

void http_stream_end(HttpStream *stream, gboolean complete) {
  pthread_mutex_lock(&stream->mutex);
  stream->ended = TRUE;
  stream->complete = complete;
  wake(stream);
  pthread_mutex_unlock(&stream->mutex);
  stream_unref(stream);
}

/* The last piece waits for the end: a reader who has all of it has it with the writer's word that it is whole. */
GBytes *http_stream_pull(HttpStream *stream, int *end) {
  pthread_mutex_lock(&stream->mutex);
  GBytes *piece = NULL;
  gboolean drained = FALSE;
  if (stream->gone || (stream->ended && !stream->complete)) {
    *end = -1; /* fault 36: what is queued is cut off as well */
  } else if (g_queue_get_length(&stream->pieces) > (stream->ended ? 0 : 1)) {
    piece = g_queue_pop_head(&stream->pieces);
    stream->n_bytes -= g_bytes_get_size(piece);
    pthread_cond_broadcast(&stream->room);
  } else if (stream->ended) {
    piece = g_bytes_new_static("0\r\n\r\n", 5);
    *end = 1;
  } else {
    drained = TRUE;
  }
  pthread_mutex_unlock(&stream->mutex);
  if (drained)
    tell_drained(stream, TRUE);
  return piece;
}
