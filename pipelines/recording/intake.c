/* SPDX-License-Identifier: Apache-2.0 */
/* Intake: see intake.h. */
#include "pipelines/recording/intake.h"

#include "pipelines/recording/layers.h"
#include "pipelines/recording/rtp.h"

typedef struct Stream { /* of one source, by its index in the layers */
  Intake *intake;
  gint index;
  Reorder *reorder; /* NULL: its packets are not needed */
  guint64 lost;     /* seen in the reorder's count */
  gboolean asked, report_set;
  gint64 asked_us;
  guint64 ntp;
  guint32 rtp_time;
} Stream;

typedef struct Report {
  gboolean set;
  guint32 ssrc, rtp_time;
  guint64 ntp;
} Report;

struct Intake {
  const RecorderTrack *track;
  const Codec *codec;
  gboolean video;
  IntakeEvents events;
  gpointer user;
  Layers layers;
  Stream streams[LAYERS_MAX];
  Report report;   /* the last one, of a source that has not sent yet */
  gboolean wanted; /* a keyframe: of the source in use, or of all that send while none is */
  gboolean asked;  /* all at once, when none had sent */
  gint64 asked_us, now_us;
  guint16 last_seq, shift; /* given out; from a reorder's numbers to those given out */
  IntakeStats stats;
};

/* --- keyframes --- */

static gboolean is_due(gboolean asked, gint64 asked_us, gint64 now_us) {
  return !asked || now_us - asked_us >= INTAKE_KEYFRAME_US;
}

static void ask_of(Intake *intake, guint32 ssrc) {
  intake->stats.keyframes_asked++;
  intake->track->keyframe(intake->track->number, ssrc, intake->track->keyframe_user);
}

/* Fault 12: each source is asked once a second at most. */
static void ask(Intake *intake) {
  const Layers *layers = &intake->layers;
  gboolean any = FALSE;
  if (!intake->wanted && layers->next == LAYERS_NONE)
    return;
  if (intake->track->keyframe == NULL || !is_due(intake->asked, intake->asked_us, intake->now_us))
    return;
  for (gint i = 0; i < (gint)intake->layers.max; i++) {
    Stream *stream = &intake->streams[i];
    any = any || layers->all[i].used;
    const gboolean in_use = layers->current == LAYERS_NONE ? layers_sends(layers, i, intake->now_us) : i == layers->current;
    if (!(intake->wanted && in_use) && i != layers->next)
      continue;
    if (!is_due(stream->asked, stream->asked_us, intake->now_us))
      continue;
    stream->asked = TRUE;
    stream->asked_us = intake->now_us;
    ask_of(intake, layers->all[i].ssrc);
  }
  if (any || !intake->wanted)
    return;
  intake->asked = TRUE;
  intake->asked_us = intake->now_us;
  ask_of(intake, 0);
}

void intake_want_keyframe(Intake *intake, gboolean wanted) {
  intake->wanted = wanted || intake->layers.broken; /* what a loss asks for only a keyframe brings */
  if (wanted)
    ask(intake);
}

void intake_keyframe_came(Intake *intake) {
  intake->wanted = FALSE;
  layers_mend(&intake->layers);
}

void intake_begin(Intake *intake, gint64 now_us) {
  intake->now_us = MAX(intake->now_us, now_us);
  intake->asked = FALSE;
  ask(intake);
}

/* --- in order --- */

static void use(Intake *intake, const Stream *stream) {
  intake->events.restart(intake->user);
  if (stream->report_set)
    intake->events.report(stream->ntp, stream->rtp_time, intake->user);
}

static void on_ordered(const ReorderPacket *packet, gpointer user) {
  const Stream *stream = user;
  Intake *intake = stream->intake;
  guint32 pixels;
  if (intake->layers.current != stream->index) {
    if (!intake->codec->begins_keyframe(packet->bytes, packet->n_bytes, &pixels) ||
        !layers_adopt(&intake->layers, stream->index, intake->now_us))
      return;
    intake->shift = (guint16)(intake->last_seq + 2 - packet->seq);
    intake->stats.switches++;
    use(intake, stream);
  }
  ReorderPacket out = *packet;
  out.seq = intake->last_seq = (guint16)(packet->seq + intake->shift);
  intake->events.packet(&out, intake->user);
}

