/* SPDX-License-Identifier: Apache-2.0 */
/* What the relay reads from packets and how it finds their track: hostile lengths (faults 11, 12), many SSRCs (9), others' SSRCs (10). */
#include "pipelines/relay/keyframe.h"
#include "pipelines/relay/packet.h"
#include "pipelines/relay/ssrc-map.h"

#include <string.h>

/* V=2, X, one-byte form (RFC 8285 section 4.2): id 4 "1". */
static const guint8 with_mid[] = {0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0xbe, 0xde, 0, 1, 0x40, '1', 0, 0, 'x'};
/* Two-byte form: id 1 with nothing in it, filling, id 4 "ab". */
static const guint8 with_long_mid[] = {0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8, 0x10, 0, 0, 2, 1, 0, 0, 4, 2, 'a', 'b', 0, 'x'};

static void test_header(void) {
  RtpHeader header;
  g_assert_true(rtp_header_read(with_mid, sizeof with_mid, &header));
  g_assert_cmpuint(header.pt, ==, 96);
  g_assert_cmpuint(header.ssrc, ==, 7);
  for (gsize n = 0; n < 20; n++) {
    g_autofree guint8 *cut = g_memdup2(with_mid, n); /* exactly as large, so that ASan sees an overread */
    g_assert_false(rtp_header_read(cut, n, &header));
  }
  guint8 csrcs[12] = {0x8f, 96};
  g_assert_false(rtp_header_read(csrcs, sizeof csrcs, &header));
}

static void test_extension(void) {
  gsize n = 0;
  const guint8 *mid = rtp_extension_find(with_mid, sizeof with_mid, 4, &n);
  g_assert_cmpmem(mid, n, "1", 1);
  g_assert_null(rtp_extension_find(with_mid, sizeof with_mid, 5, &n));
  g_assert_null(rtp_extension_find(with_mid, sizeof with_mid, 0, &n));
  mid = rtp_extension_find(with_long_mid, sizeof with_long_mid, 4, &n);
  g_assert_cmpmem(mid, n, "ab", 2);
  guint8 lies[sizeof with_mid];
  memcpy(lies, with_mid, sizeof lies);
  lies[16] = 0x4f; /* 16 bytes in an extension of 4 */
  g_assert_null(rtp_extension_find(lies, sizeof lies, 4, &n));
}

/* Fault 12: whatever the lengths say, nothing beyond n is read, and the walk ends. */
static void test_rtcp_lies(void) {
  g_autoptr(GRand) rand = g_rand_new_with_seed(12);
  for (guint i = 0; i < 200000; i++) {
    gsize n = (gsize)g_rand_int_range(rand, 0, 64), offset = 0;
    g_autofree guint8 *packet = g_malloc(n + 1);
    g_autofree guint8 *exact = NULL;
    for (gsize j = 0; j < n; j++)
      packet[j] = (guint8)g_rand_int(rand);
    if (n >= 4) {
      packet[0] = 0x80;
      packet[1] = 200;
      packet[2] = 0;
      packet[3] %= 16;
    }
    exact = g_memdup2(packet, n);
    SenderReport report;
    guint found = 0;
    while (rtcp_next_sender_report(exact, n, &offset, &report))
      found++;
    g_assert_cmpuint(found, <=, n / 28);
    RtpHeader header;
    gsize bytes;
    (void)rtp_header_read(exact, n, &header);
    (void)rtp_extension_find(exact, n, 1, &bytes);
  }
}

