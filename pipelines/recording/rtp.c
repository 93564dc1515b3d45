/* SPDX-License-Identifier: Apache-2.0 */
/* RTP reading: see rtp.h. Every length is checked against what is left before it is used. */
#include "pipelines/recording/rtp.h"

#include "pipelines/recording/picture.h"

static guint16 read16(const guint8 *b) {
  return (guint16)(b[0] << 8 | b[1]);
}
static guint32 read32(const guint8 *b) {
  return (guint32)read16(b) << 16 | read16(b + 2);
}

gboolean rtp_read(const guint8 *bytes, gsize n, RtpView *view) {
  if (n < 12 || bytes[0] >> 6 != 2)
    return FALSE;
  gsize at = 12 + 4 * (gsize)(bytes[0] & 0x0f);
  if ((bytes[0] & 0x10) != 0) {
    if (n < at + 4)
      return FALSE;
    at += 4 + 4 * (gsize)read16(bytes + at + 2);
  }
  if (at > n)
    return FALSE;
  gsize padding = (bytes[0] & 0x20) != 0 ? bytes[n - 1] : 0;
  if (padding > n - at || ((bytes[0] & 0x20) != 0 && padding == 0))
    return FALSE;
  *view = (RtpView){.pt = bytes[1] & 0x7f,
                    .marker = bytes[1] >> 7,
                    .seq = read16(bytes + 2),
                    .rtp_time = read32(bytes + 4),
                    .ssrc = read32(bytes + 8),
                    .payload = bytes + at,
                    .n_payload = n - at - padding};
  return TRUE;
}

gboolean rtp_read_red(const guint8 *payload, gsize n, RtpRed *red) {
  gsize heads = 0, bytes = 0;
  /* F bit: a four-byte header of a redundant block, its length in the last ten bits. The primary's header is one byte and comes last. */
  for (; 4 * heads < n && (payload[4 * heads] & 0x80) != 0; heads++) {
    if (n - 4 * heads < 4)
      return FALSE;
    bytes += read16(payload + 4 * heads + 2) & 0x3ff;
  }
  gsize at = 4 * heads + 1;
  if (at > n || bytes > n - at)
    return FALSE;
  *red = (RtpRed){0};
  for (gsize i = 0; i < heads; i++) {
    const guint8 *head = payload + 4 * i;
    const gsize length = read16(head + 2) & 0x3ff;
    if (heads - i < RTP_RED_BLOCKS_MAX)
      red->blocks[red->n_blocks++] = (RtpRedBlock){head[0] & 0x7f, (guint32)read16(head + 1) >> 2, payload + at, length};
    at += length;
  }
  red->blocks[red->n_blocks++] = (RtpRedBlock){payload[4 * heads] & 0x7f, 0, payload + at, n - at};
  return TRUE;
}

/* 0: it does not fit. */
static gsize vp8_descriptor_bytes(const guint8 *payload, gsize n) {
  gsize need = 1;
  if (n < 2)
    return 0;
  if ((payload[0] & 0x80) != 0) {
    guint8 has = payload[1];
    need++;
    if ((has & 0x80) != 0) {
      if (n <= need)
        return 0;
      need += (payload[need] & 0x80) != 0 ? 2 : 1;
    }
    need += (has & 0x40) != 0 ? 1 : 0;
    need += (has & 0x30) != 0 ? 1 : 0;
  }
  return n > need ? need : 0;
}

gboolean rtp_vp8_plausible(const guint8 *payload, gsize n) {
  return vp8_descriptor_bytes(payload, n) != 0;
}

/* The frame's first partition, and in it a frame header (RFC 7741 section 4.3, RFC 6386 section 9.1). */
gboolean rtp_vp8_begins_keyframe(const guint8 *payload, gsize n, guint32 *pixels) {
  const gsize at = vp8_descriptor_bytes(payload, n);
  *pixels = 0;
  if (at == 0 || (payload[0] & 0x17) != 0x10 || (payload[at] & 1) != 0)
    return FALSE;
  *pixels = picture_vp8_pixels(payload + at, n - at);
  return TRUE;
}

