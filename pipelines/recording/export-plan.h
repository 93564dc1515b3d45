/* SPDX-License-Identifier: Apache-2.0 */
/* Export plan: which kept segments of a participant make which lane of the file, and when.
 *
 * Threads: any, no state. A lane is one track of the file: a participant's track in every take that has it, takes end to end. */
#ifndef RECGATE_EXPORT_PLAN_H
#define RECGATE_EXPORT_PLAN_H

#include <gio/gio.h>
#include <jansson.h>

#include "pipelines/recording/codec.h"
#include "pipelines/recording/export.h"

#define EXPORT_LANES_MAX 8        /* tracks in one file; a call page sends two, with screen sharing four */
#define EXPORT_TAKE_GAP_MS 250    /* between takes: longer than the jitter by which arrival and media time differ */

typedef struct ExportStretch { /* one track of one take */
  guint take;                  /* index into takes */
  guint lane;
  const Codec *codec;          /* one lane may have several in turn; a track of a file has one */
  GArray *segments;            /* guint64, in order; none that cannot be decoded for what is missing before it */
} ExportStretch;

typedef struct ExportTake { guint32 number; gint64 start_ms, end_ms, offset_ms; /* offset_ms: in the file */ } ExportTake;

typedef struct ExportPlan {
  GArray *takes;        /* ExportTake, in order */
  GPtrArray *stretches; /* ExportStretch, by take, one a lane */
  guint n_lanes;
  gboolean video[EXPORT_LANES_MAX];
  gint64 duration_ms;
} ExportPlan;

/* segments: the listing of GET /v1/sessions/{sid}/segments. EXPORT_ERROR_NOTHING_KEPT when nothing of it is this participant's,
 * EXPORT_ERROR_MEDIA when one take has more tracks than there are lanes: a file without one of them would look whole. */
ExportPlan *export_plan_new(json_t *segments, const char *participant, const ExportRange *range, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* FALSE: H.264 is in it, which only a Matroska may hold. */
gboolean export_plan_is_webm(const ExportPlan *plan);
void export_plan_free(ExportPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportPlan, export_plan_free)

#endif
