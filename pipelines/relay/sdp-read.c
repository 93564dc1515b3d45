/* SPDX-License-Identifier: Apache-2.0 */
/* What a description says: transport parameters of its sender and its audio and video sections. */
#include "pipelines/relay/sdp-parse.h"

#include <stdlib.h>
#include <string.h>

#define SSRCS_MAX        64 /* a section: three simulcast layers with RTX and FEC are 9 */
#define PAYLOADS_MAX     128
#define FINGERPRINTS_MAX 8
#define CANDIDATES_MAX   32
#define EXTENSION_URI    "urn:ietf:params:rtp-hdrext:sdes:"

static void track_free(gpointer data) {
  SdpTrack *track = data;
  g_array_unref(track->payloads);
  g_array_unref(track->ssrcs);
  g_array_unref(track->repairs);
  g_free(track);
}

void sdp_info_free(SdpInfo *info) {
  if (info == NULL)
    return;
  explicit_bzero(info->pwd, sizeof info->pwd);
  g_free(info->fingerprints);
  g_strfreev(info->candidates);
  g_ptr_array_unref(info->tracks);
  g_free(info);
}

/* A number of at most `max`, followed by a space or the end. */
static gboolean take_number(const char **text, guint64 max, guint64 *value) {
  if (!g_ascii_isdigit(**text))
    return FALSE;
  char *end = NULL;
  guint64 number = g_ascii_strtoull(*text, &end, 10);
  if (number > max || (*end != '\0' && *end != ' '))
    return FALSE;
  *value = number;
  *text = *end == ' ' ? end + 1 : end;
  return TRUE;
}

static SdpPayload *find_payload(SdpTrack *track, guint64 pt) {
  for (guint i = 0; i < track->payloads->len; i++)
    if (g_array_index(track->payloads, SdpPayload, i).pt == pt)
      return &g_array_index(track->payloads, SdpPayload, i);
  return NULL;
}

/* RFC 3551 table 4: formats that need no rtpmap and that browsers still offer. */
static void set_static(SdpPayload *payload) {
  const char *codec = payload->pt == 0 ? "pcmu" : payload->pt == 8 ? "pcma" : payload->pt == 9 ? "g722" : "";
  g_strlcpy(payload->codec, codec, sizeof payload->codec);
  payload->clock_rate = *codec != '\0' ? 8000 : 0;
}

static void read_formats(SdpTrack *track, const GstSDPMedia *media) {
  for (guint i = 0; i < gst_sdp_media_formats_len(media) && track->payloads->len < PAYLOADS_MAX; i++) {
    const char *text = gst_sdp_media_get_format(media, i);
    guint64 pt;
    if (!take_number(&text, 127, &pt) || find_payload(track, pt) != NULL)
      continue;
    SdpPayload payload = {.pt = (guint8)pt};
    set_static(&payload);
    g_array_append_val(track->payloads, payload);
  }
}

static void read_rtpmap(SdpTrack *track, const char *value) { /* "96 VP8/90000" */
  guint64 pt, clock_rate;
  SdpPayload *payload = take_number(&value, 127, &pt) ? find_payload(track, pt) : NULL;
  const char *slash = payload != NULL ? strchr(value, '/') : NULL;
  if (slash == NULL || slash == value || (gsize)(slash - value) >= sizeof payload->codec)
    return;
  clock_rate = g_ascii_strtoull(slash + 1, NULL, 10);
  if (clock_rate == 0 || clock_rate > G_MAXUINT32)
    return;
  memset(payload->codec, 0, sizeof payload->codec);
  for (gsize i = 0; i < (gsize)(slash - value); i++)
    payload->codec[i] = g_ascii_tolower(value[i]);
  payload->clock_rate = (guint32)clock_rate;
}

static void read_fmtp(SdpTrack *track, const char *value) { /* "97 apt=96" (RFC 4588 section 8.1) */
  guint64 pt, apt;
  SdpPayload *payload = take_number(&value, 127, &pt) ? find_payload(track, pt) : NULL;
  const char *parameter = payload != NULL ? strstr(value, "apt=") : NULL;
  if (parameter == NULL || (parameter != value && parameter[-1] != ' ' && parameter[-1] != ';'))
    return;
  apt = g_ascii_strtoull(parameter + strlen("apt="), NULL, 10);
  if (apt > 127)
    return;
  payload->apt = (guint8)apt;
  payload->has_apt = TRUE;
}

static void add_ssrc(SdpTrack *track, guint64 number) {
  guint32 ssrc = (guint32)number;
  for (guint i = 0; i < track->ssrcs->len; i++)
    if (g_array_index(track->ssrcs, guint32, i) == ssrc)
      return;
  if (track->ssrcs->len < SSRCS_MAX)
    g_array_append_val(track->ssrcs, ssrc);
}

