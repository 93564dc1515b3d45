/* SPDX-License-Identifier: Apache-2.0 */
/* The door of the consent core: one event in, a verdict and effects out; and the views on a session. */
#include "gate/consent/consent-private.h"

#include <stdlib.h>

#define ROOM_FIRST 8

static int64_t earlier(int64_t a_us, int64_t b_us) {
  return a_us < b_us ? a_us : b_us;
}

ConsentSession *consent_session_new(const ConsentConfig *config) {
  if (config->lease_us <= 0 || config->absent_us < config->lease_us || config->requests_max > CONSENT_REQUESTS_MAX)
    return NULL;
  ConsentSession *session = calloc(1, sizeof *session);
  if (!session)
    return NULL;
  session->config = *config;
  session->take_last = config->take_last;
  for (ConsentPerson person = 1; person <= CONSENT_PEOPLE_MAX; person++) {
    session->members[person].no_stands = (config->no_stands & UINT64_C(1) << (person - 1)) != 0;
    session->members[person].known = session->members[person].no_stands;
    if (session->members[person].known)
      session->people = person;
  }
  return session;
}

void consent_session_free(ConsentSession *session) {
  if (!session)
    return;
  for (ConsentPerson person = 1; person <= CONSENT_PEOPLE_MAX; person++)
    free(session->members[person].sent_us);
  free(session->segments);
  free(session->effects);
  free(session);
}

void *consent_grown(void *items, uint32_t n, uint32_t *room, size_t item_bytes) {
  if (n < *room)
    return items;
  *room = *room ? 2 * *room : ROOM_FIRST;
  items = realloc(items, *room * item_bytes);
  if (!items)
    abort();
  return items;
}

void consent_emit(ConsentSession *session, const ConsentEffect *effect) {
  session->effects = consent_grown(session->effects, session->effects_n, &session->effects_room, sizeof *effect);
  session->effects[session->effects_n++] = *effect;
}

static void apply(ConsentSession *session, const ConsentEvent *event, int64_t now_us) {
  switch (event->type) {
  case CONSENT_EVENT_JOIN:
    consent_roster_join(session, event, now_us);
    break;
  case CONSENT_EVENT_INVITE:
    consent_roster_invite(session, event);
    break;
  case CONSENT_EVENT_LEAVE:
    consent_roster_leave(session, event, now_us);
    break;
  case CONSENT_EVENT_ALIVE:
    consent_roster_alive(session, event, now_us);
    break;
  case CONSENT_EVENT_REQUEST:
    consent_request_make(session, event);
    break;
  case CONSENT_EVENT_GRANT:
    consent_request_grant(session, event);
    break;
  case CONSENT_EVENT_DECLINE:
    consent_request_decline(session, event);
    break;
  case CONSENT_EVENT_OFFER:
    consent_request_offer(session, event->person);
    break;
  case CONSENT_EVENT_WITHDRAW:
    consent_withdraw(session, event);
    break;
  case CONSENT_EVENT_ERASED:
    consent_erased(session, event->ticket);
    break;
  case CONSENT_EVENT_PAUSE:
    consent_request_pause(session, event->person);
    break;
  case CONSENT_EVENT_RESUME:
    consent_request_resume(session, event->person);
    break;
  case CONSENT_EVENT_STOP:
    consent_request_end(session, (ConsentStatus){CONSENT_STATE_STOPPED, CONSENT_REASON_STOPPED, event->person});
    break;
  case CONSENT_EVENT_HEALTH:
    session->healthy = event->on;
    break;
  case CONSENT_EVENT_UNKNOWN_MEDIA:
    session->unknown_media = event->on;
    break;
  case CONSENT_EVENT_COMPARED:
    consent_gate_compared(session, event, now_us);
    break;
  case CONSENT_EVENT_TAKE_FAILED:
    consent_gate_close(session, event->reason, 0);
    break;
  case CONSENT_EVENT_SEALED:
    consent_segments_seal(session, event);
    break;
  case CONSENT_EVENT_LEGS_ENDED: /* booked before time passed */
  case CONSENT_EVENT_TICK:
    break;
  }
}

ConsentResult consent_handle(ConsentSession *session, const ConsentEvent *event, int64_t now_us, ConsentEffects *effects) {
  session->effects_n = 0;
  ConsentResult result = consent_judge(session, event, now_us);
  if (result == CONSENT_OK) {
    /* It answers an END_LEGS from before now; one that the passing time gives rise to waits for its own answer. */
    if (event->type == CONSENT_EVENT_LEGS_ENDED)
      session->members[event->person].legs_ending = false;
    consent_roster_pass_time(session, now_us);
    apply(session, event, now_us);
    consent_gate_settle(session, event, now_us);
  }
  *effects = (ConsentEffects){session->effects, session->effects_n};
  return result;
}

uint64_t consent_next_number(ConsentSession *session, ConsentPerson person, int64_t now_us) {
  if (person > CONSENT_PEOPLE_MAX || !session->members[person].was_here)
    return 0;
  ConsentMember *member = &session->members[person];
  if (!member->sent_us && !(member->sent_us = calloc(CONSENT_NUMBERS_MAX, sizeof *member->sent_us)))
    abort();
  member->sent_last++;
  member->sent_us[member->sent_last % CONSENT_NUMBERS_MAX] = now_us;
  return member->sent_last;
}

int64_t consent_next_deadline_us(const ConsentSession *session) {
  int64_t deadline_us = INT64_MAX;
  for (ConsentPerson person = 1; person <= session->people; person++) {
    const ConsentMember *member = &session->members[person];
    if (!member->on_roster)
      continue;
    deadline_us = earlier(deadline_us, member->alive_us + session->config.absent_us);
    int64_t lease_end_us = member->alive_us + session->config.lease_us;
    if (lease_end_us > session->passed_us)
      deadline_us = earlier(deadline_us, lease_end_us);
  }
  if (session->config.has_sfu && session->take > 0)
    deadline_us = earlier(deadline_us, session->compared_us + session->config.lease_us);
  for (uint32_t i = 0; i < session->segments_n; i++)
    deadline_us = earlier(deadline_us, session->segments[i].last_packet_us + session->config.absent_us);
  return deadline_us;
}

ConsentView consent_view(const ConsentSession *session) {
  ConsentView view = {
      .state = session->told.state,
      .reason = session->told.reason,
      .person = session->told.person,
      .request_active = session->active,
      .asker = session->asker,
      .take = session->take,
      .roster = consent_roster_mask(session),
      .requests_made = session->config.requests_made + session->recordings_n,
      .provisional = session->segments_n,
      .compared_us = session->compared_us,
  };
  const ConsentRecording *last = consent_recording_last(session);
  if (last)
    view.request = last->request;
  return view;
}

ConsentPersonView consent_person_view(const ConsentSession *session, ConsentPerson person, int64_t now_us) {
  if (person > CONSENT_PEOPLE_MAX)
    return (ConsentPersonView){0};
  const ConsentMember *member = &session->members[person];
  return (ConsentPersonView){
      .known = member->known,
      .on_roster = member->on_roster,
      .alive = member->on_roster && now_us < member->alive_us + session->config.lease_us,
      .cannot_consent = member->cannot_consent,
      .paused = member->paused,
      .no_stands = member->no_stands,
      .answer = member->granted     ? CONSENT_ANSWER_GRANTED
                : member->no_stands ? CONSENT_ANSWER_DECLINED
                                    : CONSENT_ANSWER_NONE,
      .media = member->media,
      .confirmed_number = member->confirmed_number,
      .confirmed_us = member->confirmed_us,
  };
}
