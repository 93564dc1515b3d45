/* SPDX-License-Identifier: Apache-2.0 */
/* Timeline: sender reports align tracks, jumps of RTP time and silences do not stall (fault 13), drift is followed. */
#include "pipelines/recording/timeline.h"

#define S  ((gint64)G_USEC_PER_SEC)
#define MS ((gint64)1000)

/* A sender whose clocks have nothing to do with ours or with each other. */
typedef struct Sender {
  gint64 ntp_us; /* its clock at boot time 0 */
  guint32 rtp;   /* RTP time at boot time 0 */
  guint32 rate_hz;
  gint ppm; /* its clock runs fast by this */
} Sender;

static gint64 sender_us(const Sender *sender, gint64 boot_us) {
  return boot_us + boot_us / 1000000 * sender->ppm;
}

static guint32 rtp_at(const Sender *sender, gint64 boot_us) {
  return sender->rtp + (guint32)(sender_us(sender, boot_us) * sender->rate_hz / S);
}

static void report(Timeline *timeline, const Sender *sender, gint64 boot_us) {
  guint64 us = (guint64)(sender->ntp_us + sender_us(sender, boot_us));
  timeline_report(timeline, (us / S) << 32 | ((us % S) << 32) / S, rtp_at(sender, boot_us));
}

static void assert_near(gint64 ns, gint64 us, gint64 within_us) {
  g_assert_cmpint(ABS(ns / 1000 - us), <=, within_us);
}

static void init_sound_and_picture(TimelineClock *clock, Timeline *sound, Timeline *picture) {
  *clock = (TimelineClock){0};
  timeline_init(sound, clock, TRUE, 48000, 0);
  timeline_init(picture, clock, FALSE, 90000, 0);
}

static void test_reports_align(void) {
  guint32 seed = g_random_int();
  g_test_message("seed %u", seed);
  g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
  for (guint run = 0; run < 200; run++) {
    gint64 ntp_us = (gint64)g_rand_int(rand) * S;
    Sender audio = {ntp_us, g_rand_int(rand), 48000, 0}, video = {ntp_us, g_rand_int(rand), 90000, 0};
    TimelineClock clock = {0};
    Timeline a, v;
    timeline_init(&a, &clock, TRUE, 48000, 1000 * S);
    timeline_init(&v, &clock, FALSE, 90000, 1000 * S);
    report(&a, &audio, 999 * S);
    report(&v, &video, 998 * S);
    /* audio takes 5 ms, video 60 ms of pacing and up to 30 ms of jitter */
    for (gint64 t = 1000 * S; t < 1010 * S; t += 20 * MS) {
      gint64 a_ns = timeline_map(&a, rtp_at(&audio, t), t + 5 * MS + g_rand_int_range(rand, 0, 10000));
      gint64 v_ns = timeline_map(&v, rtp_at(&video, t), t + 60 * MS + g_rand_int_range(rand, 0, 30000));
      if (t > 1001 * S) {
        assert_near(a_ns, t - 1000 * S, 30 * MS);
        assert_near(v_ns - a_ns, 0, 10 * MS);
      }
    }
  }
}

/* A browser's audio sender has no track for 4 s: its RTP clock stands still. The next report tells, and what comes then is in its place at once. */
static void test_stopped_clock(void) {
  Sender audio = {77 * S, 4000000000u, 48000, 0}, video = {77 * S, 5, 90000, 0};
  TimelineClock clock;
  Timeline a, v;
  init_sound_and_picture(&clock, &a, &v);
  gint64 last_ns = -1;
  for (gint64 t = 0; t < 20 * S; t += 20 * MS) {
    if (t == 14 * S)
      audio.rtp -= 4 * 48000;
    if (t % S == 0 && (t < 10 * S || t > 14 * S)) {
      report(&a, &audio, t);
      report(&v, &video, t);
    }
    const gint64 v_ns = timeline_map(&v, rtp_at(&video, t), t + 30 * MS);
    if (t >= 10 * S && t < 14 * S)
      continue;
    const gint64 a_ns = timeline_map(&a, rtp_at(&audio, t), t + 5 * MS);
    g_assert_cmpint(a_ns, >, last_ns);
    last_ns = a_ns;
    if ((t > S && t < 10 * S) || t > 15 * S) /* the first second: the smaller transit is found */
      assert_near(v_ns - a_ns, 0, 2 * MS);
  }
}

