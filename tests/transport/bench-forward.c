/* SPDX-License-Identifier: Apache-2.0 */
/* What one forwarded packet costs: SRTP alone (open and seal of 1,100 bytes), and a worker's CPU a packet over loopback with two peers.
 * Usage: bench-transport [packets]. Prints one line a measurement. */
#include "pipelines/transport/protection.h"
#include "tests/transport/bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAYLOAD_BYTES 1100
#define BURST         32

static double cpu_us(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void bench_srtp(guint packets, gboolean aead) {
  DtlsKeys here = {.aead = aead}, there = {.aead = aead};
  memset(here.local, 1, sizeof here.local);
  memset(here.remote, 2, sizeof here.remote);
  memcpy(there.local, here.remote, sizeof there.local);
  memcpy(there.remote, here.local, sizeof there.remote);
  Protection *a = protection_new(&here, PROTECTION_SSRCS_CLIENT), *b = protection_new(&there, PROTECTION_SSRCS_CLIENT);
  guint8 packet[WORKER_PACKET_ROOM_BYTES], payload[PAYLOAD_BYTES] = {0};
  double start = cpu_us(CLOCK_THREAD_CPUTIME_ID);
  for (guint i = 0; i < packets; i++) {
    gsize n = peer_make_rtp(packet, 96, (guint16)i, i, 1, payload, sizeof payload);
    if (!protection_seal_rtp(a, packet, &n) || protection_open_rtp(b, packet, &n) != PROTECTION_OPENED)
      g_error("packet %u was refused", i);
  }
  printf("srtp %s: %.2f us a packet sealed and opened\n", aead ? "gcm" : "cm", (cpu_us(CLOCK_THREAD_CPUTIME_ID) - start) / packets);
  protection_free(a);
  protection_free(b);
}

static void read_cpu(Worker *worker, gpointer data) {
  (void)worker;
  *(double *)data = cpu_us(CLOCK_THREAD_CPUTIME_ID);
}

static void bench_forward(guint packets, const char *profiles) {
  g_autoptr(Bed) bed = bed_new("127.0.0.1", "127.0.0.1");
  BedLeg *a = bed_leg(bed), *b = bed_leg(bed);
  bed_join(a, b);
  PeerConfig config = {.dtls_client = TRUE, .srtp_profiles = profiles};
  g_autoptr(Peer) alice = bed_peer(a, &config), bob = bed_peer(b, &config);
  if (!peer_connect(alice, 3000) || !peer_connect(bob, 3000) || !bed_await_state(b, bob, LEG_CONNECTED, 1000))
    g_error("not connected");
  guint8 packet[WORKER_PACKET_BYTES_MAX], payload[PAYLOAD_BYTES] = {0};
  double start, end;
  bed_run(bed, read_cpu, &start);
  for (guint i = 0; i < packets; i++) {
    gsize n = peer_make_rtp(packet, 96, (guint16)i, i, 1, payload, sizeof payload);
    (void)peer_send_rtp(alice, packet, n);
    if (i % BURST == BURST - 1 && !bed_await(&a->rtp, i + 1, bob, 1000))
      g_error("lost a packet");
  }
  bed_run(bed, read_cpu, &end);
  printf("forward %s: %.2f us of the worker a packet, bursts of %d\n", profiles, (end - start) / packets, BURST);
}

int main(int argc, char **argv) {
  guint packets = argc > 1 ? (guint)atoi(argv[1]) : 100000;
  packets -= packets % BURST;
  bench_srtp(packets, TRUE);
  bench_srtp(packets, FALSE);
  bench_forward(packets, "SRTP_AEAD_AES_128_GCM");
  bench_forward(packets, "SRTP_AES128_CM_SHA1_80");
  return 0;
}
