/* SPDX-License-Identifier: Apache-2.0 */
/* A branch with real VP8, VP9, H.264 and Opus: segments that play, borders, reordering, hostile packets (fault 11), nothing after the kill (R11). */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "tests/recording/branch-bench.h"

static const char *const all_codecs[] = {"opus", "vp8", "vp9", "h264"};
static const char *const picture_codecs[] = {"vp8", "vp9", "h264"};

static void test_video_segments(gconstpointer codec) {
  Bench bench;
  bench_open(&bench, codec);
  send_frames(&bench, 200);
  branch_end(bench.branch);
  g_assert_cmpuint(bench.kept->len, ==, 4);
  for (guint i = 0; i < 4; i++) {
    Kept *kept = &g_array_index(bench.kept, Kept, i);
    g_assert_false(kept->continues);
    if (i > 0)
      g_assert_cmpint(kept->start_us - g_array_index(bench.kept, Kept, i - 1).start_us, >=, 2 * S - 5000);
  }
  g_assert_cmpint(g_array_index(bench.kept, Kept, 3).end_us, ==, bench.last_arrival_us);
  assert_each_plays(&bench, 200);
  g_autofree char *path = write_joined(&bench);
  assert_plays(path);
  g_assert_cmpuint(count_frames(path, "v:0"), ==, 200);
  g_unlink(path);
  bench_close(&bench);
}

static void test_audio_segments(void) {
  Bench bench;
  bench_open(&bench, "opus");
  send_frames(&bench, 350);
  branch_end(bench.branch);
  g_assert_cmpuint(bench.kept->len, ==, 4);
  assert_each_plays(&bench, 350);
  g_autofree char *path = write_joined(&bench);
  assert_plays(path);
  g_unlink(path);
  bench_close(&bench);
}

static void test_no_keyframe_continues(gconstpointer codec) {
  Bench bench;
  bench_open(&bench, codec);
  bench.ignore_requests = TRUE;
  send_frames(&bench, 160); /* 6.4 s: cuts at 3 s and 6 s */
  branch_end(bench.branch);
  g_assert_cmpuint(bench.kept->len, ==, 3);
  g_assert_false(g_array_index(bench.kept, Kept, 0).continues);
  g_assert_true(g_array_index(bench.kept, Kept, 1).continues);
  g_assert_true(g_array_index(bench.kept, Kept, 2).continues);
  g_assert_cmpuint(bench.requests, <=, 5);
  g_autofree char *path = write_joined(&bench);
  assert_plays(path);
  g_assert_cmpuint(count_frames(path, "v:0"), ==, 160);
  g_unlink(path);
  bench_close(&bench);
}

/* The gate opens in the middle of a stream: nothing is written until a keyframe, asked for at most once a second. */
static void test_waits_for_keyframe(gconstpointer codec) {
  Bench bench;
  bench_open(&bench, codec);
  bench.ignore_requests = TRUE;
  g_autoptr(GPtrArray) before = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  media_frame(&bench.media, before); /* the stream's own keyframe came before the gate opened */
  send_frames(&bench, 70);
  g_assert_cmpuint(bench.written_bytes, ==, 0);
  g_assert_cmpuint(bench.requests, ==, 3);
  bench.ignore_requests = FALSE;
  send_frames(&bench, 30); /* asked again 3 s after the opening */
  branch_end(bench.branch);
  g_assert_cmpuint(bench.kept->len, ==, 1);
  assert_each_plays(&bench, 100 - 76);
  bench_close(&bench);
}

static gint by_first(gconstpointer a, gconstpointer b) {
  const gint64 *x = a, *y = b;
  return *x < *y ? -1 : *x > *y;
}

/* Each packet is late by up to 50 ms: jitter buffers lost the first keyframe in 11 of 12 such runs. */
static void test_reordering_keeps_first_keyframe(gconstpointer codec) {
  for (guint seed = 1; seed <= 12; seed++) {
    Bench bench;
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    g_autoptr(GPtrArray) packets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(gint64[2]));
    bench_open(&bench, codec);
    for (guint frame = 0; frame < 25; frame++) {
      guint first = packets->len;
      media_frame(&bench.media, packets);
      for (guint i = first; i < packets->len; i++) {
        gint64 entry[2] = {bench.now_us + frame * MEDIA_VIDEO_FRAME_US + g_rand_int_range(rand, 20000, 50000), i};
        g_array_append_val(order, entry);
      }
    }
    g_array_sort(order, by_first);
    for (guint i = 0; i < order->len; i++) {
      gint64 *entry = ((gint64(*)[2])(void *)order->data)[i];
      deliver(&bench, packets->pdata[entry[1]], entry[0]);
    }
    branch_end(bench.branch);
    assert_each_plays(&bench, 25);
    bench_close(&bench);
  }
}

