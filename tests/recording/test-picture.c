/* SPDX-License-Identifier: Apache-2.0 */
/* The size that a keyframe tells: real encoders' beside what they were told to make, and bytes that a stranger could send. */
#include "pipelines/recording/picture.h"

#include <glib/gstdio.h>

#include <string.h>

#define IVF_HEADERS (32 + 12) /* of the file, of its first frame */

typedef guint32 (*Pixels)(const guint8 *bytes, gsize n);

typedef struct Case {
  const char *name;
  Pixels pixels;
  const char *options; /* of ffmpeg */
  gint width, height;
  guint32 tells;
} Case;

static const Case cases[] = {
    {"vp8", picture_vp8_pixels, "-c:v libvpx -f ivf", 640, 360, 640 * 360},
    {"vp8-odd", picture_vp8_pixels, "-c:v libvpx -f ivf", 321, 183, 321 * 183},
    {"vp9", picture_vp9_pixels, "-c:v libvpx-vp9 -f ivf", 1280, 720, 1280 * 720},
    {"vp9-444", picture_vp9_pixels, "-c:v libvpx-vp9 -pix_fmt yuv444p -f ivf", 322, 180, 322 * 180},
    {"vp9-rgb", picture_vp9_pixels, "-c:v libvpx-vp9 -pix_fmt gbrp -f ivf", 322, 180, 322 * 180},
    {"vp9-10-bit", picture_vp9_pixels, "-c:v libvpx-vp9 -pix_fmt yuv420p10le -f ivf", 320, 180, 320 * 180},
    {"vp9-10-bit-444", picture_vp9_pixels, "-c:v libvpx-vp9 -pix_fmt yuv444p10le -f ivf", 320, 180, 320 * 180},
    {"h264-baseline", picture_h264_pixels, "-c:v libx264 -profile:v baseline -f h264", 640, 352, 640 * 352},
    {"h264-high", picture_h264_pixels, "-c:v libx264 -profile:v high -f h264", 1280, 720, 1280 * 720},
    {"h264-cropped", picture_h264_pixels, "-c:v libx264 -profile:v main -f h264", 1920, 1080, 1920 * 1088},
    {"h264-fields", picture_h264_pixels, "-c:v libx264 -flags +ildct -x264opts tff=1 -f h264", 640, 480, 640 * 480},
    {"h264-444", picture_h264_pixels, "-c:v libx264 -pix_fmt yuv444p -f h264", 320, 176, 320 * 176},
    {"h264-too-wide", picture_h264_pixels, "-c:v libx264 -preset ultrafast -f h264", 8208, 16, 0},
};

/* The first frame, or in H.264 its parameter set: an exact copy, so that ASan sees what is read past it. */
static GBytes *made(const Case *what) {
  g_autofree char *path = NULL, *size = g_strdup_printf("testsrc=size=%dx%d:rate=1:duration=1", what->width, what->height);
  g_autofree char *contents = NULL, *err = NULL;
  gsize n;
  g_autoptr(GError) error = NULL;
  const gint fd = g_file_open_tmp("recgate-picture-XXXXXX", &path, &error);
  g_assert_no_error(error);
  g_close(fd, NULL);
  g_autofree char *line = g_strdup_printf("ffmpeg -nostdin -v error -y -f lavfi -i %s -pix_fmt yuv420p %s %s", size, what->options, path);
  g_auto(GStrv) argv = g_strsplit(line, " ", -1);
  gint status = -1;
  g_assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &err, &status, &error));
  g_assert_cmpstr(err, ==, "");
  g_assert_cmpint(status, ==, 0);
  g_assert_true(g_file_get_contents(path, &contents, &n, &error));
  g_unlink(path);
  if (what->pixels != picture_h264_pixels)
    return g_bytes_new(contents + IVF_HEADERS, n - IVF_HEADERS);
  const char *set = memmem(contents, n, "\0\0\1\x67", 4);
  g_assert_nonnull(set);
  set += 3;
  const gsize left = n - (gsize)(set - contents);
  const char *end = memmem(set, left, "\0\0\1", 3);
  return g_bytes_new(set, end != NULL ? (gsize)(end - set) : left);
}

/* Whole, and cut anywhere: what was not there is not made up, and nothing past the end is read. */
static void test_encoder(gconstpointer user) {
  const Case *what = user;
  g_autoptr(GBytes) bytes = made(what);
  gsize whole;
  const guint8 *data = g_bytes_get_data(bytes, &whole);
  g_assert_cmpuint(what->pixels(data, whole), ==, what->tells);
  gboolean told = FALSE;
  for (gsize n = 0; n <= MIN(whole, 64); n++) {
    g_autofree guint8 *exact = g_memdup2(data, n);
    const guint32 pixels = what->pixels(exact, n);
    g_assert_true(pixels == what->tells || (pixels == 0 && !told));
    told = pixels != 0;
  }
  g_assert_true(told == (what->tells != 0));
}

static void test_hostile(void) {
  const guint32 seed = g_random_int();
  g_test_message("seed %u", seed);
  g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
  static const Pixels all[] = {picture_vp8_pixels, picture_vp9_pixels, picture_h264_pixels};
  for (guint i = 0; i < 200000; i++) {
    const gsize n = (gsize)g_rand_int_range(rand, 0, 160);
    g_autofree guint8 *bytes = g_malloc(n);
    for (gsize k = 0; k < n; k++)
      bytes[k] = g_rand_boolean(rand) ? (guint8)g_rand_int_range(rand, 0, 256) : 0;
    for (gsize k = 0; k < G_N_ELEMENTS(all); k++)
      g_assert_cmpuint(all[k](bytes, n), <=, PICTURE_PIXELS_MAX);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *path = g_strconcat("/recording/picture/encoder/", cases[i].name, NULL);
    g_test_add_data_func(path, &cases[i], test_encoder);
  }
  g_test_add_func("/recording/picture/hostile", test_hostile);
  return g_test_run();
}
