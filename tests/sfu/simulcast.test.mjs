// SPDX-License-Identifier: Apache-2.0
// Of simulcast the best complete layer is recorded: a real browser sends three encodings through the gate to Janus, and turns the best one off and on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pair } from '../browser/browsers.mjs';
import { complaints, probe, sizes } from '../browser/media.mjs';
import { DISCLOSURE } from '../integration/client.mjs';
import { sleep, until } from '../integration/daemon.mjs';
import { Stage } from './app.mjs';

const SENDS = pair()[0] === 'chromium' ? ['vp8', 'vp9', 'h264'] : ['vp8', 'vp9']; // Debian's Firefox has no encoder for H.264
let stage;
before(async () => (stage = await Stage.start()), { timeout: 60_000 });
after(() => stage?.end());

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
    assert.ok((await probe(file)).streams.some(({ codec_name }) => codec_name === codec));
    const shown = await sizes(file), of = ({ width, height }) => `${width}x${height}`;
    const story = JSON.stringify([sent, shown]);
    assert.deepEqual(shown.map(({ size }) => size), [of(sent.h), of(sent.m), of(sent.h)], story);
  });
}
