/* SPDX-License-Identifier: Apache-2.0 */
/* Being alive, what commits and what is dropped, and withdrawal, rule by rule. */
#include "tests/consent/call.h"

/* --- R10: alive --- */

static void test_lease(void) {
  g_auto(Call) call = call_recording(SESSION);
  g_assert_cmpint(consent_next_deadline_us(call.session), ==, 1005 * S);
  call.now_us += 1 * S;
  ok(&call, alive(ALICE, 0), "");
  ok(&call, sealed(1, 1, call.now_us), "");
  call.now_us = 1005 * S - 1;
  ok(&call, TICK, "");
  g_assert_true(consent_person_view(call.session, BOB, call.now_us).alive);
  call.now_us = 1005 * S;
  g_assert_false(consent_person_view(call.session, BOB, call.now_us).alive);
  ok(&call, TICK, "close 1 silent discard, drop 1 silent, suspended/silent 2");
  g_assert_cmpint(consent_next_deadline_us(call.session), ==, 1006 * S); /* Alice's lease */
  ok(&call, alive(BOB, 0), "open 2 3, permit 2 1006, recording/granted 2");
  ok(&call, alive(ALICE, 0), "permit 2 1010");
}

/* A lapse that no TICK has noticed is not undone by the heartbeat after it. */
static void test_lease_late_tick(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, sealed(1, 1, call.now_us), "");
  call.now_us += 4 * S;
  ok(&call, alive(ALICE, 0), "");
  call.now_us += 1 * S;
  ok(&call, alive(BOB, 0), "close 1 silent discard, drop 1 silent, open 2 3, permit 2 1009, recording/granted 2");
}

/* Silent for absent_us is left, R15; the asker's silence ends the request, R14. */
static void test_absent(void) {
  g_auto(Call) call = call_recording(SESSION);
  call.now_us += 29 * S;
  ok(&call, alive(ALICE, 0), "close 1 silent discard, suspended/silent 2");
  g_assert_cmpint(consent_next_deadline_us(call.session), ==, 1030 * S);
  call.now_us += 1 * S;
  no(&call, of(CONSENT_EVENT_PAUSE, BOB), CONSENT_NOT_JOINED); /* though no TICK came yet */
  no(&call, of(CONSENT_EVENT_LEAVE, BOB), CONSENT_NOT_JOINED);
  ok(&call, TICK, "legs 2, left 2 silent, consents, suspended/left 2");
  ok(&call, of(CONSENT_EVENT_LEGS_ENDED, BOB), "open 2 1, permit 2 1034, recording/granted 2");
  call.now_us += 30 * S;
  no(&call, grant(ALICE, 1), CONSENT_NOT_JOINED);
  ok(&call, TICK, "close 2 silent discard, legs 1, left 1 silent, consents, stopped/asker_left 1");
  ok(&call, join(BOB), "");
}

/* Everyone gone: over. */
static void test_everyone_left(void) {
  g_auto(Call) call = call_new();
  ok(&call, on(CONSENT_EVENT_HEALTH, true), "");
  ok(&call, join(BOB), "");
  ok(&call, request(0, 1, SESSION), "ask 2, consents, asking/requested 0");
  ok(&call, grant(BOB, 1), "consents, open 1 2, permit 1 1005, recording/granted 2");
  ok(&call, of(CONSENT_EVENT_LEAVE, BOB), "close 1 left, legs 2, left 2 left, consents, stopped/ended 2");
  g_assert_cmpint(consent_next_deadline_us(call.session), ==, INT64_MAX);
}

/* R10: everyone's echo of a number sent after the last packet. */
static void test_commit_echo(void) {
  g_auto(Call) call = call_recording(SESSION);
  uint64_t early = consent_next_number(call.session, ALICE, call.now_us);
  g_assert_cmpuint(early, ==, 1);
  ok(&call, sealed(1, 1, call.now_us), "");
  g_assert_cmpuint(consent_view(call.session).provisional, ==, 1);
  call.now_us += 1;
  uint64_t a = consent_next_number(call.session, ALICE, call.now_us), b = consent_next_number(call.session, BOB, call.now_us);
  ok(&call, alive(BOB, b), "");
  ok(&call, alive(ALICE, early), "permit 1 1005"); /* of the same instant as the packet: not after it */
  ok(&call, alive(ALICE, a + 1), "");              /* never sent */
  ok(&call, alive(ALICE, a), "commit 1");
  g_assert_cmpuint(consent_person_view(call.session, ALICE, call.now_us).confirmed_number, ==, a);
  ok(&call, alive(ALICE, early), ""); /* an older echo takes nothing back */
  g_assert_cmpuint(consent_person_view(call.session, ALICE, call.now_us).confirmed_number, ==, a);
  g_assert_cmpuint(consent_view(call.session).provisional, ==, 0);
  g_assert_cmpuint(consent_next_number(call.session, CAROL, call.now_us), ==, 0);
  g_assert_cmpuint(consent_next_number(call.session, CONSENT_PEOPLE_MAX + 1, call.now_us), ==, 0);
  g_assert_cmpuint(consent_next_number(call.session, CONSENT_PEOPLE_MAX, call.now_us), ==, 0);
}

