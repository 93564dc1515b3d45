/* SPDX-License-Identifier: Apache-2.0 */
/* Export: lanes of frames into one muxer, in lockstep: what is read is bounded by what was given out. */
#include "pipelines/recording/export.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include "pipelines/recording/export-out.h"
#include "pipelines/recording/export-plan.h"
#include "pipelines/recording/export-source.h"

G_DEFINE_QUARK(recgate - export - error, export_error)

#define QUEUED_FRAMES 16                 /* a lane's frames before the muxer */
#define PIECE_BYTES   (64 * 1024)        /* given to the sink at once */
#define WAIT_NS       (50 * GST_MSECOND) /* for the muxer's threads */
#define VERIFY_US     (50 * 1000)        /* after a sink that was slow, look whether all of it still exists */

/* Cameras do not tick evenly, but players that count in frames (ffmpeg among them) take the rate of the first seconds for a grid and
 * complain of two frames on one of its lines. So the file names a rate of 120, and frames are given at least that distance and rounding. */
#define VIDEO_FPS     120
#define VIDEO_STEP_MS 10

typedef struct Lane { /* a track of the file: what one lane of the plan has of one codec */
  GstAppSrc *src;
  guint lane;
  const Codec *codec;
  gboolean video;
  guint at;             /* index of its stretch in the plan */
  ExportSource *source; /* of that stretch; NULL: not begun */
  gboolean caps_set, ended;
  gint64 last_ms;
} Lane;

typedef struct Export {
  VaultReader *reader;
  ExportPlan *plan;
  gint64 *base_ms; /* of each take: media time of its first frame; -1: not known yet */
  Lane lanes[EXPORT_LANES_MAX];
  guint n_lanes;
  GstElement *pipeline;
  GstAppSink *sink;
  ExportOut out;
  gint64 verified_us;
  GCancellable *cancel;
} Export;

