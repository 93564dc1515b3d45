// SPDX-License-Identifier: Apache-2.0
// The gate in front of a real Janus, over real sockets: what passes, what is answered in Janus's place, and what ends with what.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Client, exchange, upgrade } from '../integration/client.mjs';
import { Daemon, SLOW, forge, scratch, sleep, until } from '../integration/daemon.mjs';
import { JanusProcess } from '../integration/janus.mjs';
import { JanusClient } from './client.mjs';

const ROOM = { 'janus.plugin.videoroom.jcfg': 'room-1234: { description = "Demo" publishers = 6 bitrate = 128000 }' };
let janus, daemon;
before(async () => {
  janus = await JanusProcess.start({ plugins: ['audiobridge', 'echotest', 'recordplay', 'textroom', 'videocall', 'videoroom'], config: ROOM });
  daemon = await Daemon.start({ config: { 'sfu.janus': janus.ws } });
}, { timeout: 60_000 });
after(async () => {
  await daemon?.end();
  await janus?.stop();
});

const token = (participant, role = 'client', session = 'talk') => daemon.token(session, participant, role);
const connect = (participant, ...rest) => JanusClient.connect(daemon, { token: token(participant, ...rest) });
const segments = async () => (await daemon.segments('talk')).length;

/** A description as complete as the gate needs it; nobody listens behind it. */
const OFFER = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=mid:0',
  'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=setup:actpass', 'a=rtcp-mux',
  'a=sendrecv', 'a=rtpmap:111 opus/48000/2', 'a=candidate:1 1 udp 1 192.0.2.7 4444 typ host', ''].join('\r\n');
const offer = { type: 'offer', sdp: OFFER };

test('what has no PeerConnection in it passes as it is, before anybody has joined', async () => {
  const anna = await connect('anna');
  const info = await anna.ask({ janus: 'info' });
  assert.deepEqual([info.janus, info.name], ['server_info', 'Janus WebRTC Server']);
  await anna.create();
  assert.equal((await anna.ask({ janus: 'keepalive', session_id: anna.session_id })).janus, 'ack');
  const room = await anna.attach('videoroom');
  const listed = await anna.say(room, { request: 'list' });
  assert.equal(listed.plugindata.data.list[0].room, 1234);
  const joined = await anna.say(room, { request: 'join', ptype: 'publisher', room: 1234, display: 'Anna' });
  assert.equal(joined.plugindata.data.videoroom, 'joined');
  assert.equal((await anna.ask({ janus: 'detach', session_id: anna.session_id, handle_id: room })).janus, 'success');
  assert.equal((await anna.ask({ janus: 'destroy', session_id: anna.session_id })).janus, 'success');
  anna.close();
});

test('a token in the address serves as well; none, a wrong, an old one and an auditor’s are told what to do', async () => {
  const inUrl = await JanusClient.connect(daemon, { inUrl: token('ben') });
  await inUrl.create();
  inUrl.close();
  const old = forge({ aud: 'recgate', sid: 'talk', sub: 'x', role: 'client', exp: 1 }, { secret: readFileSync(daemon.place.secret, 'utf8').trim() });
  for (const [wrong, word] of [[undefined, /bad_token/], ['a.b.c', /bad_token/], [old, /token_expired/], [token('aud', 'auditor'), /role_may_not_join/]]) {
    const client = await JanusClient.connect(daemon, { token: wrong });
    const { janus: kind, transaction, error } = await client.ask({ janus: 'create' });
    assert.deepEqual([kind, transaction, error.code], ['error', 't1', 403]);
    assert.match(error.reason, word);
    assert.match(error.reason, /recgate token/);
    assert.equal(await client.closed, 1008);
  }
});

