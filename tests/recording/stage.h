/* SPDX-License-Identifier: Apache-2.0 */
/* A stage: a real recorder on a real ring and a real vault in a temporary directory, and senders of real media in simulated time.
 *
 * Threads: the test's, which plays control and media worker; arrival times run ahead of the clock, nothing sleeps for them. */
#ifndef RECGATE_TESTS_STAGE_H
#define RECGATE_TESTS_STAGE_H

#include "pipelines/recording/export.h"
#include "pipelines/recording/recorder.h"
#include "tests/recording/media.h"

#define STAGE_TRACKS_MAX 8

typedef struct StageTrack {
  Media media;
  RecorderTrack track;
  gint64 transit_us, jitter_us; /* each frame takes transit and up to jitter */
  gboolean muted;
  _Atomic gboolean keyframe_wanted;
  guint sent;                   /* frames, since the first keyframe of this take */
  gint64 reported_us;
} StageTrack;

typedef struct Stage {
  char *dir;
  Vault *vault;
  TapRing *ring;
  Recorder *recorder;
  VaultTake *vault_take;
  guint32 take;
  StageTrack tracks[STAGE_TRACKS_MAX];
  guint n_tracks;
  gint64 zero_us;               /* boot clock of media time 0 */
  gint64 at_us;                 /* media time reached */
  guint64 pushed;
  gboolean ready, closed, committed, failed;
  GArray *sealed;               /* guint64 segment */
  gint64 last_end_us;
  gint64 last_arrival_us;
} Stage;

void stage_init(Stage *stage);
void stage_clear(Stage *stage);
/* Adds a sender before the first take; of VP8 or, width 0, Opus. */
StageTrack *stage_add(Stage *stage, const char *participant, gint width);
/* Between takes: this sender's pictures are of another codec from now on. */
void stage_change_codec(StageTrack *own, const char *codec);
void stage_open(Stage *stage, guint32 take);
/* Sends for so long; senders of one participant share a clock, their RTP times have random offsets. */
void stage_play(Stage *stage, gint64 us);
void stage_close(Stage *stage, gboolean discard);
/* Commits everything that was sealed. */
void stage_commit(Stage *stage);
/* The recording of a participant as a file in the stage's directory; free the path. */
char *stage_export(Stage *stage, const char *participant);
/* Runs the control context until *flag. */
void stage_wait(const gboolean *flag);
/* Until the recorder has seen all that was pushed. */
void stage_settle(Stage *stage);

#endif
