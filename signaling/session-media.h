/* SPDX-License-Identifier: Apache-2.0 */
/* A session's media: the calls of its people, with each other or each with an SFU, and the running take that is tapped from them.
 *
 * Threads: control thread. */
#ifndef RECGATE_SESSION_MEDIA_H
#define RECGATE_SESSION_MEDIA_H

#include "signaling/session.h"

/* PeerConnections of one person with an SFU: one up, and one down for each other person where an application does not bundle them. */
#define SESSION_SFU_LINKS_MAX 80

typedef struct Link { /* one call */
  Session *session;
  Member *member[2]; /* by CallSide: a pair; or one person on CALL_A and NULL for the SFU, which is nobody's legs and never tapped */
  Call *call;
  guint64 number; /* of a pair given to both with peer.ready: descriptions of its former connection are told apart by it */
  gboolean connected[2], broken;
  void (*ready)(gpointer user); /* of an SFU's: call_is_ready, where it was not */
  void (*over)(gpointer user); /* of an SFU's: it is no more, its call ended or its person's legs did; a pair's is made anew instead */
  gpointer user;
} Link;
static inline gboolean link_is_with_sfu(const Link *link) { return link->member[CALL_B] == NULL; }

typedef struct Tapped { /* a track that is recorded in the open take */
  guint32 number;
  Member *member;
  Link *link;
  CallSide side;
  CallTrack track;
  char name[24 + sizeof((CallTrack *)0)->mid]; /* among that person's tracks */
} Tapped;

typedef struct Take { /* the open take */
  guint32 number;
  guint64 request;
  VaultTake *vault;
  GArray *taps;       /* Tapped, one a recorded track */
  gboolean published; /* the permit was given to the worker */
  gint64 until_us;
} Take;

/* --- session-media.c --- */
void session_connect(Session *session, Member *member);  /* calls with everybody on the roster, peer.ready to both; none where there is an SFU */
void session_end_legs(Session *session, Member *member); /* then LEGS_ENDED (R15) */
gboolean session_signal(Session *session, Member *from, Member *to, json_t *message, GError **error);
/* A call between somebody on the roster and the SFU. NULL: they have SESSION_SFU_LINKS_MAX, or !ice_service_has_room. Where call_is_ready is FALSE, the client's descriptions wait
 * for `ready`. */
Link *session_sfu_link(Member *member, void (*ready)(gpointer user), void (*over)(gpointer user), gpointer user);
void session_sfu_unlink(Link *link); /* ends it, without `over`; a take that recorded it goes on without it */

/* --- session-take.c --- */
void session_take_open(Session *session, const ConsentEffect *effect);
void session_take_permit(Session *session, const ConsentEffect *effect);
void session_take_close(Session *session, const ConsentEffect *effect);
void session_take_tracks_changed(Session *session);
void session_take_kill_past(Session *session); /* R12: provisional segments go in every scope */

#endif