test('another path’s subprotocol, a foreign page and what is not Janus’s JSON are refused', async () => {
  const status = async (options) => Number((await exchange(daemon, upgrade(daemon, { path: '/janus', ...options }))).split(' ')[1]);
  assert.equal(await status({ protocol: 'recgate.v1' }), 400);
  assert.equal(await status({ protocol: 'janus-protocol', origin: 'https://evil.example' }), 403);
  assert.equal(await status({ protocol: 'janus-protocol', origin: null }), 101);
  const anna = await connect('anna');
  anna.text('{"janus":"create",');
  assert.equal((await anna.expect((message) => message.janus === 'error')).error.code, 454);
  anna.send({ hello: 1, transaction: 'h' });
  assert.equal((await anna.expect((message) => message.transaction === 'h')).janus, 'error');
  assert.equal((await anna.ask({ janus: 'claim', session_id: 1 })).error.code, 453);
  assert.equal((await anna.ask({ janus: 'list_sessions', admin_secret: 'janusoverlord' })).error.code, 453);
  anna.close();
});

test('a connection uses its own sessions and handles only', async () => {
  const [anna, ben] = [await connect('anna').then((one) => one.create()), await connect('ben').then((one) => one.create())];
  const handle = await anna.attach('echotest');
  assert.equal((await ben.ask({ janus: 'attach', session_id: anna.session_id, plugin: 'janus.plugin.echotest' })).error.code, 458);
  assert.equal((await ben.ask({ janus: 'destroy', session_id: anna.session_id })).error.code, 458);
  assert.equal((await ben.ask({ janus: 'message', session_id: ben.session_id, handle_id: handle, body: {} })).error.code, 459);
  assert.equal((await anna.say(handle, { audio: true })).plugindata.data.result, 'ok');
  for (let i = 1; i < 8; i++) assert.equal((await ben.ask({ janus: 'create' })).janus, 'success');
  assert.equal((await ben.ask({ janus: 'create' })).error.code, 461, 'eight sessions are enough');
  anna.close();
  ben.close();
});

test('a PeerConnection needs somebody who joined with recgate.v1, is there, and was not replaced (R7, R15)', async () => {
  const carl = await connect('carl').then((one) => one.create());
  const handle = await carl.attach('echotest');
  const say = () => carl.say(handle, { audio: true }, offer);
  const early = await say();
  assert.deepEqual([early.janus, early.error.code], ['error', 403]);
  assert.match(early.error.reason, /^not_joined: .*recgate\.v1/);

  const person = await Client.join(daemon, 'talk', 'carl', 'client');
  const answered = await say();
  assert.equal(answered.jsep.type, 'answer');
  assert.match(answered.jsep.sdp, /a=ice-lite/);
  assert.ok(daemon.media.split(',').some((at) => answered.jsep.sdp.includes(` 127.0.0.1 ${at.split(':').at(-1)} typ host`)), answered.jsep.sdp);
  assert.equal(answered.jsep.sdp.match(/a=candidate:/g).length, 1, 'the gate’s candidate alone');

  const again = await Client.join(daemon, 'talk', 'carl', 'client');
  await person.expect('replaced');
  assert.match((await say()).error.reason, /^replaced: /);
  const anew = await connect('carl').then((one) => one.create());
  const fresh = await anew.attach('echotest');
  assert.equal((await anew.say(fresh, { audio: true }, offer)).jsep.type, 'answer');

  again.send({ type: 'leave' });
  await again.closed;
  assert.match((await anew.say(fresh, { audio: true }, offer)).error.reason, /^not_joined: /);
  for (const one of [carl, anew, person]) one.close();
  assert.equal(await segments(), 0);
});

test('trickled candidates stay with the gate, and Janus acknowledges them', async () => {
  const dora = await Client.join(daemon, 'talk', 'dora', 'client');
  const client = await connect('dora').then((one) => one.create());
  const handle = await client.attach('echotest');
  await client.say(handle, { audio: true }, offer);
  const trickled = { janus: 'trickle', session_id: client.session_id, handle_id: handle, candidate: { candidate: 'candidate:1 1 udp 1 192.0.2.9 5 typ host', sdpMid: '0', sdpMLineIndex: 0 } };
  for (let i = 0; i < 150; i++) client.send({ transaction: `c${i}`, token: client.token, ...trickled });
  await client.expect((message) => message.transaction === 'c149' && message.janus === 'ack', 'the last ack');
  assert.ok(!client.log.some((message) => message.janus === 'trickle' || message.janus === 'error'));
  client.close();
  dora.close();
});

