/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/evidence/summary.h"

#include <string.h>

#include "pipelines/evidence/html.h"

/* Names, texts and ids come from outside: nothing reaches the page but through html_text and html_lines (fault 38). */
static const char head[] =
    "<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<style>\n:root{color-scheme:light dark}\nbody{font:100%/1.5 system-ui,sans-serif;max-width:60rem;margin:1rem auto;padding:0 1rem}\n"
    "h1,h2{line-height:1.25}\n.scroll{overflow-x:auto}\ntable{border-collapse:collapse;width:100%}\n"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #8886;overflow-wrap:break-word}\n"
    "pre,code{white-space:pre-wrap;overflow-wrap:anywhere}\nblockquote{margin:0 0 1rem;padding:.5rem 1rem;border-left:4px solid #8886}\n"
    "</style>\n";

static const char *text(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

/* A value as it stands in a cell; lists joined, what is missing a dash. */
static void cell(GString *page, const json_t *value) {
  g_string_append(page, "<td>");
  if (json_is_integer(value))
    g_string_append_printf(page, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
  else if (json_is_array(value))
    for (gsize i = 0; i < json_array_size(value); i++) {
      g_string_append(page, i > 0 ? ", " : "");
      html_text(page, json_string_value(json_array_get(value, i)));
    }
  else
    html_text(page, json_string_value(value));
  g_string_append(page, "</td>");
}

static void heading(GString *page, const char *words) {
  g_string_append(page, "<h2>");
  html_text(page, words);
  g_string_append(page, "</h2>\n");
}

typedef struct Column {
  const char *title, *field;
} Column;

static void table(GString *page, const char *title, const json_t *rows, const Column *columns, gsize n, const char *none) {
  heading(page, title);
  if (json_array_size(rows) == 0) {
    g_string_append_printf(page, "<p>%s</p>\n", none);
    return;
  }
  g_string_append(page, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
  html_text(page, title);
  g_string_append(page, "\"><table>\n<thead><tr>");
  for (gsize i = 0; i < n; i++)
    g_string_append_printf(page, "<th scope=\"col\">%s</th>", columns[i].title);
  g_string_append(page, "</tr></thead>\n<tbody>\n");
  for (gsize row = 0; row < json_array_size(rows); row++) {
    g_string_append(page, "<tr>");
    for (gsize i = 0; i < n; i++)
      cell(page, json_object_get(json_array_get(rows, row), columns[i].field));
    g_string_append(page, "</tr>\n");
  }
  g_string_append(page, "</tbody></table></div>\n");
}

static void people(GString *page, const SummaryFacts *facts, const SummaryWords *words) {
  const Column columns[] = {{words->name, "name"},     {words->id, "id"},     {words->role, "role"},
                            {words->joined, "joined"}, {words->left, "left"}, {words->reason, "reason"}};
  table(page, words->people, json_object_get(facts->state, "participants"), columns, G_N_ELEMENTS(columns), words->nobody);
}

static void requests(GString *page, const SummaryFacts *facts, const SummaryWords *words) {
  const Column columns[] = {{words->request, "request"},
                            {words->asker, "asker"},
                            {words->purpose, "purpose"},
                            {words->retention, "retention_s"},
                            {words->on_withdrawal, "on_withdrawal"},
                            {words->when, "at"}};
  json_t *rows = json_array();
  gsize i;
  json_t *one;
  json_array_foreach(json_object_get(facts->state, "requests"), i, one) {
    json_t *row = json_copy(one);
    const json_t *disclosure = json_object_get(one, "disclosure");
    json_t *own = json_object_get(disclosure, "purpose_text");
    json_object_set(row, "purpose", json_is_string(own) ? own : json_object_get(disclosure, "purpose"));
    json_array_append_new(rows, row);
  }
  table(page, words->requests, rows, columns, G_N_ELEMENTS(columns), words->none);
  json_decref(rows);
}

static void consents(GString *page, const SummaryFacts *facts, const SummaryWords *words) {
  const Column columns[] = {
      {words->request, "request"}, {words->id, "participant"}, {words->answer, "answer"}, {words->media, "media"}, {words->when, "at"}};
  table(page, words->consents, json_object_get(facts->state, "consents"), columns, G_N_ELEMENTS(columns), words->none);
}

static void gate(GString *page, const SummaryFacts *facts, const SummaryWords *words) {
  const Column columns[] = {{words->when, "at"}, {words->gate, "gate"}, {words->take, "take"}, {words->reason, "reason"}};
  json_t *rows = json_array();
  gsize i;
  json_t *one;
  json_array_foreach(json_object_get(facts->state, "gate_history"), i, one) {
    json_t *row = json_copy(one);
    json_object_set_new(row, "gate", json_string(g_strcmp0(text(one, "gate"), "open") == 0 ? words->open : words->closed));
    json_array_append_new(rows, row);
  }
  table(page, words->gate, rows, columns, G_N_ELEMENTS(columns), words->none);
  json_decref(rows);
}

/* One row a person, medium and state: a call of hours has a hundred thousand segments. */
static void segments(GString *page, const SummaryFacts *facts, const SummaryWords *words) {
  const Column columns[] = {
      {words->id, "participant"}, {words->medium, "medium"}, {words->state, "state"}, {words->count, "segments"}, {words->bytes, "bytes"}};
  json_t *rows = json_array(), *by_key = json_object();
  gsize i;
  json_t *one;
  json_array_foreach((json_t *)facts->segments, i, one) {
    g_autofree char *key = g_strdup_printf("%s %s %s", text(one, "participant"), text(one, "medium"), text(one, "state"));
    json_t *row = json_object_get(by_key, key);
    if (!row) {
      row = json_pack("{s:O, s:O, s:O, s:i, s:i}", "participant", json_object_get(one, "participant"), "medium",
                      json_object_get(one, "medium"), "state", json_object_get(one, "state"), "segments", 0, "bytes", 0);
      json_object_set(by_key, key, row);
      json_array_append_new(rows, row);
    }
    json_integer_set(json_object_get(row, "segments"), json_integer_value(json_object_get(row, "segments")) + 1);
    json_integer_set(json_object_get(row, "bytes"),
                     json_integer_value(json_object_get(row, "bytes")) + json_integer_value(json_object_get(one, "bytes")));
  }
  table(page, words->segments, rows, columns, G_N_ELEMENTS(columns), words->none);
  g_string_append_printf(page, "<p>%s</p>\n", words->no_media);
  json_decref(rows);
  json_decref(by_key);
}

static void purges(GString *page, const SummaryFacts *facts, const SummaryWords *words) {
  const Column columns[] = {{words->when, "at"},       {words->by, "participant"}, {words->scope, "scope"},
                            {words->reason, "reason"}, {words->count, "segments"}, {words->bytes, "bytes"}};
  table(page, words->purges, json_object_get(facts->state, "purges"), columns, G_N_ELEMENTS(columns), words->none);
}

static const char *kind_title(const SummaryWords *words, const char *kind) {
  return g_strcmp0(kind, "violation") == 0 ? words->title_violation
         : g_strcmp0(kind, "dispute") == 0 ? words->title_dispute
                                           : words->title_evidence;
}

static void reports(GString *page, const SummaryFacts *facts, const SummaryWords *words) {
  heading(page, words->reports);
  if (json_array_size(facts->reports) == 0)
    g_string_append_printf(page, "<p>%s</p>\n", words->none);
  gsize i;
  json_t *one;
  json_array_foreach((json_t *)facts->reports, i, one) {
    g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(json_integer_value(json_object_get(one, "at")) / 1000);
    g_autofree char *when = at ? g_date_time_format_iso8601(at) : NULL;
    g_string_append_printf(page, "<h3>%s: ", kind_title(words, text(one, "kind")));
    html_text(page, text(one, "participant"));
    g_string_append_printf(page, ", %s</h3>\n<blockquote>", when ? when : "");
    html_lines(page, text(one, "text"));
    g_string_append(page, "</blockquote>\n");
  }
}

static void proof(GString *page, const SummaryFacts *facts, const SummaryWords *words) {
  heading(page, words->proof);
  g_string_append_printf(page, "<p>%s %" G_GUINT64_FORMAT " / %" G_GUINT64_FORMAT "</p>\n<h3>%s</h3>\n<pre>", words->proof_text,
                         facts->leaves, facts->size, words->checkpoint);
  html_lines(page, facts->checkpoint);
  g_string_append_printf(page, "</pre>\n<h3>%s</h3>\n<p><code>", words->key);
  html_text(page, facts->verifier);
  g_string_append_printf(page, "</code></p>\n<p>%s</p>\n", words->check);
}

static const char *language_of(const json_t *state) {
  const json_t *list = json_object_get(state, "requests");
  const json_t *newest = json_array_get(list, json_array_size(list) > 0 ? json_array_size(list) - 1 : 0);
  return text(json_object_get(newest, "disclosure"), "language");
}

char *summary_page(const SummaryFacts *facts) {
  const SummaryWords *words = summary_words(language_of(facts->state));
  GString *page = g_string_new("<!doctype html>\n");
  const char *title = kind_title(words, facts->kind);
  g_string_append_printf(page, "<html lang=\"%s\">\n<head>\n%s<title>%s: ", words->language, head, title);
  html_text(page, facts->session);
  g_string_append_printf(page, "</title>\n</head>\n<body>\n<main>\n<h1>%s: ", title);
  html_text(page, facts->session);
  g_string_append_printf(page, "</h1>\n<p>%s: %s</p>\n<p>%s</p>\n<p><strong>%s</strong></p>\n", words->made, facts->made_at, words->intro,
                         words->confidential);
  if (facts->kind)
    reports(page, facts, words);
  people(page, facts, words);
  requests(page, facts, words);
  consents(page, facts, words);
  gate(page, facts, words);
  segments(page, facts, words);
  purges(page, facts, words);
  if (!facts->kind)
    reports(page, facts, words);
  proof(page, facts, words);
  g_string_append(page, "</main>\n</body>\n</html>\n");
  return g_string_free(page, FALSE);
}
