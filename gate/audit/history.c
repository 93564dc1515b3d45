/* SPDX-License-Identifier: Apache-2.0 */
/* People, requests and answers (R2-R6, R14). */
#include <string.h>

#include "gate/audit/history-private.h"

/* --- making and finding --- */

static void request_free(gpointer data) {
  Request *request = data;
  g_array_unref(request->answers);
  g_array_unref(request->wishes);
  g_ptr_array_unref(request->holders);
  g_free(request);
}

static void session_free(gpointer data) {
  Session *session = data;
  g_ptr_array_unref(session->takes);
  g_ptr_array_unref(session->requests);
  g_ptr_array_unref(session->people);
  g_free(session);
}

History *history_new(void) {
  History *history = g_new0(History, 1);
  history->by_id = g_hash_table_new(g_str_hash, g_str_equal);
  history->sessions = g_ptr_array_new_with_free_func(session_free);
  history->segments = g_array_new(FALSE, FALSE, sizeof(Kept));
  return history;
}

void history_free(History *history) {
  if (!history)
    return;
  g_hash_table_unref(history->by_id);
  g_ptr_array_unref(history->sessions);
  g_array_unref(history->segments);
  g_free(history);
}

static void copy_id(char id[HISTORY_ID_BYTES], ScanText text) {
  const gsize n = MIN(text.n, HISTORY_ID_BYTES - 1);
  memcpy(id, text.at, n);
  id[n] = '\0';
}

static gboolean id_is(const char *id, ScanText text) {
  return strncmp(id, text.at, text.n) == 0 && id[text.n] == '\0';
}

static Session *session_of(History *history, const Leaf *leaf) {
  char id[HISTORY_ID_BYTES];
  if (!leaf->session.at || leaf->session.n >= HISTORY_ID_BYTES)
    return NULL;
  if (history->last && id_is(history->last->id, leaf->session))
    return history->last;
  copy_id(id, leaf->session);
  Session *session = g_hash_table_lookup(history->by_id, id);
  if (!session) {
    session = g_new0(Session, 1);
    memcpy(session->id, id, sizeof id);
    session->first_leaf = leaf->index;
    session->epoch = history->epoch;
    session->people = g_ptr_array_new_with_free_func(g_free);
    session->requests = g_ptr_array_new_with_free_func(request_free);
    session->takes = g_ptr_array_new_with_free_func(take_free);
    g_ptr_array_add(history->sessions, session);
    session->number = history->sessions->len;
    g_hash_table_insert(history->by_id, session->id, session);
  }
  return history->last = session;
}

Person *session_person_find(const Session *session, ScanText id) {
  for (guint i = 0; id.at && id.n < HISTORY_ID_BYTES && i < session->people->len; i++)
    if (id_is(((Person *)session->people->pdata[i])->id, id))
      return session->people->pdata[i];
  return NULL;
}

Person *session_person(Session *session, ScanText id) {
  Person *person = session_person_find(session, id);
  if (person || !id.at || id.n >= HISTORY_ID_BYTES)
    return person;
  person = g_new0(Person, 1);
  copy_id(person->id, id);
  person->left_us = person->away_us = -1;
  g_ptr_array_add(session->people, person);
  person->number = session->people->len;
  return person;
}

Request *session_request(const Session *session, gint64 number) {
  for (guint i = session->requests->len; i-- > 0;)
    if (((Request *)session->requests->pdata[i])->number == number)
      return session->requests->pdata[i];
  return NULL;
}

Request *session_request_active(const Session *session) {
  Request *last = session->requests->len > 0 ? session->requests->pdata[session->requests->len - 1] : NULL;
  return last && !last->ended ? last : NULL;
}

void session_request_end(Session *session) {
  Request *request = session_request_active(session);
  if (request)
    request->ended = TRUE;
  for (guint i = 0; request && i < session->people->len; i++) /* R14: pauses belong to one request */
    ((Person *)session->people->pdata[i])->paused = FALSE;
}

Answer *request_answer(Request *request, Person *person) {
  for (guint i = 0; i < request->answers->len; i++)
    if (g_array_index(request->answers, Answer, i).person == person)
      return &g_array_index(request->answers, Answer, i);
  const Answer fresh = {.person = person};
  g_array_append_val(request->answers, fresh);
  return &g_array_index(request->answers, Answer, request->answers->len - 1);
}