/* The same without a report afterwards: that the picture comes in time tells, with the first packet. */
static void test_stopped_clock_beside_another_track(void) {
  Sender audio = {77 * S, 4000000000u, 48000, 0}, video = {77 * S, 5, 90000, 0};
  TimelineClock clock;
  Timeline a, v;
  init_sound_and_picture(&clock, &a, &v);
  report(&a, &audio, 0);
  report(&v, &video, 0);
  for (gint64 t = 0; t < 20 * S; t += 20 * MS) {
    if (t == 13 * S)
      audio.rtp -= 3 * 48000;
    const gint64 v_ns = timeline_map(&v, rtp_at(&video, t), t + 30 * MS);
    if (t >= 10 * S && t < 13 * S)
      continue;
    const gint64 a_ns = timeline_map(&a, rtp_at(&audio, t), t + 5 * MS);
    if (t > S)
      assert_near(v_ns - a_ns, 0, 30 * MS);
  }
}

/* A browser stalls, and the samples of that time are lost: its RTP clock of sound stands still for so long. In its place again at once, not slewed over
 * many seconds, by the report, or, beside a picture that comes in time, soon and without one. */
static void assert_follows_a_stall(gint64 stall_us, gboolean picture) {
  Sender audio = {77 * S, 4000000000u, 48000, 0}, video = {77 * S, 5, 90000, 0};
  TimelineClock clock;
  Timeline a, v;
  init_sound_and_picture(&clock, &a, &v);
  const gint64 stalls_at = 10100 * MS, goes_on = stalls_at + stall_us, known = picture ? goes_on + 320 * MS : 15 * S;
  for (gint64 t = 0; t < 20 * S; t += 20 * MS) {
    if (t >= stalls_at && t < goes_on)
      continue;
    if (t - 20 * MS < goes_on && t >= goes_on)
      audio.rtp -= (guint32)(stall_us * 48 / 1000);
    if (t % (5 * S) == 0)
      report(&a, &audio, t);
    if (picture && t % S == 0)
      report(&v, &video, t);
    if (picture)
      timeline_map(&v, rtp_at(&video, t), t + 30 * MS);
    const gint64 a_ns = timeline_map(&a, rtp_at(&audio, t), t + 5 * MS);
    if ((t > S && t < stalls_at) || t >= known)
      assert_near(a_ns, t + 5 * MS, 30 * MS);
  }
}

static void test_sender_stalls(void) {
  for (gint64 stall_us = 220 * MS; stall_us < 4 * S; stall_us += 20 * MS) {
    assert_follows_a_stall(stall_us, TRUE);
    assert_follows_a_stall(stall_us, FALSE);
  }
}

/* What a sender took every 20 ms comes this much later than it was taken: of all that has come by now, the last one's place. */
static gint64 map_until(Timeline *timeline, const Sender *sender, gint64 *taken, gint64 now, gint64 later_us) {
  for (; *taken + later_us <= now; *taken += 20 * MS)
    timeline_map(timeline, rtp_at(sender, *taken), now);
  return timeline->last_ns - (*taken - 20 * MS) * 1000;
}

typedef struct Later { /* by which a track comes from `from` to `to`; a report of both tracks every so often */
  gint64 from, to, sound_us, picture_us, report_us, wrong_until;
} Later;

