/* SPDX-License-Identifier: Apache-2.0 */
/* What a branch makes of several sources and of what is sent twice: RED fills gaps but brings nothing from before (R9), and of simulcast the best
 * complete layer is recorded, changed at keyframes only. Real Opus and VP8. */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "tests/recording/branch-bench.h"

/* An Opus packet as RED with the two before it (RFC 2198), as browsers send it. */
static GBytes *red_packet(GPtrArray *packets, guint at, guint earlier) {
  g_autoptr(GByteArray) red = g_byte_array_new();
  g_byte_array_append(red, g_bytes_get_data(packets->pdata[at], NULL), 12);
  red->data[1] = 97;
  for (guint i = MIN(earlier, at); i > 0; i--) {
    const guint32 n = (guint32)g_bytes_get_size(packets->pdata[at - i]) - 12, offset = i * 960;
    const guint8 head[4] = {0x80 | 111, (guint8)(offset >> 6), (guint8)(offset << 2 | n >> 8), (guint8)n};
    g_byte_array_append(red, head, 4);
  }
  g_byte_array_append(red, (const guint8[]){111}, 1);
  for (guint i = MIN(earlier, at) + 1; i > 0; i--) {
    gsize n;
    const guint8 *bytes = g_bytes_get_data(packets->pdata[at - i + 1], &n);
    g_byte_array_append(red, bytes + 12, (guint)n - 12);
  }
  return g_byte_array_free_to_bytes(g_steal_pointer(&red));
}

static void test_red_fills_gaps(void) {
  g_autoptr(GRand) rand = g_rand_new_with_seed(5);
  g_autoptr(GPtrArray) packets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  Bench bench;
  bench_open(&bench, "opus");
  guint lost = 0, in_a_row = 0;
  for (guint i = 0; i < 300; i++) {
    media_frame(&bench.media, packets);
    const gboolean drop = i < 5 || (in_a_row < 2 && i < 299 && g_rand_int_range(rand, 0, 3) == 0);
    in_a_row = drop ? in_a_row + 1 : 0;
    lost += drop;
    g_autoptr(GBytes) red = red_packet(packets, i, 2);
    if (!drop)
      deliver(&bench, red, bench.now_us);
    bench.now_us += MEDIA_AUDIO_FRAME_US;
    branch_advance(bench.branch, bench.now_us - 1);
  }
  branch_end(bench.branch);
  g_test_message("%u of 300 lost", lost);
  g_assert_cmpuint(lost, >, 60);
  g_assert_cmpuint(branch_stats(bench.branch).lost, ==, 0);
  assert_each_plays(&bench, 300 - 5); /* the first five may be from before the gate opened, though the sixth repeats two of them */
  bench_close(&bench);
}

/* --- simulcast --- */

#define LAYERS 3

typedef struct Simulcast {
  Bench bench;
  Media layers[LAYERS]; /* from small to large */
  gboolean off[LAYERS], deaf[LAYERS];
  guint loss_percent[LAYERS];
  GRand *rand;
} Simulcast;

static void simulcast_open(Simulcast *cast, const char *codec) {
  *cast = (Simulcast){.rand = g_rand_new_with_seed(7)};
  bench_open_simulcast(&cast->bench, codec);
  for (guint i = 0; i < LAYERS; i++)
    media_init_codec(&cast->layers[i], codec, 160 << i, 120 << i, 96, 100 + i, (guint16)(65000 + 500 * i), g_random_int(), 0);
}

static void simulcast_close(Simulcast *cast) {
  for (guint i = 0; i < LAYERS; i++)
    media_clear(&cast->layers[i]);
  g_rand_free(cast->rand);
  bench_close(&cast->bench);
}

/* All layers' packets of one picture, the small ones first, as a sender paces them. */
static void simulcast_picture(Simulcast *cast) {
  Bench *bench = &cast->bench;
  const guint32 asked = bench->asked;
  bench->asked = 0;
  for (guint i = 0; i < LAYERS; i++) {
    g_autoptr(GPtrArray) packets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    Media *layer = &cast->layers[i];
    if ((asked >> (layer->ssrc % 32) & 1) != 0 && !cast->deaf[i] && !cast->off[i])
      media_force_keyframe(layer);
    if (cast->off[i])
      media_skip(layer, MEDIA_VIDEO_FRAME_US);
    else
      media_frame(layer, packets);
    for (guint k = 0; k < packets->len; k++)
      if ((guint)g_rand_int_range(cast->rand, 0, 100) >= cast->loss_percent[i])
        deliver(bench, packets->pdata[k], bench->now_us + 2000 * i + 100 * k);
  }
  bench->now_us += MEDIA_VIDEO_FRAME_US;
  branch_advance(bench->branch, bench->now_us - 1);
}

static void simulcast_run(Simulcast *cast, gint64 us) {
  for (gint64 end_us = cast->bench.now_us + us; cast->bench.now_us < end_us;)
    simulcast_picture(cast);
}

/* Without a word. Two layers show the same moment where one takes over from the other: their frames are 1 ms apart, which no fixed rate can hold. */
static void assert_decodes(const char *path) {
  g_autofree char *err = NULL;
  g_assert_true(run(NULL, &err, "ffmpeg", "-nostdin", "-v", "warning", "-i", path, "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f",
                    "null", "-", NULL));
  g_assert_cmpstr(err, ==, "");
}

