// SPDX-License-Identifier: Apache-2.0
// A call that is recorded only by consent: hearing and seeing, asking, recording, half a consent, pausing, saying no (R1-R4, R7, R9, R14, R16).
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { sleep, Stage, until } from './harness.mjs';
import { apart_s, complaints, frames, longestGap_ms, longestPause_ms, loudness, packets_s, probe } from './media.mjs';
import { bytesUnder, openUnder } from './watch.mjs';

let stage;
let recordedSession; // for the last test
before(async () => (stage = await Stage.start()));
after(() => stage?.end());

const kept = (list, participant, medium) => list.filter((one) => one.state === 'kept' && one.participant === participant && one.medium === medium);

test('people see and hear each other within 3 s, with the browsers’ own devices', async () => {
  const { anna, ben, second } = await stage.call({ source: 'device', talk: false });
  await Promise.all([anna.flowing({ ms: 8000 }), ben.flowing({ ms: 8000 })]);
  const took = Date.now() - second.at;
  assert.ok(took < 3000, `${took} ms`);
  await Promise.all([anna.flowing({ more: true }), ben.flowing({ more: true })]);
  assert.deepEqual(anna.complaints, []);
  assert.deepEqual(ben.complaints, []);
});

test('asked and unanswered for 10 s: not one byte is written; answered: everyone is recorded, nothing from before (R4, R7, R9)', async (t) => {
  const { session, anna, ben } = await stage.call();
  await ben.flash(true); // what is shown before the consent must appear nowhere
  const before = stage.watch.files.length;

  await t.test('unanswered', async () => {
    await anna.ask();
    await ben.sees('Agree');
    await sleep(10_000);
    assert.deepEqual(stage.watch.files.slice(before), []);
    assert.equal(bytesUnder(stage.segmentsDir), 0);
    assert.deepEqual(openUnder(stage.daemon.pid, stage.segmentsDir), []);
    assert.match(await ben.status(), /not recorded/i);
  });

  let openedAt;
  await t.test('answered: recording within 500 ms', async () => {
    await ben.flash(false);
    await sleep(400); // until the last lit frame is surely through
    await ben.press('Agree');
    const [forAnna, forBen] = await Promise.all([anna.state('recording'), ben.state('recording')]);
    const granted = (await ben.wire()).find(({ way, message }) => way === 'out' && message.type === 'consent.grant').at;
    openedAt = forBen.at;
    assert.ok(Math.max(forAnna.at, forBen.at) - granted < 500, `${Math.max(forAnna.at, forBen.at) - granted} ms`);
    assert.match(await ben.status(), /recording/i);
  });

  const flashes = {};
  await t.test('segments of everyone are kept', async () => {
    await sleep(3500);
    for (const one of [anna, ben]) await one.flash(true);
    await sleep(600);
    for (const one of [anna, ben]) await one.flash(false);
    await sleep(3000);
    await anna.press('Stop');
    await Promise.all([anna.state('stopped'), ben.state('stopped')]);
    for (const one of [anna, ben]) flashes[one.id] = (await one.flashes()).slice(-2);
    const list = await until(async () => {
      const found = await stage.segments(session);
      return ['anna', 'ben'].every((who) => ['audio', 'video'].every((medium) => kept(found, who, medium).length >= 3)) && found;
    }, 'three kept segments of every track', 8000);
    assert.deepEqual([...new Set(list.map((one) => one.participant))].sort(), ['anna', 'ben']);
    for (const who of ['anna', 'ben']) for (const medium of ['audio', 'video']) {
      const numbers = list.filter((one) => one.participant === who && one.medium === medium).map((one) => one.seq).sort((a, b) => a - b);
      assert.deepEqual(numbers, numbers.map((_, i) => i), 'no unexplained hole (R22)');
    }
  });

  for (const who of ['anna', 'ben']) {
    await t.test(`what plays of ${who} is whole, and begins when the gate opened`, async () => {
      const { file, status, json } = await stage.export(session, who);
      assert.equal(status, 200, JSON.stringify(json));
      assert.equal(await complaints(file), '');
      const { streams, duration_s } = await probe(file);
      assert.deepEqual(streams.map((one) => one.codec_name).sort(), ['opus', 'vp8']);
      assert.ok(duration_s > 5 && duration_s < 10, `${duration_s} s`);
      const list = await frames(file);
      const first = list[0].clock_ms - openedAt;
      assert.ok(first > -400 && first < 1000, `first frame was drawn ${first} ms after the gate opened`);
      assert.ok(!list.some((frame) => frame.flash && frame.clock_ms < openedAt), 'a flash from before the consent (R9)');
      assert.ok(longestGap_ms(list) < 500, `${longestGap_ms(list)} ms without a frame`);
      assert.ok(list.every((frame, i) => i === 0 || frame.t_s > list[i - 1].t_s), 'timestamps go on');
      const sound = await loudness(file);
      const silence_ms = longestPause_ms(await packets_s(file, 'audio'));
      assert.ok(silence_ms < 150, `${silence_ms} ms without sound`);
      const apart = apart_s(list, sound, flashes[who]);
      assert.ok(Math.abs(apart.at(-1)) < 0.15, `the light comes ${apart.at(-1)} s after the beep`);
    });
  }
  await t.test('recgatectl lists the session and its segments', async () => {
    const { status, output, error } = stage.daemon.ctl('sessions', '--json');
    assert.equal(status, 0, error);
    assert.ok(String(output).includes(session));
    assert.equal(JSON.parse(stage.daemon.ctl('segments', session, '--json').output).length, (await stage.segments(session)).length);
  });
  recordedSession = session;
});

