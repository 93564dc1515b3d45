/* SPDX-License-Identifier: Apache-2.0 */
/* Asking, answering, opening, closing and toggling, rule by rule. */
#include "tests/consent/call.h"

/* --- R2, R3, R4: asking and answering --- */

static void test_ask_who(void) {
  g_auto(Call) call = call_talking();
  no(&call, request(BOB, 1, SESSION), CONSENT_ROLE_MAY_NOT_ASK);
  no(&call, request(CAROL, 1, SESSION), CONSENT_NOT_JOINED);
  no(&call, request(CONSENT_PEOPLE_MAX + 1, 1, SESSION), CONSENT_REFUSED);
  no(&call, request(ALICE, 0, SESSION), CONSENT_REFUSED);
  no(&call, request(ALICE, 1, CONSENT_SCOPE_UNSET), CONSENT_REFUSED);
  no(&call, request(ALICE, 1, (ConsentScope)(SESSION + 1)), CONSENT_REFUSED);
  ok(&call, request(ALICE, 1, CONSENT_SCOPE_AFTER), "ask 2, consents, asking/requested 1");
  no(&call, request(ALICE, 2, SESSION), CONSENT_REQUEST_PENDING);
  g_assert_cmpint(consent_person_view(call.session, ALICE, call.now_us).answer, ==, CONSENT_ANSWER_GRANTED);
}

/* R2, R5: a service grants nothing, and may ask before anybody is there. */
static void test_ask_service(void) {
  g_auto(Call) call = call_new();
  ok(&call, on(CONSENT_EVENT_HEALTH, true), "");
  ok(&call, request(0, 1, SESSION), "consents, asking/requested 0");
  ok(&call, join(ALICE), "ask 1, consents, asking/newcomer 1");
  no(&call, request(0, 2, SESSION), CONSENT_REQUEST_PENDING);
  ok(&call, grant(ALICE, 1), "consents, open 1 1, permit 1 1005, recording/granted 1");
  ok(&call, of(CONSENT_EVENT_PAUSE, ALICE), "close 1 paused, paused/paused 1");
  call.now_us += 30 * S;
  no(&call, request(0, 2, SESSION), CONSENT_REQUEST_PENDING); /* it waits for people, also when they go again */
  ok(&call, TICK, "legs 1, left 1 silent, consents, asking/requested 0");
}

/* R5: made in a call it ends with the last of its people. */
static void test_ask_service_in_call(void) {
  g_auto(Call) call = call_talking();
  ok(&call, request(0, 1, SESSION), "ask 1, ask 2, consents, asking/requested 0");
  ok(&call, of(CONSENT_EVENT_LEAVE, ALICE), "legs 1, left 1 left, consents");
  ok(&call, of(CONSENT_EVENT_LEAVE, BOB), "legs 2, left 2 left, consents, stopped/ended 2");
}

/* R3: the text is what was granted, not the number. */
static void test_grant_text(void) {
  g_auto(Call) call = call_talking();
  no(&call, grant(BOB, 1), CONSENT_NO_REQUEST);
  ok(&call, request(ALICE, 1, SESSION), "ask 2, consents, asking/requested 1");
  ConsentEvent other = grant(BOB, 1);
  other.sha256[CONSENT_SHA256_BYTES - 1] ^= 1;
  no(&call, other, CONSENT_WRONG_DISCLOSURE);
  no(&call, grant(BOB, 2), CONSENT_REQUEST_ENDED);
  no(&call, grant(CAROL, 1), CONSENT_NOT_JOINED);
  no(&call, grant(0, 1), CONSENT_NOT_JOINED);
  no(&call, grant_media(BOB, 1, (ConsentMedia)4), CONSENT_REFUSED);
  ok(&call, of(CONSENT_EVENT_STOP, BOB), "stopped/stopped 2");
  no(&call, grant(BOB, 1), CONSENT_REQUEST_ENDED); /* fault 25 */
  ok(&call, request(ALICE, 2, SESSION), "ask 2, consents, asking/requested 1");
  no(&call, grant(BOB, 1), CONSENT_REQUEST_ENDED);
  g_assert_cmpuint(consent_view(call.session).take, ==, 0);
}

