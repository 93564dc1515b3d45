// SPDX-License-Identifier: Apache-2.0
// Which threads go first, where the system lets them: what a withdrawal passes through, short steps before long ones (R6, R11).
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Daemon } from './daemon.mjs';

const SCHED_RR = 2;

/** {name: [policy, rank]} of a process's threads (proc(5), stat: fields 41 and 40). */
function ranks(pid) {
  return Object.fromEntries(readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [thread === String(pid) ? 'control' : stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')), [Number(fields[38]), Number(fields[37])]];
  }));
}

test('media and control go before storage, storage before recorders', async (t) => {
  const daemon = await Daemon.start();
  t.after(() => daemon.end());
  const found = ranks(daemon.pid);
  if (found.control[0] !== SCHED_RR) return t.skip('no right to real-time scheduling here');
  assert.deepEqual([found.control, found['recgate-media'], found['recgate-store'], found['recgate-record']],
    [[SCHED_RR, 2], [SCHED_RR, 2], [SCHED_RR, 1], [0, 0]]);
});
