/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of gate/consent share. Nobody else includes it.
 *
 * One event takes this way: judge.c says yes or no from a const session (so a refusal changes nothing by construction),
 * roster.c lets time pass, the event's own function changes facts, and gate.c and segments.c settle what follows. */
#ifndef RECGATE_CONSENT_PRIVATE_H
#define RECGATE_CONSENT_PRIVATE_H

#include "gate/consent/consent.h"

/* Takes whose late segments are still known; a segment of an older one is dropped. Bounds fast toggling. */
#define CONSENT_TAKES_MAX 64

typedef struct ConsentMember {
  bool known, on_roster, may_request, cannot_consent;
  bool invited;             /* R5: answers in writing are taken */
  bool was_here;            /* on the roster at some time: from then on a yes is given in the call (R3) */
  bool legs_ending;         /* END_LEGS was given, LEGS_ENDED has not come (R15) */
  bool no_stands;           /* R4: this person declined or withdrew and has not lifted it */
  bool granted;             /* the active request */
  bool granted_before;      /* the active request, at any time: a decline is then a withdrawal */
  bool joined_later;        /* after the active request was made */
  bool paused;              /* R14: this person's own pause */
  ConsentMedia media;
  int64_t alive_us;         /* the last sign of life while on the roster (R10) */
  int64_t left_us;
  int64_t confirmed_us;     /* packets before this instant were followed by a sign of life of this person (R10) */
  uint64_t confirmed_number; /* the echo that moved confirmed_us last, 0: a heartbeat without echo */
  uint64_t sent_last;       /* the last number given to this person */
  int64_t *sent_us;         /* when number n was sent, at n % CONSENT_NUMBERS_MAX; NULL before the first one */
} ConsentMember;

/* A recording: a request and what came of it. */
typedef struct ConsentRecording {
  uint64_t request;
  uint8_t sha256[CONSENT_SHA256_BYTES];
  ConsentScope scope;       /* R12, as disclosed */
  uint64_t people;          /* everybody who was on the roster of one of its takes */
  uint64_t ticket;          /* the youngest erase that is not durable yet, 0: none */
} ConsentRecording;

typedef struct ConsentTake {
  uint32_t take;
  uint64_t roster;
  int64_t opened_us;
  ConsentReason revoked;    /* nothing of it may become permanent any more, and why; NONE: not revoked */
} ConsentTake;

typedef struct ConsentSegment {
  uint64_t segment;
  uint32_t take;
  int64_t last_packet_us;
} ConsentSegment;

/* A state with its reason, as told to everyone. */
typedef struct ConsentStatus {
  ConsentState state;
  ConsentReason reason;
  ConsentPerson person;
} ConsentStatus;

struct ConsentSession {
  ConsentConfig config;
  bool healthy, unknown_media;
  int64_t compared_us;      /* R8: when the latest clean comparison with the SFU's roster was asked for; 0: none yet */
  ConsentReason sfu_fault;  /* what a comparison found, until a clean one that was asked for later; NONE: nothing */
  int64_t sfu_fault_us;     /* when it was last found */
  bool active;              /* the last recording's request is open */
  ConsentPerson asker;      /* of the active request; 0: a service */
  bool ahead;               /* the active request was made before anybody was there: it waits for them (R5) */
  uint32_t recordings_n;
  ConsentRecording recordings[CONSENT_REQUESTS_MAX];
  uint64_t ticket_last;
  uint64_t ticket_rest;     /* the erase of what no recording here tells: erase_concerned */
  bool erases_committed;    /* a withdrawal since the last request reaches what was committed: it ends in `purged` */
  uint32_t take;            /* the open one, 0: the gate is closed */
  uint32_t take_last;
  int64_t permit_until_us;
  ConsentStatus opened;     /* why the open take was opened */
  ConsentStatus rest;       /* the state while no request is active */
  ConsentStatus told;       /* what everyone was told last */
  uint32_t take_told;
  int64_t passed_us;        /* the time up to which effects of time were given */
  ConsentPerson people;     /* the highest known person */
  ConsentTake takes[CONSENT_TAKES_MAX]; /* take t at t % CONSENT_TAKES_MAX */
  ConsentMember members[CONSENT_PEOPLE_MAX + 1]; /* 0 is nobody and stays zero */
  ConsentSegment *segments; /* provisional, at most CONSENT_PROVISIONAL_MAX */
  uint32_t segments_n, segments_room;
  ConsentEffect *effects;   /* of the event being handled */
  uint32_t effects_n, effects_room;
};

