/* SPDX-License-Identifier: Apache-2.0 */
/* Records a clip's packets for many participants at their own pace, in one of the shapes of shape.h.
 *
 * usage: bench-record SHAPE PARTICIPANTS CLIP DIR FEEDING_CORE
 *   prints {"ready"} before anybody is recorded, and waits for a line {"warm_ms", "ms"} on standard input
 *   then {"warm", "feeding_us": CPU of feeding alone}, after ms {"measured", "feeding_us"} and waits for a line; then ends the recordings and prints {"pushed", "frames", "late_ms", …} (Shape.finish) */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/recording/shape.h"

#define TICK_US   1000 /* packets are fed in batches, as a worker reads them from its socket */
#define BATCH_MAX 64
#define LINE      4096
#define DRAIN_MS  1000 /* what reordering and jitter buffers hold back */

typedef struct FeedPacket {
  guint participant;
  ClipTrack track;
  gsize n;
  guint8 bytes[CLIP_PACKET_BYTES];
} FeedPacket;

typedef struct Feed {
  const Shape *shape;
  gpointer self;
  guint n;
  int core;
  ClipPlayer *players;
  _Atomic gboolean stop;
  _Atomic gint64 worst_late_us;
  _Atomic gint64 shape_ns; /* CPU of the feeding thread that was the shape's: taking packets over */
  _Atomic gint64 thread_ns;
  guint64 pushed;
  FeedPacket batch[BATCH_MAX];
  guint n_batch;
} Feed;

gint64 shape_cpu_us(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static gint64 thread_cpu_ns(void) {
  struct timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return (gint64)used.tv_sec * 1000000000 + used.tv_nsec;
}

static void push_batch(Feed *feed) {
  const gint64 from_ns = thread_cpu_ns();
  for (guint i = 0; i < feed->n_batch; i++) {
    const FeedPacket *packet = &feed->batch[i];
    feed->shape->push(feed->self, packet->participant, packet->track, packet->bytes, packet->n);
  }
  feed->shape->flush(feed->self);
  feed->thread_ns = thread_cpu_ns();
  feed->shape_ns += feed->thread_ns - from_ns;
  feed->pushed += feed->n_batch;
  feed->n_batch = 0;
}

static void feed_due(Feed *feed) {
  const gint64 now_us = g_get_monotonic_time();
  for (guint i = 0; i < feed->n; i++) {
    gint64 due_us;
    while ((due_us = clip_player_due_us(&feed->players[i])) <= now_us) {
      FeedPacket *packet = &feed->batch[feed->n_batch++];
      packet->participant = i;
      packet->n = clip_player_next(&feed->players[i], packet->bytes, &packet->track);
      if (now_us - due_us > feed->worst_late_us)
        feed->worst_late_us = now_us - due_us;
      if (feed->n_batch == BATCH_MAX)
        push_batch(feed);
    }
  }
  push_batch(feed);
}

static void *feeding(void *data) {
  Feed *feed = data;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(feed->core, &cores);
  pthread_setaffinity_np(pthread_self(), sizeof cores, &cores);
  for (gint64 tick_us = g_get_monotonic_time(); !feed->stop; tick_us += TICK_US) {
    feed_due(feed);
    const gint64 left_us = tick_us + TICK_US - g_get_monotonic_time();
    if (left_us > 0)
      g_usleep((gulong)left_us);
  }
  return NULL;
}

/* What feeding itself has cost so far. */
static json_t *fed(const char *moment, const Feed *feed) {
  return json_pack("{s:b, s:I}", moment, TRUE, "feeding_us", (json_int_t)((feed->thread_ns - feed->shape_ns) / 1000));
}

static void say(json_t *answer) {
  char *text = json_dumps(answer, JSON_COMPACT);
  puts(text);
  fflush(stdout);
  free(text);
  json_decref(answer);
}

/* Everybody begins at a moment of their own within a clip's length, so that neither keyframes nor segments come all at once. */
static void begin_all(Feed *feed, const Clip *clip) {
  const gint64 now_us = g_get_monotonic_time();
  for (guint i = 0; i < feed->n; i++)
    feed->players[i] = (ClipPlayer){.clip = clip, .begin_us = now_us + (gint64)i * CLIP_US / feed->n, .ssrc = {2 * i + 1, 2 * i + 2}};
}

static gboolean on_time(gpointer loop) {
  g_main_loop_quit(loop);
  return G_SOURCE_REMOVE;
}

static void wait_ms(gint64 ms) {
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  g_timeout_add((guint)ms, on_time, loop);
  g_main_loop_run(loop);
}

static gboolean next_order(json_t **order) {
  char line[LINE];
  *order = fgets(line, sizeof line, stdin) != NULL ? json_loads(line, 0, NULL) : NULL;
  return *order != NULL;
}

static json_t *run(Feed *feed, const Clip *clip) {
  json_t *order;
  pthread_t thread;
  feed->self = feed->shape->start(feed->n, g_get_tmp_dir());
  say(json_pack("{s:b}", "ready", TRUE));
  if (!next_order(&order))
    exit(2);
  feed->shape->open(feed->self);
  begin_all(feed, clip);
  g_assert_cmpint(pthread_create(&thread, NULL, feeding, feed), ==, 0);
  wait_ms(json_integer_value(json_object_get(order, "warm_ms")));
  feed->worst_late_us = 0;
  say(fed("warm", feed));
  wait_ms(json_integer_value(json_object_get(order, "ms")));
  say(fed("measured", feed));
  json_decref(order);
  if (!next_order(&order))
    exit(2);
  json_decref(order);
  feed->stop = TRUE;
  pthread_join(thread, NULL);
  wait_ms(DRAIN_MS);
  return feed->shape->finish(feed->self, feed->pushed);
}

int main(int argc, char **argv) {
  static const Shape *const shapes[] = {&shape_recgate, &shape_rtpbin};
  g_autoptr(GError) error = NULL;
  if (argc != 6)
    return 2;
  static Feed feed;
  feed.n = (guint)atoi(argv[2]);
  feed.core = atoi(argv[5]);
  for (guint i = 0; i < G_N_ELEMENTS(shapes); i++)
    if (strcmp(shapes[i]->name, argv[1]) == 0)
      feed.shape = shapes[i];
  g_autoptr(Clip) clip = clip_load(argv[3], &error);
  if (feed.shape == NULL || clip == NULL) {
    fprintf(stderr, "bench-record: %s\n", error != NULL ? error->message : "no such shape");
    return 2;
  }
  g_setenv("TMPDIR", argv[4], TRUE);
  gst_init(NULL, NULL);
  feed.players = g_new0(ClipPlayer, feed.n);
  json_t *answer = run(&feed, clip);
  guint64 frames = 0, bytes = 0;
  for (guint i = 0; i < feed.n; i++) {
    frames += feed.players[i].frames;
    bytes += feed.players[i].bytes;
  }
  json_object_set_new(answer, "pushed", json_integer((json_int_t)feed.pushed));
  json_object_set_new(answer, "pushed_bytes", json_integer((json_int_t)bytes));
  json_object_set_new(answer, "pushed_frames", json_integer((json_int_t)frames));
  json_object_set_new(answer, "frames_of_first", json_integer((json_int_t)feed.players[0].frames));
  json_object_set_new(answer, "late_ms", json_real((double)feed.worst_late_us / 1000));
  say(answer);
  g_free(feed.players);
  return 0;
}
