/* SPDX-License-Identifier: Apache-2.0 */
/* What can be told to the consent core and what it answers: events, their words, results. Included by consent.h.
 *
 * Threads: plain values, any thread. Times are microseconds of the monotonic boot clock. Zero means no. */
#ifndef RECGATE_CONSENT_EVENT_H
#define RECGATE_CONSENT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

/* One bit a person in a roster mask. Counts everybody who was ever in the session, not only who is there now. */
#define CONSENT_PEOPLE_MAX 64
/* Segments that wait for their confirmation; at 4 tracks a person and 5 s a segment 12 people fill 400 in 30 s. */
#define CONSENT_PROVISIONAL_MAX 1024
/* Numbers sent to one person and not yet forgotten; one a heartbeat, more than absent_ms worth of them. */
#define CONSENT_NUMBERS_MAX 64
#define CONSENT_SHA256_BYTES 32
/* Recordings a session can remember for a withdrawal (R6). */
#define CONSENT_REQUESTS_MAX 16

/* 1..CONSENT_PEOPLE_MAX, given by the caller, the same number for the same `sub` as long as the session lives. 0 is nobody. */
typedef uint32_t ConsentPerson;

typedef struct ConsentConfig {
  int64_t lease_us;          /* R10: silence that closes the gate; > 0 */
  int64_t absent_us;         /* R10: silence that is leaving; >= lease_us */
  uint32_t requests_max;     /* R4: requests a session, <= CONSENT_REQUESTS_MAX; the daemon's default is 3, 0 is none */
  bool has_sfu;              /* R8: behind an SFU nothing opens and nothing commits without COMPARED */
  /* What an earlier process knew of this session; all zero for a new one. */
  uint32_t take_last;        /* takes go on from here */
  uint32_t requests_made;    /* count towards requests_max */
  bool recorded;             /* R6: there may be recordings of an earlier process; who was in them the caller alone knows */
  uint64_t no_stands;        /* R4: bit (person - 1): a decline or withdrawal that nobody has lifted */
} ConsentConfig;

typedef enum ConsentMedia { CONSENT_MEDIA_NONE = 0, CONSENT_MEDIA_AUDIO = 1, CONSENT_MEDIA_VIDEO = 2, CONSENT_MEDIA_ALL = 3 } ConsentMedia;

/* R12, from little to much: a withdrawal may ask for more than was disclosed, never for less. */
typedef enum ConsentScope { CONSENT_SCOPE_UNSET = 0, CONSENT_SCOPE_AFTER, CONSENT_SCOPE_PARTICIPANT, CONSENT_SCOPE_SESSION } ConsentScope;

typedef enum ConsentState { /* `recording.state` of PROTOCOL.md, in its words */
  CONSENT_STATE_IDLE = 0, CONSENT_STATE_ASKING, CONSENT_STATE_RECORDING, CONSENT_STATE_PAUSED,
  CONSENT_STATE_SUSPENDED, CONSENT_STATE_DECLINED, CONSENT_STATE_STOPPED, CONSENT_STATE_PURGED
} ConsentState;

/* Why the gate is closed or the state changed. consent_reason_text gives the stable word. */
typedef enum ConsentReason {
  CONSENT_REASON_NONE = 0,
  CONSENT_REASON_REQUESTED,      /* somebody asked */
  CONSENT_REASON_GRANTED,        /* everybody agreed */
  CONSENT_REASON_NEWCOMER,       /* R8: somebody joined */
  CONSENT_REASON_WAITING,        /* somebody on the roster has not answered */
  CONSENT_REASON_CANNOT_CONSENT, /* R4 */
  CONSENT_REASON_DECLINED,
  CONSENT_REASON_WITHDRAWN,
  CONSENT_REASON_PAUSED,
  CONSENT_REASON_RESUMED,
  CONSENT_REASON_STOPPED,
  CONSENT_REASON_ASKER_LEFT,     /* R14 */
  CONSENT_REASON_LEFT,           /* R15: a person's legs are being ended */
  CONSENT_REASON_SILENT,         /* R10: no heartbeat for lease_us */
  CONSENT_REASON_UNHEALTHY,      /* R7: store, key ring or ledger */
  CONSENT_REASON_UNKNOWN_MEDIA,  /* R8 */
  CONSENT_REASON_UNKNOWN_PARTICIPANT, /* R8: somebody is with the SFU who is not on the roster */
  CONSENT_REASON_RECORDING_ELSEWHERE, /* R7: the SFU records by itself, where nobody is asked */
  CONSENT_REASON_SFU_SILENT,     /* R8, R10: no comparison with the SFU's roster for lease_us */
  CONSENT_REASON_OVERRUN,        /* recording could not keep up, or its path failed; a new take may open */
  CONSENT_REASON_TRACKS,         /* the set of tracks changed; a new take opens with the new set */
  CONSENT_REASON_ENDED,          /* nobody is left */
  CONSENT_REASON_ERASED,         /* the erase is durable (R13) */
  CONSENT_REASON_OFFERED,        /* R4: somebody lifted their own no */
} ConsentReason;

