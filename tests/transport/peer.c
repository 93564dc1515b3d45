/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/transport/peer.h"
#include "tests/transport/peer-crypto.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <string.h>
#include <stun/stunagent.h>
#include <stun/usages/ice.h>
#include <unistd.h>

#define PATHS_MAX         8
#define TRANSACTIONS      64 /* libnice keeps 200 and then refuses */
#define CHECK_MS          50
#define CONSENT_MS        2000
#define PACKET_BYTES_MAX  2048
#define PRIORITY_OF_FIRST 0x6e7f00ffu
#define STEP_MS           5

struct Peer {
  PeerConfig config;
  char *address;
  char ufrag[257], pwd[257], remote_ufrag[257], remote_pwd[257], username[520];
  int fds[PATHS_MAX];
  guint n_paths, path, last_path, answered;
  StunAgent agent;
  StunTransactionId sent[TRANSACTIONS];
  guint n_sent;
  gboolean valid, nominated, hello_sent;
  gint64 next_check_us;
  guint64 tie_breaker;
  PeerCrypto crypto;
};

static void random_text(char *text, gsize n) {
  for (gsize i = 0; i < n; i++)
    text[i] = "abcdefghijklmnopqrstuvwxyz012345"[g_random_int_range(0, 32)];
  text[n] = '\0';
}

static void take_credentials(Peer *peer, const char *ufrag, const char *pwd, const char *remote_ufrag, const char *remote_pwd) {
  random_text(peer->ufrag, 8);
  random_text(peer->pwd, 24);
  if (ufrag != NULL)
    g_strlcpy(peer->ufrag, ufrag, sizeof peer->ufrag);
  if (pwd != NULL)
    g_strlcpy(peer->pwd, pwd, sizeof peer->pwd);
  g_strlcpy(peer->remote_ufrag, remote_ufrag, sizeof peer->remote_ufrag);
  g_strlcpy(peer->remote_pwd, remote_pwd, sizeof peer->remote_pwd);
  g_snprintf(peer->username, sizeof peer->username, "%s:%s", peer->remote_ufrag, peer->ufrag);
}

static void on_send(const guint8 *bytes, gsize n, gpointer user) {
  peer_send_raw(user, bytes, n);
}

