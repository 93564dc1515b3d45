/* SPDX-License-Identifier: Apache-2.0 */
/* Open or closed (R7), and what everyone is told about it. */
#include "gate/consent/consent-private.h"

static bool alive_at(const ConsentSession *session, const ConsentMember *member, int64_t now_us) {
  return now_us < member->alive_us + session->config.lease_us;
}

/* As a heartbeat's: until when the last clean comparison holds. None yet holds for no time. */
static int64_t compared_end_us(const ConsentSession *session) {
  return session->compared_us > 0 ? session->compared_us + session->config.lease_us : 0;
}

/* The first person with the obstacle stands for all of them: a state names one. */
static void note_first(ConsentPerson *first, bool obstacle, ConsentPerson person) {
  if (obstacle && *first == 0)
    *first = person;
}

static ConsentReason waiting_reason(const ConsentMember *member) {
  if (member->granted_before) /* R3: returned too late */
    return CONSENT_REASON_WAITING;
  return member->joined_later ? CONSENT_REASON_NEWCOMER : CONSENT_REASON_REQUESTED;
}

/* R7. What a person must do comes before what passes by itself, so that the state says what to wait for. */
bool consent_gate_may_open(const ConsentSession *session, int64_t now_us, ConsentStatus *why) {
  ConsentPerson unable = 0, waiting = 0, paused = 0, ending = 0, silent = 0;
  uint32_t present = 0;
  for (ConsentPerson person = 1; person <= session->people; person++) {
    const ConsentMember *member = &session->members[person];
    note_first(&paused, member->paused, person);      /* R14: also of somebody who left, until the asker resumes */
    note_first(&ending, member->legs_ending, person); /* R15 */
    if (!member->on_roster)
      continue;
    present++;
    note_first(&unable, member->cannot_consent, person);
    note_first(&waiting, !member->granted, person);
    note_first(&silent, !alive_at(session, member, now_us), person);
  }
  *why = (ConsentStatus){CONSENT_STATE_SUSPENDED, CONSENT_REASON_NONE, 0};
  if (!session->active)
    *why = session->rest;
  else if (present == 0)
    *why = (ConsentStatus){CONSENT_STATE_ASKING, CONSENT_REASON_REQUESTED, session->asker};
  else if (unable > 0)
    *why = (ConsentStatus){CONSENT_STATE_SUSPENDED, CONSENT_REASON_CANNOT_CONSENT, unable};
  else if (waiting > 0) {
    ConsentReason reason = waiting_reason(&session->members[waiting]);
    *why = (ConsentStatus){CONSENT_STATE_ASKING, reason, reason == CONSENT_REASON_REQUESTED ? session->asker : waiting};
  } else if (paused > 0)
    *why = (ConsentStatus){CONSENT_STATE_PAUSED, CONSENT_REASON_PAUSED, paused};
  else if (ending > 0)
    *why = (ConsentStatus){CONSENT_STATE_SUSPENDED, CONSENT_REASON_LEFT, ending};
  else if (silent > 0)
    *why = (ConsentStatus){CONSENT_STATE_SUSPENDED, CONSENT_REASON_SILENT, silent};
  else if (!session->healthy)
    *why = (ConsentStatus){CONSENT_STATE_SUSPENDED, CONSENT_REASON_UNHEALTHY, 0};
  else if (session->unknown_media)
    *why = (ConsentStatus){CONSENT_STATE_SUSPENDED, CONSENT_REASON_UNKNOWN_MEDIA, 0};
  else if (session->sfu_fault != CONSENT_REASON_NONE)
    *why = (ConsentStatus){CONSENT_STATE_SUSPENDED, session->sfu_fault, 0};
  else if (session->config.has_sfu && now_us >= compared_end_us(session))
    *why = (ConsentStatus){CONSENT_STATE_SUSPENDED, CONSENT_REASON_SFU_SILENT, 0};
  else
    return true;
  return false;
}

/* R8, R10, R11: consent to what was just recorded has become doubtful or is gone. What ends for another reason was
 * consented to until its last packet and may still be confirmed. */
static bool revokes(ConsentReason reason) {
  return reason == CONSENT_REASON_WITHDRAWN || reason == CONSENT_REASON_SILENT || reason == CONSENT_REASON_UNHEALTHY ||
         reason == CONSENT_REASON_UNKNOWN_MEDIA || reason == CONSENT_REASON_UNKNOWN_PARTICIPANT ||
         reason == CONSENT_REASON_RECORDING_ELSEWHERE || reason == CONSENT_REASON_SFU_SILENT;
}

void consent_gate_close(ConsentSession *session, ConsentReason reason, ConsentPerson person) {
  if (session->take == 0)
    return;
  ConsentTake *take = &session->takes[session->take % CONSENT_TAKES_MAX];
  if (revokes(reason))
    take->revoked = reason;
  consent_emit(session, &(ConsentEffect){.type = CONSENT_EFFECT_CLOSE_TAKE,
                                         .person = person,
                                         .request = consent_recording_last(session)->request,
                                         .take = session->take,
                                         .reason = reason,
                                         .discard = revokes(reason)});
  session->take = 0;
}

