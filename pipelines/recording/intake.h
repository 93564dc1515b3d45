/* SPDX-License-Identifier: Apache-2.0 */
/* Intake: one track's packets, from whichever sources (SSRCs) and however they come, to the media of one source at a time in order.
 *
 * Threads: one recorder thread; time is a parameter (boot clock). Takes RED apart (RFC 2198), puts packets in order, chooses a layer of simulcast, and asks for
 * keyframes. Only what is recorded, or is about to be, is held: two layers at most once a take has its first picture. */
#ifndef RECGATE_INTAKE_H
#define RECGATE_INTAKE_H

#include "pipelines/recording/codec.h"
#include "pipelines/recording/recorder.h"
#include "pipelines/recording/reorder.h"

#define INTAKE_KEYFRAME_US G_USEC_PER_SEC /* between two requests to one source */

typedef struct Intake Intake;

typedef struct IntakeEvents { /* called from intake_packet, _advance and _flush */
  void (*packet)(const ReorderPacket *packet, gpointer user); /* in order, as of a ReorderOut; a switch leaves a gap of one number */
  void (*restart)(gpointer user);                             /* what comes next is another source's: another clock */
  void (*report)(guint64 ntp, guint32 rtp_time, gpointer user); /* of the source in use */
} IntakeEvents;

typedef struct IntakeStats { guint64 packets, lost, malformed, keyframes_asked, switches; } IntakeStats;

/* track and codec are borrowed while it lives. */
Intake *intake_new(const RecorderTrack *track, const Codec *codec, const IntakeEvents *events, gpointer user);
void intake_free(Intake *intake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Intake, intake_free)

/* The gate is certainly open now: asks for a keyframe. */
void intake_begin(Intake *intake, gint64 now_us);
void intake_packet(Intake *intake, const guint8 *bytes, gsize n, gint64 arrival_us);
void intake_report(Intake *intake, guint32 ssrc, guint64 ntp, guint32 rtp_time);
void intake_advance(Intake *intake, gint64 now_us);
/* Gives out all that is held of the source in use. */
void intake_flush(Intake *intake);
/* A keyframe is wanted, or no longer but for a loss; one came out. */
void intake_want_keyframe(Intake *intake, gboolean wanted);
void intake_keyframe_came(Intake *intake);
IntakeStats intake_stats(const Intake *intake);

#endif
