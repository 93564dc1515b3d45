/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap, the earliest first. */
#include "signaling/deadlines.h"

struct Deadlines {
  GPtrArray *heap; /* Deadline, not owned; [0] unused: places count from 1 */
  GSource *source;
};

typedef struct DeadlinesSource {
  GSource base;
  Deadlines *deadlines;
} DeadlinesSource;

static Deadline *at(const Deadlines *deadlines, guint place) {
  return deadlines->heap->pdata[place];
}

static void put(Deadlines *deadlines, guint place, Deadline *deadline) {
  deadlines->heap->pdata[place] = deadline;
  deadline->place = place;
}

static void rise(Deadlines *deadlines, Deadline *deadline) {
  guint place = deadline->place;
  for (; place > 1 && at(deadlines, place / 2)->at_us > deadline->at_us; place /= 2)
    put(deadlines, place, at(deadlines, place / 2));
  put(deadlines, place, deadline);
}

static void sink(Deadlines *deadlines, Deadline *deadline) {
  guint place = deadline->place;
  for (guint child; (child = 2 * place) < deadlines->heap->len; place = child) {
    if (child + 1 < deadlines->heap->len && at(deadlines, child + 1)->at_us < at(deadlines, child)->at_us)
      child++;
    if (at(deadlines, child)->at_us >= deadline->at_us)
      break;
    put(deadlines, place, at(deadlines, child));
  }
  put(deadlines, place, deadline);
}

static void arm(Deadlines *deadlines) {
  g_source_set_ready_time(deadlines->source, deadlines->heap->len > 1 ? at(deadlines, 1)->at_us : -1);
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user) {
  (void)callback, (void)user;
  Deadlines *deadlines = ((DeadlinesSource *)source)->deadlines;
  const gint64 now_us = g_source_get_time(source);
  while (deadlines->heap->len > 1 && at(deadlines, 1)->at_us <= now_us) {
    Deadline *deadline = at(deadlines, 1);
    deadlines_clear(deadlines, deadline);
    deadline->due(deadline->owner); /* may set it again, or be the end of its owner */
  }
  arm(deadlines);
  return G_SOURCE_CONTINUE;
}

Deadlines *deadlines_new(GMainContext *context) {
  static GSourceFuncs funcs = {.dispatch = dispatch};
  Deadlines *deadlines = g_new0(Deadlines, 1);
  deadlines->heap = g_ptr_array_new();
  g_ptr_array_add(deadlines->heap, NULL);
  deadlines->source = g_source_new(&funcs, sizeof(DeadlinesSource));
  ((DeadlinesSource *)deadlines->source)->deadlines = deadlines;
  g_source_attach(deadlines->source, context);
  return deadlines;
}

void deadlines_free(Deadlines *deadlines) {
  if (deadlines == NULL)
    return;
  g_source_destroy(deadlines->source);
  g_source_unref(deadlines->source);
  g_ptr_array_unref(deadlines->heap);
  g_free(deadlines);
}

void deadlines_set(Deadlines *deadlines, Deadline *deadline, gint64 at_us) {
  const gboolean was_first = deadline->place == 1;
  const gint64 before_us = deadline->at_us;
  deadline->at_us = at_us;
  if (deadline->place == 0) {
    g_ptr_array_add(deadlines->heap, deadline);
    deadline->place = deadlines->heap->len - 1;
    rise(deadlines, deadline);
  } else if (at_us < before_us) {
    rise(deadlines, deadline);
  } else {
    sink(deadlines, deadline);
  }
  if (was_first || deadline->place == 1)
    arm(deadlines);
}

void deadlines_clear(Deadlines *deadlines, Deadline *deadline) {
  if (deadline->place == 0)
    return;
  const guint place = deadline->place;
  deadline->place = 0;
  Deadline *last = g_ptr_array_steal_index(deadlines->heap, deadlines->heap->len - 1);
  if (last != deadline) {
    put(deadlines, place, last);
    rise(deadlines, last);
    sink(deadlines, last);
  }
  if (place == 1)
    arm(deadlines);
}
