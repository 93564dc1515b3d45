/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/sessions/{sid}/evidence: the session's evidence bundle as a zip, on the ledger first (R20, R25).
 *
 * Threads: control thread; each bundle is made on a thread of its own. */
#ifndef RECGATE_API_EVIDENCE_H
#define RECGATE_API_EVIDENCE_H

#include "signaling/daemon.h"

void api_evidence(HttpRequest *request, Daemon *daemon, const char *session, const Token *token);

#endif
