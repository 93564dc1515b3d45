// SPDX-License-Identifier: Apache-2.0
// Who is in Janus's room beside who is on the roster (R8): people who come past the gate, a Janus that does not answer, a room that records by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, DISCLOSURE, record } from '../integration/client.mjs';
import { sleep, SLOW, until } from '../integration/daemon.mjs';
import { Stage } from './app.mjs';
import { JanusClient } from './client.mjs';

const LEASE_MS = Math.min(2000 * SLOW, 6000); // three of them are less than the 30 s after which Janus and the gate give up a silent leg
const PLUGINS = {
  'janus.plugin.videoroom.jcfg': `room-1: { description = "One" publishers = 6 notify_joining = true }
    room-2: { description = "Two" publishers = 6 }
    room-3: { description = "Records" publishers = 6 record = true rec_dir = "/nonexistent" }
    room-4: { description = "Four" publishers = 6 }`,
  'janus.plugin.audiobridge.jcfg': 'room-7: { description = "Voices" sampling_rate = 16000 }',
};
let stage;
before(async () => {
  stage = await Stage.start({
    janus: { plugins: ['videoroom', 'audiobridge'], config: PLUGINS },
    config: { 'consent.lease_ms': LEASE_MS, 'consent.heartbeat_ms': 200, 'consent.absent_ms': 3 * LEASE_MS },
  });
}, { timeout: 60_000 });
after(() => stage?.end());

/** Somebody in a room of Janus, through the gate or past it. */
async function enter(client, room, plugin = 'videoroom') {
  await client.create();
  client.handle = await client.attach(plugin);
  client.joined = await client.say(client.handle, { request: 'join', ptype: 'publisher', room, display: 'x' });
  assert.equal(client.joined.plugindata.data[plugin], 'joined', JSON.stringify(client.joined));
  return client;
}
const direct = () => JanusClient.connect({ http: `127.0.0.1:${stage.janus.port}`, base: 'http://127.0.0.1', scheme: 'http' }, { path: '/' });
const through = (session, id) => JanusClient.connect(stage.daemon, { token: stage.daemon.token(session, id, 'client') });

/** Two people in a room through the gate, being recorded. */
async function recorded(session, room, plugin) {
  const anna = await Client.join(stage.daemon, session, 'anna', 'expert');
  const ben = await Client.join(stage.daemon, session, 'ben', 'client');
  const seats = [await enter(await through(session, 'anna'), room, plugin), await enter(await through(session, 'ben'), room, plugin)];
  await record(anna, [ben]);
  for (const one of [anna, ben]) await one.state('recording');
  return { anna, ben, seats, end: () => [anna, ben, ...seats].forEach((one) => one.close()) };
}

const closes = (people, since, reason, ms = 1000) => Promise.all(people.map((one, i) => one.expect(
  (message) => message.type === 'recording.state' && message.state === 'suspended' && message.reason === reason, `suspended for ${reason}`, ms, since[i])));

for (const [plugin, room] of [['videoroom', 1], ['audiobridge', 7]])
  test(`somebody who joins a ${plugin} past the gate closes it within a second, and it opens when they have gone`, { timeout: 30_000 }, async () => {
    const call = await recorded(`past-${plugin}`, room, plugin);
    const people = [call.anna, call.ben];
    let marks = people.map((one) => one.mark());
    await sleep(1500);
    for (const [i, one] of people.entries()) assert.deepEqual(one.log.slice(marks[i]).filter(({ type }) => type === 'recording.state'), [], 'it stays open');
    const eve = await direct();
    await enter(eve, room, plugin);
    const began = performance.now();
    await closes(people, marks, 'unknown_participant');
    assert.ok(performance.now() - began < 1000 * SLOW);
    await sleep(1200);
    for (const [i, one] of people.entries()) assert.equal(one.log.slice(marks[i]).filter(({ state }) => state === 'recording').length, 0, 'closed as long as they are there');
    marks = people.map((one) => one.mark());
    await eve.say(eve.handle, { request: 'leave' });
    eve.close();
    for (const [i, one] of people.entries()) await one.state('recording', { since: marks[i] });
    call.end();
  });

