/* SPDX-License-Identifier: Apache-2.0 */
/* Recorder and export together: real media through a real ring into a real vault, and out again as a file that ffmpeg plays. */
#include <dirent.h>
#include <math.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "tests/recording/stage.h"

#define S ((gint64)G_USEC_PER_SEC)

static double probe_duration(const char *path) {
  g_autofree char *out = NULL;
  g_assert_true(run(&out, NULL, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path, NULL));
  return g_ascii_strtod(out, NULL);
}

/* Every flash of the video has a beep of the audio near it, and the other way round. */
static void assert_aligned(const char *path, guint at_least, double within_s) {
  g_autoptr(GArray) lights = flashes(path), sounds = beeps(path);
  double worst = 0;
  guint pairs = 0;
  for (guint i = 0; i < lights->len; i++) {
    double best = 10;
    for (guint k = 0; k < sounds->len; k++)
      if (fabs(g_array_index(lights, double, i) - g_array_index(sounds, double, k)) < fabs(best))
        best = g_array_index(lights, double, i) - g_array_index(sounds, double, k);
    if (fabs(best) > 0.45)
      continue; /* one of them was muted */
    pairs++;
    worst = MAX(worst, fabs(best));
  }
  g_test_message("%u flashes, %u beeps, %u pairs, worst %.1f ms apart", lights->len, sounds->len, pairs, worst * 1000);
  g_assert_cmpuint(pairs, >=, at_least);
  g_assert_cmpfloat(worst, <=, within_s);
}

static void test_call(void) {
  Stage stage;
  stage_init(&stage);
  StageTrack *audio = stage_add(&stage, "anna", 0), *video = stage_add(&stage, "anna", 320);
  stage_add(&stage, "ben", 0);
  stage_open(&stage, 1);
  stage_play(&stage, 11 * S);
  stage_close(&stage, FALSE);
  stage_commit(&stage);
  /* R10: no segment claims to end before a packet that is in it. */
  g_assert_cmpint(stage.last_end_us, ==, stage.last_arrival_us);
  g_assert_cmpuint(recorder_stats(stage.recorder).lost, ==, 0);
  g_autofree char *anna = stage_export(&stage, "anna");
  assert_plays(anna);
  g_assert_cmpuint(count_frames(anna, "v:0"), ==, video->sent);
  g_assert_cmpuint(count_frames(anna, "a:0"), ==, audio->sent);
  g_assert_cmpfloat(fabs(probe_duration(anna) - 11), <, 0.3);
  assert_aligned(anna, 9, 0.040);
  g_autofree char *ben = stage_export(&stage, "ben");
  assert_plays(ben);
  g_assert_cmpfloat(fabs(probe_duration(ben) - 11), <, 0.3);
  stage_clear(&stage);
}

/* Camera off for 10 s, then the microphone: the other medium goes on, nothing stalls, nothing drifts. */
static void test_mutes(void) {
  Stage stage;
  stage_init(&stage);
  StageTrack *audio = stage_add(&stage, "anna", 0), *video = stage_add(&stage, "anna", 320);
  stage_open(&stage, 1);
  stage_play(&stage, 3 * S);
  video->muted = TRUE;
  stage_play(&stage, 10 * S);
  video->muted = FALSE;
  video->keyframe_wanted = TRUE; /* as an encoder does when the camera comes back */
  stage_play(&stage, 3 * S);
  audio->muted = TRUE;
  stage_play(&stage, 10 * S);
  audio->muted = FALSE;
  stage_play(&stage, 4 * S);
  stage_close(&stage, FALSE);
  stage_commit(&stage);
  g_autofree char *path = stage_export(&stage, "anna");
  assert_plays(path);
  g_assert_cmpuint(count_frames(path, "v:0"), ==, video->sent);
  g_assert_cmpuint(count_frames(path, "a:0"), ==, audio->sent);
  g_assert_cmpfloat(fabs(probe_duration(path) - 30), <, 0.3);
  assert_aligned(path, 8, 0.040);
  stage_clear(&stage);
}

