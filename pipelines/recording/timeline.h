/* SPDX-License-Identifier: Apache-2.0 */
/* Timeline: RTP time to take time, nanoseconds from the take's first packet, which the gate let in as it opened.
 *
 * Threads: none, one caller. Tracks of one participant share a TimelineClock: their sender reports (RFC 3550 section 6.4.1) map RTP time
 * to the sender's clock, and one offset, the smallest transit seen, maps that clock to the boot clock: so audio and video align.
 * Without a report each track goes by its own smallest transit. Corrections are slewed, jumps of RTP time are taken from arrival (fault 13);
 * so is what follows when one track's clock stood still while another's packets came in time. A report that moves a track by more
 * than anybody accepts as in step (ITU-R BT.1359-1: sound 90 ms early or 185 ms late) is followed at once. */
#ifndef RECGATE_TIMELINE_H
#define RECGATE_TIMELINE_H

#include <glib.h>

#define TIMELINE_WINDOW_US (5 * G_USEC_PER_SEC) /* of the smallest transit: long enough for jitter, short enough to follow drift */
#define TIMELINE_SLEW_PER_MILLE 50              /* correction per elapsed media time */
#define TIMELINE_JUMP_US G_USEC_PER_SEC         /* RTP time may run ahead of arrival, or back, by this much from packet to packet */
#define TIMELINE_STALL_US (5 * G_USEC_PER_SEC)  /* and stay behind by this much, or lead arrival by it in all: the network stalls and catches up */
#define TIMELINE_IN_TIME_US (200 * 1000)        /* later than its smallest transit by less than this, a packet came in time */
#define TIMELINE_BEHIND_US (300 * 1000)         /* sound that comes late for so long has stood still: nobody paces it, as pictures are */
#define TIMELINE_SHIFT_US (200 * 1000)          /* a report that moves a track by more is followed at once: less is slewed in four seconds, without a pause */
#define TIMELINE_APART_US (2 * G_USEC_PER_SEC)  /* and by more than this not believed */

/* The smallest of (arrival - media time) over one to two windows. Zeroed: nothing seen. */
typedef struct TimelineTransit {
  gboolean any;
  gint64 since_us, least_us, least_before_us;
} TimelineTransit;

typedef struct TimelineClock { /* of one participant in one take; zeroed: nothing known */
  TimelineTransit transit;     /* boot clock minus sender's clock */
  gint64 in_time_us;           /* arrival of the last packet, of any track, that came in time: the network does not stall */
} TimelineClock;

typedef struct Timeline { /* of one track in one take */
  TimelineClock *clock;
  gboolean sound;
  guint32 rate_hz;
  gint64 origin_us;       /* boot clock of take time zero */
  gboolean any, slewing;  /* slewing: offset_us is set */
  guint32 last_rtp;
  gint64 ticks;           /* extended RTP time of last_rtp */
  gint64 last_arrival_us;
  gint64 last_ns;         /* given out */
  gint64 behind_us;       /* arrival: the first of those that came late one after the other; G_MAXINT64 if the last did not */
  gint64 settling_us;     /* arrival: until then corrections are made at once */
  TimelineTransit transit; /* boot clock minus RTP time, of this track alone */
  gboolean report, moved; /* a sender report since the last jump; the last one moved the track, and no packet came since */
  guint32 report_rtp;
  gint64 report_us;       /* sender's clock at report_rtp */
  gint64 offset_us;       /* in use: boot clock minus RTP time */
} Timeline;

void timeline_init(Timeline *timeline, TimelineClock *clock, gboolean sound, guint32 rate_hz, gint64 origin_us);
/* ntp: 32.32, rtp: the same instant. */
void timeline_report(Timeline *timeline, guint64 ntp, guint32 rtp);
/* Another source (SSRC): its RTP time has nothing to do with the last one's. */
void timeline_restart(Timeline *timeline);
/* Take time of a packet, in sequence order. The same for one RTP time, at least 1 ms, of sound a quarter of its step, more for a later one, never negative. */
gint64 timeline_map(Timeline *timeline, guint32 rtp, gint64 arrival_us);

#endif
