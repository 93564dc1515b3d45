// SPDX-License-Identifier: Apache-2.0
// Withdrawal in real browsers: as easy as a click, done when it says so, and the call goes on (R6, R11-R13, R18).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep, Stage, until } from './harness.mjs';
import { complaints, frames } from './media.mjs';
import { bytesUnder, openUnder } from './watch.mjs';

let stage;
before(async () => (stage = await Stage.start()));
after(() => stage?.end());

const states = (list) => [...new Set(list.map((one) => one.state))].sort();
const anyKept = async (session) => (await stage.segments(session)).some((one) => one.state === 'kept');

/** No file is made or written from now on, for as long as that. */
async function nothingIsWritten(ms) {
  const from = stage.watch.files.length;
  await sleep(ms);
  const late = stage.watch.files.slice(from).filter((event) => !event.what.includes('DELETE') && !event.what.includes('MOVED_FROM'));
  assert.deepEqual(late, []);
}

test('withdrawn: acknowledged when it is done, nothing plays, no write follows, the call goes on (R11, R12, R13)', async () => {
  const { session, anna, ben } = await stage.recorded({ withdrawing: 'session' });
  await stage.kept(session, 'anna');
  assert.equal((await stage.export(session, 'anna')).status, 200, 'it plays before');
  await ben.press('Withdraw');
  const ack = await ben.expect('consent.withdrawn');
  assert.ok(ack.purged.segments >= 1 && ack.purged.bytes > 0, JSON.stringify(ack.purged));
  assert.equal(ack.exports.length, 1, 'the finished export is named (R18)');
  assert.ok(ack.gate_closed_us >= 0 && ack.gate_closed_us <= ack.erased_us, JSON.stringify(ack));
  assert.ok(ack.erased_us < 1_000_000, `${ack.erased_us} µs`);
  await nothingIsWritten(1500);
  await until(() => bytesUnder(stage.segmentsDir) === 0, 'the files to be gone', 3000);
  assert.deepEqual(openUnder(stage.daemon.pid, stage.segmentsDir), []);
  assert.ok(states(await stage.segments(session)).every((state) => ['purged', 'dropped'].includes(state)));
  for (const who of ['anna', 'ben']) assert.ok([404, 409, 410].includes((await stage.export(session, who)).status), who);
  await Promise.all([anna.state('purged'), ben.state('purged')]);
  await ben.sees('Your withdrawal is done');
  await anna.sees('withdrew');
  await Promise.all([anna.flowing({ more: true, ms: 3000 }), ben.flowing({ more: true, ms: 3000 })]);
});

test('the asker withdraws as well as anybody (R6)', async () => {
  const { session, anna } = await stage.recorded({});
  await until(() => anyKept(session), 'a kept segment', 10_000);
  await anna.press('Withdraw');
  await anna.expect('consent.withdrawn');
  assert.ok(!(await anyKept(session)));
});

test('scope `after`: what was kept stays and plays, a flash after the withdrawal is in no frame (R9, R12)', async () => {
  const { session, anna, ben } = await stage.recorded({ withdrawing: 'after' });
  await stage.kept(session, 'anna', 'ben');
  await sleep(1000);
  await ben.press('Withdraw');
  await ben.expect('consent.withdrawn');
  for (const one of [anna, ben]) await one.flash(true);
  await nothingIsWritten(2000);
  for (const who of ['anna', 'ben']) {
    const { file, status } = await stage.export(session, who);
    assert.equal(status, 200, who);
    assert.equal(await complaints(file), '');
    const list = await frames(file);
    assert.ok(list.length > 10);
    assert.ok(!list.some((frame) => frame.flash), `${who}: a frame from after the withdrawal`);
  }
  await ben.press('Withdraw and erase everything, of everyone'); // more is always theirs
  await until(async () => !(await anyKept(session)), 'everything to be erased', 3000);
});

test('scope `participant`: what that person sent is gone, the rest stays; asking for less changes nothing (R12)', async () => {
  const { session, ben } = await stage.recorded({ withdrawing: 'participant' });
  await stage.kept(session, 'anna', 'ben');
  await ben.send({ type: 'consent.withdraw', scope: 'after', id: 'less' });
  await ben.expect('consent.withdrawn');
  const list = await stage.segments(session);
  assert.deepEqual(list.filter((one) => one.participant === 'ben' && one.state === 'kept'), []);
  assert.ok(list.some((one) => one.participant === 'anna' && one.state === 'kept'));
  const { file, status } = await stage.export(session, 'anna');
  assert.equal(status, 200);
  assert.equal(await complaints(file), '');
  assert.notEqual((await stage.export(session, 'ben')).status, 200);
});

test('after leaving, on the page that is still open (R6; fault 28)', async () => {
  const { session, anna, ben } = await stage.recorded({});
  await until(() => anyKept(session), 'a kept segment', 10_000);
  await ben.press('Leave');
  await anna.expect('participant.left');
  await ben.sees('You have left the call');
  await ben.press('Withdraw');
  await ben.sees('Your withdrawal is done', 8000);
  assert.ok(!(await anyKept(session)));
});

test('in a page that was opened after a restart, where nobody has asked again (R6)', async () => {
  const { session } = await stage.recorded({});
  await stage.kept(session, 'ben');
  await stage.leaveAll();
  await stage.crash();
  const { ben } = await stage.call({ session, talk: false });
  await ben.sees('ends your consent and erases what was disclosed');
  await ben.press('Withdraw');
  await ben.sees('Your withdrawal is done', 8000);
  assert.ok(!(await anyKept(session)));
});
