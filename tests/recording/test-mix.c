/* SPDX-License-Identifier: Apache-2.0 */
/* Everybody side by side in one file: it decodes, is as long as the call, sound and picture fit, every voice is in it, and a withdrawal cuts it off. */
#include "pipelines/recording/mix.h"

#include <gst/app/gstappsink.h>
#include <math.h>
#include <sys/resource.h>

#include "pipelines/recording/mix-lane.h"
#include "tests/recording/stage.h"

#define S ((gint64)G_USEC_PER_SEC)

typedef struct Piece {
  GByteArray *bytes;
  GCancellable *cancel; /* NULL, or cancelled at the first piece */
  gsize after;
} Piece;

static gboolean on_piece(const guint8 *bytes, gsize n, gpointer user) {
  Piece *piece = user;
  piece->after += g_cancellable_is_cancelled(piece->cancel) ? n : 0;
  g_byte_array_append(piece->bytes, bytes, (guint)n);
  if (piece->cancel != NULL)
    g_cancellable_cancel(piece->cancel);
  return TRUE;
}

static gboolean mix(Stage *stage, guint32 take, Piece *piece, GError **error) {
  g_autoptr(VaultReader) reader = vault_reader_open(stage->dir, stage->vault, error);
  return reader != NULL && mix_run(reader, "s", take, on_piece, piece, piece->cancel, error);
}

static char *mix_to_file(Stage *stage, guint32 take) {
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  g_autoptr(GError) error = NULL;
  Piece piece = {.bytes = bytes};
  gboolean mixed = mix(stage, take, &piece, &error);
  g_assert_no_error(error);
  g_assert_true(mixed);
  char *path = g_strdup_printf("%s/mix.webm", stage->dir);
  g_assert_true(g_file_set_contents(path, (char *)bytes->data, bytes->len, NULL));
  return path;
}

/* Of each person's picture, in the first and in the second take. */
static const char *const vp8_only[2][2] = {{"vp8", "vp8"}, {"vp8", "vp8"}};
static const char *const all_codecs[2][2] = {{"h264", "vp9"}, {"vp9", "h264"}};

/* Two people with camera and microphone, first both; then anna's microphone is off, then ben's, then ben's camera; then a second take. */
static void record_two(Stage *stage, const char *const codecs[2][2]) {
  stage_init(stage);
  StageTrack *anna_sound = stage_add(stage, "anna", 0), *anna_picture = stage_add(stage, "anna", 320);
  StageTrack *ben_sound = stage_add(stage, "ben", 0), *ben_picture = stage_add(stage, "ben", 640);
  stage_change_codec(anna_picture, codecs[0][0]);
  stage_change_codec(ben_picture, codecs[1][0]);
  stage_open(stage, 1);
  stage_play(stage, 3 * S);
  anna_sound->muted = TRUE;
  stage_play(stage, 3 * S);
  anna_sound->muted = FALSE;
  ben_sound->muted = TRUE;
  stage_play(stage, 3 * S);
  ben_sound->muted = FALSE;
  ben_picture->muted = TRUE;
  stage_play(stage, 4 * S);
  ben_picture->muted = FALSE;
  stage_close(stage, FALSE);
  stage_change_codec(anna_picture, codecs[0][1]);
  stage_change_codec(ben_picture, codecs[1][1]);
  stage_open(stage, 2);
  stage_play(stage, 3 * S);
  stage_close(stage, FALSE);
  stage_commit(stage);
}

static double probe(const char *path, const char *what) {
  g_autofree char *out = NULL;
  g_assert_true(run(&out, NULL, "ffprobe", "-v", "error", "-show_entries", what, "-of", "csv=p=0", path, NULL));
  return g_ascii_strtod(out, NULL);
}

