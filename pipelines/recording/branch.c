/* SPDX-License-Identifier: Apache-2.0 */
/* A branch: see branch.h. */
#include "pipelines/recording/branch.h"

#include <gst/gst.h>
#include <string.h>

#include "pipelines/recording/codec.h"
#include "pipelines/recording/intake.h"

/* Clusters begin where we say: matroskamux's own limit is that of its 16-bit relative timestamps. */
#define CLUSTER_NS ((gint64)32 * 1000 * 1000 * 1000)

/* Of one frame, which the depayloader collects: twenty keyframes of a good camera. A stranger could let it grow for ever. */
#define FRAME_BYTES_MAX ((gsize)4 * 1024 * 1024)

struct Branch {
  const RecorderTrack *track;
  const Codec *codec;
  gboolean video;
  gint64 segment_us, now_us;
  GstElement *bin;
  SegmentSink *sink;
  GstEvent *segment;            /* came before caps that are taken */
  GstPad *out, *last, *mux_pad; /* into the depayloader, out of the parser, into the muxer */
  Intake *intake;
  Timeline timeline;
  gboolean keyframe_seen, broken, ended;
  guint32 frame_rtp;
  gint64 segment_pts_ns, segment_arrival_us; /* where the open segment began */
  gint64 first_us, last_us;                  /* arrival: of this RTP time's first packet, of the last of all */
  gint64 held_us, out_us;                    /* arrival: of what the depayloader may hold of earlier times, of what it gave out */
  gsize unfinished_bytes;                    /* in the depayloader since it gave a frame out */
  gboolean finish, caps_set;
  gboolean unfit;     /* the size that was named last is not taken */
  gboolean given_out; /* a frame, by the depayloader, since the last packet */
};

/* Does a segment begin with this frame? At a border with a keyframe, or one second after it with any frame. */
static gboolean begins_segment(Branch *branch, gint64 pts_ns, gboolean keyframe) {
  if (!segment_sink_is_open(branch->sink))
    return TRUE;
  gint64 over_us = (pts_ns - branch->segment_pts_ns) / 1000 - branch->segment_us;
  if (over_us < 0)
    return FALSE;
  if (keyframe || over_us >= BRANCH_KEYFRAME_US)
    return TRUE;
  intake_want_keyframe(branch->intake, TRUE);
  return FALSE;
}

/* A frame leaves the depayloader. What comes when nothing is known to be in there is a rest of the last one. */
static GstPadProbeReturn on_depayloaded(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
  Branch *branch = user;
  (void)pad, (void)info;
  const gint64 out_us = MIN(branch->held_us, branch->first_us);
  if (out_us != G_MAXINT64)
    branch->out_us = out_us;
  branch->given_out = TRUE;
  branch->unfinished_bytes = 0;
  branch->finish = FALSE;
  return GST_PAD_PROBE_OK;
}

/* The header says the first size; later ones stand in the stream, and H.264's other parameters would be an error to the muxer. A size that is not
 * taken reaches neither: a header with it could not be read, and decoders would allocate for it. What belongs after the caps waits for those that are taken. */
static GstPadProbeReturn on_event(Branch *branch, GstEvent *event) {
  const gboolean later = branch->caps_set;
  GstCaps *caps;
  if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT && !later)
    gst_event_replace(&branch->segment, event);
  if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT || GST_EVENT_TYPE(event) == GST_EVENT_TAG)
    return later ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
  if (GST_EVENT_TYPE(event) == GST_EVENT_GAP) /* it says what the next frame's time says, and may come before the segment did */
    return GST_PAD_PROBE_DROP;
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  gst_event_parse_caps(event, &caps);
  branch->unfit = !codec_takes_caps(caps);
  branch->caps_set = branch->caps_set || !branch->unfit;
  return branch->unfit || later ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

static GstPadProbeReturn on_event_or_query(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
  Branch *branch = user;
  (void)pad;
  if ((info->type & GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM) == 0)
    return on_event(branch, GST_PAD_PROBE_INFO_EVENT(info));
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY(info);
  if (GST_QUERY_TYPE(query) != GST_QUERY_ACCEPT_CAPS || (!branch->caps_set && !branch->unfit))
    return GST_PAD_PROBE_OK;
  gst_query_set_accept_caps_result(query, TRUE);
  return GST_PAD_PROBE_HANDLED;
}

