// SPDX-License-Identifier: Apache-2.0
// Who is there, and could they withdraw now? The newcomer, the second tab, the lost socket, the frozen browser, the one who leaves (R3, R8, R10, R14, R15).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep, Stage, until } from './harness.mjs';
import { complaints } from './media.mjs';

const LEASE_MS = 3000;
let stage;
before(async () => (stage = await Stage.start({ config: { 'consent.lease_ms': LEASE_MS, 'consent.absent_ms': 9000 } })));
after(() => stage?.end());

const kept = async (session) => (await stage.segments(session)).filter((one) => one.state === 'kept');
const writes = () => stage.watch.files.filter((event) => event.what.includes('MODIFY') || event.what.includes('CREATE')).length;

test('a third person closes the gate until they agreed too; then all three are recorded (R8)', async () => {
  const { session, anna, ben } = await stage.recorded({});
  await until(async () => (await kept(session)).length >= 4, 'kept segments of the first take', 12_000);
  const mark = await ben.mark();
  const context = await stage.browsers[0].createBrowserContext();
  const cleo = await stage.open(session, 'cleo', 'client', { seat: 0, context });
  const joined = await cleo.join();
  assert.notEqual(joined.recording.state, 'recording');
  const closed = await ben.expect((message) => message.type === 'recording.state', 3000, mark);
  assert.notEqual(closed.state, 'recording');
  await Promise.all([anna.flowing({ people: 2 }), ben.flowing({ people: 2 }), cleo.flowing({ people: 2 })]);
  const before = writes();
  await sleep(1500);
  assert.equal(writes(), before, 'nothing is written until Cleo answered');
  await cleo.answer('Agree');
  await Promise.all([anna, ben, cleo].map((one) => one.state('recording', { since: one === ben ? mark : 0 })));
  await until(async () => (await kept(session)).filter((one) => one.participant === 'cleo').length >= 2, 'kept segments of Cleo', 12_000);
  await cleo.press('Leave');
  await anna.expect((message) => message.type === 'participant.left' && message.id === 'cleo');
  await anna.press('Stop');
  await anna.state('stopped');
  for (const who of ['anna', 'ben', 'cleo']) {
    const { file, status } = await stage.export(session, who);
    assert.equal(status, 200, who);
    assert.equal(await complaints(file), '', who);
  }
  await context.close();
});

test('a second tab takes the place of the first, which may only withdraw; the call goes on in the second (R15; fault 27)', async () => {
  const { session, anna, ben } = await stage.recorded({});
  await until(async () => (await kept(session)).length >= 2, 'kept segments', 12_000);
  const mark = await anna.mark();
  const tab = await stage.open(session, 'ben', 'client', { seat: 1 });
  await tab.join();
  await ben.expect('replaced');
  await Promise.all([anna.flowing({ more: true }), tab.flowing()]);
  await anna.state('recording', { since: mark, ms: 6000 }); // R3: the grant stands within absent_ms
  await ben.page.bringToFront();
  await ben.sees('another window');
  assert.ok(!(await ben.has('Pause')));
  await ben.press('Withdraw');
  await anna.state('purged');
  assert.deepEqual(await kept(session), []);
});

test('a lost socket closes the gate within the lease; coming back opens it without asking again (R3, R10; fault 26)', async () => {
  const { anna, ben } = await stage.recorded({});
  await sleep(1000);
  const mark = await anna.mark();
  await ben.loseSocket();
  await ben.expect('joined', 8000, await ben.mark());
  await sleep(LEASE_MS);
  const log = (await anna.wire()).slice(mark).filter(({ message }) => message.type === 'recording.state');
  assert.equal(await anna.lastState(), 'recording', JSON.stringify(log));
  assert.ok(!(await ben.has('Agree')), 'he is not asked again');
  await Promise.all([anna.flowing({ more: true }), ben.flowing({ more: true })]);
});

test('a frozen browser closes the gate at the lease; nothing is written meanwhile (R10; fault 26)', async () => {
  const { session, anna, ben } = await stage.recorded({});
  await until(async () => (await kept(session)).length >= 2, 'kept segments', 12_000);
  const mark = await anna.mark();
  const began = Date.now();
  ben.freeze();
  try {
    const suspended = await anna.state('suspended', { since: mark, ms: LEASE_MS + 3000 });
    assert.ok(suspended.at - began < LEASE_MS + 1500, `${suspended.at - began} ms`);
    await sleep(700); // R9: a detached branch is gone within 500 ms
    const before = writes();
    await sleep(1500);
    assert.equal(writes(), before);
  } finally {
    ben.thaw();
  }
  await anna.state('recording', { since: (await anna.mark()) - 1, ms: 8000 });
  await anna.press('Stop');
  await anna.state('stopped');
});

test('who leaves stays recorded under their consent; the asker’s leaving stops the take (R14, R15)', async () => {
  const { session, anna, ben } = await stage.recorded({});
  await until(async () => (await kept(session)).length >= 4, 'kept segments', 12_000);
  await anna.press('Leave');
  await ben.expect((message) => message.type === 'participant.left' && message.id === 'anna');
  await until(async () => (await ben.lastState()) !== 'recording', 'the take to stop');
  await sleep(700);
  const before = writes();
  await sleep(1000);
  assert.equal(writes(), before);
  assert.ok((await kept(session)).some((one) => one.participant === 'anna'));
  assert.ok((await kept(session)).some((one) => one.participant === 'ben'));
});
