/* SPDX-License-Identifier: Apache-2.0 */
/* Who is here and who is alive (R8, R10, R15). */
#include "gate/consent/consent-private.h"

uint64_t consent_roster_mask(const ConsentSession *session) {
  uint64_t mask = 0;
  for (ConsentPerson person = 1; person <= session->people; person++)
    if (session->members[person].on_roster)
      mask |= UINT64_C(1) << (person - 1);
  return mask;
}

static void end_legs(ConsentSession *session, ConsentPerson person) {
  session->members[person].legs_ending = true;
  consent_emit(session, &(ConsentEffect){.type = CONSENT_EFFECT_END_LEGS, .person = person});
}

/* R15: off the roster and the legs first; the gate stays closed until they are gone. The grant stays for a quick return (R3),
 * and so does the pause, until the asker resumes. The gate is closed already: by the caller, or by the lapse that came before. */
static void depart(ConsentSession *session, ConsentPerson person, ConsentReason reason, int64_t left_us) {
  session->members[person].on_roster = false;
  session->members[person].left_us = left_us;
  end_legs(session, person);
  consent_emit(session, &(ConsentEffect){.type = CONSENT_EFFECT_LEFT, .person = person, .reason = reason});
  if (!session->active)
    return;
  consent_request_tell_consents(session);
  if (person == session->asker) /* R14 */
    consent_request_end(session, (ConsentStatus){CONSENT_STATE_STOPPED, CONSENT_REASON_ASKER_LEFT, person});
  else if (!session->ahead && consent_roster_mask(session) == 0)
    consent_request_end(session, (ConsentStatus){CONSENT_STATE_STOPPED, CONSENT_REASON_ENDED, person});
}

/* What the clock alone brings about, before the event that came with it: a lapse is not undone by the heartbeat that
 * follows it (R10). */
void consent_roster_pass_time(ConsentSession *session, int64_t now_us) {
  consent_gate_check(session, now_us);
  for (ConsentPerson person = 1; person <= session->people; person++)
    if (session->members[person].on_roster && !consent_on_roster_at(session, person, now_us))
      depart(session, person, CONSENT_REASON_SILENT, session->members[person].alive_us + session->config.absent_us);
  session->passed_us = now_us;
}

/* R5. Whoever has been in the call already shows there whether they can consent. */
void consent_roster_invite(ConsentSession *session, const ConsentEvent *event) {
  ConsentMember *member = &session->members[event->person];
  member->known = true;
  member->invited = true;
  if (event->person > session->people)
    session->people = event->person;
  if (!member->was_here)
    member->cannot_consent = event->cannot_consent;
  if (session->active && event->granted_before) /* R4: their no is a withdrawal, whoever heard the yes */
    member->granted_before = true;
}

/* R3: a grant survives a return within absent_us of the last sign of life, one in writing stands until the first JOIN (R5); a
 * token that cannot consent ends it (R4). */
static void review_grant(const ConsentSession *session, ConsentMember *member, int64_t now_us) {
  bool too_late = member->was_here && now_us - member->alive_us >= session->config.absent_us;
  if (!member->granted || (!too_late && !member->cannot_consent))
    return;
  member->granted = false;
  member->media = CONSENT_MEDIA_NONE;
}

/* R8: closes first, whoever comes and whatever they had granted; the caller tells the newcomer after the effects. */
void consent_roster_join(ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  ConsentMember *member = &session->members[event->person];
  consent_gate_close(session, CONSENT_REASON_NEWCOMER, event->person);
  member->may_request = event->may_request;
  member->cannot_consent = event->cannot_consent;
  if (!member->on_roster)
    member->joined_later = session->active;
  review_grant(session, member, now_us);
  member->known = true;
  member->was_here = true;
  member->alive_us = now_us;
  if (event->person > session->people)
    session->people = event->person;
  if (member->on_roster)
    end_legs(session, event->person); /* R15: the second socket takes the first one's place */
  member->on_roster = true;
  if (!session->active)
    return;
  if (!member->granted)
    consent_emit(session, &(ConsentEffect){
                              .type = CONSENT_EFFECT_ASK, .person = event->person, .request = consent_recording_last(session)->request});
  consent_request_tell_consents(session);
}

/* R10: an echo confirms up to the instant its number was sent; no echo, up to lease_us before it arrived. A number that this
 * person was never sent, or so long ago that it is forgotten, confirms nothing. */
static void confirm(const ConsentSession *session, ConsentMember *member, uint64_t echo, int64_t now_us) {
  int64_t confirmed_us = now_us - session->config.lease_us;
  if (echo > member->sent_last)
    return;
  if (echo > 0) {
    if (member->sent_last - echo >= CONSENT_NUMBERS_MAX)
      return;
    confirmed_us = member->sent_us[echo % CONSENT_NUMBERS_MAX];
  }
  if (confirmed_us <= member->confirmed_us)
    return;
  member->confirmed_us = confirmed_us;
  member->confirmed_number = echo;
}

/* Somebody who left may still confirm what was recorded of them, but is no more alive by it. What waited for absent_us is
 * dropped first: a late confirmation is too late (R10). */
void consent_roster_alive(ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  ConsentMember *member = &session->members[event->person];
  consent_segments_sweep(session, now_us);
  confirm(session, member, event->echo, now_us);
  if (member->on_roster)
    member->alive_us = now_us;
}

/* Leaving is the last heartbeat (R10). */
void consent_roster_leave(ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  consent_gate_close(session, CONSENT_REASON_LEFT, event->person);
  consent_roster_alive(session, event, now_us);
  depart(session, event->person, CONSENT_REASON_LEFT, now_us);
}