/* R10: without an echo only what ended lease_us before. */
static void test_commit_without_echo(void) {
  g_auto(Call) call = call_recording(SESSION);
  int64_t packet_us = call.now_us;
  ok(&call, sealed(1, 1, packet_us), "");
  call.now_us += 3 * S;
  ok(&call, alive(ALICE, 0), "");
  ok(&call, alive(BOB, 0), "permit 1 1008");
  call.now_us = packet_us + 5 * S;
  ok(&call, alive(ALICE, 0), "");
  ok(&call, alive(BOB, 0), "permit 1 1010");
  call.now_us += 1;
  ok(&call, alive(ALICE, 0), "");
  ok(&call, alive(BOB, 0), "commit 1, permit 1 1010");
}

/* A number is remembered until CONSENT_NUMBERS_MAX younger ones were sent. */
static void test_numbers_forgotten(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, of(CONSENT_EVENT_PAUSE, BOB), "close 1 paused, paused/paused 2");
  ok(&call, sealed(1, 1, call.now_us), "");
  call.now_us += 1;
  ok(&call, alive(BOB, consent_next_number(call.session, BOB, call.now_us)), "");
  uint64_t first = consent_next_number(call.session, ALICE, call.now_us);
  for (int i = 0; i < CONSENT_NUMBERS_MAX; i++)
    consent_next_number(call.session, ALICE, call.now_us);
  ok(&call, alive(ALICE, first), "");
  ok(&call, alive(ALICE, first + 1), "commit 1");
}

/* R10: who left may confirm for absent_us; what nobody confirms is dropped. */
static void test_commit_after_leaving(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, sealed(1, 1, call.now_us), "");
  call.now_us += 1 * S;
  ok(&call, sealed(2, 1, call.now_us), "");
  uint64_t b = consent_next_number(call.session, BOB, call.now_us);
  ConsentEvent leave = of(CONSENT_EVENT_LEAVE, BOB);
  leave.echo = b;
  ok(&call, leave, "close 1 left, legs 2, left 2 left, consents, suspended/left 2");
  call.now_us += 1;
  uint64_t a = consent_next_number(call.session, ALICE, call.now_us);
  b = consent_next_number(call.session, BOB, call.now_us);
  ok(&call, alive(ALICE, a), "commit 1"); /* leaving was Bob's last heartbeat */
  call.now_us += 28 * S;
  ok(&call, alive(BOB, b), "commit 2");
  g_assert_false(consent_person_view(call.session, BOB, call.now_us).alive);
  call.now_us = 1031 * S;
  no(&call, alive(BOB, b), CONSENT_NOT_JOINED);
}

static void test_drop_unconfirmed(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, sealed(1, 1, call.now_us), "");
  ok(&call, of(CONSENT_EVENT_STOP, ALICE), "close 1 stopped, stopped/stopped 1");
  call.now_us += 29 * S;
  ok(&call, alive(ALICE, consent_next_number(call.session, ALICE, call.now_us)), "");
  g_assert_cmpint(consent_next_deadline_us(call.session), ==, 1030 * S);
  uint64_t b = consent_next_number(call.session, BOB, call.now_us);
  call.now_us += 1 * S - 1;
  ok(&call, TICK, "");
  call.now_us += 1;
  ok(&call, alive(BOB, b), "legs 2, left 2 silent, drop 1 silent"); /* too late to confirm */
  ok(&call, sealed(2, 1, call.now_us - 30 * S), "commit 2");        /* sealed late, confirmed long ago: a track that was mute */
}

