// SPDX-License-Identifier: Apache-2.0
// A browser behind a bad way, 5 % lost and up to 50 ms late both ways: what is recorded decodes, and is as complete as what Janus got of it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { knownSource } from '../browser/hooks.mjs';
import { DISCLOSURE } from '../integration/client.mjs';
import { sleep } from '../integration/daemon.mjs';
import { Stage } from './app.mjs';
import { LossyWay, detour } from './lossy.mjs';
import { quality } from './quality.mjs';
import { CAN_PLAY_TAPES, Taping } from './taping.mjs';

let stage, taping, way;
before(async () => {
  stage = await Stage.start({ config: async ({ janus }) => ({ 'sfu.janus': (taping = await Taping.start(janus.ws)).ws, 'media.workers': 1 }) });
  way = await LossyWay.start({ to: Number(stage.daemon.media.split(':')[1]), seed: 5 });
}, { timeout: 60_000 });
after(async () => {
  await stage?.end();
  way?.end();
  await taping?.end();
});

test('a call over a bad way is recorded as completely as Janus got it', { timeout: 120_000, skip: CAN_PLAY_TAPES ? false : 'needs janus-pp-rec (Debian: janus-tools)' }, async (t) => {
  const hooks = [[knownSource, { fps: 30, scale: 2 }], [detour, { from: way.to, to: way.port }]];
  const anna = await stage.open('loss-1', 'anna', 'expert', { hooks });
  await anna.connect();
  const handle = await anna.do('echo', { data: false });
  await anna.flowing('echo', { ms: 30_000 });
  await anna.client('request', DISCLOSURE);
  await anna.recording('recording');
  await sleep(2500);
  const from = Date.now();
  await sleep(15_000);
  const between = [from, Date.now() - 1000];
  await anna.do('hangup', 'echo');
  await stage.keptUntil('loss-1', between[1]);
  await anna.client('leave');
  const own = await quality(await stage.export('loss-1', 'anna'), between, []);
  await sleep(500);
  const tape = await quality(await taping.play(handle), between, []);
  t.diagnostic(`lost ${way.lost} of ${way.lost + way.passed}; recgate ${JSON.stringify(own)}; Janus ${JSON.stringify(tape)}`);
  assert.ok(way.lost > 100);
  assert.deepEqual(own.errors, []);
  assert.ok(own.frames > 200, 'a picture');
  assert.ok(own.frames >= 0.97 * tape.frames, `${own.frames} of the ${tape.frames} frames that Janus has`);
});
