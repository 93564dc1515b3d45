/* SPDX-License-Identifier: Apache-2.0 */
/* Withdrawals: acknowledged when the gate is closed in the media thread, nothing is in flight, and the erase is durable (R11, R13). */
#include "signaling/session-media.h"

#include <sched.h>

#include "pipelines/transport/control.h"
#include "signaling/api-export.h"
#include "signaling/disclosure.h"
#include "signaling/receipt.h"
#include "signaling/session-unrecorded.h"

typedef struct Purged {
  gint64 leaf; /* the youngest; -1: none */
  guint64 segments, bytes;
} Purged;

struct Withdrawal {
  Session *session;
  Member *member;
  guint64 request;
  gint64 received_us, gate_closed_us, erased_us;
  guint waiting;        /* erases, the leaf, the worker; takes being thrown away are session->closing */
  Purged fresh, before; /* by this withdrawal; by earlier ones of the same recordings, which it asked for again */
  json_t *exports;
  ConsentScope scope; /* as asked; UNSET: as disclosed */
  json_t *proof;      /* of the leaf; NULL: the ledger refused it, and: */
  char *why;
  gboolean leaf_again;
  WithdrawalDone done;
  gpointer user;
};

/* One ERASE effect on its way through the vault. */
typedef struct Erase {
  Session *session;
  Withdrawal *withdrawal; /* NULL: a decline that took a grant back; nobody waits */
  guint64 ticket;
} Erase;

static void append_leaf(Withdrawal *withdrawal);

/* With the receipt, or with the reason why there is none (R24). */
static json_t *result_json(const Withdrawal *withdrawal, const Purged *purged) {
  const Session *session = withdrawal->session;
  const Request *request = session_request(withdrawal->session, withdrawal->request);
  json_auto_t *erased = json_pack("{s:I, s:I}", "segments", (json_int_t)purged->segments, "bytes", (json_int_t)purged->bytes);
  json_t *receipt = receipt_new(session->daemon->vault,
                                &(ReceiptFacts){.session = session->id,
                                                .participant = withdrawal->member->id,
                                                .disclosure = request != NULL ? request->disclosure : NULL,
                                                .erased = erased},
                                withdrawal->proof);
  json_t *result = json_pack("{s:s, s:o*, s:O, s:O, s:I, s:I}", "type", "consent.withdrawn", "receipt", receipt, "purged", erased,
                             "exports", withdrawal->exports, "gate_closed_us", (json_int_t)session->daemon->counters.last_gate_closed_us,
                             "erased_us", (json_int_t)session->daemon->counters.last_erased_us);
  if (receipt == NULL)
    json_object_set_new(result, "receipt_error", json_string(withdrawal->why != NULL ? withdrawal->why : "There is no receipt."));
  return result;
}

static void settle(Withdrawal *withdrawal) {
  Session *session = withdrawal->session;
  if (withdrawal->waiting > 0 || session->closing > 0)
    return;
  if (withdrawal->proof == NULL && !withdrawal->leaf_again) { /* by now the store takes writes again: the erase is durable */
    withdrawal->leaf_again = TRUE;
    append_leaf(withdrawal);
    return;
  }
  g_ptr_array_remove_fast(session->withdrawals, withdrawal);
  const Purged *purged = withdrawal->fresh.leaf >= 0 ? &withdrawal->fresh : &withdrawal->before; /* said again: answered the same again */
  session->purge_leaf = MAX(session->purge_leaf, purged->leaf);
  Daemon *daemon = session->daemon;
  daemon->counters.last_gate_closed_us = withdrawal->gate_closed_us - withdrawal->received_us;
  daemon->counters.last_erased_us = withdrawal->erased_us - withdrawal->received_us;
  g_message("event=withdrawn session=%s participant=%s gate_closed_us=%" G_GINT64_FORMAT " erased_us=%" G_GINT64_FORMAT
            " segments=%" G_GUINT64_FORMAT,
            session->id, withdrawal->member->id, daemon->counters.last_gate_closed_us, daemon->counters.last_erased_us, purged->segments);
  withdrawal->done(result_json(withdrawal, purged), withdrawal->user);
  json_decref(withdrawal->exports);
  json_decref(withdrawal->proof);
  g_free(withdrawal->why);
  g_free(withdrawal);
}

static void settle_one(Withdrawal *withdrawal) {
  withdrawal->waiting--;
  settle(withdrawal);
}