static void assert_stays_in_step(const Later *later) {
  Sender audio = {77 * S, 4000000000u, 48000, 0}, video = {77 * S, 5, 90000, 0};
  TimelineClock clock;
  Timeline a, v;
  init_sound_and_picture(&clock, &a, &v);
  gint64 a_taken = 0, v_taken = 0;
  for (gint64 now = 0; now < 20 * S; now += 20 * MS) {
    if (now % later->report_us == 0) {
      report(&a, &audio, now);
      report(&v, &video, now);
    }
    const gboolean is_later = now >= later->from && now < later->to;
    const gint64 a_ns = map_until(&a, &audio, &a_taken, now, is_later ? later->sound_us : 0);
    const gint64 v_ns = map_until(&v, &video, &v_taken, now, is_later ? later->picture_us : 0);
    if (now < later->from || now > later->wrong_until)
      assert_near(v_ns - a_ns, 0, 2 * MS);
  }
}

/* Sound that the sender's machine delivers later from now on looks as if its clock had stood still: the next report says that it did not. */
static void test_later_sound_is_no_stall(void) {
  assert_stays_in_step(&(Later){.from = 5 * S, .to = 20 * S, .sound_us = 300 * MS, .report_us = 4 * S, .wrong_until = 8400 * MS});
}

/* A picture that is paced, sent later than taken for a while, has not stood still. */
static void test_paced_picture_stays(void) {
  assert_stays_in_step(&(Later){.from = 5 * S, .to = 8 * S, .picture_us = 600 * MS, .report_us = S});
}

/* A sender catches up with samples that it made up: its clock ran ahead. The report tells, and the picture beside it is not drawn along. */
static void test_clock_ran_ahead(void) {
  Sender audio = {77 * S, 4000000000u, 48000, 0}, video = {77 * S, 5, 90000, 0};
  TimelineClock clock;
  Timeline a, v;
  init_sound_and_picture(&clock, &a, &v);
  for (gint64 t = 0; t < 20 * S; t += 20 * MS) {
    if (t == 9900 * MS)
      audio.rtp += 48 * 400;
    if (t % S == 0) {
      report(&a, &audio, t);
      report(&v, &video, t);
    }
    const gint64 v_ns = timeline_map(&v, rtp_at(&video, t), t + 5 * MS);
    const gint64 a_ns = timeline_map(&a, rtp_at(&audio, t), t + 5 * MS);
    if (t < 9900 * MS || t > 10600 * MS) /* what lay ahead is caught up with */
      assert_near(v_ns - a_ns, 0, 2 * MS);
    assert_near(v_ns, t + 5 * MS, 10 * MS);
  }
}

/* Sound that a sender held up for 1.5 s comes in a burst: its place is as before, and soon so. */
static void test_held_up_beside_another_track(void) {
  TimelineClock clock;
  Timeline a, v;
  init_sound_and_picture(&clock, &a, &v);
  for (gint64 t = 0; t < 20 * S; t += 20 * MS) {
    timeline_map(&v, (guint32)(t * 9 / 100), t);
    if (t >= 5 * S && t < 6500 * MS)
      continue;
    for (gint64 held = t == 6500 * MS ? 5 * S : t; held < t; held += 20 * MS)
      timeline_map(&a, (guint32)(held * 48 / 1000), t);
    const gint64 a_ns = timeline_map(&a, (guint32)(t * 48 / 1000), t);
    if (t < 5 * S || t > 7 * S)
      assert_near(a_ns, t, 5 * MS);
  }
}

/* A network that stalls for everything moves nothing. */
static void test_all_stall(void) {
  TimelineClock clock;
  Timeline a, v;
  init_sound_and_picture(&clock, &a, &v);
  for (gint64 t = 0; t < 20 * S; t += 20 * MS) {
    const gint64 arrival = t > 5 * S && t < 8 * S ? 8 * S : t;
    assert_near(timeline_map(&v, (guint32)(t * 9 / 100), arrival), t, 160 * MS);
    assert_near(timeline_map(&a, (guint32)(t * 48 / 1000), arrival), t, 160 * MS);
  }
}

