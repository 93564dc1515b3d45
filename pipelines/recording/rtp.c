/* SPDX-License-Identifier: Apache-2.0 */
/* RTP reading: see rtp.h. Every length is checked against what is left before it is used. */
#include "pipelines/recording/rtp.h"

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

gboolean rtp_unwrap_red(const guint8 **payload, gsize *n, guint8 *pt) {
  const guint8 *b = *payload;
  gsize at = 0, redundant = 0;
  /* F bit: a four-byte header of a redundant block, its length in the last ten bits. The primary's header is one byte and comes last. */
  while (at < *n && (b[at] & 0x80) != 0) {
    if (*n - at < 4)
      return FALSE;
    redundant += read16(b + at + 2) & 0x3ff;
    at += 4;
  }
  if (at >= *n || redundant > *n - at - 1)
    return FALSE;
  *pt = b[at] & 0x7f;
  *payload = b + at + 1 + redundant;
  *n = *n - at - 1 - redundant;
  return TRUE;
}

gboolean rtp_vp8_plausible(const guint8 *payload, gsize n) {
  gsize need = 1;
  if (n < 2)
    return FALSE;
  if ((payload[0] & 0x80) != 0) {
    guint8 has = payload[1];
    need++;
    if ((has & 0x80) != 0) {
      if (n <= need)
        return FALSE;
      need += (payload[need] & 0x80) != 0 ? 2 : 1;
    }
    need += (has & 0x40) != 0 ? 1 : 0;
    need += (has & 0x30) != 0 ? 1 : 0;
  }
  return n > need;
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
