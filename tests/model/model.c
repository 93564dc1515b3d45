/* SPDX-License-Identifier: Apache-2.0 */
/* The naive consent core: what events do to the log of facts. See model.h. */
#include "tests/model/facts.h"

#include <stdlib.h>
#include <string.h>

Model *model_new(void) {
  return calloc(1, sizeof(Model));
}

void model_free(Model *model) {
  free(model);
}

void model_reset(Model *m, const ConsentConfig *config) {
  m->config = *config;
  m->facts_n = 0;
  m->people = 0;
  m->effects_n = 0;
}

/* --- The gate --- */

static Fact status(ConsentState state, ConsentReason reason, ConsentPerson person) {
  return (Fact){.state = state, .reason = reason, .person = person};
}

static Fact waiting_for(const Model *m, ConsentPerson p) {
  if (ever_granted(m, p))
    return status(CONSENT_STATE_ASKING, CONSENT_REASON_WAITING, p);
  if (came_later(m, p))
    return status(CONSENT_STATE_ASKING, CONSENT_REASON_NEWCOMER, p);
  return status(CONSENT_STATE_ASKING, CONSENT_REASON_REQUESTED, open_request(m)->person);
}

/* Why the gate is closed; state RECORDING: it may be open (R7). */
static Fact obstacle(const Model *m, int64_t now) {
  const Fact *request = open_request(m);
  if (!request)
    return rest(m);
  if (!roster(m))
    return status(CONSENT_STATE_ASKING, CONSENT_REASON_REQUESTED, request->person);
  EVERYONE (m, p)
    if (on_roster(m, p) && cannot_consent(m, p))
      return status(CONSENT_STATE_SUSPENDED, CONSENT_REASON_CANNOT_CONSENT, p);
  EVERYONE (m, p)
    if (on_roster(m, p) && !allowed(m, p))
      return waiting_for(m, p);
  EVERYONE (m, p)
    if (paused(m, p))
      return status(CONSENT_STATE_PAUSED, CONSENT_REASON_PAUSED, p);
  EVERYONE (m, p)
    if (legs_end(m, p))
      return status(CONSENT_STATE_SUSPENDED, CONSENT_REASON_LEFT, p);
  EVERYONE (m, p)
    if (on_roster(m, p) && now - last_sign(m, p) >= m->config.lease_us)
      return status(CONSENT_STATE_SUSPENDED, CONSENT_REASON_SILENT, p);
  if (!last_switch(m, FACT_HEALTH))
    return status(CONSENT_STATE_SUSPENDED, CONSENT_REASON_UNHEALTHY, 0);
  if (last_switch(m, FACT_UNKNOWN))
    return status(CONSENT_STATE_SUSPENDED, CONSENT_REASON_UNKNOWN_MEDIA, 0);
  if (sfu_fault(m))
    return status(CONSENT_STATE_SUSPENDED, sfu_fault(m), 0);
  if (m->config.has_sfu && (!compared_until(m) || now - compared_until(m) >= m->config.lease_us))
    return status(CONSENT_STATE_SUSPENDED, CONSENT_REASON_SFU_SILENT, 0);
  return status(CONSENT_STATE_RECORDING, CONSENT_REASON_NONE, 0);
}

static bool takes_back(ConsentReason reason) {
  static const ConsentReason back[] = {CONSENT_REASON_SILENT,    CONSENT_REASON_UNHEALTHY,           CONSENT_REASON_UNKNOWN_MEDIA,
                                       CONSENT_REASON_WITHDRAWN, CONSENT_REASON_UNKNOWN_PARTICIPANT, CONSENT_REASON_RECORDING_ELSEWHERE,
                                       CONSENT_REASON_SFU_SILENT};
  for (size_t i = 0; i < sizeof back / sizeof *back; i++)
    if (back[i] == reason)
      return true;
  return false;
}

static void close_take(Model *m, ConsentReason reason, ConsentPerson person, int64_t now) {
  const Fact *take = open_take(m);
  if (!take)
    return;
  ConsentEffect effect = {.type = CONSENT_EFFECT_CLOSE_TAKE,
                          .person = person,
                          .request = take->request,
                          .take = take->take,
                          .reason = reason,
                          .discard = takes_back(reason)};
  note(m, (Fact){.kind = FACT_CLOSE, .take = take->take, .reason = reason, .at_us = now});
  say(m, effect);
}

