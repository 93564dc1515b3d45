/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/demux.h"

/* The shortest of each kind: a STUN header (RFC 8489 section 5), a DTLS record header (RFC 6347 section 4.1), an RTCP and an RTP header. */
#define STUN_BYTES_MIN 20
#define DTLS_BYTES_MIN 13
#define RTCP_BYTES_MIN 8
#define RTP_BYTES_MIN  12

DemuxClass demux_classify(const guint8 *bytes, gsize n) {
  if (n < 2)
    return DEMUX_UNKNOWN;
  if (bytes[0] <= 3)
    return n >= STUN_BYTES_MIN ? DEMUX_STUN : DEMUX_UNKNOWN;
  if (bytes[0] >= 20 && bytes[0] <= 63)
    return n >= DTLS_BYTES_MIN ? DEMUX_DTLS : DEMUX_UNKNOWN;
  if (bytes[0] < 128 || bytes[0] > 191)
    return DEMUX_UNKNOWN;
  if (bytes[1] >= 192 && bytes[1] <= 223)
    return n >= RTCP_BYTES_MIN ? DEMUX_RTCP : DEMUX_UNKNOWN;
  return n >= RTP_BYTES_MIN ? DEMUX_RTP : DEMUX_UNKNOWN;
}
