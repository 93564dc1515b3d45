// SPDX-License-Identifier: Apache-2.0
// [sfu] ice = full in front of a real Janus, full ICE and ICE-lite: EchoTest with janus.js in a browser, a restart, a second connection.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../integration/daemon.mjs';
import { Stage } from './app.mjs';

async function echo(stage, session) {
  const anna = await stage.open(session, 'anna', 'expert');
  await anna.connect();
  await anna.do('echo');
  const now = await anna.flowing('echo');
  const own = stage.daemon.media.split(',').map((address) => address.split(':').at(-1));
  assert.ok(now.candidates.length > 0 && now.candidates.every((line) => own.includes(line.split(' ')[5])), 'the client sees the gate’s own port');
  await until(async () => (await anna.state('data')).includes('open'), 'the data channel');
  return { anna, now };
}

test('media, data, a restart of the client’s leg, a second connection, and leaving', { timeout: 90_000 }, async () => {
  const stage = await Stage.start({ config: { 'sfu.ice': 'full' } });
  try {
    const { anna, now } = await echo(stage, 'full-1');
    await anna.do('restart', 'echo', { audio: true, video: true });
    await until(async () => (await anna.stats('echo')).ufrag !== now.ufrag, 'fresh credentials');
    await anna.flowing('echo');
    await anna.do('echo', { data: false, name: 'second' });
    await anna.flowing('second');
    await anna.client('leave');
    await until(async () => (await anna.state('hangups')).includes('echo'), 'Janus to notice that the PeerConnection is gone', 10_000);
  } finally {
    await stage.end();
  }
});

test('a Janus that is ICE-lite itself', { timeout: 90_000 }, async () => {
  const stage = await Stage.start({ config: { 'sfu.ice': 'full' }, janus: { nat: 'ice_lite = true' } });
  try {
    await echo(stage, 'full-2');
  } finally {
    await stage.end();
  }
});
