// SPDX-License-Identifier: Apache-2.0
// A recorded call for a long time, the gate opening and closing all the while: memory, threads and descriptors stay.
// RECGATE_SOAK_S seconds (default 300; the bar is 1800) and a pause every 2 s (200 in the long run: RECGATE_CYCLES).
import { after, before, test } from 'node:test';
import { assertStays, growth, usage } from '../../integration/usage.mjs';
import { sleep, Stage } from '../harness.mjs';

const SECONDS = Number(process.env.RECGATE_SOAK_S ?? 300);
const CYCLES = Number(process.env.RECGATE_CYCLES ?? 60);
let stage;
before(async () => (stage = await Stage.start({ kinds: ['chromium', 'chromium'] })));
after(() => stage?.end());

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
    samples.push(usage(stage.daemon.pid));
  }
  const figures = growth(samples);
  t.diagnostic(JSON.stringify(figures));
  console.log(JSON.stringify(figures));
  assertStays(figures);
  await Promise.all([anna.flowing({ more: true }), ben.flowing({ more: true })]);
});
