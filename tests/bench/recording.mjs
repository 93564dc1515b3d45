// SPDX-License-Identifier: Apache-2.0
// What recording a participant costs (Opus, and 720p30 VP8 at 1.5 Mbit/s): CPU, threads and memory of recgate from the tap to committed ciphertext, of
// the usual rtpbin pipeline, and of Janus with janus-pp-rec where they are installed (Debian's janus, janus-tools), in alternating rounds of one run;
// and whether the packets of calls that nobody records become slower beside it (recording/latency.mjs).
// RECGATE_BENCH_ROUNDS (3), RECGATE_BENCH_PARTICIPANTS ("1,10,100"), RECGATE_BENCH_MS (10200), RECGATE_BENCH_CALLS (50; 0: no latency).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BENCH, clip } from './recording/files.mjs';
import { isHere as janusIsHere, measureJanus } from './recording/janus.mjs';
import { measureLatency } from './recording/latency.mjs';
import { picture } from './recording/picture.mjs';
import { measureShape } from './recording/shapes.mjs';
import { LOAD_CORE } from './relay/servers.mjs';

const ROUNDS = Number(process.env.RECGATE_BENCH_ROUNDS ?? 3);
const PARTICIPANTS = (process.env.RECGATE_BENCH_PARTICIPANTS ?? '1,10,100').split(',').map(Number);
const MEASURE_MS = Number(process.env.RECGATE_BENCH_MS ?? 10_200);
const CALLS = Number(process.env.RECGATE_BENCH_CALLS ?? 50);
const WARM_MS = 5500; // a clip: everybody has begun (recording/clip.h)
const TARGETS = { to_rtpbin: 0.3, threads: 0, kb: 250, p99_ratio: 1.2 };

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const middle = (list) => Object.fromEntries(Object.keys(list[0]).map((key) => [key, median(list.map((one) => one[key]))]));
const played_seconds = ({ pushed_frames: frames }, participants) => frames / 30 / participants;

/** All recorders once, as {recorder: {record_ms, playable_ms: CPU a recorded second of a participant, threads, kb: a participant}}. */
async function oneRound(participants, round, under) {
  const order = { clip: clip(), warm_ms: WARM_MS, ms: MEASURE_MS, under, check: round === 0 };
  const a_second = (us) => us / MEASURE_MS / participants;
  const result = {};
  for (const shape of ['recgate', 'rtpbin']) {
    const { cpu_us: used_us, threads, kb, answer } = await measureShape(shape, participants, order);
    const playable_ms = answer.exported ? answer.export_cpu_us / 1000 / answer.exported / played_seconds(answer, participants) : 0;
    result[shape] = { record_ms: a_second(used_us), playable_ms, threads, kb, late_ms: answer.late_ms };
  }
  if (!janusIsHere) return result;
  const runs = {};
  for (const recording of round % 2 === 0 ? [false, true] : [true, false]) {
    const place = mkdtempSync(path.join(under, 'janus-'));
    runs[recording] = await measureJanus(participants, recording, { ...order, place });
    rmSync(place, { recursive: true });
  }
  const { [true]: taped, [false]: plain } = runs;
  result.janus = { record_ms: a_second(taped.cpu_us - plain.cpu_us), playable_ms: taped.post_ms / taped.seconds, threads: 0, kb: taped.kb - plain.kb, late_ms: taped.late_ms };
  return result;
}

/** The first row's memory is what recording takes at all, libraries included; of the others what each further participant adds. */
function addMemory(rows) {
  for (const row of rows) {
    const first = rows.find(({ recorder }) => recorder === row.recorder);
    row.kb_each = row === first ? row.kb : (row.kb * row.participants - first.kb * first.participants) / (row.participants - first.participants);
  }
}

async function compare(participants, under) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await oneRound(participants, round, under));
  return Object.keys(rounds[0]).map((recorder) => {
    const list = rounds.map((one) => one[recorder]);
    const minute = ({ record_ms: record, playable_ms: playable }) => 60 * (record + playable);
    return {
      recorder, participants, ...middle(list), minute_ms: median(list.map(minute)),
      // Pair by pair: a round's drift of the machine is in both.
      to_rtpbin: median(rounds.map((one) => one[recorder].record_ms / one.rtpbin.record_ms)),
      to_janus: rounds[0].janus && median(rounds.map((one) => minute(one[recorder]) / minute(one.janus))),
      rounds: list,
    };
  });
}