static void close_if_due(Model *m, int64_t now) {
  if (!open_take(m))
    return;
  Fact why = obstacle(m, now);
  if (why.state != CONSENT_STATE_RECORDING)
    close_take(m, why.reason, why.person, now);
}

/* --- Segments --- */

/* 0: wait, 1: commit, 2: drop for *reason. */
static int judge_segment(const Model *m, const Fact *segment, int64_t now, ConsentReason *reason) {
  const Fact *open = NULL;
  ConsentReason taken_back = CONSENT_REASON_NONE;
  uint32_t later = 0;
  FORWARD (m, f) {
    if (f->kind == FACT_OPEN && f->take == segment->take)
      open = f;
    else if (f->kind == FACT_OPEN && open)
      later++;
    if (open && f->kind == FACT_CLOSE && f->take == segment->take) {
      if (takes_back(f->reason))
        taken_back = f->reason;
    }
    if (open && f->kind == FACT_WITHDRAWN)
      taken_back = CONSENT_REASON_WITHDRAWN;
    if (open && f->kind == FACT_COMPARED && f->reason)
      taken_back = f->reason;
  }
  *reason = CONSENT_REASON_OVERRUN;
  if (!open || later >= 64 || segment->until_us < open->at_us || segment->until_us > now)
    return 2;
  *reason = taken_back;
  if (taken_back)
    return 2;
  bool all = true;
  EVERYONE (m, p) {
    const Fact *best = best_confirmation(m, p);
    if (open->roster >> (p - 1) & 1 && (best ? best->until_us : 0) <= segment->until_us)
      all = false;
  }
  bool looked = !m->config.has_sfu || segment->until_us < compared_until(m);
  if (all && looked)
    return 1;
  *reason = all ? CONSENT_REASON_SFU_SILENT : CONSENT_REASON_SILENT;
  return now - segment->until_us >= m->config.absent_us ? 2 : 0;
}

static void decide_segments(Model *m, int64_t now) {
  uint32_t n = m->facts_n;
  for (uint32_t i = 0; i < n; i++) {
    Fact *f = &m->facts[i];
    if (f->kind != FACT_SEALED || f->gone)
      continue;
    ConsentReason reason;
    int fate = judge_segment(m, f, now, &reason);
    f->gone = fate != 0;
    if (fate == 2)
      say(m, (ConsentEffect){.type = CONSENT_EFFECT_DROP, .segment = f->number, .take = f->take, .reason = reason});
    if (fate != 1)
      continue;
    uint64_t who = 0;
    FORWARD (m, open)
      if (open->kind == FACT_OPEN && open->take == f->take)
        who = open->roster;
    say(m, (ConsentEffect){.type = CONSENT_EFFECT_COMMIT, .segment = f->number, .take = f->take, .roster = who});
  }
}

static uint32_t count_provisional(const Model *m) {
  uint32_t n = 0;
  FORWARD (m, f)
    n += f->kind == FACT_SEALED && !f->gone;
  return n;
}

/* --- What events do --- */

static void tell_consents(Model *m) {
  const Fact *request = last_request(m);
  say(m, (ConsentEffect){.type = CONSENT_EFFECT_CONSENTS, .request = request ? request->request : 0});
}

static void end_request(Model *m, ConsentState state, ConsentReason reason, ConsentPerson person, int64_t now) {
  close_take(m, reason, person, now);
  note(m, (Fact){.kind = FACT_OVER, .state = state, .reason = reason, .person = person});
}

