/* SPDX-License-Identifier: Apache-2.0 */
/* A walk through one canonical JSON text (RFC 8785) without copying it: a log has millions.
 *
 * Threads: any thread; a Scan belongs to one. Every function gives FALSE on what is not canonical JSON, and from then on always. */
#ifndef RECGATE_AUDIT_SCAN_H
#define RECGATE_AUDIT_SCAN_H

#include <glib.h>

typedef struct ScanText { /* a view into the text, without its quotes; escapes stay as they are */
  const char *at;         /* NULL: not there */
  gsize n;
} ScanText;

typedef struct Scan {
  const char *at, *end;
  gboolean bad;
} Scan;

typedef struct ScanInside { /* where the walk through one object or array stands; zero: before it */
  gboolean begun, over;
  ScanText last;
} ScanInside;

void scan_init(Scan *scan, const char *text, gsize n);
/* The next member: its name is read, its value is what comes next. FALSE: the object is over, or bad. Names grow, none comes twice. */
gboolean scan_member(Scan *scan, ScanInside *object, ScanText *name);
/* The next element is what comes next. FALSE: the array is over, or bad. */
gboolean scan_element(Scan *scan, ScanInside *array);
gboolean scan_string(Scan *scan, ScanText *text);
gboolean scan_integer(Scan *scan, gint64 *number);
gboolean scan_flag(Scan *scan, gboolean *flag);
/* Any value; `whole` (may be NULL) is its text, quotes included. */
gboolean scan_value(Scan *scan, ScanText *whole);
/* The text was one value and is at its end. */
gboolean scan_done(const Scan *scan);

gboolean scan_is(ScanText text, const char *word);
gboolean scan_same(ScanText a, ScanText b);

#endif
