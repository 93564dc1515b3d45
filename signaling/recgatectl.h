/* SPDX-License-Identifier: Apache-2.0 */
/* recgatectl's parts: one function a subcommand. Offline, on a data directory (PROTOCOL.md, Commands).
 *
 * Threads: main only.
 * Exit status: 0 all is well, 1 what was checked does not hold, 2 wrong use or unreadable input. */
#ifndef RECGATE_RECGATECTL_H
#define RECGATE_RECGATECTL_H

#include <gio/gio.h>
#include <jansson.h>

#define CTL_ERROR (ctl_error_quark())
GQuark ctl_error_quark(void);
typedef enum CtlError { CTL_ERROR_USAGE, CTL_ERROR_FILE, CTL_ERROR_BUSY, CTL_ERROR_VERDICT /* exit status 1 */ } CtlError;

typedef struct CtlOptions { /* borrowed from the command line; NULL or 0: not given */
  const char *data, *session, *participant, *secret_file, *role, *name, *output;
  const char *key, *tiles, *const *checkpoints;
  const char *check; /* a bundle to check */
  gint64 ttl_s, take;
  gboolean json, force;
  gboolean data_given; /* by --data, not by default */
  const char *ledger;    /* restore */
  gboolean no_newer_ledger;
} CtlOptions;

/* Each prints its result on standard output. FALSE: a one-line error. */
gboolean ctl_token(const CtlOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean ctl_sessions(const CtlOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean ctl_segments(const CtlOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* R20: first an `access` leaf by the user of this system, so the vault's lock is needed; then the file, 0600, whole or not at all. */
gboolean ctl_export(const CtlOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* R24: `session` is the file. CTL_ERROR_VERDICT after what does not hold was printed. */
gboolean ctl_receipt(const CtlOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* R22: prints the verdict; CTL_ERROR_VERDICT names the first thing that is wrong. */
gboolean ctl_verify(const CtlOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean ctl_key(const CtlOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* R23: names, texts and salts of a session or of one person; refused as long as recordings are kept. */
gboolean ctl_forget(const CtlOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A copied or restored data directory gets the purges of a newer ledger, and may be used again (docs/backup.md). */
gboolean ctl_restore(const CtlOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The session's evidence bundle into a file, leaf first; or with --check FILE whether one holds (R25). */
gboolean ctl_evidence(const CtlOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Prints the value as one line of JSON. */
void ctl_print_json(const json_t *value);
gboolean ctl_refuse(GError **error, CtlError code, const char *message);

#endif