/* Silence that is not sent is no loss, and moves nothing. */
static void test_dtx(void) {
  Stage stage;
  stage_init(&stage);
  StageTrack *audio = stage_add(&stage, "anna", 0);
  stage_add(&stage, "anna", 320);
  stage_change_codec(audio, "opus-dtx");
  audio->track.codec = "opus";
  stage_open(&stage, 1);
  stage_play(&stage, 12 * S);
  stage_close(&stage, FALSE);
  stage_commit(&stage);
  g_test_message("%u of %u frames not sent", audio->media.unsent, audio->media.frames);
  g_assert_cmpuint(audio->media.unsent, >, audio->media.frames / 3);
  g_assert_cmpuint(recorder_stats(stage.recorder).lost, ==, 0);
  g_autofree char *path = stage_export(&stage, "anna");
  assert_plays(path);
  g_assert_cmpuint(count_frames(path, "a:0"), ==, audio->sent - audio->media.unsent);
  g_assert_cmpfloat(fabs(probe_duration(path) - 12), <, 1);
  assert_aligned(path, 10, 0.040);
  stage_clear(&stage);
}

/* Paused and resumed: two takes, end to end in one file. What is sent in between belongs to no take. */
static void test_takes(void) {
  Stage stage;
  stage_init(&stage);
  stage_add(&stage, "anna", 0);
  StageTrack *video = stage_add(&stage, "anna", 320);
  guint frames = 0;
  for (guint32 take = 1; take <= 3; take++) {
    stage_open(&stage, take);
    video->sent = 0;
    stage_play(&stage, 4 * S);
    frames += video->sent;
    stage_close(&stage, FALSE);
    guint64 stale = recorder_stats(stage.recorder).dropped_stale;
    stage_play(&stage, 400000); /* still marked with the closed take */
    g_assert_cmpuint(recorder_stats(stage.recorder).dropped_stale, >, stale);
  }
  stage_commit(&stage);
  g_autofree char *path = stage_export(&stage, "anna");
  assert_plays(path);
  /* A take that begins in the middle of the stream loses what came before the keyframe that it asked for. */
  guint got = count_frames(path, "v:0");
  g_assert_cmpuint(got, <=, frames);
  g_assert_cmpuint(got, >=, frames - 2 * 12);
  g_assert_cmpfloat(fabs(probe_duration(path) - 12.5), <, 1);
  assert_aligned(path, 9, 0.040);
  stage_clear(&stage);
}