/* Nonsense about segments drops them. */
static void test_seal_nonsense(void) {
  g_auto(Call) call = call_recording(SESSION);
  call.now_us += 1 * S;
  ok(&call, sealed(1, 0, call.now_us), "drop 1 overrun");
  ok(&call, sealed(2, 2, call.now_us), "drop 2 overrun");
  ok(&call, sealed(3, 1 + 64, call.now_us), "drop 3 overrun");
  ok(&call, sealed(4, 1, 1000 * S - 1), "drop 4 overrun");
  ok(&call, sealed(5, 1, call.now_us + 1), "drop 5 overrun");
  for (uint64_t i = 0; i < CONSENT_PROVISIONAL_MAX; i++)
    ok(&call, sealed(10 + i, 1, call.now_us), "");
  ok(&call, sealed(9999, 1, call.now_us), "drop 9999 overrun");
  ConsentEvent event = of(CONSENT_EVENT_WITHDRAW, BOB);
  ConsentEffects effects;
  g_assert_cmpint(consent_handle(call.session, &event, call.now_us, &effects), ==, CONSENT_OK);
  g_assert_cmpuint(effects.n, ==, CONSENT_PROVISIONAL_MAX + 4); /* close, erase, consents, the drops, state */
}

/* An old take is forgotten when 64 younger ones have opened. */
static void test_takes_bounded(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, sealed(1, 1, call.now_us), "");
  for (uint32_t take = 1; take < 64; take++) {
    g_autofree char *words = g_strdup_printf("close %u tracks, open %u 3, permit %u 1005, recording/tracks 0", take, take + 1, take + 1);
    ok(&call, failed(take, CONSENT_REASON_TRACKS), words);
  }
  ok(&call, sealed(2, 1, call.now_us), "");
  ok(&call, failed(64, CONSENT_REASON_TRACKS), "close 64 tracks, open 65 3, permit 65 1005, recording/tracks 0");
  ok(&call, sealed(3, 1, call.now_us), "drop 1 overrun, drop 2 overrun, drop 3 overrun");
}

static void test_take_failed(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, sealed(1, 1, call.now_us), "");
  no(&call, failed(1, CONSENT_REASON_GRANTED), CONSENT_REFUSED);
  no(&call, failed(2, CONSENT_REASON_OVERRUN), CONSENT_NOT_RECORDING);
  ok(&call, failed(1, CONSENT_REASON_OVERRUN), "close 1 overrun, open 2 3, permit 2 1005, recording/overrun 0");
  no(&call, failed(1, CONSENT_REASON_OVERRUN), CONSENT_NOT_RECORDING);
  g_assert_cmpuint(consent_view(call.session).provisional, ==, 1);
  ok(&call, of(CONSENT_EVENT_STOP, BOB), "close 2 stopped, stopped/stopped 2");
  no(&call, failed(0, CONSENT_REASON_OVERRUN), CONSENT_NOT_RECORDING);
}

/* --- R6, R11-R13: withdrawal --- */

static void test_withdraw(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, sealed(1, 1, call.now_us), "");
  ok(&call, withdraw(BOB, 0, CONSENT_SCOPE_UNSET),
     "close 1 withdrawn discard, erase 1 1 session, consents, drop 1 withdrawn, stopped/withdrawn 2");
  ok(&call, sealed(2, 1, call.now_us), "drop 2 withdrawn");
  no(&call, grant(BOB, 1), CONSENT_REQUEST_ENDED); /* R11, fault 25 */
  no(&call, erased(0), CONSENT_REFUSED);
  no(&call, erased(2), CONSENT_REFUSED);
  ok(&call, erased(1), "purged/erased 2");
  ok(&call, erased(1), "");
  no(&call, request(ALICE, 2, SESSION), CONSENT_DECLINED_FINAL);                                        /* R4 */
  ok(&call, withdraw(BOB, 0, CONSENT_SCOPE_UNSET), "erase 2 1 session, consents, stopped/withdrawn 2"); /* R6: clients repeat */
  ok(&call, erased(2), "purged/erased 2");
  ok(&call, of(CONSENT_EVENT_OFFER, BOB), "consents");
  ok(&call, request(ALICE, 2, SESSION), "ask 2, consents, asking/requested 1");
}

