/* SPDX-License-Identifier: Apache-2.0 */
/* Test media: see media.h. */
#include "tests/recording/media.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <math.h>
#include <string.h>

/* Encoder and payloader. The H.264 is what Chromium sends: parameters in a STAP-A, pictures whole or as FU-A. */
static const char *const encoders[][2] = {
    {"opus", "opusenc ! rtpopuspay"},
    {"opus-dtx", "opusenc dtx=true audio-type=voice bitrate-type=vbr ! rtpopuspay"},
    {"vp8", "vp8enc deadline=1 cpu-used=8 lag-in-frames=0 keyframe-max-dist=100000 target-bitrate=1500000 end-usage=cbr ! "
            "rtpvp8pay mtu=1200 picture-id-mode=15-bit"},
    {"vp9", "vp9enc deadline=1 cpu-used=8 lag-in-frames=0 keyframe-max-dist=100000 target-bitrate=1500000 end-usage=cbr ! "
            "rtpvp9pay mtu=1200 picture-id-mode=15-bit"},
    {"h264", "openh264enc gop-size=100000 bitrate=1500000 rate-control=bitrate scene-change-detection=false multi-thread=1 ! "
             "rtph264pay mtu=1200 config-interval=-1 aggregate-mode=zero-latency"},
};

static const char *encoder_of(const char *codec) {
  for (gsize i = 0; i < G_N_ELEMENTS(encoders); i++)
    if (g_str_equal(encoders[i][0], codec))
      return encoders[i][1];
  g_error("no encoder for %s", codec);
}

void media_init(Media *media, gint width, gint height, guint8 pt, guint32 ssrc, guint16 seq, guint32 rtp_offset, gint64 ntp_us) {
  media_init_codec(media, width != 0 ? "vp8" : "opus", width, height, pt, ssrc, seq, rtp_offset, ntp_us);
}

void media_init_codec(Media *media, const char *codec, gint width, gint height, guint8 pt, guint32 ssrc, guint16 seq, guint32 rtp_offset,
                      gint64 ntp_us) {
  *media = (Media){.video = width != 0, .width = width, .height = height, .pt = pt, .rate_hz = width != 0 ? 90000 : 48000};
  media->ssrc = ssrc;
  media->next_seq = seq;
  media->rtp_offset = rtp_offset;
  media->ntp_us = ntp_us;
  g_autofree char *caps = media->video ? g_strdup_printf("video/x-raw,format=I420,width=%d,height=%d,framerate=25/1", width, height)
                                       : g_strdup("audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved");
  g_autofree char *text = g_strdup_printf("appsrc name=src format=time caps=%s ! %s pt=%u ssrc=%u seqnum-offset=%u timestamp-offset=%u ! "
                                          "appsink name=sink sync=false",
                                          caps, encoder_of(codec), pt, ssrc, seq, rtp_offset);
  media->pipeline = gst_parse_launch(text, NULL);
  g_assert_nonnull(media->pipeline);
  media->src = gst_bin_get_by_name(GST_BIN(media->pipeline), "src");
  media->sink = gst_bin_get_by_name(GST_BIN(media->pipeline), "sink");
  gst_element_set_state(media->pipeline, GST_STATE_PLAYING);
}

void media_clear(Media *media) {
  gst_element_set_state(media->pipeline, GST_STATE_NULL);
  gst_object_unref(media->src);
  gst_object_unref(media->sink);
  gst_object_unref(media->pipeline);
}

void media_force_keyframe(Media *media) {
  GstStructure *structure = gst_structure_new("GstForceKeyUnit", "running-time", GST_TYPE_CLOCK_TIME, GST_CLOCK_TIME_NONE, "all-headers",
                                              G_TYPE_BOOLEAN, TRUE, "count", G_TYPE_UINT, 0, NULL);
  gst_element_send_event(media->sink, gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, structure));
}

static GstBuffer *raw_video(const Media *media, gboolean lit) {
  gsize luma = (gsize)(media->width * media->height), n = luma * 3 / 2;
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, n, NULL);
  GstMapInfo map;
  g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_WRITE));
  memset(map.data, lit ? 235 : 16, luma);
  memset(map.data + luma, 128, n - luma);
  for (gsize i = 0; i < luma / 4; i++) /* a quarter of noise, so that a frame takes several packets */
    map.data[i] = (guint8)(16 + g_random_int_range(0, 60));
  gst_buffer_unmap(buffer, &map);
  return buffer;
}

static GstBuffer *raw_audio(const Media *media, gboolean lit) {
  gsize samples = 48 * MEDIA_AUDIO_FRAME_US / 1000;
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, samples * 4, NULL);
  GstMapInfo map;
  g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_WRITE));
  gint16 *sample = (gint16 *)(void *)map.data;
  for (gsize i = 0; i < samples; i++)
    sample[2 * i] = sample[2 * i + 1] = lit ? (gint16)(20000 * sin(2 * G_PI * 1000 * ((double)media->at_us / 1e6 + (double)i / 48000))) : 0;
  gst_buffer_unmap(buffer, &map);
  return buffer;
}

