/* SPDX-License-Identifier: Apache-2.0 */
/* Tick by tick: every lane is asked what it shows and sounds like now, and gives one buffer to compositor or audiomixer, which therefore never wait. */
#include "pipelines/recording/mix.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <string.h>

#include "pipelines/recording/export-out.h"
#include "pipelines/recording/export-plan.h"
#include "pipelines/recording/export-source.h"
#include "pipelines/recording/mix-lane.h"

#define TICK_NS      (40 * GST_MSECOND) /* 25 pictures a second */
#define TICK_SAMPLES (MIX_RATE_HZ / 25)
#define AHEAD_NS     (200 * GST_MSECOND) /* decoded before it is asked for */
#define QUEUED_TICKS 8
#define PIECE_BYTES  (64 * 1024)
#define WAIT_NS      (50 * GST_MSECOND)
#define VERIFY_US    (250 * 1000)
#define DARK_LUMA    24
#define LARGE_TILES  4 /* up to so many are 640x360, more are half as wide and high */

typedef struct Part { /* one participant */
  ExportPlan *plan;
  gint64 *shift_ms; /* of each of its takes: what makes its media time the file's; G_MININT64: not known yet */
} Part;

typedef struct Lane {
  Part *part;
  guint lane, at;       /* in the plan: which lane, index of its stretch */
  ExportSource *source; /* of that stretch; NULL: not begun */
  gboolean ended;
  MixLane *decoder;
  GstAppSrc *src;
} Lane;

typedef struct Mix {
  VaultReader *reader;
  GPtrArray *parts; /* Part */
  GArray *takes;    /* ExportTake: of everybody together */
  gint64 duration_ms;
  Lane lanes[MIX_LANES_MAX];
  guint n_lanes, n_tiles, width, height; /* of a tile */
  GstBuffer *dark;
  GstElement *pipeline;
  GstAppSink *sink;
  ExportOut out;
  gint64 verified_us;
  GCancellable *cancel;
  gboolean any; /* frame was read */
} Mix;

static void part_free(gpointer data) {
  Part *part = data;
  export_plan_free(part->plan);
  g_free(part->shift_ms);
  g_free(part);
}

