/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/rtp-check.h"

#define RTP_HEADER_BYTES  12
#define RTCP_HEADER_BYTES 4
#define RTCP_BYTES_MIN    8
#define RTP_PADDING_BIT   0x20
#define RTP_EXTENSION_BIT 0x10

guint32 rtp_read32(const guint8 *bytes) {
  return (guint32)bytes[0] << 24 | (guint32)bytes[1] << 16 | (guint32)bytes[2] << 8 | bytes[3];
}

/* RFC 8285 section 4.2: a nibble of id, a nibble of length minus one. 0 is a byte of filling, id 15 ends the list. */
static gboolean one_byte_elements_fit(const guint8 *at, gsize n) {
  for (gsize i = 0; i < n;) {
    if (at[i] == 0) {
      i++;
      continue;
    }
    if (at[i] >> 4 == 15)
      return TRUE;
    i += 2 + (at[i] & 15);
    if (i > n)
      return FALSE;
  }
  return TRUE;
}

/* RFC 8285 section 4.3: a byte of id, a byte of length. */
static gboolean two_byte_elements_fit(const guint8 *at, gsize n) {
  for (gsize i = 0; i < n;) {
    if (at[i] == 0) {
      i++;
      continue;
    }
    if (i + 2 > n)
      return FALSE;
    i += 2 + at[i + 1];
    if (i > n)
      return FALSE;
  }
  return TRUE;
}

/* Bytes of the header with CSRCs and extension; 0: it is not whole. */
static gsize header_bytes(const guint8 *packet, gsize n) {
  if (n < RTP_HEADER_BYTES || packet[0] >> 6 != 2)
    return 0;
  gsize csrcs = packet[0] & 15;
  gsize header = RTP_HEADER_BYTES + 4 * csrcs;
  if (csrcs > RTP_CSRC_MAX || header > n)
    return 0;
  if (!(packet[0] & RTP_EXTENSION_BIT))
    return header;
  if (header + 4 > n)
    return 0;
  guint profile = (guint)packet[header] << 8 | packet[header + 1];
  gsize words = (gsize)packet[header + 2] << 8 | packet[header + 3];
  header += 4;
  if (4 * words > n - header)
    return 0;
  if (profile == 0xbede && !one_byte_elements_fit(packet + header, 4 * words))
    return 0;
  if (profile >> 4 == 0x100 && !two_byte_elements_fit(packet + header, 4 * words))
    return 0;
  return header + 4 * words;
}

gboolean rtp_header_is_whole(const guint8 *packet, gsize n) {
  return header_bytes(packet, n) != 0;
}

gboolean rtp_is_whole(const guint8 *packet, gsize n) {
  gsize header = header_bytes(packet, n);
  if (header == 0)
    return FALSE;
  if (!(packet[0] & RTP_PADDING_BIT))
    return TRUE;
  return n > header && packet[n - 1] > 0 && packet[n - 1] <= n - header;
}

gboolean rtcp_is_whole(const guint8 *packet, gsize n) {
  if (n < RTCP_BYTES_MIN)
    return FALSE;
  gsize at = 0;
  while (at < n) {
    if (n - at < RTCP_HEADER_BYTES || packet[at] >> 6 != 2 || packet[at + 1] < 192 || packet[at + 1] > 223)
      return FALSE;
    gsize part = 4 * (((gsize)packet[at + 2] << 8 | packet[at + 3]) + 1);
    if (part > n - at)
      return FALSE;
    at += part;
  }
  return TRUE;
}
