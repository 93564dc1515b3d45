// SPDX-License-Identifier: Apache-2.0
// EchoTest with janus.js in a real browser, pointed at the gate by its URL alone: media both ways, data, ICE restart, hang up, leaving.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage } from './app.mjs';
import { sleep, until } from '../integration/daemon.mjs';

let stage;
before(async () => (stage = await Stage.start()), { timeout: 60_000 });
after(() => stage?.end());

test('media and data go both ways through the gate, and nobody learns another address', { timeout: 60_000 }, async () => {
  const anna = await stage.open('echo-1', 'anna', 'expert');
  await anna.connect();
  await stage.echoes(anna);
});

test('who has not joined the session gets a clear error and sends nothing (R7)', { timeout: 60_000 }, async () => {
  const ben = await stage.open('echo-2', 'ben', 'client', { join: false });
  await ben.connect();
  await assert.rejects(ben.do('echo'), /not_joined: .*recgate\.v1/);
  assert.deepEqual((await ben.stats('echo')).in, {});
  assert.notEqual((await ben.stats('echo')).state, 'connected');
});

test('leaving the session ends the media, and what the application does with Janus by itself does not bring it back (R15)', { timeout: 60_000 }, async () => {
  const carl = await stage.open('echo-3', 'carl', 'client');
  await carl.connect();
  await carl.do('echo', { data: false });
  await carl.flowing('echo');
  await carl.client('leave');
  await until(async () => (await carl.state('hangups')).includes('echo'), 'Janus to notice that the PeerConnection is gone', 10_000);
  await assert.rejects(carl.do('echo', { data: false }), /not_joined/);
});

test('Janus dies in the middle of a call: its client is told, the session and the gate go on', { timeout: 60_000 }, async () => {
  const dora = await stage.open('echo-4', 'dora', 'expert');
  await dora.connect();
  await dora.do('echo', { data: false });
  await dora.flowing('echo');
  await stage.janus.stop();
  await until(async () => (await dora.state('errors')).length > 0, 'the application to hear of it');
  const seen = async () => (await dora.stats('echo')).in.video ?? 0;
  await until(async () => { // what the browser still holds is played out first
    const before = await seen();
    await sleep(500);
    return (await seen()) === before;
  }, 'the picture to stop', 10_000);
  assert.equal((await stage.daemon.get('/readyz')).status, 200);
  assert.ok((await dora.page.evaluate(() => window.app.state.client.self)) === 'dora');
});