/* What Chromium sends once red and ulpfec are negotiated: VP8 in RED, FEC in RED and padding in the same sequence. */
static void test_red_and_fillers(gconstpointer codec) {
  Bench bench;
  bench_open(&bench, codec);
  guint16 seq = 65000;
  for (guint frame = 0; frame < 60; frame++) {
    g_autoptr(GPtrArray) packets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    media_frame(&bench.media, packets);
    for (guint i = 0; i < packets->len + 2; i++) {
      gsize n = 0;
      const guint8 *bytes = i < packets->len ? g_bytes_get_data(packets->pdata[i], &n) : NULL;
      g_autoptr(GByteArray) red = g_byte_array_new();
      guint8 header[13];
      memcpy(header, bytes != NULL ? bytes : g_bytes_get_data(packets->pdata[0], NULL), 12);
      header[1] = (guint8)((bytes != NULL ? bytes[1] & 0x80 : 0) | 97);
      header[2] = (guint8)(seq >> 8);
      header[3] = (guint8)seq++;
      header[12] = bytes != NULL ? 96 : 98;
      g_byte_array_append(red, header, 13);
      if (bytes != NULL)
        g_byte_array_append(red, bytes + 12, (guint)n - 12);
      else if (i == packets->len)
        g_byte_array_append(red, (const guint8 *)"0123456789", 10);
      else { /* padding only */
        red->data[0] |= 0x20;
        red->data[12] = 1;
      }
      branch_packet(bench.branch, red->data, red->len, bench.now_us);
    }
    bench.now_us += MEDIA_VIDEO_FRAME_US;
  }
  branch_end(bench.branch);
  g_assert_cmpuint(branch_stats(bench.branch).lost, ==, 0);
  assert_each_plays(&bench, 60);
  bench_close(&bench);
}

static void send_mutated(Bench *bench, GRand *rand, GBytes *good) {
  gsize n;
  const guint8 *from = g_bytes_get_data(good, &n);
  g_autofree guint8 *bytes = g_memdup2(from, n);
  gsize kept = g_rand_boolean(rand) ? n : (gsize)g_rand_int_range(rand, 0, (gint)MIN(n, 40));
  for (gint i = g_rand_int_range(rand, 0, 6); i > 0 && kept > 0; i--)
    bytes[g_rand_int_range(rand, 0, (gint)MIN(kept, 32))] = (guint8)g_rand_int(rand);
  g_autofree guint8 *exact = g_memdup2(bytes, kept); /* ASan sees one byte too far */
  branch_packet(bench->branch, exact != NULL ? exact : (const guint8 *)"", kept, bench->now_us);
}

/* Fault 11 and 13: nothing crashes, stalls or grows, and good media plays on in the same branch. */
static void test_hostile(void) {
  guint32 seed = g_random_int();
  g_test_message("seed %u", seed);
  g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
  for (guint c = 0; c < G_N_ELEMENTS(all_codecs); c++) {
    Bench bench;
    bench_open(&bench, all_codecs[c]);
    g_test_message("%s", all_codecs[c]);
    for (guint i = 0; i < 200; i++) {
      g_autoptr(GPtrArray) packets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
      media_frame(&bench.media, packets);
      for (guint again = 0; again < 10; again++)
        send_mutated(&bench, rand, packets->pdata[again % packets->len]);
      bench.now_us += 20000;
      branch_advance(bench.branch, bench.now_us);
    }
    g_assert_true(branch_works(bench.branch));
    gsize before = bench.written_bytes;
    media_force_keyframe(&bench.media);
    send_frames(&bench, 100);
    branch_end(bench.branch);
    g_assert_cmpuint(bench.written_bytes, >, before);
    bench_close(&bench);
  }
}

