/* SPDX-License-Identifier: Apache-2.0 */
/* What happened, replayed from the leaves: sessions, people, requests, takes, segments. People and sessions are opaque ids (commitments, R23).
 * Each leaf is judged when it comes, by the rules of CONSENT.md as they read there; gate/consent has no part in it.
 *
 * Threads: the audit's one thread. Times `t` are of the boot clock and compared within one take only; wall clocks decide nothing. */
#ifndef RECGATE_AUDIT_HISTORY_H
#define RECGATE_AUDIT_HISTORY_H

#include "gate/audit/findings.h"
#include "gate/audit/leaf.h"

typedef struct History History;
typedef struct Take Take;
typedef struct Track Track;
typedef struct Holder Holder;

typedef struct Kept { /* a segment that was committed; small: there may be a million */
  guint64 id;
  guint64 leaf : 63;
  guint64 dropped : 1; /* undone after its commit: a withdrawal won (R11) */
  Track *track;
} Kept;

History *history_new(void);
void history_free(History *history);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(History, history_free)

/* Leaves in their order. */
void history_leaf(History *history, const Leaf *leaf, Findings *findings);
/* What can be said only at the end: holes, withdrawals without their erase. May be asked again after more leaves. */
void history_conclude(History *history, Findings *findings);

/* --- for the comparison with the store; after history_conclude --- */
guint history_segments(const History *history);
const Kept *history_segment(const History *history, guint place); /* by growing id */
const Kept *history_find(const History *history, guint64 id);     /* NULL: never committed */
gboolean history_is_kept(const Kept *segment);                    /* neither dropped nor purged */
Holder *history_holder(const Kept *segment);
gboolean history_holder_is_purged(const Holder *holder);

/* totals and session_list of audit.h. */
json_t *history_totals(const History *history);
json_t *history_sessions(const History *history);

#endif