static gboolean is_keyframe(const Branch *branch, GstBuffer *buffer) {
  GstMapInfo map;
  if (!branch->video)
    return TRUE;
  if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT))
    return FALSE;
  if (branch->codec->plays_alone == NULL)
    return TRUE;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
    return FALSE;
  gboolean alone = branch->codec->plays_alone(map.data, map.size);
  gst_buffer_unmap(buffer, &map);
  return alone;
}

/* Between depayloader and muxer: each whole frame passes here, and is in the sink when the push returns. */
static GstPadProbeReturn on_frame(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
  Branch *branch = user;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  (void)pad;
  if (!GST_BUFFER_PTS_IS_VALID(buffer)) /* what a parser found left over */
    return GST_PAD_PROBE_DROP;
  if (branch->unfit) { /* what follows builds on it, up to the next keyframe */
    branch->keyframe_seen = FALSE;
    intake_want_keyframe(branch->intake, TRUE);
    return GST_PAD_PROBE_DROP;
  }
  if (branch->segment != NULL)
    gst_pad_send_event(branch->mux_pad, g_steal_pointer(&branch->segment));
  gboolean keyframe = is_keyframe(branch, buffer);
  if (keyframe) {
    branch->keyframe_seen = TRUE;
    intake_keyframe_came(branch->intake);
  } else if (!branch->keyframe_seen) {
    return GST_PAD_PROBE_DROP;
  }
  gint64 pts_ns = (gint64)GST_BUFFER_PTS(buffer);
  SegmentFrame frame = {.keyframe = keyframe, .first_us = branch->out_us, .last_us = branch->last_us};
  frame.cut = begins_segment(branch, pts_ns, keyframe);
  segment_sink_frame(branch->sink, &frame);
  if (!frame.cut)
    return GST_PAD_PROBE_OK;
  intake_want_keyframe(branch->intake, FALSE); /* cut without one: the next border asks again, and a loss goes on asking */
  branch->segment_pts_ns = pts_ns;
  branch->segment_arrival_us = frame.first_us;
  if (segment_sink_count(branch->sink) > 0)
    gst_pad_send_event(branch->mux_pad, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("GstForceKeyUnit")));
  return GST_PAD_PROBE_OK;
}

/* A frame's packets share their RTP time. Where the depayloader may hold a frame whose last packet was lost, what comes out next counts as
 * having begun with the earliest that may be in it: never later than it was (R9). */
static void date_packet(Branch *branch, const ReorderPacket *packet) {
  if (packet->rtp_time != branch->frame_rtp) {
    if (branch->codec->holds)
      branch->held_us = MIN(branch->held_us, branch->first_us);
    branch->first_us = G_MAXINT64;
  }
  branch->frame_rtp = packet->rtp_time;
  branch->first_us = MIN(branch->first_us, packet->arrival_us);
  branch->last_us = MAX(branch->last_us, packet->arrival_us);
}

/* Fault 13: a frame without an end is cut, by a gap in the numbers and then by an end with each packet, until one comes out. */
static gboolean grows_too_large(Branch *branch, gsize n) {
  branch->unfinished_bytes += n;
  if (branch->unfinished_bytes <= FRAME_BYTES_MAX)
    return FALSE;
  branch->unfinished_bytes = 0;
  branch->finish = TRUE;
  return TRUE;
}

static GstBuffer *make_packet(const Branch *branch, const ReorderPacket *packet, gboolean marker) {
  guint8 header[12] = {0x80, (guint8)(branch->track->pt | (marker ? 0x80 : 0)), (guint8)(packet->seq >> 8), (guint8)packet->seq};
  guint32 rtp_time = GUINT32_TO_BE(packet->rtp_time), ssrc = GUINT32_TO_BE(branch->track->number);
  memcpy(header + 4, &rtp_time, 4);
  memcpy(header + 8, &ssrc, 4);
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, sizeof header + packet->n_bytes, NULL);
  gst_buffer_fill(buffer, 0, header, sizeof header);
  gst_buffer_fill(buffer, sizeof header, packet->bytes, packet->n_bytes);
  return buffer;
}

/* After a frame's last packet. One of H.264 that gave no frame out was dropped alone: what stood before it may be in there still. */
static gboolean leaves_nothing(const Branch *branch, const ReorderPacket *packet) {
  return branch->codec->ends == NULL || (branch->given_out && branch->codec->ends(packet->bytes, packet->n_bytes));
}

