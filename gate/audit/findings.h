/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong, and where: in the order in which it was found.
 *
 * Threads: the audit's one thread. */
#ifndef RECGATE_AUDIT_FINDINGS_H
#define RECGATE_AUDIT_FINDINGS_H

#include <glib.h>
#include <jansson.h>

typedef struct Findings {
  json_t *list; /* at most AUDIT_FINDINGS_MAX */
  guint64 total;
} Findings;

typedef struct FindingPlace {
  gint64 leaf;      /* -1: none */
  guint64 segment;  /* 0: none */
  const char *file; /* relative to the data directory; NULL: none */
} FindingPlace;

#define AT_LEAF(index) (&(const FindingPlace){.leaf = (gint64)(index)})

void findings_init(Findings *findings);
void findings_clear(Findings *findings);
/* rule: of CONSENT.md, "R22"; or what else does not hold: "log", "store". Always FALSE. */
gboolean findings_add(Findings *findings, const FindingPlace *place, const char *rule, const char *format, ...) G_GNUC_PRINTF(4, 5);
/* Behind what is there. `more` is empty afterwards. */
void findings_append(Findings *findings, Findings *more);

#endif
