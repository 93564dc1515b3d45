// SPDX-License-Identifier: Apache-2.0
// Of simulcast the best complete layer is recorded: a real Chromium sends three encodings through the gate to Janus, and turns the best one off and on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { complaints, sizes } from '../browser/media.mjs';
import { DISCLOSURE } from '../integration/client.mjs';
import { sleep, until } from '../integration/daemon.mjs';
import { Stage } from './app.mjs';

let stage;
before(async () => (stage = await Stage.start()), { timeout: 60_000 });
after(() => stage?.end());

test('the best layer is recorded; turned off, the next goes on; back, it is taken again', { timeout: 90_000 }, async () => {
  const anna = await stage.open('layers-1', 'anna', 'expert');
  await anna.connect();
  await anna.do('echo', { data: false, simulcast: true });
  await anna.flowing('echo');
  const sent = await until(async () => {
    const all = await anna.do('encodings', 'echo');
    return Object.values(all).filter(({ frames }) => frames > 10).length === 3 && all;
  }, 'Chromium to send three encodings', 20_000);
  await anna.client('request', DISCLOSURE);
  await anna.recording('recording');
  await sleep(6000);
  await anna.do('encoding', 'echo', 'h', false);
  await sleep(5000);
  await anna.do('encoding', 'echo', 'h', true);
  await until(async () => (await anna.do('encodings', 'echo')).h.frames > sent.h.frames + 30, 'the best layer to be back', 20_000);
  await sleep(6000);
  await anna.client('leave');
  const file = await stage.export('layers-1', 'anna');
  assert.equal(await complaints(file), '');
  const shown = await sizes(file), of = ({ width, height }) => `${width}x${height}`;
  const story = JSON.stringify([sent, shown]);
  assert.equal(shown[0].size, of(sent.h), story);
  assert.deepEqual(shown.map(({ size }) => size), [of(sent.h), of(sent.m), of(sent.h)], story);
});
