/* SPDX-License-Identifier: Apache-2.0 */
/* A session planned ahead: who is invited, when the door is open, and what was asked in writing (R5).
 *
 * Threads: control thread. The schedule is kept by the wall clock: it is about people's calendars. What may be recorded never depends on it. */
#ifndef RECGATE_SESSION_PLAN_H
#define RECGATE_SESSION_PLAN_H

#include "signaling/session-request.h"

#define PLAN_LENGTH_MAX_MS (24LL * 3600 * 1000)      /* a longer call is another one, with its own request */
#define PLAN_AHEAD_MAX_MS (366LL * 24 * 3600 * 1000) /* a yes should not be older than a year when it is used */

typedef struct Invited {
  char id[TOKEN_ID_BYTES_MAX + 1], name[TOKEN_NAME_BYTES_MAX + 1];
  TokenRole role;
  Member *member;   /* NULL: the written request was over when this process remembered it */
  gboolean granted; /* the last written answer is a yes; for telling, never for deciding */
  json_t *late;     /* `consent.recorded` of a written answer that the ledger took later than it was answered; NULL: none */
} Invited;

typedef struct Plan {
  gint64 starts_ms, ends_ms;
  Request *request;   /* counted: the session lists it too, while it can be asked */
  GArray *invited;    /* Invited, in the platform's order */
} Plan;

typedef struct PlanDraft { /* POST /v1/sessions, checked */
  gint64 starts_ms, ends_ms;
  GArray *invited;           /* Invited without members */
  const char *by, *by_name;  /* the service */
} PlanDraft;

/* Request and plan on the ledger, or an error. The session is remembered, unused and unplanned; it is suspended, so that nobody is asked by what the
 * ledger has not (R21): session_recall goes on with what stands there. request: of a service. */
void session_plan_write(Session *session, const PlanDraft *draft, const Request *request, VaultDone done, gpointer user);
/* Feeds the core what an earlier process was told in writing; ConsentConfig.requests_made must not count that request. */
void session_plan_remember(Session *session, const json_t *plan);
/* Whether session_plan_remember will ask again. */
gboolean session_plan_is_open(const json_t *plan);
void session_plan_free(Plan *plan);

Invited *session_plan_invited(const Session *session, const char *participant); /* NULL: not invited, or no plan */
gint64 session_plan_opens_ms(const Session *session);
gint64 session_plan_closes_ms(const Session *session);
/* NULL: may join now, as everybody may without a plan. Else `not_invited`, `too_early` or `too_late`, and *text in plain words; g_free it. */
const char *session_plan_refusal(const Session *session, const char *participant, char **text);
/* The written request can still be answered. */
gboolean session_plan_asks(const Session *session);

#endif
