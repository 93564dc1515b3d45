// SPDX-License-Identifier: Apache-2.0
// Calls whose pictures are VP9 or H.264, or whose sound travels in RED: recorded, exported so that they decode, and played on the auditor's page, or refused in words.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, sleep, until } from './harness.mjs';
import { BEEP_RMS, complaints, frames, longestGap_ms, longestPause_ms, loudness, onsets, packets_s, probe } from './media.mjs';

const [CHROMIUM, FIREFOX] = [1, 2];
let stage;
before(async () => (stage = await Stage.start({ kinds: ['chromium', 'chromium', 'firefox'] })));
after(() => stage?.end());

/** Plays Ben on the auditor's page of that browser: 'plays', or what the page says of it. */
async function played(session, seat) {
  const page = await stage.browsers[seat].newPage();
  try {
    await page.goto(`${stage.daemon.base}/audit#token=${stage.auditor(session)}&session=${session}`);
    const press = (name) => page.evaluate((text) => {
      const found = [...document.querySelectorAll('button')].find((one) => one.textContent === text);
      found?.click();
      return found !== undefined;
    }, name);
    await until(() => page.$eval('#list', (list) => !list.hidden || !document.getElementById('session').hidden), 'the page');
    await until(async () => (await press('Play Ben')) || ((await press(`Open ${session}`)), false), 'a button to play Ben', 15_000);
    return await until(() => page.evaluate(() => {
      const { videoWidth, currentTime } = document.getElementById('video');
      return document.getElementById('play-problem').textContent || (videoWidth > 0 && currentTime > 0.3 && 'plays');
    }), 'the recording to play', 15_000);
  } finally {
    await page.close();
  }
}

for (const [prefer, name] of [['video/VP9', 'vp9'], ['video/H264', 'h264']]) {
  test(`a call in ${name} is recorded, exported and played`, async (t) => {
    const { session, anna } = await stage.recorded({ prefer });
    await sleep(6000);
    await anna.press('Stop');
    await anna.state('stopped');
    const list = await until(async () => {
      const found = (await stage.segments(session)).filter((one) => one.state === 'kept' && one.medium === 'video');
      return ['anna', 'ben'].every((who) => found.filter((one) => one.participant === who).length >= 2) && found;
    }, 'two kept segments of each picture', 15_000);
    assert.deepEqual([...new Set(list.map((one) => one.codec))], [name]);
    assert.deepEqual(list.filter((one) => one.continues), [], 'each begins with a keyframe');
    for (const who of ['anna', 'ben']) {
      const { file, status, json } = await stage.export(session, who);
      assert.equal(status, 200, JSON.stringify(json));
      assert.equal(await complaints(file), '');
      assert.deepEqual((await probe(file)).streams.map((one) => one.codec_name).sort(), [name, 'opus'].sort());
      const shown = await frames(file);
      assert.ok(shown.length > 60 && longestGap_ms(shown) < 500, `${shown.length} frames, ${longestGap_ms(shown)} ms without one`);
    }
    assert.equal(await played(session, CHROMIUM), 'plays');
    const inFirefox = await played(session, FIREFOX);
    t.diagnostic(`Firefox: ${inFirefox}`);
    if (name !== 'h264') assert.equal(inFirefox, 'plays');
    else assert.match(inFirefox, /^plays$|cannot play this person’s recording/);
  });
}

test('sound that travels in RED is recorded as the Opus inside it (RFC 2198)', async () => {
  const { session, anna, ben } = await stage.recorded({ prefer: 'audio/red' });
  for (const on of [true, false, true, false]) {
    await sleep(1000);
    await anna.flash(on);
  }
  await sleep(2000);
  const { packets, discarded } = (await ben.streams()).find(({ way, kind }) => way === 'in' && kind === 'audio');
  assert.ok(discarded > packets / 2, `RED repeats each packet, and who has it already discards that: ${discarded} of ${packets}`);
  await anna.press('Stop');
  await anna.state('stopped');
  const list = await until(async () => {
    const found = (await stage.segments(session)).filter((one) => one.state === 'kept' && one.medium === 'audio' && one.participant === 'anna');
    return found.length >= 3 && found;
  }, 'three kept segments of sound', 15_000);
  assert.deepEqual([...new Set(list.map((one) => one.codec))], ['opus']);
  const { file, status, json } = await stage.export(session, 'anna');
  assert.equal(status, 200, JSON.stringify(json));
  assert.equal(await complaints(file), '');
  const at = await packets_s(file, 'audio');
  assert.ok(at.length > 250 && longestPause_ms(at) < 200, `${at.length} packets, ${longestPause_ms(at)} ms without one`);
  assert.equal(onsets(await loudness(file), ({ rms }) => rms > BEEP_RMS).length, 2, 'the two tones, each once');
});
