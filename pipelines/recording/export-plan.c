/* SPDX-License-Identifier: Apache-2.0 */
/* Export plan: see export-plan.h. */
#include "pipelines/recording/export-plan.h"

#include "pipelines/recording/export.h"

typedef struct Row { /* a kept segment; strings borrowed from the listing */
  guint64 id;
  guint32 take, seq;
  const char *track;
  const Codec *codec;
  gboolean video, continues;
  gint64 start_ms, end_ms;
} Row;

static void stretch_free(gpointer data) {
  ExportStretch *stretch = data;
  g_array_unref(stretch->segments);
  g_free(stretch);
}

void export_plan_free(ExportPlan *plan) {
  if (plan == NULL)
    return;
  g_array_unref(plan->takes);
  g_ptr_array_unref(plan->stretches);
  g_free(plan);
}

static gboolean read_time(const char *text, gint64 *ms) {
  g_autoptr(GDateTime) at = g_date_time_new_from_iso8601(text, NULL);
  if (at == NULL)
    return FALSE;
  *ms = g_date_time_to_unix(at) * 1000 + g_date_time_get_microsecond(at) / 1000;
  return TRUE;
}

static gboolean read_row(json_t *item, const char *participant, guint32 take, Row *row) {
  json_int_t id, number, seq;
  const char *of, *medium, *state, *start, *end, *track = NULL, *codec = NULL;
  int continues = 0;
  if (json_unpack(item, "{s:I,s:I,s:s,s:s,s:I,s:b,s:s,s:s,s:s,s?s,s?s}", "id", &id, "take", &number, "participant", &of, "medium", &medium,
                  "seq", &seq, "continues", &continues, "start", &start, "end", &end, "state", &state, "track", &track, "codec",
                  &codec) != 0)
    return FALSE;
  if (g_strcmp0(of, participant) != 0 || g_strcmp0(state, "kept") != 0 || (take != 0 && number != take))
    return FALSE;
  *row = (Row){.id = (guint64)id,
               .take = (guint32)number,
               .seq = (guint32)seq,
               .track = track != NULL ? track : medium,
               .codec = codec_find(medium, codec),
               .video = g_strcmp0(medium, "video") == 0,
               .continues = continues != 0};
  return read_time(start, &row->start_ms) && read_time(end, &row->end_ms);
}

/* By take, audio first, track, sequence. */
static gint compare_rows(gconstpointer a, gconstpointer b) {
  const Row *x = a, *y = b;
  if (x->take != y->take)
    return x->take < y->take ? -1 : 1;
  if (x->video != y->video)
    return x->video ? 1 : -1;
  gint tracks = g_strcmp0(x->track, y->track);
  return tracks != 0 ? tracks : x->seq < y->seq ? -1 : x->seq > y->seq;
}

static ExportTake *take_of(ExportPlan *plan, const Row *row) {
  ExportTake *last = plan->takes->len > 0 ? &g_array_index(plan->takes, ExportTake, plan->takes->len - 1) : NULL;
  if (last == NULL || last->number != row->take) {
    ExportTake take = {.number = row->take, .start_ms = row->start_ms, .end_ms = row->end_ms};
    g_array_append_val(plan->takes, take);
    last = &g_array_index(plan->takes, ExportTake, plan->takes->len - 1);
  }
  last->start_ms = MIN(last->start_ms, row->start_ms);
  last->end_ms = MAX(last->end_ms, row->end_ms);
  return last;
}

/* Lanes while they are given out. */
typedef struct Lanes {
  ExportPlan *plan;
  GHashTable *last_take;               /* track -> number of the last take that has it */
  const char *track[EXPORT_LANES_MAX]; /* whose lane it is */
  guint32 take[EXPORT_LANES_MAX];      /* the last take in which it is used */
} Lanes;

static void find_last_takes(Lanes *lanes, const GArray *rows) {
  lanes->last_take = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < rows->len; i++) {
    const Row *row = &g_array_index(rows, Row, i);
    g_hash_table_insert(lanes->last_take, (gpointer)row->track, GUINT_TO_POINTER(row->take));
  }
}

static gboolean is_free(const Lanes *lanes, guint lane, const Row *row) {
  return lanes->plan->video[lane] == row->video && lanes->take[lane] != row->take;
}

static gboolean comes_back(const Lanes *lanes, guint lane, const Row *row) {
  return GPOINTER_TO_UINT(g_hash_table_lookup(lanes->last_take, lanes->track[lane])) >= row->take;
}

/* A track keeps its lane: a screen is not shown where the camera was because that is off for a while. One that never came before takes the place of one
 * that never comes again, as after a reconnect; where there are too many, also of one that does. EXPORT_LANES_MAX: too many at once. */
static guint lane_of(const Lanes *lanes, const Row *row) {
  const guint n = lanes->plan->n_lanes;
  guint any = EXPORT_LANES_MAX, over = EXPORT_LANES_MAX;
  for (guint lane = n; lane-- > 0;) {
    if (!is_free(lanes, lane, row))
      continue;
    if (g_str_equal(lanes->track[lane], row->track))
      return lane;
    any = lane;
    over = comes_back(lanes, lane, row) ? over : lane;
  }
  return over < EXPORT_LANES_MAX ? over : n < EXPORT_LANES_MAX ? n : any;
}

