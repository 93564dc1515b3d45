/* SPDX-License-Identifier: Apache-2.0 */
/* The text that WHIP carries beside whole descriptions: SDP fragments (RFC 8840 section 9), and addresses with places to fill in.
 *
 * Threads: any, no state. */
#ifndef RECGATE_WHIP_SDP_H
#define RECGATE_WHIP_SDP_H

#include <glib.h>

/* The first "a=ice-ufrag:" or "a=ice-pwd:" in it (name: without "a=" and colon); NULL: none. g_free it. */
char *whip_sdp_value(const char *text, const char *name);
/* The description with these ICE credentials in place of its own, wherever they stand. */
char *whip_sdp_restarted(const char *sdp, const char *ufrag, const char *pwd);
/* What an answer says of ICE, as a fragment: BUNDLE makes the first section's enough (RFC 9725 section 4.3.3). */
char *whip_sdp_fragment(const char *sdp);

/* {session}, {participant} and {resource} filled in. NULL: the template has no {resource} and one was given, or the other way round, or it is not
 * made of ids with slashes between them. resource NULL: none. */
char *whip_url_fill(const char *url, const char *session, const char *participant, const char *resource);

#endif