static void mix_clear(Mix *mix) {
  if (mix->pipeline != NULL)
    gst_element_set_state(mix->pipeline, GST_STATE_NULL);
  for (guint i = 0; i < mix->n_lanes; i++) {
    g_clear_pointer(&mix->lanes[i].source, export_source_free);
    g_clear_pointer(&mix->lanes[i].decoder, mix_lane_free);
    gst_clear_object(&mix->lanes[i].src);
  }
  gst_clear_object(&mix->sink);
  gst_clear_object(&mix->pipeline);
  g_clear_pointer(&mix->dark, gst_buffer_unref);
  g_clear_pointer(&mix->parts, g_ptr_array_unref);
  g_clear_pointer(&mix->takes, g_array_unref);
  export_out_clear(&mix->out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Mix, mix_clear)

static gboolean media_error(GError **error, const char *what) {
  g_set_error_literal(error, EXPORT_ERROR, EXPORT_ERROR_MEDIA, what);
  return FALSE;
}

/* --- what is mixed --- */

static gboolean add_part(Mix *mix, const char *session, const char *participant, guint32 take, GError **error) {
  g_autoptr(GError) why = NULL;
  json_t *segments = vault_reader_segments_of(mix->reader, session, participant, error);
  if (segments == NULL)
    return FALSE;
  ExportPlan *plan = export_plan_new(segments, participant, &(ExportRange){.take = take}, &why);
  json_decref(segments);
  if (plan == NULL && !g_error_matches(why, EXPORT_ERROR, EXPORT_ERROR_NOTHING_KEPT)) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  if (plan == NULL)
    return TRUE;
  Part *part = g_new0(Part, 1);
  part->plan = plan;
  part->shift_ms = g_new(gint64, plan->takes->len);
  for (guint i = 0; i < plan->takes->len; i++)
    part->shift_ms[i] = G_MININT64;
  g_ptr_array_add(mix->parts, part);
  return TRUE;
}

/* Who something is kept of, each once. */
static GPtrArray *find_people(const json_t *runs) {
  GPtrArray *people = g_ptr_array_new_with_free_func(g_free);
  for (gsize i = 0; i < json_array_size(runs); i++) {
    const json_t *run = json_array_get(runs, i);
    const char *participant = json_string_value(json_object_get(run, "participant"));
    if (g_strcmp0(json_string_value(json_object_get(run, "state")), "kept") == 0 &&
        !g_ptr_array_find_with_equal_func(people, participant, g_str_equal, NULL))
      g_ptr_array_add(people, g_strdup(participant));
  }
  return people;
}

static gboolean find_parts(Mix *mix, const char *session, guint32 take, GError **error) {
  json_t *runs = vault_reader_runs(mix->reader, session, error);
  if (runs == NULL)
    return FALSE;
  g_autoptr(GPtrArray) people = find_people(runs);
  json_decref(runs);
  for (guint i = 0; i < people->len; i++)
    if (!add_part(mix, session, people->pdata[i], take, error))
      return FALSE;
  if (mix->parts->len > 0)
    return TRUE;
  g_set_error_literal(error, EXPORT_ERROR, EXPORT_ERROR_NOTHING_KEPT, "nothing is kept of this session");
  return FALSE;
}

static ExportTake *take_of(Mix *mix, guint32 number) {
  for (guint i = 0; i < mix->takes->len; i++)
    if (g_array_index(mix->takes, ExportTake, i).number == number)
      return &g_array_index(mix->takes, ExportTake, i);
  return NULL;
}

static gint compare_takes(gconstpointer a, gconstpointer b) {
  const ExportTake *x = a, *y = b;
  return x->number < y->number ? -1 : x->number > y->number;
}

/* A take begins with whoever came first in it, and ends with the last. */
static void lay_out_takes(Mix *mix) {
  for (guint p = 0; p < mix->parts->len; p++) {
    const Part *part = mix->parts->pdata[p];
    for (guint t = 0; t < part->plan->takes->len; t++) {
      const ExportTake *own = &g_array_index(part->plan->takes, ExportTake, t);
      ExportTake *all = take_of(mix, own->number);
      if (all == NULL) {
        g_array_append_val(mix->takes, *own);
        continue;
      }
      all->start_ms = MIN(all->start_ms, own->start_ms);
      all->end_ms = MAX(all->end_ms, own->end_ms);
    }
  }
  g_array_sort(mix->takes, compare_takes);
  for (guint t = 0; t < mix->takes->len; t++) {
    ExportTake *take = &g_array_index(mix->takes, ExportTake, t);
    take->offset_ms = mix->duration_ms + (t > 0 ? EXPORT_TAKE_GAP_MS : 0);
    mix->duration_ms = take->offset_ms + take->end_ms - take->start_ms;
  }
}

/* Who has no picture at all has a tile as well, so that it shows who was there. */
static gboolean lay_out_lanes(Mix *mix, GError **error) {
  for (guint p = 0; p < mix->parts->len; p++) {
    Part *part = mix->parts->pdata[p];
    if (mix->n_lanes + part->plan->n_lanes + 1 > MIX_LANES_MAX)
      return media_error(error, "there are more tracks than can be mixed");
    gboolean seen = FALSE;
    for (guint lane = 0; lane < part->plan->n_lanes; lane++) {
      mix->lanes[mix->n_lanes++] = (Lane){.part = part, .lane = lane};
      seen = seen || part->plan->video[lane];
      mix->n_tiles += part->plan->video[lane];
    }
    if (!seen) {
      mix->lanes[mix->n_lanes++] = (Lane){.part = part, .lane = EXPORT_LANES_MAX, .ended = TRUE};
      mix->n_tiles++;
    }
  }
  mix->width = mix->n_tiles <= LARGE_TILES ? 640 : 320;
  mix->height = mix->width * 9 / 16;
  return TRUE;
}

static gboolean is_video(const Lane *lane) {
  return lane->lane == EXPORT_LANES_MAX || lane->part->plan->video[lane->lane];
}

/* --- the pipeline --- */

static guint columns_of(guint tiles) {
  guint columns = 1;
  while (columns * columns < tiles)
    columns++;
  return columns;
}

static char *describe(const Mix *mix) {
  const guint columns = columns_of(mix->n_tiles), rows = (mix->n_tiles + columns - 1) / columns;
  GString *text = g_string_new("compositor name=c background=black");
  for (guint i = 0; i < mix->n_tiles; i++)
    g_string_append_printf(text, " sink_%u::xpos=%u sink_%u::ypos=%u", i, i % columns * mix->width, i, i / columns * mix->height);
  g_string_append_printf(text,
                         " ! video/x-raw,format=I420,width=%u,height=%u,framerate=25/1 ! vp8enc deadline=1 cpu-used=8 threads=2"
                         " target-bitrate=%u keyframe-max-dist=125 ! m.video_0 webmmux name=m streamable=true writing-app=recgate"
                         " ! appsink name=out sync=false max-buffers=64 audiomixer name=a"
                         " ! audio/x-raw,format=S16LE,rate=%d,channels=%d,layout=interleaved ! opusenc ! m.audio_0",
                         columns * mix->width, rows * mix->height, 700000 * rows * columns * mix->width / 640, MIX_RATE_HZ, MIX_CHANNELS);
  guint tile = 0, voice = 0;
  for (guint i = 0; i < mix->n_lanes; i++)
    if (is_video(&mix->lanes[i]))
      g_string_append_printf(text,
                             " appsrc name=lane%u format=time max-bytes=0 caps=video/x-raw,format=I420,width=%u,height=%u,framerate=25/1"
                             " ! c.sink_%u",
                             i, mix->width, mix->height, tile++);
    else
      g_string_append_printf(text,
                             " appsrc name=lane%u format=time max-bytes=0"
                             " caps=audio/x-raw,format=S16LE,layout=interleaved,rate=%d,channels=%d ! a.sink_%u",
                             i, MIX_RATE_HZ, MIX_CHANNELS, voice++);
  if (voice == 0)
    g_string_append(text, " audiotestsrc wave=silence num-buffers=1 ! a.");
  return g_string_free(text, FALSE);
}

static gboolean build(Mix *mix, GError **error) {
  g_autofree char *text = describe(mix);
  g_autoptr(GError) why = NULL;
  GstElement *pipeline = gst_parse_launch_full(text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &why);
  if (pipeline == NULL)
    return media_error(error, "GStreamer lacks an element for mixing");
  mix->pipeline = gst_object_ref_sink(pipeline);
  mix->sink = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline), "out"));
  gsize luma = (gsize)mix->width * mix->height;
  mix->dark = gst_buffer_new_allocate(NULL, luma * 3 / 2, NULL);
  gst_buffer_memset(mix->dark, 0, DARK_LUMA, luma);
  gst_buffer_memset(mix->dark, luma, 128, luma / 2);
  for (guint i = 0; i < mix->n_lanes; i++) {
    g_autofree char *name = g_strdup_printf("lane%u", i);
    Lane *lane = &mix->lanes[i];
    lane->src = GST_APP_SRC(gst_bin_get_by_name(GST_BIN(pipeline), name));
    lane->decoder = mix_lane_new(is_video(lane), mix->width, mix->height);
  }
  return gst_element_set_state(pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE || media_error(error, "the mixer does not start");
}

