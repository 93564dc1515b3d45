/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for recording and their texts: made on a socket, made in writing, or remembered (R1, R3, R5).
 *
 * Threads: control thread. */
#ifndef RECGATE_SESSION_REQUEST_H
#define RECGATE_SESSION_REQUEST_H

#include "signaling/session.h"

/* Checks and completes the disclosure; nobody is asked yet. asker NULL: a service. NULL and a DISCLOSURE_ERROR that names the field. */
Request *session_request_new(Session *session, const json_t *given, const char *asker_name, Member *asker, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* One of a service, as the vault kept it (VaultRecall.plan). NULL: its text is not what its hash says. */
Request *session_request_remembered(const Session *session, const json_t *plan);
Request *session_request_ref(Request *request);
void session_request_unref(Request *request);

/* Hands it to the core. accepted as in session_event_then. The reference is taken over. */
ConsentResult session_request_ask(Session *session, Request *request, void (*accepted)(gpointer user), gpointer user);
/* Its text and leaf into the vault; done as in vault_recording_new. */
void session_request_keep(Session *session, const Request *request, VaultDone done, gpointer user);

#endif