static void read_ssrc_group(SdpTrack *track, const char *value) { /* "FID 1 2" (RFC 5576 section 4.2) */
  const char *space = strchr(value, ' ');
  const gboolean repairs = g_str_has_prefix(value, "FID ");
  guint64 ssrcs[2] = {0}, ssrc;
  guint n = 0;
  track->sim_group = track->sim_group || g_str_has_prefix(value, "SIM ");
  value = space != NULL ? space + 1 : "";
  for (; take_number(&value, G_MAXUINT32, &ssrc); n++) {
    add_ssrc(track, ssrc);
    if (n < G_N_ELEMENTS(ssrcs))
      ssrcs[n] = ssrc;
  }
  const SdpRepair repair = {.media = (guint32)ssrcs[0], .rtx = (guint32)ssrcs[1]};
  if (repairs && n == 2 && repair.media != repair.rtx && track->repairs->len < SSRCS_MAX)
    g_array_append_val(track->repairs, repair);
}

static void read_extmap(SdpTrack *track, const char *value) { /* "4 uri" or "4/sendonly uri" (RFC 8285 section 8) */
  char *end = NULL;
  guint64 id = g_ascii_isdigit(*value) ? g_ascii_strtoull(value, &end, 10) : 0;
  const char *uri = id > 0 ? strchr(end, ' ') : NULL;
  if (uri == NULL || id > 255 || !g_str_has_prefix(uri + 1, EXTENSION_URI))
    return;
  const char *name = uri + 1 + strlen(EXTENSION_URI);
  const gsize n = strcspn(name, " ");
  const struct {
    const char *name;
    guint8 *id;
  } known[] = {{"mid", &track->mid_ext_id}, {"rtp-stream-id", &track->rid_ext_id}, {"repaired-rtp-stream-id", &track->repaired_rid_ext_id}};
  for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
    if (strlen(known[i].name) == n && memcmp(known[i].name, name, n) == 0)
      *known[i].id = (guint8)id;
}

static void read_attribute(SdpTrack *track, const GstSDPAttribute *attribute) {
  const char *value = attribute->value != NULL ? attribute->value : "";
  guint64 ssrc;
  if (sdp_attribute_is(attribute, "rtpmap"))
    read_rtpmap(track, value);
  else if (sdp_attribute_is(attribute, "fmtp"))
    read_fmtp(track, value);
  else if (sdp_attribute_is(attribute, "ssrc") && take_number(&value, G_MAXUINT32, &ssrc))
    add_ssrc(track, ssrc);
  else if (sdp_attribute_is(attribute, "ssrc-group"))
    read_ssrc_group(track, value);
  else if (sdp_attribute_is(attribute, "extmap"))
    read_extmap(track, value);
  else if (sdp_attribute_is(attribute, "simulcast"))
    track->simulcast = TRUE;
  else if (sdp_attribute_is(attribute, "rtcp-rsize"))
    track->rtcp_rsize = TRUE;
  else if (sdp_attribute_is(attribute, "rtcp-fb") && (strstr(value, " nack pli") != NULL || strstr(value, " ccm fir") != NULL))
    track->has_pli = TRUE;
}

static void read_direction(SdpTrack *track, const GstSDPMessage *message, const GstSDPMedia *media) {
  static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
  gsize found = G_N_ELEMENTS(names);
  for (gsize i = 0; i < G_N_ELEMENTS(names) && found == G_N_ELEMENTS(names); i++)
    if (sdp_section_attribute(media, names[i]) != NULL)
      found = i;
  for (gsize i = 0; i < G_N_ELEMENTS(names) && found == G_N_ELEMENTS(names); i++)
    if (sdp_attribute(message, NULL, names[i]) != NULL)
      found = i;
  found = found == G_N_ELEMENTS(names) ? 0 : found; /* RFC 8866 section 6.7: sendrecv is the default */
  track->sends = found == 0 || found == 1;
  track->receives = found == 0 || found == 2;
}

static SdpTrack *read_track(const GstSDPMessage *message, const GstSDPMedia *media, SdpType type) {
  const char *medium = gst_sdp_media_get_media(media), *mid = sdp_section_attribute(media, "mid");
  if (mid == NULL || (g_strcmp0(medium, "audio") != 0 && g_strcmp0(medium, "video") != 0))
    return NULL;
  SdpTrack *track = g_new0(SdpTrack, 1);
  track->payloads = g_array_new(FALSE, TRUE, sizeof(SdpPayload));
  track->ssrcs = g_array_new(FALSE, TRUE, sizeof(guint32));
  track->repairs = g_array_new(FALSE, TRUE, sizeof(SdpRepair));
  g_strlcpy(track->mid, mid, sizeof track->mid);
  g_strlcpy(track->medium, medium, sizeof track->medium);
  read_formats(track, media);
  for (guint i = 0; i < gst_sdp_media_attributes_len(media); i++)
    read_attribute(track, gst_sdp_media_get_attribute(media, i));
  if (sdp_section_is_live(media, type))
    read_direction(track, message, media);
  return track;
}

