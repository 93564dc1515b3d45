// SPDX-License-Identifier: Apache-2.0
// Camera off and on, microphone muted and back, a browser that stalls while recording: the other medium goes on, light and sound stay together (R9).
// 3 s each in the daily run, 10 s each with RECGATE_LONG.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep, Stage, until } from './harness.mjs';
import { apart_s, complaints, frames, loudness } from './media.mjs';

const AWAY_MS = process.env.RECGATE_LONG ? 10_000 : 3000;
let stage;
before(async () => (stage = await Stage.start()));
after(() => stage?.end());

async function flashOnce(person) {
  await person.flash(true);
  await sleep(500);
  await person.flash(false);
  await sleep(500);
}

/** How much later than its beep each flash is shown, and that there is nothing to say against the file. */
async function lateness(session, id, flashes) {
  const { file, status } = await stage.export(session, id);
  assert.equal(status, 200);
  assert.equal(await complaints(file), '');
  return apart_s(await frames(file), await loudness(file), flashes);
}

test('camera off and on, microphone muted and back', async () => {
  const { session, anna, ben } = await stage.recorded({});
  await sleep(1500);
  await flashOnce(ben);

  await ben.press('Camera off');
  await sleep(500);
  await anna.flowing({ kinds: ['audio'], more: true, ms: 2000 });
  await sleep(AWAY_MS);
  await ben.press('Camera on');
  await anna.flowing({ more: true, ms: 6000 });
  await anna.state('recording', { since: (await anna.mark()) - 1, ms: 100 }).catch(() => {}); // it may have been interrupted for new tracks
  await until(async () => (await anna.lastState()) === 'recording', 'the recording to go on', 5000);
  await sleep(2000);

  await ben.press('Mute');
  await sleep(AWAY_MS);
  await ben.press('Unmute');
  await anna.flowing({ more: true, ms: 3000 });
  await sleep(1000);
  await flashOnce(ben);
  await sleep(2500);
  const flashes = await ben.flashes();
  await anna.press('Stop');
  await anna.state('stopped');
  await sleep(1500);

  const apart = await lateness(session, 'ben', flashes);
  assert.equal(apart.length, 2);
  assert.ok(apart.every((one) => Math.abs(one) < 0.25), `the light comes ${apart} s after the beep`);
  assert.ok(Math.abs(apart[1] - apart[0]) < 0.12, `drift of ${apart[1] - apart[0]} s`);
  const { file: other } = await stage.export(session, 'anna');
  assert.equal(await complaints(other), '');
  const first = (await frames(other))[0].clock_ms;
  const last = (await frames(other)).at(-1).clock_ms;
  assert.ok(last - first > 2 * AWAY_MS + 5000, 'Anna was recorded all the while');
});

// What its microphone would have said meanwhile is lost, and the clock of its sound behind by as much.
test('a browser that stalls for part of a second', async () => {
  const { session, anna, ben } = await stage.recorded({});
  const flashes = [];
  for (const person of [anna, ben]) {
    await sleep(1500);
    await flashOnce(person);
    person.freeze();
    await sleep(600);
    person.thaw();
    await sleep(1500);
    await flashOnce(person);
    await sleep(1000);
    flashes.push(await person.flashes());
  }
  await anna.press('Stop');
  await anna.state('stopped');
  for (const [i, person] of [anna, ben].entries()) {
    const apart = await lateness(session, person.id, flashes[i]);
    assert.equal(apart.length, 2);
    assert.ok(apart.every((one) => Math.abs(one) < 0.15), `${person.id}'s light comes ${apart} s after the beep`);
  }
});