/* The intake's output: a clean packet of our own, whatever the sender's looked like. */
static void on_packet(const ReorderPacket *packet, gpointer user) {
  Branch *branch = user;
  if (branch->broken)
    return;
  gint64 pts_ns = timeline_map(&branch->timeline, packet->rtp_time, packet->arrival_us);
  date_packet(branch, packet);
  if (grows_too_large(branch, packet->n_bytes))
    return;
  const gboolean marker = packet->marker || branch->finish;
  GstBuffer *buffer = make_packet(branch, packet, marker);
  GST_BUFFER_PTS(buffer) = (GstClockTime)pts_ns;
  branch->given_out = FALSE;
  const GstFlowReturn flow = gst_pad_push(branch->out, buffer);
  /* A parser fails on rubbish, and goes on with what comes next; where the muxer or the sink fails, nothing more comes of it. */
  const gboolean mux_failed = branch->caps_set && gst_pad_get_last_flow_return(branch->last) != GST_FLOW_OK;
  if ((flow != GST_FLOW_OK && mux_failed) || segment_sink_failed(branch->sink))
    branch->broken = TRUE;
  if (marker && branch->codec->holds && leaves_nothing(branch, packet))
    branch->held_us = branch->first_us = G_MAXINT64;
}

static void on_restart(gpointer user) {
  timeline_restart(&((Branch *)user)->timeline);
}

static void on_report(guint64 ntp, guint32 rtp_time, gpointer user) {
  timeline_report(&((Branch *)user)->timeline, ntp, rtp_time);
}

static void start_stream(Branch *branch) {
  g_autofree char *id = g_strdup_printf("track-%u", branch->track->number);
  GstCaps *caps = gst_caps_new_simple("application/x-rtp", "media", G_TYPE_STRING, branch->track->medium, "payload", G_TYPE_INT,
                                      branch->track->pt, "clock-rate", G_TYPE_INT, (gint)branch->track->clock_rate, "encoding-name",
                                      G_TYPE_STRING, branch->codec->encoding_name, NULL);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_set_active(branch->out, TRUE);
  gst_pad_push_event(branch->out, gst_event_new_stream_start(id));
  gst_pad_push_event(branch->out, gst_event_new_caps(caps));
  gst_pad_push_event(branch->out, gst_event_new_segment(&segment));
  gst_caps_unref(caps);
}

/* The elements from RTP to the muxer: one, or several in a bin, whose ghost pads each packet and each frame pays for. */
static GstElement *add_depayload(Branch *branch) {
  const GstParseFlags flags = GST_PARSE_FLAG_FATAL_ERRORS | GST_PARSE_FLAG_NO_SINGLE_ELEMENT_BINS;
  GstElement *chain = gst_parse_bin_from_description_full(branch->codec->depayload, TRUE, NULL, flags, NULL);
  if (chain == NULL)
    return NULL;
  gst_bin_add(GST_BIN(branch->bin), chain);
  g_autoptr(GstElement) depay = gst_bin_get_by_name(GST_BIN(branch->bin), "depay");
  g_autoptr(GstPad) src = gst_element_get_static_pad(depay, "src");
  gst_pad_add_probe(src, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_depayloaded, branch, NULL);
  return chain;
}

static gboolean attach(Branch *branch, const SegmentWriter *writer) {
  branch->bin = gst_object_ref_sink(gst_bin_new(NULL));
  branch->out = gst_object_ref_sink(gst_pad_new("out", GST_PAD_SRC));
  branch->sink = segment_sink_new(writer);
  GstElement *depayload = add_depayload(branch), *mux = gst_element_factory_make("matroskamux", NULL);
  if (mux != NULL)
    gst_bin_add(GST_BIN(branch->bin), mux);
  if (depayload == NULL || mux == NULL)
    return FALSE;
  g_object_set(mux, "streamable", TRUE, "writing-app", "recgate", "min-cluster-duration", CLUSTER_NS, "max-cluster-duration", CLUSTER_NS,
               NULL);
  branch->mux_pad = gst_element_request_pad_simple(mux, branch->video ? "video_%u" : "audio_%u");
  g_autoptr(GstPad) first = gst_element_get_static_pad(depayload, "sink");
  g_autoptr(GstPad) muxed = gst_element_get_static_pad(mux, "src");
  branch->last = gst_element_get_static_pad(depayload, "src");
  if (branch->mux_pad == NULL || gst_pad_link(branch->last, branch->mux_pad) != GST_PAD_LINK_OK ||
      gst_pad_link_full(muxed, segment_sink_pad(branch->sink), GST_PAD_LINK_CHECK_NOTHING) != GST_PAD_LINK_OK ||
      gst_pad_link_full(branch->out, first, GST_PAD_LINK_CHECK_NOTHING) != GST_PAD_LINK_OK)
    return FALSE;
  gst_pad_add_probe(branch->last, GST_PAD_PROBE_TYPE_BUFFER, on_frame, branch, NULL);
  gst_pad_add_probe(branch->mux_pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, on_event_or_query, branch,
                    NULL);
  if (gst_element_set_state(branch->bin, GST_STATE_PLAYING) != GST_STATE_CHANGE_SUCCESS)
    return FALSE;
  start_stream(branch);
  return TRUE;
}

