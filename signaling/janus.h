/* SPDX-License-Identifier: Apache-2.0 */
/* Janus through the gate: an application's WebSocket here, one of the gate's own to Janus, and on both the same messages, but for what lets media
 * past the gate (docs/janus.md). Shared by janus.c and janus-handle.c; recgate.c takes the endpoint.
 *
 * Threads: control thread. */
#ifndef RECGATE_JANUS_H
#define RECGATE_JANUS_H

#include "signaling/session-media.h"
#include "signaling/upstream.h"

/* What one connection may hold: an application has one session and a handle for each PeerConnection. */
#define JANUS_SESSIONS_MAX 8
#define JANUS_HANDLES_MAX 128

typedef struct Janus { /* data of its Socket */
  Daemon *daemon;
  Socket *socket;
  Upstream *upstream;   /* NULL: no valid token came yet, or Janus has gone */
  char session[TOKEN_ID_BYTES_MAX + 1], participant[TOKEN_ID_BYTES_MAX + 1]; /* whose it is: its token's. Who is in the session now is asked each time */
  guint entry;          /* Member.entries of the stay that its media belongs to (R15); 0: none yet */
  GHashTable *sessions; /* set of gint64: those that Janus made for this connection. Another's cannot be used */
  GHashTable *handles;  /* JanusHandle by id, owned */
  GHashTable *asked;    /* transaction -> plugin to attach, "" for a session: not answered yet */
  guint token_timer;
} Janus;

extern const ServerEndpoint janus_endpoint;
gboolean janus_start(Daemon *daemon, GError **error); /* reads Janus's own secrets, where it has some */

/* --- janus-handle.c: a handle and its PeerConnection --- */
typedef struct JanusHandle {
  Janus *janus;
  gint64 id, session;
  char *plugin;
  Link *link; /* NULL: no PeerConnection */
} JanusHandle;
JanusHandle *janus_handle_new(Janus *janus, gint64 id, gint64 session, const char *plugin);
void janus_handle_free(gpointer handle);
void janus_handle_hangup(JanusHandle *handle); /* the PeerConnection alone */
/* Puts the gate into a description that passes, CALL_A: from the client. FALSE: it may not pass; its sender is not in the session, or the SDP is refused. */
gboolean janus_handle_describe(JanusHandle *handle, CallSide from, json_t *jsep, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* NULL: the person of this connection is not in the session, or this connection is of an earlier stay of theirs. */
Member *janus_member(Janus *janus, GError **error);

#endif
