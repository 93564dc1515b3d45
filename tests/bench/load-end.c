/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/load.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/bare-keys.h"
#include "tests/transport/peer.h"

#define PACKET_BYTES_MAX 1600
#define HEADER_BYTES     12
#define AUDIO_BYTES      120 /* 20 ms of Opus at 48 kbit/s, say: RTP header and all */

/* Of each end, as its SDP says (relay/servers.mjs). */
typedef struct Track {
  guint8 pt;
  guint clock_rate;
} Track;
static const Track tracks[] = {{111, 48000}, {96, 90000}};
enum { AUDIO, VIDEO };

struct End {
  guint number;
  guint turn; /* each third packet is the microphone's */
  guint16 seq[G_N_ELEMENTS(tracks)];
  Peer *peer;
  BareKeys *keys;
  int fd;
  Tally *tally;
};

static gint64 now_ns(void) {
  return g_get_monotonic_time() * 1000;
}

static void count(End *end, const guint8 *packet, gsize n) {
  gint64 left_ns;
  if (end->tally == NULL || n < HEADER_BYTES + sizeof left_ns)
    return;
  memcpy(&left_ns, packet + HEADER_BYTES, sizeof left_ns);
  if (left_ns < end->tally->from_ns)
    return;
  const gint64 took_us = MAX((now_ns() - left_ns) / 1000, 0);
  end->tally->received++;
  end->tally->latency[MIN(took_us / LATENCY_BUCKET_US, LATENCY_BUCKETS - 1)]++;
}

static void on_rtp(Peer *peer, guint8 *packet, gsize n, gpointer user) {
  (void)peer;
  count(user, packet, n);
}

End *end_new_webrtc(guint number, gboolean aead, const char *address, guint16 port) {
  End *end = g_new0(End, 1);
  end->number = number;
  end->fd = -1;
  const PeerConfig config = {.remote_ufrag = "notyet",
                             .remote_pwd = "notyetnotyetnotyetnotyet",
                             .address = address,
                             .port = port,
                             .dtls_client = TRUE,
                             .no_checks = TRUE,
                             .srtp_profiles = aead ? "SRTP_AEAD_AES_128_GCM" : "SRTP_AES128_CM_SHA1_80",
                             .events = {.rtp = on_rtp, .user = end}};
  end->peer = peer_new(&config);
  return end;
}

static int connected_socket(const char *address, guint16 port) {
  g_autoptr(GSocketAddress) to = g_inet_socket_address_new_from_string(address, port);
  struct sockaddr_storage name = {0};
  g_assert_true(g_socket_address_to_native(to, &name, sizeof name, NULL));
  int fd = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), bytes = 4 * 1024 * 1024;
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  g_assert_cmpint(connect(fd, (struct sockaddr *)&name, (socklen_t)g_socket_address_get_native_size(to)), ==, 0);
  return fd;
}

End *end_new_bare(guint number, gboolean aead, const char *address, guint16 port) {
  End *end = g_new0(End, 1);
  end->number = number;
  end->keys = bare_keys_new(aead);
  end->fd = connected_socket(address, port);
  return end;
}

void end_free(End *end) {
  if (end == NULL)
    return;
  peer_free(end->peer);
  bare_keys_free(end->keys);
  if (end->fd >= 0)
    close(end->fd);
  g_free(end);
}

const char *end_ufrag(const End *end) {
  return end->peer != NULL ? peer_ufrag(end->peer) : NULL;
}

const char *end_pwd(const End *end) {
  return end->peer != NULL ? peer_pwd(end->peer) : NULL;
}

const char *end_fingerprint(const End *end) {
  return end->peer != NULL ? peer_fingerprint(end->peer) : NULL;
}

void end_connect(End *end, const char *remote_ufrag, const char *remote_pwd, guint16 port) {
  if (end->peer != NULL) {
    if (port != 0)
      peer_set_port(end->peer, port);
    g_autofree char *ufrag = g_strdup(peer_ufrag(end->peer)), *pwd = g_strdup(peer_pwd(end->peer)); /* peer_restart overwrites its own */
    peer_restart(end->peer, ufrag, pwd, remote_ufrag, remote_pwd);
    peer_allow_checks(end->peer);
    return;
  }
  const guint32 hello = GUINT32_TO_BE(end->number);
  (void)!send(end->fd, &hello, sizeof hello, 0);
}

gboolean end_is_connected(const End *end) {
  return end->peer == NULL || peer_is_connected(end->peer);
}

int end_fd(const End *end) {
  return end->peer != NULL ? peer_fd(end->peer) : end->fd;
}

void end_step(End *end) {
  if (end->peer != NULL) {
    peer_step(end->peer);
    return;
  }
  guint8 bytes[PACKET_BYTES_MAX];
  ssize_t got;
  while ((got = recv(end->fd, bytes, sizeof bytes, 0)) >= 0) {
    gsize n = (gsize)got;
    if (bare_keys_open(end->keys, bytes, &n))
      count(end, bytes, n);
  }
}

guint32 end_ssrc(guint number, gboolean video) {
  return 2 * number + (video ? 2 : 1);
}

void end_send(End *end, gsize video_bytes) {
  static const guint8 padding[PACKET_BYTES_MAX];
  guint8 packet[PACKET_BYTES_MAX];
  const guint which = end->turn++ % 3 == 0 ? AUDIO : VIDEO;
  const gsize n = which == VIDEO ? video_bytes : AUDIO_BYTES;
  const gint64 left_ns = now_ns();
  const guint32 timestamp = (guint32)((guint64)left_ns / 1000 * tracks[which].clock_rate / G_USEC_PER_SEC);
  gsize bytes = peer_make_rtp(packet, tracks[which].pt, end->seq[which]++, timestamp, end_ssrc(end->number, which == VIDEO), padding,
                              n - HEADER_BYTES);
  memcpy(packet + HEADER_BYTES, &left_ns, sizeof left_ns);
  gboolean sent;
  if (end->peer != NULL)
    sent = peer_send_rtp(end->peer, packet, bytes);
  else
    sent = bare_keys_seal(end->keys, packet, &bytes) && send(end->fd, packet, bytes, 0) == (ssize_t)bytes;
  if (sent && end->tally != NULL)
    end->tally->sent++;
}

void end_send_packet(End *end, const guint8 *packet, gsize n) {
  guint8 copy[PACKET_BYTES_MAX];
  gsize bytes = MIN(n, sizeof copy);
  memcpy(copy, packet, bytes);
  if (end->peer != NULL)
    (void)!peer_send_rtp(end->peer, copy, bytes);
  else if (bare_keys_seal(end->keys, copy, &bytes))
    (void)!send(end->fd, copy, bytes, 0);
}

void end_count(End *end, Tally *tally) {
  end->tally = tally;
}