static void test_late_report_slews(void) {
  Sender audio = {77 * S, 4000000000u, 48000, 0}, video = {77 * S, 5, 90000, 0};
  TimelineClock clock;
  Timeline a, v;
  init_sound_and_picture(&clock, &a, &v);
  gint64 last_ns = -1;
  for (gint64 t = 0; t < 20 * S; t += 20 * MS) {
    if (t == 5 * S) {
      report(&a, &audio, t);
      report(&v, &video, t);
    }
    gint64 a_ns = timeline_map(&a, rtp_at(&audio, t), t + 5 * MS);
    gint64 v_ns = timeline_map(&v, rtp_at(&video, t), t + 105 * MS);
    g_assert_cmpint(v_ns, >, last_ns);
    if (last_ns >= 0) /* softly: no step differs from 20 ms by more than a tenth */
      assert_near(v_ns - last_ns, 20 * MS, 2 * MS);
    last_ns = v_ns;
    if (t > 8 * S)
      assert_near(v_ns - a_ns, 0, 2 * MS);
  }
}

/* The first packets come late, and a report tells by how much: sound is caught up with in half a second, and no two of its frames share a place. */
static void test_late_begin(void) {
  Sender audio = {77 * S, 4000000000u, 48000, 0};
  TimelineClock clock = {0};
  Timeline a;
  timeline_init(&a, &clock, TRUE, 48000, 0);
  gint64 last_ns = -S;
  for (gint64 t = 0; t < 5 * S; t += 20 * MS) {
    if (t == S)
      report(&a, &audio, t);
    const gint64 a_ns = timeline_map(&a, rtp_at(&audio, t), t + (t < S ? 300 : 5) * MS);
    g_assert_cmpint(a_ns - last_ns, >=, 5 * MS * 1000);
    if (t < S || t > 1500 * MS)
      assert_near(a_ns, t + (t < S ? 300 : 5) * MS, 2 * MS);
    last_ns = a_ns;
  }
}

static void test_jumps(void) {
  static const guint32 jumps[] = {0x80000000u, 0x7fffffffu, 0x80000001u, 0x40000000u, 0xc0000000u, 900000, (guint32)-900000};
  for (guint i = 0; i < G_N_ELEMENTS(jumps); i++) {
    TimelineClock clock = {0};
    Timeline v;
    timeline_init(&v, &clock, FALSE, 90000, 0);
    timeline_report(&v, (guint64)99 << 32, 0);
    guint32 rtp = 12345;
    gint64 last_ns = -1;
    for (gint64 t = 0; t < 10 * S; t += 33 * MS) {
      rtp += 2970 + (t == 150 * 33 * MS ? jumps[i] : 0);
      gint64 ns = timeline_map(&v, rtp, t);
      g_assert_cmpint(ns, >, last_ns);
      assert_near(ns, t, 50 * MS);
      last_ns = ns;
    }
  }
}

/* Fault 13: each step alone is small enough to be believed, but together they would lead hours ahead within seconds. */
static void test_ever_ahead(void) {
  TimelineClock clock = {0};
  Timeline a;
  timeline_init(&a, &clock, TRUE, 48000, 0);
  guint32 rtp = 12345;
  for (gint64 t = 0; t < 10 * S; t += MS, rtp += 43200)
    g_assert_cmpint(timeline_map(&a, rtp, t), <=, (t + TIMELINE_STALL_US + S) * 1000);
  for (gint64 t = 20 * S; t < 30 * S; t += 20 * MS, rtp += 960)
    assert_near(timeline_map(&a, rtp, t), t, 10 * MS);
}

static void test_wraps(void) {
  TimelineClock clock = {0};
  Timeline v;
  timeline_init(&v, &clock, FALSE, 90000, 0);
  guint32 rtp = 0;
  for (gint64 t = 0; t < 200000 * S; t += 900 * MS, rtp += 81000) /* four wraps */
    assert_near(timeline_map(&v, rtp, t), t, 1 * MS);
}

