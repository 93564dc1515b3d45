/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept against what the log says is kept: rows, files, keys (R17, R18, R22).
 *
 * Threads: the audit's one thread. Beside a running daemon rows and files are younger than the leaves that were read: what does not fit is
 * only suspected by store_look, and judged by store_judge after the younger leaves were read too. */
#ifndef RECGATE_AUDIT_STORE_H
#define RECGATE_AUDIT_STORE_H

#include "gate/audit/history.h"
#include "gate/audit/source.h"

typedef struct Store Store;

Store *store_new(Source *source, const History *history);
void store_free(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_free)

/* All of it; the history must have been concluded. FALSE: the disk does not answer. */
gboolean store_look(Store *store, void (*progress)(const char *what, guint64 done, guint64 all, gpointer user), gpointer user, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
gboolean store_suspects(const Store *store);
/* What is suspected, once more, and the keys. */
gboolean store_judge(Store *store, Findings *findings, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* {files, bytes, by_numbers, unfinished, erasing, interrupted, keys} */
json_t *store_json(const Store *store);

#endif
