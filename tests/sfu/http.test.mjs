// SPDX-License-Identifier: Apache-2.0
// Janus's HTTP API at the gate: beside what a real Janus answers to the same requests, whose sessions are whose, long polls, bounds, and what ends.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Client } from '../integration/client.mjs';
import { Daemon, SLOW, forge, sleep, until } from '../integration/daemon.mjs';
import { JanusProcess } from '../integration/janus.mjs';
import { JanusHttpClient } from './http-client.mjs';

const PLUGINS = ['echotest', 'videocall', 'videoroom', 'recordplay'];
const CONFIG = { 'janus.plugin.videoroom.jcfg': 'room-1234: { description = "Demo" publishers = 6 bitrate = 128000 }' };
let janus, direct, daemon, quiet, stuck;
before(async () => {
  [janus, direct] = await Promise.all([JanusProcess.start({ plugins: PLUGINS, config: CONFIG }), JanusProcess.start({ plugins: PLUGINS, config: CONFIG, transport: 'http' })]);
  daemon = await Daemon.start({ config: { 'sfu.janus': janus.ws, 'limits.socket_queue_bytes_max': 524_288 } });
  quiet = [direct.http, `${daemon.base}/janus`].map((server) => nothingHappens(server));
  stuck = janusHangs();
  for (const one of [...quiet, stuck]) one.catch(() => {}); // the last tests look, if they run
}, { timeout: 60_000 });
after(async () => {
  await daemon?.end();
  await Promise.all([janus?.stop(), direct?.stop()]);
});

const token = (participant, role = 'client', session = 'talk', more = {}) => daemon.token(session, participant, role, more);
const connect = (participant, ...rest) => new JanusHttpClient(`${daemon.base}/janus`, token(participant, ...rest));
const begin = (participant, ...rest) => connect(participant, ...rest).create();

/** Begun before all others, and read by the last test. */
async function nothingHappens(server) {
  const client = await new JanusHttpClient(server, server === direct.http ? undefined : token('quiet')).create();
  const began = performance.now();
  const answers = await Promise.all([client.poll(), client.poll({ maxev: 5 })]);
  return { waited_s: Math.round((performance.now() - began) / 1000), answers: answers.map(({ status, json }) => [status, json]) };
}

/** 70 requests to a Janus that is stopped, and one when it goes on. */
async function janusHangs() {
  const own = await JanusProcess.start({ plugins: ['echotest'] });
  const other = await Daemon.start({ config: { 'sfu.janus': own.ws } });
  const client = await new JanusHttpClient(`${other.base}/janus`, other.token('talk', 'kim', 'client')).create();
  process.kill(own.pid, 'SIGSTOP');
  const asked = performance.now();
  const ask = () => client.ask({ janus: 'keepalive' }, client.path);
  const answers = await Promise.all(Array.from({ length: 70 }, () => ask().then(({ error }) => [error?.code, Math.round((performance.now() - asked) / 1000)])));
  process.kill(own.pid, 'SIGCONT');
  const later = await ask();
  await other.end();
  await own.stop();
  return { answers, later: later.janus };
}

/** A description as complete as the gate needs it; nobody listens behind it. */
const OFFER = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=mid:0',
  'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=setup:actpass', 'a=rtcp-mux',
  'a=sendrecv', 'a=rtpmap:111 opus/48000/2', 'a=candidate:1 1 udp 1 192.0.2.7 4444 typ host', ''].join('\r\n');
const offer = { type: 'offer', sdp: OFFER };

/** What a client sees of an answer: its status, its kind, the code of an error, whose it is. */
const seen = ({ status, json }) => [status, ...[json].flat().map((one) => one && [one.janus, one.error?.code, one.transaction])];

const code = ({ status, json }) => [status, json.janus, json.error?.code];

const EVENTS_MS = 1000; // until what was asked for has become an event, on a busy machine too

