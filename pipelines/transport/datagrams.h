/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams in batches: one recvmmsg fills an inbox, one sendmmsg empties an outbox.
 *
 * Threads: the worker's. */
#ifndef RECGATE_DATAGRAMS_H
#define RECGATE_DATAGRAMS_H

#include "pipelines/transport/address.h"
#include "pipelines/transport/worker.h"

/* At 10 us a packet a full batch takes 0.6 ms: commands (R6, R11) wait no longer than that. */
#define DATAGRAMS_BATCH 64

typedef struct Inbox Inbox;
Inbox *inbox_new(void);
void inbox_free(Inbox *inbox);
/* One recvmmsg. Returns how many came, 0: none. Before the first call and after use the contents are undefined. */
guint inbox_receive(Inbox *inbox, int fd);
/* FALSE: too large, truncated, empty, or from nowhere. The bytes have WORKER_PACKET_ROOM_BYTES of room. */
gboolean inbox_get(Inbox *inbox, guint i, guint8 **bytes, gsize *n, Address *from);
/* These bytes lie in the inbox and stay as they are until its next inbox_receive. */
gboolean inbox_holds(const Inbox *inbox, const guint8 *bytes);
/* What the kernel dropped since the socket was made (SO_RXQ_OVFL), as of the last datagram. */
guint32 inbox_overflow(const Inbox *inbox);

typedef struct Outbox Outbox;
/* family: of the socket. pktinfo: send from the address that was written to. */
Outbox *outbox_new(int family, gboolean pktinfo);
void outbox_free(Outbox *outbox);
gboolean outbox_is_full(const Outbox *outbox);
/* Equal datagrams to one address leave together (UDP_SEGMENT). FALSE from when the kernel refused that. */
gboolean outbox_makes_runs(const Outbox *outbox);
/* stays: the bytes are left alone until outbox_flush, so they are not copied. The outbox must not be full. */
void outbox_add(Outbox *outbox, const Address *to, guint8 *bytes, gsize n, gboolean stays);
typedef struct OutboxResult {
  guint sent, failed;
  gsize bytes;
} OutboxResult;
OutboxResult outbox_flush(Outbox *outbox, int fd);

#endif