test('agreed to audio only: no picture of that person, the other rules are the same (R16)', async () => {
  const { session, anna } = await stage.recorded({ answer: 'Agree to audio only' });
  await sleep(5000);
  await anna.press('Stop');
  const list = await until(async () => {
    const found = await stage.segments(session);
    return kept(found, 'anna', 'video').length >= 1 && kept(found, 'ben', 'audio').length >= 1 && found;
  }, 'kept segments', 8000);
  assert.deepEqual(list.filter((one) => one.participant === 'ben' && one.medium === 'video'), []);
  const { file, status } = await stage.export(session, 'ben');
  assert.equal(status, 200);
  assert.deepEqual((await probe(file)).streams.map((one) => one.codec_type), ['audio']);
  assert.equal(await complaints(file), '');
});

test('either pauses, who paused lifts it, either stops; nothing of the pause is kept (R9, R14)', async () => {
  const { session, anna, ben } = await stage.recorded({});
  await sleep(2500);
  const marks = await anna.mark();
  await ben.press('Pause');
  await anna.state('paused', { since: marks });
  await sleep(500);
  const before = stage.watch.files.filter((event) => event.what.includes('MODIFY')).length;
  for (const one of [anna, ben]) await one.flash(true);
  await sleep(2000);
  for (const one of [anna, ben]) await one.flash(false);
  assert.equal(stage.watch.files.filter((event) => event.what.includes('MODIFY')).length, before, 'no write while paused');
  assert.ok(!(await anna.has('Resume')), 'Anna is not offered to resume past Ben’s pause');
  await sleep(400);
  await ben.press('Resume');
  await sleep(300);
  if ((await anna.lastState()) !== 'recording' && (await anna.has('Resume'))) await anna.press('Resume');
  await anna.state('recording', { since: marks });
  await sleep(2500);
  await ben.press('Stop');
  await Promise.all([anna.state('stopped'), ben.state('stopped')]);
  await until(async () => new Set(kept(await stage.segments(session), 'ben', 'video').map((one) => one.take)).size >= 2, 'two takes', 8000);
  for (const who of ['anna', 'ben']) {
    const { file } = await stage.export(session, who);
    assert.equal(await complaints(file), '');
    assert.ok(!(await frames(file)).some((frame) => frame.flash), `${who}: a frame of the pause`);
  }
});

test('no is final: nobody is asked again, unless by the own act of who said it (R4)', async () => {
  const { anna, ben } = await stage.call();
  const before = stage.watch.files.length;
  await anna.ask();
  await ben.answer('No');
  await Promise.all([anna.state('declined'), ben.state('declined')]);
  assert.ok(!(await anna.has('Ask to record')), 'the page does not offer to ask again');
  await sleep(1000);
  assert.deepEqual(stage.watch.files.slice(before), []);
  await ben.press('I may be asked again');
  await anna.ask();
  await ben.sees('Agree');
  await Promise.all([anna.flowing({ more: true }), ben.flowing({ more: true })]);
});

test('recgatectl export gives the recording to the auditor when the daemon is gone (R20)', async () => {
  await stage.leaveAll();
  const segments = await stage.segments(recordedSession);
  assert.deepEqual(await stage.daemon.stop(), { code: 0, signal: null });
  const file = path.join(stage.daemon.place.dir, 'offline.mkv');
  const { status, error } = stage.daemon.ctl('export', recordedSession, '--participant', 'ben', '--output', file);
  assert.equal(status, 0, error);
  assert.equal(await complaints(file), '');
  assert.ok((await frames(file)).length > 30);
  assert.equal(JSON.parse(stage.daemon.ctl('segments', recordedSession, '--json').output).length, segments.length);
});
