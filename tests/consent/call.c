/* SPDX-License-Identifier: Apache-2.0 */
/* Events in short, effects in words; see call.h. */
#include "tests/consent/call.h"

#include <string.h>

void call_clear(Call *call) {
  consent_session_free(call->session);
}

Call call_new(void) {
  const ConsentConfig config = {.lease_us = 5 * S, .absent_us = 30 * S, .requests_max = 3};
  return (Call){.session = consent_session_new(&config), .now_us = 1000 * S};
}

static void describe(GString *out, const ConsentEffect *e) {
  if (out->len > 0)
    g_string_append(out, ", ");
  switch (e->type) {
  case CONSENT_EFFECT_OPEN_TAKE:
    g_string_append_printf(out, "open %u %" G_GINT64_MODIFIER "x", e->take, e->roster);
    break;
  case CONSENT_EFFECT_PERMIT:
    g_string_append_printf(out, "permit %u %g", e->take, (double)e->until_us / S);
    break;
  case CONSENT_EFFECT_CLOSE_TAKE:
    g_string_append_printf(out, "close %u %s%s", e->take, consent_reason_text(e->reason), e->discard ? " discard" : "");
    break;
  case CONSENT_EFFECT_COMMIT:
    g_string_append_printf(out, "commit %d", (int)e->segment);
    break;
  case CONSENT_EFFECT_DROP:
    g_string_append_printf(out, "drop %d %s", (int)e->segment, consent_reason_text(e->reason));
    break;
  case CONSENT_EFFECT_ERASE:
    g_string_append_printf(out, "erase %d %d %s", (int)e->ticket, (int)e->request,
                           e->scope == CONSENT_SCOPE_SESSION       ? "session"
                           : e->scope == CONSENT_SCOPE_PARTICIPANT ? "participant"
                                                                   : "after");
    break;
  case CONSENT_EFFECT_END_LEGS:
    g_string_append_printf(out, "legs %u", e->person);
    break;
  case CONSENT_EFFECT_LEFT:
    g_string_append_printf(out, "left %u %s", e->person, consent_reason_text(e->reason));
    break;
  case CONSENT_EFFECT_ASK:
    g_string_append_printf(out, "ask %u", e->person);
    break;
  case CONSENT_EFFECT_CONSENTS:
    g_string_append(out, "consents");
    break;
  case CONSENT_EFFECT_STATE:
    g_string_append_printf(out, "%s/%s %u", consent_state_text(e->state), consent_reason_text(e->reason), e->person);
    break;
  }
}

/* The event now; the answer and, for OK, the effects in words. What is refused makes no effect at all. */
static void says(Call *call, ConsentEvent event, ConsentResult expected, const char *effects) {
  ConsentEffects got;
  ConsentView before = consent_view(call->session);
  ConsentResult result = consent_handle(call->session, &event, call->now_us, &got);
  g_assert_cmpstr(consent_result_text(result), ==, consent_result_text(expected));
  g_autoptr(GString) words = g_string_new(NULL);
  for (size_t i = 0; i < got.n; i++)
    describe(words, &got.items[i]);
  g_assert_cmpstr(words->str, ==, effects);
  if (expected == CONSENT_OK)
    return;
  ConsentView after = consent_view(call->session);
  g_assert_cmpuint(got.n, ==, 0);
  g_assert_true(before.state == after.state && before.reason == after.reason && before.person == after.person &&
                before.request == after.request && before.request_active == after.request_active && before.asker == after.asker &&
                before.take == after.take && before.roster == after.roster && before.requests_made == after.requests_made &&
                before.provisional == after.provisional && before.compared_us == after.compared_us);
}

void ok(Call *call, ConsentEvent event, const char *effects) {
  says(call, event, CONSENT_OK, effects);
}

void no(Call *call, ConsentEvent event, ConsentResult why) {
  says(call, event, why, "");
}

ConsentEvent of(ConsentEventType type, ConsentPerson person) {
  return (ConsentEvent){.type = type, .person = person};
}

