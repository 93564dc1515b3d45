/* SPDX-License-Identifier: Apache-2.0 */
/* A leg with a full ICE agent against a real ICE-lite end on the wire: another worker's own leg. */
#include "pipelines/transport/ice-agent.h"
#include "tests/transport/bed.h"

#include <string.h>
#include <sys/resource.h>

typedef struct Pair {
  IceService *service;
  Bed *beds[2];
  BedLeg *full, *lite; /* of the gate, and of the SFU */
  IceAgent *agent;
  _Atomic guint gathered, destroyed;
} Pair;

static void on_gathered(gpointer user) {
  atomic_fetch_add(&((Pair *)user)->gathered, 1);
}

static void on_destroyed(gpointer user) {
  atomic_fetch_add(&((Pair *)user)->destroyed, 1);
}

static void use_agent(Worker *worker, gpointer data) {
  const Pair *pair = data;
  (void)worker;
  leg_use_agent(pair->full->leg, pair->agent);
}

static void pair_up(Pair *pair, gconstpointer data) {
  const IceServers servers = {.bind = data != NULL ? NULL : "127.0.0.1"};
  *pair = (Pair){.service = ice_service_new(&servers)};
  for (guint i = 0; i < 2; i++)
    pair->beds[i] = bed_new("127.0.0.1", "127.0.0.1");
  pair->full = bed_leg(pair->beds[0]);
  pair->full->other = NULL; /* the SFU's side echoes; this one counts */
  pair->lite = bed_leg(pair->beds[1]);
  pair->agent = ice_agent_new(pair->service, &pair->full->local, on_gathered, pair, on_destroyed);
  bed_run(pair->beds[0], use_agent, pair);
}

static void pair_down(Pair *pair, gconstpointer data) {
  (void)data;
  ice_agent_unref(pair->agent);
  for (guint i = 0; i < 2; i++)
    bed_free(pair->beds[i]);
  ice_service_free(pair->service);
  g_assert_cmpuint(atomic_load(&pair->destroyed), ==, 1);
}

static gboolean await(_Atomic guint *count, guint n) {
  for (gint64 end_us = g_get_monotonic_time() + 10 * G_USEC_PER_SEC; atomic_load(count) < n && g_get_monotonic_time() < end_us;)
    g_usleep(1000);
  return atomic_load(count) >= n;
}

static gboolean await_state(BedLeg *leg, LegState state) {
  for (gint64 end_us = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
       atomic_load(&leg->state) != (int)state && g_get_monotonic_time() < end_us;)
    g_usleep(1000);
  return atomic_load(&leg->state) == (int)state;
}

static char *candidate_of(const Bed *bed) {
  return g_strdup_printf("1 1 udp 2130706431 127.0.0.1 %u typ host", worker_port(bed->worker));
}

/* As negotiation has it: the worker's leg first, then the agent, whose checks begin at once. */
static void connect_with(Pair *pair, const char *fingerprint, const char *const *candidates) {
  g_autoptr(GError) error = NULL;
  const IceRemote remote = {pair->lite->local.ufrag, pair->lite->local.pwd, candidates, TRUE, TRUE};
  g_assert_true(bed_remote(pair->lite, pair->full->local.ufrag, transport_fingerprint(), FALSE, &error));
  g_assert_true(bed_remote(pair->full, remote.ufrag, fingerprint, TRUE, &error));
  g_assert_no_error(error);
  ice_agent_set_remote(pair->agent, &pair->full->local, &remote);
}

static void connect_pair(Pair *pair) {
  g_autofree char *candidate = candidate_of(pair->beds[1]);
  connect_with(pair, transport_fingerprint(), (const char *const[]){candidate, NULL});
  g_assert_true(await_state(pair->full, LEG_CONNECTED));
  g_assert_true(await_state(pair->lite, LEG_CONNECTED));
}

#define BURST 40

