// SPDX-License-Identifier: Apache-2.0
// Withdrawal under load: how long until the gate is closed and until the erase is durable, of the daemon with 1,000 sessions of two, 100 of them recording,
// and 200 withdrawals a second; and whether the length of what is erased is felt.
// The daemon has one core, everybody else the other. RECGATE_BENCH_SESSIONS (1000), RECGATE_BENCH_RECORDING (100), RECGATE_BENCH_RATE (200 a second),
// RECGATE_BENCH_MS (10000), RECGATE_BENCH_LONG_S (60: the age of the long recordings), RECGATE_BENCH_PPS (30: packets a second of each person on a call).
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { sleep } from '../integration/daemon.mjs';
import { LOAD_CORE, cpu_us } from './relay/servers.mjs';
import { BUILD } from './relay/shared.mjs';
import { Crowd } from './withdraw/crowd.mjs';
import { picture } from './withdraw/picture.mjs';
import { SHARES, threads_us, summary } from './withdraw/figures.mjs';

const number = (name, initial) => Number(process.env[`RECGATE_BENCH_${name}`] ?? initial);
const SESSIONS = number('SESSIONS', 1000);
const RECORDING = number('RECORDING', 100);
const RATE = number('RATE', 200);
const MEASURE_MS = number('MS', 10_000);
const LONG_MS = 1000 * number('LONG_S', 60);
const PPS = number('PPS', 30);
const PACKET_BYTES = 1100; // of video; audio is smaller (load-end.c)

const LONG = Math.max(1, Math.round(RECORDING / 5)); // recordings that nobody withdraws until the end
const CALLS = RECORDING + LONG; // the others are the next ones to be recorded
const EVERY = 10; // each so-many-th withdrawal is of a recording that runs
const REQUESTS_MOST = 16; // what configuration allows a session
const SHORT_MS = 3500; // what the long ones are compared with
const SETTLE_MS = 3000; // until the first segments are committed
const COMPARE_GAP_MS = 50;

const target = { gate: { share: 'p99.9', us: 1000 }, erased: { share: 'p99', us: 100_000 } };

class Run {
  done = []; // of each withdrawal {kind, gate_us, erased_us, seen_us, segments}
  late_ms = 0; // the load's own lateness
  skipped = 0; // nobody was ready to withdraw
  under_way = new Set();

  constructor(crowd) {
    this.crowd = crowd;
    this.long = crowd.rooms.slice(0, LONG);
    this.recording = crowd.rooms.slice(LONG, RECORDING);
    this.spare = crowd.rooms.slice(RECORDING, CALLS);
    this.standing = crowd.rooms.slice(CALLS);
  }

  /** Runs beside the measurement; what fails ends it. */
  #beside(work) {
    const promise = work.catch((error) => { this.failed ??= error; }).finally(() => this.under_way.delete(promise));
    this.under_way.add(promise);
  }

  async prepare() {
    for (const room of this.standing) await room.stand(room.number % 3 === 2);
    for (const room of [...this.long, ...this.recording]) await room.record();
    this.long_since_ms = performance.now();
    await sleep(SETTLE_MS);
  }

  /** A take ends by withdrawal, another one begins elsewhere. */
  async #recording(k) {
    const room = this.recording.shift();
    const next = this.spare.shift();
    if (next) this.#beside(next.record().then(() => this.recording.push(next)));
    const took = await room.withdraw(room.people()[k % 2]);
    this.done.push({ kind: 'recording', ...took });
    if (room.requests < this.requests_max) this.spare.push(room);
  }

  /** By thirds: who asked, who has not answered yet, who has agreed. */
  async #standing() {
    const room = this.standing.shift();
    const third = room.number % 3;
    this.done.push({ kind: ['asked', 'unanswered', 'agreed'][third], ...(await room.withdraw(third === 0 ? room.expert : room.client)) });
    if (room.requests >= this.requests_max) return;
    await room.stand(third === 2);
    this.standing.push(room);
  }

  async measure(requests_max) {
    this.requests_max = requests_max;
    const began_ms = performance.now(), count = Math.round(MEASURE_MS * RATE / 1000);
    for (let k = 0; k < count && !this.failed; k++) {
      const due_ms = began_ms + k * 1000 / RATE;
      if (due_ms > performance.now()) await sleep(due_ms - performance.now());
      this.late_ms = Math.max(this.late_ms, performance.now() - due_ms);
      const of_recording = k % EVERY === 0;
      if ((of_recording ? this.recording : this.standing).length === 0) this.skipped++;
      else this.#beside(of_recording ? this.#recording(k / EVERY) : this.#standing());
    }
    this.took_ms = performance.now() - began_ms;
    while (this.under_way.size > 0) await Promise.all(this.under_way);
    if (this.failed) throw this.failed;
  }

  /** Old and young recordings by turns, one after the other. */
  async compare() {
    await sleep(Math.max(0, this.long_since_ms + LONG_MS - performance.now()));
    const young = this.spare.concat(this.recording).filter((room) => room.requests < REQUESTS_MOST).slice(0, LONG);
    for (const room of young.filter((one) => this.recording.includes(one))) await room.withdraw(room.client);
    const sides = { long: [], short: [] };
    await Promise.all(young.map((room) => room.record()));
    await sleep(SHORT_MS);
    for (let i = 0; i < LONG; i++) {
      sides.long.push(await this.long[i].withdraw(this.long[i].client));
      await sleep(COMPARE_GAP_MS);
      if (young[i]) sides.short.push(await young[i].withdraw(young[i].client));
      await sleep(COMPARE_GAP_MS);
    }
    return sides;
  }
}

