// SPDX-License-Identifier: Apache-2.0
// What forwarding costs: CPU a packet, loss, added latency and memory a call, of recgate, the bare loop, and of Janus and rtpengine where they are
// installed (Debian's janus, rtpengine-daemon), in alternating rounds of one run.
// The server has one core, the load the other. RECGATE_BENCH_ROUNDS (7), RECGATE_BENCH_CALLS ("20,100"), RECGATE_BENCH_MS (2000),
// RECGATE_BENCH_SERVERS ("bare,recgate": only those, by the first word of their names), RECGATE_BENCH_CIPHERS ("cm,gcm").
import { Janus, JanusOpenSsl } from './relay/janus.mjs';
import { MEASURE_MS, PACKET_BYTES, ROUNDS, compare, leaveTheServersCore, listed, listedCalls, measureRelay, number, present, table, write } from './relay/measure.mjs';
import { picture } from './relay/picture.mjs';
import { Rtpengine } from './relay/rtpengine.mjs';
import { Bare, Recgate, RecgateCoalescing } from './relay/servers.mjs';

const CALLS = listedCalls('20,100');
const PPS = 150; // of each end: 100 of video and 50 of audio

leaveTheServersCore();
const servers = present([Bare, Recgate, RecgateCoalescing, Rtpengine, JanusOpenSsl, Janus]);
const rows = [];
for (const profile of listed('CIPHERS', 'cm,gcm'))
  for (const calls of CALLS) rows.push(...(await compare(servers, measureRelay, { calls, profile, pps: PPS }, { key: 'cpu_us_per_packet', peers: servers })));

console.log(`\n${ROUNDS} alternating rounds of ${MEASURE_MS / 1000} s, ${PPS} packets/s each way, two thirds video of ${PACKET_BYTES} bytes, one third audio; medians\n`);
table(rows, [
  ['server', 13, ({ server }) => server], ['calls', 5, ({ calls }) => calls], ['cipher', 6, ({ profile }) => profile],
  ['µs/packet', 9, (row) => number(row.cpu_us_per_packet)], ['to bare', 7, (row) => number(row.to_bare)], ['lost', 6, ({ lost }) => lost],
  ['p50 µs', 7, (row) => number(row.p50_us, 0)], ['p99 µs', 7, (row) => number(row.p99_us, 0)], ['kB/call', 7, (row) => number(row.kb_per_call, 0)],
]);
const compared = rows.filter(({ to_bare: ratio }) => ratio);
if (compared.length) console.log('\nrecgate to its peers, CPU a packet:');
for (const row of compared.filter(({ server }) => server === 'recgate'))
  console.log(`  ${row.calls} calls, ${row.profile}: ${['bare', 'rtpengine', 'janus+ossl', 'janus'].filter((peer) => row[`to_${peer}`]).map((peer) => `${number(row[`to_${peer}`])} × ${peer}`).join(', ')}`);
write({
  'relay.json': JSON.stringify(rows, null, 1),
  ...(compared.length && { 'relay.svg': picture(compared, 'Server CPU a forwarded packet, to a bare receive–decrypt–encrypt–send loop') }),
});