/* What a push or the time has changed: losses, the choice of layers, and what need not be held any more. */
static void settle(Intake *intake) {
  layers_advance(&intake->layers, intake->now_us);
  for (gint i = 0; i < (gint)intake->layers.max; i++) {
    Stream *stream = &intake->streams[i];
    if (stream->reorder == NULL)
      continue;
    const guint64 lost = reorder_stats(stream->reorder).lost;
    if (i == intake->layers.current && lost != stream->lost) {
      intake->stats.lost += lost - stream->lost;
      intake->wanted = intake->video;
      layers_break(&intake->layers, intake->now_us);
    }
    stream->lost = lost;
    if (!layers_takes(&intake->layers, i))
      g_clear_pointer(&stream->reorder, reorder_free);
  }
  ask(intake);
}

void intake_advance(Intake *intake, gint64 now_us) {
  intake->now_us = MAX(intake->now_us, now_us);
  for (guint i = 0; i < intake->layers.max; i++)
    if (intake->streams[i].reorder != NULL)
      reorder_advance(intake->streams[i].reorder, intake->now_us);
  settle(intake);
}

void intake_flush(Intake *intake) {
  const gint current = intake->layers.current;
  if (current != LAYERS_NONE && intake->streams[current].reorder != NULL)
    reorder_flush(intake->streams[current].reorder);
}

/* --- packets --- */

typedef enum Payload { PAYLOAD_MALFORMED, PAYLOAD_FILLER, PAYLOAD_MEDIA } Payload;

static gboolean is_media_pt(const RecorderTrack *track, guint8 pt) {
  return pt == track->pt || (track->pts[pt / 64] >> (pt % 64) & 1) != 0;
}

/* Chromium sends VP8 inside RED when red and ulpfec are negotiated; what else has this SSRC only fills the sequence. */
static Payload classify(const Intake *intake, RtpView *view, RtpRed *red) {
  const RecorderTrack *track = intake->track;
  red->n_blocks = 0;
  if (view->n_payload == 0)
    return PAYLOAD_FILLER;
  if (track->red_pt != 0 && view->pt == track->red_pt) {
    if (!rtp_read_red(view->payload, view->n_payload, red))
      return PAYLOAD_MALFORMED;
    const RtpRedBlock *primary = &red->blocks[--red->n_blocks];
    view->pt = primary->pt;
    view->payload = primary->bytes;
    view->n_payload = primary->n;
  }
  if (!is_media_pt(track, view->pt))
    return PAYLOAD_FILLER;
  return intake->codec->plausible(view->payload, view->n_payload) ? PAYLOAD_MEDIA : PAYLOAD_MALFORMED;
}

/* What RED repeats of earlier packets fills in for those that are missing, one number a block, and for none before the first that came (R9). In video a
 * RED packet has one block (RFC 5109). */
static void push_repeated(const Intake *intake, Reorder *reorder, const RtpView *view, const RtpRed *red, gint64 arrival_us) {
  for (guint i = 0; !intake->video && i < red->n_blocks; i++) {
    const RtpRedBlock *block = &red->blocks[i];
    const guint16 seq = (guint16)(view->seq - (red->n_blocks - i));
    if (!is_media_pt(intake->track, block->pt) || !intake->codec->plausible(block->bytes, block->n) || !reorder_misses(reorder, seq))
      continue;
    const ReorderPacket packet = {
        .seq = seq, .rtp_time = view->rtp_time - block->earlier, .arrival_us = arrival_us, .n_bytes = block->n, .bytes = block->bytes};
    reorder_push(reorder, &packet);
  }
}

