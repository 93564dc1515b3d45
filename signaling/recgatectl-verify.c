/* SPDX-License-Identifier: Apache-2.0 */
/* recgatectl verify, key: the audit's verdict for a person, or as JSON (R22). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gate/audit/audit.h"
#include "signaling/recgatectl.h"

#define SESSIONS_SHOWN 20
#define PROGRESS_US    (100 * 1000)

static void show_progress(const char *what, guint64 done, guint64 all, gpointer user) {
  gint64 *next_us = user;
  if (g_get_monotonic_time() < *next_us)
    return;
  *next_us = g_get_monotonic_time() + PROGRESS_US;
  fprintf(stderr, "\r\033[K%s: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT, what, done, all);
}

static json_int_t number(const json_t *object, const char *name) {
  return json_integer_value(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name) {
  const char *value = json_string_value(json_object_get(object, name));
  return value ? value : "";
}

static void print_list(const char *title, const json_t *list) {
  size_t i;
  json_t *line;
  if (json_array_size(list) > 0)
    printf("\n%s\n", title);
  json_array_foreach(list, i, line) printf("  - %s\n", json_string_value(line));
}

static void print_findings(const json_t *verdict) {
  size_t i;
  json_t *finding;
  const json_t *list = json_object_get(verdict, "findings");
  if (json_array_size(list) > 0)
    printf("\nWhat is wrong, the first thing first (%" JSON_INTEGER_FORMAT " in all)\n", number(verdict, "findings_total"));
  json_array_foreach(list, i, finding) {
    printf("  - [%s] %s", text(finding, "rule"), text(finding, "what"));
    if (json_object_get(finding, "leaf"))
      printf("; leaf %" JSON_INTEGER_FORMAT, number(finding, "leaf"));
    if (json_object_get(finding, "segment"))
      printf("; segment %" JSON_INTEGER_FORMAT, number(finding, "segment"));
    if (json_object_get(finding, "file"))
      printf("; file %s", text(finding, "file"));
    putchar('\n');
  }
}

static void print_requests(const json_t *session) {
  size_t i, k;
  json_t *request, *person;
  json_array_foreach(json_object_get(session, "requests"), i, request) {
    const json_t *granted = json_object_get(request, "granted_by");
    if (number(request, "asked_by") > 0)
      printf("      asked by person %" JSON_INTEGER_FORMAT "; agreed:", number(request, "asked_by"));
    else
      printf("      asked in writing; agreed:");
    json_array_foreach(granted, k, person) printf(" %" JSON_INTEGER_FORMAT, json_integer_value(person));
    printf("%s%s\n", json_array_size(granted) == 0 ? " nobody" : "",
           json_is_true(json_object_get(request, "withdrawn")) ? "; withdrawn" : "");
  }
}

static void print_session(const json_t *session) {
  size_t i;
  json_t *one;
  const json_t *sums = json_object_get(session, "sums");
  printf("  Session %" JSON_INTEGER_FORMAT " (leaves %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT "):", number(session, "number"),
         number(session, "first_leaf"), number(session, "last_leaf"));
  json_array_foreach(json_object_get(session, "people"), i, one)
      printf("%s person %" JSON_INTEGER_FORMAT " (%s)", i > 0 ? "," : "", number(one, "number"), text(one, "role"));
  putchar('\n');
  print_requests(session);
  json_array_foreach(json_object_get(session, "takes"), i, one)
      printf("      take %" JSON_INTEGER_FORMAT ": %" JSON_INTEGER_FORMAT " s, %" JSON_INTEGER_FORMAT
             " segments kept at the time, %" JSON_INTEGER_FORMAT " dropped; closed: %s\n",
             number(one, "take"), number(one, "seconds"), number(one, "committed"), number(one, "dropped"), text(one, "closed"));
  printf("      today: %" JSON_INTEGER_FORMAT " segments kept, %" JSON_INTEGER_FORMAT " erased after a withdrawal, %" JSON_INTEGER_FORMAT
         " after their time\n",
         number(sums, "kept"), number(sums, "purged"), number(sums, "expired"));
}

static void print_sessions(const json_t *verdict) {
  size_t i;
  json_t *session;
  const json_t *list = json_object_get(verdict, "session_list"), *totals = json_object_get(verdict, "totals");
  if (json_array_size(list) > 0)
    puts("\nThe sessions, the latest last. The log names nobody; people have numbers in the order of their coming.");
  const size_t hidden = (size_t)number(totals, "sessions") - MIN((size_t)number(totals, "sessions"), SESSIONS_SHOWN);
  if (hidden > 0)
    printf("  (%zu earlier ones are left out; --json has more)\n", hidden);
  json_array_foreach(list, i, session) if (i + SESSIONS_SHOWN >= json_array_size(list)) print_session(session);
}

static void print_totals(const json_t *verdict) {
  const json_t *log = json_object_get(verdict, "log"), *totals = json_object_get(verdict, "totals");
  size_t i;
  json_t *saved;
  printf("\nLog:      %s, %" JSON_INTEGER_FORMAT " leaves, root %s\n", text(log, "origin"), number(log, "leaves"), text(log, "root"));
  printf("Key:      %s\n", text(log, "key"));
  json_array_foreach(json_object_get(verdict, "against"), i, saved)
      printf("Against:  %s, %" JSON_INTEGER_FORMAT " leaves: %s\n", text(saved, "file"), number(saved, "size"),
             json_is_true(json_object_get(saved, "holds")) ? "the log continues it" : "NOT continued");
  printf("Sessions: %" JSON_INTEGER_FORMAT " with %" JSON_INTEGER_FORMAT " people, %" JSON_INTEGER_FORMAT
         " requests to record, %" JSON_INTEGER_FORMAT " agreements, %" JSON_INTEGER_FORMAT " refusals, %" JSON_INTEGER_FORMAT
         " withdrawals\n",
         number(totals, "sessions"), number(totals, "people"), number(totals, "requests"), number(totals, "grants"),
         number(totals, "declines"), number(totals, "withdrawals"));
  printf("Recorded: %" JSON_INTEGER_FORMAT " takes; segments: %" JSON_INTEGER_FORMAT " kept (%" JSON_INTEGER_FORMAT
         " bytes), %" JSON_INTEGER_FORMAT " erased after a withdrawal, %" JSON_INTEGER_FORMAT " after their time, %" JSON_INTEGER_FORMAT
         " dropped before they were kept\n",
         number(totals, "takes"), number(totals, "kept"), number(totals, "bytes_kept"), number(totals, "purged"), number(totals, "expired"),
         number(totals, "dropped"));
  printf("Seen:     %" JSON_INTEGER_FORMAT " accesses, %" JSON_INTEGER_FORMAT " exports\n", number(totals, "accesses"),
         number(totals, "exports"));
}

static void print_verdict(const json_t *verdict) {
  puts(json_is_true(json_object_get(verdict, "ok")) ? "All is well: what was checked holds." : "NOT well: what was checked does not hold.");
  print_findings(verdict);
  print_totals(verdict);
  print_sessions(verdict);
  print_list("Checked", json_object_get(verdict, "checked"));
  print_list("Not checked", json_object_get(verdict, "unchecked"));
}

gboolean ctl_verify(const CtlOptions *options, GError **error) {
  gint64 next_us = 0;
  const gboolean terminal = isatty(STDERR_FILENO) == 1;
  const AuditOptions audit = {.data = options->data,
                              .key = options->key,
                              .checkpoints = options->checkpoints,
                              .tiles = options->tiles,
                              .progress = terminal ? show_progress : NULL,
                              .user = &next_us};
  json_auto_t *verdict = audit_run(&audit, error);
  if (terminal)
    fputs("\r\033[K", stderr);
  if (!verdict)
    return FALSE;
  if (options->json)
    ctl_print_json(verdict);
  else
    print_verdict(verdict);
  const json_t *first = json_array_get(json_object_get(verdict, "findings"), 0);
  return first == NULL || ctl_refuse(error, CTL_ERROR_VERDICT, text(first, "what"));
}

gboolean ctl_key(const CtlOptions *options, GError **error) {
  g_autofree char *key = audit_key(options->data, error);
  if (!key)
    return FALSE;
  json_auto_t *result = json_pack("{s:s}", "key", key);
  if (options->json)
    ctl_print_json(result);
  else
    puts(key);
  return TRUE;
}
