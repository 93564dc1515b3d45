// SPDX-License-Identifier: Apache-2.0
// Who gets in, and what a connection may say: tokens, origins, limits, the roster (PROTOCOL.md; faults 14-21; R8, R15).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Client, exchange, frame, OPCODE, upgrade } from './client.mjs';
import { Daemon, forge, sleep, until } from './daemon.mjs';

let daemon;
let secret;
let sessions = 0;
const fresh = () => `join-${++sessions}`;
const soon = (seconds = 600) => Math.floor(Date.now() / 1000) + seconds;
const CODE = /^[a-z]+(_[a-z0-9]+)*$/;

before(async () => {
  daemon = await Daemon.start();
  secret = readFileSync(daemon.place.secret, 'utf8').trim();
});
after(() => daemon.end());

async function refused(token, why) {
  const client = await Client.open(daemon);
  const answer = await client.request({ type: 'join', token });
  assert.equal(answer.type, 'error', why);
  assert.match(answer.code, CODE, why);
  assert.ok(answer.message.length > 5 && !(token.length > 20 && answer.message.includes(token)), why);
  client.close();
  return answer;
}

test('joined tells who I am, who is there and how to stay', async () => {
  const session = fresh();
  const a = await Client.join(daemon, session, 'anna', 'expert', { name: 'Anna Ä.' });
  assert.equal(a.joined.self, 'anna');
  assert.equal(a.joined.session, session);
  assert.equal(a.joined.lease_ms, 5000);
  assert.equal(a.joined.heartbeat_ms, 1000);
  assert.ok(Array.isArray(a.joined.ice_servers));
  assert.ok(a.joined.n >= 1);
  assert.equal(a.joined.recording.state, 'idle');
  assert.ok(Math.abs(Date.parse(a.joined.server_time) - Date.now()) < 5000 || Math.abs(a.joined.server_time - Date.now()) < 5000, 'server_time');
  const mark = a.mark();
  const b = await Client.join(daemon, session, 'ben', 'client');
  assert.deepEqual(b.joined.participants.map((one) => one.id).sort(), ['anna', 'ben']);
  assert.equal(b.joined.participants.find((one) => one.id === 'anna').name, 'Anna Ä.');
  const seen = await a.expect('participant.joined', 'participant.joined', 3000, mark);
  assert.equal(seen.participant.id, 'ben');
  assert.equal(seen.participant.role, 'client');
  for (const one of [a, b]) {
    const ready = await one.expect('peer.ready');
    assert.equal(typeof ready.polite, 'boolean');
  }
  const [forA, forB] = [a, b].map((one) => one.log.find((message) => message.type === 'peer.ready'));
  assert.notEqual(forA.polite, forB.polite, 'one is polite, the other is not');
  await b.leave();
  const left = await a.expect('participant.left');
  assert.equal(left.id, 'ben');
  assert.match(left.reason, CODE);
  await a.leave();
});

test('tokens: only HS256 of our secret, for us, in time (fault 15)', async () => {
  const claims = { aud: 'recgate', sid: 's', sub: 'p', role: 'client', name: 'P', exp: soon() };
  const good = (change) => forge({ ...claims, ...change }, { secret });
  const wrong = {
    expired: good({ exp: soon(-120) }),
    'no exp': good({ exp: undefined }),
    'not yet valid': good({ nbf: soon(300) }),
    'wrong audience': good({ aud: 'elsewhere' }),
    'no audience': good({ aud: undefined }),
    'alg none': forge(claims, { header: { alg: 'none', typ: 'JWT' } }),
    'alg none, signed': forge(claims, { secret, header: { alg: 'None', typ: 'JWT' } }),
    HS512: forge(claims, { secret, header: { alg: 'HS512', typ: 'JWT' }, hash: 'sha512' }),
    'another secret': forge(claims, { secret: 'x'.repeat(64) }),
    'id with a slash': good({ sub: '../x' }),
    'id with a dot in front': good({ sid: '.x' }),
    'id of 65': good({ sub: 'x'.repeat(65) }),
    'empty id': good({ sid: '' }),
    'id with NUL': good({ sub: 'a\u0000b' }),
    'unknown role': good({ role: 'king' }),
    'no token at all': 'x',
    empty: '',
  };
  for (const [why, token] of Object.entries(wrong)) await refused(token, why);
  const client = await Client.open(daemon);
  assert.equal((await client.request({ type: 'join', token: good({ sid: fresh(), sub: 'x'.repeat(64) }) })).type, 'joined');
  client.close();
});

test('an auditor and a service never join a call (R2)', async () => {
  for (const role of ['auditor', 'service']) await refused(daemon.token(fresh(), 'p', role), role);
});