static void send_burst(Worker *worker, gpointer data) {
  Pair *pair = data;
  (void)worker;
  for (guint16 i = 0; i < BURST; i++) {
    guint8 packet[WORKER_PACKET_ROOM_BYTES], payload[1000] = {0};
    gsize n = peer_make_rtp(packet, 111, (guint16)(atomic_load(&pair->full->rtp) + i), 960u * i, 7, payload, sizeof payload);
    g_assert_true(leg_send_rtp(pair->full->leg, packet, n));
  }
}

static void send_record(Worker *worker, gpointer data) {
  Pair *pair = data;
  (void)worker;
  g_assert_true(leg_send_data(pair->full->leg, (const guint8 *)"hello", 5));
}

static void test_media(Pair *pair, gconstpointer data) {
  (void)data;
  g_assert_true(await(&pair->gathered, 1));
  connect_pair(pair);
  for (guint i = 1; i <= 10; i++) {
    bed_run(pair->beds[0], send_burst, pair);
    g_assert_true(await(&pair->full->rtp, i * BURST));
  }
  g_assert_cmpuint(atomic_load(&pair->lite->rtp), ==, 10 * BURST);
  bed_run(pair->beds[0], send_record, pair);
  g_assert_true(await(&pair->full->data, 1));
  const LegStats stats = bed_leg_stats(pair->full);
  g_assert_cmpuint(stats.rtp_out, ==, 10 * BURST);
  g_assert_cmpuint(stats.refused, ==, 0);
  const WorkerStats worker = worker_stats(pair->beds[0]->worker);
  g_assert_cmpuint(worker.ice_overflow + worker.refused_unknown + worker.refused_stun, ==, 0);
  g_assert_cmpuint(worker.packets_out, >=, 10 * BURST);
}

static void test_candidates(Pair *pair, gconstpointer data) {
  (void)data;
  g_assert_true(await(&pair->gathered, 1));
  g_auto(GStrv) values = ice_agent_candidates(pair->agent);
  g_assert_cmpuint(g_strv_length(values), ==, 1);
  g_assert_true(strstr(values[0], " 127.0.0.1 ") != NULL && g_str_has_suffix(values[0], " typ host"));
  g_assert_true(ice_agent_has_relay(pair->agent)); /* none was asked for */
}

/* An SFU on the same machine, at an address that libnice would not use by itself. */
static void test_every_address(Pair *pair, gconstpointer data) {
  (void)data;
  connect_pair(pair);
  g_auto(GStrv) values = ice_agent_candidates(pair->agent);
  gboolean loopback = FALSE;
  for (guint i = 0; values[i] != NULL; i++)
    loopback = loopback || strstr(values[i], " 127.0.0.1 ") != NULL;
  g_assert_true(loopback);
}

/* What names a host would have to be looked up, and what is no unicast address of UDP is none of ours. */
static void test_odd_candidates(Pair *pair, gconstpointer data) {
  (void)data;
  g_autofree char *candidate = candidate_of(pair->beds[1]);
  connect_with(pair, transport_fingerprint(),
               (const char *const[]){"", "1 1 udp", "1 1 udp 2130706431 a.example 5000 typ host",
                                     "1 1 udp 2130706431 7d7a2a3c-3f13-4a6c-a1b3-0d1f7a3e1a11.local 5000 typ host",
                                     "1 1 tcp 2130706431 127.0.0.1 9 typ host tcptype active", "1 2 udp 2130706431 127.0.0.1 9 typ host",
                                     "1 1 udp 2130706431 224.0.0.1 9 typ host", "1 1 udp 2130706431 0.0.0.0 9 typ host",
                                     "1 1 udp x 127.0.0.1 99999999 typ host", candidate, NULL});
  g_assert_true(await_state(pair->full, LEG_CONNECTED));
}