/* R12: as disclosed or more, never less; nonsense is everything. */
static void test_withdraw_scope(void) {
  static const struct {
    ConsentScope disclosed, asked;
    const char *erases;
  } cases[] = {
      {CONSENT_SCOPE_AFTER, CONSENT_SCOPE_UNSET, "after"},
      {CONSENT_SCOPE_AFTER, CONSENT_SCOPE_AFTER, "after"},
      {CONSENT_SCOPE_AFTER, CONSENT_SCOPE_SESSION, "session"},
      {CONSENT_SCOPE_PARTICIPANT, CONSENT_SCOPE_AFTER, "participant"},
      {CONSENT_SCOPE_PARTICIPANT, CONSENT_SCOPE_SESSION, "session"},
      {CONSENT_SCOPE_SESSION, CONSENT_SCOPE_PARTICIPANT, "session"},
      {CONSENT_SCOPE_AFTER, (ConsentScope)9, "session"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_auto(Call) call = call_recording(cases[i].disclosed);
    g_autofree char *words = g_strdup_printf("close 1 withdrawn discard, erase 1 1 %s, consents, stopped/withdrawn 2", cases[i].erases);
    ok(&call, withdraw(BOB, 1, cases[i].asked), words);
    ok(&call, erased(1), g_str_equal(cases[i].erases, "after") ? "" : "purged/erased 2");
  }
}

/* R6: also after leaving and after the end; and when there never was a recording. */
static void test_withdraw_any_time(void) {
  g_auto(Call) call = call_talking();
  no(&call, withdraw(CAROL, 0, SESSION), CONSENT_NOT_JOINED);
  no(&call, withdraw(0, 0, SESSION), CONSENT_NOT_JOINED);
  no(&call, withdraw(CONSENT_PEOPLE_MAX + 1, 0, SESSION), CONSENT_REFUSED);
  ok(&call, withdraw(BOB, 0, CONSENT_SCOPE_AFTER), "erase 1 0 session, consents, stopped/withdrawn 2");
  ok(&call, erased(1), "purged/erased 2");
  g_auto(Call) later = call_recording(SESSION);
  ok(&later, of(CONSENT_EVENT_LEAVE, BOB), "close 1 left, legs 2, left 2 left, consents, suspended/left 2");
  ok(&later, of(CONSENT_EVENT_LEGS_ENDED, BOB), "open 2 1, permit 2 1005, recording/granted 2");
  ok(&later, sealed(1, 2, later.now_us), "");
  ok(&later, withdraw(BOB, 0, CONSENT_SCOPE_UNSET),
     "close 2 withdrawn discard, erase 1 1 session, consents, drop 1 withdrawn, stopped/withdrawn 2");
  ok(&later, of(CONSENT_EVENT_LEAVE, ALICE), "legs 1, left 1 left");
  later.now_us += 3600 * S;
  ok(&later, withdraw(ALICE, 0, CONSENT_SCOPE_UNSET), "erase 2 1 session, consents, stopped/withdrawn 1");
  ok(&later, erased(2), "purged/erased 1");
}

/* Two recordings: by name only that one, else all that the person was in; purged when the last erase is done. */
static void test_withdraw_which(void) {
  g_auto(Call) call = call_recording(CONSENT_SCOPE_PARTICIPANT);
  ok(&call, of(CONSENT_EVENT_STOP, ALICE), "close 1 stopped, stopped/stopped 1");
  ok(&call, join(CAROL), "");
  ok(&call, request(ALICE, 2, CONSENT_SCOPE_AFTER), "ask 2, ask 3, consents, asking/requested 1");
  ok(&call, grant(BOB, 2), "consents");
  ok(&call, grant(CAROL, 2), "consents, open 2 7, permit 2 1005, recording/granted 3");
  ok(&call, withdraw(CAROL, 1, CONSENT_SCOPE_UNSET), /* was not in recording 1: hers, not others' */
     "close 2 withdrawn discard, erase 1 2 after, consents, stopped/withdrawn 3");
  ok(&call, erased(1), "");
  ok(&call, withdraw(BOB, 1, CONSENT_SCOPE_UNSET), "erase 2 1 participant, consents, stopped/withdrawn 2");
  ok(&call, withdraw(BOB, 77, CONSENT_SCOPE_UNSET), "erase 3 1 participant, erase 4 2 after, consents");
  ok(&call, erased(2), ""); /* a younger erase of the same recording is pending */
  ok(&call, erased(3), "");
  ok(&call, erased(4), "purged/erased 2");
}

/* An erase that ends while a new request is open changes no state; the scope of the last request counts for `purged`. */
static void test_erased_late(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, withdraw(BOB, 0, CONSENT_SCOPE_UNSET), "close 1 withdrawn discard, erase 1 1 session, consents, stopped/withdrawn 2");
  ok(&call, of(CONSENT_EVENT_OFFER, BOB), "consents");
  ok(&call, request(ALICE, 2, CONSENT_SCOPE_AFTER), "ask 2, consents, asking/requested 1");
  ok(&call, erased(1), "");
  ok(&call, of(CONSENT_EVENT_STOP, BOB), "stopped/stopped 2");
  ok(&call, erased(1), "");
}

