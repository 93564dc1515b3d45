/* SPDX-License-Identifier: Apache-2.0 */
/* summary.html: the bundle as a page that a person can read, without scripts or anything from elsewhere; English or Spanish.
 *
 * Threads: any, no state. */
#ifndef RECGATE_EVIDENCE_SUMMARY_H
#define RECGATE_EVIDENCE_SUMMARY_H

#include <glib.h>
#include <jansson.h>

typedef struct SummaryFacts {
  const char *session, *made_at;
  const char *kind, *report;              /* of the report that it was made for; NULL: none */
  const json_t *state, *segments, *reports; /* as vault_reader_session, …_segments, …_reports give them */
  const char *checkpoint, *verifier;
  guint64 leaves, size;                   /* the session's; the whole log's */
} SummaryFacts;

/* The page; g_free it. Its language is that of the newest request's disclosure. */
char *summary_page(const SummaryFacts *facts);

typedef struct SummaryWords { /* summary-words.c */
  const char *language, *title_violation, *title_dispute, *title_evidence, *session, *made, *intro, *confidential;
  const char *people, *id, *name, *role, *joined, *left, *reason, *nobody;
  const char *consents, *request, *answer, *media, *when, *none;
  const char *requests, *purpose, *retention, *on_withdrawal, *asker;
  const char *gate, *open, *closed, *take;
  const char *segments, *medium, *state, *count, *bytes, *no_media;
  const char *purges, *scope, *by, *reports, *kind, *proof, *proof_text, *checkpoint, *key, *check;
} SummaryWords;
/* BCP 47 tag; English for what is not there. */
const SummaryWords *summary_words(const char *language);

#endif