static void go(Model *m, ConsentPerson p, ConsentReason reason, int64_t left_at, int64_t now) {
  close_take(m, CONSENT_REASON_LEFT, p, now);
  note(m, (Fact){.kind = FACT_LEFT, .person = p, .at_us = left_at});
  note(m, (Fact){.kind = FACT_END_LEGS, .person = p});
  say(m, (ConsentEffect){.type = CONSENT_EFFECT_END_LEGS, .person = p});
  say(m, (ConsentEffect){.type = CONSENT_EFFECT_LEFT, .person = p, .reason = reason});
  const Fact *request = open_request(m);
  if (!request)
    return;
  tell_consents(m);
  if (request->person == p)
    end_request(m, CONSENT_STATE_STOPPED, CONSENT_REASON_ASKER_LEFT, p, now);
  else if (!roster(m) && !began_empty(m, request))
    end_request(m, CONSENT_STATE_STOPPED, CONSENT_REASON_ENDED, p, now);
}

static void pass_time(Model *m, int64_t now) {
  close_if_due(m, now);
  EVERYONE (m, p)
    if (on_roster(m, p) && !here(m, p, now))
      go(m, p, CONSENT_REASON_SILENT, last_sign(m, p) + m->config.absent_us, now);
  note(m, (Fact){.kind = FACT_TIME, .at_us = now});
}

static void join(Model *m, const ConsentEvent *e, int64_t now) {
  ConsentPerson p = e->person;
  close_take(m, CONSENT_REASON_NEWCOMER, p, now);
  bool was = on_roster(m, p);
  bool known = last_join(m, p) != NULL;
  if (p > m->people)
    m->people = p;
  if (was) {
    note(m, (Fact){.kind = FACT_END_LEGS, .person = p});
    say(m, (ConsentEffect){.type = CONSENT_EFFECT_END_LEGS, .person = p});
  }
  note(m, (Fact){.kind = FACT_JOIN,
                 .person = p,
                 .at_us = now,
                 .came = !was,
                 .may_request = e->may_request,
                 .cannot_consent = e->cannot_consent,
                 .late = known && now - last_sign(m, p) >= m->config.absent_us});
  const Fact *request = open_request(m);
  if (!request)
    return;
  if (!allowed(m, p))
    say(m, (ConsentEffect){.type = CONSENT_EFFECT_ASK, .person = p, .request = request->request});
  tell_consents(m);
}

static void invite(Model *m, const ConsentEvent *e) {
  if (e->person > m->people)
    m->people = e->person;
  note(m, (Fact){.kind = FACT_INVITE, .person = e->person, .cannot_consent = e->cannot_consent, .on = e->granted_before});
}

static void alive(Model *m, const ConsentEvent *e, int64_t now) {
  int64_t until = 0;
  decide_segments(m, now);
  if (e->echo == 0)
    until = now - m->config.lease_us;
  uint64_t sent = 0;
  BACKWARD (m, f) {
    if (f->kind != FACT_SENT || f->person != e->person)
      continue;
    if (f->number == e->echo && sent < CONSENT_NUMBERS_MAX)
      until = f->at_us;
    sent++;
  }
  note(m,
       (Fact){.kind = FACT_ALIVE, .person = e->person, .at_us = now, .until_us = until, .number = e->echo, .on = on_roster(m, e->person)});
}

static void ask(Model *m, const ConsentEvent *e) {
  Fact *f = note(m, (Fact){.kind = FACT_REQUEST, .person = e->person, .request = e->request, .scope = e->scope});
  memcpy(f->sha256, e->sha256, sizeof f->sha256);
  EVERYONE (m, p)
    if (on_roster(m, p) && p != e->person)
      say(m, (ConsentEffect){.type = CONSENT_EFFECT_ASK, .person = p, .request = e->request});
  tell_consents(m);
}

static void grant(Model *m, const ConsentEvent *e, int64_t now) {
  ConsentMedia before = allowed(m, e->person);
  ConsentMedia media = e->media ? e->media : CONSENT_MEDIA_ALL;
  note(m, (Fact){.kind = FACT_GRANT, .person = e->person, .media = media});
  if (before == media)
    return;
  if (on_roster(m, e->person))
    close_take(m, CONSENT_REASON_TRACKS, e->person, now);
  tell_consents(m);
}

