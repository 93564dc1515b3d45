/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/audit/scan.h"

#include <string.h>

#define DEPTH_MAX   32
#define INTEGER_MAX (G_GINT64_CONSTANT(1) << 53)

void scan_init(Scan *scan, const char *text, gsize n) {
  *scan = (Scan){text, text + n, !g_utf8_validate_len(text, n, NULL)};
}

static gboolean fail(Scan *scan) {
  scan->bad = TRUE;
  return FALSE;
}

static gboolean eat(Scan *scan, char c) {
  if (scan->bad || scan->at == scan->end || *scan->at != c)
    return fail(scan);
  scan->at++;
  return TRUE;
}

static gboolean ahead(const Scan *scan, char c) {
  return !scan->bad && scan->at < scan->end && *scan->at == c;
}

/* Byte order is the order of RFC 8785 for the ASCII names that leaves have. */
static gint compare(ScanText a, ScanText b) {
  const int order = memcmp(a.at, b.at, MIN(a.n, b.n));
  return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* Steps over the opening bracket, or the comma before what comes next. */
static gboolean step(Scan *scan, ScanInside *inside, char open, char close) {
  if (scan->bad || inside->over || (!inside->begun && !eat(scan, open)))
    return FALSE;
  const gboolean first = !inside->begun;
  inside->begun = TRUE;
  if (ahead(scan, close)) {
    scan->at++;
    inside->over = TRUE;
    return FALSE;
  }
  return first || eat(scan, ',');
}

gboolean scan_member(Scan *scan, ScanInside *object, ScanText *name) {
  if (!step(scan, object, '{', '}') || !scan_string(scan, name) || !eat(scan, ':'))
    return FALSE;
  if (object->last.at && compare(object->last, *name) >= 0)
    return fail(scan);
  object->last = *name;
  return TRUE;
}

gboolean scan_element(Scan *scan, ScanInside *array) {
  return step(scan, array, '[', ']');
}

gboolean scan_string(Scan *scan, ScanText *text) {
  if (!eat(scan, '"'))
    return FALSE;
  const char *from = scan->at;
  for (; scan->at < scan->end && *scan->at != '"'; scan->at++) {
    if ((guchar)*scan->at < 0x20 || (*scan->at == '\\' && ++scan->at == scan->end))
      return fail(scan);
  }
  *text = (ScanText){from, (gsize)(scan->at - from)};
  return eat(scan, '"');
}

gboolean scan_integer(Scan *scan, gint64 *number) {
  const gboolean minus = ahead(scan, '-');
  gint64 value = 0;
  if (scan->bad)
    return FALSE;
  scan->at += minus;
  const char *from = scan->at;
  for (; scan->at < scan->end && g_ascii_isdigit(*scan->at) && value <= INTEGER_MAX; scan->at++)
    value = value * 10 + (*scan->at - '0');
  if (scan->at == from || value > INTEGER_MAX || (*from == '0' && (minus || scan->at > from + 1)))
    return fail(scan);
  *number = minus ? -value : value;
  return TRUE;
}

static gboolean word(Scan *scan, const char *text) {
  const gsize n = strlen(text);
  if (scan->bad || (gsize)(scan->end - scan->at) < n || memcmp(scan->at, text, n) != 0)
    return FALSE;
  scan->at += n;
  return TRUE;
}

gboolean scan_flag(Scan *scan, gboolean *flag) {
  *flag = word(scan, "true");
  return *flag || word(scan, "false") || fail(scan);
}

static gboolean skip(Scan *scan, guint depth) {
  ScanInside inside = {0};
  ScanText text;
  gint64 number;
  gboolean flag;
  if (scan->bad || depth > DEPTH_MAX || scan->at == scan->end)
    return fail(scan);
  switch (*scan->at) {
  case '{':
    while (scan_member(scan, &inside, &text) && skip(scan, depth + 1))
      ;
    return !scan->bad;
  case '[':
    while (scan_element(scan, &inside) && skip(scan, depth + 1))
      ;
    return !scan->bad;
  case '"':
    return scan_string(scan, &text);
  case 't':
  case 'f':
    return scan_flag(scan, &flag);
  case 'n':
    return word(scan, "null") || fail(scan);
  }
  return scan_integer(scan, &number);
}

gboolean scan_value(Scan *scan, ScanText *whole) {
  const char *from = scan->at;
  if (!skip(scan, 0))
    return FALSE;
  if (whole)
    *whole = (ScanText){from, (gsize)(scan->at - from)};
  return TRUE;
}

gboolean scan_done(const Scan *scan) {
  return !scan->bad && scan->at == scan->end;
}

gboolean scan_is(ScanText text, const char *against) {
  return text.at && strlen(against) == text.n && memcmp(text.at, against, text.n) == 0;
}

gboolean scan_same(ScanText a, ScanText b) {
  return a.at && b.at && a.n == b.n && memcmp(a.at, b.at, a.n) == 0;
}
