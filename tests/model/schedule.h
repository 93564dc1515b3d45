/* SPDX-License-Identifier: Apache-2.0 */
/* Random schedules for the consent core: which event comes next, and when.
 *
 * Biased towards what matters: valid arguments mostly, calls that get as far as recording, and short times with now and
 * then a lapse or an absence. The same seed gives the same schedule. */
#ifndef RECGATE_TESTS_SCHEDULE_H
#define RECGATE_TESTS_SCHEDULE_H

#include "gate/consent/consent.h"

#define SCHEDULE_LEASE_US INT64_C(5000000)
#define SCHEDULE_ABSENT_US INT64_C(30000000)
#define SCHEDULE_PEOPLE_MAX 6

typedef struct Schedule {
  uint64_t random;
  uint32_t people;          /* 3..SCHEDULE_PEOPLE_MAX */
  uint32_t step;            /* events so far */
  uint32_t eager;           /* of 100: how often the next useful step towards a recording is taken */
  int64_t now_us;
  uint64_t request, segment, ticket; /* the last ones used */
  uint64_t number[SCHEDULE_PEOPLE_MAX + 1];
  bool has_sfu;             /* R8: comparisons come, mostly in time */
  bool ahead;               /* the first steps are a letter: invite, ask, answer, then join (R5) */
  uint64_t joined;          /* people who have been there */
  uint64_t legs_ending;     /* people with an END_LEGS that was not answered */
} Schedule;

void schedule_init(Schedule *schedule, uint64_t seed);
uint64_t schedule_random(Schedule *schedule, uint64_t below);
/* Moves now_us on and writes the next event; session is only looked at. */
void schedule_next(Schedule *schedule, const ConsentSession *session, ConsentEvent *event);
/* What the generator must know of what came out. */
void schedule_learn(Schedule *schedule, const ConsentEvent *event, ConsentResult result, const ConsentEffects *effects);

#endif
