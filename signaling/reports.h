/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a report (R25): its evidence bundle is sealed, and both go to the address in configuration, again and again until they arrive.
 *
 * Threads: control thread; the work is done on a thread of its own, never on control or storage.
 * The queue is in vault.db, bundles that wait lie in DATA/evidence (0600, no media in them): a restart goes on where it was. */
#ifndef RECGATE_REPORTS_H
#define RECGATE_REPORTS_H

#include "signaling/daemon.h"

typedef struct Reports Reports;

#define REPORTS_RETRY_MS_MAX 3600000 /* however often it failed, once an hour is tried */
#define REPORTS_TIMEOUT_S    60      /* of one attempt */

#define REPORTS_ERROR (reports_error_quark())
GQuark reports_error_quark(void);
typedef enum ReportsError { REPORTS_ERROR_CONFIG } ReportsError;

/* Starts it. An address that is refused (plain text to another machine, say), an unreadable secret: error, and the daemon does not start. */
Reports *reports_new(Daemon *daemon, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* There is something new to do. NULL allowed, as below. */
void reports_wake(Reports *reports);
/* Cuts off what is on its way; returns at once. It is tried again at the next start. */
void reports_stop(Reports *reports);
gboolean reports_is_quiet(Reports *reports); /* its thread has ended */
void reports_free(Reports *reports);         /* after the vault, whose answers it waits for */

#endif
