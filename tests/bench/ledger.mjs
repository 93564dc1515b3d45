// SPDX-License-Identifier: Apache-2.0
// `./dev bench ledger`: group commit (bar: 1,000 events/s, durability on) and whether an erase notices how long the log is.
// On the disk that holds build/, because a temporary directory may be memory.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const EVENTS_PER_S_BAR = 1000;
const ERASE_GROWTH_BAR = 2; // times; a checkpoint of a million leaves reads at most 255 hashes of each of three levels in place of two
const BUILD = fileURLToPath(new URL('../../build', import.meta.url));
const measure = (...args) => JSON.parse(execFileSync(path.join(BUILD, 'tests/vault/bench-ledger'), args.map(String), { env: { ...process.env, TMPDIR: BUILD }, encoding: 'utf8' }));
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const bar = (holds) => (holds ? 'ok' : 'MISSED');

const busy = Array.from({ length: 5 }, () => measure('events', 5000, 256).per_s);
const events = median(busy);
console.log(`events/s, 256 under way: ${events} (${busy.join(', ')}); bar ${EVENTS_PER_S_BAR}: ${bar(events >= EVENTS_PER_S_BAR)}`);
console.log(`events/s, one after the other: ${measure('events', 300, 1).per_s}`);

// In turn, so that a disturbance of this machine falls on both.
const [small, large] = [[], []];
for (let i = 0; i < 3; i++) {
  small.push(measure('erase', 1000, 100));
  large.push(measure('erase', 1_000_000, 100));
}
const of = (runs, what) => median(runs.map((run) => run[what].median));
const growth = of(large, 'erase_us') / of(small, 'erase_us');
console.log(`erase, asked to durable, median of 3 medians of 100: ${of(small, 'erase_us')} us in a log of 1,000 leaves, ${of(large, 'erase_us')} us in one of 1,000,000; ` +
  `bar ${ERASE_GROWTH_BAR} times: ${bar(growth <= ERASE_GROWTH_BAR)}`);
console.log(`a checkpoint: ${of(small, 'sign_us')} us and ${of(large, 'sign_us')} us; opening: ${median(small.map((run) => run.open_s))} s and ${median(large.map((run) => run.open_s))} s`);
process.exitCode = events >= EVENTS_PER_S_BAR && growth <= ERASE_GROWTH_BAR ? 0 : 1;
