/* SPDX-License-Identifier: Apache-2.0 */
/* The usual GStreamer recorder: for each participant a pipeline appsrc -> rtpbin -> depayloaders -> one matroskamux -> filesink. */
#include <gst/app/gstappsrc.h>

#include "tests/bench/recording/shape.h"

#define END_NS (60 * GST_SECOND)

typedef struct Recording {
  GstElement *pipeline, *src[CLIP_TRACKS];
  char *path;
} Recording;

typedef struct Rtpbin {
  guint n;
  Recording *recordings;
  char *dir;
} Rtpbin;

static gpointer rtpbin_start(guint participants, const char *dir) {
  Rtpbin *self = g_new0(Rtpbin, 1);
  self->n = participants;
  self->recordings = g_new0(Recording, participants);
  self->dir = g_strdup(dir);
  return self;
}

/* A stream has been found in one of the sessions: recv_rtp_src_SESSION_SSRC_PT. */
static void on_pad(GstElement *rtpbin, GstPad *pad, gpointer user) {
  (void)rtpbin;
  g_autofree char *name = gst_pad_get_name(pad);
  if (!g_str_has_prefix(name, "recv_rtp_src_"))
    return;
  g_autoptr(GstElement) depay = gst_bin_get_by_name(user, g_str_has_prefix(name, "recv_rtp_src_0_") ? "audio" : "video");
  g_autoptr(GstPad) sink = gst_element_get_static_pad(depay, "sink");
  g_assert_cmpint(gst_pad_link(pad, sink), ==, GST_PAD_LINK_OK);
}

static void open_one(Recording *recording, const char *dir, guint number) {
  g_autoptr(GError) error = NULL;
  recording->path = g_strdup_printf("%s/rtpbin-%u.mkv", dir, number);
  g_autofree char *text = g_strdup_printf(
      "rtpbin name=bin "
      "appsrc name=src0 is-live=true do-timestamp=true format=time caps=application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,"
      "payload=%d ! bin.recv_rtp_sink_0 "
      "appsrc name=src1 is-live=true do-timestamp=true format=time caps=application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,"
      "payload=%d ! bin.recv_rtp_sink_1 "
      "rtpopusdepay name=audio ! mux.audio_0 rtpvp8depay name=video ! mux.video_0 matroskamux name=mux ! filesink async=false location=%s",
      SHAPE_AUDIO_PT, SHAPE_VIDEO_PT, recording->path);
  recording->pipeline = gst_parse_launch(text, &error);
  g_assert_no_error(error);
  recording->src[CLIP_AUDIO] = gst_bin_get_by_name(GST_BIN(recording->pipeline), "src0");
  recording->src[CLIP_VIDEO] = gst_bin_get_by_name(GST_BIN(recording->pipeline), "src1");
  g_autoptr(GstElement) bin = gst_bin_get_by_name(GST_BIN(recording->pipeline), "bin");
  g_signal_connect(bin, "pad-added", G_CALLBACK(on_pad), recording->pipeline);
  gst_element_set_state(recording->pipeline, GST_STATE_PLAYING);
}

static void rtpbin_open(gpointer data) {
  Rtpbin *self = data;
  for (guint i = 0; i < self->n; i++)
    open_one(&self->recordings[i], self->dir, i);
}

static void rtpbin_push(gpointer data, guint participant, ClipTrack track, const guint8 *packet, gsize n) {
  Rtpbin *self = data;
  GstBuffer *buffer = gst_buffer_new_memdup(packet, n);
  g_assert_cmpint(gst_app_src_push_buffer(GST_APP_SRC(self->recordings[participant].src[track]), buffer), ==, GST_FLOW_OK);
}

static void rtpbin_flush(gpointer data) {
  (void)data;
}

static void close_one(Recording *recording) {
  g_autoptr(GstBus) bus = gst_element_get_bus(recording->pipeline);
  g_autoptr(GstMessage) message = gst_bus_timed_pop_filtered(bus, END_NS, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  if (message == NULL || GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
    g_error("rtpbin: a recording did not end");
  gst_element_set_state(recording->pipeline, GST_STATE_NULL);
  gst_object_unref(recording->src[CLIP_AUDIO]);
  gst_object_unref(recording->src[CLIP_VIDEO]);
  gst_object_unref(recording->pipeline);
}

static json_t *rtpbin_finish(gpointer data, guint64 pushed) {
  Rtpbin *self = data;
  (void)pushed;
  for (guint i = 0; i < self->n; i++)
    for (ClipTrack track = CLIP_AUDIO; track < CLIP_TRACKS; track++)
      gst_app_src_end_of_stream(GST_APP_SRC(self->recordings[i].src[track]));
  for (guint i = 0; i < self->n; i++)
    close_one(&self->recordings[i]);
  json_t *answer = json_pack("{s:s}", "file", self->recordings[0].path);
  for (guint i = 0; i < self->n; i++)
    g_free(self->recordings[i].path);
  g_free(self->recordings);
  g_free(self->dir);
  g_free(self);
  return answer;
}

const Shape shape_rtpbin = {"rtpbin", rtpbin_start, rtpbin_open, rtpbin_push, rtpbin_flush, rtpbin_finish};
