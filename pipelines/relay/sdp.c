/* SPDX-License-Identifier: Apache-2.0 */
/* SDP: limits before parsing, GstSDP, and what every description must keep before anything reads or rewrites it. */
#include "pipelines/relay/sdp-parse.h"

#include <string.h>

#define MID_BYTES_MAX 63 /* SdpTrack.mid */

G_DEFINE_QUARK(sdp - error - quark, sdp_error)

SdpType sdp_type_parse(const char *text) {
  static const struct {
    const char *word;
    SdpType type;
  } types[] = {{"offer", SDP_OFFER}, {"answer", SDP_ANSWER}, {"pranswer", SDP_PRANSWER}, {"rollback", SDP_ROLLBACK}};
  for (gsize i = 0; text != NULL && i < G_N_ELEMENTS(types); i++)
    if (strcmp(text, types[i].word) == 0)
      return types[i].type;
  return SDP_NONE;
}

static gboolean fail(GError **error, SdpError code, const char *text) {
  g_set_error_literal(error, SDP_ERROR, code, text);
  return FALSE;
}

/* RFC 8866 section 5: which lines there may be, before the first m= and after it; version, origin and name once, the version first. GstSDP takes them anywhere,
 * and the last of several, where another reader would see another description. */
static gboolean check_line(const char *line, gsize n, gboolean first, gsize media, gboolean seen[2], GError **error) {
  static const char once[] = "os";
  if (n < 2 || line[1] != '=' || strchr(media > 0 ? "micbka" : "vosiuepcbtrzkam", line[0]) == NULL)
    return fail(error, SDP_ERROR_MALFORMED,
                "a line of the description is none of SDP's (a letter that may stand there, then =; RFC 8866 section 5)");
  if ((line[0] == 'v') != first)
    return fail(error, SDP_ERROR_MALFORMED, "the description has more than one v= line");
  const char *found = strchr(once, line[0]);
  if (found != NULL && seen[found - once])
    return fail(error, SDP_ERROR_MALFORMED, "the description has more than one o= or s= line");
  if (found != NULL)
    seen[found - once] = TRUE;
  return TRUE;
}

static gboolean check_lines(const char *sdp, GError **error) {
  gboolean seen[2] = {FALSE, FALSE};
  gsize media = 0;
  for (const char *line = sdp; *line != '\0';) {
    const gsize whole = strcspn(line, "\n"), n = whole > 0 && line[whole - 1] == '\r' ? whole - 1 : whole;
    const char *next = line[whole] == '\n' ? line + whole + 1 : line + whole;
    if (n == 0 && strspn(next, "\r\n") == strlen(next))
      return TRUE; /* empty lines at the end say nothing */
    media += line[0] == 'm';
    if (!check_line(line, n, line == sdp, media, seen, error))
      return FALSE;
    line = next;
  }
  return TRUE;
}

/* One pass over the bytes, none of them copied. A lone CR would be a line's end to GstSDP and not to every browser. */
static gboolean check_limits(const char *sdp, GError **error) {
  gsize n = strnlen(sdp, SDP_BYTES_MAX + 1), lines = 0, media = 0;
  if (n > SDP_BYTES_MAX)
    return fail(error, SDP_ERROR_TOO_LARGE, "the description is larger than 128 KiB");
  if (strncmp(sdp, "v=0", 3) != 0 || strchr("\r\n", sdp[3]) == NULL)
    return fail(error, SDP_ERROR_MALFORMED, "the description does not begin with v=0");

  gboolean line_starts = TRUE;
  for (gsize i = 0; i < n; i++) {
    if (line_starts && sdp[i] == 'm' && ++media > SDP_MEDIA_MAX)
      return fail(error, SDP_ERROR_TOO_LARGE, "the description has more than 64 media sections");
    line_starts = sdp[i] == '\n';
    if (line_starts && ++lines > SDP_LINES_MAX)
      return fail(error, SDP_ERROR_TOO_LARGE, "the description has more than 4000 lines");
    gboolean line_end = sdp[i] == '\n' || (sdp[i] == '\r' && sdp[i + 1] == '\n');
    if (((guchar)sdp[i] < 0x20 && sdp[i] != '\t' && !line_end) || sdp[i] == 0x7f)
      return fail(error, SDP_ERROR_MALFORMED, "the description has control characters");
  }
  if (!g_utf8_validate(sdp, (gssize)n, NULL))
    return fail(error, SDP_ERROR_MALFORMED, "the description is not UTF-8");
  return check_lines(sdp, error);
}

gboolean sdp_attribute_is(const GstSDPAttribute *attribute, const char *name) {
  gsize n = strcspn(attribute->key, " \t");
  return n == strlen(name) && g_ascii_strncasecmp(attribute->key, name, n) == 0;
}

static const char *find_attribute(const GArray *attributes, const char *name) {
  for (guint i = 0; attributes != NULL && i < attributes->len; i++) {
    const GstSDPAttribute *attribute = &g_array_index(attributes, GstSDPAttribute, i);
    if (sdp_attribute_is(attribute, name))
      return attribute->value != NULL ? attribute->value : "";
  }
  return NULL;
}

const char *sdp_section_attribute(const GstSDPMedia *media, const char *name) {
  return find_attribute(media->attributes, name);
}

