/* SPDX-License-Identifier: Apache-2.0 */
/* Yes or no to an event. Everything here is const: what is refused cannot have changed anything.
 * Time counts even when its TICK is late: who has been silent for absent_us has left, whatever the session has booked. */
#include "gate/consent/consent-private.h"

#include <string.h>

bool consent_on_roster_at(const ConsentSession *session, ConsentPerson person, int64_t now_us) {
  const ConsentMember *member = &session->members[person];
  return member->on_roster && now_us < member->alive_us + session->config.absent_us;
}

const ConsentRecording *consent_recording_find(const ConsentSession *session, uint64_t request) {
  for (uint32_t i = 0; i < session->recordings_n; i++)
    if (session->recordings[i].request == request)
      return &session->recordings[i];
  return NULL;
}

const ConsentRecording *consent_recording_last(const ConsentSession *session) {
  return session->recordings_n > 0 ? &session->recordings[session->recordings_n - 1] : NULL;
}

/* A request ends with its asker (R14) and with the last person on the roster; one made before anybody came waits for people,
 * whoever comes and goes (R5). */
static bool active_at(const ConsentSession *session, int64_t now_us) {
  if (!session->active)
    return false;
  if (session->asker > 0)
    return consent_on_roster_at(session, session->asker, now_us);
  if (session->ahead)
    return true;
  for (ConsentPerson person = 1; person <= session->people; person++)
    if (consent_on_roster_at(session, person, now_us))
      return true;
  return false;
}

static bool any_no_stands(const ConsentSession *session) {
  for (ConsentPerson person = 1; person <= session->people; person++)
    if (session->members[person].no_stands)
      return true;
  return false;
}

static ConsentResult judge_request(const ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  if (event->person > 0) {
    const ConsentMember *asker = &session->members[event->person];
    if (!consent_on_roster_at(session, event->person, now_us))
      return CONSENT_NOT_JOINED;
    if (!asker->may_request)
      return CONSENT_ROLE_MAY_NOT_ASK;
    if (asker->cannot_consent) /* asking counts as a grant (R2), which this person cannot give */
      return CONSENT_CANNOT_CONSENT;
  }
  if (active_at(session, now_us))
    return CONSENT_REQUEST_PENDING;
  if (any_no_stands(session))
    return CONSENT_DECLINED_FINAL;
  if (session->config.requests_made + session->recordings_n >= session->config.requests_max)
    return CONSENT_REQUEST_LIMIT;
  if (event->request == 0 || consent_recording_find(session, event->request))
    return CONSENT_REFUSED;
  if (event->scope < CONSENT_SCOPE_AFTER || event->scope > CONSENT_SCOPE_SESSION)
    return CONSENT_REFUSED;
  return CONSENT_OK;
}

/* R5: in writing a no is taken at any time, a yes only before the first JOIN: who was there and returns confirms again (R3). */
static bool may_write(const ConsentMember *member, ConsentEventType answer) {
  return member->invited && (answer == CONSENT_EVENT_DECLINE || !member->was_here);
}

/* The request an answer names must be the one that is open (R3, fault 25). */
static ConsentResult judge_answer(const ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  if (!consent_on_roster_at(session, event->person, now_us) && !may_write(&session->members[event->person], event->type))
    return CONSENT_NOT_JOINED;
  const ConsentRecording *last = consent_recording_last(session);
  if (!last)
    return CONSENT_NO_REQUEST;
  return active_at(session, now_us) && last->request == event->request ? CONSENT_OK : CONSENT_REQUEST_ENDED;
}

static ConsentResult judge_grant(const ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  ConsentResult answer = judge_answer(session, event, now_us);
  if (answer != CONSENT_OK)
    return answer;
  if (session->members[event->person].cannot_consent)
    return CONSENT_CANNOT_CONSENT;
  if (memcmp(event->sha256, consent_recording_last(session)->sha256, CONSENT_SHA256_BYTES) != 0)
    return CONSENT_WRONG_DISCLOSURE;
  return event->media <= CONSENT_MEDIA_ALL ? CONSENT_OK : CONSENT_REFUSED;
}

static ConsentResult judge_offer(const ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  if (!consent_on_roster_at(session, event->person, now_us))
    return CONSENT_NOT_JOINED;
  return session->members[event->person].no_stands ? CONSENT_OK : CONSENT_NOTHING_TO_LIFT;
}

static ConsentResult judge_pause_or_stop(const ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  if (!consent_on_roster_at(session, event->person, now_us))
    return CONSENT_NOT_JOINED;
  return active_at(session, now_us) ? CONSENT_OK : CONSENT_NOT_RECORDING;
}

/* R14: one's own pause, or as the asker that of people who left; never that of another who is there. */
static ConsentResult judge_resume(const ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  ConsentResult running = judge_pause_or_stop(session, event, now_us);
  if (running != CONSENT_OK || session->members[event->person].paused)
    return running;
  if (event->person != session->asker)
    return CONSENT_REFUSED;
  bool paused = false;
  for (ConsentPerson person = 1; person <= session->people; person++) {
    if (!session->members[person].paused)
      continue;
    if (consent_on_roster_at(session, person, now_us))
      return CONSENT_PAUSED_BY_OTHER;
    paused = true;
  }
  return paused ? CONSENT_OK : CONSENT_NOT_RECORDING;
}

