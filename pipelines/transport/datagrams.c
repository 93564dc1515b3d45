/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/datagrams.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

/* Packet info of either family and the overflow counter. */
#define CONTROL_BYTES (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(guint32)))

/* Of a datagram that is sent with others of its size by one message (UDP_SEGMENT): no larger than what every usual path takes whole. */
#define SEGMENT_BYTES_MAX 1400

/* Of a whole message: what IP's 16-bit length leaves behind the headers of IPv6, the longer ones. EMSGSIZE beyond. */
#define RUN_BYTES_MAX (65535 - 40 - 8)

typedef struct Slot {
  _Alignas(16) guint8 bytes[WORKER_PACKET_ROOM_BYTES];
  _Alignas(16) guint8 control[CONTROL_BYTES];
  struct sockaddr_storage name;
  struct iovec iovec;
} Slot;

struct Inbox {
  struct mmsghdr headers[DATAGRAMS_BATCH];
  Slot slots[DATAGRAMS_BATCH];
  guint used; /* headers that the kernel wrote to, and that must be set up again */
  guint32 overflow;
};

/* A message is one datagram, or a run of them to one address, all of the first one's size but the last, which may be smaller: the kernel finds the
 * way for all at once. Slot i holds datagram i's bytes, and message i's name and control. */
struct Outbox {
  struct mmsghdr headers[DATAGRAMS_BATCH];
  struct iovec vectors[DATAGRAMS_BATCH]; /* by datagram */
  Slot slots[DATAGRAMS_BATCH];
  int family;
  gboolean pktinfo, segments; /* segments: the kernel takes runs */
  guint n, messages;
  Address run_to;
  gsize run_bytes; /* of each datagram of the last message; 0: it cannot grow */
};

/* For good: what a batch changes of it is set in that batch. */
static void slots_point(struct mmsghdr *headers, Slot *slots) {
  for (guint i = 0; i < DATAGRAMS_BATCH; i++) {
    slots[i].iovec = (struct iovec){slots[i].bytes, sizeof slots[i].bytes};
    headers[i].msg_hdr =
        (struct msghdr){.msg_iov = &slots[i].iovec, .msg_iovlen = 1, .msg_name = &slots[i].name, .msg_control = slots[i].control};
  }
}

Inbox *inbox_new(void) {
  Inbox *inbox = g_aligned_alloc0(1, sizeof(Inbox), _Alignof(Inbox));
  slots_point(inbox->headers, inbox->slots);
  inbox->used = DATAGRAMS_BATCH;
  return inbox;
}

void inbox_free(Inbox *inbox) {
  g_aligned_free(inbox);
}

guint inbox_receive(Inbox *inbox, int fd) {
  for (guint i = 0; i < inbox->used; i++) {
    inbox->headers[i].msg_hdr.msg_namelen = sizeof inbox->slots[i].name;
    inbox->headers[i].msg_hdr.msg_controllen = sizeof inbox->slots[i].control;
  }
  int n = recvmmsg(fd, inbox->headers, DATAGRAMS_BATCH, MSG_DONTWAIT, NULL);
  inbox->used = MIN((guint)MAX(n, 0) + 1, DATAGRAMS_BATCH); /* the one that found nothing may have been touched, too */
  return n > 0 ? (guint)n : 0;
}

static void read_control(Inbox *inbox, struct msghdr *header, Address *from) {
  static const guint8 mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
      memcpy(&inbox->overflow, CMSG_DATA(c), sizeof inbox->overflow);
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      memcpy(from->local, mapped, sizeof mapped);
      memcpy(from->local + 12, &info.ipi_addr, 4);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      memcpy(from->local, &info.ipi6_addr, 16);
    }
  }
}

gboolean inbox_get(Inbox *inbox, guint i, guint8 **bytes, gsize *n, Address *from) {
  struct msghdr *header = &inbox->headers[i].msg_hdr;
  gsize received = inbox->headers[i].msg_len;
  if (!address_from_sockaddr(from, &inbox->slots[i].name))
    return FALSE;
  read_control(inbox, header, from);
  if ((header->msg_flags & MSG_TRUNC) || received == 0 || received > WORKER_PACKET_BYTES_MAX || from->port == 0)
    return FALSE;
  *bytes = inbox->slots[i].bytes;
  *n = received;
  return TRUE;
}

gboolean inbox_holds(const Inbox *inbox, const guint8 *bytes) {
  return (guintptr)bytes >= (guintptr)inbox->slots && (guintptr)bytes < (guintptr)(inbox->slots + DATAGRAMS_BATCH);
}

guint32 inbox_overflow(const Inbox *inbox) {
  return inbox->overflow;
}

Outbox *outbox_new(int family, gboolean pktinfo) {
  Outbox *outbox = g_aligned_alloc0(1, sizeof(Outbox), _Alignof(Outbox));
  slots_point(outbox->headers, outbox->slots);
  outbox->segments = TRUE;
  outbox->family = family;
  outbox->pktinfo = pktinfo;
  return outbox;
}

void outbox_free(Outbox *outbox) {
  g_aligned_free(outbox);
}

