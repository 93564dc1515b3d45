// SPDX-License-Identifier: Apache-2.0
// Rooms and people whose ids are words (`string_ids` of Janus): a word that Janus says itself is somebody's id as well.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '../integration/client.mjs';
import { sleep } from '../integration/daemon.mjs';
import { Stage } from './app.mjs';
import { closes, enter, Seats, states } from './seats.mjs';

const VIDEOROOM = `general: { string_ids = true } room-lounge: { description = "Words" publishers = 6 }
  room-ok: { description = "Ok" publishers = 6 }`;
let stage, seats;
before(async () => {
  stage = await Stage.start({
    janus: { plugins: ['videoroom'], config: { 'janus.plugin.videoroom.jcfg': VIDEOROOM } },
    config: { 'consent.lease_ms': 2000, 'consent.heartbeat_ms': 200, 'consent.absent_ms': 6000 },
  });
  seats = new Seats(stage);
}, { timeout: 60_000 });
after(() => stage?.end());

test('somebody called “ok” leaves: the others are still in the room, and a stranger closes it', { timeout: 30_000 }, async () => {
  const call = await seats.recorded('words', 'lounge');
  const carl = await Client.join(stage.daemon, 'words', 'carl', 'client');
  const named = await enter(await seats.through('words', 'carl'), 'lounge', { id: 'ok' });
  let mark = call.anna.mark();
  await carl.leave();
  await named.expect(({ plugindata }) => plugindata?.data.leaving === 'ok', 'carl to be out of the room');
  await call.seats[0].expect(({ plugindata, transaction }) => !transaction && plugindata?.data.leaving === 'ok', 'what Janus tells the others of “ok”');
  await call.anna.state('recording', { since: mark });
  mark = call.anna.mark();
  await sleep(4500); // longer than a leaving decides nothing
  assert.deepEqual(states(call.anna, mark), []);
  const eve = await enter(await seats.direct(), 'lounge');
  await closes([call.anna], [mark], 'unknown_participant');
  mark = call.anna.mark();
  eve.close();
  await call.anna.state('recording', { since: mark });
  named.close();
  call.end();
});

test('who is kicked is out, and can come again', { timeout: 30_000 }, async () => {
  const call = await seats.recorded('kicked', 'ok');
  const [anna, ben] = call.seats;
  const mark = call.anna.mark();
  assert.equal((await anna.say(anna.handle, { request: 'kick', room: 'ok', id: ben.joined.plugindata.data.id })).plugindata.data.videoroom, 'success');
  await ben.expect(({ plugindata }) => plugindata?.data.reason === 'kicked', 'ben to be told');
  await sleep(4500);
  assert.deepEqual(states(call.anna, mark), []);
  call.end();
});
