/* SPDX-License-Identifier: Apache-2.0 */
/* Withdrawal and what it erases (R6, R11-R13). It never fails: what it names wrongly is read as everything of that person. */
#include "gate/consent/consent-private.h"

static bool concerns(const ConsentSession *session, const ConsentRecording *recording, ConsentPerson person) {
  if (session->active && recording == consent_recording_last(session))
    return true;
  return recording->people & UINT64_C(1) << (person - 1);
}

/* R12: the person may ask for more than was disclosed, never for less. A scope that is none is the widest. */
static ConsentScope widest(ConsentScope disclosed, ConsentScope asked) {
  if (asked > CONSENT_SCOPE_SESSION)
    return CONSENT_SCOPE_SESSION;
  return asked > disclosed ? asked : disclosed;
}

static uint64_t erase(ConsentSession *session, uint64_t request, ConsentPerson person, ConsentScope scope) {
  uint64_t ticket = ++session->ticket_last;
  session->erases_committed = session->erases_committed || scope > CONSENT_SCOPE_AFTER;
  consent_emit(session,
               &(ConsentEffect){.type = CONSENT_EFFECT_ERASE, .ticket = ticket, .request = request, .person = person, .scope = scope});
  return ticket;
}

/* A recording that this person was not in, or that never was, is not theirs to name: then all of theirs. */
static bool names_own(const ConsentSession *session, const ConsentEvent *event) {
  const ConsentRecording *named = consent_recording_find(session, event->request);
  return named && concerns(session, named, event->person);
}

/* What an earlier process recorded is the caller's to find: all of this person's, or the one that is named and unknown here. Of one that
 * concerns nothing the acknowledgement needs its ticket even so (R13); nothing was disclosed, so the default holds. */
static void erase_concerned(ConsentSession *session, const ConsentEvent *event) {
  bool before = session->config.recorded && event->request > 0 && !consent_recording_find(session, event->request);
  bool named = names_own(session, event);
  bool any = false;
  for (uint32_t i = 0; i < session->recordings_n && !before; i++) {
    ConsentRecording *recording = &session->recordings[i];
    if (named ? recording->request != event->request : !concerns(session, recording, event->person))
      continue;
    recording->ticket = erase(session, recording->request, event->person, widest(recording->scope, event->scope));
    any = true;
  }
  if (!any || (session->config.recorded && !named))
    session->ticket_rest = erase(session, before ? event->request : 0, event->person, CONSENT_SCOPE_SESSION);
}

/* R11: the gate first, then the keys (R18), then the rest. Whatever is named, the running take is thrown away and the no
 * stands. Every provisional segment of the session is dropped, also of takes that this person had already left:
 * "nothing commits after a withdrawal" is easier to hold and to prove than any finer line. */
void consent_withdraw(ConsentSession *session, const ConsentEvent *event) {
  ConsentStatus rest = {CONSENT_STATE_STOPPED, CONSENT_REASON_WITHDRAWN, event->person};
  consent_gate_close(session, CONSENT_REASON_WITHDRAWN, event->person);
  consent_segments_revoke_all(session, CONSENT_REASON_WITHDRAWN);
  erase_concerned(session, event);
  session->members[event->person].no_stands = true;
  consent_request_end(session, rest);
  consent_request_tell_consents(session);
}

/* R13: durable. `purged` when the last pending erase is done and one of them reached what was committed. */
void consent_erased(ConsentSession *session, uint64_t ticket) {
  bool pending = false;
  for (uint32_t i = 0; i < session->recordings_n; i++) {
    if (session->recordings[i].ticket == ticket)
      session->recordings[i].ticket = 0;
    pending = pending || session->recordings[i].ticket > 0;
  }
  if (session->ticket_rest == ticket)
    session->ticket_rest = 0;
  pending = pending || session->ticket_rest > 0;
  if (!pending && session->erases_committed && session->rest.reason == CONSENT_REASON_WITHDRAWN)
    session->rest = (ConsentStatus){CONSENT_STATE_PURGED, CONSENT_REASON_ERASED, session->rest.person};
}
