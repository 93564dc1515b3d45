/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/worker.h"
#include "pipelines/transport/certificate.h"
#include "pipelines/transport/coalesce.h"
#include "pipelines/transport/datagrams.h"
#include "pipelines/transport/demux.h"
#include "pipelines/transport/worker-private.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* One second of 1,000 calls at 30,000 packets/s; the kernel caps it at net.core.rmem_max, or not at all for root. */
#define SOCKET_BUFFER_BYTES (8 * 1024 * 1024)
#define TICK_US             250000
#define TICK_HANDSHAKE_US   20000

typedef struct Command {
  void (*fn)(Worker *worker, gpointer data);
  gpointer data;
  GDestroyNotify destroy;
} Command;

struct Worker {
  int socket, epoll, wake, family;
  guint16 port;
  pthread_t thread;
  gboolean started;
  pthread_mutex_t lock; /* guards commands and stopping */
  GQueue commands;
  gboolean stopping;

  /* the worker's thread only */
  gint64 now_us, since_us, empty_us, next_tick_us, clock_ahead_us;
  StunAgent agent;
  SSL_CTX *tls;
  GHashTable *by_ufrag; /* char* -> Leg */
  GHashTable *by_path;  /* Address* -> IcePath, both inside the leg */
  GPtrArray *legs, *retired;
  Inbox *inbox;
  Outbox *outbox;
  Coalesce coalesce;
  void (*after_batch)(gpointer data);
  gpointer after_batch_data;
  WorkerCounters counters;
};

static gint64 worker_clock_us(const Worker *worker) {
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return (gint64)t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000 + worker->clock_ahead_us;
}

void worker_advance_clock(Worker *worker, gint64 us) {
  worker->clock_ahead_us += us;
  worker->next_tick_us = 0;
}

/* Making one */

static gboolean socket_fail(const char *what, const char *address, guint16 port, GError **error) {
  g_set_error(error, TRANSPORT_ERROR, TRANSPORT_ERROR_SOCKET, "%s UDP %s port %u: %s", what, address, port, g_strerror(errno));
  return FALSE;
}

static void socket_set_buffer(int fd, int forced, int plain) {
  int bytes = SOCKET_BUFFER_BYTES;
  if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) != 0) /* needs CAP_NET_ADMIN */
    (void)setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof bytes);
}

/* Packet info is wanted only where the socket does not know its own address. */
static gboolean socket_set_options(int fd, int family, gboolean wildcard) {
  int on = 1, off = 0;
  socket_set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
  socket_set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
  if (setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) != 0)
    return FALSE;
  if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0)
    return FALSE;
  if (!wildcard)
    return TRUE;
  if (family == AF_INET)
    return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0;
  return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0;
}

