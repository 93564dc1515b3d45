/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics: Prometheus text.
 *
 * Threads: control thread. */
#ifndef RECGATE_API_METRICS_H
#define RECGATE_API_METRICS_H

#include "signaling/daemon.h"

void api_metrics(HttpRequest *request, Daemon *daemon);

#endif