static void collect_fingerprints(GString *lines, const GArray *attributes) {
  guint n = 0;
  for (guint i = 0; i < attributes->len && n < FINGERPRINTS_MAX; i++) {
    const GstSDPAttribute *attribute = &g_array_index(attributes, GstSDPAttribute, i);
    if (!sdp_attribute_is(attribute, "fingerprint") || attribute->value == NULL || *attribute->value == '\0')
      continue;
    g_string_append_printf(lines, "%s%s", n++ > 0 ? "\n" : "", attribute->value);
  }
}

/* Of the section that speaks for the bundle; the others' repeat them (RFC 9143 section 7.2). */
static char **read_candidates(const GstSDPMedia *media) {
  g_autoptr(GStrvBuilder) values = g_strv_builder_new();
  guint n = 0;
  for (guint i = 0; media != NULL && i < gst_sdp_media_attributes_len(media) && n < CANDIDATES_MAX; i++) {
    const GstSDPAttribute *attribute = gst_sdp_media_get_attribute(media, i);
    if (!sdp_attribute_is(attribute, "candidate") || attribute->value == NULL)
      continue;
    g_strv_builder_add(values, attribute->value);
    n++;
  }
  return g_strv_builder_end(values);
}

static SdpSetup setup_from_text(const char *text) {
  if (g_strcmp0(text, "actpass") == 0)
    return SDP_SETUP_ACTPASS;
  if (g_strcmp0(text, "active") == 0)
    return SDP_SETUP_ACTIVE;
  return g_strcmp0(text, "passive") == 0 ? SDP_SETUP_PASSIVE : SDP_SETUP_NONE;
}

/* RFC 8839 section 5.4: ice-chars only; what goes into USERNAME is compared byte by byte. */
static gboolean copy_ice(char *to, gsize size, const char *text, gsize min) {
  gsize n = text != NULL ? strlen(text) : 0;
  if (n < min || n >= size)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    if (!g_ascii_isalnum(text[i]) && text[i] != '+' && text[i] != '/')
      return FALSE;
  memcpy(to, text, n + 1);
  return TRUE;
}

static gboolean read_transport(SdpInfo *info, const GstSDPMessage *message, const GstSDPMedia *media, GError **error) {
  if (!copy_ice(info->ufrag, sizeof info->ufrag, sdp_attribute(message, media, "ice-ufrag"), 4) ||
      !copy_ice(info->pwd, sizeof info->pwd, sdp_attribute(message, media, "ice-pwd"), 22)) {
    g_set_error_literal(error, SDP_ERROR, SDP_ERROR_UNSUPPORTED, "a=ice-ufrag and a=ice-pwd are needed");
    return FALSE;
  }
  g_autoptr(GString) lines = g_string_new(NULL);
  collect_fingerprints(lines, media->attributes);
  if (lines->len == 0)
    collect_fingerprints(lines, message->attributes);
  info->setup = setup_from_text(sdp_attribute(message, media, "setup"));
  if (lines->len == 0 || info->setup == SDP_SETUP_NONE) {
    g_set_error_literal(error, SDP_ERROR, SDP_ERROR_UNSUPPORTED, "DTLS is needed: a=fingerprint and a=setup");
    return FALSE;
  }
  info->fingerprints = g_string_free(g_steal_pointer(&lines), FALSE);
  return TRUE;
}

SdpInfo *sdp_read(const char *sdp, SdpType type, GError **error) {
  GstSDPMessage *message = sdp_parse(sdp, type, error);
  if (message == NULL)
    return NULL;
  g_autoptr(SdpInfo) info = g_new0(SdpInfo, 1);
  info->tracks = g_ptr_array_new_with_free_func(track_free);
  const GstSDPMedia *transport = sdp_transport_section(message, type);
  gboolean usable = transport == NULL || read_transport(info, message, transport, error);
  info->ice_lite = sdp_attribute(message, NULL, "ice-lite") != NULL;
  info->candidates = read_candidates(transport);
  info->complete = sdp_attribute(message, transport, "end-of-candidates") != NULL;

  for (guint i = 0; usable && i < gst_sdp_message_medias_len(message); i++) {
    SdpTrack *track = read_track(message, gst_sdp_message_get_media(message, i), type);
    if (track != NULL)
      g_ptr_array_add(info->tracks, track);
  }
  gst_sdp_message_free(message);
  return usable ? g_steal_pointer(&info) : NULL;
}

gboolean sdp_is_ice_lite(const char *sdp, SdpType type) {
  GstSDPMessage *message = sdp_parse(sdp, type, NULL);
  if (message == NULL)
    return FALSE;
  gboolean lite = sdp_attribute(message, NULL, "ice-lite") != NULL;
  gst_sdp_message_free(message);
  return lite;
}