static void erase(Model *m, uint64_t request, ConsentPerson p, ConsentScope disclosed, ConsentScope asked) {
  uint64_t ticket = 1;
  FORWARD (m, f)
    ticket += f->kind == FACT_ERASE;
  ConsentScope scope = asked > disclosed ? asked : disclosed;
  if (scope > CONSENT_SCOPE_SESSION)
    scope = CONSENT_SCOPE_SESSION;
  note(m, (Fact){.kind = FACT_ERASE, .request = request, .number = ticket, .scope = scope, .on = find_request(m, request) != NULL});
  say(m, (ConsentEffect){.type = CONSENT_EFFECT_ERASE, .ticket = ticket, .request = request, .person = p, .scope = scope});
}

/* Of what an earlier process recorded nothing is known here: what is named and unknown is of it, and who names nothing means it too. */
static void erase_of(Model *m, ConsentPerson p, uint64_t named, ConsentScope asked) {
  if (m->config.recorded && named && !find_request(m, named)) {
    erase(m, named, p, CONSENT_SCOPE_SESSION, asked);
    return;
  }
  if (!find_request(m, named) || !took_part(m, named, p))
    named = 0;
  uint32_t n = m->facts_n, erased = 0;
  for (uint32_t i = 0; i < n; i++) {
    Fact f = m->facts[i];
    if (f.kind != FACT_REQUEST || !took_part(m, f.request, p) || (named && f.request != named))
      continue;
    erase(m, f.request, p, f.scope, asked);
    erased++;
  }
  if (!erased || (m->config.recorded && !named))
    erase(m, 0, p, CONSENT_SCOPE_SESSION, asked);
}

static void withdraw(Model *m, ConsentPerson p, uint64_t named, ConsentScope asked, int64_t now) {
  close_take(m, CONSENT_REASON_WITHDRAWN, p, now);
  note(m, (Fact){.kind = FACT_WITHDRAWN});
  erase_of(m, p, named, asked);
  note(m, (Fact){.kind = FACT_NO, .person = p});
  end_request(m, CONSENT_STATE_STOPPED, CONSENT_REASON_WITHDRAWN, p, now);
  tell_consents(m);
}

static void decline(Model *m, const ConsentEvent *e, int64_t now) {
  if (ever_granted(m, e->person)) {
    withdraw(m, e->person, e->request, CONSENT_SCOPE_UNSET, now);
    return;
  }
  note(m, (Fact){.kind = FACT_NO, .person = e->person});
  end_request(m, CONSENT_STATE_DECLINED, CONSENT_REASON_DECLINED, e->person, now);
  tell_consents(m);
}

static bool anybody_says_no(const Model *m) {
  EVERYONE (m, p)
    if (no_stands(m, p))
      return true;
  return false;
}

static void offer(Model *m, ConsentPerson p) {
  note(m, (Fact){.kind = FACT_OFFER, .person = p});
  if (!anybody_says_no(m) && rest(m).state == CONSENT_STATE_DECLINED)
    note(m, (Fact){.kind = FACT_REST, .state = CONSENT_STATE_IDLE, .reason = CONSENT_REASON_OFFERED, .person = p});
  tell_consents(m);
}

/* What is of no request of this process is one, whatever it is called. */
static bool is_same_erased(const Fact *f, const Fact *g) {
  return f->on == g->on && (!f->on || f->request == g->request);
}

static bool erase_pending(const Model *m) {
  FORWARD (m, f) {
    if (f->kind != FACT_ERASE)
      continue;
    bool done = false; /* answered, or a younger erase of the same recording took its place */
    for (const Fact *g = f + 1; g < m->facts + m->facts_n; g++)
      done = done || (g->kind == FACT_ERASED && g->number == f->number) || (g->kind == FACT_ERASE && is_same_erased(f, g));
    if (!done)
      return true;
  }
  return false;
}

static bool erase_of_committed(const Model *m) {
  BACKWARD (m, f) {
    if (f->kind == FACT_REQUEST)
      return false;
    if (f->kind == FACT_ERASE && f->scope != CONSENT_SCOPE_AFTER)
      return true;
  }
  return false;
}

