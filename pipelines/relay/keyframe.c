/* SPDX-License-Identifier: Apache-2.0 */
/* The pace of keyframe requests. A wish that comes too early waits, and wishes that wait together become one. */
#include "pipelines/relay/keyframe.h"

void keyframe_want(Keyframe *keyframe) {
  keyframe->wanted = TRUE;
}

gboolean keyframe_due(Keyframe *keyframe, gint64 now_us) {
  if (!keyframe->wanted || (keyframe->asked_before && now_us - keyframe->asked_us < KEYFRAME_INTERVAL_US))
    return FALSE;
  *keyframe = (Keyframe){.asked_before = TRUE, .asked_us = now_us};
  return TRUE;
}
