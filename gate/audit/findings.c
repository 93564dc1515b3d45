/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/audit/findings.h"

#include "gate/audit/audit.h"

void findings_init(Findings *findings) {
  *findings = (Findings){json_array(), 0};
}

void findings_clear(Findings *findings) {
  json_decref(findings->list);
  *findings = (Findings){NULL, 0};
}

gboolean findings_add(Findings *findings, const FindingPlace *place, const char *rule, const char *format, ...) {
  va_list values;
  findings->total++;
  if (json_array_size(findings->list) >= AUDIT_FINDINGS_MAX)
    return FALSE;
  va_start(values, format);
  g_autofree char *what = g_strdup_vprintf(format, values);
  va_end(values);
  g_autofree char *plain = g_utf8_make_valid(what, -1);
  json_t *finding = json_pack("{s:s, s:s}", "rule", rule, "what", plain);
  if (place && place->leaf >= 0)
    json_object_set_new(finding, "leaf", json_integer((json_int_t)place->leaf));
  if (place && place->segment > 0)
    json_object_set_new(finding, "segment", json_integer((json_int_t)place->segment));
  if (place && place->file)
    json_object_set_new(finding, "file", json_string(place->file));
  json_array_append_new(findings->list, finding);
  return FALSE;
}

void findings_append(Findings *findings, Findings *more) {
  for (gsize i = 0; i < json_array_size(more->list) && json_array_size(findings->list) < AUDIT_FINDINGS_MAX; i++)
    json_array_append(findings->list, json_array_get(more->list, i));
  findings->total += more->total;
  json_array_clear(more->list);
  more->total = 0;
}
