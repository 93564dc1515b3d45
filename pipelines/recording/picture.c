/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures: see picture.h. */
#include "pipelines/recording/picture.h"

#include <gst/base/gstbitreader.h>
#include <string.h>

#define UNIT_BYTES 128 /* of a parameter set; what is needed of a browser's stands in the first 20 */

gboolean picture_takes(guint width, guint height) {
  return width >= 1 && width <= PICTURE_SIDE_MAX && height >= 1 && height <= PICTURE_SIDE_MAX && width * height <= PICTURE_PIXELS_MAX;
}

static guint32 pixels_of(guint width, guint height) {
  return picture_takes(width, height) ? width * height : 0;
}

guint32 picture_vp8_pixels(const guint8 *frame, gsize n) {
  return n < 10 ? 0 : pixels_of((guint)(frame[6] | frame[7] << 8) & 0x3fff, (guint)(frame[8] | frame[9] << 8) & 0x3fff);
}

/* --- bits; what goes past the end reads as 0, and is seen afterwards --- */

typedef struct Bits {
  GstBitReader reader;
  gboolean past;
} Bits;

static Bits bits_of(const guint8 *bytes, gsize n) {
  Bits bits = {0};
  gst_bit_reader_init(&bits.reader, bytes, (guint)n);
  return bits;
}

static guint32 take(Bits *bits, guint n) {
  guint32 value = 0;
  bits->past = !gst_bit_reader_get_bits_uint32(&bits->reader, &value, n) || bits->past;
  return value;
}

/* ue(v), section 9.1: as many bits as zeros stood before a one. */
static guint32 take_exp_golomb(Bits *bits) {
  guint zeros = 0;
  while (zeros < 32 && !bits->past && take(bits, 1) == 0)
    zeros++;
  bits->past = bits->past || zeros == 32;
  return bits->past ? 0 : ((guint32)1 << zeros) - 1 + take(bits, zeros);
}

/* --- VP9 --- */

#define VP9_MARKER 2
#define VP9_SYNC   0x498342
#define VP9_RGB    7

static void skip_vp9_color(Bits *bits, guint profile) {
  if (profile >= 2)
    (void)take(bits, 1); /* depth */
  const gboolean rgb = take(bits, 3) == VP9_RGB;
  if (!rgb)
    (void)take(bits, 1); /* range */
  if (profile % 2 == 1)
    (void)take(bits, rgb ? 1 : 3); /* subsampling, reserved */
}

guint32 picture_vp9_pixels(const guint8 *frame, gsize n) {
  Bits bits = bits_of(frame, MIN(n, UNIT_BYTES));
  const gboolean marked = take(&bits, 2) == VP9_MARKER;
  const guint low = take(&bits, 1), profile = low + 2 * take(&bits, 1);
  if (profile == 3)
    (void)take(&bits, 1);
  const gboolean keyframe = take(&bits, 2) == 0; /* not one that is shown again, and a key */
  (void)take(&bits, 2);                          /* shown, error resilient */
  if (!marked || !keyframe || take(&bits, 24) != VP9_SYNC)
    return 0;
  skip_vp9_color(&bits, profile);
  const guint width = take(&bits, 16) + 1, height = take(&bits, 16) + 1;
  return bits.past ? 0 : pixels_of(width, height);
}

/* --- H.264 --- */

/* Without the bytes that keep a unit free of start codes (section 7.4.1.1). */
static gsize unescape(const guint8 *unit, gsize n, guint8 *out) {
  gsize length = 0;
  for (gsize i = 0; i < n && length < UNIT_BYTES; i++)
    if (i < 2 || unit[i] != 3 || unit[i - 1] != 0 || unit[i - 2] != 0)
      out[length++] = unit[i];
  return length;
}

static gboolean has_chroma_format(guint32 profile) {
  static const guint8 high[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
  return memchr(high, (int)profile, sizeof high) != NULL;
}

/* FALSE: scaling lists follow, which no browser sends. */
static gboolean skip_chroma_format(Bits *bits) {
  if (take_exp_golomb(bits) == 3)
    (void)take(bits, 1);           /* planes coded apart */
  (void)take_exp_golomb(bits);     /* depth of luma */
  (void)take_exp_golomb(bits);     /* of chroma */
  return (take(bits, 2) & 1) == 0; /* lossless, scaling */
}

static void skip_picture_order(Bits *bits) {
  const guint32 type = take_exp_golomb(bits);
  if (type == 0)
    (void)take_exp_golomb(bits);
  if (type != 1)
    return;
  (void)take(bits, 1);
  (void)take_exp_golomb(bits);
  (void)take_exp_golomb(bits);
  for (guint32 offsets = take_exp_golomb(bits); offsets > 0 && !bits->past; offsets--)
    (void)take_exp_golomb(bits);
}

guint32 picture_h264_pixels(const guint8 *unit, gsize n) {
  guint8 plain[UNIT_BYTES];
  Bits bits = bits_of(plain, unescape(unit, n, plain));
  (void)take(&bits, 8); /* the unit's type */
  const guint32 profile = take(&bits, 8);
  (void)take(&bits, 16);        /* constraints, level */
  (void)take_exp_golomb(&bits); /* number */
  if (has_chroma_format(profile) && !skip_chroma_format(&bits))
    return 0;
  (void)take_exp_golomb(&bits); /* largest frame number */
  skip_picture_order(&bits);
  (void)take_exp_golomb(&bits); /* reference frames */
  (void)take(&bits, 1);         /* gaps in frame numbers */
  const guint32 columns = take_exp_golomb(&bits) + 1, rows = take_exp_golomb(&bits) + 1;
  const guint32 fields = take(&bits, 1) == 1 ? 1 : 2;
  if (bits.past || columns > PICTURE_SIDE_MAX / 16 || rows > PICTURE_SIDE_MAX / 16)
    return 0;
  return pixels_of(16 * columns, 16 * rows * fields);
}
