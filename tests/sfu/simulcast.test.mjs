// SPDX-License-Identifier: Apache-2.0
// Of simulcast the best complete layer is recorded: a real browser sends three encodings through the gate to Janus, and turns the best one off and on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pair } from '../browser/browsers.mjs';
import { complaints, sizes } from '../browser/media.mjs';
import { DISCLOSURE } from '../integration/client.mjs';
import { sleep, until } from '../integration/daemon.mjs';
import { Stage } from './app.mjs';

const SENDS = pair()[0] === 'chromium' ? ['vp8', 'h264'] : ['vp8']; // Debian's Firefox has no encoder for H.264
let stage;
before(async () => (stage = await Stage.start()), { timeout: 60_000 });
after(() => stage?.end());

/** H.264's keyframes do not tell their size (docs/janus.md): for the moment until a layer's rate is known, a smaller one may be taken for the best. */
const tells = (codec) => ({ from_s }, i, all) => codec !== 'h264' || (all[i + 1]?.from_s ?? Infinity) - from_s > 2;

for (const codec of SENDS) {
  test(`the best layer of ${codec} is recorded; turned off, the next goes on; back, it is taken again`, { timeout: 90_000 }, async () => {
    const session = `layers-${codec}`;
    const anna = await stage.open(session, 'anna', 'expert');
    await anna.connect();
    await anna.do('echo', { data: false, simulcast: true, videocodec: codec });
    await anna.flowing('echo');
    const sent = await until(async () => {
      const all = await anna.do('encodings', 'echo');
      return Object.values(all).filter(({ frames }) => frames > 60).length === 3 && all;
    }, 'the browser to send three encodings', 30_000);
    await anna.client('request', DISCLOSURE);
    await anna.recording('recording');
    await sleep(6000);
    await anna.do('encoding', 'echo', 'h', false);
    await sleep(5000);
    await anna.do('encoding', 'echo', 'h', true);
    await until(async () => (await anna.do('encodings', 'echo')).h.frames > sent.h.frames + 30, 'the best layer to be back', 20_000);
    await sleep(6000);
    await anna.client('leave');
    const file = await stage.export(session, 'anna');
    assert.equal(await complaints(file), '');
    const shown = await sizes(file), of = ({ width, height }) => `${width}x${height}`;
    const story = JSON.stringify([sent, shown]);
    assert.equal(shown[0].size, of(sent.h), story);
    assert.deepEqual(shown.filter(tells(codec)).map(({ size }) => size), [of(sent.h), of(sent.m), of(sent.h)], story);
  });
}
