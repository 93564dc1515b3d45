/* SPDX-License-Identifier: Apache-2.0 */
/* An idle source a message. A GMainContext's locks are none that TSan can follow, so what is handed over is published by an atomic as well. */
#include "pipelines/transport/control.h"

#include <stdatomic.h>

typedef struct Post {
  _Atomic gboolean handed_over;
  void (*work)(gpointer data);
  gpointer data;
  GDestroyNotify destroy;
} Post;

static gboolean post_run(gpointer user) {
  Post *post = user;
  if (atomic_load(&post->handed_over))
    post->work(post->data);
  return G_SOURCE_REMOVE;
}

static void post_free(gpointer user) {
  Post *post = user;
  if (atomic_load(&post->handed_over) && post->destroy != NULL)
    post->destroy(post->data);
  g_free(post);
}

void control_post(GMainContext *control, int priority, void (*work)(gpointer data), gpointer data, GDestroyNotify destroy) {
  Post *post = g_new0(Post, 1);
  post->work = work;
  post->data = data;
  post->destroy = destroy;
  g_autoptr(GSource) source = g_idle_source_new();
  g_source_set_priority(source, priority);
  g_source_set_callback(source, post_run, post, post_free);
  atomic_store(&post->handed_over, TRUE);
  g_source_attach(source, control);
}