Branch *branch_new(const BranchConfig *config, GError **error) {
  const RecorderTrack *track = config->track;
  const Codec *codec = codec_find(track->medium, track->codec);
  if (codec == NULL || track->clock_rate == 0 || track->pt > 127) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "cannot record %s/%s at %u Hz", track->medium, track->codec,
                track->clock_rate);
    return NULL;
  }
  g_autoptr(Branch) branch = g_new0(Branch, 1);
  branch->track = track;
  branch->codec = codec;
  branch->video = g_str_equal(codec->medium, "video");
  branch->segment_us = MAX(config->segment_us, G_USEC_PER_SEC / 10);
  branch->first_us = branch->held_us = branch->out_us = G_MAXINT64;
  static const IntakeEvents events = {on_packet, on_restart, on_report};
  branch->intake = intake_new(track, codec, &events, branch);
  timeline_init(&branch->timeline, config->clock, !branch->video, track->clock_rate, 0);
  if (!attach(branch, &config->writer)) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "GStreamer refuses a branch for %s; are its base, good and bad plugins there?",
                track->codec);
    return NULL;
  }
  return g_steal_pointer(&branch);
}

void branch_free(Branch *branch) {
  if (branch == NULL)
    return;
  if (branch->sink != NULL)
    segment_sink_kill(branch->sink);
  if (branch->out != NULL)
    gst_pad_set_active(branch->out, FALSE);
  if (branch->bin != NULL)
    gst_element_set_state(branch->bin, GST_STATE_NULL);
  gst_clear_event(&branch->segment);
  gst_clear_object(&branch->mux_pad);
  gst_clear_object(&branch->last);
  gst_clear_object(&branch->out);
  gst_clear_object(&branch->bin);
  segment_sink_free(branch->sink);
  intake_free(branch->intake);
  g_free(branch);
}

void branch_begin(Branch *branch, gint64 origin_us) {
  branch->timeline.origin_us = origin_us;
  branch->now_us = MAX(branch->now_us, origin_us);
  intake_begin(branch->intake, origin_us);
}

void branch_report(Branch *branch, guint32 ssrc, guint64 ntp, guint32 rtp_time) {
  intake_report(branch->intake, ssrc, ntp, rtp_time);
}

void branch_packet(Branch *branch, const guint8 *bytes, gsize n, gint64 arrival_us) {
  branch->now_us = MAX(branch->now_us, arrival_us);
  if (!branch->broken && !branch->ended)
    intake_packet(branch->intake, bytes, n, arrival_us);
}

void branch_advance(Branch *branch, gint64 now_us) {
  branch->now_us = MAX(branch->now_us, now_us);
  if (branch->broken || branch->ended)
    return;
  intake_advance(branch->intake, branch->now_us);
  gint64 open_us = branch->now_us - branch->segment_arrival_us;
  if (segment_sink_is_open(branch->sink) && open_us >= branch->segment_us + BRANCH_IDLE_US)
    segment_sink_seal(branch->sink);
}

void branch_end(Branch *branch) {
  if (branch->broken || branch->ended)
    return;
  intake_flush(branch->intake);
  branch->ended = TRUE;
  gst_pad_push_event(branch->out, gst_event_new_eos());
}

gboolean branch_works(const Branch *branch) {
  return !branch->broken;
}

BranchStats branch_stats(const Branch *branch) {
  const IntakeStats stats = intake_stats(branch->intake);
  return (BranchStats){.packets = stats.packets,
                       .lost = stats.lost,
                       .malformed = stats.malformed,
                       .keyframes_asked = stats.keyframes_asked,
                       .switches = stats.switches,
                       .segments = segment_sink_count(branch->sink)};
}