/* The loudest of a second of the file, in dB; with one voice of several at full height it is near 0. */
static double loudest(const char *path, double from_s) {
  g_autofree char *err = NULL, *from = g_strdup_printf("%.3f", from_s);
  g_assert_true(run(NULL, &err, "ffmpeg", "-hide_banner", "-nostats", "-ss", from, "-t", "1", "-i", path, "-map", "0:a", "-af",
                    "volumedetect", "-f", "null", "-", NULL));
  const char *found = strstr(err, "max_volume: ");
  g_assert_nonnull(found);
  return g_ascii_strtod(found + strlen("max_volume: "), NULL);
}

static void test_two(gconstpointer codecs) {
  Stage stage;
  record_two(&stage, codecs);
  g_autofree char *path = mix_to_file(&stage, 0);
  assert_plays(path);
  g_assert_cmpfloat(fabs(probe(path, "format=duration") - 16.25), <, 1);
  g_assert_cmpint((gint)probe(path, "stream=width"), ==, 1280); /* two tiles of 640, side by side */
  g_autoptr(GArray) lights = flashes(path), sounds = beeps(path);
  g_test_message("%u flashes, %u beeps", lights->len, sounds->len);
  g_assert_cmpuint(sounds->len, >=, 14);
  guint pairs = 0;
  for (guint i = 0; i < lights->len; i++) {
    double best = 10;
    for (guint k = 0; k < sounds->len; k++)
      best = MIN(best, fabs(g_array_index(lights, double, i) - g_array_index(sounds, double, k)));
    pairs += best < 0.1;
  }
  g_assert_cmpuint(pairs, >=, 10); /* sound and picture stay together over both takes */
  for (guint s = 1; s < 12; s++)   /* 4, 5: ben's voice alone; 7, 8: anna's alone */
    g_assert_cmpfloat(loudest(path, s - 0.1), >, -30);
  stage_clear(&stage);
}

/* A codec that changes from one take to the next makes a track of its own; both decode. */
static void test_exported_with_each_codec(void) {
  static const char *const streams[] = {"v:0", "v:1"};
  Stage stage;
  stage_init(&stage);
  StageTrack *picture = stage_add(&stage, "anna", 320);
  stage_change_codec(picture, "vp9");
  stage_open(&stage, 1);
  stage_play(&stage, 2 * S);
  stage_close(&stage, FALSE);
  stage_change_codec(picture, "h264");
  stage_open(&stage, 2);
  stage_play(&stage, 2 * S);
  stage_close(&stage, FALSE);
  stage_commit(&stage);
  g_autofree char *path = stage_export(&stage, "anna");
  assert_plays(path);
  for (guint i = 0; i < G_N_ELEMENTS(streams); i++)
    g_assert_cmpuint(count_frames(path, streams[i]), >=, 45);
  stage_clear(&stage);
}

static void on_done(const VaultReply *reply, gpointer user) {
  g_assert_no_error(reply->error);
  *(gboolean *)user = TRUE;
}

/* A kept segment of somebody's sound with these bytes in it. */
static void keep(Stage *stage, const char *participant, guint32 seq, const guint8 *bytes, gsize n) {
  const VaultSegmentInfo info = {.participant = participant, .track = "0", .medium = "audio", .codec = "opus", .seq = seq};
  const guint before = stage->sealed->len;
  gboolean done = FALSE;
  VaultSegment *segment = vault_segment_new(stage->vault_take, &info);
  g_assert_cmpint(vault_segment_write(segment, bytes, n), ==, VAULT_WRITE_OK);
  vault_segment_seal(segment, stage->zero_us + 2 * seq * S, stage->zero_us + 2 * (seq + 1) * S);
  while (stage->sealed->len == before)
    g_main_context_iteration(NULL, TRUE);
  vault_commit(stage->vault, g_array_index(stage->sealed, guint64, before), json_pack("{s:i}", "p", 1), on_done, &done);
  stage_wait(&done);
}

