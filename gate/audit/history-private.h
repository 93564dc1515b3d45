/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the replay share. Nobody else includes it.
 *
 * Threads: the audit's one thread. */
#ifndef RECGATE_AUDIT_HISTORY_PRIVATE_H
#define RECGATE_AUDIT_HISTORY_PRIVATE_H

#include "gate/audit/history.h"

#define HISTORY_ID_BYTES 65
#define CLOCK_SLACK_US   G_USEC_PER_SEC /* between the moment of a decision and the `t` of its leaf */

typedef enum Media { MEDIA_NONE = 0, MEDIA_AUDIO = 1, MEDIA_VIDEO = 2, MEDIA_ALL = 3 } Media;
typedef enum Scope { SCOPE_UNSET = 0, SCOPE_AFTER, SCOPE_PARTICIPANT, SCOPE_SESSION } Scope; /* R12; the numbers of purge leaves */

typedef struct Person {
  char id[HISTORY_ID_BYTES], role[12];
  guint number; /* in its session, from 1 */
  guint epoch;  /* of the last join */
  gboolean present, joined, paused, no_stands, answered, cannot_consent;
  gboolean silent;         /* R3: fell silent and came back: earlier grants are void */
  gint64 left_us, away_us; /* R3: longest absence since the last grant; -1: none */
} Person;

typedef struct Answer { /* one person's to one request */
  Person *person;
  gboolean granted, ever;
  Media media;
} Answer;

struct Holder { /* what is recorded of one person for one request: the unit of a key */
  Person *person;
  guint64 kept, bytes;
  gboolean purged, expired;
};

typedef struct Wish { /* a withdrawal that must have erased */
  Person *person;
  Scope scope;
  guint64 leaf;
} Wish;

typedef struct Request {
  gint64 number;
  Person *asker; /* NULL: a service */
  gboolean ahead; /* made while nobody was there: it waits for people, whoever comes and goes (R5) */
  Scope on_withdrawal;
  char disclosure[HISTORY_ID_BYTES];
  gboolean ended, purged; /* purged: an erase of it was done, nothing more may commit (R11) */
  GArray *answers;        /* Answer */
  GArray *wishes;         /* Wish */
  GPtrArray *holders;     /* Holder */
} Request;

typedef struct Run { gint64 first, last; } Run;

struct Track { /* of one person in one take */
  Take *take;
  Person *person;
  Holder *holder; /* NULL: nothing of it was committed */
  char *name, medium[8];
  GArray *runs; /* Run: numbers that are explained, apart, growing */
  gint64 committed_last;
};

typedef struct Seat { /* of a take's roster */
  Person *person;
  Media media;
} Seat;

typedef struct Session Session;
struct Take {
  gboolean has_sfu; /* R8: its segments wait for a comparison with the SFU's roster, too */
  gint64 number, open_us, close_us, last_us; /* last_us: of what was committed of it */
  guint64 open_leaf, close_leaf, last_leaf;
  Request *request;
  gboolean closed, crash, discard, restarted; /* restarted: a start of the daemon came later */
  guint64 withdrawn_leaf;                     /* + 1; 0: nobody withdrew since it was opened (R11) */
  char reason[20], consent_set[HISTORY_ID_BYTES];
  guint64 kept, dropped;
  GArray *seats;     /* Seat */
  GPtrArray *tracks; /* Track */
};

struct Session {
  char id[HISTORY_ID_BYTES];
  guint number, epoch;
  guint64 first_leaf, last_leaf;
  Take *open;
  guint64 must_close; /* + 1: the leaf after which the open take has to be closed at once (R7, R8, R11) */
  GPtrArray *people, *requests, *takes;
};

struct History {
  GHashTable *by_id;   /* id -> Session, borrowed */
  GPtrArray *sessions; /* Session */
  Session *last;
  GArray *segments; /* Kept */
  gboolean sorted;
  guint epoch; /* starts of the daemon */
  struct {
    guint64 leaves, grants, declines, withdrawals, accesses, exports, starts, refused, others, dropped, purges;
  } counts;
};

/* history.c */
Person *session_person_find(const Session *session, ScanText id); /* NULL: unknown */
Person *session_person(Session *session, ScanText id);            /* made where unknown; NULL: no id */
Request *session_request(const Session *session, gint64 number);
Request *session_request_active(const Session *session);
void session_request_end(Session *session);
Answer *request_answer(Request *request, Person *person); /* made where there is none */
Holder *request_holder(Request *request, Person *person, gboolean make);

/* history-gate.c: the leaves that open and close */
void gate_opened(History *history, Session *session, const Leaf *leaf, Findings *findings);
void gate_closed(History *history, Session *session, const Leaf *leaf, Findings *findings);
void take_free(gpointer take);
Take *session_take(const Session *session, gint64 number);
const Seat *take_seat(const Take *take, const Person *person); /* NULL: not on its roster */

/* history-segment.c: the leaves of segments */
void segment_committed(History *history, Session *session, const Leaf *leaf, Findings *findings);
void segment_dropped(History *history, Session *session, const Leaf *leaf, Findings *findings);
void segment_purged(History *history, Session *session, const Leaf *leaf, Findings *findings);
void track_conclude(const Session *session, const Track *track, Findings *findings);
void track_free(gpointer track);

#endif
