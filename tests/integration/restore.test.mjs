// SPDX-License-Identifier: Apache-2.0
// A data directory that was copied or restored: refused until the purges of a newer ledger were applied.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { Client, record } from './client.mjs';
import { Daemon, RECGATECTL, scratch } from './daemon.mjs';

async function recorded(daemon, session) {
  const anna = await Client.join(daemon, session, 'anna', 'expert');
  const ben = await Client.join(daemon, session, 'ben', 'client');
  const asked = await record(anna, [ben]);
  await ben.state('recording');
  await anna.request({ type: 'recording.stop' });
  return { anna, ben, ...asked };
}

function ctl(data, ...args) {
  try {
    return { status: 0, output: execFileSync(RECGATECTL, [...args, '--data', data], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }) };
  } catch (failure) {
    return { status: failure.status, error: String(failure.stderr) };
  }
}

async function refused(place) {
  const daemon = new Daemon({ place });
  const how = await daemon.ended;
  assert.equal(how.code, 2);
  assert.match(daemon.log, /was copied or restored from a backup.*recgatectl restore/);
  assert.equal(daemon.output, '');
}

test('a backup from before a withdrawal is not served until the newer ledger was applied', async () => {
  const place = scratch();
  const backup = { ...scratch(), secret: place.secret };
  const first = await Daemon.start({ place });
  const call = await recorded(first, 'withdrawn-later');
  await first.stop();
  execFileSync('cp', ['-a', place.data, backup.data]);
  const second = await Daemon.start({ place }); // where it was: at home
  const answer = await second.post('/v1/withdraw', undefined, { withdraw_key: call.grants[0].withdraw_key });
  assert.equal(answer.json.type, 'consent.withdrawn');
  await second.stop();

  await refused(backup);
  assert.equal(ctl(backup.data, 'export', 'withdrawn-later', '--participant', 'ben').status, 2);
  assert.equal(ctl(backup.data, 'sessions', '--json').status, 0, 'lists are no media');
  assert.equal(ctl(backup.data, 'restore').status, 2);
  assert.equal(ctl(backup.data, 'restore', '--no-newer-ledger', '--ledger', place.data).status, 2);
  await refused(backup);
  const done = ctl(backup.data, 'restore', '--ledger', place.data, '--json');
  assert.equal(done.status, 0, done.error);
  assert.ok(JSON.parse(done.output).to > JSON.parse(done.output).from);
  const third = await Daemon.start({ place: backup });
  const { json } = await third.get('/v1/sessions/withdrawn-later', third.token('withdrawn-later', 'auditor', 'auditor'));
  assert.equal(json.purges[0].reason, 'withdrawn');
  await third.stop();
  place.remove();
  backup.remove();
});

test('a snapshot that believes to be at home is found out by the head file', async () => {
  const place = scratch();
  const config = { 'ledger.head_file': `${place.dir}/head` };
  const first = await Daemon.start({ place, config });
  await recorded(first, 'early');
  await first.stop();
  const snapshot = { ...scratch(), secret: place.secret };
  execFileSync('cp', ['-a', place.data, snapshot.data]);
  const second = await Daemon.start({ place, config });
  await recorded(second, 'late');
  await second.stop();
  const third = await Daemon.start({ place, config });
  await third.stop();

  assert.equal(ctl(snapshot.data, 'restore', '--no-newer-ledger').status, 0); // by now its files are its own, as in a snapshot of the disk
  const blind = new Daemon({ place: snapshot, config });
  assert.equal((await blind.ended).code, 2);
  assert.match(blind.log, /its ledger is (shorter than|not a continuation of) the checkpoint in .*head/);
  await refused(snapshot); // and from then on without the head file as well
  place.remove();
  snapshot.remove();
});