test('people of the session come and go, also by a lost connection, and nothing closes for long', { timeout: 30_000 }, async () => {
  const call = await recorded('come-and-go', 4);
  const mark = call.anna.mark();
  call.seats[1].close(); // ben's connection with Janus alone
  await sleep(1500);
  call.seats[1] = await enter(await through('come-and-go', 'ben'), 4);
  await sleep(1500);
  assert.deepEqual(call.anna.log.slice(mark).filter(({ type }) => type === 'recording.state').map(({ state, reason }) => `${state}/${reason}`), []);
  await call.ben.leave(); // of the session: the gate takes them out of the room, though their page is still there
  await call.seats[1].expect(({ plugindata }) => plugindata?.data.leaving === 'ok', 'ben to be out of the room');
  await call.anna.state('recording', { since: mark });
  await sleep(1500);
  assert.ok(!call.anna.log.slice(mark).some(({ reason }) => reason === 'unknown_participant'));
  call.end();
});

test('somebody with a token who is in the room but has not joined the session is nobody on the roster', { timeout: 30_000 }, async () => {
  const call = await recorded('not-joined', 2);
  const marks = [call.anna.mark(), call.ben.mark()];
  const carl = await enter(await through('not-joined', 'carl'), 2);
  await closes([call.anna, call.ben], marks, 'unknown_participant', 2000);
  carl.close();
  call.end();
});

test('a room that records by itself keeps the gate closed', { timeout: 30_000 }, async () => {
  const anna = await Client.join(stage.daemon, 'elsewhere', 'anna', 'expert');
  const seat = await enter(await through('elsewhere', 'anna'), 3);
  await anna.request({ type: 'recording.request', disclosure: DISCLOSURE });
  await closes([anna], [0], 'recording_elsewhere', 3000);
  await sleep(1200);
  assert.ok(!anna.log.some(({ state }) => state === 'recording'));
  seat.close();
  anna.close();
});

test('a Janus that does not answer: nothing commits, the gate closes at the lease, and both go on when it answers', { timeout: 90_000 }, async () => {
  const kept = async () => (await stage.daemon.segments('still')).filter(({ state }) => state === 'kept');
  const anna = await stage.open('still', 'anna', 'expert');
  await anna.connect();
  await anna.do('enterRoom', 2, 'anna');
  await anna.client('request', DISCLOSURE);
  await anna.recording('recording');
  await until(async () => (await kept()).length >= 2, 'segments', 20_000);
  process.kill(stage.janus.pid, 'SIGSTOP');
  const before = (await anna.state('states')).length;
  let since;
  try {
    const stopped = Date.now();
    await sleep(100);
    const at_stop = (await kept()).length;
    await anna.recording('suspended', { since: before, ms: LEASE_MS + 2000 });
    assert.equal((await anna.state('states')).slice(before).find(({ state }) => state === 'suspended').reason, 'sfu_silent');
    await sleep(3 * LEASE_MS + 1000 - (Date.now() - stopped));
    since = (await anna.state('states')).length;
    const list = await stage.daemon.segments('still');
    assert.equal(list.filter(({ state }) => state === 'kept').length, at_stop, 'nothing was kept without a comparison');
    assert.ok(list.some(({ state, reason }) => state === 'dropped' && reason === 'sfu_silent'), 'what was recorded meanwhile is thrown away');
    assert.deepEqual(list.filter(({ state, end }) => state === 'kept' && Date.parse(end) > stopped), []);
  } finally {
    process.kill(stage.janus.pid, 'SIGCONT');
  }
  const count = (await kept()).length;
  await anna.recording('recording', { since, ms: 15_000 });
  await until(async () => (await kept()).length > count, 'segments kept again', 20_000);
});
