/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus text format 0.0.4, written by hand from values the composition has at hand.
 *
 * Threads: any; a Metrics belongs to one.
 * A family's HELP and TYPE come once, before its samples: add all samples of a family in a row. */
#ifndef RECGATE_METRICS_H
#define RECGATE_METRICS_H

#include <glib.h>

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

typedef enum MetricsType { METRICS_COUNTER = 1, METRICS_GAUGE } MetricsType;
typedef struct Metrics Metrics;

Metrics *metrics_new(void);
void metrics_free(Metrics *metrics);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Metrics, metrics_free)

/* name: [a-z_:][a-z0-9_:]*, a caller's promise. */
void metrics_family(Metrics *metrics, const char *name, MetricsType type, const char *help);
/* One sample of the last family; label NULL: without one. The value is escaped. */
void metrics_sample(Metrics *metrics, const char *label, const char *label_value, double value);
/* A family of one sample. */
void metrics_single(Metrics *metrics, const char *name, MetricsType type, const char *help, double value);
/* The text; metrics is empty afterwards. */
GBytes *metrics_take(Metrics *metrics);

#endif
