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
/* From now on this side sees a full ICE agent of the gate's with these candidates (copied), and no a=ice-lite. */
void negotiation_set_candidates(Negotiation *negotiation, CallSide side, const char *const *candidates);
/* A candidate of a side's full agent that arrived beside its descriptions (RFC 8838): the value of a=candidate, "" for their end. Kept, as many as
 * NEGOTIATION_TRICKLED_MAX, for the agreement that is under way or the first one. TRUE: it also belongs to what is agreed already. */
#define NEGOTIATION_TRICKLED_MAX 32
gboolean negotiation_add_candidate(Negotiation *negotiation, CallSide side, const char *value) G_GNUC_WARN_UNUSED_RESULT;
const LegCredentials *negotiation_credentials(const Negotiation *negotiation, CallSide side); /* those in force */

/* What a full agent of the gate's is to know of the side it talks to (IceRemote). Strings are owned. */
typedef struct NegotiationIce {
  char *ufrag, *pwd, **candidates; /* ufrag NULL: no transport */
  gboolean controlling, complete;
} NegotiationIce;

typedef struct NegotiationResult {
  char *out;                 /* for the other side; NULL: nothing */
  gboolean is_lite;          /* who described itself is ICE-lite */
  gboolean agreed;           /* an answer passed: legs and tracks are to be applied */
  CallWorkerLeg legs[2];
  NegotiationIce ice[2];
  gboolean tracks_changed[2];
} NegotiationResult;
void negotiation_result_clear(NegotiationResult *result);

/* FALSE: refused, nothing changed. result is zeroed by the caller. */
gboolean negotiation_handle(Negotiation *negotiation, CallSide from, SdpType type, const char *sdp, NegotiationResult *result,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
const GArray *negotiation_tracks(const Negotiation *negotiation, CallSide side); /* CallTrack: those it sends */
void negotiation_set_track(Negotiation *negotiation, CallSide side, const CallTrack *track); /* in place of the one of its mid */

#endif
