/* SPDX-License-Identifier: Apache-2.0 */
/* One leg: the gate's end of one PeerConnection. ICE-lite (RFC 8445 section 2.5, on libnice's STUN library) or, towards an SFU, a full agent
 * (leg_use_agent); DTLS 1.2 (OpenSSL), SRTP (libsrtp2).
 *
 * Threads: all functions on the worker's thread, but for leg_credentials_new (any thread).
 * A leg sends only to addresses that proved themselves by an authenticated connectivity check, and gives out packets only after DTLS ended with
 * the peer's certificate matching a fingerprint of leg_set_remote (faults 1-6).
 * A leg ends by itself 30 s after the first leg_set_remote if it is not connected then, and 30 s after the last check or packet once it is; one with
 * an agent, when libnice has no pair that works or the peer's consent to send has run out (RFC 7675 section 5.1).
 * A leg without leg_set_remote waits without end: whether an answer may still come is its owner's to judge. */
#ifndef RECGATE_LEG_H
#define RECGATE_LEG_H

#include "pipelines/transport/worker.h"

typedef struct LegCredentials { char ufrag[16], pwd[40]; } LegCredentials; /* RFC 8445 section 5.3: 4+ and 22+ ice-chars */
void leg_credentials_new(LegCredentials *credentials);

typedef enum LegPeer { LEG_CLIENT = 0, LEG_SFU /* sends for many people: more SSRCs may come from it (protection.h) */ } LegPeer;

typedef enum LegState { LEG_NEW = 0, LEG_CHECKED /* an address is valid */, LEG_CONNECTED /* DTLS done, SRTP keys set */, LEG_ENDED } LegState;

typedef struct LegEvents { /* worker thread */
  /* Authenticated and decrypted, n bytes, room up to WORKER_PACKET_ROOM_BYTES behind packet; the callee may change it in place. */
  void (*rtp)(Leg *leg, guint8 *packet, gsize n, gpointer user);
  void (*rtcp)(Leg *leg, guint8 *packet, gsize n, gpointer user);
  void (*data)(Leg *leg, const guint8 *bytes, gsize n, gpointer user); /* one DTLS application record: SCTP of a data channel */
  /* ENDED comes once and is the last event; why is a short sentence. The leg is still the owner's to free. */
  void (*state)(Leg *leg, LegState state, const char *why, gpointer user);
} LegEvents;

/* Keep `local` unique on the worker (leg_credentials_new is). Listens at once; ICE checks that come before leg_set_remote are answered once it was called (the remote ufrag is half of USERNAME). */
Leg *leg_new(Worker *worker, const LegCredentials *local, LegPeer peer, const LegEvents *events, gpointer user);
/* Before anybody was told of `local`, or the peer is ICE-lite and will not check: this leg is full ICE from now on, over the agent (ice-agent.h; takes a
 * reference), which must have the same credentials. Never of a client's leg, and never tapped. */
typedef struct IceAgent IceAgent;
void leg_use_agent(Leg *leg, IceAgent *agent);
void leg_free(Leg *leg); /* silent: no event; sends close_notify. Also inside a callback, of this leg or another */

typedef struct LegRemote {
  const char *ufrag;          /* pwd is not needed: an ICE-lite gate sends no checks, and an agent was told by its owner */
  const char *fingerprints;   /* one or more "sha-256 AB:CD…" lines, joined by '\n' (RFC 8122); any may match */
  gboolean dtls_client;       /* TRUE: the gate sends the ClientHello (a=setup:active is the gate's) */
} LegRemote;
/* First time or ICE restart. FALSE where the fingerprint or role of a leg that is already connected would change (fault 3), or is unusable. */
gboolean leg_set_remote(Leg *leg, const LegRemote *remote, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* ICE restart (RFC 8445 section 9), before or after its leg_set_remote: the new ones are answered from now on, the old ones until a pair of the new ones is nominated. */
void leg_restart(Leg *leg, const LegCredentials *local);

/* Protects in place (needs WORKER_PACKET_ROOM_BYTES) and queues for this batch's sendmmsg. FALSE: not connected, or refused; counted. */
gboolean leg_send_rtp(Leg *leg, guint8 *packet, gsize n);
gboolean leg_send_rtcp(Leg *leg, guint8 *packet, gsize n);
gboolean leg_send_data(Leg *leg, const guint8 *bytes, gsize n);

LegState leg_state(const Leg *leg);
#define LEG_FINGERPRINT_BYTES 104
/* "sha-256 AB:CD…" of the certificate that the peer proved to hold. FALSE unless CONNECTED. */
gboolean leg_remote_fingerprint(const Leg *leg, char text[LEG_FINGERPRINT_BYTES]);
typedef struct LegStats { guint64 rtp_in, rtp_out; gint64 last_in_us; guint64 rtcp_in, rtcp_out, refused; } LegStats;
LegStats leg_stats(const Leg *leg);

#endif
