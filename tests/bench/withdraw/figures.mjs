// SPDX-License-Identifier: Apache-2.0
// Percentiles, and the CPU of a process by the names of its threads.
import { readdirSync, readFileSync } from 'node:fs';

export const SHARES = ['p50', 'p90', 'p99', 'p99.9', 'max'];

/** Nearest rank of what the objects have under that name. */
export function summary(list, name) {
  const sorted = list.map((one) => one[name]).sort((a, b) => a - b);
  const at = (share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  return { count: sorted.length, min: sorted[0], p50: at(0.5), p90: at(0.9), p99: at(0.99), 'p99.9': at(0.999), max: sorted.at(-1) };
}

/** The three times of withdrawals: measured by the daemon from the wake-up on, and by the person who waits. */
export const times = (list) => ({ gate: summary(list, 'gate_us'), erased: summary(list, 'erased_us'), seen: summary(list, 'seen_us') });

/** CPU time in microseconds by thread name, less an earlier answer. */
export function threads_us(pid, before = {}) {
  const sum = {};
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const read = (what) => readFileSync(`/proc/${pid}/task/${thread}/${what}`, 'utf8');
    const name = `${read('comm').trim()}${thread === String(pid) ? ' (control)' : ''}`;
    sum[name] = (sum[name] ?? 0) + Number(read('schedstat').split(' ')[0]) / 1000;
  }
  return Object.fromEntries(Object.entries(sum).map(([name, us]) => [name, us - (before[name] ?? 0)]));
}
