// SPDX-License-Identifier: Apache-2.0
// A VideoRoom of three people, then four, in two real browsers with janus.js: recorded only while all agree, and all of it erased by one withdrawal.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DISCLOSURE } from '../integration/client.mjs';
import { sleep, until } from '../integration/daemon.mjs';
import { Stage } from './app.mjs';

const ROOM = 1234;
const SESSION = 'room-1';
const PLUGIN = { 'janus.plugin.videoroom.jcfg': `room-${ROOM}: { description = "Demo" publishers = 6 bitrate = 256000 fir_freq = 10 }` };
let stage, anna, ben, carl, dora;

before(async () => (stage = await Stage.start({ janus: { plugins: ['videoroom'], config: PLUGIN } })), { timeout: 60_000 });
after(() => stage?.end());

const segments = () => stage.daemon.segments(SESSION);
const ofWhom = (list) => [...new Set(list.map(({ participant }) => participant))].sort();
const auditor = () => stage.daemon.token(SESSION, 'auditor', 'auditor');

async function enter(id, role, seat) {
  const person = await stage.open(SESSION, id, role, { seat });
  await person.connect();
  await person.do('enterRoom', ROOM, id);
  return person;
}

const asked = (person) => until(async () => (await person.state('states')).find(({ type }) => type === 'ask'), `the question to ${person.id}`);

test('three people see and hear each other through the gate', { timeout: 90_000 }, async () => {
  anna = await enter('anna', 'expert', 0);
  ben = await enter('ben', 'client', 1);
  carl = await enter('carl', 'client', 0);
  for (const person of [anna, ben, carl]) await person.flowing('down', { videos: 2 });
  assert.deepEqual(await segments(), []);
});

test('it is recorded when all three have agreed, everybody’s sound and picture, and nobody’s twice', { timeout: 60_000 }, async () => {
  await anna.client('request', DISCLOSURE);
  await asked(ben);
  await ben.do('grant');
  await asked(carl);
  await sleep(500);
  assert.deepEqual(await segments(), [], 'two of three agreed (R7)');
  await carl.do('grant');
  for (const person of [anna, ben, carl]) await person.recording('recording');
  const kept = await until(async () => {
    const list = (await segments()).filter(({ state }) => state === 'kept');
    return ofWhom(list).length === 3 && list.length >= 12 && list;
  }, 'segments of all three', 20_000);
  for (const participant of ['anna', 'ben', 'carl']) {
    const own = kept.filter((segment) => segment.participant === participant);
    assert.deepEqual([...new Set(own.map(({ medium }) => medium))].sort(), ['audio', 'video'], participant);
    const first = own.filter(({ take, medium, seq }) => take === own[0].take && medium === 'audio' && seq === 0);
    assert.equal(first.length, 1, `one track of ${participant}'s sound`);
  }
});

test('a fourth person joins: the gate is closed before their first packet, and opens when they agree (R8)', { timeout: 90_000 }, async () => {
  const before = (await anna.state('states')).length;
  dora = await stage.open(SESSION, 'dora', 'client', { seat: 1 });
  const closed = await until(async () => (await anna.state('states')).slice(before).find(({ type, state }) => type === 'recording' && state !== 'recording'), 'the gate to close');
  const count = (await segments()).filter(({ participant }) => participant === 'dora').length;
  assert.equal(count, 0);
  await dora.connect();
  await dora.do('enterRoom', ROOM, 'dora');
  for (const person of [anna, ben, carl, dora]) await person.flowing('down', { videos: 3, ms: 30_000 });
  const late = (await segments()).filter(({ start }) => Date.parse(start) > closed.at + 1000);
  assert.deepEqual(late, [], 'nothing was recorded while somebody had not agreed');

  const since = (await anna.state('states')).length;
  await asked(dora);
  await dora.do('grant');
  await anna.recording('recording', { since: since - 1 });
  await until(async () => ofWhom((await segments()).filter(({ state }) => state === 'kept')).includes('dora'), 'segments of the fourth', 20_000);
});

test('one withdraws: everything goes, and the call goes on for all (R12, R13)', { timeout: 90_000 }, async () => {
  const withdrawn = await carl.client('withdraw');
  assert.ok(withdrawn.purged.segments > 0);
  const list = await segments();
  assert.deepEqual(list.filter(({ state }) => state === 'kept'), []);
  for (const person of [anna, ben, carl, dora]) await person.flowing('down', { videos: 3 });
  const refused = await stage.daemon.get(`/v1/sessions/${SESSION}/recording?participant=anna`, auditor());
  assert.notEqual(refused.status, 200);
});

test('who leaves the session is gone from the room for the others (R15)', { timeout: 60_000 }, async () => {
  await dora.client('leave');
  await until(async () => (await dora.state('hangups')).includes('up'), 'Janus to end what the leaver published', 10_000);
  for (const person of [anna, ben, carl]) await person.flowing('down', { videos: 2 });
  assert.equal((await dora.stats('up')).state === 'connected', false);
  await assert.rejects(dora.do('publish'), /not_joined/);
});
