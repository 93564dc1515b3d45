/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/audit/leaf.h"

#include <string.h>

typedef enum FieldKind { FIELD_TEXT, FIELD_NUMBER, FIELD_FLAG, FIELD_ANY } FieldKind;

#define FIELD(name, kind)                                                                                                                  \
  { #name, sizeof #name - 1, G_STRUCT_OFFSET(Leaf, name), kind }
static const struct { /* sorted, as the members of a leaf are */
  const char *name;
  gsize n;
  glong offset;
  FieldKind kind;
} fields[] = {
    FIELD(absent_ms, FIELD_NUMBER),
    FIELD(asker, FIELD_TEXT),
    FIELD(at, FIELD_NUMBER),
    FIELD(by, FIELD_TEXT),
    FIELD(bytes, FIELD_NUMBER),
    FIELD(cannot_consent, FIELD_FLAG),
    FIELD(confirmed, FIELD_ANY),
    FIELD(consent_set, FIELD_TEXT),
    FIELD(continues, FIELD_FLAG),
    FIELD(discard, FIELD_FLAG),
    FIELD(disclosure_sha256, FIELD_TEXT),
    FIELD(end, FIELD_NUMBER),
    FIELD(first_us, FIELD_NUMBER),
    FIELD(last_us, FIELD_NUMBER),
    FIELD(media, FIELD_ANY),
    FIELD(medium, FIELD_TEXT),
    FIELD(on_withdrawal, FIELD_TEXT),
    FIELD(participant, FIELD_TEXT),
    FIELD(reason, FIELD_TEXT),
    FIELD(recordings, FIELD_ANY),
    FIELD(request, FIELD_NUMBER),
    FIELD(role, FIELD_TEXT),
    FIELD(roster, FIELD_ANY),
    FIELD(scope, FIELD_TEXT),
    FIELD(segment, FIELD_NUMBER),
    FIELD(segments, FIELD_ANY),
    FIELD(seq, FIELD_NUMBER),
    FIELD(session, FIELD_TEXT),
    FIELD(sfu, FIELD_FLAG),
    FIELD(sha256, FIELD_TEXT),
    FIELD(start, FIELD_NUMBER),
    FIELD(t, FIELD_NUMBER),
    FIELD(take, FIELD_NUMBER),
    FIELD(track, FIELD_TEXT),
    FIELD(type, FIELD_TEXT),
};

static gboolean fits(const Scan *scan, FieldKind kind) {
  const char first = scan->at < scan->end ? *scan->at : '\0';
  switch (kind) {
  case FIELD_TEXT:
    return first == '"';
  case FIELD_NUMBER:
    return first == '-' || g_ascii_isdigit(first);
  case FIELD_FLAG:
    return first == 't' || first == 'f';
  case FIELD_ANY:
    break;
  }
  return first != 'n';
}

static gboolean read_field(Scan *scan, Leaf *leaf, guint field) {
  void *place = G_STRUCT_MEMBER_P(leaf, fields[field].offset);
  if (!fits(scan, fields[field].kind)) /* null, or of a type of leaf that uses the name otherwise: not there */
    return scan_value(scan, NULL);
  switch (fields[field].kind) {
  case FIELD_TEXT:
    return scan_string(scan, place);
  case FIELD_NUMBER:
    return scan_integer(scan, place);
  case FIELD_FLAG:
    return scan_flag(scan, place);
  case FIELD_ANY:
    break;
  }
  return scan_value(scan, place);
}

static gint order(const char *name, gsize n, guint field) {
  const int by_bytes = memcmp(name, fields[field].name, MIN(n, fields[field].n));
  return by_bytes != 0 ? by_bytes : (n > fields[field].n) - (n < fields[field].n);
}

gboolean leaf_read(Leaf *leaf, guint64 index, const char *text, gsize n) {
  Scan scan;
  ScanInside object = {0};
  ScanText name;
  guint field = 0;
  *leaf = (Leaf){.index = index,
                 .at = -1,
                 .t = -1,
                 .request = -1,
                 .take = -1,
                 .segment = -1,
                 .seq = -1,
                 .start = -1,
                 .end = -1,
                 .first_us = -1,
                 .last_us = -1,
                 .bytes = -1,
                 .absent_ms = -1};
  scan_init(&scan, text, n);
  while (scan_member(&scan, &object, &name)) {
    while (field < G_N_ELEMENTS(fields) && order(name.at, name.n, field) > 0)
      field++;
    const gboolean ours = field < G_N_ELEMENTS(fields) && order(name.at, name.n, field) == 0;
    if (ours ? !read_field(&scan, leaf, field) : !scan_value(&scan, NULL))
      return FALSE;
  }
  return scan_done(&scan) && leaf->type.at && leaf->at >= 0;
}
