/* SPDX-License-Identifier: Apache-2.0 */
/* Reorder: a ring of REORDER_WINDOW slots indexed by the 64-bit extended sequence number. */
#include "pipelines/recording/reorder.h"

typedef struct Slot {
  gboolean used;
  ReorderPacket packet; /* its bytes are owned */
} Slot;

struct Reorder {
  ReorderOut out;
  gpointer user;
  gboolean begun;    /* next is known to be the beginning: the slack has passed */
  gboolean any;      /* a packet has come since the last flush */
  gint64 next;       /* extended number to give out next; before `begun`: the lowest held */
  gint64 first;      /* extended number of the first packet to arrive since the last flush */
  gint64 first_us;   /* arrival of the first packet: the slack counts from it */
  gint64 waiting_us; /* arrival of the packet that showed the gap at `next`; G_MAXINT64: no gap */
  guint held;
  gsize held_bytes;
  guint16 out_seq;
  gboolean out_any;
  guint behind; /* packets that came one after the other behind `next`, and none that was not; behind_seq would follow them */
  guint16 behind_seq;
  ReorderStats stats;
  Slot slots[REORDER_WINDOW];
};

Reorder *reorder_new(ReorderOut out, gpointer user) {
  Reorder *reorder = g_new0(Reorder, 1);
  reorder->out = out;
  reorder->user = user;
  reorder->waiting_us = G_MAXINT64;
  return reorder;
}

void reorder_free(Reorder *reorder) {
  if (reorder == NULL)
    return;
  for (guint i = 0; i < REORDER_WINDOW; i++)
    if (reorder->slots[i].used)
      g_free((gpointer)reorder->slots[i].packet.bytes);
  g_free(reorder);
}

static Slot *slot_of(Reorder *reorder, gint64 seq) {
  return &reorder->slots[(guint64)seq & (REORDER_WINDOW - 1)];
}

static void give_out(Reorder *reorder, ReorderPacket packet) {
  if (packet.filler)
    return;
  packet.seq = reorder->out_seq++;
  reorder->out_any = TRUE;
  reorder->out(&packet, reorder->user);
}

static void give_out_held(Reorder *reorder, Slot *slot) {
  const ReorderPacket packet = slot->packet;
  slot->used = FALSE;
  reorder->held--;
  reorder->held_bytes -= packet.n_bytes;
  give_out(reorder, packet);
  g_free((gpointer)packet.bytes);
}

/* What is held lies beyond a gap: the first of it to arrive showed that gap. */
static gint64 earliest_arrival(const Reorder *reorder) {
  gint64 earliest = G_MAXINT64;
  for (guint i = 0; i < REORDER_WINDOW; i++)
    if (reorder->slots[i].used)
      earliest = MIN(earliest, reorder->slots[i].packet.arrival_us);
  return earliest;
}

static void release(Reorder *reorder) {
  gint64 before = reorder->next;
  while (reorder->held > 0 && slot_of(reorder, reorder->next)->used) {
    give_out_held(reorder, slot_of(reorder, reorder->next));
    reorder->next++;
  }
  if (reorder->held == 0)
    reorder->waiting_us = G_MAXINT64;
  else if (before != reorder->next || reorder->waiting_us == G_MAXINT64)
    reorder->waiting_us = earliest_arrival(reorder);
}

/* Gives up what is missing at `next` and goes on with what is there. */
static void skip_gap(Reorder *reorder) {
  while (!slot_of(reorder, reorder->next)->used) {
    reorder->next++;
    reorder->stats.lost++;
  }
  if (reorder->out_any)
    reorder->out_seq++;
  release(reorder);
}

void reorder_flush(Reorder *reorder) {
  reorder->begun = TRUE;
  if (reorder->held > 0)
    release(reorder);
  while (reorder->held > 0)
    skip_gap(reorder);
  if (reorder->out_any)
    reorder->out_seq++;
  reorder->any = FALSE;
  reorder->begun = FALSE;
  reorder->behind = 0;
}

static void hold(Reorder *reorder, gint64 seq, const ReorderPacket *packet) {
  Slot *slot = slot_of(reorder, seq);
  if (slot->used) {
    reorder->stats.duplicate++;
    return;
  }
  slot->used = TRUE;
  slot->packet = *packet;
  slot->packet.bytes = g_memdup2(packet->bytes, packet->n_bytes);
  reorder->held++;
  reorder->held_bytes += packet->n_bytes;
}

