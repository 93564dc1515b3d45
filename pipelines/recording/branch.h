/* SPDX-License-Identifier: Apache-2.0 */
/* A branch: one track of one take, from RTP packets to segments: intake, timeline, depayloader, one-track matroskamux, segment sink.
 *
 * Threads: one recorder thread; GStreamer has no thread, queue or clock in it: when a call returns, its work is done.
 * Time is a parameter (boot clock). */
#ifndef RECGATE_BRANCH_H
#define RECGATE_BRANCH_H

#include <gio/gio.h>

#include "pipelines/recording/recorder.h"
#include "pipelines/recording/segmentsink.h"
#include "pipelines/recording/timeline.h"

#define BRANCH_KEYFRAME_US G_USEC_PER_SEC        /* a border waits for a keyframe */
#define BRANCH_IDLE_US (3 * G_USEC_PER_SEC / 2)  /* a segment of a silent track ends this long after its border */

typedef struct Branch Branch;

typedef struct BranchConfig {
  const RecorderTrack *track; /* borrowed while the branch lives */
  TimelineClock *clock;       /* the participant's; outlives the branch */
  gint64 segment_us;
  SegmentWriter writer;
} BranchConfig;

typedef struct BranchStats { guint64 packets, lost, malformed, keyframes_asked, switches, segments; } BranchStats; /* switches: to a layer of simulcast */

/* Attaches: G_IO_ERROR_NOT_SUPPORTED for an unknown codec, G_IO_ERROR_FAILED when GStreamer refuses. */
Branch *branch_new(const BranchConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Discards the open segment unless branch_end came first; gives no byte out. */
void branch_free(Branch *branch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Branch, branch_free)

/* The take's first packet came: its arrival is take time zero. Asks for a keyframe: the gate is certainly open now. */
void branch_begin(Branch *branch, gint64 origin_us);
void branch_packet(Branch *branch, const guint8 *bytes, gsize n, gint64 arrival_us);
void branch_report(Branch *branch, guint32 ssrc, guint64 ntp, guint32 rtp_time);
/* Losses given up, requests repeated, a silent track's segment ended. */
void branch_advance(Branch *branch, gint64 now_us);
/* Gives out what is held, ends the stream, seals the last segment. */
void branch_end(Branch *branch);
/* FALSE: the writer or GStreamer refused; nothing more comes of it. */
gboolean branch_works(const Branch *branch);
BranchStats branch_stats(const Branch *branch);

#endif
