/* SPDX-License-Identifier: Apache-2.0 */
/* recgate's own way from tap to committed ciphertext: permit, ring, recorder, branches, encrypted segments, commits with their ledger leaves.
 * What is missing of the daemon: sockets, and the consent core. Its confirmations come as they do there, for each call once a second. */
#include <time.h>

#include "pipelines/recording/export.h"
#include "pipelines/recording/recorder.h"
#include "tests/bench/recording/shape.h"

#define PEOPLE          2 /* of a call */
#define RING_BYTES      (4 * 1024 * 1024)
#define SEGMENT_US      (5 * G_USEC_PER_SEC) /* both the daemon's own */
#define HEARTBEAT_MS    1000
#define EXPORTS_MAX     10
#define NO_LIMIT_US     ((gint64)3600 * G_USEC_PER_SEC)
#define DISCLOSURE      "{}"
#define DISCLOSURE_HASH "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

typedef struct Call {
  char session[16];
  guint people;
  TapGate gate;
  VaultTake *vault_take;
  GArray *sealed; /* guint64 segment, not yet confirmed */
} Call;

typedef struct Recgate {
  guint participants, n_calls, turn, waiting_for;
  Call *calls;
  char *dir, *data;
  Vault *vault;
  TapRing *ring;
  Recorder *recorder;
  guint heart;
  guint64 sealed, committed, failed;
  guint64 overrun, refused; /* feeding thread, until it has ended */
  gint64 now_us;
} Recgate;

static gint64 boot_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void wait_for_all(const Recgate *self) {
  while (self->waiting_for > 0)
    g_main_context_iteration(NULL, TRUE);
}

static void on_sealed(const VaultSealed *sealed, gpointer user) {
  Recgate *self = user;
  Call *call = &self->calls[g_ascii_strtoull(sealed->session + 1, NULL, 10)];
  g_array_append_val(call->sealed, sealed->segment);
  self->sealed++;
}

static void on_failed(const char *session, guint32 take, const char *why, gpointer user) {
  ((Recgate *)user)->failed++;
  g_printerr("take %u of %s failed: %s\n", take, session, why);
}

static void on_health(gboolean healthy, const char *why, gpointer user) {
  ((Recgate *)user)->failed += !healthy;
  g_printerr("healthy: %d %s\n", healthy, why);
}

static void on_asked(const VaultReply *reply, gpointer user) {
  g_assert_no_error(reply->error);
  ((Recgate *)user)->waiting_for--;
}

static gpointer recgate_start(guint participants, const char *dir) {
  g_autoptr(GError) error = NULL;
  Recgate *self = g_new0(Recgate, 1);
  self->participants = participants;
  self->n_calls = (participants + PEOPLE - 1) / PEOPLE;
  self->calls = g_new0(Call, self->n_calls);
  self->dir = g_strdup(dir);
  self->data = g_build_filename(dir, "recgate", NULL);
  const VaultEvents events = {on_sealed, on_failed, on_health, self};
  self->vault = vault_open(self->data, NULL, NULL, &events, &error);
  g_assert_no_error(error);
  self->ring = tap_ring_new(RING_BYTES);
  self->recorder = recorder_new(self->ring, NULL);
  for (guint i = 0; i < self->n_calls; i++) {
    Call *call = &self->calls[i];
    g_snprintf(call->session, sizeof call->session, "s%u", i);
    call->people = MIN(PEOPLE, participants - i * PEOPLE);
    call->sealed = g_array_new(FALSE, FALSE, sizeof(guint64));
    const VaultRecording recording = {.session = call->session,
                                      .request = 1,
                                      .on_withdrawal = VAULT_SCOPE_SESSION,
                                      .retention_s = 86400,
                                      .disclosure = DISCLOSURE,
                                      .sha256 = DISCLOSURE_HASH,
                                      .asker = "p0"};
    self->waiting_for++;
    vault_recording_new(self->vault, &recording, on_asked, self);
  }
  wait_for_all(self);
  return self;
}

