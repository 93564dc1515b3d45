/* SPDX-License-Identifier: Apache-2.0 */
/* A take on its recorder: the branches of every participant's tracks, writing into one VaultTake.
 *
 * Threads: the recorder's, except take_new (any), take_mark_dead (any) and the reference count (any).
 * Rules: R9, R11 (nothing reaches the vault after the dead flag), R16, R17. */
#ifndef RECGATE_TAKE_H
#define RECGATE_TAKE_H

#include "pipelines/recording/branch.h"

#define TAKE_FIRST_ASK_US (200 * 1000) /* without any packet a keyframe is asked for this long after attaching: the permit is published by then */

typedef struct Take Take;

/* Copies what it is told; references the vault's take. Nothing is attached yet. */
Take *take_new(const RecorderTake *config);
Take *take_ref(Take *take);
void take_unref(Take *take); /* the last reference must not be dropped while attached */
gboolean take_matches(const Take *take, const char *session, guint32 number);

gboolean take_attach(Take *take, gint64 now_us, GError **error) G_GNUC_WARN_UNUSED_RESULT;
guint32 take_number(const Take *take);
gsize take_n_tracks(const Take *take);
guint32 take_track_number(const Take *take, gsize i); /* RecorderTrack.number */
void take_record(Take *take, const TapRecord *record, const guint8 *bytes);
void take_advance(Take *take, gint64 now_us);
/* The dead flag: from now on nothing of it reaches the vault. */
void take_mark_dead(Take *take);
/* Ends or throws away; afterwards no branch is attached. Sums up into *stats. */
void take_detach(Take *take, gboolean discard);
/* Adds packets, lost, keyframes_asked, segments and branches of what is or was attached. */
void take_add_stats(const Take *take, RecorderStats *stats);

#endif