ConsentEvent join(ConsentPerson person) {
  return (ConsentEvent){.type = CONSENT_EVENT_JOIN, .person = person, .may_request = person == ALICE};
}

ConsentEvent request(ConsentPerson person, uint64_t number, ConsentScope scope) {
  ConsentEvent event = {.type = CONSENT_EVENT_REQUEST, .person = person, .request = number, .scope = scope};
  memset(event.sha256, (int)number, sizeof event.sha256);
  return event;
}

ConsentEvent grant(ConsentPerson person, uint64_t number) {
  ConsentEvent event = {.type = CONSENT_EVENT_GRANT, .person = person, .request = number};
  memset(event.sha256, (int)number, sizeof event.sha256);
  return event;
}

ConsentEvent grant_media(ConsentPerson person, uint64_t number, ConsentMedia media) {
  ConsentEvent event = grant(person, number);
  event.media = media;
  return event;
}

ConsentEvent decline(ConsentPerson person, uint64_t number) {
  return (ConsentEvent){.type = CONSENT_EVENT_DECLINE, .person = person, .request = number};
}

ConsentEvent withdraw(ConsentPerson person, uint64_t number, ConsentScope scope) {
  return (ConsentEvent){.type = CONSENT_EVENT_WITHDRAW, .person = person, .request = number, .scope = scope};
}

ConsentEvent erased(uint64_t ticket) {
  return (ConsentEvent){.type = CONSENT_EVENT_ERASED, .ticket = ticket};
}

ConsentEvent on(ConsentEventType type, bool is_on) {
  return (ConsentEvent){.type = type, .on = is_on};
}

ConsentEvent alive(ConsentPerson person, uint64_t echo) {
  return (ConsentEvent){.type = CONSENT_EVENT_ALIVE, .person = person, .echo = echo};
}

ConsentEvent sealed(uint64_t segment, uint32_t take, int64_t last_packet_us) {
  return (ConsentEvent){.type = CONSENT_EVENT_SEALED, .segment = segment, .take = take, .last_packet_us = last_packet_us};
}

ConsentEvent compared(ConsentReason found, int64_t asked_us) {
  return (ConsentEvent){.type = CONSENT_EVENT_COMPARED, .reason = found, .asked_us = asked_us};
}

ConsentEvent failed(uint32_t take, ConsentReason reason) {
  return (ConsentEvent){.type = CONSENT_EVENT_TAKE_FAILED, .take = take, .reason = reason};
}

/* Alice and Bob talk, nobody has asked. */
Call call_talking(void) {
  Call call = call_new();
  ok(&call, on(CONSENT_EVENT_HEALTH, true), "");
  ok(&call, join(ALICE), "");
  ok(&call, join(BOB), "");
  return call;
}

/* Alice asked (request 1) for scope, Bob agreed: take 1 is open since 1000 s. */
Call call_recording(ConsentScope scope) {
  Call call = call_talking();
  ok(&call, request(ALICE, 1, scope), "ask 2, consents, asking/requested 1");
  ok(&call, grant(BOB, 1), "consents, open 1 3, permit 1 1005, recording/granted 2");
  return call;
}

/* The same behind an SFU, whose roster was last asked for at 1000 s. */
Call call_recording_sfu(void) {
  const ConsentConfig config = {.lease_us = 5 * S, .absent_us = 30 * S, .requests_max = 3, .has_sfu = true};
  Call call = {.session = consent_session_new(&config), .now_us = 1000 * S};
  ok(&call, on(CONSENT_EVENT_HEALTH, true), "");
  ok(&call, join(ALICE), "");
  ok(&call, join(BOB), "");
  ok(&call, request(ALICE, 1, SESSION), "ask 2, consents, asking/requested 1");
  ok(&call, grant(BOB, 1), "consents, suspended/sfu_silent 0"); /* R7: nobody has been asked who is there */
  ok(&call, compared(CONSENT_REASON_NONE, call.now_us), "open 1 3, permit 1 1005, recording/granted 0");
  return call;
}
