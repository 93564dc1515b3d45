// SPDX-License-Identifier: Apache-2.0
// Few calls or many at the same total of packets: what a call costs that hardly speaks. recgate beside the bare loop, on one core, one worker.
// RECGATE_BENCH_ROUNDS (7), RECGATE_BENCH_CALLS ("20,1000"), RECGATE_BENCH_MS (2000), RECGATE_BENCH_CIPHERS ("cm").
import { MEASURE_MS, ROUNDS, compare, leaveTheServersCore, listed, listedCalls, measureRelay, number, present, table, write } from './relay/measure.mjs';
import { picture } from './relay/picture.mjs';
import { Bare, Recgate, RecgateCoalescing } from './relay/servers.mjs';

const TOTAL_PPS = 30_000;
const CALLS = listedCalls('20,1000');

leaveTheServersCore();
const servers = present([Bare, Recgate, RecgateCoalescing]);
const rows = [];
for (const profile of listed('CIPHERS', 'cm'))
  for (const calls of CALLS)
    rows.push(...(await compare(servers, measureRelay, { calls, profile, pps: TOTAL_PPS / 2 / calls }, { key: 'cpu_us_per_packet' })));

const fewest = (row) => rows.find(({ server, profile, calls }) => server === row.server && profile === row.profile && calls === CALLS[0]);
console.log(`\n${ROUNDS} alternating rounds of ${MEASURE_MS / 1000} s, ${TOTAL_PPS} packets/s of all calls together; medians\n`);
table(rows, [
  ['server', 13, ({ server }) => server], ['calls', 5, ({ calls }) => calls], ['cipher', 6, ({ profile }) => profile],
  ['µs/packet', 9, (row) => number(row.cpu_us_per_packet)], ['to bare', 7, (row) => number(row.to_bare)],
  [`to ${CALLS[0]} calls`, 11, (row) => number(row.cpu_us_per_packet / fewest(row).cpu_us_per_packet)], ['lost', 6, ({ lost }) => lost],
  ['p50 µs', 7, (row) => number(row.p50_us, 0)], ['p99 µs', 7, (row) => number(row.p99_us, 0)], ['kB/call', 7, (row) => number(row.kb_per_call, 0)],
]);
write({
  'scale.json': JSON.stringify(rows, null, 1),
  'scale.svg': picture(rows, 'Server CPU a forwarded packet at 30,000 packets/s, to a bare receive–decrypt–encrypt–send loop'),
});
