/* SPDX-License-Identifier: Apache-2.0 */
/* A recorder's thread: commands from control, records from the ring, answers back to control.
 *
 * Handover by pthread mutexes, atomics and eventfds, so that TSan can follow it. */
#include <errno.h>
#include <glib-unix.h>
#include <gst/gst.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "pipelines/recording/recorder.h"
#include "pipelines/recording/take.h"

#define TICK_MS         20 /* of an open take: a fifth of the shortest deadline */
#define REST_MS         25 /* of an open take, between two looks at the ring; a ring holds many times what comes meanwhile */
#define RECORDS_AT_ONCE 64 /* between two looks at the commands */

typedef enum CommandType { COMMAND_NONE = 0, COMMAND_OPEN, COMMAND_CLOSE, COMMAND_QUIT } CommandType;

typedef struct Command { /* goes to the recorder's thread and comes back as its own answer */
  CommandType type;
  Take *take; /* CLOSE: NULL when it is not known (any more) */
  gboolean discard;
  GError *error;
  void (*ready)(const GError *error, gpointer user);
  void (*closed)(gpointer user);
  gpointer user;
} Command;

struct Recorder {
  TapRing *ring;
  pthread_t thread;
  int command_fd, answer_fd;
  GSource *answers_source;
  pthread_mutex_t lock;
  GQueue commands, answers; /* under lock */
  RecorderStats stats;      /* under lock */
  GPtrArray *known;         /* Take; control thread: asked for and not yet closed */
  GPtrArray *open;          /* Take; recorder thread */
  GHashTable *by_track;     /* recorder thread: track_key -> Take, of those open */
  RecorderStats gone;       /* recorder thread: sums of takes that are closed */
  gboolean unpublished;     /* recorder thread: records were handled since the last tick */
};

static gint64 boot_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void wake(int fd) {
  guint64 one = 1;
  while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
    continue;
}

static void clear(int fd) {
  guint64 count;
  while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
    continue;
}

static void command_free(Command *command) {
  take_unref(command->take);
  g_clear_error(&command->error);
  g_free(command);
}

static Command *pop(Recorder *recorder, GQueue *queue) {
  pthread_mutex_lock(&recorder->lock);
  Command *command = g_queue_pop_head(queue);
  pthread_mutex_unlock(&recorder->lock);
  return command;
}

static void push(Recorder *recorder, GQueue *queue, Command *command, int fd) {
  pthread_mutex_lock(&recorder->lock);
  g_queue_push_tail(queue, command);
  pthread_mutex_unlock(&recorder->lock);
  wake(fd);
}

/* --- recorder thread --- */

static void publish_stats(Recorder *recorder) {
  RecorderStats stats = recorder->gone;
  stats.takes = recorder->open->len;
  for (guint i = 0; i < recorder->open->len; i++)
    take_add_stats(recorder->open->pdata[i], &stats);
  recorder->unpublished = FALSE;
  pthread_mutex_lock(&recorder->lock);
  recorder->stats = stats;
  pthread_mutex_unlock(&recorder->lock);
}

/* Numbers of tracks are unique in the process, of takes in their session: both must fit (R9). */
static guint64 track_key(guint32 take, guint32 track) {
  return (guint64)take << 32 | track;
}

static void add_take(Recorder *recorder, Take *take) {
  g_ptr_array_add(recorder->open, take_ref(take));
  for (gsize i = 0; i < take_n_tracks(take); i++) {
    const guint64 key = track_key(take_number(take), take_track_number(take, i));
    g_hash_table_insert(recorder->by_track, g_memdup2(&key, sizeof key), take);
  }
}

static void remove_take(Recorder *recorder, Take *take) {
  for (gsize i = 0; i < take_n_tracks(take); i++) {
    const guint64 key = track_key(take_number(take), take_track_number(take, i));
    if (g_hash_table_lookup(recorder->by_track, &key) == take)
      g_hash_table_remove(recorder->by_track, &key);
  }
  g_ptr_array_remove_fast(recorder->open, take);
}

