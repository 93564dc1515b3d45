/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/sessions/{sid}/recording: one participant's recording, or everyone's side by side, as a stream, on the ledger first (R20).
 *
 * Threads: control thread; each export runs on a thread of its own. */
#ifndef RECGATE_API_EXPORT_H
#define RECGATE_API_EXPORT_H

#include "signaling/daemon.h"

/* Exports at once: each holds a segment of each track in memory and a core's share. */
#define API_EXPORTS_MAX 8
/* Of them side by side: each decodes every track and encodes anew, which takes all of a core for as long as it lasts. */
#define API_MIXES_MAX 1

void api_export(HttpRequest *request, Daemon *daemon, const char *session, const Token *token);
/* R18, fault 36: something of this session is being erased: its exports end here, cut off. NULL: of every session, the daemon ends. */
void api_export_cut(Daemon *daemon, const char *session);

#endif