/* R3: back within absent_us of the last sign of life keeps the grant, later asks again. */
static void test_grant_return(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, of(CONSENT_EVENT_LEAVE, BOB), "close 1 left, legs 2, left 2 left, consents, suspended/left 2");
  ok(&call, of(CONSENT_EVENT_LEGS_ENDED, BOB), "open 2 1, permit 2 1005, recording/granted 2");
  for (int i = 0; i < 29; i++) {
    call.now_us += 1 * S;
    g_autofree char *permit = g_strdup_printf("permit 2 %g", (double)call.now_us / S + 5);
    ok(&call, alive(ALICE, 0), permit);
  }
  call.now_us += 1 * S - 1;
  ok(&call, join(BOB), "close 2 newcomer, consents, open 3 3, permit 3 1034, recording/granted 2");
  ok(&call, of(CONSENT_EVENT_LEAVE, BOB), "close 3 left, legs 2, left 2 left, consents, suspended/left 2");
  ok(&call, of(CONSENT_EVENT_LEGS_ENDED, BOB), "open 4 1, permit 4 1034, recording/granted 2");
  for (int i = 0; i < 30; i++) {
    call.now_us += 1 * S;
    g_autofree char *permit = g_strdup_printf("permit 4 %g", (double)call.now_us / S + 5);
    ok(&call, alive(ALICE, 0), permit);
  }
  ok(&call, join(BOB), "close 4 newcomer, ask 2, consents, asking/waiting 2");
  g_assert_cmpint(consent_person_view(call.session, BOB, call.now_us).media, ==, CONSENT_MEDIA_NONE);
  ok(&call, decline(BOB, 1), "erase 1 1 session, consents, stopped/withdrawn 2"); /* after an own grant */
}

/* R4: silence is not consent, however long. */
static void test_silence(void) {
  g_auto(Call) call = call_talking();
  ok(&call, request(ALICE, 1, SESSION), "ask 2, consents, asking/requested 1");
  for (int i = 0; i < 600; i++) {
    call.now_us += 1 * S;
    ok(&call, alive(ALICE, 0), "");
    ok(&call, alive(BOB, 0), "");
    ok(&call, TICK, "");
  }
}

/* R4: a no ends it for all, stands when its giver has left, and only its giver lifts it. */
static void test_decline_final(void) {
  g_auto(Call) call = call_talking();
  no(&call, decline(BOB, 1), CONSENT_NO_REQUEST);
  ok(&call, request(ALICE, 1, SESSION), "ask 2, consents, asking/requested 1");
  no(&call, decline(CAROL, 1), CONSENT_NOT_JOINED);
  ok(&call, decline(BOB, 1), "consents, declined/declined 2");
  g_assert_cmpint(consent_person_view(call.session, BOB, call.now_us).answer, ==, CONSENT_ANSWER_DECLINED);
  no(&call, decline(BOB, 1), CONSENT_REQUEST_ENDED);
  no(&call, request(ALICE, 2, SESSION), CONSENT_DECLINED_FINAL);
  no(&call, request(0, 2, SESSION), CONSENT_DECLINED_FINAL);
  no(&call, of(CONSENT_EVENT_OFFER, ALICE), CONSENT_NOTHING_TO_LIFT);
  ok(&call, of(CONSENT_EVENT_LEAVE, BOB), "legs 2, left 2 left");
  no(&call, of(CONSENT_EVENT_OFFER, BOB), CONSENT_NOT_JOINED);
  no(&call, request(ALICE, 2, SESSION), CONSENT_DECLINED_FINAL);
  ok(&call, join(BOB), "");
  ok(&call, of(CONSENT_EVENT_OFFER, BOB), "consents, idle/offered 2");
  no(&call, of(CONSENT_EVENT_OFFER, BOB), CONSENT_NOTHING_TO_LIFT);
  ok(&call, request(ALICE, 2, SESSION), "ask 2, consents, asking/requested 1");
}

/* R4: three a session; a number is used once. */
static void test_request_limit(void) {
  g_auto(Call) call = call_talking();
  for (uint64_t i = 1; i <= 3; i++) {
    ok(&call, request(ALICE, i, SESSION), "ask 2, consents, asking/requested 1");
    ok(&call, of(CONSENT_EVENT_STOP, BOB), "stopped/stopped 2");
    if (i < 3)
      no(&call, request(ALICE, i, SESSION), CONSENT_REFUSED);
  }
  no(&call, request(ALICE, 4, SESSION), CONSENT_REQUEST_LIMIT);
}

