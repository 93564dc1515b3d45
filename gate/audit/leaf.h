/* SPDX-License-Identifier: Apache-2.0 */
/* One leaf of the log as the audit reads it: the format of docs/verify.md.
 *
 * Threads: any thread. Texts are views into the leaf's own text. */
#ifndef RECGATE_AUDIT_LEAF_H
#define RECGATE_AUDIT_LEAF_H

#include "gate/audit/scan.h"

typedef struct Leaf {
  guint64 index;
  ScanText type, session, participant, reason, asker, role, scope, on_withdrawal, track, medium, sha256, consent_set, disclosure_sha256, by;
  ScanText media, roster, confirmed, segments, recordings; /* JSON of any shape, quotes included */
  gint64 at, t, request, take, segment, seq, start, end, first_us, last_us, bytes, absent_ms; /* -1: not there */
  gboolean continues, discard, cannot_consent, sfu;
} Leaf;

/* FALSE: not a leaf in canonical JSON with "type" and "at". A field of another kind than here counts as not there. */
gboolean leaf_read(Leaf *leaf, guint64 index, const char *text, gsize n) G_GNUC_WARN_UNUSED_RESULT;

#endif