static void test_silence_keeps_the_true_gap(void) {
  Sender audio = {50 * S, 1, 48000, 0};
  TimelineClock clock = {0};
  Timeline a, stopped;
  timeline_init(&a, &clock, TRUE, 48000, 0);
  timeline_init(&stopped, &clock, TRUE, 48000, 0);
  guint32 rtp = 9;
  for (gint64 t = 0; t < 60 * S; t += 20 * MS) {
    if (t >= 10 * S && t < 22 * S)
      continue;
    assert_near(timeline_map(&a, rtp_at(&audio, t), t), t, 1 * MS);
    /* a sender that stops its RTP clock as well: resynchronised on arrival */
    assert_near(timeline_map(&stopped, rtp += 960, t), t, 1 * MS);
  }
}

static void test_drift_followed(void) {
  Sender audio = {50 * S, 1, 48000, 300};
  TimelineClock clock = {0};
  Timeline a;
  timeline_init(&a, &clock, TRUE, 48000, 0);
  for (gint64 t = 0; t < 3600 * S; t += 20 * MS)
    assert_near(timeline_map(&a, rtp_at(&audio, t), t), t, 10 * MS);
}

static void test_stall_catches_up(void) {
  TimelineClock clock = {0};
  Timeline v;
  timeline_init(&v, &clock, FALSE, 90000, 0);
  for (gint64 t = 0; t < 20 * S; t += 40 * MS) {
    gint64 arrival = t > 5 * S && t < 8 * S ? 8 * S : t; /* three seconds come at once */
    assert_near(timeline_map(&v, (guint32)(t * 9 / 100), arrival), t, 160 * MS);
  }
}

static void test_absurd_report_ignored(void) {
  guint32 seed = g_random_int();
  g_test_message("seed %u", seed);
  g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
  TimelineClock clock;
  Timeline a, v;
  init_sound_and_picture(&clock, &a, &v);
  for (gint64 t = 0; t < 20 * S; t += 20 * MS) {
    timeline_report(&v, (guint64)g_rand_int(rand) << 32, g_rand_int(rand));
    timeline_report(&a, G_MAXUINT64, 0);
    assert_near(timeline_map(&a, (guint32)(t * 48 / 1000), t), t, 2500 * MS);
    assert_near(timeline_map(&v, (guint32)(t * 9 / 100), t), t, 2500 * MS);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/recording/timeline/reports_align", test_reports_align);
  g_test_add_func("/recording/timeline/stopped_clock", test_stopped_clock);
  g_test_add_func("/recording/timeline/stopped_clock_beside_another_track", test_stopped_clock_beside_another_track);
  g_test_add_func("/recording/timeline/sender_stalls", test_sender_stalls);
  g_test_add_func("/recording/timeline/later_sound_is_no_stall", test_later_sound_is_no_stall);
  g_test_add_func("/recording/timeline/paced_picture_stays", test_paced_picture_stays);
  g_test_add_func("/recording/timeline/clock_ran_ahead", test_clock_ran_ahead);
  g_test_add_func("/recording/timeline/held_up_beside_another_track", test_held_up_beside_another_track);
  g_test_add_func("/recording/timeline/all_stall", test_all_stall);
  g_test_add_func("/recording/timeline/late_report_slews", test_late_report_slews);
  g_test_add_func("/recording/timeline/late_begin", test_late_begin);
  g_test_add_func("/recording/timeline/jumps", test_jumps);
  g_test_add_func("/recording/timeline/ever_ahead", test_ever_ahead);
  g_test_add_func("/recording/timeline/wraps", test_wraps);
  g_test_add_func("/recording/timeline/silence_keeps_the_true_gap", test_silence_keeps_the_true_gap);
  g_test_add_func("/recording/timeline/drift_followed", test_drift_followed);
  g_test_add_func("/recording/timeline/stall_catches_up", test_stall_catches_up);
  g_test_add_func("/recording/timeline/absurd_report_ignored", test_absurd_report_ignored);
  return g_test_run();
}
