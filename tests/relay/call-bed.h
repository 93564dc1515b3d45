/* SPDX-License-Identifier: Apache-2.0 */
/* Bed: two peers with real sockets, a call of the gate's between them, its worker, and a ring for what the tap admits. */
#ifndef RECGATE_TESTS_RELAY_CALL_BED_H
#define RECGATE_TESTS_RELAY_CALL_BED_H

#include "pipelines/relay/call.h"
#include "tests/transport/peer.h"

typedef struct Inbox { /* what a peer got */
  guint rtp, rtcp, data, plis;
  guint8 last_rtp[1500], last_data[64];
  gsize last_rtp_bytes, last_data_bytes;
  guint32 pli_media, pli_sum;
  gsize pli_compound_bytes;
} Inbox;

typedef struct Bed {
  Worker *worker;
  TapRing *ring;
  TapGate gate;
  Call *call;
  Peer *peers[2];
  Inbox inbox[2];
  guint connected, ended, changed[2], done, overruns;
  guint32 overrun_take; /* the last one */
  LegCredentials gate_local[2]; /* as each peer learned them */
  CallStats stats;
} Bed;

typedef gboolean (*Condition)(Bed *bed, guint64 value);

#define VIDEO_SSRC 1001u
#define RTX_SSRC   1002u
#define AUDIO_SSRC 1003u
#define LAYER_SSRC 1004u /* a second layer of simulcast */
#define B_SSRC     2001u /* not declared: told by its MID */

/* Counts up done: what waits for a callback. */
void on_done(gpointer user);
/* Runs both peers and control until the condition holds, at most 5 s. */
gboolean run_until(Bed *bed, Condition condition, guint64 value);
gboolean is_done(Bed *bed, guint64 value);
gboolean has_rtp(Bed *bed, guint64 value);
/* The worker has carried out what was posted before. */
void barrier(Bed *bed);
char *describe(const Peer *peer, const char *setup, const char *ssrcs_audio, const char *ssrcs_video);
/* g_free them. */
char *describe_a(Bed *bed);
char *pass_on(Bed *bed, CallSide from, SdpType type, const char *sdp);
/* The peer learns of its gate from what it would have been told. */
void learn(Bed *bed, CallSide side, const char *sdp, SdpType type);
CallConfig call_config(Bed *bed);
void bed_up(Bed *bed, gconstpointer data);
/* The gate is the DTLS client towards B. */
void bed_up_passive(Bed *bed, gconstpointer data);
/* B is an SFU. */
void bed_up_sfu(Bed *bed, gconstpointer data);
/* A ring of 4 KiB. */
void bed_up_small(Bed *bed, gconstpointer data);
void bed_down(Bed *bed, gconstpointer data);
/* A VP8 packet; its length. */
gsize video(guint8 *out, guint16 sequence, guint32 ssrc, guint8 pt);
/* n packets from A, each waited for at B, so that what the ring holds afterwards is all there will be. */
void send_video(Bed *bed, guint16 first, guint n);
/* Empties the ring: how many records of this type it held; the last of them, and its bytes (may be NULL). */
guint drain(Bed *bed, TapRecordType type, TapRecord *last, guint8 *bytes);
/* Taps both tracks of that side: "1" under number, "0" under the next one. */
void tap(Bed *bed, CallSide side, guint32 number);

#endif