test('what would record behind the gate is refused before it reaches Janus (R7)', async () => {
  const emil = await connect('emil').then((one) => one.create());
  const echo = await emil.attach('echotest');
  const room = await emil.attach('videoroom');
  for (const [handle, body] of [[echo, { audio: true, record: true, filename: 'a' }], [room, { request: 'create', record: true }], [room, { request: 'rtp_forward', room: 1234 }],
    [room, { request: 'enable_recording', room: 1234, record: true }], [room, { request: 'joinandconfigure', room: 1234, ptype: 'publisher', record: true }]]) {
    const { error } = await emil.say(handle, body);
    assert.equal(error.code, 403);
    assert.match(error.reason, /^recording_elsewhere: /);
  }
  await assert.rejects(emil.attach('recordplay'), /recording_elsewhere/);
  assert.equal((await emil.say(room, { request: 'list' })).plugindata.data.list.length, 1, 'no room was made');
  emil.close();
});

test('a transaction that several requests share does not change what a handle may do (R7)', async () => {
  const nora = await connect('nora').then((one) => one.create());
  const echo = await nora.attach('echotest');
  const shared = { transaction: 'same', token: nora.token, session_id: nora.session_id };
  for (let i = 0; i < 10; i++) {
    const since = nora.mark();
    nora.send({ ...shared, janus: 'message', handle_id: echo }); // without a body: an error of Janus's
    for (const plugin of ['audiobridge', 'textroom']) nora.send({ ...shared, janus: 'attach', plugin: `janus.plugin.${plugin}` });
    const attached = () => nora.log.slice(since).filter(({ janus: kind, transaction }) => kind === 'success' && transaction === 'same');
    await until(() => attached().length === 2, 'both handles');
    const [voices, texts] = attached().map(({ data }) => data.id); // Janus answers them in order
    const { error } = await nora.say(voices, { request: 'create', allow_rtp_participants: true });
    assert.equal(error?.code, 403);
    assert.match(error.reason, /^recording_elsewhere: /);
    assert.equal((await nora.say(texts, { request: 'create', allow_rtp_participants: true })).plugindata.plugin, 'janus.plugin.textroom');
  }
  nora.close();
});

test('a VideoCall: the gate stands in both PeerConnections, and each sees the gate alone', async () => {
  const ends = [];
  for (const id of ['leo', 'mia']) {
    const person = await Client.join(daemon, 'talk', id, 'client');
    const client = await connect(id).then((one) => one.create());
    const handle = await client.attach('videocall');
    await client.say(handle, { request: 'register', username: id });
    ends.push({ person, client, handle });
  }
  const [leo, mia] = ends;
  const call = leo.client.say(leo.handle, { request: 'call', username: 'mia' }, offer);
  const asked = await mia.client.expect((message) => message.plugindata?.data.result?.event === 'incomingcall');
  await call;
  await mia.client.say(mia.handle, { request: 'accept' }, { type: 'answer', sdp: OFFER.replace('actpass', 'active').replace(/AB/g, 'CD') });
  const accepted = await leo.client.expect((message) => message.plugindata?.data.result?.event === 'accepted');
  const own = daemon.media.split(',').map((at) => at.split(':').at(-1));
  for (const { jsep } of [asked, accepted]) {
    assert.match(jsep.sdp, /a=ice-lite/);
    const candidates = jsep.sdp.match(/a=candidate:.*/g);
    assert.ok(candidates.every((line) => own.includes(line.split(' ')[5])), candidates.join());
    assert.doesNotMatch(jsep.sdp, /AB:AB|CD:CD|192\.0\.2/);
  }
  for (const { person, client } of ends) {
    client.close();
    person.close();
  }
});

test('a session with an SFU is no mesh: more than four people, and nobody is connected with anybody else', async () => {
  const people = [];
  for (let i = 0; i < 7; i++) people.push(await Client.join(daemon, 'many', `p${i}`, i ? 'client' : 'expert'));
  assert.equal(people[6].joined.participants.length, 7);
  assert.ok(people.every((one) => !one.log.some(({ type }) => type === 'peer.ready')));
  for (const one of people) one.close();
});

