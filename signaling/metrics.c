/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus text format. */
#include "signaling/metrics.h"

struct Metrics {
  GString *text;
  char *family;
};

Metrics *metrics_new(void) {
  Metrics *metrics = g_new0(Metrics, 1);
  metrics->text = g_string_new(NULL);
  return metrics;
}

void metrics_free(Metrics *metrics) {
  if (!metrics)
    return;
  g_string_free(metrics->text, TRUE);
  g_free(metrics->family);
  g_free(metrics);
}

/* HELP escapes backslash and newline; a label's value the double quote as well. */
static void append_escaped(GString *text, const char *value, gboolean quotes) {
  for (const char *p = value; *p; p++) {
    if (*p == '\\' || (quotes && *p == '"'))
      g_string_append_c(text, '\\');
    if (*p == '\n')
      g_string_append(text, "\\n");
    else
      g_string_append_c(text, *p);
  }
}

void metrics_family(Metrics *metrics, const char *name, MetricsType type, const char *help) {
  g_free(metrics->family);
  metrics->family = g_strdup(name);
  g_string_append_printf(metrics->text, "# HELP %s ", name);
  append_escaped(metrics->text, help, FALSE);
  g_string_append_printf(metrics->text, "\n# TYPE %s %s\n", name, type == METRICS_COUNTER ? "counter" : "gauge");
}

void metrics_sample(Metrics *metrics, const char *label, const char *label_value, double value) {
  g_return_if_fail(metrics->family);
  g_string_append(metrics->text, metrics->family);
  if (label) {
    g_string_append_printf(metrics->text, "{%s=\"", label);
    append_escaped(metrics->text, label_value, TRUE);
    g_string_append(metrics->text, "\"}");
  }
  char number[G_ASCII_DTOSTR_BUF_SIZE]; /* never the locale's comma */
  g_string_append_printf(metrics->text, " %s\n", g_ascii_formatd(number, sizeof number, "%.17g", value));
}

void metrics_single(Metrics *metrics, const char *name, MetricsType type, const char *help, double value) {
  metrics_family(metrics, name, type, help);
  metrics_sample(metrics, NULL, NULL, value);
}

GBytes *metrics_take(Metrics *metrics) {
  GBytes *bytes = g_string_free_to_bytes(g_steal_pointer(&metrics->text));
  metrics->text = g_string_new(NULL);
  return bytes;
}
