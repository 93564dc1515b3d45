/* SPDX-License-Identifier: Apache-2.0 */
/* Demultiplexing (RFC 7983) and whole packets (faults 8, 11, 12). */
#include "pipelines/transport/demux.h"
#include "pipelines/transport/rtp-check.h"

#include <string.h>

static void test_demux(void) {
  guint8 b[20] = {0};
  for (guint first = 0; first < 256; first++) {
    b[0] = (guint8)first;
    DemuxClass want = first <= 3                     ? DEMUX_STUN
                      : first >= 20 && first <= 63   ? DEMUX_DTLS
                      : first >= 128 && first <= 191 ? DEMUX_RTP
                                                     : DEMUX_UNKNOWN;
    b[1] = 96;
    g_assert_cmpint(demux_classify(b, sizeof b), ==, want);
    b[1] = 200;
    g_assert_cmpint(demux_classify(b, sizeof b), ==, want == DEMUX_RTP ? DEMUX_RTCP : want);
  }
  for (gsize n = 0; n < 8; n++)
    g_assert_cmpint(demux_classify((const guint8 *)"\x80\xc8\0\0\0\0\0\0", n), ==, DEMUX_UNKNOWN);
}

typedef struct Case {
  const char *what;
  const char *bytes;
  gsize n;
  gboolean header, whole;
} Case;

#define HEADER "\x60\0\0\0\0\0\0\0\0\0\1"
#define CASE(what, bytes, header, whole)                                                                                                   \
  { what, bytes, sizeof bytes - 1, header, whole }

static const Case rtp_cases[] = {
    CASE("plain", "\x80" HEADER "x", TRUE, TRUE),
    CASE("no payload", "\x80" HEADER, TRUE, TRUE),
    CASE("cut short", "\x80\x60\0\0\0\0\0\0\0\0\0", FALSE, FALSE),
    CASE("version 1", "\x40" HEADER "x", FALSE, FALSE),
    CASE("one CSRC", "\x81" HEADER "csrcx", TRUE, TRUE),
    CASE("CSRC overrun", "\x82" HEADER "csrcx", FALSE, FALSE),
    CASE("CSRC=15 that fits", "\x8f" HEADER "0123456789012345678901234567890123456789012345678901234567890123456789", FALSE, FALSE),
    CASE("extension", "\x90" HEADER "\xbe\xde\0\1\x10\1\0\0x", TRUE, TRUE),
    CASE("extension header cut", "\x90" HEADER "\xbe\xde\0", FALSE, FALSE),
    CASE("extension overrun", "\x90" HEADER "\xbe\xde\0\2\x10\1\0\0x", FALSE, FALSE),
    CASE("extension of 65535 words", "\x90" HEADER "\xbe\xde\xff\xff\x10\1\0\0x", FALSE, FALSE),
    CASE("one-byte element overrun", "\x90" HEADER "\xbe\xde\0\1\x13\1\0\0x", FALSE, FALSE),
    CASE("one-byte element to the end", "\x90" HEADER "\xbe\xde\0\1\x12\1\2\3x", TRUE, TRUE),
    CASE("id 15 ends the list", "\x90" HEADER "\xbe\xde\0\1\xff\1\0\0x", TRUE, TRUE),
    CASE("two-byte element", "\x90" HEADER "\x10\0\0\1\1\2ab", TRUE, TRUE),
    CASE("two-byte element overrun", "\x90" HEADER "\x10\0\0\1\1\3ab", FALSE, FALSE),
    CASE("two-byte element without length", "\x90" HEADER "\x10\0\0\1\0\0\0\1", FALSE, FALSE),
    CASE("other profile is opaque", "\x90" HEADER "ab\0\1\xff\xff\xff\xff", TRUE, TRUE),
    CASE("padding", "\xa0" HEADER "x\2\2", TRUE, TRUE),
    CASE("padding alone (probe)", "\xa0" HEADER "\0\0\3", TRUE, TRUE),
    CASE("padding beyond the payload", "\xa0" HEADER "x\4\4", TRUE, FALSE),
    CASE("padding 0", "\xa0" HEADER "x\0", TRUE, FALSE),
    CASE("padding without a byte", "\xa0" HEADER, TRUE, FALSE),
};

static void test_rtp(void) {
  for (guint i = 0; i < G_N_ELEMENTS(rtp_cases); i++) {
    const Case *c = &rtp_cases[i];
    g_autofree guint8 *copy = g_memdup2(c->bytes, c->n); /* exact size, so that ASan sees one byte too far */
    g_test_message("%s", c->what);
    g_assert_cmpint(rtp_header_is_whole(copy, c->n), ==, c->header);
    g_assert_cmpint(rtp_is_whole(copy, c->n), ==, c->whole);
  }
}

static const Case rtcp_cases[] = {
    CASE("empty receiver report", "\x80\xc9\0\1\0\0\0\1", TRUE, TRUE),
    CASE("compound", "\x80\xc9\0\1\0\0\0\1\x81\xce\0\2\0\0\0\1\0\0\0\2", TRUE, TRUE),
    CASE("header alone", "\x80\xc9\0\0", TRUE, FALSE),
    CASE("length lies", "\x80\xc9\0\2\0\0\0\1", TRUE, FALSE),
    CASE("length 65535", "\x80\xc9\xff\xff\0\0\0\1", TRUE, FALSE),
    CASE("second part lies", "\x80\xc9\0\1\0\0\0\1\x81\xce\0\3\0\0\0\1\0\0\0\2", TRUE, FALSE),
    CASE("bytes left over", "\x80\xc9\0\1\0\0\0\1\x81\xce", TRUE, FALSE),
    CASE("second part version 0", "\x80\xc9\0\1\0\0\0\1\x01\xce\0\0", TRUE, FALSE),
    CASE("not RTCP", "\x80\x60\0\1\0\0\0\1", TRUE, FALSE),
};

static void test_rtcp(void) {
  for (guint i = 0; i < G_N_ELEMENTS(rtcp_cases); i++) {
    const Case *c = &rtcp_cases[i];
    g_autofree guint8 *copy = g_memdup2(c->bytes, c->n);
    g_test_message("%s", c->what);
    g_assert_cmpint(rtcp_is_whole(copy, c->n), ==, c->whole);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/transport/demux/classes", test_demux);
  g_test_add_func("/transport/rtp-check/fault-11-rtp", test_rtp);
  g_test_add_func("/transport/rtp-check/fault-12-rtcp", test_rtcp);
  return g_test_run();
}
