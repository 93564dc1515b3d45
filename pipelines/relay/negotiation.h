/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: offer and answer between two people, each of whom talks to the gate as if it were the other (JSEP, RFC 8829).
 *
 * Threads: control thread. Knows no leg: what an answer changes comes out as CallWorkerLeg. An offer is staged until its answer; one that
 * vanishes in glare or by rollback leaves nothing behind. */
#ifndef RECGATE_NEGOTIATION_H
#define RECGATE_NEGOTIATION_H

#include "pipelines/relay/call-worker.h"

typedef struct Negotiation Negotiation;

/* fingerprint and addresses are copied. */
Negotiation *negotiation_new(const char *fingerprint, const char *const *addresses, guint16 port);
void negotiation_free(Negotiation *negotiation);
const LegCredentials *negotiation_credentials(const Negotiation *negotiation, CallSide side); /* those in force */

typedef struct NegotiationResult {
  char *out;                 /* for the other side; NULL: nothing */
  gboolean agreed;           /* an answer passed: legs and tracks are to be applied */
  CallWorkerLeg legs[2];
  gboolean tracks_changed[2];
} NegotiationResult;
void negotiation_result_clear(NegotiationResult *result);

/* FALSE: refused, nothing changed. result is zeroed by the caller. */
gboolean negotiation_handle(Negotiation *negotiation, CallSide from, SdpType type, const char *sdp, NegotiationResult *result,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
const GArray *negotiation_tracks(const Negotiation *negotiation, CallSide side); /* CallTrack: those it sends */

#endif
