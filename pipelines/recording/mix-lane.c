/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/recording/mix-lane.h"

#include <string.h>

#include "pipelines/recording/codec.h"

#define HOLD_NS        (2 * GST_SECOND)   /* a picture that stands still; after that nothing is being sent */
#define JITTER_SAMPLES (MIX_RATE_HZ / 50) /* times are whole milliseconds: so far apart, sound is still one stream */

struct MixLane {
  gboolean video, unfit; /* unfit: the size that was named last is not taken */
  guint width, height;
  const Codec *codec; /* that the chain decodes; NULL: none */
  GstElement *chain;  /* a bin: decode, convert, scale; NULL: none */
  GstPad *out, *in;   /* into it, and from it */
  GQueue decoded;     /* GstBuffer */
  GstBuffer *picture;
  gint64 sample; /* at which the next decoded sound belongs; -1: not known yet */
};

static GstFlowReturn on_decoded(GstPad *pad, GstObject *parent, GstBuffer *buffer) {
  MixLane *lane = gst_pad_get_element_private(pad);
  (void)parent;
  g_queue_push_tail(&lane->decoded, buffer);
  return GST_FLOW_OK;
}

static gboolean on_event(GstPad *pad, GstObject *parent, GstEvent *event) {
  (void)pad;
  (void)parent;
  gst_event_unref(event);
  return TRUE;
}

/* Before the decoder. Branches take no size that it should not see, but recordings from before they looked may name any. */
static GstPadProbeReturn on_encoded(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
  MixLane *lane = user;
  GstMapInfo map;
  GstCaps *caps;
  (void)pad;
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) == 0) {
    if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) != GST_EVENT_CAPS || lane->codec->fits != NULL)
      return GST_PAD_PROBE_OK;
    gst_event_parse_caps(GST_PAD_PROBE_INFO_EVENT(info), &caps);
    lane->unfit = !codec_takes_caps(caps);
    return GST_PAD_PROBE_OK;
  }
  if (lane->codec->fits != NULL) {
    if (!gst_buffer_map(GST_PAD_PROBE_INFO_BUFFER(info), &map, GST_MAP_READ))
      return GST_PAD_PROBE_DROP;
    lane->unfit = !lane->codec->fits(map.data, map.size);
    gst_buffer_unmap(GST_PAD_PROBE_INFO_BUFFER(info), &map);
  }
  return lane->unfit ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

static char *describe(const MixLane *lane, const char *decode) {
  return lane->video ? g_strdup_printf("%s ! videoconvert ! videoscale add-borders=true ! "
                                       "capsfilter caps=video/x-raw,format=I420,width=%u,height=%u,pixel-aspect-ratio=1/1",
                                       decode, lane->width, lane->height)
                     : g_strdup_printf("%s ! audioconvert ! audioresample ! capsfilter "
                                       "caps=audio/x-raw,format=S16LE,layout=interleaved,rate=%d,channels=%d",
                                       decode, MIX_RATE_HZ, MIX_CHANNELS);
}

MixLane *mix_lane_new(gboolean video, guint width, guint height) {
  MixLane *lane = g_new0(MixLane, 1);
  lane->video = video;
  lane->width = width;
  lane->height = height;
  lane->sample = -1;
  g_queue_init(&lane->decoded);
  return lane;
}

/* What was decoded stays. */
static void close_chain(MixLane *lane) {
  lane->codec = NULL;
  if (lane->chain == NULL)
    return;
  gst_pad_set_active(lane->out, FALSE);
  gst_element_set_state(lane->chain, GST_STATE_NULL);
  gst_pad_set_active(lane->in, FALSE);
  gst_clear_object(&lane->out);
  gst_clear_object(&lane->in);
  gst_clear_object(&lane->chain);
}

