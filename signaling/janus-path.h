/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of Janus's HTTP API: /janus, /janus/SESSION, /janus/SESSION/HANDLE and /janus/info.
 *
 * Threads: any, no state. */
#ifndef RECGATE_JANUS_PATH_H
#define RECGATE_JANUS_PATH_H

#include "signaling/janus-message.h"

typedef enum JanusPathKind {
  JANUS_PATH_NONE = 0, /* no such address */
  JANUS_PATH_SERVER,
  JANUS_PATH_INFO,
  JANUS_PATH_SESSION,
  JANUS_PATH_HANDLE,
} JanusPathKind;

typedef struct JanusPath {
  JanusPathKind kind;
  guint64 session, handle; /* 1 to G_MAXINT64, JSON's integers here; 0: none is named */
} JanusPath;

/* rest: what follows /janus: "" or from its slash on. */
JanusPath janus_path_read(const char *rest);
/* Puts the ids of the address into a request that names none. FALSE: it names others. */
gboolean janus_path_apply(const JanusPath *path, json_t *message, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
