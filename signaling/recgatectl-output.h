/* SPDX-License-Identifier: Apache-2.0 */
/* A file that recgatectl writes: whole under its name, or not there at all. And the vault of a data directory that no daemon owns.
 *
 * Threads: main only. */
#ifndef RECGATE_RECGATECTL_OUTPUT_H
#define RECGATE_RECGATECTL_OUTPUT_H

#include "gate/vault/vault.h"
#include "signaling/recgatectl.h"

typedef struct CtlOutput {
  int fd;
  char *path, *part; /* NULL: standard output */
  guint64 n_bytes;
  int failed_errno;
} CtlOutput;

/* -o FILE, or `initial`; -o - is standard output. An existing file is refused without --force. */
gboolean ctl_output_open(CtlOutput *output, const CtlOptions *options, const char *initial, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean ctl_output_write(const guint8 *bytes, gsize n, gpointer output) G_GNUC_WARN_UNUSED_RESULT; /* FALSE: failed_errno says why */
gboolean ctl_output_finish(CtlOutput *output, gboolean force, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ctl_output_clear(CtlOutput *output);
gboolean ctl_output_failed(const CtlOutput *output, GError **error); /* always FALSE; of a failed write */

/* CTL_ERROR_BUSY, with `instead` as advice, where a running daemon owns it: what is given out must be on its ledger first (R20). */
Vault *ctl_vault_open(const char *data, const char *instead, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Waits until the leaf is durable; takes the leaf. */
gboolean ctl_leaf_append(Vault *vault, const char *session, json_t *leaf, GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