Holder *request_holder(Request *request, Person *person, gboolean make) {
  for (guint i = 0; i < request->holders->len; i++)
    if (((Holder *)request->holders->pdata[i])->person == person)
      return request->holders->pdata[i];
  if (!make)
    return NULL;
  Holder *holder = g_new0(Holder, 1);
  holder->person = person;
  g_ptr_array_add(request->holders, holder);
  return holder;
}

/* --- the roster --- */

static void joined(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  Person *person = session_person(session, leaf->participant);
  if (!person)
    return (void)findings_add(findings, AT_LEAF(leaf->index), "R21", "a join names nobody");
  if (scan_is(leaf->role, "auditor") || scan_is(leaf->role, "service"))
    findings_add(findings, AT_LEAF(leaf->index), "R2", "an %.*s joined a call", (int)leaf->role.n, leaf->role.at);
  if (!person->present && person->left_us >= 0 && person->epoch == history->epoch && leaf->t >= person->left_us)
    person->away_us = MAX(person->away_us, leaf->t - person->left_us);
  person->present = person->joined = TRUE;
  person->epoch = history->epoch;
  person->cannot_consent = leaf->cannot_consent;
  g_strlcpy(person->role, "", sizeof person->role);
  if (leaf->role.at)
    g_strlcpy(person->role, leaf->role.at, MIN(leaf->role.n + 1, sizeof person->role));
  if (session->open) /* R8, also for who takes their own place (R15) */
    session->must_close = leaf->index + 1;
}

static guint present_count(const Session *session) {
  guint n = 0;
  for (guint i = 0; i < session->people->len; i++)
    n += ((Person *)session->people->pdata[i])->present;
  return n;
}

static void left(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  (void)history, (void)findings;
  Person *person = session_person(session, leaf->participant);
  const Request *active = session_request_active(session);
  if (!person)
    return;
  person->present = FALSE;
  person->left_us = leaf->t;
  person->silent |= scan_is(leaf->reason, "silent");
  if (session->open && take_seat(session->open, person))
    session->must_close = leaf->index + 1;
  if (active && (active->asker == person || (!active->ahead && present_count(session) == 0))) /* R14, R5 */
    session_request_end(session);
}

/* --- asking and answering --- */

static Scope scope_read(ScanText text) {
  return scan_is(text, "after")         ? SCOPE_AFTER
         : scan_is(text, "participant") ? SCOPE_PARTICIPANT
         : scan_is(text, "session")     ? SCOPE_SESSION
                                        : SCOPE_UNSET;
}

static Request *request_add(Session *session, const Leaf *leaf) {
  Request *request = g_new0(Request, 1);
  request->number = leaf->request;
  request->asker = session_person(session, leaf->asker);
  request->ahead = present_count(session) == 0;
  request->on_withdrawal = scope_read(leaf->on_withdrawal);
  if (request->on_withdrawal == SCOPE_UNSET) /* R12: the default */
    request->on_withdrawal = SCOPE_SESSION;
  if (leaf->disclosure_sha256.at && leaf->disclosure_sha256.n < HISTORY_ID_BYTES)
    copy_id(request->disclosure, leaf->disclosure_sha256);
  request->answers = g_array_new(FALSE, FALSE, sizeof(Answer));
  request->wishes = g_array_new(FALSE, FALSE, sizeof(Wish));
  request->holders = g_ptr_array_new_with_free_func(g_free);
  g_ptr_array_add(session->requests, request);
  return request;
}

static void requested(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  (void)history;
  if (session_request_active(session))
    findings_add(findings, AT_LEAF(leaf->index), "R4", "a second request while one was open");
  session_request_end(session);
  if (leaf->request <= 0 || session_request(session, leaf->request))
    return (void)findings_add(findings, AT_LEAF(leaf->index), "R21", "a request without a number of its own");
  for (guint i = 0; i < session->people->len; i++) {
    const Person *person = session->people->pdata[i];
    if (person->no_stands)
      findings_add(findings, AT_LEAF(leaf->index), "R4", "a request though the no of person %u stood", person->number);
  }
  const Request *request = request_add(session, leaf);
  if (request->asker && !request->asker->present)
    findings_add(findings, AT_LEAF(leaf->index), "R2", "a request by person %u, who was not in the session", request->asker->number);
}