/* What of one person does not read is left out of everybody's file, and makes an error of that person's own. */
static void test_unreadable(void) {
  static const guint8 rubbish[2000] = {0x1f, 0x43, 0xb6, 0x75};
  Stage stage;
  g_autoptr(GError) error = NULL;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  Piece piece = {.bytes = bytes};
  stage_init(&stage);
  stage_add(&stage, "anna", 0);
  stage_open(&stage, 1);
  stage_play(&stage, 4 * S);
  stage_close(&stage, FALSE);
  stage_commit(&stage);
  keep(&stage, "mallory", 0, rubbish, sizeof rubbish);
  keep(&stage, "anna", 3, rubbish, sizeof rubbish);
  g_autofree char *path = mix_to_file(&stage, 0);
  assert_plays(path);
  g_autoptr(GArray) sounds = beeps(path);
  g_assert_cmpuint(sounds->len, >=, 3);
  g_autoptr(VaultReader) reader = vault_reader_open(stage.dir, stage.vault, &error);
  g_assert_no_error(error);
  g_assert_false(export_run(reader, "s", "mallory", 0, on_piece, &piece, NULL, &error));
  g_assert_error(error, EXPORT_ERROR, EXPORT_ERROR_MEDIA);
  g_assert_nonnull(strstr(error->message, "segment"));
  stage_clear(&stage);
}

/* A segment that does not read stands between two that do: what comes after it is in its place. */
static void test_unreadable_between(void) {
  Stage stage;
  g_autoptr(GError) error = NULL;
  stage_init(&stage);
  stage_add(&stage, "anna", 0);
  stage_open(&stage, 1);
  stage_play(&stage, 6 * S);
  stage_close(&stage, FALSE);
  stage_commit(&stage);
  g_assert_cmpuint(stage.sealed->len, ==, 3);
  stage_open(&stage, 2);
  g_autoptr(VaultReader) reader = vault_reader_open(stage.dir, stage.vault, &error);
  g_assert_no_error(error);
  for (guint i = 0; i < 3; i++) {
    g_autoptr(GBytes) bytes = vault_reader_segment_bytes(reader, g_array_index(stage.sealed, guint64, i), &error);
    g_assert_no_error(error);
    gsize n = g_bytes_get_size(bytes);
    g_autofree guint8 *copy = g_memdup2(g_bytes_get_data(bytes, NULL), n);
    if (i == 1)
      memset(copy, 0, n);
    keep(&stage, "anna", i, copy, n);
  }
  g_autofree char *path = mix_to_file(&stage, 2);
  assert_plays(path);
  g_autoptr(GArray) sounds = beeps(path);
  guint found = 0;
  for (guint i = 0; i < sounds->len; i++) {
    const double at = g_array_index(sounds, double, i);
    g_test_message("beep at %.3f s", at);
    g_assert_cmpfloat(fabs(at - round(at)), <, 0.05);
    found |= 1u << (guint)round(at);
  }
  g_assert_cmphex(found | 4, ==, 0x37); /* at 2 s is the border; at 3 s nothing is left */
  stage_clear(&stage);
}

/* One coded picture of this size, which of VP8 may be a lie. */
static GstSample *encode(const char *encoder, gint width, gint height, guint16 said) {
  g_autofree char *text = g_strdup_printf("videotestsrc num-buffers=1 ! video/x-raw,format=I420,width=%d,height=%d ! %s ! "
                                          "appsink name=sink sync=false",
                                          width, height, encoder);
  GstElement *pipeline = gst_parse_launch(text, NULL);
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstSample *sample = gst_app_sink_pull_sample(GST_APP_SINK(sink));
  g_assert_nonnull(sample);
  const guint8 size[] = {(guint8)said, (guint8)(said >> 8), (guint8)said, (guint8)(said >> 8)};
  GstBuffer *copy = gst_buffer_copy_deep(gst_sample_get_buffer(sample));
  if (said != 0)
    gst_buffer_fill(copy, 6, size, sizeof size);
  GstSample *own = gst_sample_new(copy, gst_sample_get_caps(sample), NULL, NULL);
  gst_buffer_unref(copy);
  gst_sample_unref(sample);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return own;
}

static gboolean shows(MixLane *lane, GstSample *sample, GstClockTime at) {
  GstBuffer *frame = gst_buffer_copy(gst_sample_get_buffer(sample));
  GST_BUFFER_PTS(frame) = at;
  g_assert_true(mix_lane_push(lane, gst_sample_get_caps(sample), frame));
  g_autoptr(GstBuffer) picture = mix_lane_picture(lane, at);
  return picture != NULL;
}

