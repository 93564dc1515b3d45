/* SPDX-License-Identifier: Apache-2.0 */
/* Acts of people in the call beside consent: reporting a problem (R25), ending the session for everybody.
 *
 * Threads: control thread. */
#ifndef RECGATE_SESSION_REPORT_H
#define RECGATE_SESSION_REPORT_H

#include "signaling/session.h"

/* violation.report of a participant in the call; answered when its leaf is durable. re: the message's id or NULL, here and below. */
void session_report(Member *member, const Connection *connection, const json_t *json, const char *re);

/* by: who may ask to record, and is in the call. Everyone is told `session.ended`, by's own with re. session-end.c. */
void session_end(Session *session, const Member *by, const char *re);

#endif