static void on_committed(const VaultReply *reply, gpointer user) {
  Recgate *self = user;
  self->waiting_for--;
  self->committed += reply->error == NULL;
  self->failed += reply->error != NULL;
}

/* Everybody's heartbeats have come: what was sealed before becomes permanent. */
static void confirm(Recgate *self, Call *call) {
  for (guint i = 0; i < call->sealed->len; i++) {
    json_t *confirmed = json_array();
    for (guint of = 0; of < call->people; of++)
      json_array_append_new(confirmed, json_pack("{s:s, s:I, s:I}", "participant", of == 0 ? "p0" : "p1", "n", (json_int_t)1000000,
                                                 "before_us", (json_int_t)boot_us()));
    self->waiting_for++;
    vault_commit(self->vault, g_array_index(call->sealed, guint64, i), confirmed, on_committed, self);
  }
  g_array_set_size(call->sealed, 0);
}

static gboolean on_heartbeat(gpointer user) {
  Recgate *self = user;
  confirm(self, &self->calls[self->turn++ % self->n_calls]);
  return G_SOURCE_CONTINUE;
}

static void on_ready(const GError *error, gpointer user) {
  g_assert_no_error(error);
  ((Recgate *)user)->waiting_for--;
}

static void on_keyframe(guint32 number, guint32 ssrc, gpointer user) {
  (void)number, (void)ssrc, (void)user; /* the clip has its own */
}

/* of the feeding thread's packets and the recorder's tracks alike */
static guint32 track_number(guint participant, ClipTrack track) {
  return participant * CLIP_TRACKS + track + 1;
}

static void open_call(Recgate *self, guint number) {
  static const guint8 consent_set[32] = {1};
  Call *call = &self->calls[number];
  RecorderTrack tracks[PEOPLE * CLIP_TRACKS] = {0};
  for (guint i = 0; i < call->people * CLIP_TRACKS; i++) {
    const ClipTrack track = i % CLIP_TRACKS;
    const gboolean video = track == CLIP_VIDEO;
    tracks[i] = (RecorderTrack){.number = track_number(number * PEOPLE + i / CLIP_TRACKS, track),
                                .participant = i < CLIP_TRACKS ? "p0" : "p1",
                                .track = video ? "1" : "0",
                                .medium = video ? "video" : "audio",
                                .codec = video ? "vp8" : "opus",
                                .pt = video ? SHAPE_VIDEO_PT : SHAPE_AUDIO_PT,
                                .clock_rate = video ? 90000 : 48000,
                                .keyframe = video ? on_keyframe : NULL};
  }
  call->vault_take = vault_take_new(self->vault, call->session, 1, 1, consent_set);
  const RecorderTake take = {.vault_take = call->vault_take,
                             .take = 1,
                             .session = call->session,
                             .segment_us = SEGMENT_US,
                             .tracks = tracks,
                             .n_tracks = call->people * CLIP_TRACKS};
  self->waiting_for++;
  recorder_open(self->recorder, &take, on_ready, self);
}

static void recgate_open(gpointer data) {
  Recgate *self = data;
  for (guint i = 0; i < self->n_calls; i++)
    open_call(self, i);
  wait_for_all(self);
  for (guint i = 0; i < self->n_calls; i++)
    tap_gate_permit(&self->calls[i].gate, 1, 0, boot_us() + NO_LIMIT_US);
  self->heart = g_timeout_add(HEARTBEAT_MS / self->n_calls, on_heartbeat, self);
}

