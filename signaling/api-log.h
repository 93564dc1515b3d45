/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/log/…: checkpoint, verifier key and hash tiles for anyone, leaves and proofs for the auditor (R23). Format: c2sp.org/tlog-tiles.
 *
 * Threads: control thread, everything but log_path_parse (any); each read of the database runs on a thread of its own. */
#ifndef RECGATE_API_LOG_H
#define RECGATE_API_LOG_H

#include "signaling/daemon.h"

/* Reads at once. Anyone may ask, so this bounds threads, connections to the database and what they hold in memory (a bundle of leaves is at most
 * 16 MiB, mostly a tenth of one). A monitor that is told 429 asks again. */
#define API_LOG_READS_MAX 8

/* Leaves say when who did what, though not who that is: they are the auditor's, and so is a proof, which is only of use with its leaf. */
gboolean api_log_is_private(const char *rest);
/* rest: the path behind /v1/log/. The caller has let an auditor in where api_log_is_private. */
void api_log(HttpRequest *request, Daemon *daemon, const char *rest);

#endif