/* Fault 2. */
static void test_wrong_fingerprint(Pair *pair, gconstpointer data) {
  (void)data;
  g_autofree char *candidate = candidate_of(pair->beds[1]), *wrong = g_strdup(transport_fingerprint());
  wrong[strlen(wrong) - 1] = g_str_has_suffix(wrong, "0") ? '1' : '0';
  connect_with(pair, wrong, (const char *const[]){candidate, NULL});
  g_assert_true(await_state(pair->full, LEG_ENDED));
  g_assert_nonnull(strstr(pair->full->why, "certificate"));
  g_assert_cmpuint(bed_leg_stats(pair->full).rtp_in, ==, 0);
}

static void test_nobody_there(Pair *pair, gconstpointer data) {
  (void)data;
  connect_with(pair, transport_fingerprint(), (const char *const[]){"1 1 udp 2130706431 127.0.0.1 9 typ host", NULL});
  bed_advance_clock(pair->beds[0], 31 * G_USEC_PER_SEC);
  g_assert_true(await_state(pair->full, LEG_ENDED));
  g_assert_true(strstr(pair->full->why, "not connected") != NULL || strstr(pair->full->why, "ICE failed") != NULL);
}

/* The gate's answer is on its way to the SFU for longer than some checks take. */
static void test_slow_answer(Pair *pair, gconstpointer data) {
  (void)data;
  g_autoptr(GError) error = NULL;
  g_autofree char *candidate = candidate_of(pair->beds[1]);
  const char *const candidates[] = {candidate, NULL};
  const IceRemote remote = {pair->lite->local.ufrag, pair->lite->local.pwd, candidates, TRUE, TRUE};
  g_assert_true(bed_remote(pair->full, remote.ufrag, transport_fingerprint(), TRUE, &error));
  ice_agent_set_remote(pair->agent, &pair->full->local, &remote);
  g_usleep(9 * G_USEC_PER_SEC);
  g_assert_cmpint(atomic_load(&pair->full->state), ==, LEG_NEW);
  g_assert_true(bed_remote(pair->lite, pair->full->local.ufrag, transport_fingerprint(), FALSE, &error));
  g_assert_true(await_state(pair->full, LEG_CONNECTED));
}

/* RFC 8445 section 9: both sides have other credentials, media goes on. */
static void test_restart(Pair *pair, gconstpointer data) {
  (void)data;
  connect_pair(pair);
  bed_restart(pair->full);
  bed_restart(pair->lite);
  connect_pair(pair);
  for (guint tries = 0; tries < 50 && atomic_load(&pair->full->rtp) < BURST; tries++) {
    bed_run(pair->beds[0], send_burst, pair);
    g_usleep(100000);
  }
  g_assert_cmpuint(atomic_load(&pair->full->rtp), >=, BURST);
  g_assert_cmpuint(atomic_load(&pair->full->ended), ==, 0);
}

static void test_freed_early(Pair *pair, gconstpointer data) {
  (void)data;
  g_autofree char *candidate = candidate_of(pair->beds[1]);
  connect_with(pair, transport_fingerprint(), (const char *const[]){candidate, NULL});
  bed_leg_free(pair->full);
  g_assert_cmpuint(atomic_load(&pair->full->rtp), ==, 0);
}

static void test_trickle(Pair *pair, gconstpointer data) {
  (void)data;
  g_autofree char *candidate = candidate_of(pair->beds[1]);
  connect_with(pair, transport_fingerprint(), NULL);
  ice_agent_add_remote(pair->agent, candidate);
  ice_agent_add_remote(pair->agent, "");
  g_assert_true(await_state(pair->full, LEG_CONNECTED));
}