static void recgate_push(gpointer data, guint participant, ClipTrack track, const guint8 *packet, gsize n) {
  Recgate *self = data;
  if (self->now_us == 0)
    self->now_us = boot_us(); /* once a batch */
  const guint32 take = tap_admit(&self->calls[participant / PEOPLE].gate, self->now_us, self->now_us);
  const TapRecord record = {.type = TAP_RECORD_RTP,
                            .take = take,
                            .track = track_number(participant, track),
                            .arrival_us = self->now_us,
                            .ssrc = 2 * participant + 1 + track,
                            .n_bytes = (guint32)n};
  self->refused += take == 0;
  self->overrun += take != 0 && !tap_ring_push(self->ring, &record, packet);
}

static void recgate_flush(gpointer data) {
  Recgate *self = data;
  self->now_us = 0;
  tap_ring_wake(self->ring);
}

static void on_closed(gpointer user) {
  ((Recgate *)user)->waiting_for--;
}

static RecorderStats end_all(Recgate *self) {
  for (guint i = 0; i < self->n_calls; i++) {
    self->waiting_for++;
    tap_gate_revoke(&self->calls[i].gate);
    recorder_close(self->recorder, self->calls[i].session, 1, FALSE, on_closed, self);
  }
  wait_for_all(self);
  const RecorderStats stats = recorder_stats(self->recorder);
  while (self->sealed < stats.segments && self->failed == 0)
    g_main_context_iteration(NULL, TRUE);
  for (guint i = 0; i < self->n_calls; i++)
    confirm(self, &self->calls[i]);
  wait_for_all(self);
  g_source_remove(self->heart);
  return stats;
}

static gboolean on_piece(const guint8 *bytes, gsize n, gpointer user) {
  return fwrite(bytes, 1, n, user) == n;
}

/* As files that can be played: {"exported": participants, "export_cpu_us", "file": the first of them}. */
static void export_some(Recgate *self, json_t *answer) {
  g_autoptr(GError) error = NULL;
  g_autoptr(VaultReader) reader = vault_reader_open(self->data, self->vault, &error);
  g_assert_no_error(error);
  const guint n = MIN(self->participants, EXPORTS_MAX);
  const gint64 from_us = shape_cpu_us();
  for (guint i = 0; i < n; i++) {
    g_autofree char *path = g_strdup_printf("%s/recgate-%u.webm", self->dir, i);
    FILE *file = fopen(path, "wb");
    g_assert_nonnull(file);
    if (!export_run(reader, self->calls[i / PEOPLE].session, i % PEOPLE == 0 ? "p0" : "p1", 0, on_piece, file, NULL, &error))
      g_error("export: %s", error->message);
    fclose(file);
    if (i == 0)
      json_object_set_new(answer, "file", json_string(path));
  }
  json_object_set_new(answer, "export_cpu_us", json_integer(shape_cpu_us() - from_us));
  json_object_set_new(answer, "exported", json_integer(n));
}

static void recgate_free(Recgate *self) {
  recorder_free(self->recorder);
  tap_ring_free(self->ring);
  for (guint i = 0; i < self->n_calls; i++) {
    vault_take_unref(self->calls[i].vault_take);
    g_array_unref(self->calls[i].sealed);
  }
  vault_free(self->vault);
  g_free(self->calls);
  g_free(self->data);
  g_free(self->dir);
  g_free(self);
}

static json_t *recgate_finish(gpointer data, guint64 pushed) {
  Recgate *self = data;
  const RecorderStats stats = end_all(self);
  if (stats.packets != pushed || stats.lost != 0 || self->overrun + self->refused + self->failed != 0 || self->committed != stats.segments)
    g_error("recgate: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " packets, %" G_GUINT64_FORMAT " lost, %" G_GUINT64_FORMAT
            " overrun; %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " segments committed",
            stats.packets, pushed, stats.lost, self->overrun, self->committed, stats.segments);
  json_t *answer = json_pack("{s:I}", "segments", (json_int_t)stats.segments);
  export_some(self, answer);
  recgate_free(self);
  return answer;
}

const Shape shape_recgate = {"recgate", recgate_start, recgate_open, recgate_push, recgate_flush, recgate_finish};