static guint64 bytes_below(const char *dir) {
  g_autofree char *out = NULL;
  g_autofree char *path = g_build_filename(dir, "segments", NULL);
  if (!run(&out, NULL, "find", path, "-type", "f", "-printf", "%s\\n", NULL))
    return 0;
  guint64 sum = 0;
  g_auto(GStrv) lines = g_strsplit(out, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    sum += g_ascii_strtoull(*line, NULL, 10);
  return sum;
}

/* R11: after the close is answered nothing of the take is written, and nothing of it can commit. */
static void test_discard(void) {
  Stage stage;
  stage_init(&stage);
  stage_add(&stage, "anna", 0);
  stage_add(&stage, "anna", 320);
  stage_open(&stage, 1);
  stage_play(&stage, 3 * S);
  gint64 before_us = g_get_monotonic_time();
  stage_close(&stage, TRUE);
  g_test_message("discarded in %" G_GINT64_FORMAT " us", g_get_monotonic_time() - before_us);
  guint64 packets = recorder_stats(stage.recorder).packets;
  stage_play(&stage, 2 * S);
  g_assert_cmpuint(recorder_stats(stage.recorder).packets, ==, packets);
  g_assert_cmpuint(recorder_stats(stage.recorder).takes, ==, 0);
  g_assert_cmpuint(recorder_stats(stage.recorder).branches, ==, 0);
  g_assert_cmpuint(bytes_below(stage.dir), ==, 0);
  stage_clear(&stage);
}

static void on_ready(const GError *error, gpointer user) {
  g_assert_no_error(error);
  *(gboolean *)user = TRUE;
}

static void on_refused(const GError *error, gpointer user) {
  g_assert_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  *(gboolean *)user = TRUE;
}

static void test_unknown_codec(void) {
  static const guint8 consent_set[32] = {1};
  Stage stage;
  gboolean refused = FALSE;
  stage_init(&stage);
  RecorderTrack tracks[] = {
      {.number = 1, .participant = "p", .track = "0", .medium = "audio", .codec = "opus", .pt = 111, .clock_rate = 48000},
      {.number = 2, .participant = "p", .track = "1", .medium = "video", .codec = "av1", .pt = 96, .clock_rate = 90000}};
  stage.vault_take = vault_take_new(stage.vault, "s", 1, 1, consent_set);
  RecorderTake config = {.vault_take = stage.vault_take, .take = 1, .session = "s", .segment_us = S, .tracks = tracks, .n_tracks = 2};
  recorder_open(stage.recorder, &config, on_refused, &refused);
  stage_wait(&refused);
  g_assert_cmpuint(recorder_stats(stage.recorder).branches, ==, 0);
  stage_clear(&stage);
}

typedef struct Cut {
  Stage *stage;
  gboolean erased;
  guint64 bytes, after;
  gboolean by_cancel;
  GCancellable *cancel;
} Cut;

static void on_erased(const VaultReply *reply, gpointer user) {
  g_assert_no_error(reply->error);
  *(gboolean *)user = TRUE;
}

/* The reader is slow; meanwhile somebody withdraws (fault 36). */
static gboolean on_piece_then_erase(const guint8 *bytes, gsize n, gpointer user) {
  Cut *cut = user;
  (void)bytes;
  cut->after += cut->erased || g_cancellable_is_cancelled(cut->cancel) ? n : 0;
  cut->bytes += n;
  if (cut->by_cancel) {
    g_cancellable_cancel(cut->cancel);
  } else if (!cut->erased) {
    VaultErase erase = {.session = "s", .request = 1, .scope = VAULT_SCOPE_SESSION, .participant = "anna", .reason = "withdrawn"};
    vault_erase(cut->stage->vault, &erase, on_erased, &cut->erased);
    stage_wait(&cut->erased);
    g_usleep(60000); /* a slow reader */
  }
  return TRUE;
}

static void test_erased_while_exporting(void) {
  Stage stage;
  stage_init(&stage);
  stage_add(&stage, "anna", 0);
  stage_add(&stage, "anna", 320);
  stage_open(&stage, 1);
  stage_play(&stage, 6 * S);
  stage_close(&stage, FALSE);
  stage_commit(&stage);
  for (guint by_cancel = 2; by_cancel-- > 0;) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultReader) reader = vault_reader_open(stage.dir, stage.vault, &error);
    g_assert_no_error(error);
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    Cut cut = {.stage = &stage, .by_cancel = by_cancel == 1, .cancel = cancel};
    g_assert_false(export_run(reader, "s", "anna", 0, on_piece_then_erase, &cut, cancel, &error));
    if (cut.by_cancel)
      g_assert_error(error, EXPORT_ERROR, EXPORT_ERROR_CANCELLED);
    else
      g_assert_error(error, VAULT_ERROR, VAULT_ERROR_ERASED);
    g_assert_cmpuint(cut.bytes, >, 0);
    g_assert_cmpuint(cut.after, ==, 0);
  }
  stage_clear(&stage);
}

static gboolean on_nothing(const guint8 *bytes, gsize n, gpointer user) {
  (void)bytes;
  (void)n;
  (void)user;
  g_assert_not_reached();
}

static void test_nothing_kept(void) {
  Stage stage;
  g_autoptr(GError) error = NULL;
  stage_init(&stage);
  {
    g_autoptr(VaultReader) reader = vault_reader_open(stage.dir, stage.vault, &error);
    g_assert_no_error(error);
    g_assert_false(export_run(reader, "s", "anna", 0, on_nothing, NULL, NULL, &error));
    g_assert_error(error, EXPORT_ERROR, EXPORT_ERROR_NOTHING_KEPT);
  }
  stage_clear(&stage);
}

#define FLOW_MOST 300000

typedef struct Flow {
  Stage *stage;
  guint16 sent;
  _Atomic guint all;
} Flow;