/* consent.c */
void consent_emit(ConsentSession *session, const ConsentEffect *effect);
/* One more item's room in an array; most sessions need little of what they may need at most. Ends the process without memory. */
void *consent_grown(void *items, uint32_t n, uint32_t *room, size_t item_bytes);

/* judge.c: the answer to an event, without touching anything. */
ConsentResult consent_judge(const ConsentSession *session, const ConsentEvent *event, int64_t now_us);
/* On the roster when now_us is taken into account, though the TICK may not have come yet. */
bool consent_on_roster_at(const ConsentSession *session, ConsentPerson person, int64_t now_us);
/* NULL: no such request. */
const ConsentRecording *consent_recording_find(const ConsentSession *session, uint64_t request);
/* The last recording: the active request's while one is active. */
const ConsentRecording *consent_recording_last(const ConsentSession *session);

/* roster.c */
void consent_roster_pass_time(ConsentSession *session, int64_t now_us);
void consent_roster_invite(ConsentSession *session, const ConsentEvent *event);
void consent_roster_join(ConsentSession *session, const ConsentEvent *event, int64_t now_us);
void consent_roster_leave(ConsentSession *session, const ConsentEvent *event, int64_t now_us);
void consent_roster_alive(ConsentSession *session, const ConsentEvent *event, int64_t now_us);
uint64_t consent_roster_mask(const ConsentSession *session);

/* request.c */
void consent_request_make(ConsentSession *session, const ConsentEvent *event);
void consent_request_grant(ConsentSession *session, const ConsentEvent *event);
void consent_request_decline(ConsentSession *session, const ConsentEvent *event);
void consent_request_offer(ConsentSession *session, ConsentPerson person);
void consent_request_pause(ConsentSession *session, ConsentPerson person);
void consent_request_resume(ConsentSession *session, ConsentPerson person);
/* Ends the active request, closing its take first. */
void consent_request_end(ConsentSession *session, ConsentStatus rest);
void consent_request_tell_consents(ConsentSession *session);

/* withdrawal.c */
void consent_withdraw(ConsentSession *session, const ConsentEvent *event);
void consent_erased(ConsentSession *session, uint64_t ticket);

/* gate.c */
/* R7, the one decision: true only if the gate may be open now; else *why says what everyone is told. */
bool consent_gate_may_open(const ConsentSession *session, int64_t now_us, ConsentStatus *why);
/* Nothing if no take is open. Whether the take is revoked follows from the reason. */
void consent_gate_close(ConsentSession *session, ConsentReason reason, ConsentPerson person);
/* Closes the take if it may not be open any more. */
void consent_gate_check(ConsentSession *session, int64_t now_us);
/* After an event: close, commit and drop, open, renew the permit, tell the state. */
void consent_gate_settle(ConsentSession *session, const ConsentEvent *event, int64_t now_us);
int64_t consent_gate_lease_end_us(const ConsentSession *session);
/* What the SFU's roster said beside ours (R8). */
void consent_gate_compared(ConsentSession *session, const ConsentEvent *event, int64_t now_us);

/* segments.c */
void consent_segments_seal(ConsentSession *session, const ConsentEvent *event);
/* Commits and drops what may be and must be (R10). */
void consent_segments_sweep(ConsentSession *session, int64_t now_us);
/* R11: nothing that is not yet committed may become permanent any more. */
void consent_segments_revoke_all(ConsentSession *session, ConsentReason reason);

#endif
