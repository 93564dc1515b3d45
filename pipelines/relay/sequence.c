/* SPDX-License-Identifier: Apache-2.0 */
/* Sequence numbers and the gate: see sequence.h. */
#include "pipelines/relay/sequence.h"

#define BEGIN ((gint64)1 << 32) /* so that older packets have numbers above 0 too */

static gint64 extended(const Sequence *sequence, guint16 seq) {
  return sequence->highest + (gint16)(guint16)(seq - (guint16)sequence->highest);
}

static gint64 follow(Sequence *sequence, guint16 seq) {
  if (!sequence->any) {
    *sequence = (Sequence){.any = TRUE, .highest = BEGIN + seq};
    return sequence->highest;
  }
  const gint64 number = extended(sequence, seq);
  const gboolean far = number < sequence->highest - SEQUENCE_MISORDER_MAX;
  if (far && sequence->far_set && sequence->far_next == seq) {
    *sequence = (Sequence){.any = TRUE, .highest = BEGIN + seq};
    return sequence->highest;
  }
  sequence->far_set = far;
  sequence->far_next = (guint16)(seq + 1);
  sequence->highest = MAX(sequence->highest, number);
  return number;
}

void sequence_closed(Sequence *sequence, guint16 seq) {
  follow(sequence, seq);
  sequence->closed = sequence->highest;
  sequence->take = 0;
}

gboolean sequence_admits(Sequence *sequence, guint16 seq, guint32 take) {
  const gint64 number = follow(sequence, seq);
  if (take == 0 || number <= sequence->closed)
    return FALSE;
  if (sequence->take != take) {
    sequence->take = take;
    sequence->first = number;
  }
  return TRUE;
}

gboolean sequence_repairs(const Sequence *sequence, guint16 seq, guint32 take) {
  return take != 0 && sequence->any && sequence->take == take && extended(sequence, seq) > sequence->first;
}
