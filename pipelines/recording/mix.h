/* SPDX-License-Identifier: Apache-2.0 */
/* Mix: everybody's kept tracks side by side in one WebM, all voices mixed, made offline with GStreamer.
 *
 * Threads: mix_run on a thread of its own (it blocks); cancel from any thread. The encoders have threads while it runs.
 * Takes follow each other end to end. In a take, people stand to each other as their media arrived; a person's sound and picture as they sent them. Who sends
 * no picture (muted, absent, erased) has a dark tile. What does not read or decode is left out, and all the rest is there. */
#ifndef RECGATE_MIX_H
#define RECGATE_MIX_H

#include "pipelines/recording/export.h"

#define MIX_LANES_MAX 64 /* tracks: twelve people with camera, microphone and a shared screen are 36; each has a decoder */

/* take: 0 for all. Errors as export_run; EXPORT_ERROR_MEDIA for more than MIX_LANES_MAX tracks, and when nothing reads. */
gboolean mix_run(VaultReader *reader, const char *session, guint32 take, ExportSink sink, gpointer user, GCancellable *cancel, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