static void begin_stream(Intake *intake, Stream *stream, guint32 ssrc) {
  if (intake->layers.max == 1 && stream->reorder != NULL)
    reorder_flush(stream->reorder);
  else
    g_clear_pointer(&stream->reorder, reorder_free);
  Reorder *kept = stream->reorder;
  const guint64 lost = kept != NULL ? reorder_stats(kept).lost : 0;
  const Report *report = &intake->report;
  *stream = (Stream){.intake = intake, .index = stream->index, .reorder = kept, .lost = MIN(lost, stream->lost)};
  if (report->set && report->ssrc == ssrc) {
    stream->report_set = TRUE;
    stream->ntp = report->ntp;
    stream->rtp_time = report->rtp_time;
  }
  if (intake->layers.current == stream->index)
    use(intake, stream);
}

static Stream *stream_of(Intake *intake, const RtpView *view, Payload payload, gsize n, gint64 arrival_us) {
  gboolean fresh;
  if (payload != PAYLOAD_MEDIA && layers_find(&intake->layers, view->ssrc) == LAYERS_NONE) /* FEC streams have SSRCs of their own */
    return NULL;
  const gint index = layers_packet(&intake->layers, view->ssrc, view->seq, n, arrival_us, &fresh);
  if (index == LAYERS_NONE)
    return NULL;
  Stream *stream = &intake->streams[index];
  if (fresh)
    begin_stream(intake, stream, view->ssrc);
  if (stream->reorder == NULL && layers_takes(&intake->layers, index)) {
    stream->reorder = reorder_new(on_ordered, stream);
    stream->lost = 0;
  }
  return stream;
}

void intake_packet(Intake *intake, const guint8 *bytes, gsize n, gint64 arrival_us) {
  RtpView view;
  RtpRed red;
  guint32 pixels = 0;
  intake->now_us = MAX(intake->now_us, arrival_us);
  intake->stats.packets++;
  Payload payload = rtp_read(bytes, n, &view) ? classify(intake, &view, &red) : PAYLOAD_MALFORMED;
  if (payload == PAYLOAD_MALFORMED) {
    intake->stats.malformed++;
    return;
  }
  Stream *stream = stream_of(intake, &view, payload, n, arrival_us);
  if (stream == NULL)
    return;
  if (payload == PAYLOAD_MEDIA && intake->layers.max > 1 && intake->codec->begins_keyframe(view.payload, view.n_payload, &pixels))
    layers_keyframe(&intake->layers, stream->index, pixels, arrival_us);
  if (stream->reorder != NULL) {
    push_repeated(intake, stream->reorder, &view, &red, arrival_us);
    ReorderPacket packet = {.seq = view.seq, .filler = payload == PAYLOAD_FILLER, .arrival_us = arrival_us};
    if (!packet.filler) {
      packet.marker = view.marker;
      packet.rtp_time = view.rtp_time;
      packet.bytes = view.payload;
      packet.n_bytes = view.n_payload;
    }
    reorder_push(stream->reorder, &packet);
  }
  settle(intake);
}

void intake_report(Intake *intake, guint32 ssrc, guint64 ntp, guint32 rtp_time) {
  intake->report = (Report){.set = TRUE, .ssrc = ssrc, .ntp = ntp, .rtp_time = rtp_time};
  const gint index = layers_find(&intake->layers, ssrc);
  if (index == LAYERS_NONE)
    return;
  Stream *stream = &intake->streams[index];
  stream->report_set = TRUE;
  stream->ntp = ntp;
  stream->rtp_time = rtp_time;
  if (index == intake->layers.current)
    intake->events.report(ntp, rtp_time, intake->user);
}

Intake *intake_new(const RecorderTrack *track, const Codec *codec, const IntakeEvents *events, gpointer user) {
  Intake *intake = g_new0(Intake, 1);
  intake->track = track;
  intake->codec = codec;
  intake->events = *events;
  intake->user = user;
  intake->video = codec->begins_keyframe != NULL;
  intake->wanted = intake->video;
  layers_init(&intake->layers, track->simulcast && intake->video);
  for (gint i = 0; i < LAYERS_MAX; i++)
    intake->streams[i] = (Stream){.intake = intake, .index = i};
  return intake;
}

void intake_free(Intake *intake) {
  if (intake == NULL)
    return;
  for (guint i = 0; i < LAYERS_MAX; i++)
    reorder_free(intake->streams[i].reorder);
  g_free(intake);
}

IntakeStats intake_stats(const Intake *intake) {
  return intake->stats;
}