async function latency() {
  const order = { clip: clip(), warm_ms: WARM_MS, ms: MEASURE_MS };
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const one = {};
    for (const recording of round % 2 === 0 ? [false, true] : [true, false]) one[recording] = await measureLatency(CALLS, CALLS, recording, order);
    rounds.push(one);
  }
  const ratio = (key) => median(rounds.map(({ [true]: taped, [false]: plain }) => taped[key] / plain[key]));
  const of = (recording) => middle(rounds.map((one) => one[recording]));
  // Two people of each recorded call send.
  const daemon_ms = median(rounds.map(({ [true]: taped, [false]: plain }) => (taped.cpu_us - plain.cpu_us) / MEASURE_MS / (2 * CALLS)));
  return { calls: CALLS, without: of(false), with: of(true), p50_ratio: ratio('p50_us'), p99_ratio: ratio('p99_us'), daemon_ms, rounds };
}

const number = (value, digits = 2) => (value === undefined ? '' : value.toFixed(digits));
const verdict = (good) => (good ? 'met' : 'MISSED');

function printTable(rows) {
  console.log(`\n${ROUNDS} alternating rounds of ${MEASURE_MS / 1000} s; CPU in ms a recorded second of a participant; medians\n`);
  console.log('recorder  participants  record ms  to rtpbin  make playable ms  CPU s/playable min  to janus  threads/part.  kB/further part.');
  for (const row of rows)
    console.log([row.recorder.padEnd(9), String(row.participants).padStart(12), number(row.record_ms).padStart(10), number(row.to_rtpbin).padStart(10), number(row.playable_ms).padStart(17),
      number(row.minute_ms / 1000, 3).padStart(19), number(row.to_janus).padStart(9), number(row.threads, 1).padStart(14), (row === rows.find(({ recorder }) => recorder === row.recorder) ? `(${number(row.kb, 0)})` : number(row.kb_each, 0)).padStart(17)].join(' '));
}

const LATE_MS = 50; // a load that sent its packets so late was not the one that was meant
function printLate(rows, beside) {
  const late_ms = Math.max(...[...rows, ...(beside?.rounds ?? []).map(Object.values).flat()].map(({ rounds, late_ms: own }) => Math.max(...(rounds?.map((one) => one.late_ms) ?? [own]))));
  if (late_ms > LATE_MS) console.log(`\nThe load was up to ${number(late_ms, 0)} ms late: this machine was busy with something else, and the figures are not worth much.`);
}

function printTargets(rows, beside) {
  console.log('\ntargets of recgate:');
  for (const row of rows.filter(({ recorder }) => recorder === 'recgate')) {
    const at = `at ${row.participants}`;
    if (row.participants === 100) console.log(`  CPU to rtpbin ${at}: ${number(row.to_rtpbin)} of ≤ ${TARGETS.to_rtpbin}: ${verdict(row.to_rtpbin <= TARGETS.to_rtpbin)}`);
    console.log(`  threads a participant ${at}: ${number(row.threads, 1)} of ${TARGETS.threads}: ${verdict(row.threads <= TARGETS.threads)}`);
    if (row.participants > PARTICIPANTS[0]) console.log(`  kB a further participant ${at}: ${number(row.kb_each, 0)} of ≤ ${TARGETS.kb}: ${verdict(row.kb_each <= TARGETS.kb)}`);
    if (row.to_janus) console.log(`  CPU a playable minute to Janus's ${at}: ${number(row.to_janus)} of < 1: ${verdict(row.to_janus < 1)}`);
  }
  if (!beside) return;
  const { without, with: taped } = beside;
  console.log(`  latency of ${CALLS} calls beside ${CALLS} recorded ones: p99 ${taped.p99_us} µs, ${without.p99_us} µs when those are not recorded, ${number(beside.p99_ratio)} × of ≤ ${TARGETS.p99_ratio}: `
    + `${verdict(beside.p99_ratio <= TARGETS.p99_ratio)}; p50 ${taped.p50_us} and ${without.p50_us} µs, ${number(beside.p50_ratio)} ×; lost ${taped.lost} and ${without.lost}`);
  console.log(`  the whole daemon in those calls: ${number(beside.daemon_ms)} ms of CPU a recorded second of a participant`);
}

execFileSync('taskset', ['-acp', LOAD_CORE, String(process.pid)], { stdio: 'ignore' });
clip();
const under = mkdtempSync(path.join(BENCH, 'recording-')); // on the disk of the build, not in memory: fsync counts
const rows = [];
try {
  for (const participants of PARTICIPANTS) rows.push(...(await compare(participants, under)));
} finally {
  rmSync(under, { recursive: true });
}
addMemory(rows);
const beside = CALLS > 0 ? await latency() : undefined;
printTable(rows);
printTargets(rows, beside);
printLate(rows, beside);
writeFileSync(path.join(BENCH, 'recording.json'), JSON.stringify({ rows, latency: beside }, null, 1));
writeFileSync(path.join(BENCH, 'recording.svg'), picture(rows, 'CPU a playable minute of a participant, Opus and 720p30 VP8 at 1.5 Mbit/s'));
console.log('\nWritten to build/bench: recording.json, recording.svg');
