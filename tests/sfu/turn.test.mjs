// SPDX-License-Identifier: Apache-2.0
// [sfu] turn: the gate has no way to the SFU but coturn, and with a wrong password none at all.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from '../integration/client.mjs';
import { Daemon, scratch, until } from '../integration/daemon.mjs';
import { CAN_MAKE_NETWORKS, TurnNetwork } from './coturn.mjs';
import { behindSfu, relayTo } from './lite-sfu.mjs';
import { Pages } from './pages.mjs';

let network, sfu, pages, place;
before(async () => {
  if (!CAN_MAKE_NETWORKS) return;
  network = await TurnNetwork.start();
  sfu = await Daemon.start({ before: ['ip', 'netns', 'exec', network.sfu], listen: `${network.sfuAddress}:0`, media: '0.0.0.0:0' });
  pages = await Pages.start();
  place = scratch();
}, { timeout: 60_000 });
after(async () => {
  await pages?.end();
  await sfu?.end();
  await network?.stop();
  place?.remove();
});

async function gateWith(password, more = {}) {
  const file = path.join(place.dir, 'password');
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return Daemon.start({
    before: ['ip', 'netns', 'exec', network.gate], listen: `${network.gateAddress}:0`, media: '0.0.0.0:0',
    config: { 'sfu.mode': 'relays', 'sfu.ice': 'full', 'sfu.turn': `turn:${network.turnAddress}:3478?transport=udp`, 'sfu.turn_user': TurnNetwork.USER, 'sfu.turn_password_file': file, ...more },
  });
}

/** Anna's connection with the SFU, offered through this gate; {begun, description} as the gate gave them. */
async function through(gate, room) {
  const people = await behindSfu(sfu, room);
  const [annaPage, benPage] = [await pages.open(), await pages.open()];
  const anna = await Client.join(gate, room, 'anna', 'expert');
  const begun = await relayTo(gate, { session: room, participant: 'anna', from: 'client', description: await annaPage.offer() });
  people.toSfu(people.anna, 'ben', begun.description);
  people.toSfu(people.ben, 'anna', await benPage.answer(await people.fromSfu(people.ben, 'offer')));
  const { description } = await relayTo(gate, { from: 'sfu', description: await people.fromSfu(people.anna, 'answer') }, `/v1/relays/${begun.relay}`);
  await annaPage.accept(description);
  return { begun, annaPage, benPage, close: () => [people, anna].forEach((one) => one.close()) };
}

const skip = CAN_MAKE_NETWORKS ? false : 'network namespaces and coturn need root';

for (const relay_only of [0, 1])
  test(`media passes both ways over the TURN server, relay_only = ${relay_only}`, { timeout: 90_000, skip }, async () => {
    const gate = await gateWith(TurnNetwork.PASSWORD, { 'sfu.relay_only': relay_only });
    const call = await through(gate, `room-${relay_only}`);
    const candidates = call.begun.description.sdp.match(/a=candidate:.*/g);
    assert.ok(candidates.some((line) => / 10\.78\.4\.1 \d+ typ relay/.test(line)), candidates.join('\n'));
    assert.equal(candidates.some((line) => /typ host/.test(line)), relay_only === 0);
    assert.doesNotMatch(call.begun.description.sdp, /a=ice-lite/);
    await call.annaPage.sees('anna to see ben', 20_000).catch((error) => { throw new Error(`${error.message}\n${gate.log}\n${network.said.slice(-3000)}`); });
    await call.benPage.sees('ben to see anna');
    const mark = network.said.length;
    assert.equal((await gate.end()).code, 0);
    call.close();
    await until(() => /lifetime=0/.test(network.said.slice(mark)), 'the allocation to be given back');
  });

test('a wrong password: the log says so, the leg ends with a reason, and nothing passes', { timeout: 90_000, skip }, async () => {
  const gate = await gateWith('wrong');
  const call = await through(gate, 'room-2');
  assert.doesNotMatch(call.begun.description.sdp, /typ relay/);
  assert.match(gate.log, /event=turn_failed session=room-2 participant=anna why="the TURN server gave no address" advice="\[sfu\] turn, turn_user and turn_password_file/);
  await until(() => /event=sfu_leg_ended session=room-2 participant=anna why="(ICE failed|not connected)/.test(gate.log), 'the leg to end', 40_000);
  const service = gate.token('any', 'backend', 'service');
  assert.equal((await gate.get(`/v1/relays/${call.begun.relay}`, service, { method: 'DELETE' })).status, 404, 'and its call with it');
  assert.equal(await call.annaPage.frames(), 0);
  assert.equal((await gate.segments('room-2')).length, 0);
  call.close();
  assert.equal((await gate.end()).code, 0);
});
