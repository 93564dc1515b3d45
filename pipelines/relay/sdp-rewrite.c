/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the sender's transport out of a description and puts the gate's in. What is not named here stays as it is, in its order. */
#include "pipelines/relay/sdp-parse.h"

#include <string.h>

/* Says who or where the sender is. identity (W3C webrtc-identity) asserts the sender's fingerprint and tls-id (RFC 8842) names the sender's DTLS
 * association: neither holds behind the gate. crypto (RFC 4568) would hand out keys. */
static gboolean attribute_is_senders(const GstSDPAttribute *attribute) {
  static const char *const names[] = {"candidate", "end-of-candidates", "remote-candidates", "fingerprint", "setup", "tls-id", "identity",
                                      "crypto"};
  if (g_ascii_strncasecmp(attribute->key, "ice-", 4) == 0)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
    if (sdp_attribute_is(attribute, names[i]))
      return TRUE;
  return FALSE;
}

/* In place and in one pass, so that thousands of attributes cost no more than their number. */
static void strip(GArray *attributes) {
  guint kept = 0;
  for (guint i = 0; i < attributes->len; i++) {
    GstSDPAttribute *attribute = &g_array_index(attributes, GstSDPAttribute, i);
    if (attribute_is_senders(attribute)) {
      gst_sdp_attribute_clear(attribute);
      continue;
    }
    if (sdp_attribute_is(attribute, "rtcp")) { /* RFC 3605: port and address; nothing listens there under rtcp-mux */
      g_free(attribute->key);
      g_free(attribute->value);
      attribute->key = g_strdup("rtcp");
      attribute->value = g_strdup("9 IN IP4 0.0.0.0");
    }
    g_array_index(attributes, GstSDPAttribute, kept++) = *attribute;
  }
  g_array_set_size(attributes, kept);
}

static const char *address_type(const char *address) {
  return strchr(address, ':') != NULL ? "IP6" : "IP4";
}

static void set_connections(GstSDPMedia *media, const char *address) {
  for (guint i = 0; i < gst_sdp_media_connections_len(media); i++) {
    GstSDPConnection connection = {0};
    gst_sdp_connection_set(&connection, "IN", address_type(address), address, 0, 0);
    gst_sdp_media_replace_connection(media, i, &connection);
  }
}

static const char *setup_text(SdpSetup setup) {
  switch (setup) {
  case SDP_SETUP_ACTPASS:
    return "actpass";
  case SDP_SETUP_ACTIVE:
    return "active";
  case SDP_SETUP_PASSIVE:
    return "passive";
  case SDP_SETUP_NONE:
    break;
  }
  return "holdconn"; /* RFC 4145: no connection; the zero value connects nobody */
}

/* Candidates in every section with a port, not in the tagged one alone: an answerer that rejects the first still finds them (RFC 9143 section 7.2). */
static void add_candidates(GstSDPMedia *media, const SdpGate *gate) {
  for (guint i = 0; gate->candidates != NULL && gate->candidates[i] != NULL; i++)
    gst_sdp_media_add_attribute(media, "candidate", gate->candidates[i]);
  for (guint i = 0; gate->candidates == NULL && gate->addresses[i] != NULL; i++) {
    /* RFC 8445 section 5.1.2.1: type preference 126 (host), local preference by the list's order, component 1. */
    guint32 priority = (126u << 24) | ((65535u - i) << 8) | 255u;
    g_autofree char *candidate = g_strdup_printf("%u 1 udp %u %s %u typ host", i + 1, priority, gate->addresses[i], gate->port);
    gst_sdp_media_add_attribute(media, "candidate", candidate);
  }
  gst_sdp_media_add_attribute(media, "end-of-candidates", NULL);
}

typedef struct Destination {
  const char *address;
  guint port;
} Destination;

/* RFC 8839 section 4.2.1.2: one of the candidates. Discard (9) and 0.0.0.0 where there is none (RFC 8840 section 4.1.1). words: split, keeps the address. */
static Destination destination_of(const SdpGate *gate, char ***words) {
  if (gate->candidates == NULL && gate->addresses[0] != NULL)
    return (Destination){gate->addresses[0], gate->port};
  *words = gate->candidates != NULL && gate->candidates[0] != NULL ? g_strsplit(gate->candidates[0], " ", 7) : NULL;
  if (*words != NULL && g_strv_length(*words) == 7)
    return (Destination){(*words)[4], (guint)g_ascii_strtoull((*words)[5], NULL, 10)};
  return (Destination){"0.0.0.0", 9};
}

static void rewrite_section(GstSDPMedia *media, SdpType type, const SdpGate *gate) {
  gboolean has_port = gst_sdp_media_get_port(media) != 0;
  g_auto(GStrv) words = NULL;
  const Destination destination = destination_of(gate, &words);
  strip(media->attributes);
  /* Free text for people. GstSDP 1.22 leaves out the end of its line, and so loses the next one. */
  gst_sdp_media_set_information(media, NULL);
  set_connections(media, has_port ? destination.address : "0.0.0.0");
  if (!sdp_section_is_live(media, type))
    return;
  gst_sdp_media_add_attribute(media, "ice-ufrag", gate->ufrag);
  gst_sdp_media_add_attribute(media, "ice-pwd", gate->pwd);
  gst_sdp_media_add_attribute(media, "fingerprint", gate->fingerprint);
  gst_sdp_media_add_attribute(media, "setup", setup_text(gate->setup));
  if (!has_port)
    return;
  gst_sdp_media_set_port_info(media, destination.port, 0);
  add_candidates(media, gate);
}

static void rewrite_session(GstSDPMessage *message, const SdpGate *gate) {
  const GstSDPOrigin *origin = gst_sdp_message_get_origin(message);
  g_autofree char *username = g_strdup(origin->username), *id = g_strdup(origin->sess_id), *version = g_strdup(origin->sess_version);
  gst_sdp_message_set_origin(message, username, id, version, "IN", "IP4", "127.0.0.1");
  if (gst_sdp_message_get_connection(message)->address != NULL)
    gst_sdp_message_set_connection(message, "IN", "IP4", "0.0.0.0", 0, 0);
  strip(message->attributes);
  if (gate->candidates == NULL)
    gst_sdp_message_add_attribute(message, "ice-lite", NULL);
  /* The gate takes trickled candidates (ICE-lite: and ignores them), so nobody waits for the end of gathering (RFC 8840 section 4.1.1). */
  gst_sdp_message_add_attribute(message, "ice-options", "trickle");
}

char *sdp_rewrite(const char *sdp, SdpType type, const SdpGate *gate, GError **error) {
  GstSDPMessage *message = sdp_parse(sdp, type, error);
  if (message == NULL)
    return NULL;
  rewrite_session(message, gate);
  for (guint i = 0; i < gst_sdp_message_medias_len(message); i++)
    rewrite_section((GstSDPMedia *)gst_sdp_message_get_media(message, i), type, gate);
  char *text = gst_sdp_message_as_text(message);
  gst_sdp_message_free(message);
  return text;
}
