/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's own words in a disclosure and a letter, by language (R1).
 *
 * Threads: any, constant. */
#ifndef RECGATE_LETTER_WORDS_H
#define RECGATE_LETTER_WORDS_H

#include "gate/consent/consent-event.h"
#include <glib.h>

#define LETTER_PURPOSES 4
#define LETTER_UNITS 5

typedef struct LetterWords {
  const char *language;                                 /* primary subtag of BCP 47 */
  const char *purposes[LETTER_PURPOSES];                /* in the order of letter_purposes */
  const char *withdrawing, *withdrawing_more;           /* what stands before and after the scope's sentence (R12) */
  const char *scopes[CONSENT_SCOPE_SESSION + 1];
  const char *hold, *echo;                              /* R19; R1 */
  const char *rights;                                   /* R4, R6: no, withdrawing, and how */
  const char *nobody;
  struct { const char *one, *many; } units[LETTER_UNITS]; /* year, day, hour, minute, second */
} LetterWords;

/* "personal-review", "education", "documentation", "other", NULL */
extern const char *const letter_purposes[LETTER_PURPOSES + 1];

/* The tag's primary subtag decides, in any case; English where there are no words, and then *known is FALSE (NULL allowed). Never NULL. */
const LetterWords *letter_words(const char *tag, gboolean *known);
/* The primary subtag in lower case; g_free it. */
char *letter_language(const char *tag);

#endif
