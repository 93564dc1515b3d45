/* SPDX-License-Identifier: Apache-2.0 */
/* A bench for branches: see branch-bench.h. */
#include "tests/recording/branch-bench.h"

#include <glib/gstdio.h>
#include <string.h>

static gboolean on_begin(guint32 seq, gboolean continues, gpointer user) {
  Bench *bench = user;
  g_assert_null(bench->open);
  g_assert_cmpuint(seq, ==, bench->kept->len);
  bench->open = g_byte_array_new();
  bench->continues = continues;
  return TRUE;
}

static gboolean on_write(const guint8 *bytes, gsize n, gpointer user) {
  Bench *bench = user;
  bench->written_bytes += n;
  g_byte_array_append(bench->open, bytes, (guint)n);
  return !bench->refuse;
}

static void on_seal(gint64 start_us, gint64 end_us, gpointer user) {
  Bench *bench = user;
  Kept kept = {g_steal_pointer(&bench->open), bench->continues, start_us, end_us};
  g_array_append_val(bench->kept, kept);
}

static void on_discard(gpointer user) {
  Bench *bench = user;
  g_clear_pointer(&bench->open, g_byte_array_unref);
  bench->discarded++;
}

static void on_keyframe(guint32 number, guint32 ssrc, gpointer user) {
  Bench *bench = user;
  g_assert_cmpuint(number, ==, 7);
  bench->asked |= ssrc == 0 ? G_MAXUINT32 : (guint32)1 << (ssrc % 32);
  bench->requests++;
  if (!bench->ignore_requests && !bench->track.simulcast)
    media_force_keyframe(&bench->media);
}

static void open_bench(Bench *bench, const char *codec, gboolean simulcast) {
  const gboolean video = !g_str_has_prefix(codec, "opus");
  *bench = (Bench){.now_us = 1000 * S};
  bench->kept = g_array_new(FALSE, FALSE, sizeof(Kept));
  media_init_codec(&bench->media, codec, video ? 320 : 0, 240, video ? 96 : 111, 0xabcdef01, 65500, 0xffff0000, 0);
  bench->track = (RecorderTrack){.number = 7,
                                 .participant = "p",
                                 .track = "0",
                                 .medium = video ? "video" : "audio",
                                 .codec = video ? codec : "opus",
                                 .pt = bench->media.pt,
                                 .red_pt = 97,
                                 .simulcast = simulcast,
                                 .ulpfec_pt = video ? 98 : 0,
                                 .clock_rate = bench->media.rate_hz,
                                 .keyframe_user = bench};
  bench->track.keyframe = video ? on_keyframe : NULL;
  BranchConfig config = {
      .track = &bench->track, .clock = &bench->clock, .segment_us = 2 * S, .writer = {on_begin, on_write, on_seal, on_discard, bench}};
  bench->branch = branch_new(&config, NULL);
  g_assert_nonnull(bench->branch);
  branch_begin(bench->branch, bench->now_us);
}

void bench_open(Bench *bench, const char *codec) {
  open_bench(bench, codec, FALSE);
}

void bench_open_simulcast(Bench *bench, const char *codec) {
  open_bench(bench, codec, TRUE);
}

void bench_close(Bench *bench) {
  g_clear_pointer(&bench->branch, branch_free);
  media_clear(&bench->media);
  for (guint i = 0; i < bench->kept->len; i++)
    g_byte_array_unref(g_array_index(bench->kept, Kept, i).bytes);
  g_array_unref(bench->kept);
}

void deliver(Bench *bench, GBytes *packet, gint64 arrival_us) {
  gsize n;
  const guint8 *bytes = g_bytes_get_data(packet, &n);
  branch_packet(bench->branch, bytes, n, arrival_us);
  bench->last_arrival_us = MAX(bench->last_arrival_us, arrival_us);
}

void send_frame(Bench *bench) {
  g_autoptr(GPtrArray) packets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  media_frame(&bench->media, packets);
  for (guint i = 0; i < packets->len; i++)
    deliver(bench, packets->pdata[i], bench->now_us + i * 100);
  bench->now_us += bench->media.video ? MEDIA_VIDEO_FRAME_US : MEDIA_AUDIO_FRAME_US;
  branch_advance(bench->branch, bench->now_us - 1);
}

void send_frames(Bench *bench, guint n) {
  for (guint i = 0; i < n; i++)
    send_frame(bench);
}

char *write_joined(Bench *bench) {
  g_autofree char *path = NULL;
  g_assert_cmpint(g_file_open_tmp("recgate-XXXXXX.mkv", &path, NULL), >=, 0);
  static const guint8 cluster[4] = {0x1f, 0x43, 0xb6, 0x75};
  g_autoptr(GByteArray) all = g_byte_array_new();
  for (guint i = 0; i < bench->kept->len; i++) {
    GByteArray *bytes = g_array_index(bench->kept, Kept, i).bytes;
    guint8 *first = memmem(bytes->data, bytes->len, cluster, 4);
    g_assert_nonnull(first);
    gsize header = i == 0 ? 0 : (gsize)(first - bytes->data);
    g_byte_array_append(all, bytes->data + header, bytes->len - (guint)header);
  }
  g_assert_true(g_file_set_contents(path, (char *)all->data, all->len, NULL));
  return g_steal_pointer(&path);
}

void assert_each_plays(Bench *bench, guint frames) {
  guint sum = 0;
  for (guint i = 0; i < bench->kept->len; i++) {
    Kept *kept = &g_array_index(bench->kept, Kept, i);
    g_autofree char *path = NULL;
    g_assert_cmpint(g_file_open_tmp("recgate-XXXXXX.mkv", &path, NULL), >=, 0);
    g_assert_true(g_file_set_contents(path, (char *)kept->bytes->data, kept->bytes->len, NULL));
    if (!kept->continues)
      assert_plays(path);
    if (!kept->continues)
      sum += count_frames(path, bench->media.video ? "v:0" : "a:0");
    g_assert_cmpint(kept->start_us, <=, kept->end_us);
    g_unlink(path);
  }
  g_assert_cmpuint(sum, ==, frames);
}
