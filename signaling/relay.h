/* SPDX-License-Identifier: Apache-2.0 */
/* Relays: PeerConnections of one person with an SFU whose signalling is the application's own, each a call with the gate in the middle. A relay has
 * an id, and ends when it is ended, when a leg of it ends, or with its person's leaving (R15).
 *
 * Threads: control thread. The client's side is CALL_A, whose media is that person's and is recorded while the gate is open; the SFU's is CALL_B. */
#ifndef RECGATE_SIGNALING_RELAY_H
#define RECGATE_SIGNALING_RELAY_H

#include <jansson.h>

#include "signaling/session-media.h"

#define RELAY_ERROR (relay_error_quark())
GQuark relay_error_quark(void);
typedef enum RelayError {
  RELAY_ERROR_NOT_JOINED = 1, /* R7: who is to send is not in the session */
  RELAY_ERROR_MANY,           /* SESSION_SFU_LINKS_MAX relays of one person, or !ice_service_has_room */
  RELAY_ERROR_FAST,           /* [limits] messages_per_s_max descriptions and batches of candidates of one person a second, twice as many in a burst */
  RELAY_ERROR_ICE_LITE,       /* the client's side is, as the gate's towards it: neither would begin a check (RFC 8445 section 6.1.1) */
  RELAY_ERROR_DESCRIPTION,
  RELAY_ERROR_TOO_LARGE,
} RelayError;

#define RELAY_ID_BYTES 16 /* random: an address that nobody guesses */

typedef struct Relay Relay;
struct Relay {
  Daemon *daemon;
  char id[2 * RELAY_ID_BYTES + 1];
  char session[TOKEN_ID_BYTES_MAX + 1], participant[TOKEN_ID_BYTES_MAX + 1];
  Link *link;                                /* never NULL while the relay can be found */
  void (*go)(Relay *relay, gpointer data);   /* of relay_when_ready; NULL: nothing waits */
  gpointer data;
  void (*over)(Relay *relay, gpointer user); /* however it ended; the relay is freed after it. NULL: nobody asks */
  gpointer user;
};

GHashTable *relays_new(void); /* of a daemon */
/* For somebody who is in the session now; borrowed. NULL: NOT_JOINED, MANY or FAST. */
Relay *relay_new(Daemon *daemon, const char *session, const char *participant, GError **error) G_GNUC_WARN_UNUSED_RESULT;
Relay *relay_find(Daemon *daemon, const char *id); /* NULL: none, or not any more */
/* Runs go(relay, data) when a description of the client's can be passed: at once, or within 3 s where the gate has to find candidates first (call.h).
 * relay NULL: it ended before that. FALSE: one waits already, go never runs. */
gboolean relay_when_ready(Relay *relay, void (*go)(Relay *relay, gpointer data), gpointer data) G_GNUC_WARN_UNUSED_RESULT;
/* The gate begins checks to the candidates in this description of the SFU's: only who speaks for the SFU may give it (ice-agent.h). */
gboolean relay_begins_checks(const Relay *relay, SdpType type, const char *sdp);
/* As call_description. An answer to no offer is refused with DESCRIPTION; MANY: no room for the full agent that an ICE-lite SFU needs. */
gboolean relay_describe(Relay *relay, CallSide from, SdpType type, const char *sdp, char **out, GError **error) G_GNUC_WARN_UNUSED_RESULT;
#define RELAY_CANDIDATES_MAX 32 /* in one message */
/* Trickled candidates (RFC 8838), an array of {candidate: "candidate:…" or "" for their end}; the client's go nowhere. FALSE: FAST. */
gboolean relay_candidates(Relay *relay, CallSide from, const json_t *candidates, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void relay_end(Relay *relay);

#endif
