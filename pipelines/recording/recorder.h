/* SPDX-License-Identifier: Apache-2.0 */
/* A recorder: one thread that owns the branches of open takes, fed by one worker's TapRing, writing segments into the vault.
 *
 * Threads: recorder_* control thread; replies run in the control GMainContext. keyframe is called on the recorder's thread.
 * A branch: reorder -> timestamps -> gst_pad_push into rtp*depay -> matroskamux of that one track -> segmentsink (DESIGN.md, Recording). No GStreamer thread.
 * Rules: R9 (nothing before the gate opened), R11 (nothing after it closed), R16, R17. */
#ifndef RECGATE_RECORDER_H
#define RECGATE_RECORDER_H

#include "gate/vault/vault.h"
#include "pipelines/relay/tap.h"

typedef struct Recorder Recorder;

typedef struct RecorderTrack {
  guint32 number;            /* TapRecord.track */
  const char *participant;   /* id; tracks of one participant share a clock (sender reports align them) */
  const char *track;         /* mid */
  const char *medium, *codec;/* "audio" "opus" | "video" "vp8" (codec.h) */
  guint8 pt, red_pt;         /* packets of other payload types only fill the sequence */
  guint64 pts[2];            /* bits: more payload types of this codec, which the sender may use as well (H.264's profiles and modes) */
  guint8 ulpfec_pt;
  gboolean simulcast;        /* several encodings come as this track: one is recorded at a time (layers.h) */
  guint32 clock_rate;
  void (*keyframe)(guint32 number, guint32 ssrc, gpointer user); /* ask for one of this source, 0: of all; NULL for audio */
  gpointer keyframe_user;
} RecorderTrack;

typedef struct RecorderTake {
  VaultTake *vault_take;     /* referenced by the recorder while open */
  guint32 take;              /* TapRecord.take */
  const char *session;
  gint64 segment_us;         /* R: [recording] segment_s */
  const RecorderTrack *tracks;
  gsize n_tracks;
} RecorderTake;

typedef struct RecorderStats { guint takes, branches; guint64 packets, dropped_stale, lost, keyframes_asked, segments; } RecorderStats;

Recorder *recorder_new(TapRing *ring, GMainContext *control);
void recorder_free(Recorder *recorder); /* discards open takes */

/* Attaches the branches. `ready` (control): from now on records of this take are taken. error NULL: attached. Publish the permit only then.
 * (session, take) identifies a take; TapRecord.track numbers are unique in the process. */
void recorder_open(Recorder *recorder, const RecorderTake *take, void (*ready)(const GError *error, gpointer user), gpointer user);
/* discard FALSE: drains what was admitted, ends the streams, seals the last segments. TRUE: throws away everything in flight.
 * `closed` (control): all branches of this take are gone; no byte of it comes after (R9: within 500 ms, or after its final write). */
void recorder_close(Recorder *recorder, const char *session, guint32 take, gboolean discard, void (*closed)(gpointer user), gpointer user);
RecorderStats recorder_stats(Recorder *recorder);

#endif