/* Fault 13: a segment costs a file and a key of locked memory, and no RTP clock makes them faster than they are recorded. */
static void test_no_clock_makes_segments(void) {
  Bench bench;
  bench_open(&bench, "opus");
  g_autoptr(GPtrArray) packets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  media_frame(&bench.media, packets);
  g_autoptr(GByteArray) packet = g_bytes_unref_to_array(g_bytes_ref(packets->pdata[0]));
  for (guint32 i = 0; i < 10000; i++) { /* in 10 s */
    const guint32 rtp_time = GUINT32_TO_BE(i * 43200);
    packet->data[2] = (guint8)(i >> 8), packet->data[3] = (guint8)i;
    memcpy(packet->data + 4, &rtp_time, 4);
    branch_packet(bench.branch, packet->data, packet->len, bench.now_us);
    bench.now_us += 1000;
  }
  branch_end(bench.branch);
  g_assert_true(branch_works(bench.branch));
  g_assert_cmpuint(bench.kept->len, <=, 10);
  bench_close(&bench);
}

static void test_killed_writes_nothing(gconstpointer codec) {
  Bench bench;
  bench_open(&bench, codec);
  send_frames(&bench, 30);
  gsize before = bench.written_bytes;
  g_assert_cmpuint(before, >, 0);
  g_assert_nonnull(bench.open);
  g_clear_pointer(&bench.branch, branch_free);
  g_assert_cmpuint(bench.written_bytes, ==, before);
  g_assert_cmpuint(bench.discarded, ==, 1);
  g_assert_cmpuint(bench.kept->len, ==, 0);
  bench_close(&bench);
}

static void test_refused_ends(gconstpointer codec) {
  Bench bench;
  bench_open(&bench, codec);
  send_frames(&bench, 30);
  bench.refuse = TRUE;
  send_frames(&bench, 2);
  gsize before = bench.written_bytes;
  g_assert_false(branch_works(bench.branch));
  g_assert_cmpuint(bench.discarded, ==, 1);
  send_frames(&bench, 10);
  branch_end(bench.branch);
  g_assert_cmpuint(bench.written_bytes, ==, before);
  bench_close(&bench);
}

/* Camera off for 12 s: the open segment ends by itself and can commit; what follows begins a new one at the true time. */
static void test_silence_seals(void) {
  for (guint c = 0; c < G_N_ELEMENTS(all_codecs); c++) {
    Bench bench;
    bench_open(&bench, all_codecs[c]);
    g_test_message("%s", all_codecs[c]);
    send_frames(&bench, 30);
    gint64 silent_us = bench.now_us;
    for (; bench.now_us < silent_us + 12 * S; bench.now_us += 100000) {
      media_skip(&bench.media, 100000);
      branch_advance(bench.branch, bench.now_us);
    }
    g_assert_cmpuint(bench.kept->len, ==, 1);
    g_assert_cmpint(g_array_index(bench.kept, Kept, 0).end_us, ==, bench.last_arrival_us);
    media_force_keyframe(&bench.media);
    send_frames(&bench, 30);
    branch_end(bench.branch);
    g_assert_cmpuint(bench.kept->len, ==, 2);
    g_assert_cmpint(g_array_index(bench.kept, Kept, 1).start_us, >=, silent_us + 12 * S);
    assert_each_plays(&bench, 60);
    bench_close(&bench);
  }
}

static void test_size_and_ssrc_change(gconstpointer codec) {
  Bench bench;
  bench_open(&bench, codec);
  send_frames(&bench, 30);
  Media before = bench.media;
  media_init_codec(&bench.media, codec, 640, 480, 96, before.ssrc, before.next_seq, before.rtp_offset, 0);
  bench.media.at_us = before.at_us;
  media_clear(&before);
  send_frames(&bench, 30);
  before = bench.media;
  media_init_codec(&bench.media, codec, 160, 120, 96, 0x1234, 17, 99, 0);
  media_clear(&before);
  send_frames(&bench, 30);
  branch_end(bench.branch);
  g_autofree char *path = write_joined(&bench);
  assert_plays(path);
  g_assert_cmpuint(count_frames(path, "v:0"), ==, 90);
  g_unlink(path);
  bench_close(&bench);
}

/* Nothing waits in a depayloader or parser: with its last packet a frame is in the sink. */
static void test_no_delay(gconstpointer codec) {
  Bench bench;
  bench_open(&bench, codec);
  send_frames(&bench, 10); /* the beginning is known */
  for (guint i = 0; i < 20; i++) {
    gsize before = bench.written_bytes;
    send_frame(&bench);
    g_assert_cmpuint(bench.written_bytes, >, before);
  }
  bench_close(&bench);
}