void consent_gate_check(ConsentSession *session, int64_t now_us) {
  ConsentStatus why;
  if (!consent_gate_may_open(session, now_us, &why))
    consent_gate_close(session, why.reason, why.person);
}

/* R8. Like a heartbeat: what waited for absent_us is dropped first. What no clean comparison has followed yet may have been heard by whoever
 * is found now, so nothing that waits is kept; and a clean answer to an older question does not say that they have gone. */
void consent_gate_compared(ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  if (event->reason != CONSENT_REASON_NONE) {
    session->sfu_fault = event->reason;
    session->sfu_fault_us = now_us;
    consent_segments_revoke_all(session, event->reason);
    return;
  }
  consent_segments_sweep(session, now_us);
  if (event->asked_us > session->sfu_fault_us)
    session->sfu_fault = CONSENT_REASON_NONE;
  if (event->asked_us > session->compared_us)
    session->compared_us = event->asked_us;
}

int64_t consent_gate_lease_end_us(const ConsentSession *session) {
  int64_t end_us = session->config.has_sfu ? compared_end_us(session) : INT64_MAX;
  for (ConsentPerson person = 1; person <= session->people; person++) {
    const ConsentMember *member = &session->members[person];
    if (member->on_roster && member->alive_us + session->config.lease_us < end_us)
      end_us = member->alive_us + session->config.lease_us;
  }
  return end_us;
}

/* Whose act and what kind of act opened the gate. Things that nobody did carry no person. */
static ConsentStatus opened_by(const ConsentEvent *event) {
  switch (event->type) {
  case CONSENT_EVENT_RESUME:
    return (ConsentStatus){CONSENT_STATE_RECORDING, CONSENT_REASON_RESUMED, event->person};
  case CONSENT_EVENT_TAKE_FAILED:
    return (ConsentStatus){CONSENT_STATE_RECORDING, event->reason, 0};
  case CONSENT_EVENT_JOIN:
  case CONSENT_EVENT_INVITE:
  case CONSENT_EVENT_LEAVE:
  case CONSENT_EVENT_LEGS_ENDED:
  case CONSENT_EVENT_ALIVE:
  case CONSENT_EVENT_REQUEST:
  case CONSENT_EVENT_GRANT:
  case CONSENT_EVENT_DECLINE:
  case CONSENT_EVENT_OFFER:
  case CONSENT_EVENT_WITHDRAW:
  case CONSENT_EVENT_PAUSE:
  case CONSENT_EVENT_STOP:
    return (ConsentStatus){CONSENT_STATE_RECORDING, CONSENT_REASON_GRANTED, event->person};
  case CONSENT_EVENT_ERASED:
  case CONSENT_EVENT_HEALTH:
  case CONSENT_EVENT_UNKNOWN_MEDIA:
  case CONSENT_EVENT_COMPARED:
  case CONSENT_EVENT_SEALED:
  case CONSENT_EVENT_TICK:
    break;
  }
  return (ConsentStatus){CONSENT_STATE_RECORDING, CONSENT_REASON_GRANTED, 0};
}

static void open_take(ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  ConsentRecording *recording = &session->recordings[session->recordings_n - 1];
  uint64_t roster = consent_roster_mask(session);
  session->take = ++session->take_last;
  session->takes[session->take % CONSENT_TAKES_MAX] = (ConsentTake){.take = session->take, .roster = roster, .opened_us = now_us};
  recording->people |= roster;
  session->permit_until_us = 0;
  session->opened = opened_by(event);
  consent_emit(session,
               &(ConsentEffect){.type = CONSENT_EFFECT_OPEN_TAKE, .take = session->take, .request = recording->request, .roster = roster});
}

static void renew_permit(ConsentSession *session) {
  int64_t until_us = consent_gate_lease_end_us(session);
  if (session->take == 0 || until_us <= session->permit_until_us)
    return;
  session->permit_until_us = until_us;
  consent_emit(session, &(ConsentEffect){.type = CONSENT_EFFECT_PERMIT, .take = session->take, .until_us = until_us});
}

static void tell_state(ConsentSession *session, ConsentStatus status) {
  if (status.state == session->told.state && status.reason == session->told.reason && status.person == session->told.person &&
      session->take == session->take_told)
    return;
  session->told = status;
  session->take_told = session->take;
  const ConsentRecording *last = consent_recording_last(session);
  consent_emit(session, &(ConsentEffect){.type = CONSENT_EFFECT_STATE,
                                         .state = status.state,
                                         .reason = status.reason,
                                         .person = status.person,
                                         .request = last ? last->request : 0,
                                         .take = session->take});
}

void consent_gate_settle(ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  consent_gate_check(session, now_us);
  consent_segments_sweep(session, now_us);
  ConsentStatus status;
  bool may_open = consent_gate_may_open(session, now_us, &status);
  if (may_open && session->take == 0)
    open_take(session, event, now_us);
  renew_permit(session);
  tell_state(session, may_open ? session->opened : status);
}