/* One second after the last: nothing has asked this track's sender for a keyframe within its second, so each packet brings a request. */
static void send_next(Flow *flow) {
  const guint8 packet[] = {0x80, 0x80 | 96, (guint8)(flow->sent >> 8), (guint8)flow->sent, 0, 0, 0, 0, 0, 0, 0, 1, 0x10, 1, 2, 3};
  const guint all = atomic_fetch_add(&flow->all, 1);
  const TapRecord record = {.type = TAP_RECORD_RTP,
                            .take = 1,
                            .track = 1,
                            .ssrc = 1,
                            .arrival_us = flow->stage->zero_us + (all + 10) * S,
                            .n_bytes = sizeof packet};
  g_assert_true(tap_ring_push(flow->stage->ring, &record, packet));
  flow->sent++;
}

static void on_asked(guint32 number, guint32 ssrc,
                     gpointer user) { /* recorder thread, which is the ring's producer as well once the take is open */
  Flow *flow = user;
  (void)number, (void)ssrc;
  if (atomic_load(&flow->all) < FLOW_MOST)
    send_next(flow);
}

static void on_flow_closed(gpointer user) {
  *(gboolean *)user = TRUE;
}

/* Under overload the ring is never empty. A closing take gets what was in it when the close came, and no more. */
static void test_close_in_a_flow(void) {
  static const guint8 consent_set[32] = {1};
  Stage stage;
  Flow flow = {.stage = &stage};
  gboolean ready = FALSE, closed = FALSE;
  stage_init(&stage);
  RecorderTrack track = {.number = 1,
                         .participant = "p",
                         .track = "0",
                         .medium = "video",
                         .codec = "vp8",
                         .pt = 96,
                         .clock_rate = 90000,
                         .keyframe = on_asked,
                         .keyframe_user = &flow};
  stage.vault_take = vault_take_new(stage.vault, "s", 1, 1, consent_set);
  RecorderTake config = {.vault_take = stage.vault_take, .take = 1, .session = "s", .segment_us = S, .tracks = &track, .n_tracks = 1};
  send_next(&flow);
  recorder_open(stage.recorder, &config, on_ready, &ready);
  recorder_close(stage.recorder, "s", 1, FALSE, on_flow_closed, &closed);
  stage_wait(&closed);
  g_assert_true(ready);
  g_test_message("%u packets", atomic_load(&flow.all));
  g_assert_cmpuint(atomic_load(&flow.all), <, FLOW_MOST);
  stage_clear(&stage);
}

static guint count_threads(void) {
  guint n = 0;
  DIR *dir = opendir("/proc/self/task");
  while (readdir(dir) != NULL)
    n++;
  closedir(dir);
  return n;
}

/* 50 openings and closings: threads as at the start, no byte left of what was discarded. */
static void test_cycles(void) {
  Stage stage;
  stage_init(&stage);
  stage_add(&stage, "anna", 0);
  guint threads = 0;
  for (guint32 take = 1; take <= 50; take++) {
    stage_open(&stage, take);
    stage_play(&stage, 200000);
    stage_close(&stage, take % 2 == 0);
    threads = take == 2 ? count_threads() : threads;
  }
  g_assert_cmpuint(count_threads(), <=, threads); /* the encoders' own threads come and go */
  g_assert_cmpuint(recorder_stats(stage.recorder).branches, ==, 0);
  stage_clear(&stage);
}

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/recording/recorder/call", test_call);
  g_test_add_func("/recording/recorder/mutes", test_mutes);
  g_test_add_func("/recording/recorder/dtx", test_dtx);
  g_test_add_func("/recording/recorder/takes", test_takes);
  g_test_add_func("/recording/recorder/discard", test_discard);
  g_test_add_func("/recording/recorder/unknown_codec", test_unknown_codec);
  g_test_add_func("/recording/recorder/erased_while_exporting", test_erased_while_exporting);
  g_test_add_func("/recording/recorder/nothing_kept", test_nothing_kept);
  g_test_add_func("/recording/recorder/close_in_a_flow", test_close_in_a_flow);
  g_test_add_func("/recording/recorder/cycles", test_cycles);
  return g_test_run();
}
