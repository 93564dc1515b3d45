/* SPDX-License-Identifier: Apache-2.0 */
/* Written consent before the call (R5): asked and answered while nobody is there. */
#include "tests/consent/call.h"

static ConsentEvent invite(ConsentPerson person) {
  return of(CONSENT_EVENT_INVITE, person);
}

/* Alice and Bob are invited, a service has asked (request 1). Nobody has joined. */
static Call call_planned(ConsentScope scope) {
  Call call = call_new();
  ok(&call, on(CONSENT_EVENT_HEALTH, true), "");
  ok(&call, invite(ALICE), "");
  ok(&call, invite(BOB), "");
  ok(&call, request(0, 1, scope), "consents, asking/requested 0");
  return call;
}

/* Both have agreed in writing. */
static Call call_agreed(ConsentScope scope) {
  Call call = call_planned(scope);
  ok(&call, grant(ALICE, 1), "consents");
  ok(&call, grant(BOB, 1), "consents");
  return call;
}

/* R5, R7: answers stand when people come, the gate opens when everybody who is there has answered; nobody is asked again. */
static void test_stands(void) {
  g_auto(Call) call = call_agreed(SESSION);
  ConsentPersonView bob = consent_person_view(call.session, BOB, call.now_us);
  g_assert_true(bob.known && !bob.on_roster && bob.answer == CONSENT_ANSWER_GRANTED && bob.media == CONSENT_MEDIA_ALL);
  g_assert_cmpuint(consent_view(call.session).take, ==, 0);
  call.now_us += 24 * 3600 * S; /* however long before */
  ok(&call, join(ALICE), "consents, open 1 1, permit 1 87405, recording/granted 1");
  ok(&call, join(BOB), "close 1 newcomer, consents, open 2 3, permit 2 87405, recording/granted 2");
}

/* R7: whoever comes without a written answer is asked, and keeps the gate closed until then. */
static void test_unanswered(void) {
  g_auto(Call) call = call_planned(SESSION);
  ok(&call, grant(ALICE, 1), "consents");
  ok(&call, join(ALICE), "consents, open 1 1, permit 1 1005, recording/granted 1");
  ok(&call, join(BOB), "close 1 newcomer, ask 2, consents, asking/newcomer 2");
  ok(&call, join(CAROL), "ask 3, consents");
  ok(&call, grant(BOB, 1), "consents, asking/newcomer 3");
  ok(&call, grant(CAROL, 1), "consents, open 2 7, permit 2 1005, recording/granted 3");
}

/* R5: only who is invited may write; R3: the same text as in the call. */
static void test_who_and_what(void) {
  g_auto(Call) call = call_new();
  no(&call, invite(0), CONSENT_REFUSED);
  no(&call, invite(CONSENT_PEOPLE_MAX + 1), CONSENT_SESSION_FULL);
  ok(&call, invite(CONSENT_PEOPLE_MAX), "");
  no(&call, grant(CONSENT_PEOPLE_MAX, 1), CONSENT_NO_REQUEST);
  ok(&call, request(0, 1, SESSION), "consents, asking/requested 0");
  no(&call, grant(BOB, 1), CONSENT_NOT_JOINED);
  no(&call, decline(BOB, 1), CONSENT_NOT_JOINED);
  no(&call, withdraw(BOB, 1, SESSION), CONSENT_NOT_JOINED);
  ConsentEvent other = grant(CONSENT_PEOPLE_MAX, 1);
  other.sha256[0] ^= 1;
  no(&call, other, CONSENT_WRONG_DISCLOSURE);
  no(&call, grant(CONSENT_PEOPLE_MAX, 2), CONSENT_REQUEST_ENDED);
  ok(&call, grant_media(CONSENT_PEOPLE_MAX, 1, CONSENT_MEDIA_AUDIO), "consents");
  g_assert_cmpint(consent_person_view(call.session, CONSENT_PEOPLE_MAX, call.now_us).media, ==, CONSENT_MEDIA_AUDIO);
  no(&call, request(0, 2, SESSION), CONSENT_REQUEST_PENDING);
}

