/* SPDX-License-Identifier: Apache-2.0 */
/* A call: two legs, A's and B's, on one worker, and the offer/answer state between them. One PeerConnection a pair of people.
 *
 * Threads: call_* on the control thread; what has to happen on the worker is posted there. Events come in the control GMainContext.
 * Forwards RTP, RTCP and data-channel records from leg to leg, same SSRC, sequence and payload; taps one or both sides. */
#ifndef RECGATE_CALL_H
#define RECGATE_CALL_H

#include "pipelines/relay/sdp.h"
#include "pipelines/relay/tap.h"
#include "pipelines/transport/ice-agent.h"

typedef struct Call Call;
typedef enum CallSide { CALL_A = 0, CALL_B = 1 } CallSide;

typedef struct CallTrack { /* a negotiated track that its sender sends and that can be recorded */
  gboolean simulcast;                /* agreed on: several encodings come under this MID at once */
  char mid[64], medium[8], codec[16];
  guint8 pt, red_pt, ulpfec_pt;      /* 0 where there is none. RED (RFC 2198) carries the media payload, of audio also earlier ones */
  guint32 clock_rate;
  guint64 pts[2];                    /* bits: `pt` and the other negotiated payload types of the same codec (profiles, packetization modes) */
} CallTrack;

typedef struct CallEvents { /* control thread */
  void (*connected)(Call *call, CallSide side, gpointer user);
  void (*ended)(Call *call, CallSide side, const char *why, gpointer user); /* one leg ended by itself */
  /* After an answer, or its sender by going over to another of the agreed codecs, changed what a side sends: the list of its tracks. A tap must be set anew (R9: a new take). */
  void (*tracks_changed)(Call *call, CallSide side, gpointer user);
  /* call_is_ready is TRUE from now on. lacks: NULL, or what no server gave, a sentence. Once, and only where it was FALSE. */
  void (*ready)(Call *call, const char *lacks, gpointer user);
  /* The ring was full: this take lacks packets that it admitted. Once a take. */
  void (*overrun)(Call *call, guint32 take, gpointer user);
} CallEvents;

/* How the gate's leg towards B does ICE; A's is always ICE-lite. Anything but LITE only where B is an SFU whose descriptions come from itself: a full
 * agent checks every candidate in them (ice-agent.h), so those of a client would let it make the gate send to any address. */
typedef enum CallIce {
  CALL_ICE_LITE = 0,
  CALL_ICE_AUTO, /* a full agent once B says that it is ICE-lite itself */
  CALL_ICE_FULL,
} CallIce;

typedef struct CallConfig {
  Worker *worker;
  TapRing *ring;                    /* of that worker; what is admitted goes there */
  TapGate *gate;                    /* of the session; outlives the call */
  const char *const *addresses;     /* to announce; NULL-terminated, copied */
  guint16 port;
  GMainContext *control;
  LegPeer b;                        /* whom B's leg is with; A's is always with a client */
  CallIce ice;
  IceService *ice_service;          /* outlives the worker; not needed for CALL_ICE_LITE */
} CallConfig;

Call *call_new(const CallConfig *config, const CallEvents *events, gpointer user);
/* Ends both legs; `done` (may be NULL) runs on control when the worker has let go of both: no packet of it passes afterwards (R15). Frees the call. */
void call_free(Call *call, void (*done)(gpointer user), gpointer user);

/* FALSE: what B is to get from A needs candidates that the gate is still gathering. Then call_description refuses A's; `ready` comes within 3 s, with
 * whatever was found by then. */
gboolean call_is_ready(const Call *call);
/* B, as far as is known, is reached by a full agent: its candidates are used. */
gboolean call_is_full(const Call *call);
/* A candidate of B's, trickled (RFC 8838): "candidate:…", or "" for their end; also before B's description, or its answer. An ICE-lite gate needs none. */
void call_remote_candidate(Call *call, const char *candidate);

/* A description from `from`; *out is the one to send to the other side, g_free it. NULL *out with TRUE: nothing to pass on (rollback is passed as is).
 * Offers are staged until their answer (glare, rollback); answers apply both sides. An ICE restart makes fresh credentials on that leg only.
 * SDP_ERROR_NO_ROOM: it would take a full agent, and !ice_service_has_room; nothing changed. */
gboolean call_description(Call *call, CallSide from, SdpType type, const char *sdp, char **out, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* "sha-256 AB:CD…" of the certificate that this side's person proved to hold in DTLS: whose media it is. NULL unless connected. Borrowed. */
const char *call_remote_fingerprint(const Call *call, CallSide side);

/* Tracks that this side sends now. Borrowed array of CallTrack. */
const GArray *call_tracks(Call *call, CallSide side);

/* Tap: packets of these tracks of this side that tap_admit lets pass go to the ring under `number`. n 0: no tap. Replaces the last set;
 * `done` on control when the worker uses it. */
typedef struct CallTap { char mid[64]; guint32 number; } CallTap;
void call_set_taps(Call *call, CallSide side, const CallTap *taps, gsize n, void (*done)(gpointer user), gpointer user);
/* A PLI (RFC 4585 section 6.3.1) to this side for the tapped video `number`: for this SSRC of it, 0: for each that has sent media, or as long as none has
 * the first that is declared. At most one a second a source, more are merged. Any thread. */
void call_request_keyframe(Call *call, CallSide side, guint32 number, guint32 ssrc);

typedef struct CallStats { LegStats leg[2]; guint64 forwarded[2], not_forwarded[2]; LegState state[2]; } CallStats;
/* Asynchronous snapshot. */
void call_stats(Call *call, void (*done)(const CallStats *stats, gpointer user), gpointer user);

#endif
