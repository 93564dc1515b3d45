/* SPDX-License-Identifier: Apache-2.0 */
/* A small but real WebRTC peer for tests and load: full-ICE controlling client (libnice's STUN library), DTLS 1.2 (OpenSSL), SRTP (libsrtp2).
 *
 * Threads: one thread at a time; poll-driven: nothing happens outside peer_run, peers_run and peer_step. Times in ms, never waits longer. */
#ifndef RECGATE_TEST_PEER_H
#define RECGATE_TEST_PEER_H

#include <glib.h>

typedef struct Peer Peer;

typedef struct PeerEvents { /* decrypted; called inside peer_run */
  void (*rtp)(Peer *peer, guint8 *packet, gsize n, gpointer user);
  void (*rtcp)(Peer *peer, guint8 *packet, gsize n, gpointer user);
  void (*data)(Peer *peer, const guint8 *bytes, gsize n, gpointer user);
  gpointer user;
} PeerEvents;

typedef struct PeerConfig {
  const char *ufrag, *pwd;               /* the peer's own; NULL: random */
  const char *remote_ufrag, *remote_pwd; /* the gate's, of its SDP */
  const char *fingerprint;               /* the gate's certificate must match "sha-256 AB:…"; NULL: not checked */
  const char *address;                   /* the gate's candidate */
  guint16 port;
  gboolean dtls_client;                  /* TRUE: a=setup:active is the peer's */
  PeerEvents events;
  /* How to misbehave. Zero: not. */
  const char *srtp_profiles;             /* NULL: both; "": no use_srtp */
  gboolean dtls_1_0;                     /* offers nothing newer */
  const char *ciphers;                   /* NULL: OpenSSL's */
  gboolean early_client_hello;           /* sends a ClientHello before its first check, too */
  gboolean no_nomination;                /* never sends USE-CANDIDATE */
  gboolean no_checks;                    /* never sends a check by itself */
  gboolean no_dtls;                      /* neither begins nor answers a handshake */
} PeerConfig;

/* Aborts on nonsense; the strings are copied. */
Peer *peer_new(const PeerConfig *config);
void peer_free(Peer *peer); /* sends close_notify */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Peer, peer_free)

const char *peer_ufrag(const Peer *peer);
const char *peer_pwd(const Peer *peer);
/* "sha-256 AB:…" of the peer's certificate, for the gate's leg_set_remote. */
const char *peer_fingerprint(const Peer *peer);

/* Runs until connected (TRUE), failed or ms have passed. */
gboolean peer_connect(Peer *peer, guint ms);
void peer_run(Peer *peer, guint ms);
/* Runs several at once until done(user) or ms have passed; TRUE: done. done may be NULL. */
gboolean peers_run(Peer *const *peers, guint n, gboolean (*done)(gpointer user), gpointer user, guint ms);
int peer_fd(const Peer *peer);  /* of the path in use, for a poll loop of one's own */
void peer_step(Peer *peer);     /* reads what is there, sends what is due */

gboolean peer_is_valid(const Peer *peer);     /* a check was answered */
gboolean peer_is_connected(const Peer *peer); /* DTLS done, SRTP keys set */
gboolean peer_has_failed(const Peer *peer);   /* DTLS failed, or the gate closed */

/* Plain packets; protected inside. FALSE: not connected, or libsrtp refused. */
gboolean peer_send_rtp(Peer *peer, const guint8 *packet, gsize n);
gboolean peer_send_rtcp(Peer *peer, const guint8 *packet, gsize n);
gboolean peer_send_data(Peer *peer, const guint8 *bytes, gsize n);
/* Protects into out (1,700 bytes of room) without sending: for replays and damage. Returns its length, 0: refused. */
gsize peer_protect_rtp(Peer *peer, const guint8 *packet, gsize n, guint8 *out);
gsize peer_protect_rtcp(Peer *peer, const guint8 *packet, gsize n, guint8 *out);
void peer_send_raw(Peer *peer, const guint8 *bytes, gsize n);
/* A whole RTP packet: V=2, no extension. Returns its length. */
gsize peer_make_rtp(guint8 *out, guint8 pt, guint16 seq, guint32 timestamp, guint32 ssrc, const guint8 *payload, gsize n);

/* Further local sockets, numbered from 1 (0 is the first). Checks go out and media comes and goes on the path that was set last. */
guint peer_add_path(Peer *peer);
void peer_set_path(Peer *peer, guint path);
void peer_set_port(Peer *peer, guint16 port); /* of a server that has one for each peer, known only from its SDP */
guint peer_last_path(const Peer *peer); /* that the last media or DTLS from the gate came in on */
/* One check on a path with this PRIORITY, answered or not; see peer_answered. */
void peer_check(Peer *peer, guint path, guint32 priority, gboolean nominate);
guint peer_answered(const Peer *peer);  /* checks that were answered so far, authenticated */
/* The bytes of a check, to be damaged or sent from elsewhere. Returns their length. */
gsize peer_make_check(Peer *peer, guint8 *out, gsize room, guint32 priority, gboolean nominate);
/* Ends no_checks. */
void peer_allow_checks(Peer *peer);
/* ICE restart: from now on with these. NULL: fresh ones of its own. */
void peer_restart(Peer *peer, const char *ufrag, const char *pwd, const char *remote_ufrag, const char *remote_pwd);

#endif
