/* SPDX-License-Identifier: Apache-2.0 */
/* The consent core and its naive twin go through the same random schedules and must say the same, event by event; and what
 * must never happen is asserted apart from the twin. Options: --seed N (one schedule, told step by step);
 * RECGATE_SCHEDULES (how many), RECGATE_SEED (the first). */
#include "tests/model/model.h"
#include "tests/model/schedule.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATES          (CONSENT_STATE_PURGED + 1)
#define SCHEDULES_DAILY 20000
/* From here on the count must reach every pair of state and event this often. */
#define SCHEDULES_FULL 1000000
#define PAIR_MIN       1000
#define SEGMENTS_MAX   128

typedef enum Fate { FATE_NONE = 0, FATE_SEALED, FATE_COMMITTED, FATE_DROPPED } Fate;

/* What the invariants need to know, gathered from events and effects only. */
typedef struct Witness {
  bool healthy, unknown_media, sfu_fault;
  int64_t clean_us; /* R8: the latest clean comparison's question */
  int64_t last_packet_of[SEGMENTS_MAX];
  uint32_t open_take, last_take;
  uint64_t open_roster;
  uint32_t revoked_up_to; /* a withdrawal: no take up to here commits any more */
  uint64_t discarded;     /* bit t: take t % 64 was closed with discard */
  uint8_t fate[SEGMENTS_MAX];
  uint32_t take_of[SEGMENTS_MAX];
  uint64_t disclosed[CONSENT_REQUESTS_MAX + 1]; /* scope by request number */
} Witness;

typedef struct Run {
  uint64_t seed;
  bool loud;
  ConsentSession *session;
  Model *model;
  Schedule schedule;
  Witness witness;
  uint64_t (*pairs)[CONSENT_EVENT_COUNT + 1];
} Run;

static void tell(const char *who, ConsentResult result, const ConsentEffects *effects) {
  g_printerr("#   %s: %s\n", who, consent_result_text(result));
  for (size_t i = 0; i < effects->n; i++) {
    const ConsentEffect *e = &effects->items[i];
    g_printerr("#     effect %d person %u request %lu segment %lu ticket %lu roster %lx take %u reason %s state %s scope %d discard %d "
               "until %ld\n",
               (int)e->type, e->person, e->request, e->segment, e->ticket, e->roster, e->take, consent_reason_text(e->reason),
               consent_state_text(e->state), (int)e->scope, e->discard, e->until_us);
  }
}

static void tell_event(const Run *run, const ConsentEvent *e) {
  g_printerr("# %ld us: event %d person %u request %lu scope %d echo %lu ticket %lu segment %lu take %u last %ld on %d\n",
             run->schedule.now_us, (int)e->type, e->person, e->request, (int)e->scope, e->echo, e->ticket, e->segment, e->take,
             e->last_packet_us, e->on);
}

static void fail(const Run *run, const ConsentEvent *event, const char *what) {
  g_printerr("# seed %lu, step %u: %s\n", run->seed, run->schedule.step, what);
  tell_event(run, event);
  g_printerr("# again, step by step: test-model --seed %lu\n", run->seed);
  exit(1);
}