/* The scalability structure at *at: layers' sizes, then the group of pictures, each with so many references. */
static gboolean skip_vp9_structure(const guint8 *b, gsize n, gsize *at) {
  if (n <= *at)
    return FALSE;
  const guint8 head = b[(*at)++];
  if ((head & 0x10) != 0)
    *at += 4 * ((gsize)(head >> 5) + 1);
  if ((head & 0x08) == 0)
    return *at <= n;
  if (n <= *at)
    return FALSE;
  for (guint pictures = b[(*at)++]; pictures > 0; pictures--) {
    if (n <= *at)
      return FALSE;
    *at += 1 + (gsize)(b[*at] >> 2 & 3);
  }
  return TRUE;
}

/* 0: it does not fit. */
static gsize vp9_descriptor_bytes(const guint8 *payload, gsize n) {
  gsize at = 1;
  if (n < 2)
    return 0;
  const guint8 head = payload[0];
  const gboolean picture = (head & 0x80) != 0, predicted = (head & 0x40) != 0, layers = (head & 0x20) != 0, flexible = (head & 0x10) != 0;
  if (picture)
    at += (payload[at] & 0x80) != 0 ? 2 : 1;
  if (layers)
    at += flexible ? 1 : 2;
  gboolean more = flexible && predicted;
  for (guint references = 0; more; references++) {
    if (n <= at || references == 3)
      return 0;
    more = (payload[at++] & 1) != 0;
  }
  if ((head & 0x02) != 0 && !skip_vp9_structure(payload, n, &at))
    return 0;
  return n > at ? at : 0;
}

gboolean rtp_vp9_plausible(const guint8 *payload, gsize n) {
  return vp9_descriptor_bytes(payload, n) != 0;
}

/* Not predicted, the frame's first packet, of the lowest spatial layer (RFC 9628 section 4.2). */
gboolean rtp_vp9_begins_keyframe(const guint8 *payload, gsize n, guint32 *pixels) {
  const gsize descriptor = vp9_descriptor_bytes(payload, n);
  *pixels = 0;
  if (descriptor == 0 || (payload[0] & 0x48) != 0x08)
    return FALSE;
  const gsize layer = (payload[0] & 0x80) == 0 ? 1 : (payload[1] & 0x80) != 0 ? 3 : 2;
  if ((payload[0] & 0x20) != 0 && (payload[layer] & 0x0e) != 0)
    return FALSE;
  *pixels = picture_vp9_pixels(payload + descriptor, n - descriptor);
  return TRUE;
}

/* STAP-A: each unit with two bytes of length before it, and no byte left over. */
static gboolean units_fit(const guint8 *b, gsize n) {
  gsize at = 0;
  while (n - at > 2) {
    const gsize length = read16(b + at);
    if (length == 0 || length > n - at - 2)
      return FALSE;
    at += 2 + length;
  }
  return at == n && n > 0;
}

gboolean rtp_h264_plausible(const guint8 *payload, gsize n) {
  if (n < 2 || (payload[0] & 0x80) != 0)
    return FALSE;
  const guint8 type = payload[0] & 0x1f;
  if (type == 24)
    return units_fit(payload + 1, n - 1);
  if (type == 28) { /* FU-A: not begin and end at once, and of a single unit */
    const guint8 inner = payload[1] & 0x1f;
    return n > 2 && (payload[1] & 0xc0) != 0xc0 && inner >= 1 && inner <= 23;
  }
  return type >= 1 && type <= 23; /* the others belong to the interleaved mode, which nobody offers a browser */
}

/* Parameters come first, alone or in a STAP-A. */
gboolean rtp_h264_begins_keyframe(const guint8 *payload, gsize n, guint32 *pixels) {
  const gsize at = n > 0 && (payload[0] & 0x1f) == 24 ? 3 : 0;
  *pixels = 0;
  if (n <= 3 || (payload[at] & 0x1f) != 7)
    return FALSE;
  const gsize length = at == 0 ? n : read16(payload + 1);
  *pixels = picture_h264_pixels(payload + at, MIN(length, n - at));
  return TRUE;
}

gboolean rtp_opus_plausible(const guint8 *payload, gsize n) {
  if (n == 0)
    return FALSE;
  guint code = payload[0] & 3;
  if (code == 1)
    return (n - 1) % 2 == 0;
  if (code == 2)
    return n >= 2 && (payload[1] < 252 ? (gsize)payload[1] + 2 <= n : n >= 3 && 4 * (gsize)payload[2] + payload[1] + 3 <= n);
  /* Code 3: a count of 1 to 48 frames, together at most 120 ms (at 2.5 ms each; the decoder checks longer ones). */
  return code == 0 || (n >= 2 && (payload[1] & 0x3f) != 0 && (payload[1] & 0x3f) <= 48);
}