/* A person's word confirms for absent_us after they left (R10); silence that was not booked yet counts as having left. */
static ConsentResult judge_alive(const ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  const ConsentMember *member = &session->members[event->person];
  if (!member->was_here)
    return CONSENT_NOT_JOINED;
  int64_t left_us = member->on_roster ? member->alive_us + session->config.absent_us : member->left_us;
  return now_us < left_us + session->config.absent_us ? CONSENT_OK : CONSENT_NOT_JOINED;
}

static ConsentResult judge_take_failed(const ConsentSession *session, const ConsentEvent *event) {
  if (event->reason != CONSENT_REASON_OVERRUN && event->reason != CONSENT_REASON_TRACKS)
    return CONSENT_REFUSED;
  return session->take > 0 && session->take == event->take ? CONSENT_OK : CONSENT_NOT_RECORDING;
}

/* An answer cannot come before its question. */
static ConsentResult judge_compared(const ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  if (!session->config.has_sfu || event->asked_us > now_us)
    return CONSENT_REFUSED;
  if (event->reason == CONSENT_REASON_NONE || event->reason == CONSENT_REASON_UNKNOWN_PARTICIPANT)
    return CONSENT_OK;
  return event->reason == CONSENT_REASON_RECORDING_ELSEWHERE ? CONSENT_OK : CONSENT_REFUSED;
}

/* Of somebody who was in the session at some time, or is invited. */
static ConsentResult judge_person(const ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  if (!session->members[event->person].known)
    return CONSENT_NOT_JOINED;
  switch (event->type) {
  case CONSENT_EVENT_ALIVE:
    return judge_alive(session, event, now_us);
  case CONSENT_EVENT_GRANT:
    return judge_grant(session, event, now_us);
  case CONSENT_EVENT_DECLINE:
    return judge_answer(session, event, now_us);
  case CONSENT_EVENT_OFFER:
    return judge_offer(session, event, now_us);
  case CONSENT_EVENT_PAUSE:
  case CONSENT_EVENT_STOP:
    return judge_pause_or_stop(session, event, now_us);
  case CONSENT_EVENT_RESUME:
    return judge_resume(session, event, now_us);
  case CONSENT_EVENT_WITHDRAW:
    return CONSENT_OK; /* R6: never fails, whatever it names */
  case CONSENT_EVENT_LEAVE:
    return consent_on_roster_at(session, event->person, now_us) ? CONSENT_OK : CONSENT_NOT_JOINED;
  case CONSENT_EVENT_LEGS_ENDED:
    return session->members[event->person].legs_ending ? CONSENT_OK : CONSENT_REFUSED;
  case CONSENT_EVENT_JOIN:
  case CONSENT_EVENT_INVITE:
  case CONSENT_EVENT_REQUEST:
  case CONSENT_EVENT_ERASED:
  case CONSENT_EVENT_HEALTH:
  case CONSENT_EVENT_UNKNOWN_MEDIA:
  case CONSENT_EVENT_COMPARED:
  case CONSENT_EVENT_TAKE_FAILED:
  case CONSENT_EVENT_SEALED:
  case CONSENT_EVENT_TICK:
    break;
  }
  return CONSENT_REFUSED;
}

ConsentResult consent_judge(const ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  switch (event->type) {
  case CONSENT_EVENT_JOIN:
  case CONSENT_EVENT_INVITE:
    if (event->person == 0)
      return CONSENT_REFUSED;
    return event->person <= CONSENT_PEOPLE_MAX ? CONSENT_OK : CONSENT_SESSION_FULL;
  case CONSENT_EVENT_LEAVE:
  case CONSENT_EVENT_LEGS_ENDED:
  case CONSENT_EVENT_ALIVE:
  case CONSENT_EVENT_GRANT:
  case CONSENT_EVENT_DECLINE:
  case CONSENT_EVENT_OFFER:
  case CONSENT_EVENT_WITHDRAW:
  case CONSENT_EVENT_PAUSE:
  case CONSENT_EVENT_RESUME:
  case CONSENT_EVENT_STOP:
    return event->person <= CONSENT_PEOPLE_MAX ? judge_person(session, event, now_us) : CONSENT_REFUSED;
  case CONSENT_EVENT_REQUEST:
    return event->person <= CONSENT_PEOPLE_MAX ? judge_request(session, event, now_us) : CONSENT_REFUSED;
  case CONSENT_EVENT_ERASED:
    return event->ticket > 0 && event->ticket <= session->ticket_last ? CONSENT_OK : CONSENT_REFUSED;
  case CONSENT_EVENT_TAKE_FAILED:
    return judge_take_failed(session, event);
  case CONSENT_EVENT_COMPARED:
    return judge_compared(session, event, now_us);
  case CONSENT_EVENT_HEALTH:
  case CONSENT_EVENT_UNKNOWN_MEDIA:
  case CONSENT_EVENT_SEALED:
  case CONSENT_EVENT_TICK:
    return CONSENT_OK;
  }
  return CONSENT_REFUSED; /* a number that is no event */
}
