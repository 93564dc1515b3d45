// SPDX-License-Identifier: Apache-2.0
// What setting a call up costs, from the offer to media both ways: server CPU and time, one call after the other. The people have joined (recgate) or
// registered (Janus) before. RECGATE_BENCH_ROUNDS (7), RECGATE_BENCH_CALLS ("100"), RECGATE_BENCH_SERVERS, RECGATE_BENCH_CIPHERS ("cm").
import { Janus, JanusOpenSsl } from './relay/janus.mjs';
import { ROUNDS, compare, leaveTheServersCore, listed, listedCalls, measureSetup, number, present, table, write } from './relay/measure.mjs';
import { Rtpengine } from './relay/rtpengine.mjs';
import { Recgate } from './relay/servers.mjs';

leaveTheServersCore();
const servers = present([Recgate, Rtpengine, JanusOpenSsl, Janus]);
const rows = [];
for (const profile of listed('CIPHERS', 'cm'))
  for (const calls of listedCalls('100'))
    rows.push(...(await compare(servers, measureSetup, { calls, profile }, { key: 'cpu_ms_per_call', peers: servers })));

console.log(`\n${ROUNDS} alternating rounds; medians\n`);
table(rows, [
  ['server', 13, ({ server }) => server], ['calls', 5, ({ calls }) => calls], ['cipher', 6, ({ profile }) => profile],
  ['CPU ms/call', 11, (row) => number(row.cpu_ms_per_call)], ['to Janus', 8, (row) => number(row.to_janus)], ['ms/call', 8, (row) => number(row.ms_per_call, 1)],
]);
write({ 'setup.json': JSON.stringify(rows, null, 1) });