test('recgatectl and the daemon agree on tokens', async () => {
  const [, claims] = daemon.token('s', 'p', 'observer', { name: 'O', ttl: 60 }).split('.');
  const found = JSON.parse(Buffer.from(claims, 'base64url'));
  assert.equal(found.aud, 'recgate');
  assert.equal(found.sid, 's');
  assert.equal(found.sub, 'p');
  assert.equal(found.role, 'observer');
  assert.ok(Math.abs(found.exp - soon(60)) <= 2);
});

test('the first message is join, within 5 seconds', async () => {
  const early = await Client.open(daemon);
  assert.equal((await early.request({ type: 'consent.withdraw' })).type, 'error');
  const idle = await Client.open(daemon);
  const began = Date.now();
  await idle.closed;
  const took = Date.now() - began;
  assert.ok(took > 4000 && took < 8000, `closed after ${took} ms`);
  early.close();
});

test('a foreign Origin gets 403, the same host gets in (fault 14)', async () => {
  await assert.rejects(Client.open(daemon, { origin: 'https://evil.example' }), { status: 403 });
  await assert.rejects(Client.open(daemon, { origin: 'null' }), { status: 403 });
  await assert.rejects(Client.open(daemon, { origin: `http://${daemon.http}.evil.example` }), { status: 403 });
  const client = await Client.open(daemon);
  client.close();
});

test('only recgate.v1 is spoken', async () => {
  await assert.rejects(Client.open(daemon, { protocol: 'chat' }));
});

test('unknown types are answered, unknown fields ignored, ids come back', async () => {
  const a = await Client.join(daemon, fresh(), 'anna', 'expert');
  const answer = await a.request({ type: 'make.coffee' });
  assert.equal(answer.type, 'error');
  assert.match(answer.code, CODE);
  assert.equal((await a.request({ type: 'alive', echo: a.number, flavour: 'new' })).type, 'alive');
  a.send({ type: 'make.tea', id: 'x'.repeat(65) });
  const long = await a.expect((message) => message.type === 'error' && message !== answer && message.re === undefined, 'an error without re');
  assert.match(long.code, CODE);
  await a.leave();
});

test('nonsense is an error or the end of the socket, never of the daemon (fault 17)', async () => {
  const session = fresh();
  const nonsense = {
    'no JSON': 'hello',
    empty: '',
    array: '[1,2]',
    'no type': '{}',
    'type is a number': '{"type":7}',
    'deep': `{"type":"join","token":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    'NUL': '{"type":"join","token":"a\\u0000b"}',
    'huge number': '{"type":"alive","echo":1e999}',
    'duplicate key': '{"type":"alive","type":"leave"}',
    'negative echo': '{"type":"alive","echo":-5}',
    'half': '{"type":"join"',
  };
  for (const [why, text] of Object.entries(nonsense)) {
    const client = await Client.join(daemon, session, 'anna', 'expert', { silent: true });
    const mark = client.mark();
    client.text(text);
    client.send({ type: 'alive', echo: client.number, id: 'after' });
    const end = await Promise.race([client.closed, client.expect((message) => message.re === 'after', 'alive', 3000)]);
    const said = client.log.slice(mark).some((message) => message.type === 'error');
    assert.ok(said || typeof end !== 'object' || ['negative echo', 'huge number'].includes(why), `${why}: neither an error nor a closed socket`);
    client.close();
  }
  const bad = await Client.open(daemon);
  bad.raw(frame(OPCODE.text, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])));
  bad.raw(frame(OPCODE.binary, '{"type":"leave"}'));
  await Promise.race([bad.closed, bad.expect('error')]);
  bad.close();
  assert.equal((await daemon.get('/healthz')).status, 200);
});

test('a message over 256 KiB ends the socket, one below does not', async () => {
  const a = await Client.join(daemon, fresh(), 'anna', 'expert');
  const below = await a.request({ type: 'signal', to: 'nobody', description: { type: 'offer', sdp: 'x'.repeat(200_000) } });
  assert.equal(below.type, 'error');
  a.send({ type: 'signal', to: 'nobody', description: { type: 'offer', sdp: 'x'.repeat(300_000) } });
  const end = await Promise.race([a.closed, sleep(3000).then(() => 'open')]);
  assert.notEqual(end, 'open');
});

test('an unmasked frame ends the socket (RFC 6455 section 5.1)', async () => {
  const client = await Client.open(daemon);
  client.raw(frame(OPCODE.text, '{"type":"alive"}', { masked: false }));
  client.raw(frame(OPCODE.text, '{"type":"alive"}', { masked: false }));
  const end = await Promise.race([client.closed, client.expect('error').then(() => 'error'), sleep(6000).then(() => 'open')]);
  assert.notEqual(end, 'open');
  client.close();
});

test('h2c, huge headers, smuggling, paths out of the tree (faults 16, 18)', async () => {
  const h2c = await exchange(daemon, `GET / HTTP/1.1\r\nHost: ${daemon.http}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n`);
  assert.doesNotMatch(h2c, /^HTTP\/1\.1 101/);
  const prior = await exchange(daemon, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 1000);
  assert.ok(!prior.startsWith('\0'), 'no HTTP/2 preface is answered');
  const huge = await exchange(daemon, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(1_000_000)}\r\n\r\n`);
  assert.doesNotMatch(huge, /^HTTP\/1\.1 200/);
  const smuggled = await exchange(daemon, `POST /v1/withdraw HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n`, 1500);
  assert.doesNotMatch(smuggled, /^HTTP\/1\.1 200/);
  const auditor = daemon.token('s', 'a', 'auditor');
  for (const path of ['/../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/v1/sessions/..%2f..', '/v1/sessions/%2e%2e/segments', '/v1/sessions/a%00b', '//etc/passwd']) {
    const answer = await exchange(daemon, `GET ${path} HTTP/1.1\r\nHost: ${daemon.http}\r\nAuthorization: Bearer ${auditor}\r\nConnection: close\r\n\r\n`, 1500);
    assert.match(answer, /^HTTP\/1\.[01] (400|404)|^$/, path);
  }
  assert.equal((await daemon.get('/healthz')).status, 200);
});

