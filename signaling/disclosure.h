/* SPDX-License-Identifier: Apache-2.0 */
/* The disclosure of a request: checked, completed with what the gate adds, and hashed (R1, R3). As a letter: letter.h.
 *
 * Threads: any, no state. */
#ifndef RECGATE_DISCLOSURE_H
#define RECGATE_DISCLOSURE_H

#include "gate/consent/consent.h"
#include <glib.h>
#include <jansson.h>

#define DISCLOSURE_ERROR (disclosure_error_quark())
GQuark disclosure_error_quark(void);
typedef enum DisclosureError { DISCLOSURE_ERROR_MISSING, DISCLOSURE_ERROR_BAD } DisclosureError;

#define DISCLOSURE_TEXT_BYTES_MAX 2000           /* of one field */
#define DISCLOSURE_LIST_MAX 32                   /* names in access and third_parties */
#define DISCLOSURE_RETENTION_S_MAX (10LL * 366 * 24 * 3600)

typedef struct DisclosureContext { /* what the gate adds (R1) */
  const char *controller, *contact, *session, *requested_at;
  gint64 retention_s_max; /* 0: DISCLOSURE_RETENTION_S_MAX */
} DisclosureContext;

/* The complete disclosure, a new reference. NULL and an error that names the field otherwise. */
json_t *disclosure_complete(const json_t *given, const DisclosureContext *context, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Canonical JSON (RFC 8785) of it, and its SHA-256. g_free it. */
char *disclosure_canonical(const json_t *disclosure, guint8 hash[32], GError **error) G_GNUC_WARN_UNUSED_RESULT;
ConsentScope disclosure_on_withdrawal(const json_t *disclosure);
ConsentScope disclosure_scope_parse(const char *text); /* UNSET: unknown */
const char *disclosure_scope_text(ConsentScope scope);   /* UNSET: NULL */

#endif
