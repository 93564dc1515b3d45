/* SPDX-License-Identifier: Apache-2.0 */
/* The choke point of commit: whether a sealed segment may become permanent (R8, R10, R11). */
#include "gate/consent/consent-private.h"

typedef enum SegmentFate { SEGMENT_DROP = 0, SEGMENT_WAIT, SEGMENT_COMMIT } SegmentFate;

/* NULL: never was, or so many takes ago that it is forgotten. */
static const ConsentTake *known_take(const ConsentSession *session, uint32_t number) {
  const ConsentTake *take = &session->takes[number % CONSENT_TAKES_MAX];
  return take->take > 0 && take->take == number ? take : NULL;
}

/* R8: a comparison with the SFU's roster that was asked for later. */
static bool compared(const ConsentSession *session, int64_t last_packet_us) {
  return !session->config.has_sfu || session->compared_us > last_packet_us;
}

/* R10: later signs of life of everyone who was on the roster while it was recorded, whether they are still here or not. */
static bool confirmed(const ConsentSession *session, uint64_t roster, int64_t last_packet_us) {
  for (ConsentPerson person = 1; person <= session->people; person++)
    if (roster & UINT64_C(1) << (person - 1) && session->members[person].confirmed_us <= last_packet_us)
      return false;
  return true;
}

/* The one decision. *reason is set for SEGMENT_DROP. A segment that claims packets from outside its take, or from the
 * future, is a fault of the recording's path and is treated like one. */
static SegmentFate segment_decide(const ConsentSession *session, const ConsentSegment *segment, int64_t now_us, ConsentReason *reason) {
  const ConsentTake *take = known_take(session, segment->take);
  *reason = CONSENT_REASON_OVERRUN;
  if (!take || segment->last_packet_us < take->opened_us || segment->last_packet_us > now_us)
    return SEGMENT_DROP;
  *reason = take->revoked;
  if (take->revoked != CONSENT_REASON_NONE)
    return SEGMENT_DROP;
  bool alive = confirmed(session, take->roster, segment->last_packet_us);
  if (alive && compared(session, segment->last_packet_us))
    return SEGMENT_COMMIT;
  *reason = alive ? CONSENT_REASON_SFU_SILENT : CONSENT_REASON_SILENT;
  return now_us - segment->last_packet_us < session->config.absent_us ? SEGMENT_WAIT : SEGMENT_DROP;
}

static void emit_drop(ConsentSession *session, const ConsentSegment *segment, ConsentReason reason) {
  consent_emit(session,
               &(ConsentEffect){.type = CONSENT_EFFECT_DROP, .segment = segment->segment, .take = segment->take, .reason = reason});
}

static void emit_commit(ConsentSession *session, const ConsentSegment *segment) {
  const ConsentTake *take = &session->takes[segment->take % CONSENT_TAKES_MAX];
  consent_emit(session,
               &(ConsentEffect){.type = CONSENT_EFFECT_COMMIT, .segment = segment->segment, .take = segment->take, .roster = take->roster});
}

void consent_segments_sweep(ConsentSession *session, int64_t now_us) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < session->segments_n; i++) {
    ConsentSegment segment = session->segments[i];
    ConsentReason reason = CONSENT_REASON_NONE;
    switch (segment_decide(session, &segment, now_us, &reason)) {
    case SEGMENT_COMMIT:
      emit_commit(session, &segment);
      break;
    case SEGMENT_DROP:
      emit_drop(session, &segment, reason);
      break;
    case SEGMENT_WAIT:
      session->segments[kept++] = segment;
      break;
    }
  }
  session->segments_n = kept;
}

/* Without room for one more it is dropped: a segment nobody remembers could never be confirmed. */
void consent_segments_seal(ConsentSession *session, const ConsentEvent *event) {
  ConsentSegment segment = {event->segment, event->take, event->last_packet_us};
  if (session->segments_n >= CONSENT_PROVISIONAL_MAX) {
    emit_drop(session, &segment, CONSENT_REASON_OVERRUN);
    return;
  }
  session->segments = consent_grown(session->segments, session->segments_n, &session->segments_room, sizeof segment);
  session->segments[session->segments_n++] = segment;
}

void consent_segments_revoke_all(ConsentSession *session, ConsentReason reason) {
  for (uint32_t i = 0; i < CONSENT_TAKES_MAX; i++)
    session->takes[i].revoked = reason;
}
