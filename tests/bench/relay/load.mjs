// SPDX-License-Identifier: Apache-2.0
// The load generator's process: bench-load, told what to do by a line each (tests/bench/load.c).
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { LOAD, LOAD_CORE } from './servers.mjs';
import { killed } from './shared.mjs';

export class Load {
  constructor(kind, ends, profile, port) {
    this.process = spawn('taskset', ['-c', LOAD_CORE, LOAD, String(ends), kind, profile, '127.0.0.1', String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = readline.createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }
  async next() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error('bench-load ended');
    return JSON.parse(value);
  }
  tell(order) { this.process.stdin.write(`${JSON.stringify(order)}\n`); }
  async end() {
    const ended = new Promise((resolve) => this.process.on('close', resolve));
    this.process.stdin.end();
    await ended;
  }
  /** In the middle of a run. */
  kill() { return killed(this.process); }
}
