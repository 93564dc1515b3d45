/* SPDX-License-Identifier: Apache-2.0 */
/* What the replay says when the log is at its end. */
#include "gate/audit/audit.h"
#include "gate/audit/history-private.h"

/* R12, R13: whoever withdrew from a recording finds nothing of it kept that was disclosed to go. */
static void request_conclude(const Session *session, const Request *request, Findings *findings) {
  for (guint i = 0; i < request->wishes->len; i++) {
    const Wish *wish = &g_array_index(request->wishes, Wish, i);
    for (guint k = 0; k < request->holders->len; k++) {
      const Holder *holder = request->holders->pdata[k];
      if (holder->purged || holder->kept == 0 ||
          !(wish->scope == SCOPE_SESSION || (wish->scope == SCOPE_PARTICIPANT && holder->person == wish->person)))
        continue;
      findings_add(findings, AT_LEAF(wish->leaf), "R12",
                   "session %u: person %u withdrew, and %" G_GUINT64_FORMAT " segments of person %u were not erased", session->number,
                   wish->person->number, holder->kept, holder->person->number);
      return;
    }
  }
}

static gint by_id(gconstpointer a, gconstpointer b) {
  const Kept *x = a, *y = b;
  return x->id < y->id ? -1 : x->id > y->id;
}

void history_conclude(History *history, Findings *findings) {
  for (guint i = 0; i < history->sessions->len; i++) {
    const Session *session = history->sessions->pdata[i];
    for (guint t = 0; t < session->takes->len; t++) {
      const Take *take = session->takes->pdata[t];
      for (guint k = 0; k < take->tracks->len; k++)
        track_conclude(session, take->tracks->pdata[k], findings);
    }
    for (guint r = 0; r < session->requests->len; r++)
      request_conclude(session, session->requests->pdata[r], findings);
  }
  if (!history->sorted)
    g_array_sort(history->segments, by_id);
  history->sorted = TRUE;
  for (guint i = 1; i < history->segments->len; i++) {
    const Kept *kept = &g_array_index(history->segments, Kept, i);
    if (kept->id == g_array_index(history->segments, Kept, i - 1).id)
      findings_add(findings, &(const FindingPlace){.leaf = (gint64)kept->leaf, .segment = kept->id}, "R22",
                   "two segments have the same number");
  }
}

guint history_segments(const History *history) {
  return history->segments->len;
}

const Kept *history_segment(const History *history, guint place) {
  return &g_array_index(history->segments, Kept, place);
}

const Kept *history_find(const History *history, guint64 id) {
  guint low = 0, high = history->segments->len;
  while (low < high) {
    const guint middle = low + (high - low) / 2;
    if (history_segment(history, middle)->id < id)
      low = middle + 1;
    else
      high = middle;
  }
  return low < history->segments->len && history_segment(history, low)->id == id ? history_segment(history, low) : NULL;
}

gboolean history_is_kept(const Kept *segment) {
  return !segment->dropped && !(segment->track->holder && segment->track->holder->purged);
}

Holder *history_holder(const Kept *segment) {
  return segment->track->holder;
}

gboolean history_holder_is_purged(const Holder *holder) {
  return holder->purged;
}

/* --- for people --- */

static void add(json_t *object, const char *name, guint64 number) {
  json_object_set_new(object, name, json_integer((json_int_t)number + json_integer_value(json_object_get(object, name))));
}

static void sum_up(const Session *session, json_t *sums) {
  add(sums, "people", session->people->len);
  add(sums, "requests", session->requests->len);
  add(sums, "takes", session->takes->len);
  for (guint r = 0; r < session->requests->len; r++) {
    const Request *request = session->requests->pdata[r];
    for (guint i = 0; i < request->holders->len; i++) {
      const Holder *holder = request->holders->pdata[i];
      add(sums, !holder->purged ? "kept" : holder->expired ? "expired" : "purged", holder->kept);
      add(sums, "bytes_kept", holder->purged ? 0 : holder->bytes);
    }
  }
}

json_t *history_totals(const History *history) {
  static const char *const names[] = {"people", "requests", "takes", "kept", "purged", "expired", "bytes_kept"};
  json_t *totals = json_object();
  add(totals, "sessions", history->sessions->len);
  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    add(totals, names[i], 0);
  for (guint i = 0; i < history->sessions->len; i++)
    sum_up(history->sessions->pdata[i], totals);
  add(totals, "dropped", history->counts.dropped);
  add(totals, "grants", history->counts.grants);
  add(totals, "declines", history->counts.declines);
  add(totals, "withdrawals", history->counts.withdrawals);
  add(totals, "erases", history->counts.purges);
  add(totals, "accesses", history->counts.accesses);
  add(totals, "exports", history->counts.exports);
  add(totals, "refused_tokens", history->counts.refused);
  add(totals, "starts", history->counts.starts);
  add(totals, "other_leaves", history->counts.others);
  return totals;
}

static json_t *people_json(const Session *session) {
  json_t *list = json_array();
  for (guint i = 0; i < session->people->len; i++) {
    const Person *person = session->people->pdata[i];
    json_array_append_new(list, json_pack("{s:i, s:s, s:s}", "number", (int)person->number, "role",
                                          *person->role ? person->role : "unknown", "id", person->id));
  }
  return list;
}

static json_t *requests_json(const Session *session) {
  json_t *list = json_array();
  for (guint r = 0; r < session->requests->len; r++) {
    const Request *request = session->requests->pdata[r];
    json_t *one = json_pack("{s:I, s:i, s:b}", "request", (json_int_t)request->number, "asked_by",
                            request->asker ? (int)request->asker->number : 0, "withdrawn", request->wishes->len > 0);
    json_t *granted = json_array();
    for (guint i = 0; i < request->answers->len; i++) {
      const Answer *answer = &g_array_index(request->answers, Answer, i);
      if (answer->ever)
        json_array_append_new(granted, json_integer((json_int_t)answer->person->number));
    }
    json_object_set_new(one, "granted_by", granted);
    json_array_append_new(list, one);
  }
  return list;
}

static json_t *takes_json(const Session *session) {
  json_t *list = json_array();
  for (guint t = 0; t < session->takes->len; t++) {
    const Take *take = session->takes->pdata[t];
    json_t *one = json_pack("{s:I, s:I, s:I, s:I, s:s}", "take", (json_int_t)take->number, "leaf", (json_int_t)take->open_leaf, "committed",
                            (json_int_t)take->kept, "dropped", (json_int_t)take->dropped, "closed", take->closed ? take->reason : "open");
    if (take->close_us >= 0)
      json_object_set_new(one, "seconds", json_integer((take->close_us - take->open_us) / G_USEC_PER_SEC));
    json_array_append_new(list, one);
  }
  return list;
}

json_t *history_sessions(const History *history) {
  json_t *list = json_array();
  for (guint i = 0; i < MIN(history->sessions->len, AUDIT_SESSIONS_MAX); i++) {
    const Session *session = history->sessions->pdata[i];
    json_t *one = json_pack("{s:i, s:s, s:I, s:I, s:o, s:o, s:o}", "number", (int)session->number, "id", session->id, "first_leaf",
                            (json_int_t)session->first_leaf, "last_leaf", (json_int_t)session->last_leaf, "people", people_json(session),
                            "requests", requests_json(session), "takes", takes_json(session));
    json_t *sums = json_object();
    sum_up(session, sums);
    json_object_set_new(one, "sums", sums);
    json_array_append_new(list, one);
  }
  return list;
}
