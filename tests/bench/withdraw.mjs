// SPDX-License-Identifier: Apache-2.0
// Withdrawal under load: how long until the gate is closed and until the erase is durable, of the daemon with 1,000 sessions of two, 100 of them recording,
// and 200 withdrawals a second; and whether the length of what is erased is felt. The daemon has one core, everybody else the other.
// RECGATE_BENCH_SESSIONS (1000), RECGATE_BENCH_RECORDING (100), RECGATE_BENCH_RATE (200 a second), RECGATE_BENCH_MS (10000),
// RECGATE_BENCH_PPS (30: packets a second of each person on a call), RECGATE_BENCH_LONG_S (75: age of the long recordings of the comparison).
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { LOAD_CORE } from './relay/servers.mjs';
import { BUILD } from './relay/shared.mjs';
import { SHARES } from './withdraw/figures.mjs';
import { compareLengths } from './withdraw/length.mjs';
import { picture } from './withdraw/picture.mjs';
import { measureRush } from './withdraw/rush.mjs';

const number = (name, initial) => Number(process.env[`RECGATE_BENCH_${name}`] ?? initial);
const load = {
  sessions: number('SESSIONS', 1000), recording: number('RECORDING', 100), rate: number('RATE', 200), ms: number('MS', 10_000), pps: number('PPS', 30),
  bytes: 1100, // of a packet of video; audio is smaller (load-end.c)
};
const LONG_S = number('LONG_S', 75);

const target = { gate: { share: 'p99.9', us: 1000 }, erased: { share: 'p99', us: 100_000 } };

const us = (value) => Math.round(value).toLocaleString('en');
const percent = (share) => `${(100 * share).toFixed(0)} %`;
const line = (name, figures, aim = '') => console.log([name.padEnd(38), ...SHARES.map((share) => us(figures[share]).padStart(10)), `   ${aim}`].join('').trimEnd());
const verdict = ({ share, us: most }, figures) => `${share} at most ${us(most)}: ${figures[share] <= most ? 'ok' : 'MISSED'}`;
const range = ({ min, max }) => `${min} to ${max}`;

function report({ rush, length }) {
  const { all, recordings, cpu } = rush;
  console.log(`\n${load.sessions} sessions of two, ${rush.open_gates} recording, ${us(load.pps)} packets/s of each person on a call; ${rush.reached.toFixed(0)} withdrawals/s for ${load.ms / 1000} s: ` +
    `${all.gate.count}, ${recordings.gate.count} of them of running recordings, which had ${range(rush.purged)} segments; ${rush.committed} segments committed meanwhile`);
  console.log(`\n${'µs'.padEnd(38)}${SHARES.map((share) => share.padStart(10)).join('')}`);
  line('gate closed', all.gate, verdict(target.gate, all.gate));
  line('  of recordings', recordings.gate);
  line('erased durably', all.erased, verdict(target.erased, all.erased));
  line('  of recordings', recordings.erased);
  line('acknowledged, as the person sees it', all.seen);
  console.log(`\nThe daemon's CPU: ${percent(cpu.all)} of its core (${Object.entries(cpu.threads).filter(([, share]) => share >= 0.005).map(([name, share]) => `${name} ${percent(share)}`).join(', ')}); ` +
    `the load was at most ${rush.load_late_ms.toFixed(0)} ms late, ${rush.skipped} withdrawals were skipped because nobody was ready`);
  console.log('\nThe length of what is erased, by turns, nobody else withdrawing:');
  for (const one of [length.short, length.long]) line(`erased durably, ${range(one.segments)} segments`, one.erased);
}

execFileSync('taskset', ['-cp', LOAD_CORE, String(process.pid)], { stdio: 'ignore' });
const result = { target, load, rush: await measureRush(load), length: await compareLengths({ ...load, long_ms: 1000 * LONG_S }) };
report(result);
const at = path.join(BUILD, 'bench');
mkdirSync(at, { recursive: true });
writeFileSync(path.join(at, 'withdraw.json'), JSON.stringify(result, null, 1));
writeFileSync(path.join(at, 'withdraw.svg'), picture(result));
console.log('\nWritten to build/bench: withdraw.json, withdraw.svg');
