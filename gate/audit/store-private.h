/* SPDX-License-Identifier: Apache-2.0 */
/* What store.c, store-segment.c and store-keys.c share. Nobody else includes it.
 *
 * Threads: the audit's one thread. */
#ifndef RECGATE_AUDIT_STORE_PRIVATE_H
#define RECGATE_AUDIT_STORE_PRIVATE_H

#include "gate/audit/store.h"

#define STORE_PAGE_ROWS 512
#define STORE_NAME_BYTES 32

struct Store {
  Source *source;
  sqlite3_stmt *row, *salt; /* kept prepared: asked once for each segment */
  const History *history;
  GArray *suspects;      /* guint64: segments */
  GPtrArray *strangers;  /* names of files that are none of ours */
  GHashTable *holders;   /* "recording/participant" -> Holder */
  char *last_holder;     /* the one looked up last */
  guint64 files, bytes;  /* whose content was compared */
  guint64 by_numbers;    /* of them: ids whose salts are erased (R23) */
  guint64 unfinished;    /* files of segments that were never kept: their keys were in memory alone (R17) */
  guint64 erasing;       /* erased, and the daemon has not tidied up yet: no key opens them */
  guint64 interrupted;   /* erases that the next start completes (R13) */
  guint64 keys;
  gboolean no_keys;      /* there is no key file here */
};

void store_file_name(guint64 id, gboolean part, char name[STORE_NAME_BYTES]);
gboolean store_file_is_there(const Store *store, const char *name);

/* store-segment.c: everything about one segment. *what is NULL when all is well, else g_free it; name: the file it is about. */
gboolean store_segment(Store *store, guint64 id, gboolean count, char **what, char name[STORE_NAME_BYTES], GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* store-keys.c */
gboolean store_keys(Store *store, Findings *findings, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
