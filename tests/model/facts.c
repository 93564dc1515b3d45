/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the log of facts: each walks over it and remembers nothing. */
#include "tests/model/facts.h"

#include <stdlib.h>

Fact *note(Model *m, Fact fact) {
  if (m->facts_n == FACTS_MAX)
    abort();
  m->facts[m->facts_n] = fact;
  return &m->facts[m->facts_n++];
}

void say(Model *m, ConsentEffect effect) {
  m->effects[m->effects_n++] = effect;
}

/* --- Questions about people --- */

const Fact *last_join(const Model *m, ConsentPerson p) {
  BACKWARD (m, f)
    if (f->kind == FACT_JOIN && f->person == p)
      return f;
  return NULL;
}

bool invited(const Model *m, ConsentPerson p) {
  FORWARD (m, f)
    if (f->kind == FACT_INVITE && f->person == p)
      return true;
  return false;
}

/* What the last token said: the one shown when joining, and before the first joining the one shown with a letter. */
bool cannot_consent(const Model *m, ConsentPerson p) {
  const Fact *joined = last_join(m, p);
  if (joined)
    return joined->cannot_consent;
  BACKWARD (m, f)
    if (f->kind == FACT_INVITE && f->person == p)
      return f->cannot_consent;
  return false;
}

bool on_roster(const Model *m, ConsentPerson p) {
  BACKWARD (m, f) {
    if (f->kind == FACT_JOIN && f->person == p)
      return true;
    if (f->kind == FACT_LEFT && f->person == p)
      return false;
  }
  return false;
}

int64_t last_sign(const Model *m, ConsentPerson p) {
  BACKWARD (m, f)
    if (f->person == p && (f->kind == FACT_JOIN || (f->kind == FACT_ALIVE && f->on)))
      return f->at_us;
  return 0;
}

/* R10: silent for absent_us is away, whether anybody noticed or not. */
bool here(const Model *m, ConsentPerson p, int64_t now) {
  return on_roster(m, p) && now - last_sign(m, p) < m->config.absent_us;
}

bool legs_end(const Model *m, ConsentPerson p) {
  BACKWARD (m, f) {
    if (f->kind == FACT_END_LEGS && f->person == p)
      return true;
    if (f->kind == FACT_LEGS_ENDED && f->person == p)
      return false;
  }
  return false;
}

bool no_stands(const Model *m, ConsentPerson p) {
  BACKWARD (m, f) {
    if (f->kind == FACT_NO && f->person == p)
      return true;
    if (f->kind == FACT_OFFER && f->person == p)
      return false;
  }
  return false;
}

const Fact *best_confirmation(const Model *m, ConsentPerson p) {
  const Fact *best = NULL;
  FORWARD (m, f)
    if (f->kind == FACT_ALIVE && f->person == p && f->until_us > (best ? best->until_us : 0))
      best = f;
  return best;
}

/* R8: everything before this instant was followed by a clean look at the SFU's roster. */
int64_t compared_until(const Model *m) {
  int64_t until = 0;
  FORWARD (m, f)
    if (f->kind == FACT_COMPARED && !f->reason && f->until_us > until)
      until = f->until_us;
  return until;
}

/* What the last bad look found, unless a good one was asked for after it. */
ConsentReason sfu_fault(const Model *m) {
  BACKWARD (m, bad) {
    if (bad->kind != FACT_COMPARED || !bad->reason)
      continue;
    for (const Fact *f = bad + 1; f < m->facts + m->facts_n; f++)
      if (f->kind == FACT_COMPARED && !f->reason && f->until_us > bad->at_us)
        return CONSENT_REASON_NONE;
    return bad->reason;
  }
  return CONSENT_REASON_NONE;
}

uint64_t roster(const Model *m) {
  uint64_t mask = 0;
  EVERYONE (m, p)
    if (on_roster(m, p))
      mask |= UINT64_C(1) << (p - 1);
  return mask;
}

/* --- Questions about the request --- */

/* The open request, NULL without one. */
const Fact *open_request(const Model *m) {
  BACKWARD (m, f) {
    if (f->kind == FACT_OVER)
      return NULL;
    if (f->kind == FACT_REQUEST)
      return f;
  }
  return NULL;
}

const Fact *last_request(const Model *m) {
  BACKWARD (m, f)
    if (f->kind == FACT_REQUEST)
      return f;
  return NULL;
}

