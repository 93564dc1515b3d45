/* SPDX-License-Identifier: Apache-2.0 */
/* A participant's own signature under a grant: the client module's WebCrypto key, over what was agreed to and the DTLS fingerprints of its media.
 *
 * Threads: any thread. Pure. Used by the gate before it records a grant, and by whoever checks a receipt. */
#ifndef RECGATE_PARTICIPANT_SIGNATURE_H
#define RECGATE_PARTICIPANT_SIGNATURE_H

#include <glib.h>
#include <jansson.h>

#define PARTICIPANT_FINGERPRINTS_MAX 16 /* one connection a pair, four people; a few that are just being replaced */

#define PARTICIPANT_SIGNATURE_ERROR (participant_signature_error_quark())
GQuark participant_signature_error_quark(void);

typedef struct GrantStatement { /* what is signed, beside `decision` "grant" and `fingerprints`: canonical JSON (RFC 8785) of them all */
  const char *session, *participant, *request /* decimal */, *disclosure_sha256, *media;
} GrantStatement;

/* Of {"alg": "ES256" | "Ed25519", "public_key": JWK, "value": base64, "fingerprints": ["sha-256 AB:…"]} a copy with these fields alone;
 * ES256's value is r || s (RFC 7518 section 3.4). NULL: malformed, or it does not hold. New reference. */
json_t *participant_signature_open(const json_t *signature, const GrantStatement *statement, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