/* R6: a withdrawal reaches every recording, however many there were. */
static void test_most_requests(void) {
  const ConsentConfig config = {.lease_us = 5 * S, .absent_us = 30 * S, .requests_max = CONSENT_REQUESTS_MAX};
  g_auto(Call) call = {.session = consent_session_new(&config), .now_us = 1000 * S};
  g_autoptr(GString) erases = g_string_new(NULL);
  ok(&call, on(CONSENT_EVENT_HEALTH, true), "");
  ok(&call, join(ALICE), "");
  for (unsigned i = 1; i <= CONSENT_REQUESTS_MAX; i++) {
    g_autofree char *opened = g_strdup_printf("consents, open %u 1, permit %u 1005, recording/granted 1", i, i);
    g_autofree char *closed = g_strdup_printf("close %u stopped, stopped/stopped 1", i);
    ok(&call, request(ALICE, i, SESSION), opened);
    ok(&call, of(CONSENT_EVENT_STOP, ALICE), closed);
    g_string_append_printf(erases, "erase %u %u session, ", i, i);
  }
  no(&call, request(ALICE, 99, SESSION), CONSENT_REQUEST_LIMIT);
  g_string_append(erases, "consents, stopped/withdrawn 1");
  ok(&call, withdraw(ALICE, 0, CONSENT_SCOPE_UNSET), erases->str);
  for (uint64_t ticket = 1; ticket <= CONSENT_REQUESTS_MAX; ticket++)
    ok(&call, erased(ticket), ticket < CONSENT_REQUESTS_MAX ? "" : "purged/erased 1");
}

/* R4: cannot_consent keeps it closed, before and after. */
static void test_cannot_consent(void) {
  g_auto(Call) call = call_recording(SESSION);
  ConsentEvent minor = join(CAROL);
  minor.cannot_consent = true;
  ok(&call, minor, "close 1 newcomer, ask 3, consents, suspended/cannot_consent 3");
  no(&call, grant(CAROL, 1), CONSENT_CANNOT_CONSENT);
  ConsentEvent asker = join(ALICE);
  asker.cannot_consent = true;
  ok(&call, asker, "legs 1, ask 1, consents, suspended/cannot_consent 1"); /* the grant went with the token */
  ok(&call, join(ALICE), "legs 1, ask 1, consents, suspended/cannot_consent 3");
  ok(&call, of(CONSENT_EVENT_LEAVE, CAROL), "legs 3, left 3 left, consents, asking/waiting 1");
  ok(&call, of(CONSENT_EVENT_STOP, BOB), "stopped/stopped 2");
  asker.cannot_consent = true;
  ok(&call, asker, "legs 1");
  no(&call, request(ALICE, 2, SESSION), CONSENT_CANNOT_CONSENT);
}

/* --- R7, R8, R15: opening and closing --- */

static void test_health(void) {
  g_auto(Call) call = call_new();
  ok(&call, join(ALICE), "");
  ok(&call, request(ALICE, 1, SESSION), "consents, suspended/unhealthy 0"); /* unhealthy until told otherwise */
  ok(&call, on(CONSENT_EVENT_HEALTH, true), "open 1 1, permit 1 1005, recording/granted 0");
  ok(&call, on(CONSENT_EVENT_HEALTH, true), "");
  ok(&call, sealed(1, 1, call.now_us), "");
  ok(&call, on(CONSENT_EVENT_HEALTH, false), "close 1 unhealthy discard, drop 1 unhealthy, suspended/unhealthy 0");
  ok(&call, on(CONSENT_EVENT_HEALTH, true), "open 2 1, permit 2 1005, recording/granted 0");
}

static void test_unknown_media(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, sealed(1, 1, call.now_us), "");
  ok(&call, on(CONSENT_EVENT_UNKNOWN_MEDIA, true), "close 1 unknown_media discard, drop 1 unknown_media, suspended/unknown_media 0");
  ok(&call, sealed(2, 1, call.now_us), "drop 2 unknown_media");
  ok(&call, on(CONSENT_EVENT_UNKNOWN_MEDIA, false), "open 2 3, permit 2 1005, recording/granted 0");
}

/* R8: closed before the newcomer is asked; all three must agree. What was whole may still commit. */
static void test_newcomer(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, join(CAROL), "close 1 newcomer, ask 3, consents, asking/newcomer 3");
  ok(&call, sealed(1, 1, call.now_us), "");
  ok(&call, grant(CAROL, 1), "consents, open 2 7, permit 2 1005, recording/granted 3");
  call.now_us += 1 * S;
  uint64_t a = consent_next_number(call.session, ALICE, call.now_us), b = consent_next_number(call.session, BOB, call.now_us);
  ok(&call, alive(ALICE, a), "");
  ok(&call, alive(BOB, b), "commit 1"); /* Carol was not in take 1 */
}

