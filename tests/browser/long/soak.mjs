// SPDX-License-Identifier: Apache-2.0
// A recorded call for a long time, the gate opening and closing all the while: memory, threads and descriptors stay.
// RECGATE_SOAK_S seconds (default 300; the bar is 1800) and a pause every 2 s (200 in the long run: RECGATE_CYCLES).
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { sleep, Stage } from '../harness.mjs';

const SECONDS = Number(process.env.RECGATE_SOAK_S ?? 300);
const CYCLES = Number(process.env.RECGATE_CYCLES ?? 60);
let stage;
before(async () => (stage = await Stage.start({ kinds: ['chromium', 'chromium'] })));
after(() => stage?.end());

function sample(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const number = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]);
  return { rss_kib: number('VmRSS'), threads: number('Threads'), descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

async function cycle(ben) {
  let mark = await ben.mark();
  await ben.send({ type: 'recording.pause', id: 'p' });
  await ben.state('paused', { since: mark });
  mark = await ben.mark();
  await ben.send({ type: 'recording.resume', id: 'r' });
  await ben.state('recording', { since: mark });
}

test(`${SECONDS} s of a recorded call, the gate opened and closed ${CYCLES} times`, async (t) => {
  const { anna, ben } = await stage.recorded({});
  const began = Date.now();
  const samples = [];
  for (let cycles = 0; Date.now() - began < SECONDS * 1000; ) {
    await sleep(1000);
    const due = Math.floor(((Date.now() - began) / (SECONDS * 1000)) * CYCLES);
    for (; cycles < due; cycles++) await cycle(ben);
    samples.push(sample(stage.daemon.pid));
  }
  const around = (share) => samples.slice(Math.max(0, Math.floor(samples.length * share) - 5), Math.floor(samples.length * share) + 5);
  const most = (list, name) => Math.max(...list.map((one) => one[name]));
  const least = (list, name) => Math.min(...list.map((one) => one[name])); // a segment or a journal that is open at the moment is no leak
  const [quarter, end] = [around(0.25), around(1)];
  const figures = {
    rss_kib: [most(quarter, 'rss_kib'), most(end, 'rss_kib')], threads: [most(quarter, 'threads'), most(end, 'threads')],
    descriptors: [least(quarter, 'descriptors'), least(end, 'descriptors')],
  };
  t.diagnostic(JSON.stringify(figures));
  console.log(JSON.stringify(figures));
  assert.ok(figures.rss_kib[1] <= figures.rss_kib[0] + 2048, `memory grew: ${figures.rss_kib} KiB`);
  assert.equal(figures.threads[1], figures.threads[0], 'threads');
  assert.equal(figures.descriptors[1], figures.descriptors[0], 'descriptors');
  await Promise.all([anna.flowing({ more: true }), ben.flowing({ more: true })]);
});