static void handle_record(Recorder *recorder, const TapRecord *record, const guint8 *bytes) {
  const guint64 key = track_key(record->take, record->track);
  Take *take = g_hash_table_lookup(recorder->by_track, &key);
  if (take != NULL)
    take_record(take, record, bytes);
  else
    recorder->gone.dropped_stale++;
}

/* FALSE: the ring is empty. */
static gboolean take_one(Recorder *recorder) {
  TapRecord record;
  const guint8 *bytes;
  if (!tap_ring_pop(recorder->ring, &record, &bytes))
    return FALSE;
  recorder->unpublished = TRUE;
  handle_record(recorder, &record, bytes);
  return TRUE;
}

static gboolean take_records(Recorder *recorder) {
  for (guint i = 0; i < RECORDS_AT_ONCE; i++)
    if (!take_one(recorder))
      return FALSE;
  return TRUE;
}

static void handle_open(Recorder *recorder, Command *command) {
  if (take_attach(command->take, boot_us(), &command->error))
    add_take(recorder, command->take);
}

static void handle_close(Recorder *recorder, Command *command) {
  if (command->take == NULL || !g_ptr_array_find(recorder->open, command->take, NULL))
    return;
  /* What is in the ring now may be the take's. What comes meanwhile is not, and under overload would keep all other commands waiting for ever. */
  const guint64 written = tap_ring_written(recorder->ring);
  while (!command->discard && !tap_ring_passed(recorder->ring, written) && take_one(recorder))
    continue;
  take_detach(command->take, command->discard);
  take_add_stats(command->take, &recorder->gone);
  remove_take(recorder, command->take);
}

/* FALSE: quit. */
static gboolean handle_commands(Recorder *recorder) {
  Command *command;
  while ((command = pop(recorder, &recorder->commands)) != NULL) {
    if (command->type == COMMAND_QUIT) {
      command_free(command);
      return FALSE;
    }
    if (command->type == COMMAND_OPEN)
      handle_open(recorder, command);
    else
      handle_close(recorder, command);
    publish_stats(recorder);
    push(recorder, &recorder->answers, command, recorder->answer_fd);
  }
  return TRUE;
}

static void advance(Recorder *recorder) {
  gint64 now_us = boot_us();
  for (guint i = 0; i < recorder->open->len; i++)
    take_advance(recorder->open->pdata[i], now_us);
  publish_stats(recorder);
}

/* A take is in no hurry: woken for each of the worker's batches, the recorder would spend more on waking than on recording. Without a take the ring's
 * own signal counts, so that what is left in it is thrown away at once (R18). */
static void wait_for_work(Recorder *recorder, gboolean more) {
  const gboolean open = recorder->open->len > 0;
  struct pollfd wait[] = {{.fd = recorder->command_fd, .events = POLLIN}, {.fd = tap_ring_fd(recorder->ring), .events = POLLIN}};
  if (poll(wait, open ? 1 : 2, more ? 0 : open ? REST_MS : recorder->unpublished ? TICK_MS : -1) <= 0)
    return;
  for (guint i = 0; i < G_N_ELEMENTS(wait); i++)
    if (wait[i].revents != 0)
      clear(wait[i].fd);
}

static void *recorder_thread(void *data) {
  Recorder *recorder = data;
  gint64 ticked_us = 0;
  gboolean more = FALSE;
  for (;;) {
    wait_for_work(recorder, more);
    if (!handle_commands(recorder))
      break;
    more = take_records(recorder);
    if (boot_us() - ticked_us >= TICK_MS * 1000) {
      ticked_us = boot_us();
      advance(recorder);
    }
  }
  for (guint i = 0; i < recorder->open->len; i++)
    take_detach(recorder->open->pdata[i], TRUE);
  g_ptr_array_set_size(recorder->open, 0);
  return NULL;
}

/* --- control thread --- */

