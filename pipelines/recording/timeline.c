/* SPDX-License-Identifier: Apache-2.0 */
/* Timeline: see timeline.h. Media times are in microseconds of the sender's or the RTP clock, offsets lead from them to the boot clock. */
#include "pipelines/recording/timeline.h"

#define STEP_NS         ((gint64)1000 * 1000) /* Matroska's resolution: frames must not share a timestamp */
#define USUAL_STEP_US   (20 * 1000)           /* of browsers' sound, where a restart leaves it unknown */
#define CATCH_UP        4                     /* sound that was placed too late is caught up with at so many times its pace */
#define LONGEST_STEP_US (120 * 1000)          /* RFC 6716 section 2.1.4: the rest of a step is silence, which need not be kept */

static void transit_add(TimelineTransit *transit, gint64 arrival_us, gint64 media_us) {
  gint64 transit_us = arrival_us - media_us;
  if (!transit->any) {
    *transit = (TimelineTransit){.any = TRUE, .since_us = arrival_us, .least_us = transit_us, .least_before_us = transit_us};
  } else if (arrival_us - transit->since_us >= TIMELINE_WINDOW_US) {
    transit->since_us = arrival_us;
    transit->least_before_us = transit->least_us;
    transit->least_us = transit_us;
  } else {
    transit->least_us = MIN(transit->least_us, transit_us);
  }
}

static gint64 transit_least(const TimelineTransit *transit) {
  return MIN(transit->least_us, transit->least_before_us);
}

static gint64 ticks_to_us(gint64 ticks, guint32 rate_hz) {
  return ticks / rate_hz * G_USEC_PER_SEC + ticks % rate_hz * G_USEC_PER_SEC / rate_hz;
}

void timeline_init(Timeline *timeline, TimelineClock *clock, gboolean sound, guint32 rate_hz, gint64 origin_us) {
  *timeline = (Timeline){.clock = clock, .sound = sound, .rate_hz = MAX(rate_hz, 1), .origin_us = origin_us, .behind_us = G_MAXINT64};
  timeline->last_ns = timeline->sound ? -USUAL_STEP_US * 1000 / CATCH_UP : -STEP_NS;
}

/* A sender's RTP clock stands still while it has nothing to send (a browser's audio sender without a track) and while its machine stalls (the samples are
 * lost). Two reports tell: then arrivals from before say nothing of what comes now. A network that stalls changes no report. */
void timeline_report(Timeline *timeline, guint64 ntp, guint32 rtp) {
  const gint64 us = (gint64)(ntp >> 32) * G_USEC_PER_SEC + (gint64)(((ntp & G_MAXUINT32) * G_USEC_PER_SEC) >> 32);
  const gint64 foretold_us = timeline->report_us + ticks_to_us((gint32)(rtp - timeline->report_rtp), timeline->rate_hz);
  const gboolean shifted = timeline->report && ABS(us - foretold_us) > TIMELINE_SHIFT_US;
  if (shifted)
    timeline->transit = (TimelineTransit){0};
  if (shifted && us < foretold_us) /* it ran ahead, and seemed to come sooner than anything can */
    timeline->clock->transit = (TimelineTransit){0};
  timeline->moved = !timeline->report || shifted;
  timeline->report = TRUE;
  timeline->report_rtp = rtp;
  timeline->report_us = us;
}

void timeline_restart(Timeline *timeline) {
  timeline->any = FALSE;
  timeline->report = FALSE;
  timeline->slewing = FALSE;
  timeline->transit = (TimelineTransit){0};
}

/* Where the offset should be: by the participant's clock if a report tells, else by this track's own arrivals. */
static gint64 target_offset(Timeline *timeline, gint64 media_us, gint64 arrival_us) {
  transit_add(&timeline->transit, arrival_us, media_us);
  gint64 own_us = transit_least(&timeline->transit);
  if (!timeline->report)
    return own_us;
  gint64 since_report_us = ticks_to_us((gint32)(timeline->last_rtp - timeline->report_rtp), timeline->rate_hz);
  gint64 sender_us = timeline->report_us + since_report_us;
  transit_add(&timeline->clock->transit, arrival_us, sender_us);
  gint64 shared_us = sender_us - media_us + transit_least(&timeline->clock->transit);
  return ABS(shared_us - own_us) <= TIMELINE_APART_US ? shared_us : own_us;
}