/* R11: whatever races with a withdrawal, in either order, nothing is open and nothing commits after it (fault 23). */
static void test_withdraw_races(void) {
  const ConsentEvent rivals[] = {
      grant(BOB, 1),
      grant(ALICE, 1),
      join(CAROL),
      join(BOB),
      of(CONSENT_EVENT_PAUSE, ALICE),
      of(CONSENT_EVENT_RESUME, ALICE),
      of(CONSENT_EVENT_STOP, ALICE),
      of(CONSENT_EVENT_LEAVE, ALICE),
      alive(ALICE, 1),
      of(CONSENT_EVENT_LEGS_ENDED, BOB),
      TICK,
      failed(1, CONSENT_REASON_TRACKS),
      on(CONSENT_EVENT_HEALTH, false),
      on(CONSENT_EVENT_HEALTH, true),
      sealed(2, 1, 1000 * S),
      on(CONSENT_EVENT_UNKNOWN_MEDIA, true),
      decline(BOB, 1),
      request(ALICE, 2, SESSION),
  };
  for (size_t i = 0; i < 2 * G_N_ELEMENTS(rivals); i++) {
    g_auto(Call) call = call_recording(SESSION);
    ConsentEffects effects;
    const ConsentEvent wins = withdraw(BOB, 0, CONSENT_SCOPE_UNSET);
    const ConsentEvent *rival = &rivals[i / 2];
    ok(&call, sealed(1, 1, call.now_us), "");
    consent_handle(call.session, i % 2 ? &wins : rival, call.now_us, &effects);
    consent_handle(call.session, i % 2 ? rival : &wins, call.now_us, &effects);
    for (size_t j = 0; j < effects.n; j++) {
      g_assert_cmpint(effects.items[j].type, !=, CONSENT_EFFECT_COMMIT);
      g_assert_cmpint(effects.items[j].type, !=, CONSENT_EFFECT_OPEN_TAKE);
    }
    g_assert_cmpuint(consent_view(call.session).take, ==, 0);
    g_assert_cmpuint(consent_view(call.session).provisional, ==, 0);
    g_assert_false(consent_view(call.session).request_active);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/consent/roster/lease-R10", test_lease);
  g_test_add_func("/consent/roster/lease-late-tick-R10", test_lease_late_tick);
  g_test_add_func("/consent/roster/absent-R10-R14-R15", test_absent);
  g_test_add_func("/consent/roster/everyone-left-R7", test_everyone_left);
  g_test_add_func("/consent/segment/echo-R10", test_commit_echo);
  g_test_add_func("/consent/segment/without-echo-R10", test_commit_without_echo);
  g_test_add_func("/consent/segment/numbers-forgotten-R10", test_numbers_forgotten);
  g_test_add_func("/consent/segment/after-leaving-R10", test_commit_after_leaving);
  g_test_add_func("/consent/segment/unconfirmed-R10", test_drop_unconfirmed);
  g_test_add_func("/consent/segment/nonsense-R10", test_seal_nonsense);
  g_test_add_func("/consent/segment/takes-bounded-R10", test_takes_bounded);
  g_test_add_func("/consent/gate/take-failed", test_take_failed);
  g_test_add_func("/consent/withdrawal/everything-R11-R13", test_withdraw);
  g_test_add_func("/consent/withdrawal/scope-R12", test_withdraw_scope);
  g_test_add_func("/consent/withdrawal/any-time-R6", test_withdraw_any_time);
  g_test_add_func("/consent/withdrawal/which-R12", test_withdraw_which);
  g_test_add_func("/consent/withdrawal/erased-late-R13", test_erased_late);
  g_test_add_func("/consent/withdrawal/races-R11", test_withdraw_races);
  return g_test_run();
}
