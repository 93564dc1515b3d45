/* SPDX-License-Identifier: Apache-2.0 */
/* The paths of c2sp.org/tlog-tiles, read strictly into numbers: no text of a request ever names a file (fault 18). Pure.
 *
 * Threads: any. */
#ifndef RECGATE_LOG_PATH_H
#define RECGATE_LOG_PATH_H

#include <glib.h>

#define LOG_PATH_LEVEL_MAX 63

typedef enum LogPathKind { LOG_PATH_NONE = 0, LOG_PATH_CHECKPOINT, LOG_PATH_KEY, LOG_PATH_TILE, LOG_PATH_ENTRIES, LOG_PATH_PROOF } LogPathKind;

typedef struct LogPath {
  LogPathKind kind;
  guint level, width; /* width: 1 to 256 */
  guint64 index;      /* of the tile, or of the leaf that a proof is of; G_MAXUINT64: beyond every log */
} LogPath;

/* rest: what follows /v1/log/. FALSE: *why says what is wrong with it (a constant sentence), *known whether it is an address of ours at all. */
gboolean log_path_parse(const char *rest, LogPath *path, const char **why, gboolean *known);

#endif