const char *sdp_attribute(const GstSDPMessage *message, const GstSDPMedia *media, const char *name) {
  const char *value = media != NULL ? sdp_section_attribute(media, name) : NULL;
  return value != NULL ? value : find_attribute(message->attributes, name);
}

gboolean sdp_section_is_live(const GstSDPMedia *media, SdpType type) {
  if (gst_sdp_media_get_port(media) != 0)
    return TRUE;
  return type == SDP_OFFER && sdp_section_attribute(media, "bundle-only") != NULL;
}

/* The mids of the BUNDLE group, in its order, "" first so that the list is never empty. NULL without or with more than one group. */
static char **bundle_group(const GstSDPMessage *message) {
  const char *group = NULL;
  for (guint i = 0; i < gst_sdp_message_attributes_len(message); i++) {
    const GstSDPAttribute *attribute = gst_sdp_message_get_attribute(message, i);
    if (!sdp_attribute_is(attribute, "group") || attribute->value == NULL || !g_str_has_prefix(attribute->value, "BUNDLE "))
      continue;
    if (group != NULL)
      return NULL;
    group = attribute->value + strlen("BUNDLE");
  }
  return group != NULL ? g_strsplit(group, " ", SDP_MEDIA_MAX + 2) : NULL;
}

static gboolean proto_is_dtls(const char *proto) {
  static const char *const known[] = {"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/TLS/RTP/SAVPF", "RTP/SAVPF",
                                      "UDP/DTLS/SCTP",     "TCP/DTLS/SCTP",    "DTLS/SCTP",         NULL};
  return proto != NULL && g_strv_contains(known, proto);
}

static gboolean check_live_section(const GstSDPMedia *media, char **group, GError **error) {
  const char *mid = sdp_section_attribute(media, "mid");
  if (mid == NULL || group == NULL || !g_strv_contains((const char *const *)group, mid))
    return fail(error, SDP_ERROR_UNSUPPORTED,
                "BUNDLE is needed: one a=group:BUNDLE with the mid of every media section (bundlePolicy \"max-bundle\")");
  if (!proto_is_dtls(gst_sdp_media_get_proto(media)))
    return fail(error, SDP_ERROR_UNSUPPORTED, "media must run over DTLS (UDP/TLS/RTP/SAVPF or UDP/DTLS/SCTP)");
  if (strstr(gst_sdp_media_get_proto(media), "SCTP") == NULL && sdp_section_attribute(media, "rtcp-mux") == NULL)
    return fail(error, SDP_ERROR_UNSUPPORTED, "a=rtcp-mux is needed in every media section (rtcpMuxPolicy \"require\")");
  return TRUE;
}

static gboolean check_sections(const GstSDPMessage *message, SdpType type, GError **error) {
  g_auto(GStrv) group = bundle_group(message);
  g_autoptr(GHashTable) mids = g_hash_table_new(g_str_hash, g_str_equal);
  if (gst_sdp_message_medias_len(message) > SDP_MEDIA_MAX)
    return fail(error, SDP_ERROR_TOO_LARGE, "the description has more than 64 media sections");

  for (guint i = 0; i < gst_sdp_message_medias_len(message); i++) {
    const GstSDPMedia *media = gst_sdp_message_get_media(message, i);
    const char *mid = sdp_section_attribute(media, "mid");
    if (mid != NULL && (mid[0] == '\0' || strlen(mid) > MID_BYTES_MAX))
      return fail(error, SDP_ERROR_MALFORMED, "a media section's mid is empty or longer than 63 bytes");
    if (mid != NULL && !g_hash_table_add(mids, (gpointer)mid))
      return fail(error, SDP_ERROR_MALFORMED, "two media sections have the same mid");
    if (sdp_section_is_live(media, type) && !check_live_section(media, group, error))
      return FALSE;
  }
  return TRUE;
}

GstSDPMessage *sdp_parse(const char *sdp, SdpType type, GError **error) {
  if (!check_limits(sdp, error))
    return NULL;
  GstSDPMessage *message = NULL;
  gst_sdp_message_new(&message);
  if (gst_sdp_message_parse_buffer((const guint8 *)sdp, (guint)strlen(sdp), message) != GST_SDP_OK) {
    fail(error, SDP_ERROR_MALFORMED, "the description cannot be parsed");
    gst_sdp_message_free(message);
    return NULL;
  }
  if (!check_sections(message, type, error)) {
    gst_sdp_message_free(message);
    return NULL;
  }
  return message;
}

static const GstSDPMedia *section_by_mid(const GstSDPMessage *message, const char *mid) {
  for (guint i = 0; i < gst_sdp_message_medias_len(message); i++) {
    const GstSDPMedia *media = gst_sdp_message_get_media(message, i);
    if (g_strcmp0(sdp_section_attribute(media, "mid"), mid) == 0)
      return media;
  }
  return NULL;
}

const GstSDPMedia *sdp_transport_section(const GstSDPMessage *message, SdpType type) {
  g_auto(GStrv) group = bundle_group(message);
  const GstSDPMedia *fallback = NULL;
  for (guint i = 0; group != NULL && group[i] != NULL; i++) {
    const GstSDPMedia *media = group[i][0] != '\0' ? section_by_mid(message, group[i]) : NULL;
    if (media == NULL || !sdp_section_is_live(media, type))
      continue;
    if (gst_sdp_media_get_port(media) != 0)
      return media;
    fallback = fallback != NULL ? fallback : media;
  }
  return fallback;
}