/* CPU time of this process's threads of that name so far, ns. */
static guint64 thread_cpu_ns(const char *name, guint skip) {
  g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
  guint64 ns = 0;
  for (const char *id; (id = g_dir_read_name(tasks)) != NULL;) {
    g_autofree char *comm_path = g_strdup_printf("/proc/self/task/%s/comm", id),
                    *stat_path = g_strdup_printf("/proc/self/task/%s/schedstat", id);
    g_autofree char *comm = NULL, *stat = NULL;
    if (g_file_get_contents(comm_path, &comm, NULL, NULL) && g_file_get_contents(stat_path, &stat, NULL, NULL) &&
        strcmp(g_strchomp(comm), name) == 0 && skip-- == 0)
      ns = g_ascii_strtoull(stat, NULL, 10);
  }
  return ns;
}

#define DESCRIPTORS 64 /* room for 4 agents of 8, in a half of them */

/* Half of the process's descriptors stay free for the disk, and one that ends makes room. */
static void test_room(void) {
  const IceServers servers = {.bind = "127.0.0.1"};
  Pair counts = {0};
  IceAgent *agents[DESCRIPTORS];
  LegCredentials local;
  struct rlimit before, low;
  guint n = 0;
  g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
  low = (struct rlimit){.rlim_cur = DESCRIPTORS, .rlim_max = before.rlim_max};
  g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &low), ==, 0);
  IceService *service = ice_service_new(&servers);
  g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
  while (ice_service_has_room(service) && n < DESCRIPTORS) {
    leg_credentials_new(&local);
    agents[n++] = ice_agent_new(service, &local, on_gathered, &counts, on_destroyed);
  }
  g_assert_cmpuint(n, ==, 4);
  ice_agent_unref(agents[--n]);
  g_assert_true(await(&counts.destroyed, 1));
  for (gint64 end_us = g_get_monotonic_time() + 10 * G_USEC_PER_SEC; !ice_service_has_room(service) && g_get_monotonic_time() < end_us;)
    g_usleep(1000);
  g_assert_true(ice_service_has_room(service));
  while (n > 0)
    ice_agent_unref(agents[--n]);
  ice_service_free(service);
}

/* With -m perf: what a packet there and back costs the full leg and the ICE-lite one that echoes it. Both seal one and open one. */
static void test_cost(Pair *pair, gconstpointer data) {
  (void)data;
  const char *const names[] = {"recgate-media", "recgate-media", "recgate-ice"};
  guint64 ns[3];
  connect_pair(pair);
  for (guint i = 0; i < 3; i++)
    ns[i] = thread_cpu_ns(names[i], i == 1);
  const guint rounds = 250;
  for (guint i = 1; i <= rounds; i++) {
    bed_run(pair->beds[0], send_burst, pair);
    g_assert_true(await(&pair->full->rtp, i * BURST));
    g_usleep(10000);
  }
  for (guint i = 0; i < 3; i++)
    ns[i] = thread_cpu_ns(names[i], i == 1) - ns[i];
  g_test_message("a packet there and back, us: workers %.1f and %.1f, the agents' thread %.1f", (double)ns[0] / (rounds * BURST * 1000),
                 (double)ns[1] / (rounds * BURST * 1000), (double)ns[2] / (rounds * BURST * 1000));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
#define ADD(name, fn) g_test_add("/transport/ice-agent/" name, Pair, NULL, pair_up, fn, pair_down)
  ADD("media-and-data-pass", test_media);
  ADD("candidates-are-of-the-address-it-was-given", test_candidates);
  g_test_add_func("/transport/ice-agent/room-beside-the-disk", test_room);
  g_test_add("/transport/ice-agent/loopback-beside-every-address", Pair, "any", pair_up, test_every_address, pair_down);
  ADD("odd-candidates-are-passed-over", test_odd_candidates);
  ADD("a-wrong-certificate-ends-it", test_wrong_fingerprint);
  ADD("nobody-there", test_nobody_there);
  ADD("restart", test_restart);
  if (g_test_slow())
    ADD("slow-answer", test_slow_answer);
  ADD("freed-while-it-checks", test_freed_early);
  ADD("trickled-candidates", test_trickle);
  if (g_test_perf())
    ADD("cost", test_cost);
  return g_test_run();
}