static void answer(Recorder *recorder, Command *command) {
  if (command->type == COMMAND_OPEN && command->error != NULL)
    g_ptr_array_remove_fast(recorder->known, command->take);
  if (command->ready != NULL)
    command->ready(command->error, command->user);
  if (command->closed != NULL)
    command->closed(command->user);
  command_free(command);
}

static gboolean on_answers(gint fd, GIOCondition condition, gpointer user) {
  Recorder *recorder = user;
  Command *command;
  (void)condition;
  clear(fd);
  while ((command = pop(recorder, &recorder->answers)) != NULL)
    answer(recorder, command);
  return G_SOURCE_CONTINUE;
}

Recorder *recorder_new(TapRing *ring, GMainContext *control) {
  gst_init(NULL, NULL);
  Recorder *recorder = g_new0(Recorder, 1);
  recorder->ring = ring;
  recorder->known = g_ptr_array_new_with_free_func((GDestroyNotify)take_unref);
  recorder->open = g_ptr_array_new_with_free_func((GDestroyNotify)take_unref);
  recorder->by_track = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  pthread_mutex_init(&recorder->lock, NULL);
  recorder->command_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  recorder->answer_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  recorder->answers_source = g_unix_fd_source_new(recorder->answer_fd, G_IO_IN);
  g_source_set_callback(recorder->answers_source, G_SOURCE_FUNC(on_answers), recorder, NULL);
  g_source_attach(recorder->answers_source, control);
  if (pthread_create(&recorder->thread, NULL, recorder_thread, recorder) != 0)
    g_error("pthread_create: %s", g_strerror(errno));
  (void)pthread_setname_np(recorder->thread, "recgate-record");
  return recorder;
}

void recorder_free(Recorder *recorder) {
  if (recorder == NULL)
    return;
  for (guint i = 0; i < recorder->known->len; i++)
    take_mark_dead(recorder->known->pdata[i]);
  Command *quit = g_new0(Command, 1);
  quit->type = COMMAND_QUIT;
  push(recorder, &recorder->commands, quit, recorder->command_fd);
  pthread_join(recorder->thread, NULL);
  g_source_destroy(recorder->answers_source);
  g_source_unref(recorder->answers_source);
  g_queue_clear_full(&recorder->commands, (GDestroyNotify)command_free);
  g_queue_clear_full(&recorder->answers, (GDestroyNotify)command_free);
  g_hash_table_unref(recorder->by_track);
  g_ptr_array_unref(recorder->open);
  g_ptr_array_unref(recorder->known);
  close(recorder->command_fd);
  close(recorder->answer_fd);
  pthread_mutex_destroy(&recorder->lock);
  g_free(recorder);
}

void recorder_open(Recorder *recorder, const RecorderTake *take, void (*ready)(const GError *error, gpointer user), gpointer user) {
  Command *command = g_new0(Command, 1);
  command->type = COMMAND_OPEN;
  command->take = take_new(take);
  command->ready = ready;
  command->user = user;
  g_ptr_array_add(recorder->known, take_ref(command->take));
  push(recorder, &recorder->commands, command, recorder->command_fd);
}

void recorder_close(Recorder *recorder, const char *session, guint32 take, gboolean discard, void (*closed)(gpointer user), gpointer user) {
  Command *command = g_new0(Command, 1);
  command->type = COMMAND_CLOSE;
  command->discard = discard;
  command->closed = closed;
  command->user = user;
  for (guint i = 0; i < recorder->known->len && command->take == NULL; i++) {
    if (!take_matches(recorder->known->pdata[i], session, take))
      continue;
    command->take = take_ref(recorder->known->pdata[i]);
    g_ptr_array_remove_index_fast(recorder->known, i);
  }
  /* Before the command is even queued: what is on its way to the vault now is the last (R11). */
  if (command->take != NULL && discard)
    take_mark_dead(command->take);
  push(recorder, &recorder->commands, command, recorder->command_fd);
}

RecorderStats recorder_stats(Recorder *recorder) {
  pthread_mutex_lock(&recorder->lock);
  RecorderStats stats = recorder->stats;
  pthread_mutex_unlock(&recorder->lock);
  return stats;
}
