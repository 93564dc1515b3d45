// SPDX-License-Identifier: Apache-2.0
// SFUs that are ICE-lite themselves: the gate begins the checks then. The SFU here is a second gate, a real ICE-lite end, with somebody behind it.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { Client, record } from '../integration/client.mjs';
import { Daemon, until } from '../integration/daemon.mjs';
import { behindSfu, relayTo } from './lite-sfu.mjs';
import { Pages } from './pages.mjs';
import { comparing } from './roster-of.mjs';

let gate, sfu, pages;
before(async () => {
  gate = await Daemon.start({ config: { 'sfu.mode': 'relays', 'recording.segment_s': 2 } });
  sfu = await Daemon.start();
  pages = await Pages.start();
}, { timeout: 60_000 });
after(async () => {
  await pages?.end();
  await gate?.end();
  await sfu?.end();
});

const service = () => gate.token('any', 'backend', 'service');

const relay = (body, at) => relayTo(gate, body, at);

/** Anna offers through the gate. */
async function connect(session, room, annaPage, benPage) {
  const people = await behindSfu(sfu, room);
  const begun = await relay({ session, participant: 'anna', from: 'client', description: await annaPage.offer() });
  people.toSfu(people.anna, 'ben', begun.description);
  people.toSfu(people.ben, 'anna', await benPage.answer(await people.fromSfu(people.ben, 'offer')));
  const answer = await people.fromSfu(people.anna, 'answer');
  assert.match(answer.sdp, /a=ice-lite/);
  const { description } = await relay({ from: 'sfu', description: answer }, `/v1/relays/${begun.relay}`);
  await annaPage.accept(description);
  return { ...people, relay: begun.relay, toGate: description };
}

test('client offers, the SFU answers that it is ICE-lite: media both ways, recorded on the client’s side only', { timeout: 90_000 }, async () => {
  const anna = await Client.join(gate, 'talk', 'anna', 'expert');
  const stop = comparing(gate, 'talk', () => ['anna']);
  const [annaPage, benPage] = [await pages.open(), await pages.open()];
  const call = await connect('talk', 'room-1', annaPage, benPage);
  assert.match(call.toGate.sdp, /a=ice-lite/, 'the client’s leg stays as it is');
  await annaPage.sees('anna to see ben').catch((error) => { throw new Error(`${error.message}\n${gate.log}\n${sfu.log}`); });
  await benPage.sees('ben to see anna');

  await record(anna, []);
  const kept = async () => (await gate.segments('talk')).filter(({ state }) => state === 'kept');
  await until(async () => new Set((await kept()).map(({ medium }) => medium)).size === 2, 'sound and picture to be kept', 20_000);
  assert.ok((await kept()).every(({ participant }) => participant === 'anna'));
  assert.equal(new Set((await kept()).map(({ track }) => track)).size, 2, 'nothing of what the SFU sends');
  await annaPage.sees('anna to see ben while she is recorded');

  assert.equal((await gate.get(`/v1/relays/${call.relay}`, service(), { method: 'DELETE' })).status, 204);
  await until(async () => (await annaPage.state()) !== 'connected', 'anna’s leg to end', 10_000);
  await stop();
  call.close();
  anna.close();
});

test('the SFU offers and is ICE-lite: the answer to it is a full agent’s', { timeout: 90_000 }, async () => {
  const anna = await Client.join(gate, 'second', 'anna', 'expert');
  const [annaPage, benPage] = [await pages.open(), await pages.open()];
  const people = await behindSfu(sfu, 'room-2');
  people.toSfu(people.ben, 'anna', await benPage.offer());
  const begun = await relay({ session: 'second', participant: 'anna', from: 'sfu', description: await people.fromSfu(people.anna, 'offer') });
  const answered = await relay({ from: 'client', description: await annaPage.answer(begun.description) }, `/v1/relays/${begun.relay}`);
  assert.doesNotMatch(answered.description.sdp, /a=ice-lite/);
  assert.match(answered.description.sdp, /a=candidate:\S+ 1 UDP \d+ 127\.0\.0\.1 \d+ typ host/i);
  people.toSfu(people.anna, 'ben', answered.description);
  await benPage.accept(await people.fromSfu(people.ben, 'answer'));
  await annaPage.sees('anna to see ben').catch((error) => { throw new Error(`${error.message}\n${gate.log}\n${sfu.log}`); });
  await benPage.sees('ben to see anna');
  await people.anna.leave();
  await until(() => /event=sfu_leg_ended session=second participant=anna why="closed by the peer"/.test(gate.log), 'the SFU’s end to be noticed', 15_000);
  people.close();
  anna.close();
});

/** A WHIP server in front of the SFU: what is published there is offered to ben. */
async function whipServer(people, benPage) {
  const server = createServer(async (request, response) => {
    let sdp = '';
    for await (const bytes of request) sdp += bytes;
    if (request.method !== 'POST') return response.writeHead(200).end();
    people.toSfu(people.anna, 'ben', { type: 'offer', sdp });
    people.toSfu(people.ben, 'anna', await benPage.answer(await people.fromSfu(people.ben, 'offer')));
    return response.writeHead(201, { 'content-type': 'application/sdp', location: '/1' }).end((await people.fromSfu(people.anna, 'answer')).sdp);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

test('WHIP to a server that is ICE-lite', { timeout: 90_000 }, async () => {
  const [annaPage, benPage] = [await pages.open(), await pages.open()];
  const people = await behindSfu(sfu, 'room-3');
  const server = await whipServer(people, benPage);
  const front = await Daemon.start({ config: { 'sfu.whip': `http://127.0.0.1:${server.address().port}/whip` } });
  const anna = await Client.join(front, 'third', 'anna', 'expert');
  const { sdp } = await annaPage.offer();
  const answer = await front.get('/whip', front.token('third', 'anna', 'expert'), { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: sdp });
  assert.equal(answer.status, 201, answer.bytes.toString());
  await annaPage.accept({ type: 'answer', sdp: answer.bytes.toString() });
  await benPage.sees('ben to see anna').catch((error) => { throw new Error(`${error.message}\n${front.log}\n${sfu.log}`); });
  people.close();
  anna.close();
  assert.equal((await front.end()).code, 0);
  server.close();
});