/* --- frames --- */

/* One person's segment that does not read must not cost all others theirs. What was erased or refused by the vault still ends the mix (R18). */
static gboolean peek(ExportSource *source, GstBuffer **frame, GError **error) {
  for (;;) {
    g_autoptr(GError) why = NULL;
    if (export_source_peek(source, frame, &why))
      return TRUE;
    if (!g_error_matches(why, EXPORT_ERROR, EXPORT_ERROR_MEDIA)) {
      g_propagate_error(error, g_steal_pointer(&why));
      return FALSE;
    }
    export_source_skip(source);
  }
}

/* The person's media time against the file's: the earliest first frame of the take's tracks came at the take's start. */
static gboolean find_shift(Mix *mix, Part *part, guint take, GError **error) {
  gint64 base_ms = G_MAXINT64;
  for (guint i = 0; i < part->plan->stretches->len; i++) {
    const ExportStretch *stretch = part->plan->stretches->pdata[i];
    GstBuffer *frame = NULL;
    if (stretch->take != take)
      continue;
    g_autoptr(ExportSource) source = export_source_new(mix->reader, stretch->segments);
    if (!peek(source, &frame, error))
      return FALSE;
    if (frame != NULL)
      base_ms = MIN(base_ms, (gint64)(GST_BUFFER_PTS(frame) / GST_MSECOND));
  }
  const ExportTake *own = &g_array_index(part->plan->takes, ExportTake, take), *all = take_of(mix, own->number);
  part->shift_ms[take] = all->offset_ms + own->start_ms - all->start_ms - (base_ms == G_MAXINT64 ? 0 : base_ms);
  return TRUE;
}

