/* SPDX-License-Identifier: Apache-2.0 */
/* What answers have in common, on a socket and in writing: how they are read, and why one is refused.
 *
 * Threads: any, no state. */
#ifndef RECGATE_ANSWER_H
#define RECGATE_ANSWER_H

#include "gate/consent/consent.h"
#include <glib.h>
#include <jansson.h>

/* "media": a list of audio, video or both; NULL: both (R16). FALSE: something else. */
gboolean answer_parse_media(const json_t *list, ConsentMedia *media);
/* 64 hexadecimal digits. */
gboolean answer_parse_sha256(const char *hex, guint8 hash[32]);
/* The number of the request that an object names in "request", a string or a number; 0: none. */
guint64 answer_request_number(const json_t *object);
/* A sentence for a person; the code is consent_result_text. */
const char *answer_refusal_text(ConsentResult result);

#endif