static void export_clear(Export *export) {
  if (export->pipeline != NULL)
    gst_element_set_state(export->pipeline, GST_STATE_NULL);
  for (guint i = 0; i < EXPORT_LANES_MAX; i++) {
    g_clear_pointer(&export->lanes[i].source, export_source_free);
    gst_clear_object(&export->lanes[i].src);
  }
  gst_clear_object(&export->sink);
  gst_clear_object(&export->pipeline);
  g_clear_pointer(&export->plan, export_plan_free);
  export_out_clear(&export->out);
  g_clear_pointer(&export->base_ms, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Export, export_clear)

static gboolean media_error(GError **error, const char *what) {
  g_set_error_literal(error, EXPORT_ERROR, EXPORT_ERROR_MEDIA, what);
  return FALSE;
}

/* FALSE: the file would have too many tracks. */
static gboolean lay_out_lanes(Export *export, GError **error) {
  for (guint i = 0; i < export->plan->stretches->len; i++) {
    const ExportStretch *stretch = export->plan->stretches->pdata[i];
    guint n = 0;
    while (n < export->n_lanes && (export->lanes[n].lane != stretch->lane || export->lanes[n].codec != stretch->codec))
      n++;
    if (n == EXPORT_LANES_MAX)
      return media_error(error, "there are more tracks and codecs than fit into one file");
    if (n < export->n_lanes)
      continue;
    export->lanes[export->n_lanes++] =
        (Lane){.lane = stretch->lane, .codec = stretch->codec, .video = export->plan->video[stretch->lane], .last_ms = -VIDEO_STEP_MS};
  }
  return TRUE;
}

static gboolean build(Export *export, GError **error) {
  export->pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
  GstElement *mux = gst_element_factory_make(export_plan_is_webm(export->plan) ? "webmmux" : "matroskamux", NULL);
  GstElement *sink = gst_element_factory_make("appsink", NULL);
  if (mux == NULL || sink == NULL)
    return media_error(error, "GStreamer has no webmmux, matroskamux or appsink");
  g_object_set(mux, "streamable", TRUE, "writing-app", "recgate", NULL);
  g_object_set(sink, "sync", FALSE, "max-buffers", 64, NULL);
  gst_bin_add_many(GST_BIN(export->pipeline), mux, sink, NULL);
  export->sink = gst_object_ref(GST_APP_SINK(sink));
  gboolean linked = gst_element_link(mux, sink);
  for (guint i = 0; linked && i < export->n_lanes; i++) {
    GstElement *src = gst_element_factory_make("appsrc", NULL);
    g_object_set(src, "format", GST_FORMAT_TIME, "max-bytes", (guint64)0, NULL);
    gst_bin_add(GST_BIN(export->pipeline), src);
    export->lanes[i].src = gst_object_ref(GST_APP_SRC(src));
    linked = gst_element_link_pads(src, "src", mux, export->lanes[i].video ? "video_%u" : "audio_%u");
  }
  if (!linked || gst_element_set_state(export->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    return media_error(error, "the muxer's pipeline does not start");
  return TRUE;
}

/* The media time at which a take begins: that of the earliest first frame of its tracks. */
static gboolean find_base(Export *export, guint take, GError **error) {
  gint64 base_ms = G_MAXINT64;
  for (guint i = 0; i < export->plan->stretches->len; i++) {
    ExportStretch *stretch = export->plan->stretches->pdata[i];
    GstBuffer *frame = NULL;
    if (stretch->take != take)
      continue;
    g_autoptr(ExportSource) source = export_source_new(export->reader, stretch->segments);
    if (!export_source_peek(source, &frame, error))
      return FALSE;
    if (frame != NULL)
      base_ms = MIN(base_ms, (gint64)(GST_BUFFER_PTS(frame) / GST_MSECOND));
  }
  export->base_ms[take] = base_ms == G_MAXINT64 ? 0 : base_ms;
  return TRUE;
}

/* Opens the lane's next stretch; FALSE without an error: there is none. */
static gboolean next_stretch(Export *export, guint lane) {
  Lane *own = &export->lanes[lane];
  if (own->source != NULL)
    own->at++;
  g_clear_pointer(&own->source, export_source_free);
  for (; own->at < export->plan->stretches->len; own->at++) {
    ExportStretch *stretch = export->plan->stretches->pdata[own->at];
    if (stretch->lane != own->lane || stretch->codec != own->codec)
      continue;
    own->source = export_source_new(export->reader, stretch->segments);
    return TRUE;
  }
  return FALSE;
}

/* Once: a lane has one codec, and each says in the stream what changes. */
static void set_caps(Lane *own) {
  GstCaps *known = export_source_caps(own->source);
  if (own->caps_set || known == NULL)
    return;
  GstCaps *caps = gst_caps_copy(known);
  if (own->video)
    gst_caps_set_simple(caps, "framerate", GST_TYPE_FRACTION, VIDEO_FPS, 1, NULL);
  gst_app_src_set_caps(own->src, caps);
  gst_caps_unref(caps);
  own->caps_set = TRUE;
}

static gboolean push_frame(Export *export, Lane *own, GError **error) {
  ExportStretch *stretch = export->plan->stretches->pdata[own->at];
  if (export->base_ms[stretch->take] < 0 && !find_base(export, stretch->take, error))
    return FALSE;
  set_caps(own);
  GstBuffer *frame = gst_buffer_make_writable(export_source_take(own->source));
  gint64 offset_ms = g_array_index(export->plan->takes, ExportTake, stretch->take).offset_ms - export->base_ms[stretch->take];
  gint64 ms = MAX((gint64)(GST_BUFFER_PTS(frame) / GST_MSECOND) + offset_ms, own->last_ms + (own->video ? VIDEO_STEP_MS : 1));
  own->last_ms = ms;
  GST_BUFFER_PTS(frame) = (GstClockTime)ms * GST_MSECOND;
  GST_BUFFER_DTS(frame) = GST_CLOCK_TIME_NONE;
  if (own->video)
    GST_BUFFER_DURATION(frame) = GST_CLOCK_TIME_NONE;
  if (gst_app_src_push_buffer(own->src, frame) != GST_FLOW_OK)
    return media_error(error, "the muxer takes no more");
  return TRUE;
}

static gboolean refill(Export *export, guint lane, GError **error) {
  Lane *own = &export->lanes[lane];
  while (!own->ended && gst_app_src_get_current_level_buffers(own->src) < QUEUED_FRAMES) {
    GstBuffer *frame = NULL;
    if (own->source != NULL && !export_source_peek(own->source, &frame, error))
      return FALSE;
    if (frame != NULL && !push_frame(export, own, error))
      return FALSE;
    if (frame == NULL && !next_stretch(export, lane)) {
      own->ended = TRUE;
      gst_app_src_end_of_stream(own->src);
    }
  }
  return TRUE;
}

/* While the sink was slow somebody may have withdrawn: what was read before must not go out (R18, fault 36). */
static gboolean verify(gpointer user, GError **error) {
  Export *export = user;
  if (g_cancellable_is_cancelled(export->cancel)) {
    g_set_error_literal(error, EXPORT_ERROR, EXPORT_ERROR_CANCELLED, "the export was cancelled");
    return FALSE;
  }
  if (g_get_monotonic_time() - export->verified_us < VERIFY_US)
    return TRUE;
  for (guint i = 0; i < export->n_lanes; i++)
    if (export->lanes[i].source != NULL && !export_source_verify(export->lanes[i].source, error))
      return FALSE;
  export->verified_us = g_get_monotonic_time();
  return TRUE;
}

static gboolean pump(Export *export, GError **error) {
  g_autoptr(GstBus) bus = gst_element_get_bus(export->pipeline);
  while (!gst_app_sink_is_eos(export->sink)) {
    for (guint i = 0; i < export->n_lanes; i++)
      if (!refill(export, i, error))
        return FALSE;
    g_autoptr(GstSample) sample = gst_app_sink_try_pull_sample(export->sink, WAIT_NS);
    g_autoptr(GstMessage) failure = sample == NULL ? gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR) : NULL;
    if (failure != NULL)
      return media_error(error, "the muxer failed");
    if (sample != NULL)
      export_out_take(&export->out, g_steal_pointer(&sample));
    if (!export_out_give(&export->out, PIECE_BYTES, error))
      return FALSE;
  }
  return export_out_finish(&export->out, error);
}

gboolean export_is_webm(VaultReader *reader, const char *session, const char *participant, const ExportRange *range, gboolean *webm,
                        GError **error) {
  json_t *segments = vault_reader_segments_of(reader, session, participant, error);
  g_autoptr(ExportPlan) plan = segments != NULL ? export_plan_new(segments, participant, range, error) : NULL;
  json_decref(segments);
  if (plan != NULL)
    *webm = export_plan_is_webm(plan);
  return plan != NULL;
}

gboolean export_run(VaultReader *reader, const char *session, const char *participant, guint32 take, ExportSink sink, gpointer user,
                    GCancellable *cancel, GError **error) {
  return export_run_range(reader, session, participant, &(ExportRange){.take = take}, sink, user, cancel, error);
}

gboolean export_run_range(VaultReader *reader, const char *session, const char *participant, const ExportRange *range, ExportSink sink,
                          gpointer user, GCancellable *cancel, GError **error) {
  gst_init(NULL, NULL);
  g_auto(Export) export = {.reader = reader, .cancel = cancel};
  json_t *segments = vault_reader_segments_of(reader, session, participant, error);
  if (segments == NULL)
    return FALSE;
  export.plan = export_plan_new(segments, participant, range, error);
  json_decref(segments);
  if (export.plan == NULL)
    return FALSE;
  export.out = (ExportOut){.duration_ms = export.plan->duration_ms, .give = sink, .user = user, .may = verify, .owner = &export};
  export.base_ms = g_new(gint64, export.plan->takes->len);
  for (guint i = 0; i < export.plan->takes->len; i++)
    export.base_ms[i] = -1;
  export.verified_us = g_get_monotonic_time();
  return lay_out_lanes(&export, error) && build(&export, error) && pump(&export, error);
}
