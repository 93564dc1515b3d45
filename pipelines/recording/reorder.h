/* SPDX-License-Identifier: Apache-2.0 */
/* Reorder: one track's RTP packets back in the order of their sequence numbers, numbered anew so that only a real loss makes a gap.
 *
 * Threads: none of its own, one caller; time is a parameter (boot clock), the next deadline is a question one may ask.
 * Packets older than the first that arrived are still taken for REORDER_SLACK_US (jitter buffers that begin at the first packet that
 * arrives lose the first keyframe). What does not come is waited for REORDER_LOST_US after the first later packet. RFC 3550 appendix A.1. */
#ifndef RECGATE_REORDER_H
#define RECGATE_REORDER_H

#include <glib.h>

#define REORDER_WINDOW 1024              /* packets; more than a second of 8 Mbit/s. A power of two */
#define REORDER_BYTES_MAX (2 * 1024 * 1024) /* held in one window: 500 ms of 32 Mbit/s; beyond it waiting ends at once */
#define REORDER_SLACK_US (100 * 1000)    /* twice the 50 ms of reordering that we promise to survive */
#define REORDER_LOST_US (500 * 1000)     /* a second request after a lost one, as SFUs repeat it (Janus: 155 ms), over 150 ms of round trip, and jitter */
#define REORDER_ANEW 64 /* packets one after the other that were given up already, and none that is new: the sender numbers anew, a little behind */

typedef struct Reorder Reorder;

typedef struct ReorderPacket {
  guint16 seq;          /* in: as on the wire. out: renumbered */
  gboolean filler;      /* occupies a sequence number, is not media: swallowed without making a gap */
  gboolean marker;
  guint32 rtp_time;
  gint64 arrival_us;
  gsize n_bytes;
  const guint8 *bytes;  /* NULL for a filler */
} ReorderPacket;

typedef struct ReorderStats { guint64 lost, late, duplicate; } ReorderStats;

/* Gets the packets in order; `packet->bytes` is there during the call only. */
typedef void (*ReorderOut)(const ReorderPacket *packet, gpointer user);

Reorder *reorder_new(ReorderOut out, gpointer user);
void reorder_free(Reorder *reorder); /* throws away what is held, gives nothing out */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reorder, reorder_free)

/* packet->bytes is the caller's: copied where the packet has to wait, given on as it is where not. */
void reorder_push(Reorder *reorder, const ReorderPacket *packet);
/* Is this number missing, and may it still be filled in by what another packet repeats? Not before the first packet that arrived: it may be from before the
 * gate opened (R9). */
gboolean reorder_misses(const Reorder *reorder, guint16 seq);
/* Gives out what need not be waited for any longer at now_us. */
void reorder_advance(Reorder *reorder, gint64 now_us);
/* When reorder_advance has something to do; G_MAXINT64: never. */
gint64 reorder_deadline(const Reorder *reorder);
/* Gives out everything held; the next packet begins a new sequence (another SSRC), after a gap of one number. */
void reorder_flush(Reorder *reorder);
ReorderStats reorder_stats(const Reorder *reorder);

#endif
