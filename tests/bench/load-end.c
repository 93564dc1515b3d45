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
#define FRAME_PACKETS    3   /* of a picture */
#define STAMP_BYTES      8   /* when it left; at the end, so that a recorder finds what it looks for at the beginning */
#define RTCP_PSFB        206
#define RTCP_PLI         1

/* Of each end, as its SDP says (relay/servers.mjs). */
typedef struct Track {
  guint8 pt;
  guint clock_rate;
} Track;
static const Track tracks[] = {{111, 48000}, {96, 90000}};
enum { AUDIO, VIDEO };

/* As much of a codec as a recorder reads. VP8 (RFC 7741, RFC 6386 section 9.1): the descriptor, the frame tag, and of a keyframe its start code
 * and 640 x 360. Opus (RFC 6716 section 3.1): one frame of 20 ms. */
static const guint8 vp8_keyframe[] = {0x10, 0x10, 0x19, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01};
static const guint8 vp8_frame[] = {0x10, 0x11, 0x19, 0x00};
static const guint8 vp8_rest[] = {0x00};
static const guint8 opus[] = {0x78};

struct End {
  guint number;
  guint turn;     /* each third packet is the microphone's */
  guint of_frame; /* packets of the picture that have left */
  guint32 frame_time;
  gboolean keyframe_wanted;
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
  if (end->tally == NULL || n < HEADER_BYTES + STAMP_BYTES)
    return;
  memcpy(&left_ns, packet + n - STAMP_BYTES, sizeof left_ns);
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

/* Somebody lacks a keyframe (RFC 4585 section 6.3.1): the gate when a take begins or a segment is full. */
static void on_rtcp(Peer *peer, guint8 *packet, gsize n, gpointer user) {
  (void)peer;
  End *end = user;
  for (gsize at = 0; at + 4 <= n; at += 4 * ((gsize)(packet[at + 2] << 8 | packet[at + 3]) + 1))
    end->keyframe_wanted |= packet[at + 1] == RTCP_PSFB && (packet[at] & 0x1f) == RTCP_PLI;
}

End *end_new_webrtc(guint number, gboolean aead, const char *address, guint16 port) {
  End *end = g_new0(End, 1);
  end->number = number;
  end->fd = -1;
  end->keyframe_wanted = TRUE;
  const PeerConfig config = {.remote_ufrag = "notyet",
                             .remote_pwd = "notyetnotyetnotyetnotyet",
                             .address = address,
                             .port = port,
                             .dtls_client = TRUE,
                             .no_checks = TRUE,
                             .srtp_profiles = aead ? "SRTP_AEAD_AES_128_GCM" : "SRTP_AES128_CM_SHA1_80",
                             .events = {.rtp = on_rtp, .rtcp = on_rtcp, .user = end}};
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

/* Each picture is some packets of one time, the last one marked. */
static gsize make_video(End *end, guint8 *packet, guint32 timestamp, gsize bytes) {
  static const guint8 padding[PACKET_BYTES_MAX];
  const gboolean first = end->of_frame == 0, keyframe = first && end->keyframe_wanted;
  if (first)
    end->frame_time = timestamp;
  if (keyframe)
    end->keyframe_wanted = FALSE;
  peer_make_rtp(packet, tracks[VIDEO].pt, end->seq[VIDEO]++, end->frame_time, end_ssrc(end->number, TRUE), padding, bytes - HEADER_BYTES);
  if (keyframe)
    memcpy(packet + HEADER_BYTES, vp8_keyframe, sizeof vp8_keyframe);
  else
    memcpy(packet + HEADER_BYTES, first ? vp8_frame : vp8_rest, first ? sizeof vp8_frame : sizeof vp8_rest);
  end->of_frame = (end->of_frame + 1) % FRAME_PACKETS;
  if (end->of_frame == 0)
    packet[1] |= 0x80;
  return bytes;
}

static gsize make_audio(End *end, guint8 *packet, guint32 timestamp) {
  static const guint8 padding[AUDIO_BYTES];
  peer_make_rtp(packet, tracks[AUDIO].pt, end->seq[AUDIO]++, timestamp, end_ssrc(end->number, FALSE), padding, AUDIO_BYTES - HEADER_BYTES);
  memcpy(packet + HEADER_BYTES, opus, sizeof opus);
  return AUDIO_BYTES;
}

void end_send(End *end, gsize video_bytes) {
  guint8 packet[PACKET_BYTES_MAX];
  const guint which = end->turn++ % 3 == 0 ? AUDIO : VIDEO;
  const gint64 left_ns = now_ns();
  const guint32 timestamp = (guint32)((guint64)left_ns / 1000 * tracks[which].clock_rate / G_USEC_PER_SEC);
  gsize bytes = which == VIDEO ? make_video(end, packet, timestamp, video_bytes) : make_audio(end, packet, timestamp);
  memcpy(packet + bytes - STAMP_BYTES, &left_ns, sizeof left_ns);
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
