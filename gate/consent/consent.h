/* SPDX-License-Identifier: Apache-2.0 */
/* The decision: may this session be recorded now? Pure core, no clock, lock, thread, file or log.
 *
 * Threads: one session is used by one thread at a time (control thread in the daemon).
 * Time: every call takes now_us, microseconds of the monotonic boot clock; it never goes back.
 * Events go in, effects come out. The caller carries out effects in their order, before the next event.
 * Rules: CONSENT.md R1-R4, R6-R16. Everything unknown, every error and every zero means closed (R7). */
#ifndef RECGATE_CONSENT_H
#define RECGATE_CONSENT_H

#include "gate/consent/consent-event.h"

#include <stddef.h>

typedef struct ConsentSession ConsentSession;

typedef enum ConsentEffectType {
  CONSENT_EFFECT_OPEN_TAKE = 1, /* take, request, roster: attach branches, then publish the permit */
  CONSENT_EFFECT_PERMIT,        /* take, until_us: the running take's permit holds until before then (renewed by heartbeats) */
  CONSENT_EFFECT_CLOSE_TAKE,    /* take, request, person, reason, discard: revoke the permit now; always the first effect of its event
                                   (R8, R11). discard: throw away what is in flight or open; what is sealed gets its DROPs. */
  CONSENT_EFFECT_COMMIT,        /* segment, take, roster: may become permanent (the one choke point of commit). The confirmed_number
                                   of everyone on roster goes on the ledger (R21). */
  CONSENT_EFFECT_DROP,          /* segment, take, reason: a sealed segment that may not */
  CONSENT_EFFECT_ERASE,         /* ticket, request, person, scope: erase what was committed; answer with ERASED.
                                   Always follows a withdrawal, also when nothing was ever committed. One for each recording;
                                   and where an earlier process recorded, one for what is not known here: the request named, or 0, all of
                                   that person's. Of those the caller knows what was disclosed (R12). */
  CONSENT_EFFECT_END_LEGS,      /* person: end all legs in both directions, then LEGS_ENDED (R15) */
  CONSENT_EFFECT_LEFT,          /* person, reason LEFT or SILENT: off the roster */
  CONSENT_EFFECT_ASK,           /* person, request: send this person the letter (consent.ask) */
  CONSENT_EFFECT_CONSENTS,      /* the answers changed: tell everyone (consent.state) */
  CONSENT_EFFECT_STATE,         /* state, reason, person, request, take: tell everyone (recording.state) */
} ConsentEffectType;

typedef struct ConsentEffect {
  ConsentEffectType type;
  ConsentPerson person;         /* whose act it was, or whom it concerns; 0 nobody's */
  uint64_t request, segment, ticket, roster;
  uint32_t take;
  ConsentReason reason;
  ConsentState state;
  ConsentScope scope;
  bool discard;
  int64_t until_us;
} ConsentEffect;

typedef struct ConsentEffects { const ConsentEffect *items; size_t n; } ConsentEffects; /* valid until the next consent_handle */

typedef enum ConsentAnswer { CONSENT_ANSWER_NONE = 0, CONSENT_ANSWER_GRANTED, CONSENT_ANSWER_DECLINED } ConsentAnswer;

typedef struct ConsentPersonView {
  bool known, on_roster, alive, cannot_consent, paused, no_stands; /* no_stands: R4, this person's decline or withdrawal */
  ConsentAnswer answer;         /* to the active request */
  ConsentMedia media;           /* what may be recorded of them in the active request (R16) */
  uint64_t confirmed_number;    /* R21: the echo that confirmed last, 0: a heartbeat without echo or none yet */
  int64_t confirmed_us;         /* R10: packets before this instant were followed by a sign of life of this person */
} ConsentPersonView;

typedef struct ConsentView {
  ConsentState state;
  ConsentReason reason;
  ConsentPerson person;         /* whose act brought this state */
  uint64_t request;             /* the active one, else the last one, 0: none yet */
  bool request_active;
  ConsentPerson asker;
  uint32_t take;                /* open take, 0: the gate is closed */
  uint64_t roster;              /* bit (person - 1) */
  uint32_t requests_made, provisional;
  int64_t compared_us;          /* R8: packets before this instant were followed by a clean comparison with the SFU's roster; 0: none */
} ConsentView;

/* NULL without memory or with a config out of range. config is copied. */
ConsentSession *consent_session_new(const ConsentConfig *config);
void consent_session_free(ConsentSession *session);

/* The one door. Unknown event types, people out of range and nonsense are CONSENT_REFUSED. */
ConsentResult consent_handle(ConsentSession *session, const ConsentEvent *event, int64_t now_us, ConsentEffects *effects);

/* The number to put into the next message to this person (R10), from 1; 0 if unknown. Remembers when it was sent. */
uint64_t consent_next_number(ConsentSession *session, ConsentPerson person, int64_t now_us);

/* When to send the next TICK; INT64_MAX: no need. */
int64_t consent_next_deadline_us(const ConsentSession *session);

ConsentView consent_view(const ConsentSession *session);
ConsentPersonView consent_person_view(const ConsentSession *session, ConsentPerson person, int64_t now_us);

/* Stable words of PROTOCOL.md. Never NULL. */
const char *consent_state_text(ConsentState state);
const char *consent_reason_text(ConsentReason reason);
const char *consent_result_text(ConsentResult result);

#endif
