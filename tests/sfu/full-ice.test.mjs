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
  gate = await Daemon.start({ media: '[::]:0', config: { 'sfu.mode': 'relays', 'recording.segment_s': 2 } });
  sfu = await Daemon.start({ media: '[::]:0' });
  pages = await Pages.start();
}, { timeout: 60_000 });
after(async () => {
  await pages?.end();
  await gate?.end();
  await sfu?.end();
});

const service = () => gate.token('any', 'backend', 'service');

const relay = (body, at) => relayTo(gate, body, at);

/** What the SFU describes, told as it is. */
const whole = (description, more, at) => relay({ ...more, from: 'sfu', description }, at);

/** Anna offers through the gate. tell: gives the SFU's answer to the gate. */
async function connect(session, room, annaPage, benPage, tell = whole) {
  const people = await behindSfu(sfu, room);
  const begun = await relay({ session, participant: 'anna', from: 'client', description: await annaPage.offer() });
  people.toSfu(people.anna, 'ben', begun.description);
  people.toSfu(people.ben, 'anna', await benPage.answer(await people.fromSfu(people.ben, 'offer')));
  const answer = await people.fromSfu(people.anna, 'answer');
  assert.match(answer.sdp, /a=ice-lite/);
  const { description } = await tell(answer, {}, `/v1/relays/${begun.relay}`);
  await annaPage.accept(description);
  return { ...people, relay: begun.relay, toGate: description };
}

/** The SFU offers through the gate. tell: gives that offer to the gate. */
async function connectBack(session, room, annaPage, benPage, tell = whole) {
  const people = await behindSfu(sfu, room);
  people.toSfu(people.ben, 'anna', await benPage.offer());
  const begun = await tell(await people.fromSfu(people.anna, 'offer'), { session, participant: 'anna' });
  const { description } = await relay({ from: 'client', description: await annaPage.answer(begun.description) }, `/v1/relays/${begun.relay}`);
  people.toSfu(people.anna, 'ben', description);
  await benPage.accept(await people.fromSfu(people.ben, 'answer'));
  return { ...people, relay: begun.relay, toSfuAnswer: description };
}

async function seeEachOther(annaPage, benPage) {
  await annaPage.sees('anna to see ben').catch((error) => { throw new Error(`${error.message}\n${gate.log}\n${sfu.log}`); });
  await benPage.sees('ben to see anna');
}

test('client offers, the SFU answers that it is ICE-lite: media both ways, recorded on the client’s side only', { timeout: 90_000 }, async () => {
  const anna = await Client.join(gate, 'talk', 'anna', 'expert');
  const stop = comparing(gate, 'talk', () => ['anna']);
  const [annaPage, benPage] = [await pages.open(), await pages.open()];
  const call = await connect('talk', 'room-1', annaPage, benPage);
  assert.match(call.toGate.sdp, /a=ice-lite/, 'the client’s leg stays as it is');
  await seeEachOther(annaPage, benPage);

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
  const people = await connectBack('second', 'room-2', annaPage, benPage);
  assert.doesNotMatch(people.toSfuAnswer.sdp, /a=ice-lite/);
  assert.match(people.toSfuAnswer.sdp, /a=candidate:\S+ 1 UDP \d+ 127\.0\.0\.1 \d+ typ host/i);
  await seeEachOther(annaPage, benPage);
  await people.anna.leave();
  await until(() => /event=sfu_leg_ended session=second participant=anna why="closed by the peer"/.test(gate.log), 'the SFU’s end to be noticed', 15_000);
  people.close();
  anna.close();
});

/** A description without candidates, and these, as an SFU that trickles sends them (RFC 8838). */
function parted({ type, sdp }) {
  const own = [], lines = sdp.split('\r\n').filter((line) => !(/^a=(candidate:|end-of-candidates)/.test(line) && own.push(line.slice(2))));
  const candidates = [...new Set(own)].filter((line) => line.startsWith('candidate:')).map((candidate) => ({ candidate, sdpMid: '0', sdpMLineIndex: 0 }));
  return { description: { type, sdp: lines.join('\r\n') }, candidates };
}

/** What an SFU trickles, given to the gate as it comes. */
async function trickle(id, candidates) {
  assert.ok(candidates.length > 0);
  for (const candidate of [...candidates, { candidate: '' }]) {
    const { status, json } = await gate.post(`/v1/relays/${id}`, service(), { from: 'sfu', candidates: [candidate] });
    assert.equal(status, 204, JSON.stringify(json));
  }
}

test('the SFU trickles its candidates after its answer, and has no others than IPv6', { timeout: 90_000 }, async () => {
  const anna = await Client.join(gate, 'trickled', 'anna', 'expert');
  const [annaPage, benPage] = [await pages.open(), await pages.open()];
  let later;
  const people = await connect('trickled', 'room-4', annaPage, benPage, (answer, more, at) => {
    const { description, candidates } = parted(answer);
    later = candidates.filter(({ candidate }) => / ::1 /.test(candidate));
    return whole(description, more, at);
  });
  await trickle(people.relay, later);
  await seeEachOther(annaPage, benPage);
  people.close();
  anna.close();
});

test('the SFU offers, and trickles before the client has answered', { timeout: 90_000 }, async () => {
  const anna = await Client.join(gate, 'early', 'anna', 'expert');
  const [annaPage, benPage] = [await pages.open(), await pages.open()];
  const people = await connectBack('early', 'room-5', annaPage, benPage, async (offer, more) => {
    const { description, candidates } = parted(offer), begun = await whole(description, more);
    await trickle(begun.relay, candidates);
    return begun;
  });
  await seeEachOther(annaPage, benPage);
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
