/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: which sequence numbers of one media SSRC a take may have, when what is sent again was first sent while the gate was closed (R9).
 *
 * What arrives counts by its own arrival, as tap_admit judges it. Its number tells more: nothing up to the highest number that had come by the time the gate
 * was last seen closed was made later than that; and a retransmission tells nothing of when its original was sent, so that only those count whose number lies
 * behind one that the take itself admitted. In doubt, no. Numbers are timing, not media, and may be kept. RFC 3550 appendix A.1.
 *
 * Threads: worker thread; pure. */
#ifndef RECGATE_SEQUENCE_H
#define RECGATE_SEQUENCE_H

#include <glib.h>

#define SEQUENCE_MISORDER_MAX 3000 /* two in a row further behind: the sender numbers anew (RFC 3550 A.1 has 100; senders keep up to a second to send again) */

typedef struct Sequence { /* zeroed: nothing seen. Numbers are extended to 64 bits and never 0 */
  gboolean any, far_set;
  guint16 far_next;       /* follows a packet that was far behind */
  guint32 take;           /* that `first` belongs to; 0: none since the gate was closed */
  gint64 highest;
  gint64 closed;          /* the highest that had come when one came while the gate was closed; 0: none */
  gint64 first;           /* the first to arrive that `take` admitted */
} Sequence;

/* A packet came that no take admitted. */
void sequence_closed(Sequence *sequence, guint16 seq);
/* A packet came that the take admits by its arrival. FALSE: by its number it is from before, and may not enter. */
gboolean sequence_admits(Sequence *sequence, guint16 seq, guint32 take) G_GNUC_WARN_UNUSED_RESULT;
/* May a retransmission of this number enter? */
gboolean sequence_repairs(const Sequence *sequence, guint16 seq, guint32 take) G_GNUC_WARN_UNUSED_RESULT;

#endif