static guint give_lane(Lanes *lanes, const Row *row) {
  const guint lane = lane_of(lanes, row);
  if (lane == EXPORT_LANES_MAX)
    return lane;
  lanes->plan->n_lanes = MAX(lanes->plan->n_lanes, lane + 1);
  lanes->plan->video[lane] = row->video;
  lanes->track[lane] = row->track;
  lanes->take[lane] = row->take;
  return lane;
}

static ExportStretch *add_stretch(Lanes *lanes, const Row *row) {
  const guint lane = give_lane(lanes, row);
  if (lane == EXPORT_LANES_MAX)
    return NULL;
  ExportStretch *stretch = g_new0(ExportStretch, 1);
  stretch->take = lanes->plan->takes->len - 1;
  stretch->lane = lane;
  stretch->codec = row->codec;
  stretch->segments = g_array_new(FALSE, FALSE, sizeof(guint64));
  g_ptr_array_add(lanes->plan->stretches, stretch);
  return stretch;
}

static gboolean same_track(const Row *x, const Row *y) {
  return x->take == y->take && x->video == y->video && g_strcmp0(x->track, y->track) == 0;
}

/* FALSE: a part would be missing. */
static gboolean fill(ExportPlan *plan, const GArray *rows) {
  Lanes lanes = {.plan = plan};
  find_last_takes(&lanes, rows);
  ExportStretch *stretch = NULL;
  guint32 expected = 0;
  gboolean waits = FALSE, all = TRUE;
  for (guint i = 0; i < rows->len && all; i++) {
    const Row *row = &g_array_index(rows, Row, i);
    take_of(plan, row);
    if (i == 0 || !same_track(row - 1, row)) {
      stretch = NULL;
      expected = 0;
    }
    /* What continues a segment that is not kept cannot be decoded; it waits for one that begins with a keyframe. */
    waits = row->continues && (waits || row->seq != expected || row->seq == 0);
    expected = row->seq + 1;
    if (stretch == NULL && !waits)
      all = (stretch = add_stretch(&lanes, row)) != NULL;
    if (stretch != NULL && !waits)
      g_array_append_val(stretch->segments, row->id);
  }
  g_hash_table_unref(lanes.last_take);
  return all;
}

static gboolean is_asked(const Row *row, const ExportRange *range, gboolean video) {
  return row->video == video && row->seq >= range->from && row->seq <= range->to;
}

/* The asked segments of one medium, what the other tracks have in the same time, and what each needs before it to be decoded. */
static void narrow(GArray *rows, const ExportRange *range) {
  gboolean video = g_strcmp0(range->medium, "video") == 0;
  if (range->medium == NULL && rows->len > 0)
    video = g_array_index(rows, Row, 0).video; /* audio comes first */
  gint64 start_ms = G_MAXINT64, end_ms = G_MININT64;
  for (guint i = 0; i < rows->len; i++) {
    const Row *row = &g_array_index(rows, Row, i);
    if (is_asked(row, range, video)) {
      start_ms = MIN(start_ms, row->start_ms);
      end_ms = MAX(end_ms, row->end_ms);
    }
  }
  gboolean needed = FALSE; /* by the row behind it */
  for (guint i = rows->len; i-- > 0;) {
    const Row *row = &g_array_index(rows, Row, i);
    gboolean fits = is_asked(row, range, video) || (row->video != video && row->start_ms < end_ms && row->end_ms > start_ms) || needed;
    needed = fits && row->continues && i > 0 && same_track(row - 1, row) && (row - 1)->seq + 1 == row->seq;
    if (!fits)
      g_array_remove_index(rows, i);
  }
}

ExportPlan *export_plan_new(json_t *segments, const char *participant, const ExportRange *range, GError **error) {
  g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(Row));
  g_autoptr(ExportPlan) plan = g_new0(ExportPlan, 1);
  plan->takes = g_array_new(FALSE, FALSE, sizeof(ExportTake));
  plan->stretches = g_ptr_array_new_with_free_func(stretch_free);
  size_t i;
  json_t *item;
  json_array_foreach(segments, i, item) {
    Row row;
    if (read_row(item, participant, range->take, &row))
      g_array_append_val(rows, row);
  }
  g_array_sort(rows, compare_rows);
  if (range->part)
    narrow(rows, range);
  if (rows->len == 0) {
    g_set_error(error, EXPORT_ERROR, EXPORT_ERROR_NOTHING_KEPT, "nothing is kept of %s", participant);
    return NULL;
  }
  if (!fill(plan, rows)) {
    g_set_error(error, EXPORT_ERROR, EXPORT_ERROR_MEDIA, "%s sent more tracks at once than the %u that fit into one file", participant,
                EXPORT_LANES_MAX);
    return NULL;
  }
  for (guint t = 0; t < plan->takes->len; t++) {
    ExportTake *of = &g_array_index(plan->takes, ExportTake, t);
    of->offset_ms = plan->duration_ms + (t > 0 ? EXPORT_TAKE_GAP_MS : 0);
    plan->duration_ms = of->offset_ms + of->end_ms - of->start_ms;
  }
  return g_steal_pointer(&plan);
}

gboolean export_plan_is_webm(const ExportPlan *plan) {
  for (guint i = 0; i < plan->stretches->len; i++) {
    const ExportStretch *stretch = plan->stretches->pdata[i];
    if (stretch->codec != NULL && !stretch->codec->webm)
      return FALSE;
  }
  return TRUE;
}