test('the gate answers as a Janus does: the same requests to both', { timeout: 60_000 }, async () => {
  const both = [new JanusHttpClient(direct.http), connect('anna')];
  const compare = async (what, act, note = seen) => {
    const [theirs, ours] = await Promise.all(both.map(act));
    assert.deepEqual(note(ours), note(theirs), what);
    return ours;
  };
  const secret = both[1].token;
  const given = (client) => (client.token ? { token: secret } : {});
  const query = (client) => (client.token ? `token=${secret}` : '');
  const request = (client, path, message) => client.post(path, { transaction: 'same', ...given(client), ...message });

  await compare('info', (one) => request(one, '', { janus: 'info' }));
  await compare('ping', (one) => request(one, '', { janus: 'ping' }));
  await compare('GET info', (one) => one.fetch(`/info?${query(one)}`), ({ status, json }) => [status, json.janus, json.version]);
  await compare('POST info', (one) => one.post('/info', {}), ({ status }) => status);
  for (const path of ['', '/', '/abc', '/123', '/0', '/ping', '/1/2/3']) await compare(`GET ${path}`, (one) => one.fetch(`${path}?${query(one)}`), ({ status }) => status);
  await compare('not JSON', (one) => one.post('', '{"janus":'));
  await compare('DELETE', (one) => one.fetch('/1', { method: 'DELETE' }));
  await compare('no transaction', (one) => one.post('', { janus: 'create', ...given(one) }));

  await compare('create', (one) => one.create(), (one) => typeof one.id);
  for (const one of both) one.echo = await one.attach('echotest');
  await compare('keepalive', (one) => request(one, one.path, { janus: 'keepalive' }));
  await compare('no verb', (one) => request(one, one.path, { janus: 'dance' }));
  await compare('a session that is none', (one) => request(one, '/1', { janus: 'keepalive' }));
  await compare('a handle that is none', (one) => request(one, `${one.path}/1`, { janus: 'message', body: {} }));
  await compare('two sessions', (one) => request(one, one.path, { janus: 'keepalive', session_id: 7 }), code);
  await compare('two handles', (one) => request(one, `${one.path}/${one.echo}`, { janus: 'message', body: {}, handle_id: 7 }), code);
  await compare('all in the JSON', (one) => request(one, '', { janus: 'message', body: { audio: true }, session_id: one.id, handle_id: one.echo }));
  await compare('the event', (one) => one.poll());
  await compare('events of a handle', (one) => one.fetch(`/${one.id}/${one.echo}?${query(one)}`), ({ status }) => status);

  for (let i = 0; i < 3; i++) await compare('message', (one) => one.post(`${one.path}/${one.echo}`, { janus: 'message', transaction: `m${i}`, body: { audio: true }, ...given(one) }));
  await sleep(EVENTS_MS);
  await compare('two of three', (one) => one.poll({ maxev: 2 }));
  await compare('maxev that is none', (one) => one.poll({ maxev: 'x' }));
  await compare('two polls at once', async (one) => {
    const polls = [one.poll({ maxev: 3 }), one.poll({ maxev: 3 })];
    await sleep(200);
    await request(one, `${one.path}/${one.echo}`, { janus: 'message', body: { audio: true } });
    return Promise.all(polls);
  }, (answers) => answers.map(seen).sort());
  await compare('detach', (one) => request(one, `${one.path}/${one.echo}`, { janus: 'detach' }));
  await sleep(EVENTS_MS);
  // EchoTest's own last word is at times still told and at times not: Janus detaches it meanwhile.
  await compare('detached', (one) => one.poll({ maxev: 9 }), ({ status, json }) => [status, json.map((event) => event.janus).filter((kind) => kind !== 'event')]);
  await compare('destroy', (one) => request(one, one.path, { janus: 'destroy' }));
  await compare('a poll of what was', (one) => one.poll(), ({ status }) => status);
  await compare('a request of what was', (one) => request(one, one.path, { janus: 'keepalive' }));
});