const Fact *find_request(const Model *m, uint64_t request) {
  FORWARD (m, f)
    if (f->kind == FACT_REQUEST && f->request == request)
      return f;
  return NULL;
}

uint32_t count_requests(const Model *m) {
  uint32_t n = 0;
  FORWARD (m, f)
    n += f->kind == FACT_REQUEST;
  return n;
}

/* R5: nobody was in the room when it was made. */
bool began_empty(const Model *m, const Fact *request) {
  uint64_t in_the_room = 0;
  for (const Fact *f = m->facts; f < request; f++) {
    if (f->kind == FACT_JOIN)
      in_the_room |= UINT64_C(1) << (f->person - 1);
    if (f->kind == FACT_LEFT)
      in_the_room &= ~(UINT64_C(1) << (f->person - 1));
  }
  return in_the_room == 0;
}

/* As open_request, but who has been silent for too long no longer keeps it open. */
const Fact *open_request_at(const Model *m, int64_t now) {
  const Fact *request = open_request(m);
  if (!request)
    return NULL;
  if (request->person)
    return here(m, request->person, now) ? request : NULL;
  if (began_empty(m, request))
    return request;
  EVERYONE (m, p)
    if (here(m, p, now))
      return request;
  return NULL;
}

/* What p allows in the open request; NONE: has not granted. */
ConsentMedia allowed(const Model *m, ConsentPerson p) {
  const Fact *request = open_request(m);
  if (!request)
    return CONSENT_MEDIA_NONE;
  for (const Fact *f = m->facts + m->facts_n; f-- > request;) {
    if (f->person != p)
      continue;
    if (f->kind == FACT_GRANT)
      return f->media;
    if (f->kind == FACT_REQUEST)
      return CONSENT_MEDIA_ALL;
    if (f->kind == FACT_JOIN && (f->late || f->cannot_consent))
      return CONSENT_MEDIA_NONE;
  }
  return CONSENT_MEDIA_NONE;
}

bool ever_granted(const Model *m, ConsentPerson p) {
  const Fact *request = open_request(m);
  for (const Fact *f = request; f && f < m->facts + m->facts_n; f++)
    if (f->person == p && (f->kind == FACT_GRANT || f->kind == FACT_REQUEST || (f->kind == FACT_INVITE && f->on)))
      return true;
  return false;
}

bool came_later(const Model *m, ConsentPerson p) {
  const Fact *request = open_request(m);
  for (const Fact *f = request; f && f < m->facts + m->facts_n; f++)
    if (f->person == p && f->kind == FACT_JOIN && f->came)
      return true;
  return false;
}

bool paused(const Model *m, ConsentPerson p) {
  const Fact *request = open_request(m);
  if (!request)
    return false;
  for (const Fact *f = m->facts + m->facts_n; f-- > request;) {
    if (f->kind == FACT_PAUSE && f->person == p)
      return true;
    if (f->kind == FACT_RESUME && f->person == p)
      return false;
  }
  return false;
}

Fact rest(const Model *m) {
  BACKWARD (m, f)
    if (f->kind == FACT_OVER || f->kind == FACT_REST)
      return *f;
  return (Fact){.state = CONSENT_STATE_IDLE};
}

bool last_switch(const Model *m, FactKind kind) {
  BACKWARD (m, f)
    if (f->kind == kind)
      return f->on;
  return false;
}

const Fact *open_take(const Model *m) {
  BACKWARD (m, f) {
    if (f->kind == FACT_CLOSE)
      return NULL;
    if (f->kind == FACT_OPEN)
      return f;
  }
  return NULL;
}

bool took_part(const Model *m, uint64_t request, ConsentPerson p) {
  const Fact *open = open_request(m);
  if (open && open->request == request)
    return true;
  FORWARD (m, f)
    if (f->kind == FACT_OPEN && f->request == request && f->roster >> (p - 1) & 1)
      return true;
  return false;
}

int64_t first_lease_end(const Model *m) {
  int64_t end = m->config.has_sfu ? compared_until(m) + m->config.lease_us : INT64_MAX;
  EVERYONE (m, p)
    if (on_roster(m, p) && last_sign(m, p) + m->config.lease_us < end)
      end = last_sign(m, p) + m->config.lease_us;
  return end;
}