/* R4: a newcomer's no ends the request and keeps what was recorded before. */
static void test_newcomer_declines(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, sealed(1, 1, call.now_us), "");
  ok(&call, join(CAROL), "close 1 newcomer, ask 3, consents, asking/newcomer 3");
  ok(&call, decline(CAROL, 1), "consents, declined/declined 3");
  call.now_us += 5 * S + 1;
  ok(&call, alive(ALICE, 0), "");
  ok(&call, alive(BOB, 0), "commit 1");
}

/* R15: the second socket: legs first, closed until they are gone, the grant stays. */
static void test_replaced(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, join(BOB), "close 1 newcomer, legs 2, consents, suspended/left 2");
  ok(&call, alive(BOB, 0), "");
  no(&call, of(CONSENT_EVENT_LEGS_ENDED, ALICE), CONSENT_REFUSED);
  no(&call, of(CONSENT_EVENT_LEGS_ENDED, CAROL), CONSENT_NOT_JOINED);
  ok(&call, of(CONSENT_EVENT_LEGS_ENDED, BOB), "open 2 3, permit 2 1005, recording/granted 2");
  no(&call, of(CONSENT_EVENT_LEGS_ENDED, BOB), CONSENT_REFUSED);
  no(&call, join(0), CONSENT_REFUSED);
  no(&call, join(CONSENT_PEOPLE_MAX + 1), CONSENT_SESSION_FULL);
  ok(&call, join(CONSENT_PEOPLE_MAX), "close 2 newcomer, ask 64, consents, asking/newcomer 64");
  ok(&call, grant(CONSENT_PEOPLE_MAX, 1), "consents, open 3 8000000000000003, permit 3 1005, recording/granted 64");
  g_assert_true(consent_person_view(call.session, CONSENT_PEOPLE_MAX, call.now_us).alive);
  g_assert_cmpuint(consent_next_number(call.session, CONSENT_PEOPLE_MAX, call.now_us), ==, 1);
}

/* R15: an answer to the END_LEGS of before does not stand for the one that the passing time brings. */
static void test_legs_of_before(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, join(BOB), "close 1 newcomer, legs 2, consents, suspended/left 2");
  call.now_us += 29 * S;
  ok(&call, alive(ALICE, 0), "");
  call.now_us += 1 * S;
  ok(&call, of(CONSENT_EVENT_LEGS_ENDED, BOB), "legs 2, left 2 silent, consents");
  ok(&call, of(CONSENT_EVENT_LEGS_ENDED, BOB), "open 2 1, permit 2 1034, recording/granted 2");
}

/* --- R14: toggling; R16: media --- */

static void test_pause(void) {
  g_auto(Call) call = call_recording(SESSION);
  no(&call, of(CONSENT_EVENT_RESUME, ALICE), CONSENT_NOT_RECORDING);
  no(&call, of(CONSENT_EVENT_RESUME, BOB), CONSENT_REFUSED);
  ok(&call, of(CONSENT_EVENT_PAUSE, BOB), "close 1 paused, paused/paused 2");
  ok(&call, of(CONSENT_EVENT_PAUSE, BOB), "");
  no(&call, of(CONSENT_EVENT_RESUME, ALICE), CONSENT_PAUSED_BY_OTHER);
  ok(&call, of(CONSENT_EVENT_PAUSE, ALICE), "paused/paused 1");
  ok(&call, of(CONSENT_EVENT_RESUME, ALICE), "paused/paused 2");
  g_assert_true(consent_person_view(call.session, BOB, call.now_us).paused);
  ok(&call, of(CONSENT_EVENT_RESUME, BOB), "open 2 3, permit 2 1005, recording/resumed 2"); /* not asked again */
  no(&call, of(CONSENT_EVENT_PAUSE, CAROL), CONSENT_NOT_JOINED);
  ok(&call, of(CONSENT_EVENT_PAUSE, ALICE), "close 2 paused, paused/paused 1");
  no(&call, of(CONSENT_EVENT_RESUME, BOB), CONSENT_REFUSED);
  ok(&call, of(CONSENT_EVENT_RESUME, ALICE), "open 3 3, permit 3 1005, recording/resumed 1");
}