static void erased(Model *m, uint64_t ticket) {
  note(m, (Fact){.kind = FACT_ERASED, .number = ticket});
  Fact now_resting = rest(m);
  if (!open_request(m) && now_resting.reason == CONSENT_REASON_WITHDRAWN && !erase_pending(m) && erase_of_committed(m))
    note(m, (Fact){.kind = FACT_REST, .state = CONSENT_STATE_PURGED, .reason = CONSENT_REASON_ERASED, .person = now_resting.person});
}

static void resume(Model *m, ConsentPerson p) {
  bool asker = open_request(m)->person == p;
  note(m, (Fact){.kind = FACT_RESUME, .person = p});
  EVERYONE (m, other)
    if (asker && !on_roster(m, other))
      note(m, (Fact){.kind = FACT_RESUME, .person = other});
}

static void seal(Model *m, const ConsentEvent *e) {
  if (count_provisional(m) >= CONSENT_PROVISIONAL_MAX)
    say(m, (ConsentEffect){.type = CONSENT_EFFECT_DROP, .segment = e->segment, .take = e->take, .reason = CONSENT_REASON_OVERRUN});
  else
    note(m, (Fact){.kind = FACT_SEALED, .number = e->segment, .take = e->take, .until_us = e->last_packet_us});
}

/* --- Yes or no --- */

static ConsentResult judge_request(const Model *m, const ConsentEvent *e, int64_t now) {
  if (e->person > CONSENT_PEOPLE_MAX)
    return CONSENT_REFUSED;
  if (e->person && !here(m, e->person, now))
    return CONSENT_NOT_JOINED;
  if (e->person && !last_join(m, e->person)->may_request)
    return CONSENT_ROLE_MAY_NOT_ASK;
  if (e->person && last_join(m, e->person)->cannot_consent)
    return CONSENT_CANNOT_CONSENT;
  if (open_request_at(m, now))
    return CONSENT_REQUEST_PENDING;
  if (anybody_says_no(m))
    return CONSENT_DECLINED_FINAL;
  if (count_requests(m) >= m->config.requests_max)
    return CONSENT_REQUEST_LIMIT;
  bool good = e->request && !find_request(m, e->request) &&
              (e->scope == CONSENT_SCOPE_AFTER || e->scope == CONSENT_SCOPE_PARTICIPANT || e->scope == CONSENT_SCOPE_SESSION);
  return good ? CONSENT_OK : CONSENT_REFUSED;
}

static ConsentResult judge_answer(const Model *m, const ConsentEvent *e, int64_t now) {
  bool by_letter = invited(m, e->person) && (!last_join(m, e->person) || e->type == CONSENT_EVENT_DECLINE);
  if (!here(m, e->person, now) && !by_letter)
    return CONSENT_NOT_JOINED;
  if (!last_request(m))
    return CONSENT_NO_REQUEST;
  const Fact *request = open_request_at(m, now);
  if (!request || request->request != e->request)
    return CONSENT_REQUEST_ENDED;
  if (e->type == CONSENT_EVENT_DECLINE)
    return CONSENT_OK;
  if (cannot_consent(m, e->person))
    return CONSENT_CANNOT_CONSENT;
  if (memcmp(request->sha256, e->sha256, sizeof e->sha256) != 0)
    return CONSENT_WRONG_DISCLOSURE;
  return (unsigned)e->media > 3 ? CONSENT_REFUSED : CONSENT_OK;
}

static ConsentResult judge_toggle(const Model *m, const ConsentEvent *e, int64_t now) {
  if (!here(m, e->person, now))
    return CONSENT_NOT_JOINED;
  const Fact *request = open_request_at(m, now);
  if (!request)
    return CONSENT_NOT_RECORDING;
  if (e->type != CONSENT_EVENT_RESUME || paused(m, e->person))
    return CONSENT_OK;
  if (request->person != e->person)
    return CONSENT_REFUSED;
  EVERYONE (m, p)
    if (paused(m, p) && here(m, p, now))
      return CONSENT_PAUSED_BY_OTHER;
  EVERYONE (m, p)
    if (paused(m, p))
      return CONSENT_OK;
  return CONSENT_NOT_RECORDING;
}