/* Keyframes without a marker: what comes out of them, with whichever packet, is never dated later than it came (R9). */
static void test_no_marker_is_not_dated_later(gconstpointer codec) {
  Bench bench;
  bench_open(&bench, codec);
  bench.track.keyframe = NULL;
  for (guint i = 0; i < 150; i++) {
    g_autoptr(GPtrArray) packets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    if (i % 10 == 0)
      media_force_keyframe(&bench.media);
    media_frame(&bench.media, packets);
    for (guint k = 0; k < packets->len; k++) {
      gsize n = g_bytes_get_size(packets->pdata[k]);
      g_autofree guint8 *bytes = g_memdup2(g_bytes_get_data(packets->pdata[k], NULL), n);
      bytes[1] &= i % 10 == 0 ? 0x7f : 0xff;
      branch_packet(bench.branch, bytes, n, bench.now_us + k * 100);
    }
    bench.now_us += MEDIA_VIDEO_FRAME_US;
  }
  branch_end(bench.branch);
  g_assert_true(branch_works(bench.branch));
  g_test_message("%u segments", bench.kept->len);
  g_assert_true(bench.kept->len > 1 || !g_str_equal(codec, "h264")); /* the others drop such a frame */
  for (guint i = 0; i < bench.kept->len; i++) {
    const Kept *kept = &g_array_index(bench.kept, Kept, i);
    g_assert_cmpint(kept->start_us, <=, kept->end_us);
    g_assert_cmpint((kept->start_us - 1000 * S) % (10 * MEDIA_VIDEO_FRAME_US), <, MEDIA_VIDEO_FRAME_US); /* each begins with a keyframe */
  }
  bench_close(&bench);
}

/* A keyframe that lost its marker waits in the depayloader; the next frame's end comes without its beginning and is dropped. The keyframe comes out with the
 * stream's end, dated when it came (R9). */
static void test_dropped_end_is_not_dated_later(void) {
  Bench bench;
  bench_open(&bench, "h264");
  g_autoptr(GPtrArray) packets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  media_frame(&bench.media, packets);
  const guint first = packets->len;
  media_force_keyframe(&bench.media);
  media_frame(&bench.media, packets);
  g_assert_cmpuint(packets->len - first, >, 2); /* parameters, and a picture in parts */
  for (guint i = 0; i < packets->len; i++) {
    gsize n;
    g_autofree guint8 *bytes = g_memdup2(g_bytes_get_data(packets->pdata[i], &n), g_bytes_get_size(packets->pdata[i]));
    if (i + 1 == first)
      bytes[1] &= 0x7f;
    if (i < first || i + 1 == packets->len)
      branch_packet(bench.branch, bytes, n, bench.now_us + (i < first ? 0 : S));
  }
  branch_end(bench.branch);
  g_assert_cmpuint(bench.kept->len, ==, 1);
  g_assert_cmpint(g_array_index(bench.kept, Kept, 0).start_us, ==, bench.now_us);
  g_assert_cmpint(g_array_index(bench.kept, Kept, 0).end_us, ==, bench.now_us + S);
  bench_close(&bench);
}

/* Fault 13: a frame that never ends. Packets of one RTP time without a marker, 20 MB of them, and then a good stream goes on. */
static void test_endless_frame(gconstpointer codec) {
  Bench bench;
  bench_open(&bench, codec);
  send_frames(&bench, 10);
  g_autoptr(GPtrArray) packets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  media_force_keyframe(&bench.media);
  media_frame(&bench.media, packets);
  g_assert_cmpuint(packets->len, >, 2);
  gsize n;
  const guint8 *middle = g_bytes_get_data(packets->pdata[packets->len / 2], &n);
  g_autofree guint8 *packet = g_memdup2(middle, n);
  for (guint i = 0; i < 20 * 1000 * 1000 / n; i++) {
    guint16 seq = (guint16)(bench.media.next_seq + i);
    packet[1] &= 0x7f;
    packet[2] = (guint8)(seq >> 8);
    packet[3] = (guint8)seq;
    branch_packet(bench.branch, packet, n, bench.now_us += 10);
  }
  g_assert_true(branch_works(bench.branch));
  Media before = bench.media;
  media_init_codec(&bench.media, codec, 320, 240, 96, before.ssrc + 1, 17, 99, 0);
  media_clear(&before);
  gsize written = bench.written_bytes;
  send_frames(&bench, 30);
  g_assert_cmpuint(bench.written_bytes, >, written + 20000);
  bench_close(&bench);
}