/* The pause of somebody who left binds until the asker resumes. */
static void test_pause_of_leaver(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, of(CONSENT_EVENT_PAUSE, BOB), "close 1 paused, paused/paused 2");
  ok(&call, of(CONSENT_EVENT_LEAVE, BOB), "legs 2, left 2 left, consents");
  ok(&call, of(CONSENT_EVENT_LEGS_ENDED, BOB), "");
  ok(&call, of(CONSENT_EVENT_RESUME, ALICE), "open 2 1, permit 2 1005, recording/resumed 1");
}

static void test_stop(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, sealed(1, 1, call.now_us), "");
  no(&call, of(CONSENT_EVENT_STOP, CAROL), CONSENT_NOT_JOINED);
  ok(&call, of(CONSENT_EVENT_STOP, BOB), "close 1 stopped, stopped/stopped 2"); /* no erase, nothing dropped */
  no(&call, of(CONSENT_EVENT_STOP, BOB), CONSENT_NOT_RECORDING);
  no(&call, of(CONSENT_EVENT_PAUSE, BOB), CONSENT_NOT_RECORDING);
  no(&call, of(CONSENT_EVENT_RESUME, BOB), CONSENT_NOT_RECORDING);
  g_assert_cmpuint(consent_view(call.session).provisional, ==, 1);
}

static void test_asker_leaves(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, of(CONSENT_EVENT_LEAVE, ALICE), "close 1 left, legs 1, left 1 left, consents, stopped/asker_left 1");
  g_assert_cmpint(consent_person_view(call.session, BOB, call.now_us).answer, ==, CONSENT_ANSWER_NONE);
}

/* R16: other media, other take; the narrower answer holds from the next packet on. */
static void test_media(void) {
  g_auto(Call) call = call_recording(SESSION);
  ok(&call, grant(BOB, 1), "");
  ok(&call, grant_media(BOB, 1, CONSENT_MEDIA_AUDIO), "close 1 tracks, consents, open 2 3, permit 2 1005, recording/granted 2");
  g_assert_cmpint(consent_person_view(call.session, BOB, call.now_us).media, ==, CONSENT_MEDIA_AUDIO);
  g_assert_cmpint(consent_person_view(call.session, ALICE, call.now_us).media, ==, CONSENT_MEDIA_ALL);
  ok(&call, grant_media(BOB, 1, CONSENT_MEDIA_AUDIO), "");
  ok(&call, grant_media(BOB, 1, CONSENT_MEDIA_ALL), "close 2 tracks, consents, open 3 3, permit 3 1005, recording/granted 2");
}

/* --- The door itself --- */

static void test_nonsense(void) {
  g_auto(Call) call = call_recording(SESSION);
  for (int type = -1; type <= CONSENT_EVENT_COUNT + 1; type++) {
    ConsentEvent event = of((ConsentEventType)type, UINT32_MAX);
    event.reason = (ConsentReason)99;
    ConsentEffects effects;
    if (type == CONSENT_EVENT_HEALTH || type == CONSENT_EVENT_UNKNOWN_MEDIA || type == CONSENT_EVENT_SEALED || type == CONSENT_EVENT_TICK)
      continue;
    ConsentResult result = consent_handle(call.session, &event, call.now_us, &effects);
    bool enters = type == CONSENT_EVENT_JOIN || type == CONSENT_EVENT_INVITE;
    g_assert_cmpint(result, ==, enters ? CONSENT_SESSION_FULL : CONSENT_REFUSED);
    g_assert_cmpuint(effects.n, ==, 0);
  }
  ConsentPersonView nobody = consent_person_view(call.session, UINT32_MAX, call.now_us);
  g_assert_false(nobody.known || nobody.on_roster || nobody.answer);
  g_assert_false(consent_person_view(call.session, CONSENT_PEOPLE_MAX, call.now_us).known);
  g_assert_false(consent_person_view(call.session, CONSENT_PEOPLE_MAX + 1, call.now_us).known);
}