typedef enum ConsentEventType {
  CONSENT_EVENT_JOIN = 1,      /* person, may_request, cannot_consent. A person on the roster who joins again replaces themself (R15). */
  CONSENT_EVENT_INVITE,        /* person, cannot_consent, granted_before (the open request, to an earlier process): may answer in writing before the first JOIN, and say no or withdraw at any time (R5) */
  CONSENT_EVENT_LEAVE,         /* person: by message; echo as in ALIVE, it is the last heartbeat (R10) */
  CONSENT_EVENT_LEGS_ENDED,    /* person: all legs of this person's last departure or replacement are gone (R15) */
  CONSENT_EVENT_ALIVE,         /* person, echo: 0 without one. Counts for confirmation within absent_us of leaving too. */
  CONSENT_EVENT_REQUEST,       /* person (0: a service), request, sha256, scope. Made while nobody is there it waits for people, also when they go again (R5). */
  CONSENT_EVENT_GRANT,         /* person, request, sha256, media (0: all) */
  CONSENT_EVENT_DECLINE,       /* person, request. After one's own grant it is a withdrawal as disclosed. */
  CONSENT_EVENT_OFFER,         /* person: lifts one's own no (R4) */
  CONSENT_EVENT_WITHDRAW,      /* person (also one who left), request (0: every recording that person was in), scope (UNSET: as disclosed).
                                  Never refused to a known person: less than disclosed is as disclosed (R12), a request not theirs is 0;
                                  one unknown here is, with ConsentConfig.recorded, of an earlier process. */
  CONSENT_EVENT_ERASED,        /* ticket: that erase is durable */
  CONSENT_EVENT_PAUSE,         /* person */
  CONSENT_EVENT_RESUME,        /* person */
  CONSENT_EVENT_STOP,          /* person */
  CONSENT_EVENT_HEALTH,        /* on: store, key ring and ledger are healthy. Unhealthy until told otherwise. */
  CONSENT_EVENT_UNKNOWN_MEDIA, /* on: media of nobody on the roster exists; off: it is gone (R8) */
  CONSENT_EVENT_COMPARED,      /* asked_us, reason: the SFU's roster as it was at some instant after asked_us (R8). NONE: all in it are on ours.
                                  UNKNOWN_PARTICIPANT, RECORDING_ELSEWHERE: closed until a NONE that was asked for later than this came. */
  CONSENT_EVENT_TAKE_FAILED,   /* take, reason OVERRUN or TRACKS: that take ends; OVERRUN revokes nothing that was whole */
  CONSENT_EVENT_SEALED,        /* take, segment, last_packet_us: a segment is complete and waits (R10) */
  CONSENT_EVENT_TICK,          /* time passed */
} ConsentEventType;
#define CONSENT_EVENT_COUNT CONSENT_EVENT_TICK

typedef struct ConsentEvent {
  ConsentEventType type;
  ConsentPerson person;
  bool may_request, cannot_consent, granted_before, on;
  uint64_t request;         /* > 0, the caller's number of the request */
  uint8_t sha256[CONSENT_SHA256_BYTES];
  ConsentMedia media;
  ConsentScope scope;
  uint64_t echo, ticket, segment;
  uint32_t take;
  ConsentReason reason;
  int64_t last_packet_us, asked_us;
} ConsentEvent;

/* The answer to one event. Everything but OK changed nothing and made no effect. consent_result_text gives PROTOCOL.md's code. */
typedef enum ConsentResult {
  CONSENT_REFUSED = 0,            /* `not_allowed` */
  CONSENT_OK,
  CONSENT_NOT_JOINED,             /* `not_joined`: not on the roster, and no written answer is open to this person (R5) */
  CONSENT_SESSION_FULL,           /* `session_full` */
  CONSENT_ROLE_MAY_NOT_ASK,       /* `role_may_not_ask` (R2) */
  CONSENT_REQUEST_PENDING,        /* `request_pending`: one at a time (R4) */
  CONSENT_REQUEST_LIMIT,          /* `request_limit` (R4) */
  CONSENT_DECLINED_FINAL,         /* `declined_final` (R4) */
  CONSENT_NO_REQUEST,             /* `no_request` */
  CONSENT_REQUEST_ENDED,          /* `request_ended`: that request is over, or never was (fault 25) */
  CONSENT_WRONG_DISCLOSURE,       /* `wrong_disclosure` (R3) */
  CONSENT_CANNOT_CONSENT,         /* `cannot_consent` (R4) */
  CONSENT_NOTHING_TO_LIFT,        /* `nothing_to_lift`: offer without an own decline */
  CONSENT_PAUSED_BY_OTHER,        /* `paused_by_other` (R14) */
  CONSENT_NOT_RECORDING,          /* `not_recording`: nothing to pause, resume or stop */
} ConsentResult;

#endif
