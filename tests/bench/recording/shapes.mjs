// SPDX-License-Identifier: Apache-2.0
// One measurement of bench-record (record.c): a shape that records so many participants in a process of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { cpu_us, rss_kb, LOAD_CORE } from '../relay/servers.mjs';
import { BUILD, killed } from '../relay/shared.mjs';
import { mustPlay } from './files.mjs';

const threads = (pid) => readdirSync(`/proc/${pid}/task`).length;

class Recorder {
  constructor(shape, participants, clip, place) {
    this.name = shape;
    // Not pinned: at 100 participants the usual pipeline needs more than a core. Feeding keeps to the load's.
    this.process = spawn(path.join(BUILD, 'tests/bench/bench-record'), [shape, String(participants), clip, place, LOAD_CORE], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.closed = new Promise((resolve) => this.process.on('close', resolve));
    this.lines = readline.createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }
  get pid() { return this.process.pid; }
  async next() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`bench-record ${this.name} ended`);
    return JSON.parse(value);
  }
  tell(order) { this.process.stdin.write(`${JSON.stringify(order)}\n`); }
}

/** {cpu_us: without the load's, threads and kb: a participant, answer: what it said at its end}. check: decode what it wrote. */
export async function measureShape(shape, participants, { clip, warm_ms, ms, under, check }) {
  const place = mkdtempSync(path.join(under, `${shape}-`));
  const recorder = new Recorder(shape, participants, clip, place);
  try {
    await recorder.next();
    const before = { threads: threads(recorder.pid), kb: rss_kb(recorder.pid) };
    recorder.tell({ warm_ms, ms });
    const ours_us = async () => { const { feeding_us } = await recorder.next(); return cpu_us(recorder.pid) - feeding_us; };
    const from_us = await ours_us();
    const used_us = (await ours_us()) - from_us;
    const grown = { threads: threads(recorder.pid) - before.threads, kb: rss_kb(recorder.pid) - before.kb };
    recorder.tell({});
    const answer = await recorder.next();
    if (await recorder.closed !== 0) throw new Error(`bench-record ${shape} failed`);
    if (answer.file && check) mustPlay(answer.file, answer.frames_of_first, shape);
    // Feeding is a thread of each shape.
    return { cpu_us: used_us, threads: Math.max(grown.threads - 1, 0) / participants, kb: grown.kb / participants, answer };
  } finally {
    if (recorder.process.exitCode === null) await killed(recorder.process, 'SIGKILL');
    rmSync(place, { recursive: true });
  }
}
