/* SPDX-License-Identifier: Apache-2.0 */
/* A stage: see stage.h. */
#include "tests/recording/stage.h"

#include <glib/gstdio.h>
#include <time.h>

static gint64 boot_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

void stage_wait(const gboolean *flag) {
  gint64 until_us = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
  while (!*flag) {
    g_assert_cmpint(g_get_monotonic_time(), <, until_us);
    if (!g_main_context_iteration(NULL, FALSE))
      g_usleep(500);
  }
}

static void on_sealed(const VaultSealed *sealed, gpointer user) {
  Stage *stage = user;
  g_array_append_val(stage->sealed, sealed->segment);
  stage->last_end_us = MAX(stage->last_end_us, sealed->last_packet_us);
}

static void on_failed(const char *session, guint32 take, const char *why, gpointer user) {
  Stage *stage = user;
  g_test_message("take %u of %s failed: %s", take, session, why);
  stage->failed = TRUE;
}

static void on_health(gboolean healthy, const char *why, gpointer user) {
  (void)user;
  g_test_message("health %d: %s", healthy, why);
}

static void on_done(const VaultReply *reply, gpointer user) {
  g_assert_no_error(reply->error);
  *(gboolean *)user = TRUE;
}

void stage_init(Stage *stage) {
  g_autoptr(GError) error = NULL;
  gboolean asked = FALSE;
  *stage = (Stage){.dir = g_dir_make_tmp("recgate-XXXXXX", NULL), .sealed = g_array_new(FALSE, FALSE, 8)};
  g_assert_nonnull(stage->dir);
  VaultEvents events = {on_sealed, on_failed, on_health, stage};
  stage->vault = vault_open(stage->dir, NULL, NULL, &events, &error);
  g_assert_no_error(error);
  stage->ring = tap_ring_new(4 * 1024 * 1024);
  stage->recorder = recorder_new(stage->ring, NULL);
  stage->zero_us = boot_us();
  VaultRecording recording = {.session = "s",
                              .request = 1,
                              .on_withdrawal = VAULT_SCOPE_SESSION,
                              .retention_s = 86400,
                              .disclosure = "{}",
                              .sha256 = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
                              .asker = "p"};
  vault_recording_new(stage->vault, &recording, on_done, &asked);
  stage_wait(&asked);
}

void stage_clear(Stage *stage) {
  recorder_free(stage->recorder);
  tap_ring_free(stage->ring);
  g_clear_pointer(&stage->vault_take, vault_take_unref);
  vault_free(stage->vault);
  for (guint i = 0; i < stage->n_tracks; i++)
    media_clear(&stage->tracks[i].media);
  g_assert_true(run(NULL, NULL, "rm", "-rf", stage->dir, NULL));
  g_array_unref(stage->sealed);
  g_free(stage->dir);
}

static void on_keyframe(guint32 number, guint32 ssrc, gpointer user) {
  StageTrack *own = user;
  (void)ssrc;
  g_assert_cmpuint(number, ==, own->track.number);
  own->keyframe_wanted = TRUE;
}

StageTrack *stage_add(Stage *stage, const char *participant, gint width) {
  g_assert_cmpuint(stage->n_tracks, <, STAGE_TRACKS_MAX);
  StageTrack *own = &stage->tracks[stage->n_tracks++];
  gint64 ntp_us = 3900000000LL * G_USEC_PER_SEC + (gint64)g_str_hash(participant) * 1000;
  media_init(&own->media, width, width * 3 / 4, width != 0 ? 96 : 111, g_random_int(), (guint16)g_random_int(), g_random_int(), ntp_us);
  own->track = (RecorderTrack){.number = 100 + stage->n_tracks,
                               .participant = participant,
                               .track = width != 0 ? "1" : "0",
                               .medium = width != 0 ? "video" : "audio",
                               .codec = width != 0 ? "vp8" : "opus",
                               .pt = own->media.pt,
                               .clock_rate = own->media.rate_hz,
                               .keyframe = width != 0 ? on_keyframe : NULL,
                               .keyframe_user = own};
  own->transit_us = width != 0 ? 40000 : 10000;
  own->jitter_us = 10000;
  return own;
}

void stage_change_codec(StageTrack *own, const char *codec) {
  Media before = own->media;
  media_init_codec(&own->media, codec, before.width, before.height, before.pt, before.ssrc, before.next_seq, before.rtp_offset,
                   before.ntp_us);
  own->media.at_us = before.at_us;
  media_clear(&before);
  own->track.codec = codec;
}

static void on_ready(const GError *error, gpointer user) {
  g_assert_no_error(error);
  *(gboolean *)user = TRUE;
}

void stage_open(Stage *stage, guint32 take) {
  static const guint8 consent_set[32] = {1};
  RecorderTrack tracks[STAGE_TRACKS_MAX];
  for (guint i = 0; i < stage->n_tracks; i++) {
    tracks[i] = stage->tracks[i].track;
    stage->tracks[i].reported_us = -1;
  }
  g_clear_pointer(&stage->vault_take, vault_take_unref);
  stage->vault_take = vault_take_new(stage->vault, "s", 1, take, consent_set);
  RecorderTake config = {.vault_take = stage->vault_take,
                         .take = take,
                         .session = "s",
                         .segment_us = 2 * G_USEC_PER_SEC,
                         .tracks = tracks,
                         .n_tracks = stage->n_tracks};
  stage->take = take;
  stage->ready = FALSE;
  recorder_open(stage->recorder, &config, on_ready, &stage->ready);
  stage_wait(&stage->ready);
}