static void start(Reorder *reorder, const ReorderPacket *packet) {
  /* Far from zero, so that older packets have numbers too. */
  reorder->next = ((gint64)1 << 32) + packet->seq;
  reorder->any = TRUE;
  reorder->begun = FALSE;
  reorder->first = reorder->next;
  reorder->first_us = packet->arrival_us;
  reorder->waiting_us = G_MAXINT64;
  hold(reorder, reorder->next, packet);
}

/* RFC 3550 A.1: a single packet far behind is a stray, two in a row are a sender that began anew. Less far behind it may be sent again: then it takes
 * many. */
static void push_behind(Reorder *reorder, const ReorderPacket *packet, guint many) {
  reorder->behind = packet->seq == reorder->behind_seq ? reorder->behind + 1 : 1;
  reorder->behind_seq = packet->seq + 1;
  if (reorder->behind >= many) {
    reorder_flush(reorder);
    start(reorder, packet);
    return;
  }
  reorder->stats.late++;
}

/* Before the beginning is known, `next` is the lowest held and moves down as long as the window holds both ends. */
static void push_slack(Reorder *reorder, gint64 seq, const ReorderPacket *packet) {
  if (seq < reorder->next) {
    for (gint64 s = seq + REORDER_WINDOW; s < reorder->next + REORDER_WINDOW; s++) {
      if (slot_of(reorder, s)->used) {
        reorder->stats.late++;
        return;
      }
    }
    reorder->next = seq;
  }
  hold(reorder, seq, packet);
}

void reorder_push(Reorder *reorder, const ReorderPacket *packet) {
  if (!reorder->any) {
    start(reorder, packet);
    return;
  }
  reorder_advance(reorder, packet->arrival_us);
  gint delta = (gint16)(guint16)(packet->seq - (guint16)reorder->next);
  gint64 seq = reorder->next + delta;
  if (delta >= REORDER_WINDOW) {
    /* A long outage: nothing of what is missing will come in time. */
    guint64 lost = reorder->stats.lost + (guint64)delta - reorder->held;
    reorder_flush(reorder);
    reorder->stats.lost = lost;
    start(reorder, packet);
    return;
  }
  if (delta < -REORDER_WINDOW || (reorder->begun && delta < 0)) {
    push_behind(reorder, packet, delta < -REORDER_WINDOW ? 2 : REORDER_ANEW);
    return;
  }
  reorder->behind = 0;
  if (!reorder->begun) {
    push_slack(reorder, seq, packet);
  } else if (delta == 0) { /* nearly all: no copy, no slot */
    reorder->next++;
    give_out(reorder, *packet);
    release(reorder);
  } else {
    hold(reorder, seq, packet);
    release(reorder);
  }
  while (reorder->held_bytes > REORDER_BYTES_MAX) {
    reorder->begun = TRUE;
    release(reorder);
    if (reorder->held > 0)
      skip_gap(reorder);
  }
}

gboolean reorder_misses(const Reorder *reorder, guint16 seq) {
  if (!reorder->any)
    return FALSE;
  const gint64 number = reorder->next + (gint16)(guint16)(seq - (guint16)reorder->next);
  if (number < reorder->next || number <= reorder->first || number >= reorder->next + REORDER_WINDOW)
    return FALSE;
  return !reorder->slots[(guint64)number & (REORDER_WINDOW - 1)].used;
}

gint64 reorder_deadline(const Reorder *reorder) {
  if (!reorder->any)
    return G_MAXINT64;
  if (!reorder->begun)
    return reorder->first_us + REORDER_SLACK_US;
  return reorder->waiting_us == G_MAXINT64 ? G_MAXINT64 : reorder->waiting_us + REORDER_LOST_US;
}

void reorder_advance(Reorder *reorder, gint64 now_us) {
  if (reorder->any && !reorder->begun && now_us >= reorder->first_us + REORDER_SLACK_US) {
    reorder->begun = TRUE;
    release(reorder);
  }
  while (reorder->begun && reorder->held > 0 && now_us >= reorder_deadline(reorder))
    skip_gap(reorder);
}

ReorderStats reorder_stats(const Reorder *reorder) {
  return reorder->stats;
}
