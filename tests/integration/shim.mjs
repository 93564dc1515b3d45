// SPDX-License-Identifier: Apache-2.0
// A daemon whose boot clock and disk obey the test (fault-shim.c).
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Daemon, RECGATE } from './daemon.mjs';

const PRELOADED = path.join(path.dirname(RECGATE), 'tests/integration/libintegration-fault-shim.so');

export class Shim {
  constructor() {
    this.dir = mkdtempSync(path.join(tmpdir(), 'recgate-shim-'));
    this.file = path.join(this.dir, 'orders');
    writeFileSync(this.file, Buffer.alloc(16));
    this.fd = openSync(this.file, 'r+');
  }

  #order(place, number) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(number));
    writeSync(this.fd, bytes, 0, 8, 8 * place);
  }

  /** The machine sleeps: afterwards the boot clock is so many seconds ahead of the true one. */
  ahead(seconds) { this.#order(0, seconds); }
  /** Whatever is made durable from now on waits, until it is false again. */
  stall(on) { this.#order(1, on ? 1 : 0); }

  async start(options = {}) {
    // A library that is preloaded comes before ASan's runtime; that is meant.
    const asan = `${process.env.ASAN_OPTIONS ?? ''}:verify_asan_link_order=0`;
    this.daemon = await Daemon.start({ ...options, before: ['env', `LD_PRELOAD=${PRELOADED}`, `RECGATE_SHIM=${this.file}`, `ASAN_OPTIONS=${asan}`] });
    return this.daemon;
  }

  async end(options) {
    this.stall(false);
    const how = await this.daemon?.end(options);
    closeSync(this.fd);
    rmSync(this.dir, { recursive: true, force: true });
    return how;
  }
}
