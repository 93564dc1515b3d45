/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence of one session as one sealed file, evidence.zip (R25): what an auditor can check without trusting us.
 *
 * Threads: bundle_make the reader's thread, which may block on disk; bundle_check any thread.
 * Files: session.json (roster, requests with their texts, consents, takes, gate history, purges), segments.json (the list, never media), reports.json,
 * leaves.jsonl (the session's own leaves, a line each: {"index", "leaf": its text, "proof": c2sp.org/tlog-proof}), salts.json (what opens the
 * commitments in them), checkpoint.txt (c2sp.org/tlog-checkpoint), key.txt (the verifier key), summary.html, manifest.json.
 * manifest.json: {"schema", "session", "title", "made_at", "leaves", "report"?, "verifier", "files": {name: {"bytes", "sha256"}}, "signature"}: Ed25519 by
 * the log's key over "recgate evidence 1\n" and the JCS (RFC 8785) of it without "signature", base64. Salts open the leaves of this one session to
 * whoever holds the file: it is as confidential as the names in it. */
#ifndef RECGATE_EVIDENCE_BUNDLE_H
#define RECGATE_EVIDENCE_BUNDLE_H

#include <gio/gio.h>

#include "gate/vault/vault-reports.h"

#define BUNDLE_ERROR (bundle_error_quark())
GQuark bundle_error_quark(void);
typedef enum BundleError {
  BUNDLE_ERROR_ARCHIVE, /* not a zip of ours, or it cannot be made */
  BUNDLE_ERROR_ALTERED, /* what was checked does not hold; the message says what and where */
  BUNDLE_ERROR_KEY,     /* signed by another key than the one given */
} BundleError;

#define BUNDLE_BYTES_MAX (512 * 1024 * 1024) /* unpacked: 8 hours of 12 people are about 250 MB of leaves with proofs, 30 MB packed */

/* "Rule Violation Report" | "Session Dispute" | "Evidence": of a report's kind, NULL: none (R25). */
const char *bundle_title(const char *kind);

typedef struct BundleWish {
  const char *session, *report; /* report: the id of the one that it is made for, NULL: an auditor asked */
  GCancellable *cancel;         /* NULL allowed */
} BundleWish;
/* vault signs. VAULT_ERROR_NOT_FOUND for an unknown session, G_IO_ERROR_CANCELLED. */
GBytes *bundle_make(VaultReader *reader, const Vault *vault, const BundleWish *wish, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* {"participants", "requests", "takes", "segments"}: how many a bundle lists. NULL: it is none. */
json_t *bundle_counts(GBytes *bundle);

typedef struct BundleFacts { /* what a sound bundle says of itself */
  char *session, *title, *made_at, *verifier;
  guint64 leaves, size; /* the session's; the whole log's at that checkpoint */
  guint files;
  gboolean key_was_given; /* FALSE: checked against the key in the bundle itself, which proves only that it is whole */
} BundleFacts;
void bundle_facts_clear(BundleFacts *facts);

/* Offline: manifest and signature, every file's hash, nothing missing and nothing more; each leaf's proof under the one checkpoint, each leaf of this session,
 * and roster, consents, gate history and segments against the leaves that they follow. key: a verifier key as text, NULL: the one inside. */
gboolean bundle_check(const guint8 *bytes, gsize n, const char *key, BundleFacts *facts, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
