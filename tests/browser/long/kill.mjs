// SPDX-License-Identifier: Apache-2.0
// kill -9 while recording, and between a withdrawal and its acknowledgement: closed, finished at the next start, nothing orphaned plays
// (R3, R7, R11, R13, R17; fault 29). 6 rounds each, or RECGATE_ROUNDS.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep, Stage, until } from '../harness.mjs';
import { complaints } from '../media.mjs';
import { filesUnder } from '../watch.mjs';

const ROUNDS = Number(process.env.RECGATE_ROUNDS ?? 6);
let stage;
before(async () => (stage = await Stage.start({ kinds: ['chromium', 'chromium'], config: { 'recording.segment_s': 1 } })));
after(() => stage?.end());

const kept = async (session) => (await stage.segments(session)).filter((one) => one.state === 'kept');

test(`killed while recording, ${ROUNDS} times`, async (t) => {
  for (let n = 0; n < ROUNDS; n++) {
    const { session, anna, ben } = await stage.recorded({});
    await until(async () => (await kept(session)).length >= 4, 'kept segments', 12_000);
    const wait = Math.floor(Math.random() * 1000);
    t.diagnostic(`round ${n}: killed after ${wait} ms`);
    await sleep(wait);
    const before = await kept(session);
    const marks = [await anna.mark(), await ben.mark()];
    await stage.crash();
    const again = await kept(session);
    for (const one of before) assert.ok(again.some((other) => other.id === one.id), 'what was committed stays');
    const back = await anna.expect('joined', 15_000, marks[0]);
    assert.notEqual(back.recording.state, 'recording', 'the gate is closed at start (R7)');
    for (const who of ['anna', 'ben']) {
      const { status, file } = await stage.export(session, who);
      assert.equal(status, 200, who);
      assert.equal(await complaints(file), '', who);
    }
    const size = again.reduce((sum, one) => sum + one.bytes, 0);
    const onDisk = filesUnder(stage.segmentsDir).filter((one) => one.file.includes(session) || again.some((segment) => one.file.includes(String(segment.id))));
    t.diagnostic(`${again.length} kept segments of ${size} bytes, ${onDisk.length} files`);
    await sleep(1000);
    assert.ok(!(await anna.wire()).slice(marks[0]).some(({ message }) => message.type === 'recording.state' && message.state === 'recording'));
    await stage.leaveAll();
  }
});

test(`killed between the withdrawal and its acknowledgement, ${ROUNDS} times: done in the end, without anyone asking again`, async (t) => {
  for (let n = 0; n < ROUNDS; n++) {
    const { session, ben } = await stage.recorded({});
    await until(async () => (await kept(session)).length >= 4, 'kept segments', 12_000);
    const mark = await ben.mark();
    const wait = Math.floor(Math.random() * 15);
    const pressed = ben.press('Withdraw');
    await until(async () => (await ben.wire()).slice(mark).some(({ way, message }) => way === 'out' && message.type === 'consent.withdraw'), 'the withdrawal');
    await sleep(wait);
    await stage.crash();
    await pressed;
    await ben.expect('consent.withdrawn', 20_000, mark); // the page repeats it until it is acknowledged (R6)
    t.diagnostic(`round ${n}: killed ${wait} ms after the withdrawal`);
    assert.deepEqual(await kept(session), []);
    for (const who of ['anna', 'ben']) assert.ok((await stage.export(session, who)).status >= 400, who);
    await stage.leaveAll();
  }
});