test('a second socket of the same person takes the place of the first, which may only withdraw (R15)', async () => {
  const session = fresh();
  const other = await Client.join(daemon, session, 'anna', 'expert');
  const first = await Client.join(daemon, session, 'ben', 'client');
  const second = await Client.join(daemon, session, 'ben', 'client');
  await first.expect('replaced');
  assert.equal((await first.request({ type: 'recording.pause' })).type, 'error');
  assert.equal((await first.request({ type: 'signal', to: 'anna', candidate: { candidate: '' } })).type, 'error');
  assert.equal(second.joined.participants.filter((one) => one.id === 'ben').length, 1, 'one person, not two');
  assert.ok(!first.is_closed, 'it stays open for withdrawing');
  for (const one of [other, first, second]) one.close();
});

test('a session without an SFU holds four people, the fifth is told so', async () => {
  const session = fresh();
  const people = [];
  for (const id of ['a', 'b', 'c', 'd']) people.push(await Client.join(daemon, session, id, id === 'a' ? 'expert' : 'client'));
  const fifth = await Client.open(daemon);
  const answer = await fifth.request({ type: 'join', token: daemon.token(session, 'e', 'observer') });
  assert.equal(answer.code, 'session_full');
  await people[3].leave();
  await until(() => people[0].log.some((message) => message.type === 'participant.left'), 'participant.left');
  const again = await Client.open(daemon);
  const joined = await again.request({ type: 'join', token: daemon.token(session, 'e', 'observer') });
  assert.equal(joined.type, 'joined', JSON.stringify(joined));
  for (const one of [...people, fifth, again]) one.close();
});

test('signals go to the person named, with the sender that really sent (fault 21)', async () => {
  const session = fresh();
  const anna = await Client.join(daemon, session, 'anna', 'expert');
  const ben = await Client.join(daemon, session, 'ben', 'client');
  const cleo = await Client.join(daemon, session, 'cleo', 'client');
  const nobody = await anna.request({ type: 'signal', to: 'zoe', description: { type: 'offer', sdp: 'v=0\r\n' } });
  assert.equal(nobody.type, 'error');
  const broken = await anna.request({ type: 'signal', to: 'ben', from: 'cleo', description: { type: 'offer', sdp: 'rubbish' } });
  assert.equal(broken.type, 'error');
  assert.ok(!ben.log.some((message) => message.type === 'signal' && message.from !== 'anna'));
  assert.ok(!cleo.log.some((message) => message.type === 'signal'));
  for (const one of [anna, ben, cleo]) one.close();
});

test('a reader that stops reading is disconnected, and harms nobody (fault 20)', async () => {
  const session = fresh();
  const slow = await Client.join(daemon, session, 'ben', 'client', { silent: true });
  const anna = await Client.join(daemon, session, 'anna', 'expert');
  slow.socket.pause();
  for (let i = 0; i < 2000 && !slow.is_closed; i++) slow.send({ type: 'nonsense', id: `${i}`, filler: 'x'.repeat(50) });
  assert.equal((await anna.request({ type: 'alive', echo: anna.number })).type, 'alive');
  slow.close();
  anna.close();
});

test('the upgrade is plain: no compression, no other extension', async () => {
  const answer = await exchange(daemon, upgrade(daemon, { extra: 'Sec-WebSocket-Extensions: permessage-deflate' }));
  assert.match(answer, /^HTTP\/1\.1 101/);
  assert.doesNotMatch(answer, /Sec-WebSocket-Extensions/i);
});
