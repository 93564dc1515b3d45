/* SPDX-License-Identifier: Apache-2.0 */
/* A call to talk to the consent core about: an event now, the expected answer, and the effects in words.
 *
 * Effects read: open TAKE ROSTER, permit TAKE UNTIL, close TAKE REASON [discard], commit N, drop N REASON,
 * erase TICKET REQUEST SCOPE, legs P, left P REASON, ask P, consents, STATE/REASON P. Times are in seconds. */
#ifndef RECGATE_TESTS_CALL_H
#define RECGATE_TESTS_CALL_H

#include "gate/consent/consent.h"

#include <glib.h>

#define S     INT64_C(1000000)
#define ALICE 1 /* may ask */
#define BOB   2
#define CAROL 3

typedef struct Call {
  ConsentSession *session;
  int64_t now_us;
} Call;

#define TICK    of(CONSENT_EVENT_TICK, 0)
#define SESSION CONSENT_SCOPE_SESSION

void call_clear(Call *call);
Call call_new(void);
void ok(Call *call, ConsentEvent event, const char *effects);
void no(Call *call, ConsentEvent event, ConsentResult why);
ConsentEvent of(ConsentEventType type, ConsentPerson person);
ConsentEvent join(ConsentPerson person);
ConsentEvent request(ConsentPerson person, uint64_t number, ConsentScope scope);
ConsentEvent grant(ConsentPerson person, uint64_t number);
ConsentEvent grant_media(ConsentPerson person, uint64_t number, ConsentMedia media);
ConsentEvent decline(ConsentPerson person, uint64_t number);
ConsentEvent withdraw(ConsentPerson person, uint64_t number, ConsentScope scope);
ConsentEvent erased(uint64_t ticket);
ConsentEvent on(ConsentEventType type, bool is_on);
ConsentEvent alive(ConsentPerson person, uint64_t echo);
ConsentEvent sealed(uint64_t segment, uint32_t take, int64_t last_packet_us);
ConsentEvent compared(ConsentReason found, int64_t asked_us);
ConsentEvent failed(uint32_t take, ConsentReason reason);
Call call_talking(void);
Call call_recording(ConsentScope scope);
Call call_recording_sfu(void);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Call, call_clear)

#endif