static Media media_read(ScanText media) {
  Media mask = MEDIA_NONE;
  Scan scan;
  ScanInside inside = {0};
  ScanText word;
  if (!media.at)
    return MEDIA_ALL;
  scan_init(&scan, media.at, media.n);
  const gboolean list = *media.at == '[';
  while (list ? scan_element(&scan, &inside) : scan.at < scan.end) {
    if (!scan_string(&scan, &word))
      break;
    mask |= scan_is(word, "audio") ? MEDIA_AUDIO : scan_is(word, "video") ? MEDIA_VIDEO : scan_is(word, "all") ? MEDIA_ALL : MEDIA_NONE;
  }
  return mask;
}

static void granted(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  Person *person = session_person(session, leaf->participant);
  Request *request = session_request(session, leaf->request);
  history->counts.grants++;
  if (!person || !request || request != session_request_active(session))
    return (void)findings_add(findings, AT_LEAF(leaf->index), "R3", "a grant that names no open request");
  if (!person->present && request->asker)
    findings_add(findings, AT_LEAF(leaf->index), "R3", "person %u granted without being in the session", person->number);
  if (person->cannot_consent)
    findings_add(findings, AT_LEAF(leaf->index), "R4", "person %u granted, whose token says that they cannot consent", person->number);
  if (*request->disclosure && leaf->disclosure_sha256.at && !id_is(request->disclosure, leaf->disclosure_sha256))
    findings_add(findings, AT_LEAF(leaf->index), "R3", "person %u agreed to another text than that of the request", person->number);
  Answer *answer = request_answer(request, person);
  const Media media = media_read(leaf->media);
  const Seat *seat = session->open ? take_seat(session->open, person) : NULL;
  if (seat && seat->media != media) /* R16: other media are another take */
    session->must_close = leaf->index + 1;
  *answer = (Answer){person, TRUE, TRUE, media};
  person->answered = TRUE;
  person->silent = FALSE;
  person->away_us = -1;
}

static void wish(Request *request, Person *person, Scope asked, guint64 leaf) {
  const Wish one = {person, MAX(asked, request->on_withdrawal), leaf};
  g_array_append_val(request->wishes, one);
}

static gboolean took_part(const Session *session, const Request *request, const Person *person) {
  for (guint i = 0; i < session->takes->len; i++) {
    const Take *take = session->takes->pdata[i];
    if (take->request == request && take_seat(take, person))
      return TRUE;
  }
  return FALSE;
}

/* R11, R12: nothing of what was open commits any more, and what that person was in is erased as disclosed, or more. */
static void withdraw(History *history, Session *session, Person *person, const Leaf *leaf, Scope scope) {
  const gboolean known = person->present || person->no_stands || (person->joined && person->epoch == history->epoch);
  for (guint i = 0; i < session->takes->len; i++) {
    Take *take = session->takes->pdata[i];
    if (!take->withdrawn_leaf && (known || take_seat(take, person)))
      take->withdrawn_leaf = leaf->index + 1;
  }
  for (guint i = 0; i < session->requests->len; i++) {
    Request *request = session->requests->pdata[i];
    if ((leaf->request <= 0 || leaf->request == request->number) && took_part(session, request, person))
      wish(request, person, scope, leaf->index);
  }
  if (session->open && take_seat(session->open, person))
    session->must_close = leaf->index + 1;
  if (known)
    session_request_end(session);
  person->no_stands = TRUE;
}

static void take_back(Session *session, Person *person) {
  for (guint i = 0; i < session->requests->len; i++)
    request_answer(session->requests->pdata[i], person)->granted = FALSE;
}

static void declined(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  Person *person = session_person(session, leaf->participant);
  Request *request = session_request(session, leaf->request);
  history->counts.declines++;
  if (!person)
    return (void)findings_add(findings, AT_LEAF(leaf->index), "R21", "a decline names nobody");
  person->answered = TRUE;
  if (session->open)
    session->must_close = leaf->index + 1;
  if (request && request_answer(request, person)->ever) /* R4: after one's own grant a no is a withdrawal as disclosed */
    withdraw(history, session, person, leaf, SCOPE_UNSET);
  take_back(session, person);
  person->no_stands = TRUE;
  session_request_end(session);
}

static void withdrawn(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  Person *person = session_person(session, leaf->participant);
  history->counts.withdrawals++;
  if (!person)
    return (void)findings_add(findings, AT_LEAF(leaf->index), "R21", "a withdrawal names nobody");
  withdraw(history, session, person, leaf, scope_read(leaf->scope));
  take_back(session, person);
}

