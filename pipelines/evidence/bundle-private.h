/* SPDX-License-Identifier: Apache-2.0 */
/* What making and checking a bundle share. Nothing outside pipelines/evidence includes this.
 *
 * Threads: any. */
#ifndef RECGATE_EVIDENCE_BUNDLE_PRIVATE_H
#define RECGATE_EVIDENCE_BUNDLE_PRIVATE_H

#include <jansson.h>

#include "gate/ledger/commitment.h"

#define BUNDLE_SCHEMA     "recgate-evidence-1"
#define BUNDLE_PURPOSE    "recgate evidence 1\n"
#define BUNDLE_MANIFEST   "manifest.json"
#define BUNDLE_SESSION    "session.json"
#define BUNDLE_SEGMENTS   "segments.json"
#define BUNDLE_LEAVES     "leaves.jsonl"
#define BUNDLE_SALTS      "salts.json"
#define BUNDLE_CHECKPOINT "checkpoint.txt"
#define BUNDLE_KEY        "key.txt"

/* FALSE: salt is no salt in base64, such as the null of one that was erased. */
gboolean bundle_commitment(const json_t *salt, const char *kind, const char *text, char commitment[COMMITMENT_TEXT_BYTES]);
/* Appends what is signed of a manifest; FALSE and error where it has no canonical form. */
gboolean bundle_signed_text(const json_t *manifest, GString *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
char *bundle_time(gint64 wall_ms); /* RFC 3339, UTC; g_free it */

#endif
