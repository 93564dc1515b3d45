/* SPDX-License-Identifier: Apache-2.0 */
/* The log itself: every leaf's hash, every tile's root, the checkpoint, and what was saved earlier. With hashing of its own (RFC 6962, RFC 9162).
 *
 * Threads: the audit's one thread. */
#ifndef RECGATE_AUDIT_LOG_H
#define RECGATE_AUDIT_LOG_H

#include "gate/audit/findings.h"
#include "gate/audit/source.h"

typedef struct Log Log;

/* verifier: borrowed. saved, tiles: of AuditOptions. AUDIT_ERROR_INPUT: a file that holds no checkpoint, or one that somebody else signed. */
Log *log_new(const LedgerVerifier *verifier, const char *const *saved, const char *tiles, Findings *findings, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void log_free(Log *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Log, log_free)

typedef void (*LogLeaf)(guint64 index, const char *text, gsize n, gpointer user);
typedef struct LogReading {
  const Source *source;
  LogLeaf leaf; /* each leaf that is in its place and matches its hash */
  void (*progress)(const char *what, guint64 done, guint64 all, gpointer user);
  gpointer user, progress_user;
} LogReading;

/* Goes on from where it stood to the newest checkpoint. TRUE: read; what is wrong is in findings, and then nothing follows it (log_is_sound).
 * FALSE: the store does not answer. */
gboolean log_read(Log *log, const LogReading *reading, Findings *findings, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean log_is_sound(const Log *log);
/* What was saved earlier and lies beyond the end; once, when nothing more is read. */
void log_conclude(Log *log, Findings *findings);
guint64 log_size(const Log *log);
json_t *log_json(const Log *log);   /* {leaves, root, checkpoint_size} */
json_t *log_against(const Log *log); /* [{file, size, holds}] */

#endif
