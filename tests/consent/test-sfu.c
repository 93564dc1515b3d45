/* SPDX-License-Identifier: Apache-2.0 */
/* Behind an SFU: what a comparison with its roster closes, and what waits for one (R8). */
#include "tests/consent/call.h"

#define CLEAN     CONSENT_REASON_NONE
#define SOMEBODY  CONSENT_REASON_UNKNOWN_PARTICIPANT
#define ELSEWHERE CONSENT_REASON_RECORDING_ELSEWHERE

static void everybody_alive(Call *call, const char *effects) {
  ok(call, alive(BOB, consent_next_number(call->session, BOB, call->now_us)), "");
  ok(call, alive(ALICE, consent_next_number(call->session, ALICE, call->now_us)), effects);
}

/* Whoever is found closes the gate and takes back what waits; only a later question finds them gone. */
static void test_found(void) {
  static const ConsentReason found[] = {SOMEBODY, ELSEWHERE};
  for (gsize i = 0; i < G_N_ELEMENTS(found); i++) {
    g_auto(Call) call = call_recording_sfu();
    const char *word = consent_reason_text(found[i]);
    g_autofree char *closes = g_strdup_printf("close 1 %s discard, drop 1 %s, suspended/%s 0", word, word, word);
    g_autofree char *drops = g_strdup_printf("drop 2 %s", word);
    ok(&call, sealed(1, 1, call.now_us), "");
    call.now_us += S;
    ok(&call, compared(found[i], call.now_us - 1), closes);
    ok(&call, compared(found[i], call.now_us), "");
    ok(&call, sealed(2, 1, call.now_us), drops);
    ok(&call, compared(CLEAN, call.now_us), ""); /* asked before that answer came */
    call.now_us += 1;
    ok(&call, compared(CLEAN, call.now_us), "open 2 3, permit 2 1005, recording/granted 0");
  }
}

/* Also while it is paused: who was found may have heard the last of what was recorded. */
static void test_found_late(void) {
  g_auto(Call) call = call_recording_sfu();
  ok(&call, sealed(1, 1, call.now_us), "");
  ok(&call, of(CONSENT_EVENT_PAUSE, BOB), "close 1 paused, paused/paused 2");
  call.now_us += S;
  ok(&call, compared(SOMEBODY, call.now_us), "drop 1 unknown_participant");
  ok(&call, sealed(2, 1, call.now_us - S), "drop 2 unknown_participant");
  ok(&call, of(CONSENT_EVENT_RESUME, BOB), "suspended/unknown_participant 0");
}

/* R8: heartbeats alone commit nothing, nor does a comparison asked for at the instant of the last packet. */
static void test_commit(void) {
  g_auto(Call) call = call_recording_sfu();
  ok(&call, sealed(1, 1, call.now_us), "");
  call.now_us += 1;
  everybody_alive(&call, "");
  ok(&call, compared(CLEAN, call.now_us - 1), "");
  g_assert_cmpuint(consent_view(call.session).provisional, ==, 1);
  ok(&call, compared(CLEAN, call.now_us), "commit 1, permit 1 1005");
  g_assert_cmpint(consent_view(call.session).compared_us, ==, call.now_us);
  ok(&call, compared(CLEAN, call.now_us - S), ""); /* an older one takes nothing back */
  g_assert_cmpint(consent_view(call.session).compared_us, ==, call.now_us);
  ok(&call, sealed(2, 1, call.now_us), "");
  call.now_us += 1;
  ok(&call, compared(CLEAN, call.now_us), "");
  everybody_alive(&call, "commit 2, permit 1 1005");
}

/* R10: nothing heard of the SFU closes like a person's silence, at the lease, whether a TICK came or not. */
static void test_silent(void) {
  g_auto(Call) call = call_recording_sfu();
  call.now_us += 4 * S;
  everybody_alive(&call, "");
  ok(&call, sealed(1, 1, call.now_us), "");
  g_assert_cmpint(consent_next_deadline_us(call.session), ==, 1005 * S);
  call.now_us = 1005 * S - 1;
  ok(&call, TICK, "");
  call.now_us += 1;
  ok(&call, compared(CLEAN, call.now_us), "close 1 sfu_silent discard, drop 1 sfu_silent, open 2 3, permit 2 1009, recording/granted 0");
  call.now_us = 1008 * S;
  everybody_alive(&call, "permit 2 1010");
  call.now_us = 1010 * S;
  ok(&call, TICK, "close 2 sfu_silent discard, suspended/sfu_silent 0");
  g_assert_cmpint(consent_next_deadline_us(call.session), ==, 1013 * S); /* people's leases alone */
}

/* What no comparison follows within absent_us is dropped, and one that comes then is too late. */
static void test_drop(void) {
  g_auto(Call) call = call_recording_sfu();
  ok(&call, sealed(1, 1, call.now_us), "");
  ok(&call, of(CONSENT_EVENT_STOP, ALICE), "close 1 stopped, stopped/stopped 1");
  call.now_us += 29 * S;
  everybody_alive(&call, "");
  g_assert_cmpint(consent_next_deadline_us(call.session), ==, 1030 * S);
  call.now_us += S;
  ok(&call, compared(CLEAN, call.now_us), "drop 1 sfu_silent");
}

static void test_refused(void) {
  g_auto(Call) call = call_recording_sfu();
  no(&call, compared(CLEAN, call.now_us + 1), CONSENT_REFUSED);
  no(&call, compared(CONSENT_REASON_SFU_SILENT, call.now_us), CONSENT_REFUSED);
  g_auto(Call) mesh = call_recording(SESSION);
  no(&mesh, compared(SOMEBODY, mesh.now_us), CONSENT_REFUSED);
  ok(&mesh, sealed(1, 1, mesh.now_us), "");
  mesh.now_us += 1;
  everybody_alive(&mesh, "commit 1, permit 1 1005");
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/consent/sfu/found-R8", test_found);
  g_test_add_func("/consent/sfu/found-late-R8", test_found_late);
  g_test_add_func("/consent/sfu/commit-R8", test_commit);
  g_test_add_func("/consent/sfu/silent-R10", test_silent);
  g_test_add_func("/consent/sfu/drop-R10", test_drop);
  g_test_add_func("/consent/sfu/refused", test_refused);
  return g_test_run();
}