static ConsentResult judge_alive(const Model *m, const ConsentEvent *e, int64_t now) {
  int64_t left = last_sign(m, e->person) + m->config.absent_us;
  if (!last_join(m, e->person))
    return CONSENT_NOT_JOINED;
  if (!on_roster(m, e->person))
    BACKWARD (m, f)
      if (f->kind == FACT_LEFT && f->person == e->person) {
        left = f->at_us;
        break;
      }
  return now - left < m->config.absent_us ? CONSENT_OK : CONSENT_NOT_JOINED;
}

static ConsentResult judge_person(const Model *m, const ConsentEvent *e, int64_t now) {
  if (e->person > CONSENT_PEOPLE_MAX)
    return CONSENT_REFUSED;
  if (!last_join(m, e->person) && !invited(m, e->person))
    return CONSENT_NOT_JOINED;
  bool is_here = here(m, e->person, now);
  if (e->type == CONSENT_EVENT_LEAVE)
    return is_here ? CONSENT_OK : CONSENT_NOT_JOINED;
  if (e->type == CONSENT_EVENT_LEGS_ENDED)
    return legs_end(m, e->person) ? CONSENT_OK : CONSENT_REFUSED;
  if (e->type == CONSENT_EVENT_ALIVE)
    return judge_alive(m, e, now);
  if (e->type == CONSENT_EVENT_GRANT || e->type == CONSENT_EVENT_DECLINE)
    return judge_answer(m, e, now);
  if (e->type == CONSENT_EVENT_OFFER)
    return !is_here ? CONSENT_NOT_JOINED : no_stands(m, e->person) ? CONSENT_OK : CONSENT_NOTHING_TO_LIFT;
  if (e->type == CONSENT_EVENT_WITHDRAW)
    return CONSENT_OK;
  return judge_toggle(m, e, now);
}

static ConsentResult judge(const Model *m, const ConsentEvent *e, int64_t now) {
  uint64_t tickets = 0;
  const Fact *take = open_take(m);
  switch (e->type) {
  case CONSENT_EVENT_JOIN:
  case CONSENT_EVENT_INVITE:
    return e->person == 0 ? CONSENT_REFUSED : e->person > CONSENT_PEOPLE_MAX ? CONSENT_SESSION_FULL : CONSENT_OK;
  case CONSENT_EVENT_REQUEST:
    return judge_request(m, e, now);
  case CONSENT_EVENT_ERASED:
    FORWARD (m, f)
      tickets += f->kind == FACT_ERASE;
    return e->ticket == 0 || e->ticket > tickets ? CONSENT_REFUSED : CONSENT_OK;
  case CONSENT_EVENT_TAKE_FAILED:
    if (e->reason != CONSENT_REASON_OVERRUN && e->reason != CONSENT_REASON_TRACKS)
      return CONSENT_REFUSED;
    return take && take->take == e->take ? CONSENT_OK : CONSENT_NOT_RECORDING;
  case CONSENT_EVENT_COMPARED:
    if (!m->config.has_sfu || e->asked_us > now)
      return CONSENT_REFUSED;
    return !e->reason || e->reason == CONSENT_REASON_UNKNOWN_PARTICIPANT || e->reason == CONSENT_REASON_RECORDING_ELSEWHERE
               ? CONSENT_OK
               : CONSENT_REFUSED;
  case CONSENT_EVENT_HEALTH:
  case CONSENT_EVENT_UNKNOWN_MEDIA:
  case CONSENT_EVENT_SEALED:
  case CONSENT_EVENT_TICK:
    return CONSENT_OK;
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
    return judge_person(m, e, now);
  }
  return CONSENT_REFUSED;
}

/* --- The door --- */

