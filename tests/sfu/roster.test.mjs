// SPDX-License-Identifier: Apache-2.0
// Who is in Janus's room beside who is on the roster (R8): people who come past the gate, a Janus that does not answer, a room that records by itself.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Client, DISCLOSURE } from '../integration/client.mjs';
import { Daemon, sleep, SLOW, until } from '../integration/daemon.mjs';
import { JanusProcess } from '../integration/janus.mjs';
import { Stage } from './app.mjs';
import { JanusClient } from './client.mjs';
import { closes, enter, Seats, states, subscribe } from './seats.mjs';

const LEASE_MS = Math.min(2000 * SLOW, 6000); // three of them are less than the 30 s after which Janus and the gate give up a silent leg
const PLUGINS = {
  'janus.plugin.videoroom.jcfg': `room-1: { description = "One" publishers = 6 notify_joining = true }
    room-2: { description = "Two" publishers = 6 }
    room-3: { description = "Records" publishers = 6 record = true rec_dir = "/nonexistent" }
    room-4: { description = "Four" publishers = 6 }
    room-5: { description = "Placeholder" publishers = 6 dummy_publisher = true notify_joining = true }
    room-6: { description = "Theirs" publishers = 6 }`,
  'janus.plugin.audiobridge.jcfg': 'room-7: { description = "Voices" sampling_rate = 16000 }',
};
let stage, seats;
before(async () => {
  stage = await Stage.start({
    janus: { plugins: ['videoroom', 'audiobridge'], config: PLUGINS },
    config: { 'consent.lease_ms': LEASE_MS, 'consent.heartbeat_ms': 200, 'consent.absent_ms': 3 * LEASE_MS },
  });
  seats = new Seats(stage);
}, { timeout: 60_000 });
after(() => stage?.end());

for (const [plugin, room] of [['videoroom', 1], ['audiobridge', 7]])
  test(`somebody who joins a ${plugin} past the gate closes it within a second, and it opens when they have gone`, { timeout: 30_000 }, async () => {
    const call = await seats.recorded(`past-${plugin}`, room, plugin);
    const people = [call.anna, call.ben];
    let marks = people.map((one) => one.mark());
    await sleep(1500);
    for (const [i, one] of people.entries()) assert.deepEqual(states(one, marks[i]), [], 'it stays open');
    const eve = await seats.direct();
    await enter(eve, room, { plugin });
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
  const call = await seats.recorded('come-and-go', 4);
  const mark = call.anna.mark();
  call.seats[1].close(); // ben's connection with Janus alone
  await sleep(1500);
  call.seats[1] = await enter(await seats.through('come-and-go', 'ben'), 4);
  await sleep(1500);
  assert.deepEqual(states(call.anna, mark), []);
  await call.ben.leave(); // of the session: the gate takes them out of the room, though their page is still there
  await call.seats[1].expect(({ plugindata }) => plugindata?.data.leaving === 'ok', 'ben to be out of the room');
  await call.anna.state('recording', { since: mark });
  await sleep(1500);
  assert.ok(!call.anna.log.slice(mark).some(({ reason }) => reason === 'unknown_participant'));
  call.end();
});

test('somebody with a token who is in the room but has not joined the session is nobody on the roster', { timeout: 30_000 }, async () => {
  const call = await seats.recorded('not-joined', 2);
  const marks = [call.anna.mark(), call.ben.mark()];
  const carl = await enter(await seats.through('not-joined', 'carl'), 2);
  await closes([call.anna, call.ben], marks, 'unknown_participant', 2000);
  carl.close();
  call.end();
});

test('Janus’s own placeholder is nobody, and its room is recorded', { timeout: 30_000 }, async () => {
  const call = await seats.recorded('placeholder', 5);
  assert.ok(call.seats[0].joined.plugindata.data.publishers.some(({ dummy }) => dummy));
  const mark = call.anna.mark();
  await sleep(1500);
  assert.deepEqual(states(call.anna, mark), []);
  const eve = await seats.direct();
  await enter(eve, 5, { display: 'Dummy publisher', dummy: true });
  await closes([call.anna], [mark], 'unknown_participant');
  eve.close();
  call.end();
});

