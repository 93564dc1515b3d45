/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap, the earliest alarm first; each alarm knows its place. */
#include "signaling/alarms.h"

struct Alarms {
  gint64 (*clock_us)(void);
  GPtrArray *heap; /* Alarm, borrowed */
  GSource *source;
};

typedef struct AlarmSource {
  GSource base;
  Alarms *alarms;
} AlarmSource;

static Alarm *at(const Alarms *alarms, guint place) {
  return alarms->heap->pdata[place - 1];
}

static void put(Alarms *alarms, guint place, Alarm *alarm) {
  alarms->heap->pdata[place - 1] = alarm;
  alarm->place = place;
}

static void rise(Alarms *alarms, Alarm *alarm) {
  guint place = alarm->place;
  for (; place > 1 && at(alarms, place / 2)->at_us > alarm->at_us; place /= 2)
    put(alarms, place, at(alarms, place / 2));
  put(alarms, place, alarm);
}

static void sink(Alarms *alarms, Alarm *alarm) {
  guint place = alarm->place;
  for (guint child; (child = 2 * place) <= alarms->heap->len; place = child) {
    if (child < alarms->heap->len && at(alarms, child + 1)->at_us < at(alarms, child)->at_us)
      child++;
    if (at(alarms, child)->at_us >= alarm->at_us)
      break;
    put(alarms, place, at(alarms, child));
  }
  put(alarms, place, alarm);
}

void alarm_set(Alarms *alarms, Alarm *alarm, gint64 at_us, void (*ring)(gpointer user), gpointer user) {
  alarm->at_us = at_us;
  alarm->ring = ring;
  alarm->user = user;
  if (alarm->place == 0) {
    g_ptr_array_add(alarms->heap, alarm);
    alarm->place = alarms->heap->len;
  }
  rise(alarms, alarm);
  sink(alarms, alarm);
}

void alarm_clear(Alarms *alarms, Alarm *alarm) {
  const guint place = alarm->place;
  if (place == 0)
    return;
  alarm->place = 0;
  Alarm *last = g_ptr_array_remove_index_fast(alarms->heap, alarms->heap->len - 1);
  if (last == alarm)
    return;
  put(alarms, place, last);
  rise(alarms, last);
  sink(alarms, last);
}

static gboolean prepare(GSource *source, gint *timeout_ms) {
  const Alarms *alarms = ((AlarmSource *)source)->alarms;
  *timeout_ms = -1;
  if (alarms->heap->len == 0)
    return FALSE;
  const gint64 left_us = at(alarms, 1)->at_us - alarms->clock_us();
  *timeout_ms = (gint)CLAMP((left_us + 999) / 1000, 0, G_MAXINT32);
  return left_us <= 0;
}

static gboolean check(GSource *source) {
  gint timeout_ms;
  return prepare(source, &timeout_ms);
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user) {
  (void)callback, (void)user;
  Alarms *alarms = ((AlarmSource *)source)->alarms;
  const gint64 now_us = alarms->clock_us(); /* what comes due meanwhile waits for the next turn */
  while (alarms->heap->len > 0 && at(alarms, 1)->at_us <= now_us) {
    Alarm *alarm = at(alarms, 1);
    alarm_clear(alarms, alarm);
    alarm->ring(alarm->user);
  }
  return G_SOURCE_CONTINUE;
}

Alarms *alarms_new(GMainContext *context, gint64 (*clock_us)(void)) {
  static GSourceFuncs funcs = {.prepare = prepare, .check = check, .dispatch = dispatch};
  Alarms *alarms = g_new0(Alarms, 1);
  alarms->clock_us = clock_us;
  alarms->heap = g_ptr_array_new();
  alarms->source = g_source_new(&funcs, sizeof(AlarmSource));
  ((AlarmSource *)alarms->source)->alarms = alarms;
  g_source_attach(alarms->source, context);
  return alarms;
}

void alarms_free(Alarms *alarms) {
  if (alarms == NULL)
    return;
  g_source_destroy(alarms->source);
  g_source_unref(alarms->source);
  g_ptr_array_unref(alarms->heap);
  g_free(alarms);
}