static gboolean next_stretch(Mix *mix, Lane *lane) {
  const ExportPlan *plan = lane->part->plan;
  if (lane->source != NULL)
    lane->at++;
  g_clear_pointer(&lane->source, export_source_free);
  for (; lane->at < plan->stretches->len; lane->at++) {
    const ExportStretch *stretch = plan->stretches->pdata[lane->at];
    if (stretch->lane != lane->lane)
      continue;
    lane->source = export_source_new(mix->reader, stretch->segments);
    return TRUE;
  }
  return FALSE;
}

/* Decodes what this lane has before a moment. */
static gboolean feed(Mix *mix, Lane *lane, GstClockTime until, GError **error) {
  while (!lane->ended) {
    GstBuffer *frame = NULL;
    if (lane->source != NULL && !peek(lane->source, &frame, error))
      return FALSE;
    if (frame == NULL) {
      lane->ended = !next_stretch(mix, lane);
      continue;
    }
    const ExportStretch *stretch = lane->part->plan->stretches->pdata[lane->at];
    if (lane->part->shift_ms[stretch->take] == G_MININT64 && !find_shift(mix, lane->part, stretch->take, error))
      return FALSE;
    gint64 ms = MAX(0, (gint64)(GST_BUFFER_PTS(frame) / GST_MSECOND) + lane->part->shift_ms[stretch->take]);
    if ((GstClockTime)ms * GST_MSECOND >= until)
      return TRUE;
    mix->any = TRUE;
    frame = gst_buffer_make_writable(export_source_take(lane->source));
    GST_BUFFER_PTS(frame) = (GstClockTime)ms * GST_MSECOND;
    GST_BUFFER_DTS(frame) = GST_CLOCK_TIME_NONE;
    if (!mix_lane_push(lane->decoder, export_source_caps(lane->source), frame))
      return media_error(error, "GStreamer lacks a decoder");
  }
  return TRUE;
}

static GstBuffer *lane_buffer(const Mix *mix, Lane *lane, GstClockTime at) {
  if (!is_video(lane)) {
    gsize n = TICK_SAMPLES * MIX_CHANNELS * sizeof(gint16);
    gint16 *samples = g_malloc0(n);
    mix_lane_sound(lane->decoder, at, samples, TICK_SAMPLES);
    return gst_buffer_new_wrapped(samples, n);
  }
  g_autoptr(GstBuffer) picture = mix_lane_picture(lane->decoder, at);
  GstBuffer *copy = gst_buffer_copy(picture != NULL ? picture : mix->dark);
  GST_BUFFER_FLAGS(copy) = 0;
  return copy;
}

