/* SPDX-License-Identifier: Apache-2.0 */
/* From two descriptions to tracks: who sends what, under which payload types. */
#include "pipelines/relay/tracks.h"

#include <string.h>

static const SdpTrack *track_of_mid(const SdpInfo *info, const char *mid) {
  for (guint i = 0; i < info->tracks->len; i++)
    if (strcmp(((const SdpTrack *)info->tracks->pdata[i])->mid, mid) == 0)
      return info->tracks->pdata[i];
  return NULL;
}

/* Not media of their own: they repair, repeat or fill it. */
static gboolean is_auxiliary(const SdpPayload *payload) {
  static const char *const names[] = {"rtx", "red", "ulpfec", "flexfec-03", "telephone-event", "cn", ""};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
    if (strcmp(payload->codec, names[i]) == 0)
      return TRUE;
  return FALSE;
}

static gboolean has_own_ssrc(const SdpPayload *payload) {
  return strcmp(payload->codec, "rtx") == 0 || strcmp(payload->codec, "flexfec-03") == 0;
}

static guint8 pt_of(const SdpTrack *track, const char *codec) {
  for (guint i = 0; i < track->payloads->len; i++) {
    const SdpPayload *payload = &g_array_index(track->payloads, SdpPayload, i);
    if (strcmp(payload->codec, codec) == 0)
      return payload->pt;
  }
  return 0;
}

/* RFC 4588 section 8.6: each payload type that is sent again has one of its own for that. */
static void set_repairs(RelayTrack *to, const SdpTrack *answer) {
  for (guint i = 0; i < answer->payloads->len; i++) {
    const SdpPayload *payload = &g_array_index(answer->payloads, SdpPayload, i);
    if (strcmp(payload->codec, "rtx") == 0 && payload->has_apt && relay_track_has_pt(to, payload->apt))
      to->repaired_pt[payload->pt] = payload->apt;
  }
}

/* The sender may change among a codec's formats without a new offer; to a recorder they are one. */
static void set_codec_pts(CallTrack *to, const SdpTrack *answer) {
  for (guint i = 0; i < answer->payloads->len; i++) {
    const SdpPayload *payload = &g_array_index(answer->payloads, SdpPayload, i);
    if (strcmp(payload->codec, to->codec) == 0 && payload->clock_rate == to->clock_rate)
      to->pts[payload->pt / 64] |= (guint64)1 << (payload->pt % 64);
  }
}

static gboolean has_codec_of(const GArray *codecs, guint8 pt) {
  for (guint i = 0; i < codecs->len; i++)
    if (pts_have(g_array_index(codecs, CallTrack, i).pts, pt))
      return TRUE;
  return FALSE;
}

static void add_codec(RelayTrack *to, const SdpTrack *answer, const SdpPayload *payload) {
  CallTrack one = to->call;
  one.pt = payload->pt;
  one.clock_rate = payload->clock_rate;
  g_strlcpy(one.codec, payload->codec, sizeof one.codec);
  set_codec_pts(&one, answer);
  g_array_append_val(to->codecs, one);
}

/* RFC 3264 section 6.1: the answer's first format is what is used, until a packet of another comes. Browsers give a format the same number in both descriptions. */
static gboolean set_payloads(RelayTrack *to, const SdpTrack *answer) {
  to->call.red_pt = pt_of(answer, "red");
  to->call.ulpfec_pt = pt_of(answer, "ulpfec");
  for (guint i = 0; i < answer->payloads->len; i++) {
    const SdpPayload *payload = &g_array_index(answer->payloads, SdpPayload, i);
    if (!has_own_ssrc(payload))
      to->media_pts[payload->pt / 64] |= (guint64)1 << (payload->pt % 64);
    if (!is_auxiliary(payload) && !has_codec_of(to->codecs, payload->pt))
      add_codec(to, answer, payload);
  }
  set_repairs(to, answer);
  return to->codecs->len > 0 && relay_track_use_pt(to, g_array_index(to->codecs, CallTrack, 0).pt);
}

GArray *tracks_agreed(const SdpInfo *own, const SdpInfo *other, const SdpInfo *answer) {
  GArray *tracks = g_array_new(FALSE, TRUE, sizeof(RelayTrack));
  g_array_set_clear_func(tracks, relay_track_clear);
  for (guint i = 0; i < own->tracks->len; i++) {
    const SdpTrack *mine = own->tracks->pdata[i], *theirs = track_of_mid(other, mine->mid), *agreed = track_of_mid(answer, mine->mid);
    if (theirs == NULL || agreed == NULL || strcmp(mine->medium, theirs->medium) != 0)
      continue;
    RelayTrack track = {.ssrcs = g_array_ref(mine->ssrcs),
                        .repairs = g_array_ref(mine->repairs),
                        .codecs = g_array_new(FALSE, TRUE, sizeof(CallTrack)),
                        .mid_ext_id = agreed->mid_ext_id,
                        .rid_ext_id = agreed->rid_ext_id,
                        .repaired_rid_ext_id = agreed->repaired_rid_ext_id};
    g_strlcpy(track.call.mid, mine->mid, sizeof track.call.mid);
    g_strlcpy(track.call.medium, mine->medium, sizeof track.call.medium);
    track.call.simulcast = mine->sim_group || (mine->simulcast && theirs->simulcast);
    track.sends = set_payloads(&track, agreed) && mine->sends && theirs->receives;
    track.rtcp_rsize = mine->rtcp_rsize && theirs->rtcp_rsize;
    g_array_append_val(tracks, track);
  }
  return tracks;
}

GArray *tracks_sent(const GArray *relay_tracks) {
  GArray *sent = g_array_new(FALSE, TRUE, sizeof(CallTrack));
  for (guint i = 0; i < relay_tracks->len; i++) {
    const RelayTrack *track = &g_array_index(relay_tracks, RelayTrack, i);
    if (track->sends)
      g_array_append_val(sent, track->call);
  }
  return sent;
}

gboolean tracks_equal(const GArray *call_tracks, const GArray *others) {
  return call_tracks->len == others->len &&
         (call_tracks->len == 0 || memcmp(call_tracks->data, others->data, call_tracks->len * sizeof(CallTrack)) == 0);
}
