/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/vault/retention-clock.h"

static gint64 gap(gint64 wall_ms, gint64 boot_us) {
  return wall_ms - boot_us / 1000;
}

void retention_clock_start(RetentionClock *clock, gint64 lived_before_ms, gint64 wall_ms, gint64 boot_us) {
  *clock = (RetentionClock){.lived_before_ms = lived_before_ms,
                            .opened_us = boot_us,
                            .believed_from_us = boot_us + RETENTION_SETTLE_US,
                            .gap_ms = gap(wall_ms, boot_us)};
}

gint64 retention_clock_lived_ms(const RetentionClock *clock, gint64 boot_us) {
  return clock->lived_before_ms + (boot_us - clock->opened_us) / 1000;
}

gboolean retention_clock_look(RetentionClock *clock, gint64 wall_ms, gint64 boot_us) {
  const gint64 now_ms = gap(wall_ms, boot_us), step_ms = now_ms - clock->gap_ms;
  clock->gap_ms = now_ms;
  if (step_ms > RETENTION_STEP_MS || step_ms < -RETENTION_STEP_MS)
    clock->believed_from_us = boot_us + RETENTION_SETTLE_US;
  return boot_us >= clock->believed_from_us;
}
