/* SPDX-License-Identifier: Apache-2.0 */
/* Another copy of a log, read leaf by leaf: a vault.db, or tiles as served by HTTP (c2sp.org/tlog-tiles).
 *
 * Threads: one. Nothing in it is believed before its checkpoint's root was computed from its leaves. */
#ifndef RECGATE_VAULT_NEWER_LOG_H
#define RECGATE_VAULT_NEWER_LOG_H

#include "gate/ledger/note.h"

typedef struct NewerLog NewerLog;

NewerLog *newer_log_open(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void newer_log_free(NewerLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NewerLog, newer_log_free)
const char *newer_log_checkpoint(const NewerLog *log); /* the note, as it was found */
/* Cheapest in order; `size` is the checkpoint's. *text is valid until the next call. */
gboolean newer_log_leaf(NewerLog *log, guint64 index, guint64 size, const char **text, gsize *n, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