void media_frame(Media *media, GPtrArray *packets) {
  gint64 frame_us = media->video ? MEDIA_VIDEO_FRAME_US : MEDIA_AUDIO_FRAME_US;
  gboolean lit = media->at_us % G_USEC_PER_SEC < 100000;
  GstBuffer *buffer = media->video ? raw_video(media, lit) : raw_audio(media, lit);
  GST_BUFFER_PTS(buffer) = (GstClockTime)media->at_us * 1000;
  GST_BUFFER_DURATION(buffer) = (GstClockTime)frame_us * 1000;
  g_assert_cmpint(gst_app_src_push_buffer(GST_APP_SRC(media->src), buffer), ==, GST_FLOW_OK);
  gboolean last = FALSE;
  while (!last) {
    g_autoptr(GstSample) sample = gst_app_sink_try_pull_sample(GST_APP_SINK(media->sink), 10 * GST_SECOND);
    g_assert_nonnull(sample);
    GstMapInfo map;
    g_assert_true(gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ));
    last = !media->video || (map.data[1] & 0x80) != 0;
    if (!media->video && map.size <= 12 + 2) { /* as browsers do: Opus says that nothing need be sent (RFC 6716 section 2.1.9) */
      media->unsent++;
    } else {
      g_autofree guint8 *bytes = g_memdup2(map.data, map.size);
      const guint16 seq = (guint16)((bytes[2] << 8 | bytes[3]) - media->unsent);
      bytes[2] = (guint8)(seq >> 8);
      bytes[3] = (guint8)seq;
      media->next_seq = (guint16)(seq + 1);
      g_ptr_array_add(packets, g_bytes_new(bytes, map.size));
    }
    gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
  }
  media->at_us += frame_us;
  media->frames++;
}

void media_skip(Media *media, gint64 us) {
  media->at_us += us;
}

guint64 media_ntp(const Media *media) {
  guint64 us = (guint64)(media->ntp_us + media->at_us);
  return (us / G_USEC_PER_SEC) << 32 | ((us % G_USEC_PER_SEC) << 32) / G_USEC_PER_SEC;
}

guint32 media_rtp(const Media *media) {
  return media->rtp_offset + (guint32)(media->at_us * media->rate_hz / G_USEC_PER_SEC);
}

gboolean run(char **out, char **err, ...) {
  g_autoptr(GPtrArray) argv = g_ptr_array_new();
  g_autofree char *own_out = NULL, *own_err = NULL;
  g_autoptr(GError) error = NULL;
  gint status = 0;
  va_list list;
  va_start(list, err);
  for (char *word = va_arg(list, char *); word != NULL; word = va_arg(list, char *))
    g_ptr_array_add(argv, word);
  va_end(list);
  g_ptr_array_add(argv, NULL);
  if (!g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &own_out, &own_err, &status, &error))
    g_error("%s", error->message);
  if (out != NULL)
    *out = g_steal_pointer(&own_out);
  if (err != NULL)
    *err = g_steal_pointer(&own_err);
  return g_spawn_check_wait_status(status, NULL);
}

void assert_plays(const char *path) {
  g_autofree char *err = NULL;
  gboolean ok = run(NULL, &err, "ffmpeg", "-nostdin", "-v", "warning", "-i", path, "-f", "null", "-", NULL);
  g_assert_cmpstr(err, ==, "");
  g_assert_true(ok);
}

guint count_frames(const char *path, const char *stream) {
  g_autofree char *out = NULL;
  g_assert_true(run(&out, NULL, "ffprobe", "-v", "error", "-count_frames", "-select_streams", stream, "-show_entries",
                    "stream=nb_read_frames", "-of", "csv=p=0", path, NULL));
  return (guint)g_ascii_strtoull(out, NULL, 10);
}

/* Of a filter's metadata lines the times at which `value` first passes from below to above a threshold. */
static GArray *rises(const char *text, const char *key, double threshold) {
  GArray *times = g_array_new(FALSE, FALSE, sizeof(double));
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  double time = 0;
  gboolean above = FALSE;
  for (char **line = lines; *line != NULL; line++) {
    char *pts = strstr(*line, "pts_time:"), *value = strstr(*line, key);
    if (pts != NULL)
      time = g_ascii_strtod(pts + 9, NULL);
    if (value == NULL)
      continue;
    gboolean now = g_ascii_strtod(value + strlen(key), NULL) > threshold;
    if (now && !above)
      g_array_append_val(times, time);
    above = now;
  }
  return times;
}

GArray *flashes(const char *path) {
  g_autofree char *out = NULL;
  g_assert_true(run(&out, NULL, "ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:v", "-vf",
                    "signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-", "-f", "null", "-", NULL));
  return rises(out, "YAVG=", 110);
}

GArray *beeps(const char *path) {
  g_autofree char *out = NULL;
  g_assert_true(run(&out, NULL, "ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:a", "-af",
                    "asetnsamples=240,astats=metadata=1:reset=1,ametadata=print:key=lavfi.astats.1.Max_level:file=-", "-f", "null", "-",
                    NULL));
  return rises(out, "Max_level=", 0.1);
}