/* An invitation is no presence: it gives no heartbeat, no number, no say over a recording. */
static void test_not_there(void) {
  g_auto(Call) call = call_agreed(SESSION);
  g_assert_cmpuint(consent_next_number(call.session, BOB, call.now_us), ==, 0);
  call.now_us = 1;
  no(&call, alive(BOB, 0), CONSENT_NOT_JOINED);
  no(&call, of(CONSENT_EVENT_LEAVE, BOB), CONSENT_NOT_JOINED);
  no(&call, of(CONSENT_EVENT_PAUSE, BOB), CONSENT_NOT_JOINED);
  no(&call, of(CONSENT_EVENT_STOP, BOB), CONSENT_NOT_JOINED);
  no(&call, of(CONSENT_EVENT_OFFER, BOB), CONSENT_NOT_JOINED);
  no(&call, of(CONSENT_EVENT_LEGS_ENDED, BOB), CONSENT_REFUSED);
  g_assert_cmpint((int)(consent_next_deadline_us(call.session) == INT64_MAX), ==, 1);
}

/* R3: a written answer stands until the first coming; who goes and returns late confirms again, and no letter does it for them. */
static void test_returns_late(void) {
  g_auto(Call) call = call_agreed(SESSION);
  ok(&call, join(BOB), "consents, open 1 2, permit 1 1005, recording/granted 2");
  ok(&call, of(CONSENT_EVENT_LEAVE, BOB), "close 1 left, legs 2, left 2 left, consents, asking/requested 0");
  ok(&call, of(CONSENT_EVENT_LEGS_ENDED, BOB), "");
  no(&call, grant(BOB, 1), CONSENT_NOT_JOINED);
  call.now_us += 30 * S;
  ok(&call, join(BOB), "ask 2, consents, asking/waiting 2");
  ok(&call, grant(BOB, 1), "consents, open 2 2, permit 2 1035, recording/granted 2");
  ok(&call, join(ALICE), "close 2 newcomer, consents, open 3 3, permit 3 1035, recording/granted 1"); /* hers still stands */
}

/* R4: a written no ends it for all and stands. */
static void test_no(void) {
  g_auto(Call) call = call_planned(SESSION);
  ok(&call, grant(ALICE, 1), "consents");
  ok(&call, decline(BOB, 1), "consents, declined/declined 2");
  no(&call, grant(BOB, 1), CONSENT_REQUEST_ENDED);
  ok(&call, join(ALICE), "");
  no(&call, request(ALICE, 2, SESSION), CONSENT_DECLINED_FINAL);
  no(&call, request(0, 2, SESSION), CONSENT_DECLINED_FINAL);
  ok(&call, join(BOB), "");
  ok(&call, of(CONSENT_EVENT_OFFER, BOB), "consents, idle/offered 2");
  ok(&call, request(ALICE, 2, SESSION), "ask 2, consents, asking/requested 1"); /* the letter of before answers nothing new */
}

/* R4: a no by letter is taken also while others are being recorded, and from one who was there and left. */
static void test_no_during(void) {
  g_auto(Call) call = call_planned(SESSION);
  ok(&call, grant(ALICE, 1), "consents");
  ok(&call, join(ALICE), "consents, open 1 1, permit 1 1005, recording/granted 1");
  ok(&call, join(BOB), "close 1 newcomer, ask 2, consents, asking/newcomer 2");
  ok(&call, of(CONSENT_EVENT_LEAVE, BOB), "legs 2, left 2 left, consents, suspended/left 2");
  ok(&call, of(CONSENT_EVENT_LEGS_ENDED, BOB), "open 2 1, permit 2 1005, recording/granted 2");
  ok(&call, decline(BOB, 1), "close 2 declined, consents, declined/declined 2");
}

