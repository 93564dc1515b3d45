/* SPDX-License-Identifier: Apache-2.0 */
/* What the gate itself says in a disclosure, in the languages it speaks (R1).
 *
 * Threads: any, no state. */
#ifndef RECGATE_DISCLOSURE_WORDS_H
#define RECGATE_DISCLOSURE_WORDS_H

#include "gate/consent/consent.h"
#include <glib.h>

typedef struct DisclosureWords {
  const char *withdrawing; /* before what is erased */
  const char *erases[CONSENT_SCOPE_SESSION + 1]; /* by ConsentScope */
  const char *asking_more; /* after it */
  const char *statements[3]; /* NULL ends them */
} DisclosureWords;

/* Those of the disclosure's language, a BCP 47 tag such as es-MX; English where the gate does not speak it. Never NULL. */
const DisclosureWords *disclosure_words(const char *language);

#endif