async function measured(crowd, requests_max) {
  const run = new Run(crowd);
  await run.prepare();
  const [before, cpu_before, threads_before] = [await crowd.metrics(), cpu_us(crowd.pid), threads_us(crowd.pid)];
  await run.measure(requests_max);
  const [cpu, threads] = [cpu_us(crowd.pid) - cpu_before, threads_us(crowd.pid, threads_before)];
  const after = await crowd.metrics();
  const sides = await run.compare();
  const verified = await crowd.verify();
  if (verified.status === 1) throw new Error(`recgatectl verify: ${verified.error}${verified.output}`);
  const grown = (name) => after[`recgate_${name}_total`] - before[`recgate_${name}_total`];
  const of = (list) => ({ gate: summary(list, 'gate_us'), erased: summary(list, 'erased_us'), seen: summary(list, 'seen_us') });
  const recorded = run.done.filter(({ kind }) => kind === 'recording');
  return {
    sessions: SESSIONS, recording: RECORDING, open_gates: after.recgate_open_gates, pps: PPS, rate: RATE, reached: 1000 * run.done.length / run.took_ms,
    skipped: run.skipped, load_late_ms: run.late_ms, cpu_share: cpu / 1000 / run.took_ms, threads_share: Object.fromEntries(Object.entries(threads).map(([name, us]) => [name, us / 1000 / run.took_ms])),
    committed: grown('segments_committed'), dropped: grown('segments_dropped'), recorded_packets: grown('recorded_packets'),
    purged: summary(recorded, 'segments'), all: of(run.done), of_recordings: of(recorded),
    length: Object.fromEntries(Object.entries(sides).map(([side, list]) => [side, { segments: summary(list, 'segments'), ...of(list) }])),
  };
}

const us = (value) => Math.round(value).toLocaleString('en');
const line = (name, figures, aim) => console.log([name.padEnd(34), ...SHARES.map((share) => us(figures[share]).padStart(10)), aim ? `   ${aim}` : ''].join(''));
const verdict = ({ share, us: most }, figures) => `${share} ≤ ${us(most)}: ${figures[share] <= most ? 'ok' : 'MISSED'}`;

function report(result) {
  const { all, of_recordings: recordings, length: { long, short } } = result;
  console.log(`\n${SESSIONS} sessions of two, ${result.open_gates} gates open, ${result.reached.toFixed(0)} withdrawals/s for ${MEASURE_MS / 1000} s (${all.gate.count}, ${recordings.gate.count} of them of running recordings), ` +
    `${result.committed} segments committed meanwhile; each of the recordings had ${result.purged.min} to ${result.purged.max} segments when it was erased`);
  console.log(`\n${'µs'.padEnd(34)}${SHARES.map((share) => share.padStart(10)).join('')}`);
  line('gate closed', all.gate, verdict(target.gate, all.gate));
  line('gate closed, recordings only', recordings.gate);
  line('erased durably', all.erased, verdict(target.erased, all.erased));
  line('erased durably, recordings only', recordings.erased);
  line('acknowledged, as people see it', all.seen);
  console.log('\nThe same of recordings of different length, by turns, nobody else withdrawing:');
  for (const one of [short, long]) line(`erased, ${one.segments.min} to ${one.segments.max} segments`, one.erased);
  console.log(`\nThe daemon's CPU: ${(100 * result.cpu_share).toFixed(0)} % of its core (${Object.entries(result.threads_share).map(([name, share]) => `${name} ${(100 * share).toFixed(0)} %`).join(', ')}); ` +
    `the load was at most ${result.load_late_ms.toFixed(0)} ms late, ${result.skipped} withdrawals skipped for want of anybody ready`);
}

execFileSync('taskset', ['-cp', LOAD_CORE, String(process.pid)], { stdio: 'ignore' });
const each = Math.max(RATE * MEASURE_MS / 1000 / Math.max(1, SESSIONS - CALLS), RATE / EVERY * MEASURE_MS / 1000 / CALLS);
const requests_max = Math.min(REQUESTS_MOST, Math.ceil(each) + 4);
const crowd = await Crowd.gather({ sessions: SESSIONS, calls: CALLS, pps: PPS, bytes: PACKET_BYTES, requests_max: REQUESTS_MOST });
try {
  const result = await measured(crowd, requests_max);
  report(result);
  const at = path.join(BUILD, 'bench');
  mkdirSync(at, { recursive: true });
  writeFileSync(path.join(at, 'withdraw.json'), JSON.stringify({ target, ...result }, null, 1));
  writeFileSync(path.join(at, 'withdraw.svg'), picture(result, target));
  console.log('\nWritten to build/bench: withdraw.json, withdraw.svg');
} finally {
  await crowd.end();
}