Peer *peer_new(const PeerConfig *config) {
  g_assert_true(config->remote_ufrag != NULL && config->remote_pwd != NULL && config->address != NULL);
  Peer *peer = g_new0(Peer, 1);
  peer->config = *config;
  peer->address = g_strdup(config->address);
  take_credentials(peer, config->ufrag, config->pwd, config->remote_ufrag, config->remote_pwd);
  stun_agent_init(&peer->agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                  STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
  peer->tie_breaker =
      (guint64)G_MAXUINT32 << 32 | g_random_int(); /* controls, whoever offered: the others give way (RFC 8445 section 7.3.1.1) */
  peer_crypto_init(&peer->crypto, config, on_send, peer);
  peer_add_path(peer);
  return peer;
}

void peer_free(Peer *peer) {
  if (peer == NULL)
    return;
  peer_crypto_clear(&peer->crypto);
  for (guint i = 0; i < peer->n_paths; i++)
    close(peer->fds[i]);
  g_free(peer->address);
  g_free(peer);
}

const char *peer_ufrag(const Peer *peer) {
  return peer->ufrag;
}
const char *peer_pwd(const Peer *peer) {
  return peer->pwd;
}
const char *peer_fingerprint(const Peer *peer) {
  return peer->crypto.fingerprint;
}
gboolean peer_is_valid(const Peer *peer) {
  return peer->valid;
}
gboolean peer_is_connected(const Peer *peer) {
  return peer->crypto.done && !peer->crypto.failed;
}
gboolean peer_has_failed(const Peer *peer) {
  return peer->crypto.failed;
}
guint peer_answered(const Peer *peer) {
  return peer->answered;
}
guint peer_last_path(const Peer *peer) {
  return peer->last_path;
}
int peer_fd(const Peer *peer) {
  return peer->fds[peer->path];
}

/* Connected, so that an answer from another address than the one that was asked does not come through. */
guint peer_add_path(Peer *peer) {
  g_assert_cmpuint(peer->n_paths, <, PATHS_MAX);
  g_autoptr(GInetAddress) inet = g_inet_address_new_from_string(peer->address);
  g_assert_nonnull(inet);
  g_autoptr(GSocketAddress) to = g_inet_socket_address_new(inet, peer->config.port);
  struct sockaddr_storage name = {0};
  g_assert_true(g_socket_address_to_native(to, &name, sizeof name, NULL));
  int fd = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int bytes = 4 * 1024 * 1024;
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  g_assert_cmpint(connect(fd, (struct sockaddr *)&name, (socklen_t)g_socket_address_get_native_size(to)), ==, 0);
  peer->fds[peer->n_paths] = fd;
  return peer->n_paths++;
}

void peer_set_port(Peer *peer, guint16 port) {
  for (guint i = 0; i < peer->n_paths; i++) {
    struct sockaddr_storage name = {0};
    socklen_t n = sizeof name;
    g_assert_cmpint(getpeername(peer->fds[i], (struct sockaddr *)&name, &n), ==, 0);
    if (name.ss_family == AF_INET6)
      ((struct sockaddr_in6 *)&name)->sin6_port = htons(port);
    else
      ((struct sockaddr_in *)&name)->sin_port = htons(port);
    g_assert_cmpint(connect(peer->fds[i], (struct sockaddr *)&name, n), ==, 0);
  }
}

void peer_set_path(Peer *peer, guint path) {
  g_assert_cmpuint(path, <, peer->n_paths);
  peer->path = path;
}

void peer_send_raw(Peer *peer, const guint8 *bytes, gsize n) {
  ssize_t sent = send(peer->fds[peer->path], bytes, n, 0);
  (void)sent; /* UDP */
}

/* ICE */

static gsize make_check(Peer *peer, StunAgent *agent, StunMessage *message, guint8 *out, gsize room, guint32 priority, gboolean nominate) {
  return stun_usage_ice_conncheck_create(agent, message, out, room, (const guint8 *)peer->username, strlen(peer->username),
                                         (const guint8 *)peer->remote_pwd, strlen(peer->remote_pwd), nominate, true, priority,
                                         peer->tie_breaker, NULL, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
}

gsize peer_make_check(Peer *peer, guint8 *out, gsize room, guint32 priority, gboolean nominate) {
  StunAgent agent;
  StunMessage message;
  stun_agent_init(&agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                  STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
  return make_check(peer, &agent, &message, out, room, priority, nominate);
}

void peer_check(Peer *peer, guint path, guint32 priority, gboolean nominate) {
  guint8 bytes[512];
  StunMessage message;
  guint slot = peer->n_sent % TRANSACTIONS;
  if (peer->n_sent >= TRANSACTIONS)
    (void)stun_agent_forget_transaction(&peer->agent, peer->sent[slot]);
  gsize n = make_check(peer, &peer->agent, &message, bytes, sizeof bytes, priority, nominate);
  g_assert_cmpuint(n, >, 0);
  stun_message_id(&message, peer->sent[slot]);
  peer->n_sent++;
  ssize_t sent = send(peer->fds[path], bytes, n, 0);
  (void)sent;
}

void peer_restart(Peer *peer, const char *ufrag, const char *pwd, const char *remote_ufrag, const char *remote_pwd) {
  for (guint i = 0; i < MIN(peer->n_sent, TRANSACTIONS); i++)
    (void)stun_agent_forget_transaction(&peer->agent, peer->sent[i]);
  peer->n_sent = 0;
  take_credentials(peer, ufrag, pwd, remote_ufrag, remote_pwd);
  peer->valid = peer->nominated = FALSE;
  peer->next_check_us = 0;
}

void peer_allow_checks(Peer *peer) {
  peer->config.no_checks = FALSE;
}

static bool own_pwd(StunAgent *agent, StunMessage *message, uint8_t *username, uint16_t n, uint8_t **pwd, size_t *pwd_bytes, void *user) {
  (void)agent;
  (void)message;
  Peer *peer = user;
  const gsize ours = strlen(peer->ufrag);
  if (username == NULL || n <= ours || memcmp(username, peer->ufrag, ours) != 0 || username[ours] != ':')
    return false;
  *pwd = (uint8_t *)peer->pwd;
  *pwd_bytes = strlen(peer->pwd);
  return true;
}

/* A server with full ICE asks, too (RFC 8445 section 7.3). TRUE: it was a question. */
static gboolean answer_check(Peer *peer, guint path, const guint8 *bytes, gsize n) {
  StunAgent agent;
  StunMessage request = {0}, reply;
  guint8 out[512];
  gsize out_bytes = sizeof out;
  struct sockaddr_storage from = {0};
  socklen_t from_bytes = sizeof from;
  bool controlling = true;
  stun_agent_init(&agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                  STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
  if (stun_agent_validate(&agent, &request, bytes, n, own_pwd, peer) != STUN_VALIDATION_SUCCESS ||
      stun_message_get_class(&request) != STUN_REQUEST || getpeername(peer->fds[path], (struct sockaddr *)&from, &from_bytes) != 0)
    return FALSE;
  (void)stun_usage_ice_conncheck_create_reply(&agent, &request, &reply, out, &out_bytes, &from, from_bytes, &controlling, peer->tie_breaker,
                                              STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
  if (out_bytes > 0)
    (void)!send(peer->fds[path], out, out_bytes, 0);
  return TRUE;
}

static void read_stun(Peer *peer, guint path, const guint8 *bytes, gsize n) {
  StunMessage message;
  if (answer_check(peer, path, bytes, n))
    return;
  struct sockaddr_storage mapped;
  socklen_t mapped_bytes = sizeof mapped;
  if (stun_agent_validate(&peer->agent, &message, bytes, n, NULL, NULL) != STUN_VALIDATION_SUCCESS ||
      stun_message_get_class(&message) != STUN_RESPONSE ||
      stun_usage_ice_conncheck_process(&message, &mapped, &mapped_bytes, STUN_USAGE_ICE_COMPATIBILITY_RFC5245) !=
          STUN_USAGE_ICE_RETURN_SUCCESS)
    return;
  peer->answered++;
  if (!peer->valid)
    peer->next_check_us = 0; /* nominate at once */
  peer->valid = TRUE;
}

static void on_record(const guint8 *bytes, gsize n, gpointer user) {
  Peer *peer = user;
  if (peer->config.events.data != NULL)
    peer->config.events.data(peer, bytes, n, peer->config.events.user);
}

static void check_when_due(Peer *peer, gint64 now_us) {
  if (peer->config.no_checks || now_us < peer->next_check_us)
    return;
  gboolean nominate = peer->valid && !peer->config.no_nomination;
  peer_check(peer, peer->path, PRIORITY_OF_FIRST, nominate);
  gboolean settled = nominate && peer->nominated;
  peer->nominated = nominate;
  peer->next_check_us = now_us + (settled || (peer->valid && peer->config.no_nomination) ? CONSENT_MS : CHECK_MS) * 1000;
}

static void send_when_due(Peer *peer) {
  check_when_due(peer, g_get_monotonic_time());
  gboolean early = peer->config.early_client_hello && peer->config.dtls_client;
  if (!peer->config.no_dtls && !peer->crypto.done && !peer->crypto.failed && (peer->valid || early) &&
      (peer->config.dtls_client || peer->hello_sent))
    peer_crypto_input(&peer->crypto, NULL, 0, on_record, peer);
}

static void read_media(Peer *peer, guint8 *bytes, int n) {
  if (!peer_is_connected(peer))
    return;
  gboolean rtcp = bytes[1] >= 192 && bytes[1] <= 223;
  if ((rtcp ? srtp_unprotect_rtcp : srtp_unprotect)(peer->crypto.inbound, bytes, &n) != srtp_err_status_ok)
    return;
  void (*give)(Peer *, guint8 *, gsize, gpointer) = rtcp ? peer->config.events.rtcp : peer->config.events.rtp;
  if (give != NULL)
    give(peer, bytes, (gsize)n, peer->config.events.user);
}

static void read_datagram(Peer *peer, guint path, guint8 *bytes, gsize n) {
  if (n < 2)
    return;
  if (bytes[0] <= 3) {
    read_stun(peer, path, bytes, n);
    return;
  }
  peer->last_path = path;
  if (bytes[0] >= 20 && bytes[0] <= 63 && !peer->config.no_dtls) {
    peer->hello_sent = TRUE; /* the handshake runs; its timers count from here */
    peer_crypto_input(&peer->crypto, bytes, n, on_record, peer);
  } else if (bytes[0] >= 128 && bytes[0] <= 191) {
    read_media(peer, bytes, (int)n);
  }
}

void peer_step(Peer *peer) {
  guint8 bytes[PACKET_BYTES_MAX];
  for (guint i = 0; i < peer->n_paths; i++) {
    ssize_t n;
    while ((n = recv(peer->fds[i], bytes, sizeof bytes, 0)) >= 0)
      read_datagram(peer, i, bytes, (gsize)n);
  }
  send_when_due(peer);
}

gboolean peers_run(Peer *const *peers, guint n, gboolean (*done)(gpointer user), gpointer user, guint ms) {
  gint64 end_us = g_get_monotonic_time() + (gint64)ms * 1000;
  for (;;) {
    g_autofree struct pollfd *fds = g_new0(struct pollfd, n * PATHS_MAX);
    nfds_t n_fds = 0;
    for (guint i = 0; i < n; i++) {
      peer_step(peers[i]);
      for (guint k = 0; k < peers[i]->n_paths; k++)
        fds[n_fds++] = (struct pollfd){.fd = peers[i]->fds[k], .events = POLLIN};
    }
    if (done != NULL && done(user))
      return TRUE;
    gint64 left_us = end_us - g_get_monotonic_time();
    if (left_us <= 0)
      return FALSE;
    (void)poll(fds, n_fds, (int)MIN((left_us + 999) / 1000, STEP_MS));
  }
}

void peer_run(Peer *peer, guint ms) {
  (void)peers_run(&peer, 1, NULL, NULL, ms);
}

static gboolean connected_or_failed(gpointer user) {
  const Peer *peer = user;
  return peer->crypto.failed || (peer_is_connected(peer) && (peer->nominated || peer->config.no_nomination));
}

gboolean peer_connect(Peer *peer, guint ms) {
  (void)peers_run(&peer, 1, connected_or_failed, peer, ms);
  return peer_is_connected(peer);
}

/* Media */

gsize peer_protect_rtp(Peer *peer, const guint8 *packet, gsize n, guint8 *out) {
  int bytes = (int)n;
  if (!peer_is_connected(peer) || n > 1500)
    return 0;
  memcpy(out, packet, n);
  return srtp_protect(peer->crypto.outbound, out, &bytes) == srtp_err_status_ok ? (gsize)bytes : 0;
}

gsize peer_protect_rtcp(Peer *peer, const guint8 *packet, gsize n, guint8 *out) {
  int bytes = (int)n;
  if (!peer_is_connected(peer) || n > 1500)
    return 0;
  memcpy(out, packet, n);
  return srtp_protect_rtcp(peer->crypto.outbound, out, &bytes) == srtp_err_status_ok ? (gsize)bytes : 0;
}

gboolean peer_send_rtp(Peer *peer, const guint8 *packet, gsize n) {
  guint8 out[PACKET_BYTES_MAX];
  gsize bytes = peer_protect_rtp(peer, packet, n, out);
  if (bytes > 0)
    peer_send_raw(peer, out, bytes);
  return bytes > 0;
}

gboolean peer_send_rtcp(Peer *peer, const guint8 *packet, gsize n) {
  guint8 out[PACKET_BYTES_MAX];
  gsize bytes = peer_protect_rtcp(peer, packet, n, out);
  if (bytes > 0)
    peer_send_raw(peer, out, bytes);
  return bytes > 0;
}

gboolean peer_send_data(Peer *peer, const guint8 *bytes, gsize n) {
  return peer_is_connected(peer) && SSL_write(peer->crypto.ssl, bytes, (int)n) == (int)n;
}

gsize peer_make_rtp(guint8 *out, guint8 pt, guint16 seq, guint32 timestamp, guint32 ssrc, const guint8 *payload, gsize n) {
  const guint8 header[12] = {0x80,
                             pt,
                             (guint8)(seq >> 8),
                             (guint8)seq,
                             (guint8)(timestamp >> 24),
                             (guint8)(timestamp >> 16),
                             (guint8)(timestamp >> 8),
                             (guint8)timestamp,
                             (guint8)(ssrc >> 24),
                             (guint8)(ssrc >> 16),
                             (guint8)(ssrc >> 8),
                             (guint8)ssrc};
  memcpy(out, header, sizeof header);
  memcpy(out + sizeof header, payload, n);
  return sizeof header + n;
}