static void happen(Model *m, const ConsentEvent *e, int64_t now) {
  switch (e->type) {
  case CONSENT_EVENT_JOIN:
    join(m, e, now);
    break;
  case CONSENT_EVENT_INVITE:
    invite(m, e);
    break;
  case CONSENT_EVENT_LEAVE:
    close_take(m, CONSENT_REASON_LEFT, e->person, now);
    alive(m, e, now);
    go(m, e->person, CONSENT_REASON_LEFT, now, now);
    break;
  case CONSENT_EVENT_ALIVE:
    alive(m, e, now);
    break;
  case CONSENT_EVENT_REQUEST:
    ask(m, e);
    break;
  case CONSENT_EVENT_GRANT:
    grant(m, e, now);
    break;
  case CONSENT_EVENT_DECLINE:
    decline(m, e, now);
    break;
  case CONSENT_EVENT_OFFER:
    offer(m, e->person);
    break;
  case CONSENT_EVENT_WITHDRAW:
    withdraw(m, e->person, e->request, e->scope, now);
    break;
  case CONSENT_EVENT_ERASED:
    erased(m, e->ticket);
    break;
  case CONSENT_EVENT_PAUSE:
    note(m, (Fact){.kind = FACT_PAUSE, .person = e->person});
    break;
  case CONSENT_EVENT_RESUME:
    resume(m, e->person);
    break;
  case CONSENT_EVENT_STOP:
    end_request(m, CONSENT_STATE_STOPPED, CONSENT_REASON_STOPPED, e->person, now);
    break;
  case CONSENT_EVENT_HEALTH:
    note(m, (Fact){.kind = FACT_HEALTH, .on = e->on});
    break;
  case CONSENT_EVENT_UNKNOWN_MEDIA:
    note(m, (Fact){.kind = FACT_UNKNOWN, .on = e->on});
    break;
  case CONSENT_EVENT_COMPARED:
    if (!e->reason)
      decide_segments(m, now);
    note(m, (Fact){.kind = FACT_COMPARED, .at_us = now, .until_us = e->asked_us, .reason = e->reason});
    break;
  case CONSENT_EVENT_TAKE_FAILED:
    close_take(m, e->reason, 0, now);
    break;
  case CONSENT_EVENT_SEALED:
    seal(m, e);
    break;
  case CONSENT_EVENT_LEGS_ENDED:
  case CONSENT_EVENT_TICK:
    break;
  }
}

static bool nobodys(ConsentEventType type) {
  return type == CONSENT_EVENT_ERASED || type == CONSENT_EVENT_HEALTH || type == CONSENT_EVENT_UNKNOWN_MEDIA ||
         type == CONSENT_EVENT_COMPARED || type == CONSENT_EVENT_SEALED || type == CONSENT_EVENT_TICK || type == CONSENT_EVENT_TAKE_FAILED;
}

static void open_if_allowed(Model *m, const ConsentEvent *e, int64_t now) {
  if (open_take(m) || obstacle(m, now).state != CONSENT_STATE_RECORDING)
    return;
  uint32_t take = 1;
  FORWARD (m, f)
    take += f->kind == FACT_OPEN;
  ConsentReason reason = e->type == CONSENT_EVENT_RESUME        ? CONSENT_REASON_RESUMED
                         : e->type == CONSENT_EVENT_TAKE_FAILED ? e->reason
                                                                : CONSENT_REASON_GRANTED;
  Fact open = {.kind = FACT_OPEN,
               .take = take,
               .request = open_request(m)->request,
               .roster = roster(m),
               .at_us = now,
               .reason = reason,
               .person = nobodys(e->type) ? 0 : e->person};
  note(m, open);
  say(m, (ConsentEffect){.type = CONSENT_EFFECT_OPEN_TAKE, .take = take, .request = open.request, .roster = open.roster});
}

static void permit(Model *m) {
  const Fact *take = open_take(m);
  if (!take)
    return;
  int64_t before = 0, end = first_lease_end(m);
  for (const Fact *f = take; f < m->facts + m->facts_n; f++)
    if (f->kind == FACT_PERMIT)
      before = f->until_us;
  if (end <= before)
    return;
  uint32_t number = take->take;
  note(m, (Fact){.kind = FACT_PERMIT, .until_us = end});
  say(m, (ConsentEffect){.type = CONSENT_EFFECT_PERMIT, .take = number, .until_us = end});
}

static Fact told(const Model *m) {
  BACKWARD (m, f)
    if (f->kind == FACT_TOLD)
      return *f;
  return (Fact){.state = CONSENT_STATE_IDLE};
}

