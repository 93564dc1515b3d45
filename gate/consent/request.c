/* SPDX-License-Identifier: Apache-2.0 */
/* Asking and answering, pausing and resuming (R2-R4, R14, R16). */
#include "gate/consent/consent-private.h"

#include <string.h>

void consent_request_tell_consents(ConsentSession *session) {
  const ConsentRecording *last = consent_recording_last(session);
  consent_emit(session, &(ConsentEffect){.type = CONSENT_EFFECT_CONSENTS, .request = last ? last->request : 0});
}

/* Answers and pauses belong to one request (R3, R14). */
static void forget_answers(ConsentSession *session) {
  for (ConsentPerson person = 1; person <= session->people; person++) {
    ConsentMember *member = &session->members[person];
    member->granted = false;
    member->granted_before = false;
    member->joined_later = false;
    member->paused = false;
    member->media = CONSENT_MEDIA_NONE;
  }
}

static void note_grant(ConsentMember *member, ConsentMedia media) {
  member->granted = true;
  member->granted_before = true;
  member->media = media == CONSENT_MEDIA_NONE ? CONSENT_MEDIA_ALL : media;
}

void consent_request_make(ConsentSession *session, const ConsentEvent *event) {
  ConsentRecording *recording = &session->recordings[session->recordings_n++];
  *recording = (ConsentRecording){.request = event->request, .scope = event->scope};
  memcpy(recording->sha256, event->sha256, CONSENT_SHA256_BYTES);
  session->active = true;
  session->asker = event->person;
  session->ahead = consent_roster_mask(session) == 0;
  session->erases_committed = false;
  if (event->person > 0) /* R2: asking is granting; a service grants nothing */
    note_grant(&session->members[event->person], CONSENT_MEDIA_ALL);
  for (ConsentPerson person = 1; person <= session->people; person++)
    if (session->members[person].on_roster && !session->members[person].granted)
      consent_emit(session, &(ConsentEffect){.type = CONSENT_EFFECT_ASK, .person = person, .request = event->request});
  consent_request_tell_consents(session);
}

/* R16: other media than before means other tracks, so the take ends; what the new answer excludes is in no later one. */
void consent_request_grant(ConsentSession *session, const ConsentEvent *event) {
  ConsentMember *member = &session->members[event->person];
  ConsentMember before = *member;
  note_grant(member, event->media);
  if (before.granted && before.media == member->media)
    return;
  if (member->on_roster) /* R5: a letter changes nothing in the room */
    consent_gate_close(session, CONSENT_REASON_TRACKS, event->person);
  consent_request_tell_consents(session);
}

/* R4. After one's own grant, a no means what a withdrawal means: media given under that grant may exist. */
void consent_request_decline(ConsentSession *session, const ConsentEvent *event) {
  ConsentMember *member = &session->members[event->person];
  if (member->granted_before) {
    ConsentEvent withdrawal = {.type = CONSENT_EVENT_WITHDRAW, .person = event->person, .request = event->request};
    consent_withdraw(session, &withdrawal);
    return;
  }
  member->no_stands = true;
  consent_request_end(session, (ConsentStatus){CONSENT_STATE_DECLINED, CONSENT_REASON_DECLINED, event->person});
  consent_request_tell_consents(session);
}

/* R4: lifts one's own no only. While the state is `declined` no other no stands: nobody could ask past one, and a
 * withdrawal changes the state. So the session is then as if nobody had asked. */
void consent_request_offer(ConsentSession *session, ConsentPerson person) {
  session->members[person].no_stands = false;
  if (session->rest.state == CONSENT_STATE_DECLINED)
    session->rest = (ConsentStatus){CONSENT_STATE_IDLE, CONSENT_REASON_OFFERED, person};
  consent_request_tell_consents(session);
}

void consent_request_pause(ConsentSession *session, ConsentPerson person) {
  session->members[person].paused = true;
}

/* R14: one's own pause; the asker's resume also lifts those of people who have left and cannot lift them themselves. */
void consent_request_resume(ConsentSession *session, ConsentPerson person) {
  session->members[person].paused = false;
  if (person != session->asker)
    return;
  for (ConsentPerson other = 1; other <= session->people; other++)
    if (!session->members[other].on_roster)
      session->members[other].paused = false;
}

void consent_request_end(ConsentSession *session, ConsentStatus rest) {
  consent_gate_close(session, rest.reason, rest.person);
  session->active = false;
  session->asker = 0;
  session->rest = rest;
  forget_answers(session);
}
