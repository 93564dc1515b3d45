/* SPDX-License-Identifier: Apache-2.0 */
/* Everybody side by side in one file: it decodes, is as long as the call, sound and picture fit, every voice is in it, and a withdrawal cuts it off. */
#include "pipelines/recording/mix.h"

#include <math.h>

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

static gboolean mix(Stage *stage, Piece *piece, GError **error) {
  g_autoptr(VaultReader) reader = vault_reader_open(stage->dir, stage->vault, error);
  return reader != NULL && mix_run(reader, "s", 0, on_piece, piece, piece->cancel, error);
}

static char *mix_to_file(Stage *stage) {
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  g_autoptr(GError) error = NULL;
  Piece piece = {.bytes = bytes};
  gboolean mixed = mix(stage, &piece, &error);
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
  g_autofree char *path = mix_to_file(&stage);
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

static void on_erased(const VaultReply *reply, gpointer user) {
  g_assert_no_error(reply->error);
  *(gboolean *)user = TRUE;
}

static void test_withdrawn(void) {
  Stage stage;
  record_two(&stage, vp8_only);
  g_autoptr(GCancellable) cancel = g_cancellable_new();
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  g_autoptr(GError) error = NULL;
  Piece piece = {.bytes = bytes, .cancel = cancel};
  g_assert_false(mix(&stage, &piece, &error)); /* fault 36 */
  g_assert_error(error, EXPORT_ERROR, EXPORT_ERROR_CANCELLED);
  g_assert_cmpuint(bytes->len, >, 0);
  g_assert_cmpuint(piece.after, ==, 0);
  g_clear_error(&error);

  gboolean erased = FALSE;
  VaultErase all = {.session = "s", .request = 1, .scope = VAULT_SCOPE_SESSION, .participant = "ben", .reason = "withdrawn"};
  vault_erase(stage.vault, &all, on_erased, &erased);
  stage_wait(&erased);
  g_byte_array_set_size(bytes, 0);
  piece = (Piece){.bytes = bytes};
  g_assert_false(mix(&stage, &piece, &error));
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
    g_autofree char *path = mix_to_file(&stage);
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
  g_test_add_func("/recording/mix/withdrawn", test_withdrawn);
  return g_test_run();
}