test('to receive somebody’s feed does not make them known', { timeout: 30_000 }, async () => {
  const call = await seats.recorded('feed', 6);
  const people = [call.anna, call.ben], marks = people.map((one) => one.mark());
  const eve = await (await seats.direct()).create();
  const feed = { request: 'add_remote_publisher', room: 6, id: 777, streams: [{ type: 'audio', mid: '0', mindex: 0, codec: 'opus' }] };
  const handle = await eve.attach('videoroom');
  assert.equal((await eve.say(handle, feed)).plugindata.data.videoroom, 'success');
  await closes(people, marks, 'unknown_participant');
  const legacy = await subscribe(call.seats[0], 6, { feed: 777 });
  assert.equal(legacy.data.id, 777, 'Janus names the feed where it names who joined');
  await subscribe(call.seats[1], 6, { streams: [{ feed: 777 }] });
  await sleep(1500);
  for (const [i, one] of people.entries()) assert.ok(!states(one, marks[i]).some((said) => said.startsWith('recording')), 'closed as long as the feed is there');
  assert.equal((await eve.say(handle, { request: 'remove_remote_publisher', room: 6, id: 777 })).plugindata.data.videoroom, 'success');
  for (const [i, one] of people.entries()) await one.state('recording', { since: marks[i] });
  eve.close();
  call.end();
});

test('somebody of another session who only listens closes the gate at once, until they have gone', { timeout: 30_000 }, async () => {
  const call = await seats.recorded('listened', 5);
  const people = [call.anna, call.ben];
  let marks = people.map((one) => one.mark());
  const member = await Client.join(stage.daemon, 'listeners', 'mallory', 'client');
  const mallory = await (await seats.through('listeners', 'mallory')).create();
  const feed = call.seats[0].joined.plugindata.data.publishers[0].id; // the placeholder's
  const { handle } = await subscribe(mallory, 5, { streams: [{ feed }] });
  await closes(people, marks, 'unknown_participant', 400); // sooner than the next comparison
  await sleep(1500);
  for (const [i, one] of people.entries()) assert.ok(!states(one, marks[i]).some((said) => said.startsWith('recording')), 'closed as long as they listen');
  await mallory.ask({ janus: 'detach', session_id: mallory.session_id, handle_id: handle });
  for (const [i, one] of people.entries()) await one.state('recording', { since: marks[i], ms: 1500 });
  marks = people.map((one) => one.mark());
  await subscribe(mallory, 5, { feed });
  await closes(people, marks, 'unknown_participant', 400);
  await member.leave(); // of their session: the gate takes them out of the room
  for (const [i, one] of people.entries()) await one.state('recording', { since: marks[i], ms: 1500 });
  mallory.close();
  call.end();
});

test('a room in which somebody of another session listens already is not recorded', { timeout: 30_000 }, async () => {
  const member = await Client.join(stage.daemon, 'early', 'mallory', 'client');
  const mallory = await (await seats.through('early', 'mallory')).create();
  const publisher = await enter(await seats.direct(), 5);
  const feed = publisher.joined.plugindata.data.publishers.find(({ dummy }) => dummy).id;
  publisher.close();
  await subscribe(mallory, 5, { streams: [{ feed }] });
  const anna = await Client.join(stage.daemon, 'late', 'anna', 'expert');
  const seat = await enter(await seats.through('late', 'anna'), 5);
  await anna.request({ type: 'recording.request', disclosure: DISCLOSURE });
  await closes([anna], [0], 'unknown_participant');
  await sleep(1200);
  assert.ok(!anna.log.some(({ state }) => state === 'recording'));
  const mark = anna.mark();
  mallory.close();
  await anna.state('recording', { since: mark });
  [anna, seat, member].forEach((one) => one.close());
});

test('sessions in different rooms, and one after the other in the same, are recorded', { timeout: 30_000 }, async () => {
  const one = await seats.recorded('first', 5);
  const two = await seats.recorded('second', 4);
  const feed = one.seats[0].joined.plugindata.data.publishers.find(({ dummy }) => dummy).id;
  for (const seat of one.seats) await subscribe(seat, 5, { streams: [{ feed }] });
  const marks = [one.anna.mark(), two.anna.mark()];
  await sleep(1500);
  assert.deepEqual([states(one.anna, marks[0]), states(two.anna, marks[1])], [[], []]);
  one.end();
  const three = await seats.recorded('third', 5); // while the gate still has the first on their way out
  await sleep(3500);
  assert.deepEqual(states(two.anna, marks[1]), []);
  assert.ok(!three.anna.log.some(({ reason }) => reason === 'unknown_participant'), JSON.stringify(states(three.anna, 0)));
  [two, three].forEach((call) => call.end());
});

