/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/datagrams.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Packet info of either family and the overflow counter. */
#define CONTROL_BYTES (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(guint32)))

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

struct Outbox {
  struct mmsghdr headers[DATAGRAMS_BATCH];
  Slot slots[DATAGRAMS_BATCH];
  int family;
  gboolean pktinfo;
  guint n;
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

/* A host with several addresses answers from the one that was asked; otherwise the peer takes the answer for a stranger's. The kernel takes
 * the IPv6 form also for ::ffff:a.b.c.d. No interface index: the route decides, which is right for every address but link-local ones, and
 * those carry their scope. */
static void write_control(const Outbox *outbox, struct msghdr *header, const Address *to) {
  if (!outbox->pktinfo)
    return; /* msg_controllen is 0 for good */
  gsize bytes = outbox->family == AF_INET ? sizeof(struct in_pktinfo) : sizeof(struct in6_pktinfo);
  header->msg_controllen = CMSG_SPACE(bytes);
  memset(header->msg_control, 0, header->msg_controllen);
  struct cmsghdr *c = CMSG_FIRSTHDR(header);
  c->cmsg_len = CMSG_LEN(bytes);
  if (outbox->family == AF_INET) {
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, to->local + 12, 4);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    memcpy(CMSG_DATA(c), &info, sizeof info);
    return;
  }
  struct in6_pktinfo info = {0};
  memcpy(&info.ipi6_addr, to->local, 16);
  c->cmsg_level = IPPROTO_IPV6;
  c->cmsg_type = IPV6_PKTINFO;
  memcpy(CMSG_DATA(c), &info, sizeof info);
}

void outbox_add(Outbox *outbox, const Address *to, guint8 *bytes, gsize n, gboolean stays) {
  g_return_if_fail(outbox->n < DATAGRAMS_BATCH && n <= WORKER_PACKET_ROOM_BYTES);
  Slot *slot = &outbox->slots[outbox->n];
  struct msghdr *header = &outbox->headers[outbox->n].msg_hdr;
  outbox->n++;
  slot->iovec = (struct iovec){stays ? bytes : memcpy(slot->bytes, bytes, n), n};
  header->msg_namelen = address_to_sockaddr(to, outbox->family, &slot->name);
  write_control(outbox, header, to);
}

OutboxResult outbox_flush(Outbox *outbox, int fd) {
  OutboxResult result = {0};
  guint at = 0;
  while (at < outbox->n) {
    int n = sendmmsg(fd, outbox->headers + at, outbox->n - at, MSG_DONTWAIT);
    if (n <= 0) {
      if (n < 0 && errno == EINTR)
        continue;
      /* The first one was refused: a full socket, or an unreachable peer. Media is not waited for; the others get their try. */
      result.failed++;
      at++;
      continue;
    }
    for (guint i = 0; i < (guint)n; i++)
      result.bytes += outbox->headers[at + i].msg_len;
    result.sent += (guint)n;
    at += (guint)n;
  }
  outbox->n = 0;
  return result;
}