static gboolean worker_bind(Worker *worker, const char *address, guint16 port, gboolean *wildcard, GError **error) {
  g_autoptr(GInetAddress) inet = g_inet_address_new_from_string(address);
  if (inet == NULL) {
    g_set_error(error, TRANSPORT_ERROR, TRANSPORT_ERROR_ARGUMENT, "\"%s\" is not an IP address", address);
    return FALSE;
  }
  g_autoptr(GSocketAddress) bound = g_inet_socket_address_new(inet, port);
  struct sockaddr_storage name = {0};
  socklen_t n = (socklen_t)g_socket_address_get_native_size(bound);
  if (!g_socket_address_to_native(bound, &name, sizeof name, error))
    return FALSE;
  *wildcard = g_inet_address_get_is_any(inet);
  worker->family = name.ss_family;
  worker->socket = socket(worker->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (worker->socket < 0)
    return socket_fail("cannot open", address, port, error);
  if (!socket_set_options(worker->socket, worker->family, *wildcard))
    return socket_fail("cannot set up", address, port, error);
  if (bind(worker->socket, (struct sockaddr *)&name, n) != 0)
    return socket_fail("cannot bind", address, port, error);
  Address own;
  n = sizeof name;
  if (getsockname(worker->socket, (struct sockaddr *)&name, &n) != 0 || !address_from_sockaddr(&own, &name))
    return socket_fail("cannot read the name of", address, port, error);
  worker->port = (guint16)own.port;
  return TRUE;
}

static gboolean worker_watch(Worker *worker, GError **error) {
  worker->epoll = epoll_create1(EPOLL_CLOEXEC);
  worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct epoll_event socket_event = {.events = EPOLLIN, .data.fd = worker->socket},
                     wake_event = {.events = EPOLLIN, .data.fd = worker->wake};
  if (worker->epoll >= 0 && worker->wake >= 0 && epoll_ctl(worker->epoll, EPOLL_CTL_ADD, worker->socket, &socket_event) == 0 &&
      epoll_ctl(worker->epoll, EPOLL_CTL_ADD, worker->wake, &wake_event) == 0)
    return TRUE;
  g_set_error(error, TRANSPORT_ERROR, TRANSPORT_ERROR_SOCKET, "epoll: %s", g_strerror(errno));
  return FALSE;
}

Worker *worker_new(const char *address, guint16 port, GError **error) {
  Worker *worker = g_new0(Worker, 1);
  gboolean wildcard = FALSE;
  worker->socket = worker->epoll = worker->wake = -1;
  pthread_mutex_init(&worker->lock, NULL);
  g_queue_init(&worker->commands);
  worker->by_ufrag = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  worker->by_path = g_hash_table_new(address_hash, address_equal);
  worker->legs = g_ptr_array_new();
  worker->retired = g_ptr_array_new();
  worker->now_us = worker_clock_us(worker);
  stun_check_init_agent(&worker->agent);
  worker->tls = certificate_context_new(error);
  if (worker->tls == NULL || !worker_bind(worker, address, port, &wildcard, error) || !worker_watch(worker, error)) {
    worker_free(worker);
    return NULL;
  }
  worker->inbox = inbox_new();
  worker->outbox = outbox_new(worker->family, wildcard);
  return worker;
}

guint16 worker_port(const Worker *worker) {
  return worker->port;
}
gint64 worker_now_us(const Worker *worker) {
  return worker->now_us;
}
gint64 worker_since_us(const Worker *worker) {
  return worker->since_us;
}
WorkerCounters *worker_counters(Worker *worker) {
  return &worker->counters;
}
SSL_CTX *worker_tls(Worker *worker) {
  return worker->tls;
}

void worker_set_after_batch(Worker *worker, void (*fn)(gpointer data), gpointer data) {
  worker->after_batch = fn;
  worker->after_batch_data = data;
}

WorkerStats worker_stats(Worker *worker) {
  WorkerCounters *c = &worker->counters;
  return (WorkerStats){.packets_in = c->packets_in,
                       .packets_out = c->packets_out,
                       .bytes_in = c->bytes_in,
                       .bytes_out = c->bytes_out,
                       .refused_stun = c->refused_stun,
                       .refused_dtls = c->refused_dtls,
                       .refused_srtp = c->refused_srtp,
                       .refused_ssrc = c->refused_ssrc,
                       .refused_unknown = c->refused_unknown,
                       .send_failed = c->send_failed,
                       .socket_overflow = c->socket_overflow,
                       .ice_overflow = c->ice_overflow,
                       .legs = c->legs};
}

void worker_set_coalescing(Worker *worker, guint bound_us) {
  g_return_if_fail(!worker->started);
  worker->coalesce.bound_us = bound_us;
}

/* Legs and their addresses */

void worker_add_leg(Worker *worker, Leg *leg) {
  g_ptr_array_add(worker->legs, leg);
  atomic_store(&worker->counters.legs, worker->legs->len);
}

void worker_retire_leg(Worker *worker, Leg *leg) {
  if (g_ptr_array_remove_fast(worker->legs, leg))
    g_ptr_array_add(worker->retired, leg);
  atomic_store(&worker->counters.legs, worker->legs->len);
}

static void worker_bury(Worker *worker) {
  for (guint i = 0; i < worker->retired->len; i++)
    leg_destroy(g_ptr_array_index(worker->retired, i));
  g_ptr_array_set_size(worker->retired, 0);
}

gboolean worker_add_ufrag(Worker *worker, const char *ufrag, Leg *leg) {
  gpointer holder = g_hash_table_lookup(worker->by_ufrag, ufrag);
  if (holder == NULL)
    g_hash_table_insert(worker->by_ufrag, g_strdup(ufrag), leg);
  return holder == NULL || holder == leg;
}

void worker_remove_ufrag(Worker *worker, const char *ufrag, Leg *leg) {
  if (g_hash_table_lookup(worker->by_ufrag, ufrag) == leg)
    g_hash_table_remove(worker->by_ufrag, ufrag);
}

void worker_add_path(Worker *worker, IcePath *path) {
  IcePath *holder = g_hash_table_lookup(worker->by_path, &path->address);
  if (holder == path)
    return;
  if (holder != NULL) {
    /* A port that was used again for another call: whoever proved it last has it. */
    g_hash_table_remove(worker->by_path, &path->address);
    leg_forget_path(holder->owner, holder);
  }
  g_hash_table_insert(worker->by_path, &path->address, path);
}

void worker_remove_path(Worker *worker, IcePath *path) {
  if (g_hash_table_lookup(worker->by_path, &path->address) == path)
    g_hash_table_remove(worker->by_path, &path->address);
}

void worker_tick_soon(Worker *worker) {
  worker->next_tick_us = MIN(worker->next_tick_us, worker->now_us + TICK_HANDSHAKE_US);
}

/* Packets */

static void worker_flush(Worker *worker) {
  OutboxResult result = outbox_flush(worker->outbox, worker->socket);
  counter_add(&worker->counters.packets_out, result.sent);
  counter_add(&worker->counters.bytes_out, result.bytes);
  counter_add(&worker->counters.send_failed, result.failed);
}

/* A packet that is forwarded leaves from where it was received: every batch is flushed before the next one is read. */
void worker_send(Worker *worker, const Address *to, const guint8 *bytes, gsize n) {
  if (n > WORKER_PACKET_ROOM_BYTES) {
    counter_add(&worker->counters.send_failed, 1);
    return;
  }
  if (outbox_is_full(worker->outbox))
    worker_flush(worker);
  outbox_add(worker->outbox, to, (guint8 *)bytes, n, inbox_holds(worker->inbox, bytes));
}

void worker_count_agent_sent(Worker *worker, gsize n, gboolean sent) {
  counter_add(sent ? &worker->counters.packets_out : &worker->counters.send_failed, 1);
  counter_add(&worker->counters.bytes_out, sent ? n : 0);
}

typedef struct CheckLookup {
  Worker *worker;
  Leg *leg;
  guint32 generation;
} CheckLookup;

/* Both halves of USERNAME must fit: ours finds the leg, theirs is what the leg was told (RFC 8445 section 7.2.2). */
static gboolean find_leg(const guint8 *username, gsize n, const char **pwd, gpointer user) {
  CheckLookup *lookup = user;
  char ufrag[sizeof((LegCredentials *)NULL)->ufrag];
  const guint8 *colon = memchr(username, ':', n);
  gsize ours = colon != NULL ? (gsize)(colon - username) : 0;
  if (ours == 0 || ours >= sizeof ufrag)
    return FALSE;
  memcpy(ufrag, username, ours);
  ufrag[ours] = '\0';
  lookup->leg = g_hash_table_lookup(lookup->worker->by_ufrag, ufrag);
  return lookup->leg != NULL && leg_find_pwd(lookup->leg, username, n, pwd, &lookup->generation);
}

static void worker_input_stun(Worker *worker, const guint8 *bytes, gsize n, const Address *from) {
  CheckLookup lookup = {.worker = worker};
  StunCheck check;
  StunCheckVerdict verdict = stun_check_answer(&worker->agent, bytes, n, from, find_leg, &lookup, &check);
  if (verdict == STUN_CHECK_REFUSED) {
    counter_add(&worker->counters.refused_stun, 1);
    return;
  }
  worker_send(worker, from, check.reply, check.reply_bytes);
  if (verdict == STUN_CHECK_VALID)
    leg_input_check(lookup.leg, &check, from, lookup.generation);
}

static void worker_input(Worker *worker, guint8 *bytes, gsize n, const Address *from) {
  DemuxClass class = demux_classify(bytes, n);
  if (class == DEMUX_STUN) {
    worker_input_stun(worker, bytes, n, from);
    return;
  }
  IcePath *path = class != DEMUX_UNKNOWN ? g_hash_table_lookup(worker->by_path, from) : NULL;
  if (path == NULL) /* fault 1: a ClientHello from an address that has not proven itself counts here too */
    counter_add(class == DEMUX_DTLS ? &worker->counters.refused_dtls : &worker->counters.refused_unknown, 1);
  else if (class == DEMUX_DTLS)
    leg_input_dtls(path->owner, path, bytes, n);
  else
    leg_input_media(path->owner, path, bytes, n, class == DEMUX_RTCP);
}

static void worker_read(Worker *worker) {
  const gint64 before_us = worker->now_us; /* since then the socket has not been read */
  worker->since_us = worker->empty_us;
  guint n = inbox_receive(worker->inbox, worker->socket);
  /* After the read: no packet's arrival is dated before it came (R10 compares it with heartbeats). */
  worker->now_us = worker_clock_us(worker);
  if (n < DATAGRAMS_BATCH)
    worker->empty_us = before_us;
  coalesce_count(&worker->coalesce, n, worker->now_us);
  for (guint i = 0; i < n; i++) {
    guint8 *bytes;
    gsize size;
    Address from;
    if (!inbox_get(worker->inbox, i, &bytes, &size, &from)) {
      counter_add(&worker->counters.refused_unknown, 1);
      continue;
    }
    counter_add(&worker->counters.packets_in, 1);
    counter_add(&worker->counters.bytes_in, size);
    worker_input(worker, bytes, size, &from);
  }
  atomic_store_explicit(&worker->counters.socket_overflow, inbox_overflow(worker->inbox), memory_order_relaxed);
  if (worker->after_batch != NULL)
    worker->after_batch(worker->after_batch_data);
}

/* The thread */

static void worker_tick(Worker *worker) {
  gboolean handshakes = FALSE;
  /* Backwards, because a callback may free the leg it is called for. */
  for (guint i = worker->legs->len; i > 0; i--)
    if (i <= worker->legs->len && leg_tick(g_ptr_array_index(worker->legs, i - 1)))
      handshakes = TRUE;
  worker->next_tick_us = worker->now_us + (handshakes ? TICK_HANDSHAKE_US : TICK_US);
}

/* TRUE: go on. */
static gboolean worker_run_commands(Worker *worker) {
  guint64 count;
  ssize_t n = read(worker->wake, &count, sizeof count);
  (void)n; /* only clears it */
  for (;;) {
    pthread_mutex_lock(&worker->lock);
    gboolean stopping = worker->stopping;
    Command *command = stopping ? NULL : g_queue_pop_head(&worker->commands);
    pthread_mutex_unlock(&worker->lock);
    if (command == NULL)
      return !stopping;
    command->fn(worker, command->data);
    if (command->destroy != NULL)
      command->destroy(command->data);
    g_free(command);
  }
}

/* Lets packets gather. TRUE: a command came, which no packet may overtake (R11). */
static gboolean worker_coalesce(Worker *worker) {
  const guint wait_us = coalesce_wait_us(&worker->coalesce);
  if (wait_us == 0)
    return FALSE;
  struct pollfd wake = {.fd = worker->wake, .events = POLLIN};
  return ppoll(&wake, 1, &(struct timespec){.tv_nsec = (long)wait_us * 1000}, NULL) > 0;
}

static void *worker_main(void *data) {
  Worker *worker = data;
  gboolean going = TRUE;
  if (worker->coalesce.bound_us > 0)
    (void)prctl(PR_SET_TIMERSLACK, 1000UL); /* ns; 50 us by default would go on top of every wait */
  while (going) {
    struct epoll_event events[2];
    gint64 wait_us = MAX(worker->next_tick_us - worker->now_us, 0);
    int n = epoll_wait(worker->epoll, events, G_N_ELEMENTS(events), (int)((wait_us + 999) / 1000));
    gboolean woken = FALSE, readable = FALSE;
    for (int i = 0; i < n; i++)
      *(events[i].data.fd == worker->wake ? &woken : &readable) = TRUE;
    if (readable && !woken)
      woken = worker_coalesce(worker);
    worker->now_us = worker_clock_us(worker);
    if (woken)
      going = worker_run_commands(worker); /* before the packets: a revoked permit or an ended leg comes first (R11) */
    if (going && (readable || woken))
      worker_read(worker);
    if (worker->now_us >= worker->next_tick_us)
      worker_tick(worker);
    worker_bury(worker);
    worker_flush(worker);
  }
  return NULL;
}

void worker_start(Worker *worker) {
  g_return_if_fail(!worker->started);
  if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
    g_error("no thread for a media worker");
  worker->started = TRUE;
  (void)pthread_setname_np(worker->thread, "recgate-media");
}

static void worker_wake(Worker *worker) {
  guint64 one = 1;
  ssize_t n = write(worker->wake, &one, sizeof one);
  (void)n; /* fails only when it is readable already */
}

void worker_look(Worker *worker) {
  worker_wake(worker);
}

void worker_post(Worker *worker, void (*fn)(Worker *worker, gpointer data), gpointer data, GDestroyNotify destroy) {
  Command *command = g_new0(Command, 1);
  *command = (Command){fn, data, destroy};
  pthread_mutex_lock(&worker->lock);
  g_queue_push_tail(&worker->commands, command);
  pthread_mutex_unlock(&worker->lock);
  worker_wake(worker);
}

static void worker_discard_commands(Worker *worker) {
  for (Command *command; (command = g_queue_pop_head(&worker->commands)) != NULL; g_free(command))
    if (command->destroy != NULL)
      command->destroy(command->data);
}

static void close_if_open(int fd) {
  if (fd >= 0)
    close(fd);
}

void worker_free(Worker *worker) {
  if (worker == NULL)
    return;
  if (worker->started) {
    pthread_mutex_lock(&worker->lock);
    worker->stopping = TRUE;
    pthread_mutex_unlock(&worker->lock);
    worker_wake(worker);
    pthread_join(worker->thread, NULL);
  }
  worker_discard_commands(worker);
  while (worker->legs->len > 0)
    leg_free(g_ptr_array_index(worker->legs, 0));
  worker_bury(worker);
  if (worker->outbox != NULL)
    worker_flush(worker);
  inbox_free(worker->inbox);
  outbox_free(worker->outbox);
  g_hash_table_unref(worker->by_path);
  g_hash_table_unref(worker->by_ufrag);
  g_ptr_array_unref(worker->legs);
  g_ptr_array_unref(worker->retired);
  SSL_CTX_free(worker->tls);
  close_if_open(worker->socket);
  close_if_open(worker->epoll);
  close_if_open(worker->wake);
  pthread_mutex_destroy(&worker->lock);
  g_free(worker);
}
