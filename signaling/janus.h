/* SPDX-License-Identifier: Apache-2.0 */
/* Janus through the gate: an application's client here, a WebSocket of the gate's own to Janus, and on both sides the same messages, but for what lets
 * media past the gate (docs/janus.md). The client comes by a WebSocket (janus-socket.c) or by Janus's HTTP API (janus-http.c); what may pass is
 * decided in janus.c and janus-handle.c alone.
 *
 * Threads: control thread. */
#ifndef RECGATE_JANUS_H
#define RECGATE_JANUS_H

#include "signaling/janus-message.h"
#include "signaling/session-media.h"
#include "signaling/upstream.h"

/* What one connection may hold: an application has one session and a handle for each PeerConnection. */
#define JANUS_SESSIONS_MAX 8
#define JANUS_HANDLES_MAX 128
#define JANUS_RATE_FACTOR 4 /* times [limits] messages_per_s_max: every candidate is a message */
/* Messages of a client's that wait with the description before them (3 s at most): every candidate is one. */
#define JANUS_WAITING_MAX 128

/* How the application's client is reached. Messages: the reference is taken. */
typedef struct JanusClient {
  void (*answer)(gpointer user, json_t *message); /* what Janus says at once to one request, named by its transaction */
  void (*event)(gpointer user, json_t *message);  /* all else */
  /* Janus has gone and nothing more comes of it; never from inside janus_new or janus_pass. `why`: for the client. */
  void (*gone)(gpointer user, gboolean was_open, const char *why);
} JanusClient;

typedef struct Janus { /* one client and its connection to Janus */
  Daemon *daemon;
  const JanusClient *client;
  gpointer user;
  Upstream *upstream;   /* NULL: Janus has gone */
  char session[TOKEN_ID_BYTES_MAX + 1], participant[TOKEN_ID_BYTES_MAX + 1]; /* whose it is: its token's. Who is in the session now is asked each time */
  guint entry;          /* Member.entries of the stay that its media belongs to (R15); 0: none yet */
  GHashTable *sessions; /* set of gint64: those that Janus made for this client. Another's cannot be used */
  GHashTable *handles;  /* JanusHandle by id, owned */
  GHashTable *asked;    /* the gate's own transaction -> Asked: sessions and handles that Janus has not answered yet */
  GQueue waiting;       /* json_t, owned: the first has a description that waits for call_is_ready, the others keep their order */
  guint waking;
} Janus;
void janus_wake(Janus *janus); /* what waits may go on, or never will: looked at soon */

gboolean janus_start(Daemon *daemon, GError **error); /* reads Janus's own secrets, where it has some */
/* FALSE: not a participant's valid recgate token (jwt NULL: none), JANUS_ERROR_UNAUTHORIZED; that is on the ledger. */
gboolean janus_admit(Daemon *daemon, const char *jwt, Token *token, GError **error) G_GNUC_WARN_UNUSED_RESULT;
Janus *janus_new(Daemon *daemon, const Token *token, const JanusClient *client, gpointer user); /* client: outlives it */
void janus_free(Janus *janus); /* Janus ends its sessions, the gate its media; no event afterwards. NULL is fine */
/* A request of the client's, which is changed on its way, perhaps later: then a refusal comes as an answer. FALSE: it was not passed on, error is what to
 * answer. */
gboolean janus_pass(Janus *janus, json_t *message, const JanusRequest *request, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean janus_has_session(const Janus *janus, guint64 id);
/* A request to Janus, with Janus's own secrets; the reference is taken. Nothing where Janus has gone. */
void janus_ask(Janus *janus, json_t *message);
void janus_keep_alive(Janus *janus, guint64 session); /* for a client that is there without saying anything; its answer is nobody's */

/* The PeerConnection is over at the gate, and is to be at Janus: a close_notify on the media's way is one datagram, which may be lost (R15). */
void janus_end(Janus *janus, const char *how, guint64 session, guint64 handle); /* how: "hangup" or "detach" */

extern const ServerEndpoint janus_endpoint; /* janus-socket.c */

/* --- janus-handle.c: a handle and its PeerConnection --- */
typedef struct JanusHandle {
  Janus *janus;
  gint64 id, session;
  char *plugin;
  Link *link; /* NULL: no PeerConnection */
  gboolean is_fresh; /* the link has not had a description yet */
  gboolean at_janus; /* Janus has described the link's PeerConnection */
  guint hanging_up;  /* a timer: Janus was asked to hang up and has not said that it did; 0: none */
} JanusHandle;
JanusHandle *janus_handle_new(Janus *janus, gint64 id, gint64 session, const char *plugin);
void janus_handle_free(gpointer handle);
void janus_handle_hangup(JanusHandle *handle);  /* ends the PeerConnection alone */
void janus_handle_hung_up(JanusHandle *handle); /* Janus says that it did: ends the one that this is of, not one that began meanwhile */
/* The gate does not know its own candidates yet that a client's description needs: it waits until janus_wake. */
gboolean janus_handle_must_wait(JanusHandle *handle, const json_t *jsep);
void janus_handle_trickle(JanusHandle *handle, const char *candidate); /* of Janus's */
/* Puts the gate into a description that passes, CALL_A: from the client. FALSE: it may not pass; its sender is not in the session, or the SDP is refused. */
gboolean janus_handle_describe(JanusHandle *handle, CallSide from, json_t *jsep, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* NULL: the person of this connection is not in the session, or this connection is of an earlier stay of theirs. */
Member *janus_member(Janus *janus, GError **error);

#endif