/* R6, R12: a written yes is withdrawn in writing, before, during and after. */
static void test_withdraw(void) {
  g_auto(Call) before = call_agreed(SESSION);
  ok(&before, withdraw(BOB, 1, CONSENT_SCOPE_UNSET), "erase 1 1 session, consents, stopped/withdrawn 2");
  ok(&before, join(ALICE), "");
  no(&before, request(ALICE, 2, SESSION), CONSENT_DECLINED_FINAL);
  ok(&before, erased(1), "purged/erased 2");

  g_auto(Call) during = call_agreed(CONSENT_SCOPE_PARTICIPANT);
  ok(&during, join(ALICE), "consents, open 1 1, permit 1 1005, recording/granted 1");
  ok(&during, decline(BOB, 1), "close 1 withdrawn discard, erase 1 1 participant, consents, stopped/withdrawn 2");

  g_auto(Call) after = call_agreed(CONSENT_SCOPE_AFTER);
  ok(&after, join(ALICE), "consents, open 1 1, permit 1 1005, recording/granted 1");
  ok(&after, of(CONSENT_EVENT_STOP, ALICE), "close 1 stopped, stopped/stopped 1");
  ok(&after, withdraw(BOB, 1, SESSION), "erase 1 0 session, consents, stopped/withdrawn 2");
}

/* R4: who cannot consent cannot do so in writing either, and a token that says so ends what was written. */
static void test_cannot(void) {
  g_auto(Call) call = call_planned(SESSION);
  ConsentEvent unable = invite(BOB);
  unable.cannot_consent = true;
  ok(&call, unable, "");
  no(&call, grant(BOB, 1), CONSENT_CANNOT_CONSENT);
  ok(&call, invite(BOB), "");
  ok(&call, grant(BOB, 1), "consents");
  ConsentEvent joins = join(BOB);
  joins.cannot_consent = true;
  ok(&call, joins, "ask 2, consents, suspended/cannot_consent 2");
  ok(&call, invite(BOB), ""); /* what the call's token says holds */
  no(&call, grant(BOB, 1), CONSENT_CANNOT_CONSENT);
}

/* R16: another answer by letter changes nothing in a room where that person is not. */
static void test_changes(void) {
  g_auto(Call) call = call_agreed(SESSION);
  ok(&call, join(ALICE), "consents, open 1 1, permit 1 1005, recording/granted 1");
  ok(&call, grant_media(BOB, 1, CONSENT_MEDIA_AUDIO), "consents");
  ok(&call, grant_media(BOB, 1, CONSENT_MEDIA_AUDIO), "");
  ok(&call, join(BOB), "close 1 newcomer, consents, open 2 3, permit 2 1005, recording/granted 2");
  g_assert_cmpint(consent_person_view(call.session, BOB, call.now_us).media, ==, CONSENT_MEDIA_AUDIO);
}

/* The invitation outlives the request: the next one may be answered in writing too. */
static void test_next_request(void) {
  g_auto(Call) call = call_agreed(SESSION);
  ok(&call, join(ALICE), "consents, open 1 1, permit 1 1005, recording/granted 1");
  ok(&call, of(CONSENT_EVENT_STOP, ALICE), "close 1 stopped, stopped/stopped 1");
  ok(&call, request(ALICE, 2, SESSION), "consents, open 2 1, permit 2 1005, recording/granted 1");
  ok(&call, join(BOB), "close 2 newcomer, ask 2, consents, asking/newcomer 2"); /* R3: the first letter was for another text */
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/consent/ahead/stands-R5-R7", test_stands);
  g_test_add_func("/consent/ahead/unanswered-R7", test_unanswered);
  g_test_add_func("/consent/ahead/who-and-what-R3-R5", test_who_and_what);
  g_test_add_func("/consent/ahead/not-there-R10", test_not_there);
  g_test_add_func("/consent/ahead/returns-late-R3", test_returns_late);
  g_test_add_func("/consent/ahead/no-is-final-R4", test_no);
  g_test_add_func("/consent/ahead/no-during-R4", test_no_during);
  g_test_add_func("/consent/ahead/withdraw-R6-R12", test_withdraw);
  g_test_add_func("/consent/ahead/cannot-consent-R4", test_cannot);
  g_test_add_func("/consent/ahead/changes-R16", test_changes);
  g_test_add_func("/consent/ahead/next-request-R3", test_next_request);
  return g_test_run();
}