test('handles and PeerConnections are counted, and all of a person’s end when they leave', async () => {
  const person = await Client.join(daemon, 'talk', 'nil', 'client');
  const client = await connect('nil').then((one) => one.create());
  const answers = [];
  for (let i = 0; i < 128; i++) {
    const handle = await client.attach('echotest');
    if (i < 81) answers.push(await client.say(handle, { audio: true }, offer));
  }
  await assert.rejects(client.attach('echotest'), /"code":461/);
  assert.deepEqual(answers.map(({ jsep, error }) => jsep?.type ?? error.code), [...Array(80).fill('answer'), 461]);
  person.send({ type: 'leave' });
  await person.closed;
  const { json } = await daemon.get('/v1/sessions/talk', daemon.token('talk', 'auditor', 'auditor'));
  assert.ok(json.participants.length > 0, 'the daemon is well');
  client.close();
});

test('Janus is told of who leaves also where nothing can say so on the media’s way (R15)', { timeout: 60_000 }, async (t) => {
  const ends = [];
  for (let i = 0; i < 40; i++) { // Janus 1.1 loses a hangup that comes as its DTLS begins: then the handle is detached
    const person = await Client.join(daemon, `leaving-${i}`, 'otto', 'client');
    const client = await connect('otto', 'client', `leaving-${i}`).then((one) => one.create());
    const handle = await client.attach('echotest');
    await client.say(handle, { audio: true }, offer);
    person.send({ type: 'leave' }); // before Janus and the gate have shaken hands
    const end = ({ janus, sender }) => ['hangup', 'detached'].includes(janus) && sender === handle;
    ends.push(client.expect(end, 'Janus to end it', 5000).then((ended) => {
      assert.ok(!client.log.some(({ transaction }) => transaction?.startsWith('recgate')), 'what the gate asks is the gate’s');
      client.close();
      return ended.janus;
    }));
  }
  const how = await Promise.all(ends);
  t.diagnostic(`detached: ${how.filter((one) => one === 'detached').length} of ${how.length}`);
});

const LATE_MS = 600;