static gboolean push_tick(Mix *mix, guint64 tick, GError **error) {
  const GstClockTime at = tick * TICK_NS;
  for (guint i = 0; i < mix->n_lanes; i++) {
    Lane *lane = &mix->lanes[i];
    if (!feed(mix, lane, at + TICK_NS + AHEAD_NS, error))
      return FALSE;
    GstBuffer *buffer = lane_buffer(mix, lane, at);
    GST_BUFFER_PTS(buffer) = at;
    GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_DURATION(buffer) = TICK_NS;
    if (gst_app_src_push_buffer(lane->src, buffer) != GST_FLOW_OK)
      return media_error(error, "the mixer takes no more");
  }
  return TRUE;
}

static gboolean verify(gpointer user, GError **error) {
  Mix *mix = user;
  if (g_cancellable_is_cancelled(mix->cancel)) {
    g_set_error_literal(error, EXPORT_ERROR, EXPORT_ERROR_CANCELLED, "the export was cancelled");
    return FALSE;
  }
  if (g_get_monotonic_time() - mix->verified_us < VERIFY_US)
    return TRUE;
  for (guint i = 0; i < mix->n_lanes; i++)
    if (mix->lanes[i].source != NULL && !export_source_verify(mix->lanes[i].source, error))
      return FALSE;
  mix->verified_us = g_get_monotonic_time();
  return TRUE;
}

static gboolean has_room(const Mix *mix) {
  for (guint i = 0; i < mix->n_lanes; i++)
    if (gst_app_src_get_current_level_buffers(mix->lanes[i].src) >= QUEUED_TICKS)
      return FALSE;
  return TRUE;
}

static gboolean pump(Mix *mix, GError **error) {
  const guint64 ticks = (guint64)mix->duration_ms * GST_MSECOND / TICK_NS + 1;
  g_autoptr(GstBus) bus = gst_element_get_bus(mix->pipeline);
  guint64 tick = 0;
  while (!gst_app_sink_is_eos(mix->sink)) {
    gboolean pushes = tick < ticks && has_room(mix);
    if (g_cancellable_is_cancelled(mix->cancel))
      return verify(mix, error);
    if (pushes && !push_tick(mix, tick++, error))
      return FALSE;
    for (guint i = 0; pushes && tick == ticks && i < mix->n_lanes; i++)
      gst_app_src_end_of_stream(mix->lanes[i].src);
    g_autoptr(GstSample) sample = gst_app_sink_try_pull_sample(mix->sink, pushes ? 0 : WAIT_NS);
    g_autoptr(GstMessage) failure = sample == NULL ? gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR) : NULL;
    if (failure != NULL)
      return media_error(error, "the mixer failed");
    if (sample != NULL)
      export_out_take(&mix->out, g_steal_pointer(&sample));
    if (!export_out_give(&mix->out, PIECE_BYTES, error))
      return FALSE;
  }
  return mix->any ? export_out_finish(&mix->out, error) : media_error(error, "none of the recording can be read");
}

gboolean mix_run(VaultReader *reader, const char *session, guint32 take, ExportSink sink, gpointer user, GCancellable *cancel,
                 GError **error) {
  gst_init(NULL, NULL);
  g_auto(Mix) mix = {.reader = reader,
                     .parts = g_ptr_array_new_with_free_func(part_free),
                     .takes = g_array_new(FALSE, FALSE, sizeof(ExportTake)),
                     .cancel = cancel,
                     .verified_us = g_get_monotonic_time()};
  if (!find_parts(&mix, session, take, error))
    return FALSE;
  lay_out_takes(&mix);
  if (!lay_out_lanes(&mix, error))
    return FALSE;
  mix.out = (ExportOut){.duration_ms = mix.duration_ms, .give = sink, .user = user, .may = verify, .owner = &mix};
  return build(&mix, error) && pump(&mix, error);
}