/* Recordings may hold pictures of any size, from before branches looked at it: nothing is allocated for them, and what comes after them is shown. */
static void test_unfit_sizes(void) {
  static const struct {
    const char *encoder;
    gint width, height;
    guint16 said;
  } all[] = {{"vp8enc", 320, 240, 16383}, {"vp8enc", 8208, 16, 0}, {"vp9enc", 8208, 16, 0}};
  for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
    g_autoptr(GstSample) unfit = encode(all[i].encoder, all[i].width, all[i].height, all[i].said);
    g_autoptr(GstSample) fit = encode(all[i].encoder, 320, 240, 0);
    MixLane *lane = mix_lane_new(TRUE, 320, 180);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    g_test_message("%s %dx%d", all[i].encoder, all[i].width, all[i].height);
    g_assert_false(shows(lane, unfit, 0));
    getrusage(RUSAGE_SELF, &after);
    g_assert_cmpint(after.ru_maxrss - before.ru_maxrss, <, 100 * 1024); /* kB; one picture of 16383x16383 is 400 MB */
    g_assert_true(shows(lane, fit, 5 * GST_SECOND));
    mix_lane_free(lane);
  }
}

static void test_withdrawn(void) {
  Stage stage;
  record_two(&stage, vp8_only);
  g_autoptr(GCancellable) cancel = g_cancellable_new();
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  g_autoptr(GError) error = NULL;
  Piece piece = {.bytes = bytes, .cancel = cancel};
  g_assert_false(mix(&stage, 0, &piece, &error)); /* fault 36 */
  g_assert_error(error, EXPORT_ERROR, EXPORT_ERROR_CANCELLED);
  g_assert_cmpuint(bytes->len, >, 0);
  g_assert_cmpuint(piece.after, ==, 0);
  g_clear_error(&error);

  gboolean erased = FALSE;
  VaultErase all = {.session = "s", .request = 1, .scope = VAULT_SCOPE_SESSION, .participant = "ben", .reason = "withdrawn"};
  vault_erase(stage.vault, &all, on_done, &erased);
  stage_wait(&erased);
  g_byte_array_set_size(bytes, 0);
  piece = (Piece){.bytes = bytes};
  g_assert_false(mix(&stage, 0, &piece, &error));
  g_assert_error(error, EXPORT_ERROR, EXPORT_ERROR_NOTHING_KEPT);
  g_assert_cmpuint(bytes->len, ==, 0);
  stage_clear(&stage);
}

/* Only a camera, then only a microphone: the file has a picture and a sound all the same. */
static void test_one_medium(void) {
  for (guint video = 0; video < 2; video++) {
    Stage stage;
    stage_init(&stage);
    stage_add(&stage, "anna", video ? 320 : 0);
    stage_open(&stage, 1);
    stage_play(&stage, 2 * S);
    stage_close(&stage, FALSE);
    stage_commit(&stage);
    g_autofree char *path = mix_to_file(&stage, 0);
    assert_plays(path);
    g_assert_cmpfloat(fabs(probe(path, "format=duration") - 2), <, 1);
    g_assert_cmpuint(count_frames(path, "v:0"), >=, 40);
    stage_clear(&stage);
  }
}

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_data_func("/recording/mix/two", vp8_only, test_two);
  g_test_add_data_func("/recording/mix/two_of_all_codecs", all_codecs, test_two);
  g_test_add_func("/recording/mix/exported_with_each_codec", test_exported_with_each_codec);
  g_test_add_func("/recording/mix/one_medium", test_one_medium);
  g_test_add_func("/recording/mix/unreadable", test_unreadable);
  g_test_add_func("/recording/mix/unreadable_between", test_unreadable_between);
  g_test_add_func("/recording/mix/unfit_sizes", test_unfit_sizes);
  g_test_add_func("/recording/mix/withdrawn", test_withdrawn);
  return g_test_run();
}
