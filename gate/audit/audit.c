/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/audit/audit.h"

#include "gate/audit/history.h"
#include "gate/audit/log.h"
#include "gate/audit/store.h"
#include "gate/vault/files.h"

#define ATTEMPTS_MAX 3
#define ATTEMPT_US   (100 * 1000) /* a running daemon finishes what it was about: a file unlinked after its leaf */

typedef struct Audit {
  const AuditOptions *options;
  Source *source;
  History *history;
  Log *log;
  Store *store;
  Findings logged, told, concluded, stored; /* of the log, of each leaf, at the end, of the store */
} Audit;

static void audit_clear(Audit *audit) {
  store_free(audit->store);
  log_free(audit->log);
  history_free(audit->history);
  source_free(audit->source);
  findings_clear(&audit->logged);
  findings_clear(&audit->told);
  findings_clear(&audit->concluded);
  findings_clear(&audit->stored);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Audit, audit_clear)

static LedgerKey *own_key(int dir_fd, GError **error) {
  g_autoptr(GError) why = NULL;
  LedgerKey *key = files_read_ledger_key(dir_fd, &why);
  if (!key)
    g_set_error_literal(error, AUDIT_ERROR, AUDIT_ERROR_INPUT, why->message);
  return key;
}

char *audit_key(const char *data, GError **error) {
  g_autoptr(Source) source = source_new(data, error);
  g_autoptr(LedgerKey) key = source ? own_key(source->dir_fd, error) : NULL;
  return key ? ledger_key_verifier_text(key) : NULL;
}

static LedgerVerifier *verifier_of(const Audit *audit, char **text, GError **error) {
  g_autoptr(GError) why = NULL;
  g_autoptr(LedgerKey) key = audit->options->key ? NULL : own_key(audit->source->dir_fd, error);
  if (!audit->options->key && !key)
    return NULL;
  *text = key ? ledger_key_verifier_text(key) : g_strdup(audit->options->key);
  LedgerVerifier *verifier = ledger_verifier_parse(*text, &why);
  if (!verifier)
    g_set_error_literal(error, AUDIT_ERROR, AUDIT_ERROR_INPUT, why->message);
  return verifier;
}

static void on_leaf(guint64 index, const char *text, gsize n, gpointer user) {
  Audit *audit = user;
  Leaf leaf;
  if (leaf_read(&leaf, index, text, n))
    history_leaf(audit->history, &leaf, &audit->told);
  else
    findings_add(&audit->told, AT_LEAF(index), "R21", "leaf %" G_GUINT64_FORMAT " is not canonical JSON with type and time", index);
}

/* Reads what there is of the log and draws what can be said at its end. */
static gboolean read_log(Audit *audit, GError **error) {
  const LogReading reading = {audit->source, on_leaf, audit->options->progress, audit, audit->options->user};
  if (!log_read(audit->log, &reading, &audit->logged, error))
    return FALSE;
  findings_clear(&audit->concluded);
  findings_init(&audit->concluded);
  history_conclude(audit->history, &audit->concluded);
  return TRUE;
}

static gboolean is_clean(const Audit *audit) {
  return audit->concluded.total + audit->stored.total == 0;
}

/* Whatever does not fit may be younger than the leaves that were read: they are read on, and it is looked at again. */
static gboolean judge(Audit *audit, GError **error) {
  if (!read_log(audit, error))
    return FALSE;
  if (!log_is_sound(audit->log)) /* a store is compared with a log that holds, or with nothing */
    return TRUE;
  audit->store = store_new(audit->source, audit->history);
  if (!store_look(audit->store, audit->options->progress, audit->options->user, error))
    return FALSE;
  for (guint attempt = 0; attempt <= ATTEMPTS_MAX; attempt++) {
    findings_clear(&audit->stored);
    findings_init(&audit->stored);
    if (attempt > 0)
      g_usleep(ATTEMPT_US);
    if ((attempt > 0 || store_suspects(audit->store)) && !read_log(audit, error))
      return FALSE;
    if (!store_judge(audit->store, &audit->stored, error))
      return FALSE;
    if (is_clean(audit) || !log_is_sound(audit->log))
      return TRUE;
  }
  return TRUE;
}

/* --- the report --- */

