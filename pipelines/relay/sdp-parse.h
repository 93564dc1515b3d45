/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: one description as GstSDP sees it, after the limits and the rules that every description must keep.
 *
 * Threads: any, no state. */
#ifndef RECGATE_SDP_PARSE_H
#define RECGATE_SDP_PARSE_H

#include "pipelines/relay/sdp.h"

#include <gst/sdp/gstsdpmessage.h>

/* Limits first (fault 19), then GstSDP, then: mids are unique, every live section is in the one BUNDLE group (RFC 9143), runs over DTLS, and RTP
 * has rtcp-mux (RFC 5761). gst_sdp_message_free it; NULL and error otherwise. */
GstSDPMessage *sdp_parse(const char *sdp, SdpType type, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Port 0 is a rejection, but not where an offer says bundle-only (RFC 9143 section 6). */
gboolean sdp_section_is_live(const GstSDPMedia *media, SdpType type);
/* The live section that speaks for the bundle's transport (RFC 9143 section 7.2): the first of the group with a port; NULL: nothing is live. */
const GstSDPMedia *sdp_transport_section(const GstSDPMessage *message, SdpType type);

/* Names of attributes are compared without case and end at a blank too, as the most lenient reader has it (Firefox's takes "a=candidate 1 1 ..."):
 * what it would see may not slip past the gate. */
gboolean sdp_attribute_is(const GstSDPAttribute *attribute, const char *name);
/* The section's first value, else the session's (media may be NULL); NULL without it. Flags have the value "". */
const char *sdp_attribute(const GstSDPMessage *message, const GstSDPMedia *media, const char *name);
const char *sdp_section_attribute(const GstSDPMedia *media, const char *name);

#endif