/** A way to Janus on which what it says comes late. */
async function lateWay() {
  const server = net.createServer((gate) => {
    const to = net.connect(janus.port, '127.0.0.1');
    to.on('data', (bytes) => setTimeout(() => gate.write(bytes), LATE_MS));
    for (const one of [gate, to]) one.on('error', () => {}).on('close', () => [gate, to].forEach((end) => end.destroy()));
    gate.pipe(to);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

/**
 * An offer after a hangup that Janus has done: its word of that comes when the gate has the next PeerConnection already. (An offer sooner than that Janus 1.1
 * refuses at times, also without a gate, or ends itself.)
 */
async function callAgain(config, participant) {
  const way = await lateWay();
  const at = await Daemon.start({ config: { 'sfu.janus': `ws://127.0.0.1:${way.address().port}`, ...config } });
  try {
    await Client.join(at, 'again', participant, 'client');
    const client = await JanusClient.connect(at, { token: at.token('again', participant, 'client') }).then((one) => one.create());
    const handle = await client.attach('echotest');
    const said = async (jsep) => {
      const answer = await client.say(handle, { audio: true }, jsep);
      assert.equal(answer.jsep?.type, 'answer', JSON.stringify(answer));
    };
    const hangups = () => client.log.filter(({ janus: kind }) => kind === 'hangup').length;
    await said(offer);
    client.send({ janus: 'hangup', transaction: 'over', token: client.token, session_id: client.session_id, handle_id: handle });
    await sleep(LATE_MS / 2);
    assert.equal(hangups(), 0, 'not told yet');
    await said(offer);
    assert.equal(hangups(), 1, 'of the first PeerConnection');
    await said({ type: 'offer', sdp: OFFER.replace('- 1 1', '- 1 2') }); // the second goes on
  } finally {
    await at.end();
    way.close();
  }
}

test('a hangup that Janus reports late ends the PeerConnection that it is of, not the next', { timeout: 60_000 }, () => callAgain({}, 'ed'));

test('the same where the next offer waits for the gate’s own candidates', { timeout: 60_000 }, () =>
  callAgain({ 'sfu.ice': 'full', 'sfu.stun': 'stun:127.0.0.1:9' }, 'una')); // nobody there: 3 s

test('what waits is answered also where Janus gives its session up meanwhile', { timeout: 60_000 }, async () => {
  const brief = await JanusProcess.start({ plugins: ['echotest'], general: 'session_timeout = 1' });
  const full = await Daemon.start({ config: { 'sfu.janus': brief.ws, 'sfu.ice': 'full', 'sfu.stun': 'stun:127.0.0.1:9' } });
  const person = await Client.join(full, 'talk', 'vera', 'client');
  const client = await JanusClient.connect(full, { token: full.token('talk', 'vera', 'client') }).then((one) => one.create());
  const handle = await client.attach('echotest');
  await sleep(900); // Janus looks every 2 s: mostly it has before the 3 s of the offer's waiting are over
  const { jsep, error } = await client.say(handle, { audio: true }, offer);
  assert.ok(error?.code === 458 || jsep);
  person.close();
  await full.end();
  await brief.stop();
});

test('descriptions that the gate cannot stand in are refused in Janus’s words', async () => {
  const fay = await Client.join(daemon, 'talk', 'fay', 'client');
  const client = await connect('fay').then((one) => one.create());
  const handle = await client.attach('echotest');
  for (const jsep of [{ type: 'offer', sdp: OFFER.replace('a=rtcp-mux\r\n', '') }, { type: 'offer', sdp: OFFER.replace(/a=fingerprint.*\r\n/, '') }, { type: 'answer', sdp: OFFER },
    { type: 'offer' }, { type: 'rollback', sdp: '' }, { type: 'offer', sdp: 'x' }]) {
    const { error } = await client.say(handle, { audio: true }, jsep);
    assert.equal(error?.code, 465, JSON.stringify(jsep));
  }
  assert.equal((await client.say(handle, { audio: true }, offer)).jsep.type, 'answer', 'and the next good one passes');
  client.close();
  fay.close();
});

test('one side’s end is the other’s', async () => {
  const gil = await connect('gil').then((one) => one.create());
  gil.close();
  await until(() => janus.said.includes(`Destroying session ${gil.session_id}`), 'Janus to end the session');
  const own = await JanusProcess.start({ plugins: ['echotest'] });
  const other = await Daemon.start({ config: { 'sfu.janus': own.ws } });
  const hal = await JanusClient.connect(other, { token: other.token('talk', 'hal', 'client') }).then((one) => one.create());
  await own.stop();
  assert.equal(await hal.closed, 1001);
  const ida = await JanusClient.connect(other, { token: other.token('talk', 'ida', 'client') });
  const { error } = await ida.ask({ janus: 'create' });
  assert.equal(error.code, 450);
  assert.match(error.reason, /does not reach Janus/);
  assert.equal(await ida.closed, 1013);
  assert.equal((await other.end()).code, 0);
});

test('Janus’s own token and secret are put in by the gate, and nobody else’s serve', async () => {
  const guarded = await JanusProcess.start({ plugins: ['echotest'], general: 'api_secret = "of-the-operator"' });
  const place = scratch();
  const secret = path.join(place.dir, 'janus-secret');
  writeFileSync(secret, 'of-the-operator\n', { mode: 0o600 });
  const other = await Daemon.start({ place, config: { 'sfu.janus': guarded.ws, 'sfu.janus_secret_file': secret } });
  const kim = await JanusClient.connect(other, { token: other.token('talk', 'kim', 'client') });
  await kim.create();
  await kim.attach('echotest');
  await other.end();
  place.remove();
  await guarded.stop();
});

test('a connection that never shows a token is not kept', async () => {
  const silent = await JanusClient.connect(daemon, {});
  const began = performance.now();
  assert.equal(await silent.closed, 1008);
  assert.ok(performance.now() - began < 8000 * SLOW);
});

test('without [sfu] janus there is no such path', async () => {
  const plain = await Daemon.start();
  assert.equal(Number((await exchange(plain, upgrade(plain, { path: '/janus', protocol: 'janus-protocol' }))).split(' ')[1]), 404);
  await plain.end();
});