static void tell_state(Model *m, int64_t now) {
  const Fact *take = open_take(m);
  Fact is = take ? status(CONSENT_STATE_RECORDING, take->reason, take->person) : obstacle(m, now);
  Fact was = told(m);
  uint32_t number = take ? take->take : 0;
  if (was.state == is.state && was.reason == is.reason && was.person == is.person && was.take == number)
    return;
  const Fact *request = last_request(m);
  say(m, (ConsentEffect){.type = CONSENT_EFFECT_STATE,
                         .state = is.state,
                         .reason = is.reason,
                         .person = is.person,
                         .request = request ? request->request : 0,
                         .take = number});
  note(m, (Fact){.kind = FACT_TOLD, .state = is.state, .reason = is.reason, .person = is.person, .take = number});
}

ConsentResult model_handle(Model *m, const ConsentEvent *e, int64_t now, ConsentEffects *effects) {
  m->effects_n = 0;
  ConsentResult result = judge(m, e, now);
  if (result == CONSENT_OK) {
    if (e->type == CONSENT_EVENT_LEGS_ENDED)
      note(m, (Fact){.kind = FACT_LEGS_ENDED, .person = e->person});
    pass_time(m, now);
    happen(m, e, now);
    close_if_due(m, now);
    decide_segments(m, now);
    open_if_allowed(m, e, now);
    permit(m);
    tell_state(m, now);
  }
  *effects = (ConsentEffects){m->effects, m->effects_n};
  return result;
}

uint64_t model_next_number(Model *m, ConsentPerson p, int64_t now) {
  if (!last_join(m, p))
    return 0;
  uint64_t number = 1;
  FORWARD (m, f)
    number += f->kind == FACT_SENT && f->person == p;
  note(m, (Fact){.kind = FACT_SENT, .person = p, .number = number, .at_us = now});
  return number;
}

int64_t model_next_deadline_us(const Model *m) {
  int64_t first = INT64_MAX, passed = 0;
  BACKWARD (m, f)
    if (f->kind == FACT_TIME) {
      passed = f->at_us;
      break;
    }
  EVERYONE (m, p) {
    if (!on_roster(m, p))
      continue;
    int64_t sign = last_sign(m, p), lease = sign + m->config.lease_us, absent = sign + m->config.absent_us;
    first = absent < first ? absent : first;
    first = lease > passed && lease < first ? lease : first;
  }
  if (m->config.has_sfu && open_take(m) && compared_until(m) + m->config.lease_us < first)
    first = compared_until(m) + m->config.lease_us;
  FORWARD (m, f)
    if (f->kind == FACT_SEALED && !f->gone && f->until_us + m->config.absent_us < first)
      first = f->until_us + m->config.absent_us;
  return first;
}

ConsentView model_view(const Model *m) {
  Fact is = told(m);
  const Fact *last = last_request(m), *open = open_request(m), *take = open_take(m);
  return (ConsentView){.state = is.state,
                       .reason = is.reason,
                       .person = is.person,
                       .request = last ? last->request : 0,
                       .request_active = open != NULL,
                       .asker = open ? open->person : 0,
                       .take = take ? take->take : 0,
                       .roster = roster(m),
                       .requests_made = count_requests(m),
                       .provisional = count_provisional(m),
                       .compared_us = compared_until(m)};
}

ConsentPersonView model_person_view(const Model *m, ConsentPerson p, int64_t now) {
  const Fact *best = best_confirmation(m, p);
  if (!last_join(m, p) && !invited(m, p))
    return (ConsentPersonView){0};
  bool on = on_roster(m, p), no = no_stands(m, p);
  ConsentMedia media = allowed(m, p);
  return (ConsentPersonView){.known = true,
                             .on_roster = on,
                             .alive = on && now - last_sign(m, p) < m->config.lease_us,
                             .cannot_consent = cannot_consent(m, p),
                             .paused = paused(m, p),
                             .no_stands = no,
                             .answer = media ? CONSENT_ANSWER_GRANTED
                                       : no  ? CONSENT_ANSWER_DECLINED
                                             : CONSENT_ANSWER_NONE,
                             .media = media,
                             .confirmed_number = best ? best->number : 0,
                             .confirmed_us = best ? best->until_us : 0};
}