static void test_sender_report(void) {
  /* An empty receiver report, then the sender report. */
  guint8 compound[36] = {0x80, 201, 0, 1, 0, 0, 0, 9, 0x80, 200, 0, 6, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  gsize offset = 0;
  SenderReport report;
  g_assert_true(rtcp_next_sender_report(compound, sizeof compound, &offset, &report));
  g_assert_cmpuint(report.ssrc, ==, 7);
  g_assert_cmpuint(report.ntp, ==, G_GUINT64_CONSTANT(0x0102030405060708));
  g_assert_cmpuint(report.rtp_time, ==, 0x090a0b0c);
  g_assert_false(rtcp_next_sender_report(compound, sizeof compound, &offset, &report));
}

/* RFC 4588 section 4: header and extension stay, the original's number, payload type and SSRC come back. */
static void test_rtx(void) {
  static const guint8 rtx[] = {0xb0, 0xe1, 9, 9, 1, 2, 3, 4, 0, 0, 0, 8, 0xbe, 0xde, 0, 1, 0x40, '1', 0, 0, 0x12, 0x34, 'x', 'y', 0, 2};
  static const guint8 original[] = {0xb0, 0xe0, 0x12, 0x34, 1, 2, 3, 4, 0, 0, 0, 7, 0xbe, 0xde, 0, 1, 0x40, '1', 0, 0, 'x', 'y', 0, 2};
  guint8 out[sizeof rtx];
  g_assert_cmpmem(out, rtx_unwrap(rtx, sizeof rtx, 7, 96, out), original, sizeof original);
  guint8 filling[sizeof rtx];
  memcpy(filling, rtx, sizeof filling);
  for (guint padding = 4; padding < 256; padding++) { /* nothing but padding behind the number, and more than there is (fault 11) */
    filling[sizeof filling - 1] = (guint8)padding;
    g_assert_cmpuint(rtx_unwrap(filling, sizeof filling, 7, 96, out), ==, 0);
  }
  filling[0] &= 0xdf; /* no padding */
  for (gsize n = 0; n <= 22; n++) {
    g_autofree guint8 *cut = g_memdup2(filling, n);
    g_assert_cmpuint(rtx_unwrap(cut, n, 7, 96, out), ==, 0);
  }
}

static void test_pli(void) {
  guint8 packet[RTCP_PLI_BYTES_MAX];
  g_assert_cmpuint(rtcp_write_pli(packet, 1, 0x01020304, TRUE), ==, 12);
  const guint8 pli[] = {0x81, 206, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4};
  g_assert_cmpmem(packet, 12, pli, 12);
  gsize n = rtcp_write_pli(packet, 1, 0x01020304, FALSE);
  g_assert_cmpuint(n, ==, 40);
  g_assert_cmpuint(packet[1], ==, 201); /* RFC 3550: a compound begins with a report */
  g_assert_cmpuint(packet[9], ==, 202);
  g_assert_cmpuint(4u * (packet[11] + 1u), ==, 20);
  g_assert_cmpmem(packet + 28, 12, pli, 12);
}

/* Fault 12 */
static void test_keyframe_pace(void) {
  Keyframe keyframe = {0};
  guint asked = 0;
  for (gint64 now_us = 5; now_us < 10 * G_USEC_PER_SEC; now_us += 1000) {
    keyframe_want(&keyframe);
    asked += keyframe_due(&keyframe, now_us);
  }
  g_assert_cmpuint(asked, ==, 10);
  keyframe = (Keyframe){0};
  g_assert_false(keyframe_due(&keyframe, 0)); /* nobody wants one */
  keyframe_want(&keyframe);
  g_assert_true(keyframe_due(&keyframe, 0));
  keyframe_want(&keyframe);
  g_assert_false(keyframe_due(&keyframe, 999999));
  g_assert_true(keyframe_due(&keyframe, 1000000)); /* the wish has waited */
}

static RelayTrack track_new(const char *mid, guint32 ssrc) {
  RelayTrack track = {.sends = TRUE, .mid_ext_id = 4, .ssrcs = g_array_new(FALSE, TRUE, sizeof(guint32))};
  track.repairs = g_array_new(FALSE, TRUE, sizeof(SdpRepair));
  g_strlcpy(track.call.mid, mid, sizeof track.call.mid);
  track.call.pt = 96;
  track.media_pts[1] = (guint64)1 << 32;
  track.codecs = g_array_new(FALSE, TRUE, sizeof(CallTrack));
  g_array_append_val(track.codecs, track.call);
  if (ssrc != 0)
    g_array_append_val(track.ssrcs, ssrc);
  return track;
}

static GArray *tracks_new(const char *first, guint32 ssrc, const char *second, guint32 other) {
  GArray *tracks = g_array_new(FALSE, TRUE, sizeof(RelayTrack));
  g_array_set_clear_func(tracks, relay_track_clear);
  RelayTrack list[] = {track_new(first, ssrc), track_new(second, other)};
  g_array_append_vals(tracks, list, 2);
  return tracks;
}

static const char *mid_of(SsrcMap *map, guint32 ssrc, const guint8 *packet, gsize n) {
  const RelayTrack *track = ssrc_map_track(map, ssrc_map_packet(map, ssrc, packet, n));
  return track != NULL ? track->call.mid : NULL;
}

static const guint8 without_mid[] = {0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 'x'};

static void test_map_latch(void) {
  SsrcMap map;
  ssrc_map_init(&map);
  ssrc_map_set_tracks(&map, tracks_new("0", 100, "1", 0));
  g_assert_cmpstr(mid_of(&map, 100, without_mid, sizeof without_mid), ==, "0");
  g_assert_null(mid_of(&map, 7, without_mid, sizeof without_mid));
  g_assert_cmpstr(mid_of(&map, 7, with_mid, sizeof with_mid), ==, "1");
  g_assert_cmpstr(mid_of(&map, 7, without_mid, sizeof without_mid), ==, "1"); /* browsers stop sending it */
  /* Fault 10: declared for mid 0; a packet that says mid 1 changes nothing. */
  g_assert_cmpstr(mid_of(&map, 100, with_mid, sizeof with_mid), ==, "0");

  ssrc_map_find(&map, 7)->has_report = TRUE;
  ssrc_map_set_tracks(&map, tracks_new("1", 0, "2", 100));
  g_assert_cmpstr(mid_of(&map, 7, without_mid, sizeof without_mid), ==, "1");
  g_assert_true(ssrc_map_find(&map, 7)->has_report);
  g_assert_cmpstr(mid_of(&map, 100, without_mid, sizeof without_mid), ==, "2");
  ssrc_map_set_tracks(&map, tracks_new("5", 7, "6", 7));
  g_assert_cmpstr(mid_of(&map, 7, with_mid, sizeof with_mid), ==, "5"); /* declared twice: the first has it */
  g_assert_null(ssrc_map_find(&map, 100));
  ssrc_map_clear(&map);
}

static SsrcEntry *entry_of(SsrcMap *map, guint32 ssrc, const char *rid, gboolean media) {
  const guint8 n = (guint8)strlen(rid);
  guint8 packet[24] = {0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, (guint8)ssrc, 0xbe, 0xde, 0, 2, 0x40, '1'};
  if (n > 0) {
    packet[18] = (guint8)((media ? 0x50 : 0x60) | (n - 1));
    memcpy(packet + 19, rid, n);
  }
  SsrcEntry *entry = ssrc_map_packet(map, ssrc, packet, sizeof packet);
  g_assert_nonnull(entry);
  entry->media = media;
  return entry;
}

static guint32 repaired_by(SsrcMap *map, guint32 rtx) {
  const SsrcEntry *media = ssrc_map_repaired(map, ssrc_map_find(map, rtx));
  return media != NULL ? media->ssrc : 0;
}

/* RTX is told by its declaration, by its rid, or by there being one media stream alone; else not at all. */
static void test_map_repaired(void) {
  SsrcMap map;
  ssrc_map_init(&map);
  GArray *tracks = tracks_new("0", 100, "1", 0);
  RelayTrack *declared = &g_array_index(tracks, RelayTrack, 0), *latched = &g_array_index(tracks, RelayTrack, 1);
  const SdpRepair repair = {.media = 100, .rtx = 101};
  const guint32 others[] = {101, 102};
  g_array_append_vals(declared->ssrcs, others, 2);
  g_array_append_val(declared->repairs, repair);
  latched->call.simulcast = TRUE;
  latched->rid_ext_id = 5;
  latched->repaired_rid_ext_id = 6;
  ssrc_map_set_tracks(&map, tracks);
  g_assert_cmpuint(repaired_by(&map, 101), ==, 0); /* no media yet */
  ssrc_map_find(&map, 100)->media = ssrc_map_find(&map, 102)->media = TRUE;
  g_assert_cmpuint(repaired_by(&map, 101), ==, 100);

  entry_of(&map, 20, "", FALSE);
  entry_of(&map, 10, "hi", TRUE);
  g_assert_cmpuint(repaired_by(&map, 20), ==, 10); /* the only one */
  entry_of(&map, 11, "lo", TRUE);
  g_assert_cmpuint(repaired_by(&map, 20), ==, 0);
  entry_of(&map, 20, "lo", FALSE);
  entry_of(&map, 21, "hi", FALSE);
  entry_of(&map, 22, "no", FALSE);
  g_assert_cmpuint(repaired_by(&map, 20), ==, 11);
  g_assert_cmpuint(repaired_by(&map, 21), ==, 10);
  g_assert_cmpuint(repaired_by(&map, 22), ==, 0);
  entry_of(&map, 21, "lo", FALSE); /* latched is latched */
  g_assert_cmpuint(repaired_by(&map, 21), ==, 10);
  ssrc_map_clear(&map);
}

/* Fault 9 */
static void test_map_bounded(void) {
  SsrcMap map;
  ssrc_map_init(&map);
  ssrc_map_set_tracks(&map, tracks_new("0", 0, "1", 0));
  for (guint32 ssrc = 1; ssrc <= 10000; ssrc++)
    (void)mid_of(&map, ssrc, with_mid, sizeof with_mid);
  g_assert_cmpuint(map.n, ==, SSRC_MAP_MAX);
  g_assert_cmpstr(mid_of(&map, 1, without_mid, sizeof without_mid), ==, "1");
  g_assert_null(mid_of(&map, 10000, with_mid, sizeof with_mid));
  ssrc_map_set_tracks(&map, tracks_new("0", 20000, "1", 20001)); /* what is declared finds its place in a full table */
  g_assert_cmpstr(mid_of(&map, 20001, without_mid, sizeof without_mid), ==, "1");
  ssrc_map_clear(&map);
}

static void test_map_taps_follow_tracks(void) {
  SsrcMap map;
  ssrc_map_init(&map);
  ssrc_map_set_tracks(&map, tracks_new("0", 1, "1", 2));
  ssrc_map_mid(&map, "0")->number = 50;
  ssrc_map_mid(&map, "1")->number = 51;
  GArray *changed = tracks_new("0", 1, "1", 2);
  g_array_index(g_array_index(changed, RelayTrack, 1).codecs, CallTrack, 0).pt = 97;
  ssrc_map_set_tracks(&map, changed);
  g_assert_cmpuint(ssrc_map_mid(&map, "0")->number, ==, 50);
  g_assert_cmpuint(ssrc_map_mid(&map, "1")->number, ==, 0); /* R9: another payload type needs a new tap */
  ssrc_map_clear(&map);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay/packet/header", test_header);
  g_test_add_func("/relay/packet/extension", test_extension);
  g_test_add_func("/relay/packet/rtcp-lies", test_rtcp_lies);
  g_test_add_func("/relay/packet/sender-report", test_sender_report);
  g_test_add_func("/relay/packet/pli", test_pli);
  g_test_add_func("/relay/keyframe/pace", test_keyframe_pace);
  g_test_add_func("/relay/ssrc-map/latch", test_map_latch);
  g_test_add_func("/relay/packet/rtx", test_rtx);
  g_test_add_func("/relay/ssrc-map/repaired", test_map_repaired);
  g_test_add_func("/relay/ssrc-map/bounded", test_map_bounded);
  g_test_add_func("/relay/ssrc-map/taps-follow-tracks", test_map_taps_follow_tracks);
  return g_test_run();
}