/* R4: what an earlier process knew holds on: person 64 said no, two of three requests were made, take 7 was the last. */
static void test_recalled(void) {
  const ConsentPerson last = CONSENT_PEOPLE_MAX;
  const ConsentConfig config = {.lease_us = 5 * S,
                                .absent_us = 30 * S,
                                .requests_max = 3,
                                .take_last = 7,
                                .requests_made = 2,
                                .no_stands = UINT64_C(1) << (CONSENT_PEOPLE_MAX - 1)};
  g_auto(Call) call = {.session = consent_session_new(&config), .now_us = 1000 * S};
  g_assert_true(consent_person_view(call.session, last, call.now_us).no_stands);
  g_assert_false(consent_person_view(call.session, BOB, call.now_us).known);
  ok(&call, on(CONSENT_EVENT_HEALTH, true), "");
  ok(&call, join(ALICE), "");
  no(&call, request(ALICE, 1, SESSION), CONSENT_DECLINED_FINAL);
  ok(&call, join(last), "");
  ok(&call, of(CONSENT_EVENT_OFFER, last), "consents");
  ok(&call, request(ALICE, 1, SESSION), "ask 64, consents, asking/requested 1");
  ok(&call, grant(last, 1), "consents, open 8 8000000000000001, permit 8 1005, recording/granted 64");
  ok(&call, of(CONSENT_EVENT_STOP, ALICE), "close 8 stopped, stopped/stopped 1");
  no(&call, request(ALICE, 2, SESSION), CONSENT_REQUEST_LIMIT);
}

static void test_config(void) {
  static const struct {
    ConsentConfig config;
    bool good;
  } cases[] = {
      {{.lease_us = 1, .absent_us = 1}, true},
      {{.lease_us = 1, .absent_us = 1, .requests_max = CONSENT_REQUESTS_MAX}, true},
      {{.absent_us = 1, .requests_max = 3}, false},
      {{.lease_us = 2, .absent_us = 1, .requests_max = 3}, false},
      {{.lease_us = 1, .absent_us = 1, .requests_max = CONSENT_REQUESTS_MAX + 1}, false},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    ConsentSession *session = consent_session_new(&cases[i].config);
    g_assert_cmpint(session != NULL, ==, cases[i].good);
    consent_session_free(session);
  }
}

static void test_text(void) {
  for (int i = 0; i <= CONSENT_STATE_PURGED; i++)
    g_assert_cmpstr(consent_state_text((ConsentState)i), !=, "unknown");
  for (int i = 0; i <= CONSENT_REASON_OFFERED; i++)
    g_assert_cmpstr(consent_reason_text((ConsentReason)i), !=, "unknown");
  for (int i = 0; i <= CONSENT_NOT_RECORDING; i++)
    g_assert_cmpstr(consent_result_text((ConsentResult)i), !=, "unknown");
  g_assert_cmpstr(consent_state_text((ConsentState)99), ==, "unknown");
  g_assert_cmpstr(consent_reason_text((ConsentReason)99), ==, "unknown");
  g_assert_cmpstr(consent_result_text((ConsentResult)99), ==, "unknown");
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/consent/request/who-may-ask-R2", test_ask_who);
  g_test_add_func("/consent/request/service-R2-R5", test_ask_service);
  g_test_add_func("/consent/request/service-in-call-R2-R5", test_ask_service_in_call);
  g_test_add_func("/consent/request/bound-to-the-text-R3", test_grant_text);
  g_test_add_func("/consent/request/return-R3", test_grant_return);
  g_test_add_func("/consent/request/silence-R4", test_silence);
  g_test_add_func("/consent/request/no-is-final-R4", test_decline_final);
  g_test_add_func("/consent/request/limit-R4", test_request_limit);
  g_test_add_func("/consent/request/most-R4-R6", test_most_requests);
  g_test_add_func("/consent/request/cannot-consent-R4", test_cannot_consent);
  g_test_add_func("/consent/gate/health-R7", test_health);
  g_test_add_func("/consent/gate/unknown-media-R8", test_unknown_media);
  g_test_add_func("/consent/gate/newcomer-R8", test_newcomer);
  g_test_add_func("/consent/gate/newcomer-declines-R4", test_newcomer_declines);
  g_test_add_func("/consent/roster/replaced-R15", test_replaced);
  g_test_add_func("/consent/roster/legs-of-before-R15", test_legs_of_before);
  g_test_add_func("/consent/toggle/pause-R14", test_pause);
  g_test_add_func("/consent/toggle/pause-of-leaver-R14", test_pause_of_leaver);
  g_test_add_func("/consent/toggle/stop-R14", test_stop);
  g_test_add_func("/consent/toggle/asker-leaves-R14", test_asker_leaves);
  g_test_add_func("/consent/grant/media-R16", test_media);
  g_test_add_func("/consent/door/nonsense", test_nonsense);
  g_test_add_func("/consent/door/recalled-R4", test_recalled);
  g_test_add_func("/consent/door/config", test_config);
  g_test_add_func("/consent/door/text", test_text);
  return g_test_run();
}
