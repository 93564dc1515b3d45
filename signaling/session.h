/* SPDX-License-Identifier: Apache-2.0 */
/* One session: its consent core, its people with their sockets, its calls, its running take. Carries out what the core decides; decides nothing itself.
 *
 * Threads: control thread. */
#ifndef RECGATE_SESSION_H
#define RECGATE_SESSION_H

#include "signaling/daemon.h"

#define SESSION_ROSTER_NUMBERS 8 /* comparisons of an application that may be under way */

typedef struct Session Session;
typedef struct Member Member;

/* A WebSocket's state; data of its Socket. What waits for something else than its next message keeps its serial: an address is soon another person's. */
typedef struct Connection {
  guint64 serial; /* never given twice */
  Daemon *daemon;
  Socket *socket;
  Member *member;          /* NULL until joined */
  gboolean replaced, left; /* may only withdraw, or confirm with `alive` (R15, R10) */
  gboolean ended;          /* left because the session was ended for everybody: its socket stays for withdrawing */
  guint join_timer, linger_timer;
} Connection;

struct Member { /* somebody who is or was in the session; lives as long as the session */
  Session *session;
  ConsentPerson person;
  char id[TOKEN_ID_BYTES_MAX + 1], name[TOKEN_NAME_BYTES_MAX + 1];
  TokenRole role;
  Connection *connection; /* the present socket, NULL: lost or left */
  gboolean on_roster;
  gboolean greeted;  /* `joined` was sent on the present socket; until then nothing else is (R8) */
  guint legs_ending; /* calls that were ended and whose worker has not let go yet (R15) */
  gint64 described_until_us; /* what their relays' descriptions have used of the rate, in time (relay.c) */
  guint entries;     /* how often they came in: what belongs to an earlier time gets no legs any more (R15) */
};

typedef struct Request { /* a request for recording and its text */
  guint64 number;
  json_t *disclosure;
  char sha256[65];
  guint8 hash[32];
  char *canonical, *letter, *asker_name;
  Member *asker; /* NULL: a service */
  ConsentScope on_withdrawal;
  gint64 made_ms;
} Request;

struct Session {
  Daemon *daemon;
  char id[TOKEN_ID_BYTES_MAX + 1];
  ConsentSession *consent;    /* NULL until the vault has said what an earlier process knew (R4) */
  GPtrArray *waiting;         /* Waiting: what came before that */
  gboolean used;              /* somebody joined or asked before this process remembered it */
  MediaLane *lane;
  TapGate *gate;                  /* read by the lane's worker; freed after the worker has let go of all calls */
  GPtrArray *members;             /* Member, by person - 1 */
  GPtrArray *links;               /* Link (session-media.h) */
  GPtrArray *requests;            /* Request, counted */
  struct Plan *plan;              /* R5; NULL: not planned ahead (session-plan.h) */
  GPtrArray *unrecorded;          /* acts that the ledger refused (session-unrecorded.c) */
  GPtrArray *withdrawals;         /* Withdrawal, not yet acknowledged */
  struct Withdrawal *withdrawing; /* whose ERASE effects are being carried out right now */
  GPtrArray *past_takes;          /* VaultTake of closed takes that may still have provisional segments */
  gint64 purge_leaf; /* the youngest purge that a withdrawal was told of; -1: none */
  struct JanusWatch *watch;       /* NULL: Janus is not being asked who is in its rooms (janus-rooms.h) */
  struct Take *take;              /* NULL: closed (session-media.h) */
  GQueue events;                  /* ConsentEvent that came up while effects were carried out */
  gboolean handling, renewing;
  Alarm alarm; /* the core's next deadline */
  guint64 roster_n; /* the last number given to the application for its next comparison (api-roster.c) */
  gint64 roster_asked_us[SESSION_ROSTER_NUMBERS]; /* when number n was given, at n % SESSION_ROSTER_NUMBERS */
  gint64 state_since_ms, idle_since_us;
  guint opening, closing; /* takes whose branches or taps have not answered yet; whose recorder has not */
  guint holds;            /* session_hold */
};

Session *session_get(Daemon *daemon, const char *id, gboolean make);
void session_drop_idle(Daemon *daemon); /* forgets sessions that nobody has been in for a while and nobody holds */
/* Held by whatever points into it from outside: sockets that joined, open for withdrawing long after the call (R6, R15), so no more than sockets may be; acts
 * on their way to the ledger, however long a disk takes. */
Session *session_hold(Session *session);
void session_release(Session *session); /* NULL: none */
Connection *connection_find(Daemon *daemon, guint64 serial); /* NULL: it has closed. messages.c */
/* Keeps a join until the session is remembered, then hands it to messages_received again. */
void session_wait(Session *session, const Connection *connection, const json_t *message);
/* The same for a call back, at once where it is remembered already; session NULL: the store does not answer. */
void session_when_ready(Session *session, void (*ready)(Session *session, gpointer user), gpointer user);
/* Of one that nobody has been in: what comes waits from now on, as before it was remembered, until session_recall has asked the vault anew. */
void session_suspend(Session *session);
void session_recall(Session *session);
void session_shut(Session *session);
gboolean session_is_quiet(const Session *session); /* no other thread owes it an answer */
void session_free(Session *session);
/* The one way into the core. Effects are carried out before it returns, unless it was called from an effect: then right after. */
ConsentResult session_event(Session *session, const ConsentEvent *event);
/* accepted (may be NULL) runs when the core said OK, before any effect: so that on the ledger an act stands before what followed from it. */
ConsentResult session_event_then(Session *session, const ConsentEvent *event, void (*accepted)(gpointer user), gpointer user);
void session_reschedule(Session *session);
Member *session_member(Session *session, const char *id);
/* R7, R15: media needs somebody who is in the session now, who can be asked and can withdraw. NULL: nobody of that name is. */
Member *session_member_now(Daemon *daemon, const char *session, const char *participant);
Member *session_person(Session *session, ConsentPerson person);
Member *session_member_new(Session *session, const char *id); /* NULL: CONSENT_PEOPLE_MAX were here */
guint session_roster_count(const Session *session);
Request *session_request(Session *session, guint64 number);
void session_health(Daemon *daemon); /* tells every session the daemon's health */

/* --- talking to people (session-tell.c) --- */
void member_send(Member *member, json_t *message); /* takes the reference; dropped without a greeted socket */
void session_broadcast(Session *session, json_t *message, const Member *except);
json_t *session_recording_json(Session *session, Member *to); /* `recording.state`, with a fresh n for this member */
json_t *session_participant_json(const Member *member);
void session_tell_state(Session *session);
void session_tell_consents(Session *session);
void session_ask(Session *session, Member *member, Request *request);
/* Appends a leaf; `pairs` as json_pack_ex object, taken over. */
void session_leaf(Session *session, const char *type, json_t *leaf);

/* --- withdrawals (session-withdraw.c) --- */
typedef struct Withdrawal Withdrawal;
typedef void (*WithdrawalDone)(json_t *result, gpointer user); /* `consent.withdrawn` without re; the callee owns it */
/* Never fails for a member: closes, erases, and answers when it is durable (R11, R13). request 0: all. */
void session_withdraw(Session *session, Member *member, guint64 request, ConsentScope scope, gint64 received_us, WithdrawalDone done,
                      gpointer user);
void session_withdraw_erase(Session *session, const ConsentEffect *effect); /* effect ERASE */
void session_withdraw_take_closed(Session *session);                        /* a take's branches are gone */

#endif