static void slew(Timeline *timeline, gint64 target_us, gint64 elapsed_us) {
  gint64 error_us = target_us - timeline->offset_us;
  gint64 most_us = elapsed_us * TIMELINE_SLEW_PER_MILLE / 1000;
  const gboolean moved = timeline->moved && ABS(error_us) > TIMELINE_SHIFT_US;
  /* In a silence of a second nobody hears a correction. */
  if (!timeline->slewing || moved || elapsed_us >= TIMELINE_JUMP_US || timeline->last_arrival_us < timeline->settling_us)
    timeline->offset_us = target_us;
  else
    timeline->offset_us += CLAMP(error_us, -most_us, most_us);
  timeline->slewing = TRUE;
  timeline->moved = FALSE;
}

/* From packet to packet, or, led on in small steps, further ahead of arrival than a network that stalled can catch up. */
static gboolean jumped(const Timeline *timeline, gint64 step_us, gint64 arrival_us) {
  const gint64 ahead_us = step_us - (arrival_us - timeline->last_arrival_us);
  const gint64 lead_us = ticks_to_us(timeline->ticks, timeline->rate_hz) + step_us + timeline->offset_us - arrival_us;
  return ahead_us > TIMELINE_JUMP_US || step_us < -TIMELINE_JUMP_US || ahead_us < -TIMELINE_STALL_US || lead_us > TIMELINE_STALL_US;
}

/* A packet that is late by seconds, or sound that comes late one packet after the other, while another track's come in time: this track's clock stood still.
 * What follows says by how much, less and less: had its packets only been held up, they come in a burst. */
static gboolean has_stood_still(const Timeline *timeline, gint64 step_us, gint64 arrival_us) {
  const gboolean at_once = arrival_us - timeline->last_arrival_us - step_us > TIMELINE_JUMP_US;
  const gboolean behind = timeline->sound && arrival_us - timeline->behind_us >= TIMELINE_BEHIND_US;
  return (at_once || behind) && arrival_us - timeline->clock->in_time_us < TIMELINE_IN_TIME_US;
}

static void begin_settling(Timeline *timeline, gint64 arrival_us) {
  timeline->report = FALSE;
  timeline->transit = (TimelineTransit){0};
  timeline->settling_us = arrival_us + TIMELINE_JUMP_US;
}

static void note_lateness(Timeline *timeline, gint64 media_us, gint64 arrival_us) {
  if (arrival_us - media_us - transit_least(&timeline->transit) < TIMELINE_IN_TIME_US) {
    timeline->clock->in_time_us = MAX(timeline->clock->in_time_us, arrival_us);
    timeline->behind_us = G_MAXINT64;
  } else {
    timeline->behind_us = MIN(timeline->behind_us, arrival_us);
  }
}

/* Of frames of sound that lie on one another players and decoders lose some. But nobody leads for ever by small steps (fault 13). */
static gint64 least_step_ns(const Timeline *timeline, gint64 step_us, gint64 arrival_us) {
  const gint64 lead_us = timeline->origin_us + timeline->last_ns / 1000 - arrival_us;
  if (!timeline->sound || lead_us > TIMELINE_STALL_US)
    return STEP_NS;
  return MAX(MIN(step_us, LONGEST_STEP_US) * 1000 / CATCH_UP, STEP_NS);
}

gint64 timeline_map(Timeline *timeline, guint32 rtp, gint64 arrival_us) {
  if (timeline->any && rtp == timeline->last_rtp)
    return timeline->last_ns;
  gint64 step_us = USUAL_STEP_US;
  if (timeline->any) {
    gint32 step = (gint32)(rtp - timeline->last_rtp);
    step_us = ticks_to_us(step, timeline->rate_hz);
    if (jumped(timeline, step_us, arrival_us)) {
      timeline_restart(timeline);
      step = 0;
      step_us = USUAL_STEP_US;
    } else if (has_stood_still(timeline, step_us, arrival_us)) {
      begin_settling(timeline, arrival_us);
    }
    timeline->ticks += step;
  }
  timeline->any = TRUE;
  timeline->last_rtp = rtp;
  timeline->last_arrival_us = arrival_us;
  gint64 media_us = ticks_to_us(timeline->ticks, timeline->rate_hz);
  slew(timeline, target_offset(timeline, media_us, arrival_us), MAX(step_us, 0));
  note_lateness(timeline, media_us, arrival_us);
  gint64 ns = (media_us + timeline->offset_us - timeline->origin_us) * 1000;
  timeline->last_ns = MAX(ns, timeline->last_ns + least_step_ns(timeline, step_us, arrival_us));
  return timeline->last_ns;
}
