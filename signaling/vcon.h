/* SPDX-License-Identifier: Apache-2.0 */
/* A session as a vCon (draft-ietf-vcon-vcon-core, syntax 0.4.0) with a lawful_basis attachment for each answer (draft-howe-vcon-lawful-basis),
 * and its signed form: JWS, general JSON serialization, EdDSA by the log's key.
 *
 * Threads: any, no state. */
#ifndef RECGATE_VCON_H
#define RECGATE_VCON_H

#include "gate/vault/vault.h"

typedef struct VconFacts { /* borrowed; as vault_reader_* give them */
  const json_t *session, *segments, *answers;
  const char *verifier; /* the log's verifier key as text */
  gint64 now_ms;
} VconFacts;

/* The unsigned vCon; a new reference. Each kept take of each person is a dialog of type recording, without its media. */
json_t *vcon_new(const VconFacts *facts);
/* Whose and which take this dialog is. FALSE: no such dialog. */
gboolean vcon_dialog(const json_t *vcon, gsize index, const char **participant, guint32 *take);
/* Puts a dialog's recording into it. */
void vcon_dialog_set_media(json_t *vcon, gsize index, const guint8 *bytes, gsize n);
/* Says that media was left out (`redacted`). */
void vcon_leave_media_out(json_t *vcon);
json_t *vcon_sign(const json_t *vcon, const Vault *vault);

#endif
