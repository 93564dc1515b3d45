// SPDX-License-Identifier: Apache-2.0
// One server under one load, and rounds of several in turn: what the suites relay, scale and setup have in common.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Load } from './load.mjs';
import { Bare, LOAD_CORE, cpu_us, rss_kb, whole_cpu_us } from './servers.mjs';
import { BUILD } from './shared.mjs';

export const PACKET_BYTES = 1100; // of video, two thirds of the packets; audio is smaller (load-end.c)
const WARM_MS = 1000;
const CONNECT_ENDS = 200; // described, then connected: whoever is told of the server and does not come within 30 s is given up by it

export const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/** {RECGATE_BENCH_name} as a list. */
export const listed = (name, otherwise) => (process.env[`RECGATE_BENCH_${name}`] ?? otherwise).split(',');
export const ROUNDS = Number(process.env.RECGATE_BENCH_ROUNDS ?? 7);
const BURST = Number(process.env.RECGATE_BENCH_BURST ?? 1); // packets of one end at a time, as a camera's frame sends them
export const MEASURE_MS = Number(process.env.RECGATE_BENCH_MS ?? 2000);

function wrong(text) {
  console.error(text);
  process.exit(2);
}

/** Numbers of calls. */
export function listedCalls(otherwise) {
  const calls = listed('CALLS', otherwise).map(Number);
  if (!calls.every((n) => Number.isInteger(n) && n > 0)) wrong(`RECGATE_BENCH_CALLS=${process.env.RECGATE_BENCH_CALLS}: numbers of calls are needed, as in ${otherwise}`);
  return calls;
}

/** Those that are installed, and named by RECGATE_BENCH_SERVERS (the first word of a name) if it is set. */
export function present(servers) {
  const word = (Server) => new Server().name.split(' ')[0];
  const all = [...new Set(servers.map(word))], here = servers.filter((Server) => Server.isHere ?? true);
  const asked = listed('SERVERS', all.join(','));
  const strange = asked.filter((name) => !all.includes(name));
  if (strange.length) wrong(`RECGATE_BENCH_SERVERS: no server is called ${strange.join(', ')} (there are: ${all.join(', ')})`);
  const found = here.filter((Server) => asked.includes(word(Server)));
  if (!found.length) wrong(`RECGATE_BENCH_SERVERS=${asked}: none of them is installed`);
  return found;
}

async function connect(server, load, ends, at_once) {
  const took_ms = [];
  for (let first = 0; first < ends.length; first += at_once) {
    const began = performance.now(), some = ends.slice(first, first + at_once);
    load.tell({ first, connect: await server.describe(some) });
    const { connected } = await load.next();
    if (connected !== some.length) throw new Error(`${server.name}: only ${connected} of the ${some.length} ends from ${first} on connected`);
    took_ms.push(performance.now() - began);
  }
  return took_ms;
}

async function forward(server, load, { pps, ms }) {
  load.tell({ run: { pps, burst: BURST, ms, warm_ms: WARM_MS, bytes: PACKET_BYTES } });
  await load.next();
  const from_us = cpu_us(server.pid);
  await load.next();
  const used_us = cpu_us(server.pid) - from_us;
  const { sent, received, latency_us, late_ms } = await load.next();
  return { cpu_us_per_packet: used_us / sent, lost: sent - received, sent, p50_us: latency_us.p50, p99_us: latency_us.p99, load_late_ms: late_ms };
}

async function underLoad(Server, calls, profile, work) {
  const server = new Server();
  await server.start({ ends: 2 * calls, profile });
  const load = new Load(Server.kind, 2 * calls, profile, server.port);
  try {
    const { ends } = await load.next();
    return await work(server, load, ends);
  } finally {
    await load.end();
    await server.stop();
  }
}

/** Forwarding: so many calls, so many packets a second of each end. */
export const measureRelay = (Server, { calls, profile, pps }) => underLoad(Server, calls, profile, async (server, load, ends) => {
  const before_kb = rss_kb(server.pid);
  await connect(server, load, ends, CONNECT_ENDS);
  const figures = await forward(server, load, { pps, ms: MEASURE_MS });
  return { ...figures, kb_per_call: (rss_kb(server.pid) - before_kb) / calls };
});

/** Setting calls up, one after the other, from the offer to both ends connected; the people are there before. */
export const measureSetup = (Server, { calls, profile }) => underLoad(Server, calls, profile, async (server, load, ends) => {
  await server.gather?.(calls);
  const from_us = whole_cpu_us(server.pid);
  const took_ms = await connect(server, load, ends, 2);
  const used_us = whole_cpu_us(server.pid) - from_us;
  const { lost } = await forward(server, load, { pps: 20, ms: 500 }); // media both ways, or the set-up was none
  if (lost > 0) throw new Error(`${server.name}: calls were set up, and ${lost} packets did not come through`);
  return { cpu_ms_per_call: used_us / 1000 / calls, ms_per_call: median(took_ms) };
});

/**
 * The servers in turn, round by round. Rows: medians, the sum of `lost`, and `name_to_PEER` ratios of the rounds' pairs, because a round's drift of
 * the machine is in both.
 */
export async function compare(servers, measure, order, { key, peers = [Bare] }) {
  const rounds = new Map(servers.map((Server) => [Server, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const Server of servers) rounds.get(Server).push(await measure(Server, order));
  return [...rounds].map(([Server, list]) => {
    const row = { server: new Server().name, ...order };
    for (const name of Object.keys(list[0])) row[name] = name === 'lost' ? list.reduce((sum, one) => sum + one.lost, 0) : median(list.map((one) => one[name]));
    for (const Peer of peers.filter((one) => rounds.has(one)))
      row[`to_${new Peer().name.split(' ')[0]}`] = median(list.map((one, i) => one[key] / rounds.get(Peer)[i][key]));
    return { ...row, rounds: list };
  });
}

/** The load's core is ours too: the server has the other for itself. */
export function leaveTheServersCore() {
  execFileSync('taskset', ['-cp', LOAD_CORE, String(process.pid)], { stdio: 'ignore' });
}

/** Files under build/bench, by their names. */
export function write(files) {
  const at = path.join(BUILD, 'bench');
  mkdirSync(at, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(at, name), text);
  console.log(`\nWritten to build/bench: ${Object.keys(files).join(', ')}`);
}

/** Columns: [heading, width, of(row)]; the first is flush left. */
export function table(rows, columns) {
  const line = (cells) => cells.map((cell, i) => (i === 0 ? String(cell).padEnd(columns[i][1]) : String(cell).padStart(columns[i][1]))).join('  ');
  console.log(line(columns.map(([heading]) => heading)));
  for (const row of rows) console.log(line(columns.map(([, , of]) => of(row))));
}

export const number = (value, digits = 2) => (value === undefined ? '' : value.toFixed(digits));