static void offered(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  (void)history, (void)findings;
  Person *person = session_person(session, leaf->participant);
  if (person)
    person->no_stands = FALSE;
}

/* --- pausing (R14) --- */

static void paused(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  (void)history, (void)findings;
  Person *person = session_person(session, leaf->participant);
  if (!person || !session_request_active(session))
    return;
  person->paused = TRUE;
  if (session->open)
    session->must_close = leaf->index + 1;
}

static void resumed(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  (void)history, (void)findings;
  Person *person = session_person(session, leaf->participant);
  const Request *active = session_request_active(session);
  if (!person || !active)
    return;
  person->paused = FALSE;
  for (guint i = 0; active->asker == person && i < session->people->len; i++) {
    Person *other = session->people->pdata[i];
    other->paused &= other->present; /* who left cannot lift it any more; who is there does so alone */
  }
}

static void stopped(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  (void)history, (void)findings;
  session_request_end(session);
  if (session->open)
    session->must_close = leaf->index + 1;
}

/* --- dispatch --- */

/* R20: whoever hears or lists what was recorded is named. */
static void accessed(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  (void)session;
  history->counts.accesses += scan_is(leaf->type, "access");
  history->counts.exports += scan_is(leaf->type, "export_begin");
  if (!leaf->by.at)
    findings_add(findings, AT_LEAF(leaf->index), "R20", "somebody saw what was recorded and is not named");
}

static const struct {
  const char *type;
  void (*follow)(History *history, Session *session, const Leaf *leaf, Findings *findings);
  gboolean decided; /* by the control thread, so that nothing comes between it and the closing that it brings about */
} followers[] = {
    {"commit", segment_committed, TRUE},
    {"drop", segment_dropped, FALSE},
    {"join", joined, TRUE},
    {"leave", left, TRUE},
    {"gate_open", gate_opened, TRUE},
    {"gate_close", gate_closed, FALSE},
    {"request", requested, TRUE},
    {"grant", granted, TRUE},
    {"decline", declined, TRUE},
    {"offer", offered, TRUE},
    {"withdraw", withdrawn, TRUE},
    {"pause", paused, TRUE},
    {"resume", resumed, TRUE},
    {"stop", stopped, TRUE},
    {"purge", segment_purged, FALSE},
    {"access", accessed, FALSE},
    {"export_begin", accessed, FALSE},
    {"export_end", accessed, FALSE},
};

/* A new process knows who is there and what was asked from what people say to it; written requests stand (R5). */
static void session_enter_epoch(const History *history, Session *session) {
  session->epoch = history->epoch;
  for (guint i = 0; i < session->people->len; i++) {
    Person *person = session->people->pdata[i];
    person->present = person->paused = FALSE;
    person->left_us = person->away_us = -1;
  }
  const Request *active = session_request_active(session);
  if (active && active->asker)
    session_request_end(session);
  for (guint i = 0; i < session->takes->len; i++)
    ((Take *)session->takes->pdata[i])->restarted = TRUE;
}

static void follow(History *history, Session *session, const Leaf *leaf, Findings *findings) {
  for (guint i = 0; i < G_N_ELEMENTS(followers); i++) {
    if (!scan_is(leaf->type, followers[i].type))
      continue;
    if (session->must_close && followers[i].decided) {
      findings_add(findings, AT_LEAF(leaf->index), "R7",
                   "take %" G_GINT64_FORMAT " was still open after leaf %" G_GUINT64_FORMAT " had to close it",
                   session->open ? session->open->number : 0, session->must_close - 1);
      session->must_close = 0;
    }
    followers[i].follow(history, session, leaf, findings);
    return;
  }
  history->counts.others++;
}

void history_leaf(History *history, const Leaf *leaf, Findings *findings) {
  history->counts.leaves++;
  if (scan_is(leaf->type, "start") || scan_is(leaf->type, "recovered")) {
    history->epoch++;
    history->counts.starts += scan_is(leaf->type, "start");
    return;
  }
  history->counts.refused += scan_is(leaf->type, "refused");
  Session *session = session_of(history, leaf);
  if (!session)
    return;
  session->last_leaf = leaf->index;
  if (session->epoch != history->epoch)
    session_enter_epoch(history, session);
  follow(history, session, leaf, findings);
}