/* Widths of the frames, decoded, run by run: "640x20 320x50". Times only grow, by at most most_us. */
static char *widths(Simulcast *cast, gint64 most_us) {
  branch_end(cast->bench.branch);
  g_autofree char *path = write_joined(&cast->bench), *out = NULL;
  assert_decodes(path);
  g_assert_true(run(&out, NULL, "ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "frame=pts_time,width", "-of",
                    "csv=p=0", path, NULL));
  g_auto(GStrv) lines = g_strsplit(out, "\n", -1);
  GString *runs = g_string_new(NULL);
  guint width = 0, frames = 0;
  double before = -1;
  for (char **line = lines; **line != '\0'; line++) {
    char *comma = NULL;
    const double at = g_ascii_strtod(*line, &comma);
    const guint is = (guint)g_ascii_strtoull(comma + 1, NULL, 10);
    g_assert_cmpfloat(at, >, before);
    if (before >= 0)
      g_assert_cmpfloat(at - before, <, (double)most_us / 1e6);
    before = at;
    if (is != width && frames > 0)
      g_string_append_printf(runs, "%ux%u ", width, frames);
    frames = is != width ? 1 : frames + 1;
    width = is;
  }
  g_string_append_printf(runs, "%ux%u", width, frames);
  g_unlink(path);
  g_test_message("%s", runs->str);
  return g_string_free(runs, FALSE);
}

static void test_best_from_the_start(gconstpointer codec) {
  Simulcast cast;
  simulcast_open(&cast, codec);
  simulcast_run(&cast, 6 * S);
  g_autofree char *seen = widths(&cast, 50000);
  g_assert_cmpstr(seen, ==, "640x150");
  g_assert_cmpuint(branch_stats(cast.bench.branch).switches, ==, 1);
  simulcast_close(&cast);
}

/* The best one is turned off, the next goes on; it comes back, and is taken when it has been complete for a second. */
static void test_layer_goes_and_comes(gconstpointer codec) {
  Simulcast cast;
  simulcast_open(&cast, codec);
  simulcast_run(&cast, 3 * S);
  cast.off[2] = TRUE;
  simulcast_run(&cast, 4 * S);
  cast.off[2] = FALSE;
  simulcast_run(&cast, 5 * S);
  g_autofree char *seen = widths(&cast, S);
  guint first, middle, last;
  g_assert_cmpint(sscanf(seen, "640x%u 320x%u 640x%u", &first, &middle, &last), ==, 3);
  g_assert_cmpuint(first, ==, 75);
  g_assert_cmpuint(middle, >=, 85 + 25 - 5);
  g_assert_cmpuint(first + middle + last, >=, 12 * 25 - 15);
  simulcast_close(&cast);
}

/* Losses that nothing repairs, and no keyframe after them: the next layer goes on. */
static void test_broken_layer_is_left(void) {
  Simulcast cast;
  simulcast_open(&cast, "vp8");
  simulcast_run(&cast, 3 * S);
  cast.deaf[2] = TRUE;
  cast.loss_percent[2] = 20;
  simulcast_run(&cast, 6 * S);
  branch_end(cast.bench.branch);
  g_autofree char *path = write_joined(&cast.bench), *out = NULL;
  g_assert_true(
      run(&out, NULL, "ffprobe", "-v", "quiet", "-select_streams", "v:0", "-show_entries", "frame=width", "-of", "csv=p=0", path, NULL));
  g_assert_nonnull(strstr(out, "640\n320\n"));
  g_assert_null(strstr(strstr(out, "640\n320\n"), "320\n640\n")); /* not back while it loses */
  g_unlink(path);
  simulcast_close(&cast);
}

/* The camera is turned off and on: all fall silent together, and nothing is left for another. */
static void test_all_silent(void) {
  Simulcast cast;
  simulcast_open(&cast, "vp8");
  simulcast_run(&cast, 3 * S);
  cast.off[0] = cast.off[1] = cast.off[2] = TRUE;
  simulcast_run(&cast, 8 * S);
  cast.off[0] = cast.off[1] = cast.off[2] = FALSE;
  for (guint i = 0; i < LAYERS; i++)
    media_force_keyframe(&cast.layers[i]);
  simulcast_run(&cast, 3 * S);
  g_autofree char *seen = widths(&cast, 9 * S);
  g_assert_cmpstr(seen, ==, "640x150");
  simulcast_close(&cast);
}

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/recording/intake/red_fills_gaps", test_red_fills_gaps);
  g_test_add_data_func("/recording/intake/best_from_the_start/vp8", "vp8", test_best_from_the_start);
  g_test_add_data_func("/recording/intake/best_from_the_start/vp9", "vp9", test_best_from_the_start);
  g_test_add_data_func("/recording/intake/best_from_the_start/h264", "h264", test_best_from_the_start);
  g_test_add_data_func("/recording/intake/layer_goes_and_comes/vp8", "vp8", test_layer_goes_and_comes);
  g_test_add_data_func("/recording/intake/layer_goes_and_comes/vp9", "vp9", test_layer_goes_and_comes);
  g_test_add_data_func("/recording/intake/layer_goes_and_comes/h264", "h264", test_layer_goes_and_comes);
  g_test_add_func("/recording/intake/broken_layer_is_left", test_broken_layer_is_left);
  g_test_add_func("/recording/intake/all_silent", test_all_silent);
  return g_test_run();
}