/* A stranger's frame may begin as a Matroska cluster does. Where a segment begins with it, it is still media, of that segment. */
static void test_frame_like_a_cluster(void) {
  static const guint8 payload[] = {0x1f, 0x43, 0xb6, 0x75, 0, 1, 2, 3, 4, 5, 6, 7};
  Bench bench;
  bench_open(&bench, "opus");
  for (guint i = 0; i < 350; i++) {
    guint8 packet[12 + sizeof payload] = {0x80, 111, (guint8)(i >> 8), (guint8)i};
    const guint32 rtp_time = GUINT32_TO_BE(960 * i);
    memcpy(packet + 4, &rtp_time, 4);
    packet[11] = 1;
    memcpy(packet + 12, payload, sizeof payload);
    branch_packet(bench.branch, packet, sizeof packet, bench.now_us);
    bench.now_us += MEDIA_AUDIO_FRAME_US;
    branch_advance(bench.branch, bench.now_us - 1);
  }
  branch_end(bench.branch);
  g_assert_cmpuint(bench.kept->len, ==, 4);
  for (guint i = 0; i < bench.kept->len; i++) {
    const GByteArray *bytes = g_array_index(bench.kept, Kept, i).bytes;
    g_assert_cmpuint(bytes->len, >, 50 * sizeof payload);
    g_assert_cmpmem(bytes->data + bytes->len - sizeof payload, sizeof payload, payload, sizeof payload);
  }
  bench_close(&bench);
}

/* The first packet of a VP8 keyframe says how large it is (RFC 6386 section 9.1), whatever the rest of it holds. */
static void send_sized(Bench *bench, guint16 width, guint16 height) {
  g_autoptr(GPtrArray) packets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  media_force_keyframe(&bench->media);
  media_frame(&bench->media, packets);
  for (guint i = 0; i < packets->len; i++) {
    gsize n;
    const guint8 *from = g_bytes_get_data(packets->pdata[i], &n);
    g_autofree guint8 *bytes = g_memdup2(from, n);
    guint8 *start = memmem(bytes, n, "\x9d\x01\x2a", 3);
    if (i == 0) {
      g_assert_nonnull(start);
      start[3] = (guint8)width, start[4] = (guint8)(width >> 8);
      start[5] = (guint8)height, start[6] = (guint8)(height >> 8);
    }
    branch_packet(bench->branch, bytes, n, bench->now_us);
  }
  bench->now_us += MEDIA_VIDEO_FRAME_US;
}

/* Pictures of no size, or of one that nobody has a screen for, are not recorded, first or later; what comes after them is. */
static void test_unfit_sizes(void) {
  static const guint16 sizes[][2] = {{0, 0}, {0, 240}, {320, 0}, {16383, 16383}, {8193, 16}, {8192, 8192}};
  for (guint first = 0; first < 2; first++) {
    Bench bench;
    bench_open(&bench, "vp8");
    if (first == 0)
      send_frames(&bench, 10);
    const gsize before = bench.written_bytes;
    bench.ignore_requests = TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
      send_sized(&bench, sizes[i][0], sizes[i][1]);
      send_frames(&bench, 2); /* they build on it */
      g_assert_cmpuint(bench.written_bytes, ==, before);
    }
    g_assert_true(branch_works(bench.branch));
    bench.ignore_requests = FALSE;
    bench.now_us += S;
    branch_advance(bench.branch, bench.now_us); /* asks for a keyframe */
    send_frames(&bench, 30);
    branch_end(bench.branch);
    g_assert_cmpuint(bench.kept->len, >, 0);
    g_autofree char *path = write_joined(&bench);
    assert_plays(path);
    g_assert_cmpuint(count_frames(path, "v:0"), ==, first == 0 ? 40 : 30);
    g_unlink(path);
    bench_close(&bench);
  }
}

/* A loss is asked for until a keyframe repairs it, also where a border is cut meanwhile without one. */
static void test_border_keeps_loss_wish(gconstpointer codec) {
  Bench bench;
  bench_open(&bench, codec);
  send_frames(&bench, 40);
  bench.ignore_requests = TRUE;
  send_frames(&bench, 4);
  g_autoptr(GPtrArray) lost = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  media_frame(&bench.media, lost);
  bench.now_us += MEDIA_VIDEO_FRAME_US;
  send_frames(&bench, 35); /* 3.2 s: past the border at 2 s, which was cut at 3 s */
  g_assert_cmpuint(bench.kept->len, ==, 1);
  const guint before = bench.requests;
  send_frames(&bench, 40); /* up to 4.8 s: the next border is at 5 s */
  g_assert_cmpuint(bench.kept->len, ==, 1);
  g_assert_cmpuint(bench.requests, >, before);
  bench_close(&bench);
}