gboolean outbox_is_full(const Outbox *outbox) {
  return outbox->n == DATAGRAMS_BATCH;
}

gboolean outbox_makes_runs(const Outbox *outbox) {
  return outbox->segments;
}

static void control_add(struct msghdr *header, int level, int type, const void *value, gsize n) {
  struct cmsghdr *c = (struct cmsghdr *)(gpointer)((guint8 *)header->msg_control + header->msg_controllen);
  *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(n), .cmsg_level = level, .cmsg_type = type};
  memcpy(CMSG_DATA(c), value, n);
  header->msg_controllen += CMSG_SPACE(n);
}

/* A host with several addresses answers from the one that was asked; otherwise the peer takes the answer for a stranger's. The kernel takes
 * the IPv6 form also for ::ffff:a.b.c.d. No interface index: the route decides, which is right for every address but link-local ones, and
 * those carry their scope. */
static void control_add_source(struct msghdr *header, int family, const Address *to) {
  if (family == AF_INET) {
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, to->local + 12, 4);
    control_add(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    return;
  }
  struct in6_pktinfo info = {0};
  memcpy(&info.ipi6_addr, to->local, 16);
  control_add(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
}

/* TRUE: the datagram goes with the last message. */
static gboolean run_takes(Outbox *outbox, const Address *to, gsize n) {
  if (n > outbox->run_bytes || !address_equal(to, &outbox->run_to))
    return FALSE;
  struct msghdr *header = &outbox->headers[outbox->messages - 1].msg_hdr;
  if (header->msg_iovlen * outbox->run_bytes + n > RUN_BYTES_MAX)
    return FALSE;
  const guint16 segment = (guint16)outbox->run_bytes;
  if (header->msg_iovlen++ == 1)
    control_add(header, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
  if (n < outbox->run_bytes)
    outbox->run_bytes = 0;
  return TRUE;
}

static void message_begin(Outbox *outbox, const Address *to, struct iovec *vector) {
  struct msghdr *header = &outbox->headers[outbox->messages].msg_hdr;
  header->msg_iov = vector;
  header->msg_iovlen = 1;
  header->msg_namelen = address_to_sockaddr(to, outbox->family, header->msg_name);
  header->msg_controllen = 0;
  if (outbox->pktinfo)
    control_add_source(header, outbox->family, to);
  outbox->messages++;
  outbox->run_to = *to;
  outbox->run_bytes = outbox->segments && vector->iov_len <= SEGMENT_BYTES_MAX ? vector->iov_len : 0;
}

void outbox_add(Outbox *outbox, const Address *to, guint8 *bytes, gsize n, gboolean stays) {
  g_return_if_fail(outbox->n < DATAGRAMS_BATCH && n <= WORKER_PACKET_ROOM_BYTES);
  struct iovec *vector = &outbox->vectors[outbox->n];
  *vector = (struct iovec){stays ? bytes : memcpy(outbox->slots[outbox->n].bytes, bytes, n), n};
  outbox->n++;
  if (!run_takes(outbox, to, n))
    message_begin(outbox, to, vector);
}

/* A run that the kernel does not take, one by one; where it takes none at all no more are made. */
static OutboxResult send_singly(Outbox *outbox, int fd, const struct msghdr *run, int why) {
  OutboxResult result = {0};
  struct msghdr single = *run;
  single.msg_iovlen = 1;
  single.msg_controllen = run->msg_controllen - (run->msg_iovlen > 1 ? CMSG_SPACE(sizeof(guint16)) : 0);
  if (run->msg_iovlen > 1 && (why == EINVAL || why == EIO || why == EOPNOTSUPP || why == EMSGSIZE))
    outbox->segments = FALSE;
  for (gsize i = 0; i < run->msg_iovlen; i++) {
    single.msg_iov = run->msg_iov + i;
    const ssize_t sent = run->msg_iovlen > 1 ? sendmsg(fd, &single, MSG_DONTWAIT) : -1;
    if (sent >= 0) {
      result.sent++;
      result.bytes += (gsize)sent;
    } else
      result.failed++; /* a full socket, or an unreachable peer. Media is not waited for; the others get their try */
  }
  return result;
}

static void result_add(OutboxResult *result, OutboxResult more) {
  result->sent += more.sent;
  result->failed += more.failed;
  result->bytes += more.bytes;
}

OutboxResult outbox_flush(Outbox *outbox, int fd) {
  OutboxResult result = {0};
  guint at = 0;
  while (at < outbox->messages) {
    int n = sendmmsg(fd, outbox->headers + at, outbox->messages - at, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
      continue;
    for (guint i = 0; i < (guint)MAX(n, 0); i++, at++)
      result_add(&result, (OutboxResult){.sent = (guint)outbox->headers[at].msg_hdr.msg_iovlen, .bytes = outbox->headers[at].msg_len});
    if (n <= 0)
      result_add(&result, send_singly(outbox, fd, &outbox->headers[at++].msg_hdr, errno));
  }
  outbox->n = outbox->messages = 0;
  outbox->run_bytes = 0;
  return result;
}