test('a room that somebody ends elsewhere takes nobody out of the one that they are in', { timeout: 30_000 }, async () => {
  const call = await seats.recorded('moderated', 2);
  const mark = call.anna.mark();
  const anna = call.seats[0];
  assert.equal((await anna.say(anna.handle, { request: 'create', room: 99 })).plugindata.data.videoroom, 'created');
  assert.deepEqual((await anna.say(anna.handle, { request: 'destroy', room: 99 })).plugindata.data, { videoroom: 'destroyed', room: 99, permanent: false });
  await sleep(4500);
  assert.deepEqual(states(call.anna, mark), []);
  call.end();
});

test('a room that records by itself keeps the gate closed', { timeout: 30_000 }, async () => {
  const anna = await Client.join(stage.daemon, 'elsewhere', 'anna', 'expert');
  const seat = await enter(await seats.through('elsewhere', 'anna'), 3);
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

/** A Janus that has n public rooms, of somewhat over 1 kB each in its list. */
const janusOf = (n) => JanusProcess.start({ plugins: ['videoroom'], config: {
  'janus.plugin.videoroom.jcfg': Array.from({ length: n }, (_, i) => `room-${i + 1}: { description = "${'x'.repeat(500)}" publishers = 6 }`).join('\n') } });

/** Somebody alone in a room, who asks to be recorded. */
async function alone(daemon, session, room) {
  const anna = await Client.join(daemon, session, 'anna', 'expert');
  await enter(await JanusClient.connect(daemon, { token: daemon.token(session, 'anna', 'client') }), room);
  await anna.request({ type: 'recording.request', disclosure: DISCLOSURE });
  return anna;
}

/** Anna in a room of a Janus that has n; check looks at how she is recorded. */
async function amongRooms(n, check) {
  const janus = await janusOf(n);
  const daemon = await Daemon.start({ config: { 'sfu.janus': janus.ws, 'consent.lease_ms': LEASE_MS, 'consent.heartbeat_ms': 200 } });
  try {
    await check(await alone(daemon, 'many', 1), daemon);
  } finally {
    await daemon.end();
    await janus.stop();
  }
}

/** A way to Janus that counts its lists of rooms as they pass. */
async function countingLists(port) {
  const counter = { lists: 0, server: net.createServer((client) => {
    const janus = net.connect(port, '127.0.0.1');
    janus.on('data', (bytes) => { counter.lists += (bytes.toString('latin1').match(/"list"\s*:/g) ?? []).length; });
    for (const one of [client, janus]) one.on('error', () => {});
    client.pipe(janus).pipe(client);
  }) };
  await once(counter.server.listen(0, '127.0.0.1'), 'listening');
  return counter;
}

test('sessions share the list of rooms', { timeout: 30_000 }, async () => {
  const janus = await janusOf(4), counter = await countingLists(janus.port);
  const daemon = await Daemon.start({ config: { 'sfu.janus': `ws://127.0.0.1:${counter.server.address().port}` } });
  try {
    const people = [];
    for (const room of [1, 2, 3, 4]) people.push(await alone(daemon, `in-${room}`, room));
    for (const anna of people) await anna.state('recording', { ms: 10_000 });
    assert.ok(counter.lists >= 1 && counter.lists <= 2, `${counter.lists} lists for four rooms`);
  } finally {
    await daemon.end();
    await janus.stop();
    counter.server.close();
  }
});

test('a Janus of 2000 rooms', { timeout: 60_000 }, () => amongRooms(2000, (anna) => anna.state('recording', { ms: 10_000 })));

test('of more rooms than the gate reads nothing is recorded, and the log says why, once', { timeout: 60_000 }, () => amongRooms(5000, async (anna, daemon) => {
  await until(() => /event=janus_list_closed .*too much at once/.test(daemon.log), 'the line in the log', 10_000);
  await sleep(2000);
  assert.equal(daemon.log.match(/janus_(list|watch)_closed/g).length, 1);
  assert.ok(!anna.log.some(({ state }) => state === 'recording'));
}));