void stage_settle(Stage *stage) {
  gint64 until_us = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
  tap_ring_wake(stage->ring);
  for (RecorderStats stats = recorder_stats(stage->recorder); stats.packets + stats.dropped_stale < stage->pushed;
       stats = recorder_stats(stage->recorder)) {
    g_assert_cmpint(g_get_monotonic_time(), <, until_us);
    if (!g_main_context_iteration(NULL, FALSE))
      g_usleep(500);
  }
}

static void push_report(Stage *stage, StageTrack *own) {
  TapRecord record = {.type = TAP_RECORD_SENDER_REPORT,
                      .take = stage->take,
                      .track = own->track.number,
                      .arrival_us = stage->zero_us + own->media.at_us,
                      .ntp = media_ntp(&own->media),
                      .rtp_time = media_rtp(&own->media),
                      .ssrc = own->media.ssrc};
  g_assert_true(tap_ring_push(stage->ring, &record, NULL));
  own->reported_us = own->media.at_us;
}

static void push_frame(Stage *stage, StageTrack *own) {
  g_autoptr(GPtrArray) packets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  gint64 arrival_us =
      stage->zero_us + own->media.at_us + own->transit_us + (own->jitter_us > 0 ? g_random_int_range(0, (gint32)own->jitter_us) : 0);
  if (own->keyframe_wanted)
    media_force_keyframe(&own->media);
  own->keyframe_wanted = FALSE;
  media_frame(&own->media, packets);
  for (guint i = 0; i < packets->len; i++) {
    gsize n;
    const guint8 *bytes = g_bytes_get_data(packets->pdata[i], &n);
    TapRecord record = {.type = TAP_RECORD_RTP,
                        .take = stage->take,
                        .track = own->track.number,
                        .arrival_us = arrival_us + i * 100,
                        .ssrc = own->media.ssrc,
                        .n_bytes = (guint32)n};
    g_assert_true(tap_ring_push(stage->ring, &record, bytes));
    stage->pushed++;
    stage->last_arrival_us = MAX(stage->last_arrival_us, record.arrival_us);
  }
  own->sent++;
}

void stage_play(Stage *stage, gint64 us) {
  for (gint64 end_us = stage->at_us + us; stage->at_us < end_us; stage->at_us += MEDIA_AUDIO_FRAME_US) {
    for (guint i = 0; i < stage->n_tracks; i++) {
      StageTrack *own = &stage->tracks[i];
      while (own->media.at_us <= stage->at_us) {
        if (own->muted) {
          media_skip(&own->media, own->media.video ? MEDIA_VIDEO_FRAME_US : MEDIA_AUDIO_FRAME_US);
          continue;
        }
        if (own->reported_us < 0 || own->media.at_us - own->reported_us >= G_USEC_PER_SEC)
          push_report(stage, own);
        push_frame(stage, own);
      }
    }
    if (stage->at_us % 200000 == 0)
      stage_settle(stage);
  }
  stage_settle(stage);
}

static void on_closed(gpointer user) {
  *(gboolean *)user = TRUE;
}

void stage_close(Stage *stage, gboolean discard) {
  stage->closed = FALSE;
  if (discard)
    vault_take_kill(stage->vault_take, "withdrawn");
  tap_ring_wake(stage->ring);
  recorder_close(stage->recorder, "s", stage->take, discard, on_closed, &stage->closed);
  stage_wait(&stage->closed);
}

void stage_commit(Stage *stage) {
  guint64 expected = recorder_stats(stage->recorder).segments;
  gint64 until_us = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
  while (stage->sealed->len < expected && g_get_monotonic_time() < until_us)
    if (!g_main_context_iteration(NULL, FALSE))
      g_usleep(500);
  g_assert_cmpuint(stage->sealed->len, ==, expected);
  for (guint i = 0; i < stage->sealed->len; i++) {
    gboolean done = FALSE;
    vault_commit(stage->vault, g_array_index(stage->sealed, guint64, i), json_pack("{s:i}", "p", 1), on_done, &done);
    stage_wait(&done);
  }
}

static gboolean on_piece(const guint8 *bytes, gsize n, gpointer user) {
  g_byte_array_append(user, bytes, (guint)n);
  return TRUE;
}

char *stage_export(Stage *stage, const char *participant) {
  g_autoptr(GError) error = NULL;
  g_autoptr(VaultReader) reader = vault_reader_open(stage->dir, stage->vault, &error);
  g_assert_no_error(error);
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  gboolean exported = export_run(reader, "s", participant, 0, on_piece, bytes, NULL, &error);
  g_assert_no_error(error);
  g_assert_true(exported);
  char *path = g_strdup_printf("%s/%s.webm", stage->dir, participant);
  g_assert_true(g_file_set_contents(path, (char *)bytes->data, bytes->len, NULL));
  return path;
}
