/* SPDX-License-Identifier: Apache-2.0 */
/* A bench for branches: real media of one codec into a branch, its segments kept in memory.
 *
 * Threads: the test's; time is what the test says. */
#ifndef RECGATE_TESTS_BRANCH_BENCH_H
#define RECGATE_TESTS_BRANCH_BENCH_H

#include "pipelines/recording/branch.h"
#include "tests/recording/media.h"

#define S ((gint64)G_USEC_PER_SEC)

typedef struct Kept {
  GByteArray *bytes;
  gboolean continues;
  gint64 start_us, end_us;
} Kept;

typedef struct Bench {
  Media media;
  RecorderTrack track;
  TimelineClock clock;
  Branch *branch;
  GArray *kept; /* Kept */
  GByteArray *open;
  gboolean continues, refuse, ignore_requests;
  guint requests, discarded;
  guint32 asked;       /* bits: SSRC % 32 of the sources that a keyframe was asked of */
  gsize written_bytes;
  gint64 now_us, last_arrival_us;
} Bench;

/* codec: "opus", "vp8", "vp9", "h264". Keyframes are made when asked for. */
void bench_open(Bench *bench, const char *codec);
/* Several encodings, which the test makes and sends itself. */
void bench_open_simulcast(Bench *bench, const char *codec);
void bench_close(Bench *bench);
void deliver(Bench *bench, GBytes *packet, gint64 arrival_us);
/* One frame, its packets in order. */
void send_frame(Bench *bench);
void send_frames(Bench *bench, guint n);
/* All segments as one file: the header once, then clusters. */
char *write_joined(Bench *bench);
/* Each that does not continue another plays alone; so many frames are in those. */
void assert_each_plays(Bench *bench, guint frames);

#endif
