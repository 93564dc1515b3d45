// SPDX-License-Identifier: Apache-2.0
// `recgatectl verify` over what real calls leave: while they are recorded, after pauses, withdrawals, a crash (R22).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep, Stage, until } from './harness.mjs';

let stage;
before(async () => (stage = await Stage.start({ config: { 'recording.segment_s': 1 } })));
after(() => stage?.end());

function holds() {
  const { status, output, error } = stage.daemon.ctl('verify', '--json');
  assert.equal(status, 0, `${error} ${output}`);
  return JSON.parse(output);
}
const kept = async (session) => (await stage.segments(session)).filter((one) => one.state === 'kept').length;

test('while it is recorded and paused, and when the erase is under way: all is well', async () => {
  const { session, ben } = await stage.recorded({ withdrawing: 'session' });
  await until(async () => (await kept(session)) >= 4, 'kept segments', 12_000);
  for (let i = 0; i < 5; i++) {
    holds(); // segments are committed meanwhile
    await sleep(200);
  }
  await ben.press('Pause');
  await ben.state('paused');
  assert.ok(holds().store.files >= 4);
  const mark = await ben.mark();
  await ben.press('Withdraw');
  await ben.expect('consent.withdrawn', 10_000, mark);
  const { totals } = holds();
  assert.equal(totals.kept, 0);
  assert.ok(totals.purged >= 4);
});

test('scope participant, then kill -9 while others are recorded: all is well', async () => {
  const first = await stage.recorded({ withdrawing: 'participant' });
  await until(async () => (await kept(first.session)) >= 4, 'kept segments', 12_000);
  await first.ben.press('Withdraw');
  await first.ben.expect('consent.withdrawn');
  assert.ok(holds().totals.kept > 0, 'what the other sent stays (R12)');
  const { session } = await stage.recorded({});
  await until(async () => (await kept(session)) >= 4, 'kept segments', 12_000);
  await stage.crash(holds);
  assert.ok(holds().totals.kept >= 4);
});
