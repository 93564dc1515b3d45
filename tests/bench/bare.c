/* SPDX-License-Identifier: Apache-2.0 */
/* The floor of every comparison: recvmmsg, open, seal, sendmmsg, on the libsrtp2 that recgate is linked with, and nothing else. Ends 2k and 2k+1 are
 * a call; each says hello with its number first.
 *
 * usage: bench-bare ENDS gcm|cm. Prints "bare ready PORT"; ends with SIGTERM. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/bench/bare-keys.h"

#define BATCH      64
#define ROOM_BYTES 1800

typedef struct Loop {
  int fd;
  guint n_ends;
  struct sockaddr_in *addresses;
  BareKeys **keys;
  gint32 by_port[65536]; /* -1: nobody's */
  struct mmsghdr in[BATCH], out[BATCH];
  struct iovec in_iov[BATCH], out_iov[BATCH];
  struct sockaddr_in from[BATCH];
  guint8 bytes[BATCH][ROOM_BYTES];
  guint queued;
} Loop;

static void greet(Loop *loop, const guint8 *bytes, const struct sockaddr_in *from) {
  guint32 number;
  memcpy(&number, bytes, sizeof number);
  number = ntohl(number);
  if (number >= loop->n_ends)
    return;
  loop->addresses[number] = *from;
  loop->by_port[ntohs(from->sin_port)] = (gint32)number;
}

static void forward(Loop *loop, guint i, gsize n) {
  const gint32 from = loop->by_port[ntohs(loop->from[i].sin_port)];
  if (from < 0 || (guint)from >= loop->n_ends)
    return;
  const guint to = (guint)from ^ 1;
  if (!bare_keys_open(loop->keys[from], loop->bytes[i], &n) || !bare_keys_seal(loop->keys[to], loop->bytes[i], &n))
    return;
  loop->out_iov[loop->queued] = (struct iovec){loop->bytes[i], n};
  loop->out[loop->queued++].msg_hdr = (struct msghdr){.msg_name = &loop->addresses[to],
                                                      .msg_namelen = sizeof loop->addresses[to],
                                                      .msg_iov = &loop->out_iov[loop->queued - 1],
                                                      .msg_iovlen = 1};
}

static void turn(Loop *loop) {
  for (guint i = 0; i < BATCH; i++) {
    loop->in_iov[i] = (struct iovec){loop->bytes[i], ROOM_BYTES};
    loop->in[i].msg_hdr =
        (struct msghdr){.msg_name = &loop->from[i], .msg_namelen = sizeof loop->from[i], .msg_iov = &loop->in_iov[i], .msg_iovlen = 1};
  }
  const int n = recvmmsg(loop->fd, loop->in, BATCH, MSG_DONTWAIT, NULL);
  loop->queued = 0;
  for (int i = 0; i < n; i++) {
    if (loop->in[i].msg_len == sizeof(guint32))
      greet(loop, loop->bytes[i], &loop->from[i]);
    else
      forward(loop, (guint)i, loop->in[i].msg_len);
  }
  for (guint at = 0; at < loop->queued;) {
    const int sent = sendmmsg(loop->fd, loop->out + at, loop->queued - at, MSG_DONTWAIT);
    at += sent > 0 ? (guint)sent : 1;
  }
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  Loop *loop = g_new0(Loop, 1);
  loop->n_ends = (guint)atoi(argv[1]);
  loop->addresses = g_new0(struct sockaddr_in, loop->n_ends);
  loop->keys = g_new0(BareKeys *, loop->n_ends);
  memset(loop->by_port, 0xff, sizeof loop->by_port);
  for (guint i = 0; i < loop->n_ends; i++)
    loop->keys[i] = bare_keys_new(strcmp(argv[2], "gcm") == 0);
  loop->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int bytes = 4 * 1024 * 1024;
  (void)setsockopt(loop->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  if (bind(loop->fd, (struct sockaddr *)&at, sizeof at) != 0 || getsockname(loop->fd, (struct sockaddr *)&at, &size) != 0)
    return 2;
  printf("bare ready %u\n", ntohs(at.sin_port));
  fflush(stdout);
  struct pollfd wait = {.fd = loop->fd, .events = POLLIN};
  while (poll(&wait, 1, -1) >= 0)
    turn(loop);
  return 0;
}
