/* SPDX-License-Identifier: Apache-2.0 */
/* Reading RTP and RTCP within their bounds, and writing the one RTCP message that is the gate's own. */
#include "pipelines/relay/packet.h"

#include <string.h>

#define RTP_HEADER_BYTES     12
#define RTX_OSN_BYTES        2 /* the original sequence number, before the payload */
#define RTCP_SENDER_REPORT   200
#define RTCP_SR_BYTES_MIN    28
#define PROFILE_ONE_BYTE     0xbede
#define PROFILE_TWO_BYTE     0x1000 /* the low four bits are free (RFC 8285 section 4.3) */
#define ONE_BYTE_ID_RESERVED 15

static guint16 read16(const guint8 *at) {
  return (guint16)(at[0] << 8 | at[1]);
}
static guint32 read32(const guint8 *at) {
  return (guint32)read16(at) << 16 | read16(at + 2);
}

static void write32(guint8 *at, guint32 value) {
  value = GUINT32_TO_BE(value);
  memcpy(at, &value, sizeof value);
}

/* The extension's elements; *elements NULL where there is none. FALSE: something does not fit. */
static gboolean find_extension(const guint8 *packet, gsize n, guint16 *profile, const guint8 **elements, gsize *elements_bytes) {
  *elements = NULL;
  if (n < RTP_HEADER_BYTES || packet[0] >> 6 != 2)
    return FALSE;
  gsize at = RTP_HEADER_BYTES + 4 * (gsize)(packet[0] & 0x0f);
  if ((packet[0] & 0x10) == 0)
    return at <= n;
  if (at + 4 > n)
    return FALSE;
  *profile = read16(packet + at);
  *elements_bytes = 4 * (gsize)read16(packet + at + 2);
  if (at + 4 + *elements_bytes > n)
    return FALSE;
  *elements = packet + at + 4;
  return TRUE;
}

gboolean rtp_header_read(const guint8 *packet, gsize n, RtpHeader *header) {
  guint16 profile;
  const guint8 *elements;
  gsize bytes;
  if (!find_extension(packet, n, &profile, &elements, &bytes))
    return FALSE;
  *header = (RtpHeader){.pt = packet[1] & 0x7f, .seq = read16(packet + 2), .ssrc = read32(packet + 8)};
  return TRUE;
}

static const guint8 *find_element(const guint8 *elements, gsize n, gboolean one_byte, guint8 id, gsize *element_bytes) {
  gsize at = 0, head = one_byte ? 1 : 2;
  while (at + head <= n) {
    if (elements[at] == 0) { /* padding */
      at++;
      continue;
    }
    guint8 this_id = one_byte ? elements[at] >> 4 : elements[at];
    gsize bytes = one_byte ? (gsize)(elements[at] & 0x0f) + 1 : elements[at + 1];
    if ((one_byte && this_id == ONE_BYTE_ID_RESERVED) || at + head + bytes > n)
      return NULL;
    if (this_id == id) {
      *element_bytes = bytes;
      return elements + at + head;
    }
    at += head + bytes;
  }
  return NULL;
}

const guint8 *rtp_extension_find(const guint8 *packet, gsize n, guint8 id, gsize *element_bytes) {
  guint16 profile;
  const guint8 *elements;
  gsize bytes;
  if (id == 0 || !find_extension(packet, n, &profile, &elements, &bytes) || elements == NULL)
    return NULL;
  if (profile != PROFILE_ONE_BYTE && (profile & 0xfff0) != PROFILE_TWO_BYTE)
    return NULL;
  return find_element(elements, bytes, profile == PROFILE_ONE_BYTE, id, element_bytes);
}

gsize rtx_unwrap(const guint8 *packet, gsize n, guint32 media_ssrc, guint8 media_pt, guint8 *original) {
  guint16 profile;
  const guint8 *elements;
  gsize elements_bytes;
  if (!find_extension(packet, n, &profile, &elements, &elements_bytes))
    return 0;
  const gsize head = elements != NULL ? (gsize)(elements - packet) + elements_bytes : RTP_HEADER_BYTES + 4 * (gsize)(packet[0] & 0x0f);
  const gsize padding = (packet[0] & 0x20) != 0 ? packet[n - 1] : 0;
  if (n - head <= RTX_OSN_BYTES || padding >= n - head - RTX_OSN_BYTES)
    return 0;
  memcpy(original, packet, head);
  original[1] = (guint8)((packet[1] & 0x80) | media_pt);
  memcpy(original + 2, packet + head, RTX_OSN_BYTES);
  write32(original + 8, media_ssrc);
  memcpy(original + head, packet + head + RTX_OSN_BYTES, n - head - RTX_OSN_BYTES);
  return n - RTX_OSN_BYTES;
}

gboolean rtcp_next_sender_report(const guint8 *packet, gsize n, gsize *offset, SenderReport *report) {
  while (*offset + 4 <= n) {
    const guint8 *at = packet + *offset;
    gsize bytes = 4 * ((gsize)read16(at + 2) + 1);
    if (at[0] >> 6 != 2 || bytes > n - *offset)
      return FALSE;
    *offset += bytes;
    if (at[1] != RTCP_SENDER_REPORT || bytes < RTCP_SR_BYTES_MIN)
      continue;
    *report = (SenderReport){.ssrc = read32(at + 4), .ntp = (guint64)read32(at + 8) << 32 | read32(at + 12), .rtp_time = read32(at + 16)};
    return TRUE;
  }
  return FALSE;
}

gsize rtcp_write_pli(guint8 to[RTCP_PLI_BYTES_MAX], guint32 sender_ssrc, guint32 media_ssrc, gboolean reduced_size) {
  static const guint8 receiver_report[] = {0x80, 201, 0, 1}, description[] = {0x81, 202, 0, 4}, pli[] = {0x81, 206, 0, 2};
  /* CNAME, 7 bytes, and one null byte that ends the chunk. It says no more than that the gate speaks (RFC 7022). */
  static const guint8 cname[] = {1, 7, 'r', 'e', 'c', 'g', 'a', 't', 'e', 0, 0, 0};
  guint8 *at = to;
  if (!reduced_size) {
    memcpy(at, receiver_report, 4);
    write32(at + 4, sender_ssrc);
    memcpy(at + 8, description, 4);
    write32(at + 12, sender_ssrc);
    memcpy(at + 16, cname, sizeof cname);
    at += 16 + sizeof cname;
  }
  memcpy(at, pli, 4);
  write32(at + 4, sender_ssrc);
  write32(at + 8, media_ssrc);
  return (gsize)(at + 12 - to);
}
