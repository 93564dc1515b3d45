/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing (R7, R8, R14). */
#include <string.h>

#include "gate/audit/history-private.h"

void take_free(gpointer data) {
  Take *take = data;
  g_array_unref(take->seats);
  g_ptr_array_unref(take->tracks);
  g_free(take);
}

Take *session_take(const Session *session, gint64 number) {
  for (guint i = session->takes->len; i-- > 0;)
    if (((Take *)session->takes->pdata[i])->number == number)
      return session->takes->pdata[i];
  return NULL;
}

const Seat *take_seat(const Take *take, const Person *person) {
  for (guint i = 0; i < take->seats->len; i++)
    if (g_array_index(take->seats, Seat, i).person == person)
      return &g_array_index(take->seats, Seat, i);
  return NULL;
}

static void seats_read(Session *session, Take *take, const Leaf *leaf, Findings *findings) {
  Scan scan;
  ScanInside inside = {0};
  ScanText id;
  scan_init(&scan, leaf->roster.at ? leaf->roster.at : "[]", leaf->roster.at ? leaf->roster.n : 2);
  while (scan_element(&scan, &inside) && scan_string(&scan, &id)) {
    const Seat seat = {session_person(session, id), MEDIA_NONE};
    if (seat.person && !take_seat(take, seat.person))
      g_array_append_val(take->seats, seat);
  }
  if (take->seats->len == 0)
    findings_add(findings, AT_LEAF(leaf->index), "R7", "the gate opened with nobody on the roster");
}

/* R7: everybody on the roster is there and has agreed to this request, and still does. */
static void seat_judge(Take *take, Seat *seat, const Leaf *leaf, Findings *findings) {
  const Person *person = seat->person;
  const FindingPlace *place = AT_LEAF(leaf->index);
  const Answer *answer = take->request ? request_answer(take->request, seat->person) : NULL;
  if (!person->present)
    findings_add(findings, place, "R7", "the gate opened with person %u on the roster, who was not in the session", person->number);
  if (person->cannot_consent)
    findings_add(findings, place, "R4", "the gate opened though the token of person %u says that they cannot consent", person->number);
  if (!answer || !answer->granted)
    findings_add(findings, place, "R7", "the gate opened though person %u %s", person->number,
                 person->no_stands ? "had said no" : "had not agreed to this request");
  else if (person->silent || (leaf->absent_ms > 0 && person->away_us >= leaf->absent_ms * 1000 + CLOCK_SLACK_US))
    findings_add(findings, place, "R3", "the gate opened though person %u had been away too long and had not agreed again", person->number);
  seat->media = answer && answer->granted ? answer->media : MEDIA_NONE;
}

static void people_judge(const Session *session, const Take *take, const Leaf *leaf, Findings *findings) {
  for (guint i = 0; i < session->people->len; i++) {
    const Person *person = session->people->pdata[i];
    if (person->present && !take_seat(take, person))
      findings_add(findings, AT_LEAF(leaf->index), "R7", "the gate opened without person %u, who was in the session", person->number);
    if (person->paused)
      findings_add(findings, AT_LEAF(leaf->index), "R14", "the gate opened past the pause of person %u", person->number);
  }
}

void gate_opened(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  (void)history;
  const FindingPlace *place = AT_LEAF(leaf->index);
  const Take *last = session->takes->len > 0 ? session->takes->pdata[session->takes->len - 1] : NULL;
  if (session->open)
    findings_add(findings, place, "R7", "the gate opened twice: take %" G_GINT64_FORMAT " was open", session->open->number);
  if (leaf->take <= (last ? last->number : 0))
    findings_add(findings, place, "R21", "the number of a take does not grow");
  Take *take = g_new0(Take, 1);
  *take = (Take){.number = leaf->take,
                 .open_us = leaf->t,
                 .close_us = -1,
                 .open_leaf = leaf->index,
                 .has_sfu = leaf->sfu,
                 .request = session_request(session, leaf->request),
                 .seats = g_array_new(FALSE, FALSE, sizeof(Seat)),
                 .tracks = g_ptr_array_new_with_free_func(track_free)};
  if (!take->request || take->request != session_request_active(session))
    findings_add(findings, place, "R7", "the gate opened without an open request");
  seats_read(session, take, leaf, findings);
  for (guint i = 0; i < take->seats->len; i++)
    seat_judge(take, &g_array_index(take->seats, Seat, i), leaf, findings);
  people_judge(session, take, leaf, findings);
  g_ptr_array_add(session->takes, take);
  session->open = take;
  session->must_close = 0;
}

void gate_closed(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  (void)history;
  Take *take = session->open;
  if (!take || take->number != leaf->take)
    return (void)findings_add(findings, AT_LEAF(leaf->index), "R21", "take %" G_GINT64_FORMAT " was closed and had not been open",
                              leaf->take);
  session->open = NULL;
  session->must_close = 0;
  take->closed = TRUE;
  take->close_leaf = leaf->index;
  take->crash = scan_is(leaf->reason, "crash");
  take->discard = leaf->discard;
  if (leaf->reason.at)
    g_strlcpy(take->reason, leaf->reason.at, MIN(leaf->reason.n + 1, sizeof take->reason));
  if (take->crash) /* its time may be of another boot */
    return;
  take->close_us = leaf->t;
  if (leaf->t < take->open_us)
    findings_add(findings, AT_LEAF(leaf->index), "R21", "take %" G_GINT64_FORMAT " ends before it began", take->number);
  if (take->last_us > leaf->t)
    findings_add(findings, AT_LEAF(take->last_leaf), "R22", "a segment of take %" G_GINT64_FORMAT " reaches beyond the closing of the gate",
                 take->number);
  if (take->discard && take->kept > 0 && take->last_leaf > take->close_leaf)
    findings_add(findings, AT_LEAF(take->last_leaf), "R11", "a segment was kept of a take that was thrown away");
}