static void on_erased(const VaultReply *reply, gpointer user) {
  g_autofree Erase *erase = user;
  Withdrawal *withdrawal = erase->withdrawal;
  session_release(erase->session); /* the next message may forget it, nothing in here does */
  if (reply->error != NULL && !g_error_matches(reply->error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
    return; /* R13: not durable, so never acknowledged; the next start completes it */
  if (withdrawal != NULL) {
    Purged *purged = reply->leaf_index > erase->session->purge_leaf ? &withdrawal->fresh : &withdrawal->before;
    purged->leaf = MAX(purged->leaf, reply->leaf_index);
    purged->segments += reply->segments;
    purged->bytes += reply->bytes;
    if (reply->exports != NULL)
      json_array_extend(withdrawal->exports, reply->exports);
    withdrawal->erased_us = MAX(withdrawal->erased_us, reply->done_us);
  }
  session_event(erase->session, &(ConsentEvent){.type = CONSENT_EVENT_ERASED, .ticket = erase->ticket});
  if (withdrawal != NULL)
    settle_one(withdrawal);
}

static VaultScope vault_scope(ConsentScope scope) {
  switch (scope) {
  case CONSENT_SCOPE_AFTER:
    return VAULT_SCOPE_AFTER;
  case CONSENT_SCOPE_PARTICIPANT:
    return VAULT_SCOPE_PARTICIPANT;
  case CONSENT_SCOPE_UNSET: /* never left to chance: the most that can be erased */
  case CONSENT_SCOPE_SESSION:
    break;
  }
  return VAULT_SCOPE_SESSION;
}

static VaultScope asked_scope(ConsentScope asked) {
  return asked == CONSENT_SCOPE_UNSET ? VAULT_SCOPE_UNSET : vault_scope(asked);
}

void session_withdraw_erase(Session *session, const ConsentEffect *effect) {
  Member *member = session_person(session, effect->person);
  Erase *erase = g_new(Erase, 1);
  *erase = (Erase){session_hold(session), session->withdrawing, effect->ticket};
  if (session->withdrawing != NULL)
    session->withdrawing->waiting++;
  /* The core remembers recordings of this process alone. Of earlier ones the vault knows whose they are and what was disclosed, and holds to it (R12). */
  const Withdrawal *of_before = session_request(session, effect->request) == NULL ? session->withdrawing : NULL;
  const VaultErase wanted = {.session = session->id,
                             .request = effect->request,
                             .scope = of_before != NULL ? asked_scope(of_before->scope) : vault_scope(effect->scope),
                             .participant = member != NULL ? member->id : "",
                             .theirs = of_before != NULL,
                             .reason = "withdrawn"};
  if (wanted.scope != VAULT_SCOPE_AFTER)
    api_export_cut(session->daemon, session->id);
  vault_erase(session->daemon->vault, &wanted, on_erased, erase);
}

/* --- the media thread's word that it saw the closed gate --- */

typedef struct Seen {
  Withdrawal *withdrawal;
  GMainContext *control;
  gint64 at_us;
} Seen;

static void on_seen(gpointer data) {
  const Seen *seen = data;
  seen->withdrawal->gate_closed_us = seen->at_us;
  settle_one(seen->withdrawal);
}

static void see_closed(Worker *worker, gpointer data) { /* worker thread: every packet after this one sees the closed gate */
  (void)worker;
  Seen *seen = data;
  seen->at_us = daemon_now_us();
  control_post(seen->control, G_PRIORITY_HIGH, on_seen, seen, g_free);
}

/* On one core the media thread, which has the same rank, would wait until this one sleeps. As an ordinary thread one would yield to everybody. */
static void let_media_go_first(void) {
  if ((sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_RR)
    sched_yield();
}

static void on_leaf(const VaultReply *reply, gpointer user) {
  Withdrawal *withdrawal = user;
  withdrawal->proof = reply->proof != NULL ? json_incref(reply->proof) : NULL;
  g_free(withdrawal->why);
  withdrawal->why = reply->proof == NULL ? receipt_missing_text(reply->error) : NULL;
  settle_one(withdrawal);
}

static void append_leaf(Withdrawal *withdrawal) {
  Session *session = withdrawal->session;
  const Request *request = session_request(session, withdrawal->request);
  json_t *leaf =
      json_pack("{s:s, s:s, s:I}", "type", "withdraw", "participant", withdrawal->member->id, "request", (json_int_t)withdrawal->request);
  if (withdrawal->scope != CONSENT_SCOPE_UNSET)
    json_object_set_new(leaf, "scope", json_string(disclosure_scope_text(withdrawal->scope)));
  if (request != NULL)
    json_object_set_new(leaf, "disclosure_sha256", json_string(request->sha256));
  withdrawal->waiting++;
  vault_append_proven(session->daemon->vault, session->id, leaf, on_leaf, withdrawal);
}

void session_withdraw(Session *session, Member *member, guint64 request, ConsentScope scope, gint64 received_us, WithdrawalDone done,
                      gpointer user) {
  Withdrawal *withdrawal = g_new0(Withdrawal, 1);
  const ConsentView view = consent_view(session->consent);
  *withdrawal = (Withdrawal){.session = session,
                             .member = member,
                             .request = request == 0 && view.requests_made == 1 ? view.request : request,
                             .received_us = received_us,
                             .erased_us = received_us,
                             .scope = scope,
                             .waiting = 1, /* the worker; the leaf is next */
                             .fresh = {.leaf = -1},
                             .before = {.leaf = -1},
                             .exports = json_array(),
                             .done = done,
                             .user = user};
  g_ptr_array_add(session->withdrawals, withdrawal);
  tap_gate_revoke(session->gate); /* R11: the next packet, before anything else is thought about */
  Seen *seen = g_new(Seen, 1);
  *seen = (Seen){withdrawal, session->daemon->control, 0};
  worker_post(session->lane->worker, see_closed, seen, NULL);
  let_media_go_first();

  session->daemon->counters.withdrawals++;
  session->withdrawing = withdrawal;
  session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_WITHDRAW, .person = member->person, .request = request, .scope = scope});
  session->withdrawing = NULL;
  session_take_kill_past(session);
  session_unrecorded_forget(session, member);

  append_leaf(withdrawal);
}

void session_withdraw_take_closed(Session *session) {
  for (guint i = session->withdrawals->len; i-- > 0;)
    settle(session->withdrawals->pdata[i]);
}