test('pages of allowed origins may use it, others may not read it', async () => {
  const other = await Daemon.start({ config: { 'sfu.janus': janus.ws, 'signaling.origins': 'https://app.example' } });
  const asked = (origin) => new JanusHttpClient(`${other.base}/janus`).fetch('/5', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
  const { status, headers } = await asked('https://app.example');
  assert.equal(status, 204);
  assert.equal(headers.get('access-control-allow-origin'), 'https://app.example');
  assert.match(headers.get('access-control-allow-methods'), /GET, POST/);
  assert.match(headers.get('access-control-allow-headers'), /Content-Type/);
  assert.equal((await asked('https://evil.example')).headers.get('access-control-allow-origin'), null);
  await other.end();
});

test('the token may stand in the request, the header or the address; without a participant’s nothing passes', async () => {
  const ben = connect('ben');
  const { token: jwt } = ben;
  ben.token = undefined;
  const create = { janus: 'create', transaction: 'c' };
  for (const how of [() => ben.post('', { ...create, token: jwt }), () => ben.post('', create, { authorization: `Bearer ${jwt}` }), () => ben.post(`?token=${jwt}`, create)])
    assert.equal((await how()).json.janus, 'success');
  const old = forge({ aud: 'recgate', sid: 'talk', sub: 'ben', role: 'client', exp: 1 }, { secret: readFileSync(daemon.place.secret, 'utf8').trim() });
  await ben.post('', { ...create, token: jwt }).then(({ json }) => (ben.path = `/${json.data.id}`));
  for (const [wrong, word] of [[undefined, /bad_token/], ['a.b.c', /bad_token/], [old, /token_expired/], [token('aud', 'auditor'), /role_may_not_join/]]) {
    const { status, json } = await ben.post('', { ...create, token: wrong });
    assert.deepEqual([status, json.janus, json.transaction, json.error.code], [200, 'error', 'c', 403]);
    assert.match(json.error.reason, word);
    assert.match(json.error.reason, /recgate token/);
    assert.equal((await ben.post(ben.path, { janus: 'keepalive', transaction: 'k', token: wrong })).json.error.code, 403);
    assert.equal((await ben.poll({ token: wrong })).status, 403);
    assert.equal((await ben.fetch(`/info${wrong ? `?token=${wrong}` : ''}`)).json.error.code, 403);
  }
  assert.equal((await ben.post(ben.path, { janus: 'keepalive', transaction: 'k', token: jwt })).json.janus, 'ack');
});

test('a session is its person’s alone; it goes on with the token that it began with, or a newer one of theirs', async () => {
  const anna = await begin('anna');
  const ben = connect('ben');
  const foreign = connect('anna', 'client', 'other-talk');
  for (const other of [ben, foreign]) {
    other.path = anna.path;
    for (const janus of ['attach', 'keepalive', 'destroy']) assert.equal((await other.ask({ janus, plugin: 'janus.plugin.echotest' }, anna.path)).error.code, 458);
    assert.equal((await other.poll()).status, 404);
  }
  const brief = await begin('anna', 'client', 'talk', { ttl: 2 });
  await sleep(3100);
  assert.equal((await brief.ask({ janus: 'keepalive' }, brief.path)).janus, 'ack');
  assert.match((await connect('x').post('', { janus: 'create', transaction: 'c', token: brief.token })).json.error.reason, /token_expired/);
  assert.equal((await connect('anna').ask({ janus: 'destroy' }, brief.path)).janus, 'success');
  assert.equal((await anna.ask({ janus: 'destroy' }, anna.path)).janus, 'success');
});

test('what the gate refuses is refused here as well (R7, R15)', async () => {
  const carl = await begin('carl');
  const echo = await carl.attach('echotest');
  const room = await carl.attach('videoroom');
  assert.equal((await carl.ask({ janus: 'claim' }, carl.path)).error.code, 453);
  assert.equal((await carl.ask({ janus: 'list_sessions', admin_secret: 'janusoverlord' })).error.code, 453);
  for (const [handle, body] of [[echo, { audio: true, record: true, filename: 'a' }], [room, { request: 'create', record: true }], [room, { request: 'rtp_forward', room: 1234 }],
    [room, { request: 'joinandconfigure', room: 1234, ptype: 'publisher', record: true }]])
    assert.match((await carl.say(handle, body)).error.reason, /^recording_elsewhere: /);
  await assert.rejects(carl.attach('recordplay'), /recording_elsewhere/);
  assert.equal((await carl.say(room, { request: 'list' })).plugindata.data.list.length, 1, 'no room was made');

  const early = await carl.say(echo, { audio: true }, offer);
  assert.deepEqual([early.janus, early.error.code], ['error', 403]);
  assert.match(early.error.reason, /^not_joined: .*recgate\.v1/);
  const person = await Client.join(daemon, 'talk', 'carl', 'client');
  const { jsep } = await carl.hear(echo, { audio: true }, offer);
  assert.equal(jsep.type, 'answer');
  assert.match(jsep.sdp, /a=ice-lite/);
  const own = daemon.media.split(',').map((at) => at.split(':').at(-1));
  assert.deepEqual(jsep.sdp.match(/a=candidate:.*/g).map((line) => own.includes(line.split(' ')[5])), [true], 'the gate’s candidate alone');
  const trickled = await carl.ask({ janus: 'trickle', candidate: { candidate: 'candidate:1 1 udp 1 192.0.2.9 5 typ host', sdpMid: '0', sdpMLineIndex: 0 } }, `${carl.path}/${echo}`);
  assert.equal(trickled.janus, 'ack');

  const again = await Client.join(daemon, 'talk', 'carl', 'client');
  await person.expect('replaced');
  assert.match((await carl.say(echo, { audio: true }, offer)).error.reason, /^replaced: /);
  const anew = await begin('carl');
  const fresh = await anew.attach('echotest');
  assert.equal((await anew.hear(fresh, { audio: true }, offer)).jsep.type, 'answer');
  await again.leave();
  assert.match((await anew.say(fresh, { audio: true }, offer)).error.reason, /^not_joined: /);
  person.close();
  assert.deepEqual(await daemon.segments('talk'), []);
});

test('a poll that was dropped loses no event, however it was dropped', async () => {
  const dora = await begin('dora');
  const echo = await dora.attach('echotest');
  for (let i = 0; i < 20; i++) {
    const dropped = new AbortController();
    const poll = dora.poll({ signal: dropped.signal }).catch(({ name }) => name);
    await sleep(30);
    const said = i % 2 ? dora.say(echo, { audio: true }) : undefined; // as it is being dropped, or after
    dropped.abort();
    const first = await poll;
    const { transaction } = await (said ?? dora.say(echo, { audio: true }));
    if (first.json?.transaction === transaction) continue;
    assert.equal(first, 'AbortError');
    assert.equal((await dora.poll()).json.transaction, transaction);
  }
});

test('an event goes to the newest poll, and the oldest of too many ends at once', async () => {
  const emil = await begin('emil');
  const echo = await emil.attach('echotest');
  const polls = [];
  for (let i = 0; i < 4; i++) {
    polls.push(emil.poll());
    await sleep(50);
  }
  polls.push(emil.poll());
  assert.equal((await polls[0]).json.janus, 'keepalive');
  await sleep(50);
  await emil.say(echo, { audio: true });
  const rest = await Promise.all(polls.slice(1));
  assert.deepEqual(rest.map(({ json }) => json.janus), ['keepalive', 'keepalive', 'keepalive', 'event']);
});

test('sessions and events that nobody fetches are bounded (fault 20)', { timeout: 60_000 }, async () => {
  const many = [];
  for (let i = 0; i < 8; i++) many.push(await begin('fay'));
  assert.equal((await connect('fay').ask({ janus: 'create' })).error.code, 461);
  await many[0].ask({ janus: 'destroy' }, many[0].path);
  many[0] = await begin('fay');

  const [gil, list] = [await begin('gil'), []];
  const call = await gil.attach('videocall');
  await gil.hear(call, { request: 'register', username: 'g'.repeat(100_000) });
  for (let i = 0; i < 8; i++) list.push(await gil.say(call, { request: 'list' }));
  assert.ok(list.some(({ janus: kind }) => kind === 'ack'));
  await until(async () => (await gil.ask({ janus: 'keepalive' }, gil.path)).error?.code === 458, 'the session to end');
  assert.equal((await gil.poll()).status, 404);
  await until(() => janus.said.includes(`Destroying session ${gil.id}`), 'Janus to end it too');
  const { status } = await gil.post('', JSON.stringify({ janus: 'create', transaction: 't', token: gil.token, more: 'x'.repeat(300_000) }));
  assert.equal(status, 413);
  for (const one of many) await one.ask({ janus: 'destroy' }, one.path);
});

/** The answers to the same request on so many connections, all of it but its last byte sent before. */
async function atOnce(client, path, message, n) {
  const { host, hostname, port, pathname } = new URL(client.server + path);
  const body = JSON.stringify({ token: client.token, ...message });
  const text = `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const sockets = await Promise.all(Array.from({ length: n }, () => new Promise((resolve, reject) => {
    const socket = net.connect(port, hostname, () => socket.write(text.slice(0, -1), () => resolve(socket)));
    socket.on('error', reject);
  })));
  await sleep(500);
  return Promise.all(sockets.map(async (socket) => {
    let answer = '';
    socket.write(text.at(-1));
    for await (const bytes of socket) answer += bytes;
    return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
  }));
}

test('one session’s requests a second are bounded, and no other’s with them (fault 20)', { timeout: 60_000 }, async () => {
  const other = await Daemon.start({ config: { 'sfu.janus': janus.ws, 'limits.messages_per_s_max': 5 } });
  const [fast, slow] = await Promise.all(['leo', 'mia'].map((id) => new JanusHttpClient(`${other.base}/janus`, other.token('talk', id, 'client')).create()));
  const codes = (await atOnce(fast, fast.path, { janus: 'keepalive', transaction: 'k' }, 60)).map((one) => one.error?.code ?? one.janus);
  assert.ok(codes.includes(461) && codes.includes('ack'), codes.join());
  assert.equal((await slow.ask({ janus: 'keepalive' }, slow.path)).janus, 'ack');
  await until(async () => (await fast.ask({ janus: 'keepalive' }, fast.path)).janus === 'ack', 'the fast one to be heard again');
  await other.end();
});

test('a session that Janus gives up, and a Janus that dies, are told to who polls', { timeout: 60_000 }, async () => {
  const own = await JanusProcess.start({ plugins: ['echotest'], general: 'session_timeout = 3' });
  const other = await Daemon.start({ config: { 'sfu.janus': own.ws } });
  const at = (id) => new JanusHttpClient(`${other.base}/janus`, other.token('talk', id, 'client')).create();
  const hal = await at('hal');
  const { json } = await hal.poll();
  assert.equal(json.janus, 'timeout');
  assert.equal((await hal.poll()).status, 404);

  const ida = await at('ida');
  const poll = ida.poll({ maxev: 2 });
  await sleep(100);
  await own.stop();
  assert.deepEqual((await poll).json, [{ janus: 'keepalive' }]);
  assert.equal((await ida.poll()).status, 404);
  const { error } = await ida.ask({ janus: 'create' });
  assert.equal(error.code, 450);
  assert.match(error.reason, /does not reach Janus/);
  assert.equal((await other.end()).code, 0);
});

test('the gate ends with polls and requests open', async () => {
  const own = await JanusProcess.start({ plugins: ['echotest'] });
  const other = await Daemon.start({ config: { 'sfu.janus': own.ws } });
  const jon = await new JanusHttpClient(`${other.base}/janus`, other.token('talk', 'jon', 'client')).create();
  const open = [jon.poll(), jon.poll({ maxev: 9 }), jon.attach('echotest')].map((one) => one.catch(() => {}));
  await sleep(100);
  assert.equal((await other.end()).code, 0);
  await Promise.all(open);
  await own.stop();
});

test('without [sfu] janus there is no such address', async () => {
  const plain = await Daemon.start();
  const nobody = new JanusHttpClient(`${plain.base}/janus`);
  assert.deepEqual([(await nobody.fetch('/5')).status, (await nobody.post('', {})).status], [404, 405]);
  await plain.end();
});

test('a session that nobody asks for anything ends by itself', { skip: process.env.RECGATE_LONG !== '1' && 'takes 62 s: RECGATE_LONG=1', timeout: 90_000 * SLOW }, async () => {
  const own = await JanusProcess.start({ plugins: ['echotest'], general: 'session_timeout = 0' });
  const other = await Daemon.start({ config: { 'sfu.janus': own.ws } });
  const kim = await new JanusHttpClient(`${other.base}/janus`, other.token('talk', 'kim', 'client')).create();
  await until(() => own.said.includes(`Destroying session ${kim.id}`), 'the session to end', 65_000);
  assert.equal((await kim.poll()).status, 404);
  await other.end();
  await own.stop();
});

test('a Janus that does not answer: each request is told so in time, and only so many wait (fault 20)', { timeout: 60_000 }, async () => {
  const { answers, later } = await stuck;
  assert.equal(answers.filter(([number]) => number === 450).length, 64);
  assert.equal(answers.filter(([number]) => number === 461).length, 6);
  for (const [number, waited_s] of answers) assert.ok(number === 461 ? waited_s <= 4 : waited_s >= 9 && waited_s <= 14, `${number} after ${waited_s} s`);
  assert.equal(later, 'ack');
});

test('a poll without an event is answered after as long as Janus’s, with the same', { timeout: 60_000 }, async () => {
  const [theirs, ours] = await Promise.all(quiet);
  assert.ok(Math.abs(ours.waited_s - theirs.waited_s) <= 1 && Math.abs(ours.waited_s - 30) <= 1, `${theirs.waited_s} s and ${ours.waited_s} s`);
  assert.deepEqual(ours.answers, theirs.answers);
});
