// SPDX-License-Identifier: Apache-2.0
// What forwarding costs: CPU a packet, loss, added latency and memory a call, of recgate, the bare loop, and of Janus and rtpengine where they are
// installed (Debian's janus, rtpengine-daemon), in alternating rounds of one run.
// The server has one core, the load the other. RECGATE_BENCH_ROUNDS (3), RECGATE_BENCH_CALLS ("20,100"), RECGATE_BENCH_MS (5000),
// RECGATE_BENCH_SERVERS ("bare,recgate": only those, by the first word of their names), RECGATE_BENCH_CIPHERS ("cm,gcm").
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Janus, JanusOpenSsl } from './relay/janus.mjs';
import { Load } from './relay/load.mjs';
import { picture } from './relay/picture.mjs';
import { Rtpengine } from './relay/rtpengine.mjs';
import { Bare, LOAD_CORE, Recgate, RecgateCoalescing, cpu_us, rss_kb, whole_cpu_us } from './relay/servers.mjs';

const ROUNDS = Number(process.env.RECGATE_BENCH_ROUNDS ?? 3);
const CALLS = (process.env.RECGATE_BENCH_CALLS ?? '20,100').split(',').map(Number);
const MEASURE_MS = Number(process.env.RECGATE_BENCH_MS ?? 5000);
const CIPHERS = (process.env.RECGATE_BENCH_CIPHERS ?? 'cm,gcm').split(',');
const ONLY = process.env.RECGATE_BENCH_SERVERS?.split(',');
const WARM_MS = 1000;
const PPS = 150; // of each end: 100 of video and 50 of audio
const PACKET_BYTES = 1100; // of video; audio is smaller (load-end.c)

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

async function measure(Server, calls, profile) {
  const server = new Server();
  await server.start({ ends: 2 * calls, profile });
  const before_kb = rss_kb(server.pid);
  const load = new Load(Server.kind, 2 * calls, profile, server.port);
  try {
    const { ends } = await load.next();
    const idle_us = whole_cpu_us(server.pid);
    load.tell({ connect: await server.describe(ends) });
    const { connected, ms } = await load.next();
    if (connected !== ends.length) throw new Error(`${server.name}: only ${connected} of ${ends.length} ends connected`);
    const setup_us = whole_cpu_us(server.pid) - idle_us;
    load.tell({ run: { pps: PPS, ms: MEASURE_MS, warm_ms: WARM_MS, bytes: PACKET_BYTES } });
    await load.next();
    const from_us = cpu_us(server.pid);
    await load.next();
    const used_us = cpu_us(server.pid) - from_us;
    const { sent, received, latency_us, late_ms } = await load.next();
    return {
      cpu_us_per_packet: used_us / sent, lost: sent - received, sent, p50_us: latency_us.p50, p99_us: latency_us.p99, load_late_ms: late_ms,
      kb_per_call: (rss_kb(server.pid) - before_kb) / calls, setup_cpu_ms_per_call: setup_us / 1000 / calls, setup_ms: ms,
    };
  } finally {
    await load.end();
    await server.stop();
  }
}

const number = (value, digits = 2) => value.toFixed(digits);

async function compare(calls, profile) {
  const servers = [Bare, Recgate, RecgateCoalescing, Rtpengine, JanusOpenSsl, Janus].filter((Server) => (Server.isHere ?? true) && (ONLY?.includes(new Server().name.split(' ')[0]) ?? true));
  const rounds = new Map(servers.map((Server) => [Server, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const Server of servers) rounds.get(Server).push(await measure(Server, calls, profile));
  const rows = [];
  for (const [Server, list] of rounds) {
    const middle = Object.fromEntries(Object.keys(list[0]).map((key) => [key, median(list.map((one) => one[key]))]));
    // Pair by pair: a round's drift of the machine is in both.
    const ratio = median(list.map((one, i) => one.cpu_us_per_packet / rounds.get(Bare)[i].cpu_us_per_packet));
    rows.push({ server: new Server().name, calls, profile, ...middle, lost: list.reduce((sum, one) => sum + one.lost, 0), cpu_to_bare: ratio, rounds: list });
  }
  return rows;
}

const rows = [];
execFileSync('taskset', ['-cp', LOAD_CORE, String(process.pid)], { stdio: 'ignore' });
for (const profile of CIPHERS)
  for (const calls of CALLS) rows.push(...(await compare(calls, profile)));

console.log(`\n${ROUNDS} alternating rounds of ${MEASURE_MS / 1000} s, ${PPS} packets/s each way, two thirds video of ${PACKET_BYTES} bytes, one third audio; medians\n`);
console.log('server      calls  cipher  µs/packet  to bare   lost     p50 µs   p99 µs  kB/call  set-up CPU ms/call');
for (const row of rows)
  console.log([row.server.padEnd(11), String(row.calls).padStart(5), row.profile.padStart(7), number(row.cpu_us_per_packet).padStart(10), number(row.cpu_to_bare).padStart(8),
    String(row.lost).padStart(6), number(row.p50_us, 0).padStart(10), number(row.p99_us, 0).padStart(8), number(row.kb_per_call, 0).padStart(8), number(row.setup_cpu_ms_per_call).padStart(12)].join(' '));
const at = fileURLToPath(new URL('../../build/bench', import.meta.url));
mkdirSync(at, { recursive: true });
writeFileSync(path.join(at, 'relay.json'), JSON.stringify(rows, null, 1));
writeFileSync(path.join(at, 'relay.svg'), picture(rows, 'Server CPU a forwarded packet, to a bare receive–decrypt–encrypt–send loop'));
console.log('\nWritten to build/bench: relay.json, relay.svg');
