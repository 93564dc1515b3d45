/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: what a stranger's datagram meets first: demultiplexing, STUN, RTP and RTCP shape. Known credentials make checks go deep. */
#include "pipelines/transport/demux.h"
#include "pipelines/transport/rtp-check.h"
#include "pipelines/transport/stun-check.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static gboolean find_anyone(const guint8 *username, gsize n, const char **pwd, gpointer user) {
  (void)user;
  *pwd = "fuzzfuzzfuzzfuzzfuzzfuzz";
  return n > 0 && username[0] != 0;
}

/* A walk as those behind do it, trusting the check. */
static void walk_rtcp(const guint8 *packet, gsize n) {
  gsize at = 0;
  while (at < n)
    at += 4 * (((gsize)packet[at + 2] << 8 | packet[at + 3]) + 1);
  g_assert_cmpuint(at, ==, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Address from = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}, .port = 4000};
  DemuxClass class = demux_classify(data, size);
  if (class == DEMUX_STUN) {
    StunAgent agent;
    StunCheck check;
    stun_check_init_agent(&agent);
    if (stun_check_answer(&agent, data, size, &from, find_anyone, NULL, &check) != STUN_CHECK_REFUSED)
      g_assert_true(check.reply_bytes > 0 && check.reply_bytes <= sizeof check.reply);
  }
  if (rtp_is_whole(data, size))
    g_assert_true(rtp_header_is_whole(data, size));
  if (rtcp_is_whole(data, size))
    walk_rtcp(data, size);
  return 0;
}