/* Several profiles of one codec are negotiated: the sender may change from one payload type to the other. */
static void test_other_payload_type(void) {
  Bench bench;
  bench_open(&bench, "h264");
  bench.track.pts[1] = (guint64)1 << (102 - 64);
  for (guint i = 0; i < 60; i++) {
    g_autoptr(GPtrArray) packets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    media_frame(&bench.media, packets);
    for (guint k = 0; k < packets->len; k++) {
      gsize n;
      g_autofree guint8 *bytes = g_memdup2(g_bytes_get_data(packets->pdata[k], &n), g_bytes_get_size(packets->pdata[k]));
      bytes[1] = (guint8)((bytes[1] & 0x80) | (i < 30 ? 96 : i < 45 ? 102 : 103)); /* 103: another track's */
      branch_packet(bench.branch, bytes, n, bench.now_us);
    }
    bench.now_us += MEDIA_VIDEO_FRAME_US;
  }
  branch_end(bench.branch);
  assert_each_plays(&bench, 45);
  bench_close(&bench);
}

/* Pictures without their ends, and no packet is missing. What the depayloader says of that does not reach a muxer that, after a picture that is
 * not taken, knows no times yet. */
static void test_no_end_after_unfit_size(void) {
  Bench bench;
  guint16 seq = 1;
  bench_open(&bench, "vp8");
  send_sized(&bench, 0, 0);
  for (guint picture = 0; picture < 60; picture++) {
    g_autoptr(GPtrArray) packets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    media_force_keyframe(&bench.media);
    media_frame(&bench.media, packets);
    g_assert_cmpuint(packets->len, >, 1);
    for (guint i = 0; i + 1 < packets->len; i++, seq++) {
      const gsize n = g_bytes_get_size(packets->pdata[i]);
      g_autofree guint8 *bytes = g_memdup2(g_bytes_get_data(packets->pdata[i], NULL), n);
      seq = picture == 0 && i == 0 ? (guint16)(bytes[2] << 8 | bytes[3]) : seq;
      bytes[2] = (guint8)(seq >> 8), bytes[3] = (guint8)seq;
      branch_packet(bench.branch, bytes, n, bench.now_us);
    }
    bench.now_us += MEDIA_VIDEO_FRAME_US;
    branch_advance(bench.branch, bench.now_us);
  }
  g_assert_cmpuint(bench.written_bytes, ==, 0);
  g_assert_true(branch_works(bench.branch));
  bench_close(&bench);
}

static void add(const char *name, GTestDataFunc run_test) {
  for (guint i = 0; i < G_N_ELEMENTS(picture_codecs); i++) {
    g_autofree char *path = g_strdup_printf("/recording/branch/%s/%s", name, picture_codecs[i]);
    g_test_add_data_func(path, picture_codecs[i], run_test);
  }
}

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  add("video_segments", test_video_segments);
  g_test_add_func("/recording/branch/audio_segments", test_audio_segments);
  add("no_keyframe_continues", test_no_keyframe_continues);
  add("waits_for_keyframe", test_waits_for_keyframe);
  add("reordering_keeps_first_keyframe", test_reordering_keeps_first_keyframe);
  add("red_and_fillers", test_red_and_fillers);
  g_test_add_func("/recording/branch/hostile", test_hostile);
  g_test_add_func("/recording/branch/no_clock_makes_segments", test_no_clock_makes_segments);
  add("killed_writes_nothing", test_killed_writes_nothing);
  add("refused_ends", test_refused_ends);
  g_test_add_func("/recording/branch/silence_seals", test_silence_seals);
  add("size_and_ssrc_change", test_size_and_ssrc_change);
  add("no_delay", test_no_delay);
  add("no_marker_is_not_dated_later", test_no_marker_is_not_dated_later);
  g_test_add_func("/recording/branch/dropped_end_is_not_dated_later", test_dropped_end_is_not_dated_later);
  add("endless_frame", test_endless_frame);
  g_test_add_func("/recording/branch/frame_like_a_cluster", test_frame_like_a_cluster);
  g_test_add_func("/recording/branch/unfit_sizes", test_unfit_sizes);
  g_test_add_func("/recording/branch/no_end_after_unfit_size", test_no_end_after_unfit_size);
  add("border_keeps_loss_wish", test_border_keeps_loss_wish);
  g_test_add_func("/recording/branch/other_payload_type", test_other_payload_type);
  return g_test_run();
}
