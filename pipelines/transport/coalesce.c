/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/coalesce.h"

#define WINDOW_US 10000 /* of the measured rate: short against a talk spurt, long against a batch */

void coalesce_count(Coalesce *coalesce, guint packets, gint64 now_us) {
  coalesce->window_packets += packets;
  const gint64 elapsed_us = now_us - coalesce->window_from_us;
  if (elapsed_us < WINDOW_US)
    return;
  coalesce->packets_per_us = (double)coalesce->window_packets / (double)elapsed_us;
  coalesce->window_from_us = now_us;
  coalesce->window_packets = 0;
}

guint coalesce_wait_us(const Coalesce *coalesce) {
  if (coalesce->packets_per_us * coalesce->bound_us < COALESCE_PACKETS_MIN)
    return 0;
  return MIN(coalesce->bound_us, (guint)(COALESCE_PACKETS / coalesce->packets_per_us));
}
