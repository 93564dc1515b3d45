/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/rate.h"

#define BURST_US (2 * G_USEC_PER_SEC)

gboolean rate_take(gint64 *until_us, gint64 now_us, gint64 per_s) {
  const gint64 next_us = MAX(*until_us, now_us) + G_USEC_PER_SEC / per_s;
  if (next_us - now_us > BURST_US)
    return FALSE;
  *until_us = next_us;
  return TRUE;
}
