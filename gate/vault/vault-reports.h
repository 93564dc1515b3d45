/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of participants and their way out (R25), as the vault keeps them; and what an evidence bundle needs of a data directory.
 *
 * Threads: vault_* any thread, vault_reader_* the reader's one thread, where they may block on disk.
 * Leaves, through vault_append; each changes the tables `reports` and `deliveries` in its own transaction (R21):
 *   report         participant, report (an id), kind "violation" | "dispute", text     VAULT_ERROR_FULL beyond VAULT_REPORTS_MAX
 *   report_sealed  report, sha256: of the bundle that was made of that moment
 *   report_sent    report, channel "webhook" | "smtp", attempts
 *   report_failed  report, channel, attempts, why: given up */
#ifndef RECGATE_VAULT_REPORTS_H
#define RECGATE_VAULT_REPORTS_H

#include "gate/vault/vault-reader.h"

#define VAULT_REPORTS_MAX 10 /* of one person in one session: enough to say everything, too few to fill a disk or a mailbox */

typedef struct VaultDelivery {
  const char *report, *channel;
  gint64 attempts;           /* made so far */
  gint64 first_ms, next_ms;  /* wall clock, ms since the epoch: of the first attempt, of the next one */
} VaultDelivery;
/* An attempt failed; the next one is due later. No leaf: it changes nothing for anybody. */
void vault_report_postpone(Vault *vault, const VaultDelivery *delivery, VaultDone done, gpointer user);

/* Reports of a session in order: [{"report", "participant", "kind", "text", "at", "bundle_sha256"}]. */
json_t *vault_reader_reports(VaultReader *reader, const char *session, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* channel NULL: reports without a bundle yet. Else bundles that this channel has neither sent nor given up, the one due first first:
 * [{"report", "session", "participant", "name", "role", "kind", "text", "at", "bundle_sha256", "attempts", "first_ms", "next_ms"}], 64 at most. */
json_t *vault_reader_report_queue(VaultReader *reader, const char *channel, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Salts that are still there: {"session": base64 or null, "people": {id: base64}}. What was erased is missing (R23). */
json_t *vault_reader_salts(VaultReader *reader, const char *session, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of the gate's own people: {id: base64}. */
json_t *vault_reader_staff_salts(VaultReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Each leaf below `size` that holds `needle`, a text as it stands in canonical JSON; FALSE ends the walk, with the error that take set. */
typedef gboolean (*VaultLeafTake)(guint64 index, const char *leaf, gpointer user, GError **error);
gboolean vault_reader_leaves(VaultReader *reader, guint64 size, const char *needle, VaultLeafTake take, gpointer user, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* c2sp.org/tlog-proof of a leaf under this checkpoint of the log; g_free it. */
char *vault_reader_proof_under(VaultReader *reader, guint64 index, const char *checkpoint, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