#define MUST(condition)                                                                                                                    \
  if (!(condition))                                                                                                                        \
  fail(run, event, #condition)

static bool effects_equal(const ConsentEffects *a, const ConsentEffects *b) {
  if (a->n != b->n)
    return false;
  for (size_t i = 0; i < a->n; i++) {
    const ConsentEffect *x = &a->items[i], *y = &b->items[i];
    if (x->type != y->type || x->person != y->person || x->request != y->request || x->segment != y->segment || x->ticket != y->ticket ||
        x->roster != y->roster || x->take != y->take || x->reason != y->reason || x->state != y->state || x->scope != y->scope ||
        x->discard != y->discard || x->until_us != y->until_us)
      return false;
  }
  return true;
}

static bool views_equal(ConsentView a, ConsentView b) {
  return a.state == b.state && a.reason == b.reason && a.person == b.person && a.request == b.request &&
         a.request_active == b.request_active && a.asker == b.asker && a.take == b.take && a.roster == b.roster &&
         a.requests_made == b.requests_made && a.provisional == b.provisional && a.compared_us == b.compared_us;
}

static bool people_equal(ConsentPersonView a, ConsentPersonView b) {
  return a.known == b.known && a.on_roster == b.on_roster && a.alive == b.alive && a.cannot_consent == b.cannot_consent &&
         a.paused == b.paused && a.no_stands == b.no_stands && a.answer == b.answer && a.media == b.media &&
         a.confirmed_number == b.confirmed_number && a.confirmed_us == b.confirmed_us;
}

static void compare(const Run *run, const ConsentEvent *event) {
  int64_t now_us = run->schedule.now_us;
  MUST(views_equal(consent_view(run->session), model_view(run->model)));
  MUST(consent_next_deadline_us(run->session) == model_next_deadline_us(run->model));
  for (ConsentPerson p = 0; p <= run->schedule.people; p++)
    MUST(people_equal(consent_person_view(run->session, p, now_us), model_person_view(run->model, p, now_us)));
}

/* Each sealed segment ends once, and never well after its take was revoked (R10, R11). */
static void witness_segment(Run *run, const ConsentEvent *event, const ConsentEffect *effect) {
  Witness *w = &run->witness;
  MUST(w->fate[effect->segment] == FATE_SEALED);
  w->fate[effect->segment] = effect->type == CONSENT_EFFECT_COMMIT ? FATE_COMMITTED : FATE_DROPPED;
  if (effect->type == CONSENT_EFFECT_DROP)
    return;
  MUST(effect->take > w->revoked_up_to && effect->take <= w->last_take);
  MUST(!(w->discarded >> (effect->take % 64) & 1));
  MUST(w->take_of[effect->segment] == effect->take);
  MUST(!run->schedule.has_sfu || w->last_packet_of[effect->segment] < w->clean_us); /* R8 */
}

static void witness_take(Run *run, const ConsentEvent *event, const ConsentEffect *effect, size_t position) {
  Witness *w = &run->witness;
  if (effect->type == CONSENT_EFFECT_OPEN_TAKE) {
    MUST(w->open_take == 0 && effect->take == w->last_take + 1);
    w->open_take = w->last_take = effect->take;
    w->open_roster = effect->roster;
    w->discarded &= ~(UINT64_C(1) << (effect->take % 64));
    return;
  }
  MUST(w->open_take != 0 && effect->take == w->open_take);
  MUST(position == 0); /* R8, R11: before anything else */
  if (effect->discard)
    w->discarded |= UINT64_C(1) << (effect->take % 64);
  w->open_take = 0;
}

static void witness_effects(Run *run, const ConsentEvent *event, const ConsentEffects *effects) {
  Witness *w = &run->witness;
  for (size_t i = 0; i < effects->n; i++) {
    const ConsentEffect *effect = &effects->items[i];
    if (effect->type == CONSENT_EFFECT_OPEN_TAKE || effect->type == CONSENT_EFFECT_CLOSE_TAKE)
      witness_take(run, event, effect, i);
    if (effect->type == CONSENT_EFFECT_COMMIT || effect->type == CONSENT_EFFECT_DROP)
      witness_segment(run, event, effect);
    if (effect->type == CONSENT_EFFECT_ERASE) /* R12: never less than disclosed */
      MUST(effect->scope >= (effect->request ? w->disclosed[effect->request] : CONSENT_SCOPE_SESSION));
    if (effect->type == CONSENT_EFFECT_PERMIT)
      MUST(effect->take == w->open_take && effect->until_us > run->schedule.now_us);
  }
}

/* R7: whoever is here has granted and is alive, and the rest is well. */
static void witness_open(const Run *run, const ConsentEvent *event) {
  const Witness *w = &run->witness;
  ConsentView view = consent_view(run->session);
  MUST(view.take == w->open_take);
  MUST((view.take > 0) == (view.state == CONSENT_STATE_RECORDING));
  if (view.take == 0)
    return;
  MUST(view.request_active && view.roster != 0 && view.roster == w->open_roster);
  MUST(!run->schedule.has_sfu || (!w->sfu_fault && w->clean_us > 0 && run->schedule.now_us - w->clean_us < SCHEDULE_LEASE_US));
  MUST(w->healthy && !w->unknown_media && run->schedule.legs_ending == 0);
  for (ConsentPerson p = 1; p <= CONSENT_PEOPLE_MAX; p++) {
    ConsentPersonView is = consent_person_view(run->session, p, run->schedule.now_us);
    MUST(!is.no_stands && !is.paused);
    if (view.roster >> (p - 1) & 1)
      MUST(is.on_roster && is.answer == CONSENT_ANSWER_GRANTED && is.media && is.alive && !is.cannot_consent);
  }
}

static bool has_effect(const ConsentEffects *effects, ConsentEffectType type) {
  for (size_t i = 0; i < effects->n; i++)
    if (effects->items[i].type == type)
      return true;
  return false;
}

static void witness_before(Run *run, const ConsentEvent *event) {
  Witness *w = &run->witness;
  if (event->type == CONSENT_EVENT_COMPARED && run->schedule.has_sfu && event->asked_us <= run->schedule.now_us &&
      (event->reason == CONSENT_REASON_NONE || event->reason == CONSENT_REASON_UNKNOWN_PARTICIPANT)) {
    if (event->reason == CONSENT_REASON_NONE)
      w->clean_us = MAX(w->clean_us, event->asked_us);
    w->sfu_fault = event->reason != CONSENT_REASON_NONE;
  }
  if (event->type == CONSENT_EVENT_SEALED) {
    w->fate[event->segment] = FATE_SEALED;
    w->take_of[event->segment] = event->take;
    w->last_packet_of[event->segment] = event->last_packet_us;
  }
}

/* What an accepted event means to the witness, apart from its effects. */
static void witness_after(Run *run, const ConsentEvent *event, const ConsentEffects *effects) {
  Witness *w = &run->witness;
  if (event->type == CONSENT_EVENT_HEALTH)
    w->healthy = event->on;
  if (event->type == CONSENT_EVENT_UNKNOWN_MEDIA)
    w->unknown_media = event->on;
  if (event->type == CONSENT_EVENT_COMPARED && event->reason)
    w->revoked_up_to = w->last_take;
  if (event->type == CONSENT_EVENT_REQUEST)
    w->disclosed[event->request] = event->scope;
  if (event->type != CONSENT_EVENT_WITHDRAW)
    return;
  MUST(has_effect(effects, CONSENT_EFFECT_ERASE)); /* R6, R13: there is always something to acknowledge */
  MUST(consent_view(run->session).provisional == 0 && consent_view(run->session).take == 0);
  MUST(consent_person_view(run->session, event->person, run->schedule.now_us).no_stands);
  w->revoked_up_to = w->last_take;
}

static void step(Run *run) {
  ConsentEvent next, *event = &next;
  ConsentEffects real, twin;
  schedule_next(&run->schedule, run->session, event);
  ConsentView before = consent_view(run->session);
  run->pairs[before.state][event->type]++;
  if (run->loud)
    tell_event(run, event);
  witness_before(run, event);
  ConsentResult result = consent_handle(run->session, event, run->schedule.now_us, &real);
  ConsentResult expected = model_handle(run->model, event, run->schedule.now_us, &twin);
  if (run->loud || result != expected || !effects_equal(&real, &twin)) {
    tell("core", result, &real);
    tell("model", expected, &twin);
  }
  MUST(result == expected);
  MUST(effects_equal(&real, &twin));
  if (result != CONSENT_OK) {
    MUST(real.n == 0 && views_equal(before, consent_view(run->session)));
    MUST(event->type != CONSENT_EVENT_WITHDRAW || event->person == 0 || event->person > CONSENT_PEOPLE_MAX ||
         !consent_person_view(run->session, event->person, 0).known);
  }
  schedule_learn(&run->schedule, event, result, &real);
  witness_effects(run, event, &real);
  if (result == CONSENT_OK) {
    witness_after(run, event, &real);
    witness_open(run, event);
  }
  compare(run, event);
}

/* Both are asked for the same number at the same time, as before each message to a person. */
static void send_number(Run *run) {
  ConsentPerson person = (ConsentPerson)schedule_random(&run->schedule, run->schedule.people + 1);
  uint64_t number = consent_next_number(run->session, person, run->schedule.now_us);
  g_assert_cmpuint(number, ==, model_next_number(run->model, person, run->schedule.now_us));
  if (number > 0)
    run->schedule.number[person] = number;
}

static void run_schedule(Run *run, uint64_t seed) {
  ConsentConfig config = {.lease_us = SCHEDULE_LEASE_US, .absent_us = SCHEDULE_ABSENT_US, .requests_max = 3};
  run->seed = seed;
  schedule_init(&run->schedule, seed);
  memset(&run->witness, 0, sizeof run->witness);
  config.has_sfu = run->schedule.has_sfu;
  if (schedule_random(&run->schedule, 8) == 0)
    config.absent_us = config.lease_us;
  config.recorded = schedule_random(&run->schedule, 4) == 0;
  run->session = consent_session_new(&config);
  model_reset(run->model, &config);
  uint64_t steps = 30 + schedule_random(&run->schedule, 20);
  for (uint64_t i = 0; i < steps; i++) {
    step(run);
    for (uint64_t n = schedule_random(&run->schedule, 3); n > 0; n--)
      send_number(run);
  }
  consent_session_free(run->session);
}

static void report_pairs(uint64_t (*pairs)[CONSENT_EVENT_COUNT + 1], uint64_t schedules) {
  uint64_t least = UINT64_MAX;
  for (int state = 0; state < STATES; state++) {
    g_autoptr(GString) line = g_string_new(consent_state_text((ConsentState)state));
    for (int type = 1; type <= CONSENT_EVENT_COUNT; type++) {
      g_string_append_printf(line, " %d:%lu", type, pairs[state][type]);
      least = MIN(least, pairs[state][type]);
    }
    g_test_message("%s", line->str);
  }
  g_test_message("%lu schedules, least frequent pair of state and event: %lu times", schedules, least);
  if (schedules >= SCHEDULES_FULL)
    g_assert_cmpuint(least, >=, PAIR_MIN);
}

static uint64_t number_from_environment(const char *name, uint64_t otherwise) {
  const char *text = g_getenv(name);
  return text ? g_ascii_strtoull(text, NULL, 10) : otherwise;
}

static void test_schedules(void) {
  static const uint64_t golden = UINT64_C(0x632be59bd9b4e019);
  uint64_t pairs[STATES][CONSENT_EVENT_COUNT + 1] = {0};
  uint64_t schedules = number_from_environment("RECGATE_SCHEDULES", g_test_thorough() ? SCHEDULES_FULL : SCHEDULES_DAILY);
  uint64_t seed = number_from_environment("RECGATE_SEED", (uint64_t)g_get_real_time());
  Run run = {.model = model_new(), .pairs = pairs};
  g_test_message("first seed %lu, %lu schedules (RECGATE_SEED, RECGATE_SCHEDULES)", seed, schedules);
  for (uint64_t i = 0; i < schedules; i++)
    run_schedule(&run, seed + i * golden);
  report_pairs(pairs, schedules);
  model_free(run.model);
}

static int tell_one(uint64_t seed) {
  uint64_t pairs[STATES][CONSENT_EVENT_COUNT + 1] = {0};
  Run run = {.model = model_new(), .pairs = pairs, .loud = true};
  run_schedule(&run, seed);
  model_free(run.model);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--seed") == 0)
    return tell_one(g_ascii_strtoull(argv[2], NULL, 10));
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/consent/model/schedules", test_schedules);
  return g_test_run();
}