static void say(json_t *list, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void say(json_t *list, const char *format, ...) {
  va_list values;
  va_start(values, format);
  g_autofree char *text = g_strdup_vprintf(format, values);
  va_end(values);
  json_array_append_new(list, json_string(text));
}

static json_int_t count(const json_t *object, const char *name) {
  return json_integer_value(json_object_get(object, name));
}

static json_t *checked(const Audit *audit, const json_t *store) {
  json_t *list = json_array();
  say(list, "each of %" G_GUINT64_FORMAT " leaves against its hash, every tile's root, and the signed checkpoint against the key",
      log_size(audit->log));
  for (guint i = 0; audit->options->checkpoints && audit->options->checkpoints[i]; i++)
    say(list, "that the log continues what %s knew of it", audit->options->checkpoints[i]);
  say(list, "that the gate was open only while everybody in the session had agreed, and closed when that ended (R3, R4, R7, R8, R14)");
  say(list, "that each segment kept lies within such a time, was confirmed by everybody (R10), is of a medium agreed to (R16), and "
            "followed no withdrawal (R11)");
  say(list, "that segment numbers have no unexplained holes (R22), and that withdrawals were followed by their erase (R12)");
  if (store)
    say(list,
        "%" JSON_INTEGER_FORMAT " files of %" JSON_INTEGER_FORMAT
        " bytes against their SHA-256, each record against its leaf, and that nothing else is there",
        count(store, "files"), count(store, "bytes"));
  if (store && count(store, "keys") >= 0)
    say(list, "that %" JSON_INTEGER_FORMAT " keys are in use, all of what is kept, none of what was erased (R18)", count(store, "keys"));
  return list;
}

static json_t *unchecked(const Audit *audit, const json_t *store) {
  json_t *list = json_array();
  if (!audit->options->checkpoints || !audit->options->checkpoints[0])
    say(list, "whether the end of the log was cut off, or all of it rewritten with its own key: that takes a checkpoint or a receipt saved "
              "earlier (--checkpoint)");
  if (!audit->options->key)
    say(list, "whose key it is: it was taken from the data directory itself; give the one that was published (--key)");
  if (!log_is_sound(audit->log))
    say(list, "everything behind the first wrong leaf, and the store: the log does not hold");
  if (!store)
    return list;
  if (count(store, "by_numbers") > 0)
    say(list, "who %" JSON_INTEGER_FORMAT " segments are of: personal data was erased (R23), they were compared by their numbers",
        count(store, "by_numbers"));
  if (count(store, "keys") < 0)
    say(list, "keys: there is no key file here");
  if (count(store, "unfinished") > 0)
    say(list, "%" JSON_INTEGER_FORMAT " unfinished files: never kept, their keys were in memory alone (R17)", count(store, "unfinished"));
  if (count(store, "erasing") + count(store, "interrupted") > 0)
    say(list,
        "%" JSON_INTEGER_FORMAT " erased segments that are still being tidied up, and %" JSON_INTEGER_FORMAT
        " erases that the next start of recgate completes: no key opens them",
        count(store, "erasing"), count(store, "interrupted"));
  return list;
}

static json_t *report(Audit *audit, const char *key) {
  json_t *store = audit->store ? store_json(audit->store) : NULL;
  Findings *all = &audit->logged;
  findings_append(all, &audit->told);
  findings_append(all, &audit->concluded);
  findings_append(all, &audit->stored);
  json_t *log = log_json(audit->log);
  json_object_set_new(log, "key", json_string(key));
  json_t *verdict =
      json_pack("{s:b, s:O, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "ok", all->total == 0, "findings", all->list, "findings_total",
                (json_int_t)all->total, "log", log, "against", log_against(audit->log), "totals", history_totals(audit->history),
                "session_list", history_sessions(audit->history), "checked", checked(audit, store), "unchecked", unchecked(audit, store));
  if (store)
    json_object_set_new(verdict, "store", store);
  return verdict;
}

json_t *audit_run(const AuditOptions *options, GError **error) {
  g_auto(Audit) audit = {.options = options};
  g_autofree char *key = NULL;
  findings_init(&audit.logged);
  findings_init(&audit.told);
  findings_init(&audit.concluded);
  findings_init(&audit.stored);
  audit.source = source_new(options->data, error);
  g_autoptr(LedgerVerifier) verifier = audit.source ? verifier_of(&audit, &key, error) : NULL;
  audit.log = verifier ? log_new(verifier, options->checkpoints, options->tiles, &audit.logged, error) : NULL;
  if (!audit.log)
    return NULL;
  audit.history = history_new();
  if (!judge(&audit, error))
    return NULL;
  log_conclude(audit.log, &audit.logged);
  return report(&audit, key);
}
