/* SPDX-License-Identifier: Apache-2.0 */
/* The log of the naive core, and the questions that can be asked of it. Private to tests/model/model.c. */
#ifndef RECGATE_TESTS_FACTS_H
#define RECGATE_TESTS_FACTS_H

#include "tests/model/model.h"

#define FACTS_MAX   4096
#define EFFECTS_MAX 2048

typedef enum FactKind {
  FACT_JOIN = 1, /* late: R3 wants a new confirmation; came: was not on the roster */
  FACT_INVITE,   /* cannot_consent; on: had granted what is asked, to an earlier process */
  FACT_ALIVE,    /* on: was on the roster; until_us: confirmed instant, 0: none; number: the echo */
  FACT_LEFT,     /* at_us: the instant of leaving */
  FACT_END_LEGS,
  FACT_LEGS_ENDED,
  FACT_SENT,    /* number */
  FACT_REQUEST, /* request, scope, sha256 */
  FACT_GRANT,   /* media */
  FACT_NO,
  FACT_OFFER,
  FACT_OVER, /* the request is over: state, reason */
  FACT_REST, /* the state without request changes: state, reason */
  FACT_PAUSE,
  FACT_RESUME,
  FACT_HEALTH,  /* on */
  FACT_UNKNOWN, /* on */
  FACT_COMPARED, /* at_us: answered, until_us: asked, reason */
  FACT_OPEN,    /* take, request, roster, reason */
  FACT_CLOSE,   /* take, reason */
  FACT_PERMIT,  /* until_us */
  FACT_WITHDRAWN,
  FACT_SEALED, /* segment, take, until_us: the last packet; gone: decided */
  FACT_ERASE,  /* ticket, request, scope */
  FACT_ERASED, /* ticket */
  FACT_TOLD,   /* state, reason, take */
  FACT_TIME,
} FactKind;

typedef struct Fact {
  FactKind kind;
  ConsentPerson person;
  int64_t at_us, until_us;
  uint64_t number, request, roster;
  uint32_t take;
  bool on, late, came, may_request, cannot_consent, gone;
  ConsentReason reason;
  ConsentState state;
  ConsentScope scope;
  ConsentMedia media;
  uint8_t sha256[CONSENT_SHA256_BYTES];
} Fact;

struct Model {
  ConsentConfig config;
  uint32_t facts_n;
  uint32_t people; /* highest person ever seen, only to know where to stop counting */
  size_t effects_n;
  Fact facts[FACTS_MAX];
  ConsentEffect effects[EFFECTS_MAX];
};

/* Walks the log from its end. */
#define BACKWARD(m, f) for (const Fact *f = (m)->facts + (m)->facts_n; f-- > (m)->facts;)
#define FORWARD(m, f)  for (const Fact *f = (m)->facts; f < (m)->facts + (m)->facts_n; f++)
#define EVERYONE(m, p) for (ConsentPerson p = 1; p <= (m)->people; p++)

Fact *note(Model *m, Fact fact);
void say(Model *m, ConsentEffect effect);
bool on_roster(const Model *m, ConsentPerson p);
int64_t last_sign(const Model *m, ConsentPerson p);
bool here(const Model *m, ConsentPerson p, int64_t now);
bool legs_end(const Model *m, ConsentPerson p);
bool no_stands(const Model *m, ConsentPerson p);
uint64_t roster(const Model *m);
uint32_t count_requests(const Model *m);
ConsentMedia allowed(const Model *m, ConsentPerson p);
bool ever_granted(const Model *m, ConsentPerson p);
bool came_later(const Model *m, ConsentPerson p);
bool paused(const Model *m, ConsentPerson p);
Fact rest(const Model *m);
bool last_switch(const Model *m, FactKind kind);
bool took_part(const Model *m, uint64_t request, ConsentPerson p);
int64_t first_lease_end(const Model *m);
const Fact *last_join(const Model *m, ConsentPerson p);
bool invited(const Model *m, ConsentPerson p);
bool cannot_consent(const Model *m, ConsentPerson p);
bool began_empty(const Model *m, const Fact *request);
int64_t compared_until(const Model *m);
ConsentReason sfu_fault(const Model *m);
const Fact *best_confirmation(const Model *m, ConsentPerson p);
const Fact *open_request(const Model *m);
const Fact *last_request(const Model *m);
const Fact *find_request(const Model *m, uint64_t request);
const Fact *open_request_at(const Model *m, int64_t now);
const Fact *open_take(const Model *m);

#endif