static gboolean open_chain(MixLane *lane, const Codec *codec, GstCaps *caps) {
  g_autofree char *text = describe(lane, codec->decode);
  GstElement *chain = gst_parse_bin_from_description_full(text, TRUE, NULL, GST_PARSE_FLAG_FATAL_ERRORS, NULL);
  if (chain == NULL)
    return FALSE;
  lane->codec = codec;
  lane->unfit = FALSE;
  lane->chain = gst_object_ref_sink(chain);
  lane->out = gst_object_ref_sink(gst_pad_new("out", GST_PAD_SRC));
  lane->in = gst_object_ref_sink(gst_pad_new("in", GST_PAD_SINK));
  gst_pad_set_element_private(lane->in, lane);
  gst_pad_set_chain_function(lane->in, on_decoded);
  gst_pad_set_event_function(lane->in, on_event);
  g_autoptr(GstPad) sink = gst_element_get_static_pad(chain, "sink"), src = gst_element_get_static_pad(chain, "src");
  g_autoptr(GstElement) decoder = gst_bin_get_by_name(GST_BIN(chain), "decoder");
  g_autoptr(GstPad) encoded = gst_element_get_static_pad(decoder, "sink");
  gst_pad_add_probe(encoded, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_encoded, lane, NULL);
  gst_pad_link_full(lane->out, sink, GST_PAD_LINK_CHECK_NOTHING);
  gst_pad_link_full(src, lane->in, GST_PAD_LINK_CHECK_NOTHING);
  gst_pad_set_active(lane->in, TRUE);
  gst_element_set_state(chain, GST_STATE_PLAYING);
  gst_pad_set_active(lane->out, TRUE);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(lane->out, gst_event_new_stream_start("track"));
  /* Without the header's size, which parsers would repeat instead of the stream's own. */
  g_autoptr(GstCaps) unsized = gst_caps_copy(caps);
  gst_structure_remove_fields(gst_caps_get_structure(unsized, 0), "width", "height", NULL);
  gst_pad_push_event(lane->out, gst_event_new_caps(unsized));
  gst_pad_push_event(lane->out, gst_event_new_segment(&segment));
  return TRUE;
}

void mix_lane_free(MixLane *lane) {
  if (lane == NULL)
    return;
  close_chain(lane);
  g_clear_pointer(&lane->picture, gst_buffer_unref);
  g_queue_clear_full(&lane->decoded, (GDestroyNotify)gst_buffer_unref);
  g_free(lane);
}

gboolean mix_lane_push(MixLane *lane, GstCaps *caps, GstBuffer *frame) {
  const Codec *codec = codec_of_media_type(gst_structure_get_name(gst_caps_get_structure(caps, 0)));
  if (codec != lane->codec)
    close_chain(lane); /* from one take to the next */
  if (codec == NULL || (lane->chain == NULL && !open_chain(lane, codec, caps))) {
    gst_buffer_unref(frame);
    return FALSE;
  }
  (void)!gst_pad_push(lane->out, frame);
  return TRUE;
}

GstBuffer *mix_lane_picture(MixLane *lane, GstClockTime at) {
  for (GstBuffer *next; (next = g_queue_peek_head(&lane->decoded)) != NULL && GST_BUFFER_PTS(next) <= at;) {
    g_clear_pointer(&lane->picture, gst_buffer_unref);
    lane->picture = g_queue_pop_head(&lane->decoded);
  }
  gboolean shown = lane->picture != NULL && at - GST_BUFFER_PTS(lane->picture) < HOLD_NS;
  return shown ? gst_buffer_ref(lane->picture) : NULL;
}

/* Adds what of the first decoded buffer lies before `end`; FALSE: nothing more does. */
static gboolean sound_piece(MixLane *lane, gint64 begin, gint64 end, gint16 *samples) {
  GstBuffer *buffer = g_queue_peek_head(&lane->decoded);
  if (buffer == NULL)
    return FALSE;
  gint64 at = (gint64)gst_util_uint64_scale_round(GST_BUFFER_PTS(buffer), MIX_RATE_HZ, GST_SECOND);
  if (lane->sample >= 0 && ABS(at - lane->sample) < JITTER_SAMPLES)
    at = lane->sample;
  gsize frame_bytes = MIX_CHANNELS * sizeof *samples;
  gint64 length = (gint64)(gst_buffer_get_size(buffer) / frame_bytes), from = MAX(at, begin), until = MIN(at + length, end);
  if (at >= end)
    return FALSE;
  if (until > from)
    gst_buffer_extract(buffer, (gsize)(from - at) * frame_bytes, samples + (from - begin) * MIX_CHANNELS,
                       (gsize)(until - from) * frame_bytes);
  if (at + length > end) { /* the rest is the next call's */
    gsize used = (gsize)(end - at) * frame_bytes;
    GstBuffer *rest = gst_buffer_copy_region(buffer, GST_BUFFER_COPY_MEMORY, used, gst_buffer_get_size(buffer) - used);
    GST_BUFFER_PTS(rest) = gst_util_uint64_scale_round((guint64)end, GST_SECOND, MIX_RATE_HZ);
    g_queue_pop_head(&lane->decoded);
    g_queue_push_head(&lane->decoded, rest);
    lane->sample = end;
    gst_buffer_unref(buffer);
    return FALSE;
  }
  lane->sample = at + length;
  gst_buffer_unref(g_queue_pop_head(&lane->decoded));
  return TRUE;
}

void mix_lane_sound(MixLane *lane, GstClockTime at, gint16 *samples, guint n) {
  gint64 begin = (gint64)gst_util_uint64_scale_round(at, MIX_RATE_HZ, GST_SECOND);
  while (sound_piece(lane, begin, begin + n, samples))
    ;
}
