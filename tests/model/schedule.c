/* SPDX-License-Identifier: Apache-2.0 */
/* Random schedules; see schedule.h. */
#include "tests/model/schedule.h"

#include <string.h>

/* splitmix64: any seed is as good as any other. */
uint64_t schedule_random(Schedule *schedule, uint64_t below) {
  uint64_t z = (schedule->random += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (z ^ (z >> 31)) % below;
}

static bool chance(Schedule *s, uint32_t of_100) {
  return schedule_random(s, 100) < of_100;
}

void schedule_init(Schedule *schedule, uint64_t seed) {
  *schedule = (Schedule){.random = seed};
  schedule->people = 3 + (uint32_t)schedule_random(schedule, SCHEDULE_PEOPLE_MAX - 2);
  schedule->eager = (uint32_t)schedule_random(schedule, 90);
  schedule->ahead = chance(schedule, 25);
  schedule->has_sfu = chance(schedule, 40);
  schedule->now_us = (int64_t)schedule_random(schedule, 100) * SCHEDULE_LEASE_US;
}

/* Exactly at a border is where conditions break, so whole leases and absences are common. */
static void advance(Schedule *s, const ConsentSession *session) {
  uint64_t kind = schedule_random(s, 100);
  int64_t deadline_us = consent_next_deadline_us(session);
  if (kind < 15)
    return;
  if (kind < 70)
    s->now_us += (int64_t)schedule_random(s, 300000);
  else if (kind < 88)
    s->now_us += (int64_t)schedule_random(s, 2000000);
  else if (kind < 94 && deadline_us != INT64_MAX && deadline_us > s->now_us)
    s->now_us = deadline_us - (int64_t)schedule_random(s, 2);
  else if (kind < 97)
    s->now_us += SCHEDULE_LEASE_US - 1 + (int64_t)schedule_random(s, 3);
  else if (kind < 98)
    s->now_us += SCHEDULE_ABSENT_US - 1 + (int64_t)schedule_random(s, 3);
}

static ConsentPerson somebody(Schedule *s) {
  if (chance(s, 1))
    return chance(s, 50) ? 0 : CONSENT_PEOPLE_MAX + (uint32_t)schedule_random(s, 2);
  return 1 + (ConsentPerson)schedule_random(s, s->people);
}

static ConsentEvent event_of(Schedule *s, ConsentEventType type) {
  ConsentEvent event = {.type = type, .person = somebody(s)};
  return event;
}

static void fill_request(Schedule *s, ConsentEvent *e) {
  e->person = chance(s, 10) ? 0 : chance(s, 70) ? 1 : e->person;
  e->request = chance(s, 97) ? s->request + 1 : s->request;
  e->scope = chance(s, 98) ? (ConsentScope)(1 + schedule_random(s, 3)) : (ConsentScope)(schedule_random(s, 2) * 4);
  memset(e->sha256, (int)(e->request & 0x7f), sizeof e->sha256);
}

static void fill_answer(Schedule *s, const ConsentSession *session, ConsentEvent *e) {
  e->request = chance(s, 95) ? consent_view(session).request : schedule_random(s, s->request + 2);
  memset(e->sha256, (int)(e->request & 0x7f), sizeof e->sha256);
  if (chance(s, 3))
    e->sha256[CONSENT_SHA256_BYTES - 1] ^= 1;
  e->media = chance(s, 80) ? CONSENT_MEDIA_NONE : (ConsentMedia)schedule_random(s, 5);
}

static void fill_sealed(Schedule *s, const ConsentSession *session, ConsentEvent *e) {
  uint32_t take = consent_view(session).take;
  e->segment = s->segment + 1;
  e->take = chance(s, 85) && take ? take : (uint32_t)schedule_random(s, take + 5);
  e->last_packet_us = s->now_us - (int64_t)schedule_random(s, chance(s, 90) ? 500000 : 2 * SCHEDULE_ABSENT_US);
  if (chance(s, 3))
    e->last_packet_us = s->now_us + 1 - (int64_t)schedule_random(s, 2);
}

static void fill_compared(Schedule *s, ConsentEvent *e) {
  static const ConsentReason found[] = {CONSENT_REASON_UNKNOWN_PARTICIPANT, CONSENT_REASON_RECORDING_ELSEWHERE, CONSENT_REASON_SILENT};
  e->asked_us = s->now_us - (int64_t)schedule_random(s, chance(s, 90) ? 300000 : 2 * SCHEDULE_LEASE_US);
  if (chance(s, 5))
    e->asked_us = s->now_us + 1 - (int64_t)schedule_random(s, 2);
  e->reason = chance(s, 85) ? CONSENT_REASON_NONE : found[schedule_random(s, 3)];
}

static void fill(Schedule *s, const ConsentSession *session, ConsentEvent *e) {
  ConsentPerson known = e->person <= s->people ? e->person : 0;
  e->may_request = e->person == 1 ? chance(s, 97) : chance(s, 30);
  e->cannot_consent = chance(s, 3);
  e->granted_before = chance(s, 30);
  e->on = e->type == CONSENT_EVENT_HEALTH ? chance(s, 80) : chance(s, 25);
  e->echo = chance(s, 20) ? 0 : chance(s, 80) ? s->number[known] : schedule_random(s, s->number[known] + 3);
  e->ticket = chance(s, 70) ? s->ticket : schedule_random(s, s->ticket + 2);
  e->take = consent_view(session).take - (chance(s, 10) ? 1 : 0);
  e->reason = chance(s, 95) ? (ConsentReason)(CONSENT_REASON_OVERRUN + schedule_random(s, 2)) : CONSENT_REASON_NONE;
  if (e->type == CONSENT_EVENT_REQUEST)
    fill_request(s, e);
  if (e->type == CONSENT_EVENT_GRANT || e->type == CONSENT_EVENT_DECLINE)
    fill_answer(s, session, e);
  if (e->type == CONSENT_EVENT_WITHDRAW) {
    e->request = chance(s, 50) ? 0 : schedule_random(s, s->request + 2);
    e->scope = (ConsentScope)schedule_random(s, 5);
  }
  if (e->type == CONSENT_EVENT_SEALED)
    fill_sealed(s, session, e);
  if (e->type == CONSENT_EVENT_COMPARED)
    fill_compared(s, e);
}

static ConsentEvent plain(ConsentEventType type, ConsentPerson person) {
  return (ConsentEvent){.type = type, .person = person, .on = type == CONSENT_EVENT_HEALTH, .may_request = person == 1};
}

static ConsentEvent answer_to(const ConsentSession *session, ConsentPerson person) {
  ConsentEvent e = plain(CONSENT_EVENT_GRANT, person);
  e.request = consent_view(session).request;
  memset(e.sha256, (int)(e.request & 0x7f), sizeof e.sha256);
  return e;
}

/* A session by letter: everybody of the first two is invited, a service asks, all answer; then they join. */
static bool by_letter(Schedule *s, const ConsentSession *session, ConsentEvent *e) {
  if (!s->ahead || s->joined)
    return false;
  for (ConsentPerson p = 1; p <= 2; p++)
    if (!consent_person_view(session, p, s->now_us).known) {
      *e = plain(CONSENT_EVENT_INVITE, p);
      return true;
    }
  if (!consent_view(session).request_active) {
    *e = plain(CONSENT_EVENT_REQUEST, 0);
    fill_request(s, e);
    e->person = 0;
    return consent_view(session).state == CONSENT_STATE_IDLE;
  }
  for (ConsentPerson p = 1; p <= 2; p++)
    if (consent_person_view(session, p, s->now_us).answer == CONSENT_ANSWER_NONE && chance(s, 80)) {
      *e = answer_to(session, p);
      return true;
    }
  return false;
}

/* The next step towards an open gate, as real callers take it; false: none is needed. */
static bool useful(Schedule *s, const ConsentSession *session, ConsentEvent *e) {
  ConsentView view = consent_view(session);
  if (s->step == 0) {
    *e = plain(CONSENT_EVENT_HEALTH, 0);
    return true;
  }
  if (by_letter(s, session, e))
    return true;
  for (ConsentPerson p = 1; p <= 2; p++)
    if (!(s->joined >> (p - 1) & 1)) {
      *e = plain(CONSENT_EVENT_JOIN, p);
      return true;
    }
  if (s->legs_ending) {
    *e = plain(CONSENT_EVENT_LEGS_ENDED, (ConsentPerson)__builtin_ctzll(s->legs_ending) + 1);
    return true;
  }
  if (!view.request_active && view.state != CONSENT_STATE_IDLE)
    return false;
  if (!view.request_active) {
    *e = plain(CONSENT_EVENT_REQUEST, 1);
    fill_request(s, e);
    return true;
  }
  if (s->has_sfu && s->now_us - view.compared_us > 1000000 && chance(s, 80)) {
    *e = plain(CONSENT_EVENT_COMPARED, 0);
    e->asked_us = s->now_us;
    return true;
  }
  for (ConsentPerson p = 1; p <= s->people; p++) {
    ConsentPersonView is = consent_person_view(session, p, s->now_us);
    if (!is.on_roster)
      continue;
    *e = is.answer == CONSENT_ANSWER_NONE ? answer_to(session, p) : plain(CONSENT_EVENT_ALIVE, p);
    e->echo = s->number[p];
    if (is.answer == CONSENT_ANSWER_NONE || chance(s, 20))
      return true;
  }
  return false;
}

/* Heartbeats and finished segments are what a call mostly consists of. */
static const uint8_t weights[CONSENT_EVENT_COUNT + 1] = {
    [CONSENT_EVENT_JOIN] = 10,    [CONSENT_EVENT_LEAVE] = 4,  [CONSENT_EVENT_LEGS_ENDED] = 6,    [CONSENT_EVENT_ALIVE] = 24,
    [CONSENT_EVENT_REQUEST] = 7,  [CONSENT_EVENT_GRANT] = 14, [CONSENT_EVENT_DECLINE] = 4,       [CONSENT_EVENT_OFFER] = 5,
    [CONSENT_EVENT_WITHDRAW] = 4, [CONSENT_EVENT_ERASED] = 6, [CONSENT_EVENT_PAUSE] = 5,         [CONSENT_EVENT_RESUME] = 7,
    [CONSENT_EVENT_STOP] = 3,     [CONSENT_EVENT_HEALTH] = 5, [CONSENT_EVENT_UNKNOWN_MEDIA] = 5, [CONSENT_EVENT_TAKE_FAILED] = 5,
    [CONSENT_EVENT_SEALED] = 14,  [CONSENT_EVENT_TICK] = 8,   [CONSENT_EVENT_INVITE] = 6,        [CONSENT_EVENT_COMPARED] = 9,
};

static ConsentEventType any_type(Schedule *s) {
  uint32_t total = 0;
  for (uint32_t type = 1; type <= CONSENT_EVENT_COUNT; type++)
    total += weights[type];
  uint32_t pick = (uint32_t)schedule_random(s, total);
  for (uint32_t type = 1; type <= CONSENT_EVENT_COUNT; type++) {
    if (pick < weights[type])
      return (ConsentEventType)type;
    pick -= weights[type];
  }
  return CONSENT_EVENT_TICK;
}

void schedule_next(Schedule *schedule, const ConsentSession *session, ConsentEvent *event) {
  advance(schedule, session);
  bool first_steps = schedule->step < 8 && chance(schedule, 85);
  if ((first_steps || chance(schedule, schedule->eager)) && useful(schedule, session, event)) {
    schedule->step++;
    return;
  }
  schedule->step++;
  *event = event_of(schedule, any_type(schedule));
  fill(schedule, session, event);
}

void schedule_learn(Schedule *schedule, const ConsentEvent *event, ConsentResult result, const ConsentEffects *effects) {
  if (event->type == CONSENT_EVENT_SEALED)
    schedule->segment = event->segment;
  if (result != CONSENT_OK)
    return;
  if (event->type == CONSENT_EVENT_REQUEST)
    schedule->request = event->request;
  if (event->type == CONSENT_EVENT_JOIN)
    schedule->joined |= UINT64_C(1) << (event->person - 1);
  if (event->type == CONSENT_EVENT_LEGS_ENDED)
    schedule->legs_ending &= ~(UINT64_C(1) << (event->person - 1));
  for (size_t i = 0; i < effects->n; i++) {
    const ConsentEffect *effect = &effects->items[i];
    if (effect->type == CONSENT_EFFECT_ERASE)
      schedule->ticket = effect->ticket;
    if (effect->type == CONSENT_EFFECT_END_LEGS)
      schedule->legs_ending |= UINT64_C(1) << (effect->person - 1);
  }
}
