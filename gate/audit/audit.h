/* SPDX-License-Identifier: Apache-2.0 */
/* Does what stands in a data directory keep the rules? An independent reading of CONSENT.md: it knows the format of the leaves and of the
 * files, and nothing of the code that decided (R21-R23).
 *
 * Threads: the caller's; may block on disk. Beside a running daemon it holds the database's read lock for one page of rows at a time, so that
 * an erase never waits for it, and what grew or was erased meanwhile is looked at again instead of reported.
 * It changes nothing, reads no media in clear and needs no key but the log's verifier key. */
#ifndef RECGATE_AUDIT_H
#define RECGATE_AUDIT_H

#include <glib.h>
#include <jansson.h>

#define AUDIT_ERROR (audit_error_quark())
GQuark audit_error_quark(void);
typedef enum AuditError {
  AUDIT_ERROR_INPUT, /* no data directory, not a key, not a checkpoint: nothing was judged */
  AUDIT_ERROR_STORE, /* the database or the disk does not answer */
} AuditError;

typedef struct AuditOptions {
  const char *data;               /* data directory */
  const char *key;                /* verifier key as `recgatectl key` prints it; NULL: that of DATA/ledger.key */
  const char *const *checkpoints; /* files that were saved earlier: a checkpoint, a tlog-proof, or JSON that holds one (a receipt); NULL-terminated, may be NULL */
  const char *tiles;              /* a directory with tiles that were saved earlier (tile/0/...); NULL: none */
  /* May be NULL. Called now and then: `done` of `all` `what` are through. */
  void (*progress)(const char *what, guint64 done, guint64 all, gpointer user);
  gpointer user;
} AuditOptions;

/* The verdict; NULL and error when nothing could be judged. A new reference:
 *   ok            what was checked holds
 *   findings      [{rule, what, leaf?, segment?, file?}], the first wrong thing first; at most AUDIT_FINDINGS_MAX; findings_total: how many in all
 *   log           {leaves, root, origin, key, checkpoint_size}; against [{file, size, holds}]
 *   totals        sessions, people, requests, takes, kept, purged, expired, dropped, bytes_kept, ...; session_list: at most AUDIT_SESSIONS_MAX
 *   checked, unchecked  sentences for a person */
json_t *audit_run(const AuditOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The verifier key of DATA/ledger.key; g_free it. */
char *audit_key(const char *data, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#define AUDIT_FINDINGS_MAX 100
#define AUDIT_SESSIONS_MAX 1000

#endif
