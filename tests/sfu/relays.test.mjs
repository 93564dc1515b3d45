// SPDX-License-Identifier: Apache-2.0
// /v1/relays as whoever writes an application for it meets them: what each call answers, whose relays are whose, and what ends with what.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { Client, record } from '../integration/client.mjs';
import { Daemon, sleep, until } from '../integration/daemon.mjs';
import { compare, comparing } from './roster-of.mjs';

let daemon;
before(async () => (daemon = await Daemon.start({ config: { 'sfu.mode': 'relays', 'signaling.origins': 'https://app.example' } })));
after(() => daemon?.end());

const token = (participant, role = 'client', session = 'talk') => daemon.token(session, participant, role);
const service = () => token('backend', 'service', 'any');
const relays = (body, jwt) => daemon.post('/v1/relays', jwt, body);
/** A description as complete as the gate needs it; nobody listens behind it. */
const sdp = ({ setup = 'actpass', letters = 'AB', lite = false, ufrag = 'abcd' } = {}) => ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', ...(lite ? ['a=ice-lite'] : []),
  'a=group:BUNDLE 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=mid:0', `a=ice-ufrag:${ufrag}`, 'a=ice-pwd:abcdefghijklmnopqrstuvwx',
  `a=fingerprint:sha-256 ${Array(32).fill(letters).join(':')}`, `a=setup:${setup}`, 'a=rtcp-mux', 'a=sendrecv', 'a=rtpmap:111 opus/48000/2',
  'a=candidate:1 1 udp 1 192.0.2.7 4444 typ host', ''].join('\r\n');
const offer = (more) => ({ type: 'offer', sdp: sdp(more) });
const answer = (more) => ({ type: 'answer', sdp: sdp({ setup: 'active', letters: 'CD', ...more }) });
const ufrag = ({ json }) => /a=ice-ufrag:(\S+)/.exec(json.description.sdp)[1];

test('a participant’s own relay: offer, answer, a restart of one leg, and its end', async () => {
  const anna = await Client.join(daemon, 'talk', 'anna', 'client');
  const opened = await relays({ from: 'client', description: offer() }, token('anna'));
  assert.equal(opened.status, 201);
  const at = opened.headers.get('location');
  assert.equal(at, `/v1/relays/${opened.json.relay}`);
  assert.equal(opened.json.description.type, 'offer');
  assert.match(opened.json.description.sdp, /a=ice-lite/);
  assert.doesNotMatch(opened.json.description.sdp, /AB:AB|192\.0\.2/, 'nothing of the client’s own');

  const answered = await daemon.post(at, token('anna'), { from: 'sfu', description: answer() });
  assert.deepEqual([answered.status, answered.json.relay, answered.json.description.type], [200, opened.json.relay, 'answer']);
  assert.doesNotMatch(answered.json.description.sdp, /CD:CD/);

  const again = await daemon.post(at, token('anna'), { from: 'client', description: offer({ ufrag: 'efgh' }) });
  assert.equal(ufrag(again), ufrag(opened), 'the SFU’s leg does not restart');
  const restarted = await daemon.post(at, token('anna'), { from: 'sfu', description: answer() });
  assert.notEqual(ufrag(restarted), ufrag(answered));

  const back = await daemon.post(at, token('anna'), { from: 'sfu', description: offer({ letters: 'CD' }) });
  assert.deepEqual([back.status, back.json.description.type], [200, 'offer'], 'and the SFU may offer');
  const rolled = await daemon.post(at, token('anna'), { from: 'sfu', description: { type: 'rollback' } });
  assert.deepEqual(rolled.json.description, { type: 'rollback', sdp: '' });

  assert.equal((await daemon.get(at, token('anna'), { method: 'DELETE' })).status, 204);
  assert.equal((await daemon.get(at, token('anna'), { method: 'DELETE' })).status, 404);
  anna.close();
});

test('a service names session and participant, who must have joined (R7)', async () => {
  const body = { session: 'talk', participant: 'ben', from: 'sfu', description: offer() };
  const early = await relays(body, service());
  assert.deepEqual([early.status, early.json.code], [409, 'not_joined']);
  assert.match(early.json.message, /“ben” .*“talk”.*recgate\.v1 on \/v1\/ws/);
  const ben = await Client.join(daemon, 'talk', 'ben', 'client');
  assert.equal((await relays(body, service())).status, 201);
  for (const wrong of [{ session: undefined }, { participant: undefined }, { session: '../x' }, { participant: 7 }]) {
    const { status, json } = await relays({ ...body, ...wrong }, service());
    assert.deepEqual([status, json.code], [400, 'bad_id'], JSON.stringify(wrong));
  }
  ben.close();
});

test('nobody makes or uses another’s relay', async () => {
  const [carl, dora] = [await Client.join(daemon, 'talk', 'carl', 'client'), await Client.join(daemon, 'talk', 'dora', 'client')];
  const own = await relays({ from: 'client', description: offer() }, token('carl'));
  const at = own.headers.get('location');
  for (const jwt of [token('dora'), token('carl', 'client', 'other')]) {
    assert.equal((await daemon.post(at, jwt, { from: 'sfu', description: answer() })).json.code, 'unknown_relay');
    assert.equal((await daemon.get(at, jwt, { method: 'DELETE' })).status, 404);
  }
  assert.deepEqual(await relays({ participant: 'carl', from: 'client', description: offer() }, token('dora')).then(({ status, json }) => [status, json.code]), [403, 'not_yours']);
  assert.deepEqual(await relays({ from: 'client', description: offer() }, token('eve', 'auditor')).then(({ status, json }) => [status, json.code]), [403, 'wrong_role']);
  assert.equal((await relays({ from: 'client', description: offer() })).status, 401);
  assert.equal((await relays({ from: 'client', description: offer() }, 'a.b.c')).json.code, 'bad_token');
  assert.equal((await daemon.post(at, service(), { from: 'sfu', description: answer() })).status, 200, 'and carl’s works on');
  for (const one of [carl, dora]) one.close();
});

test('leaving, and being replaced, ends one’s relays (R15)', async () => {
  const first = await Client.join(daemon, 'talk', 'emil', 'client');
  const open = async () => (await relays({ from: 'client', description: offer() }, token('emil'))).headers.get('location');
  const before = await open();
  const second = await Client.join(daemon, 'talk', 'emil', 'client');
  await first.expect('replaced');
  const gone = await daemon.post(before, token('emil'), { from: 'sfu', description: answer() });
  assert.deepEqual([gone.status, gone.json.code], [404, 'unknown_relay']);
  assert.match(gone.json.message, /left the session/);
  const later = await open();
  await second.leave();
  assert.equal((await daemon.post(later, token('emil'), { from: 'sfu', description: answer() })).status, 404);
  assert.equal((await relays({ from: 'client', description: offer() }, token('emil'))).json.code, 'not_joined');
  first.close();
});

test('what the gate cannot stand in is refused in words that help', async () => {
  const fay = await Client.join(daemon, 'talk', 'fay', 'client');
  const jwt = token('fay');
  const at = (await relays({ from: 'client', description: offer() }, jwt)).headers.get('location');
  const lite = await relays({ from: 'client', description: offer({ lite: true }) }, jwt);
  assert.deepEqual([lite.status, lite.json.code], [409, 'ice_lite']);
  assert.match(lite.json.message, /The client is ICE-lite/);
  assert.equal((await daemon.post(at, jwt, { from: 'sfu', description: answer() })).status, 200, 'a full one is welcome after it');
  for (const [body, status, code] of [
    [{ from: 'client', description: { type: 'offer', sdp: sdp().replace('a=rtcp-mux\r\n', '') } }, 400, 'bad_description'],
    [{ from: 'client', description: { type: 'offer', sdp: 'x' } }, 400, 'bad_description'],
    [{ from: 'client', description: { type: 'offer', sdp: `${sdp()}a=x:${'y'.repeat(140_000)}\r\n` } }, 413, 'too_large'],
    [{ from: 'client', description: { type: 'offer' } }, 400, 'bad_description'],
    [{ from: 'client' }, 400, 'bad_description'],
    [{ from: 'client', description: answer() }, 400, 'bad_description'],
    [{ from: 'me', description: offer() }, 400, 'bad_from'],
    [{ description: offer() }, 400, 'bad_from'],
  ]) {
    const refused = await relays(body, jwt);
    assert.deepEqual([refused.status, refused.json.code], [status, code], JSON.stringify(body).slice(0, 200));
    assert.ok(refused.json.message.length > 30 && !refused.headers.get('location'));
  }
  assert.equal((await daemon.get('/v1/relays', jwt, { method: 'POST' })).status, 400);
  const got = await daemon.get(at, jwt);
  assert.deepEqual([got.status, got.headers.get('allow')], [405, 'POST, DELETE, OPTIONS']);
  assert.equal((await daemon.get(at, jwt, { method: 'PATCH', body: '{}' })).status, 405);
  fay.close();
});

test('whom the gate checks is a service’s word: a participant’s ICE-lite SFU is refused, and no datagram leaves for its address', async () => {
  const ira = await Client.join(daemon, 'talk', 'ira', 'client');
  const target = dgram.createSocket('udp4');
  await new Promise((resolve) => target.bind(0, '127.0.0.1', resolve));
  let heard = 0;
  target.on('message', () => heard++);
  const at = `a=candidate:1 1 udp 1 127.0.0.1 ${target.address().port} typ host`;
  const aimed = (description) => ({ ...description, sdp: description.sdp.replace(/a=candidate:.*/, at) });
  const lite = aimed(answer({ lite: true, setup: 'passive' }));
  const opened = await relays({ from: 'client', description: aimed(offer()) }, token('ira'));
  const where = opened.headers.get('location');
  const own = await daemon.post(where, token('ira'), { from: 'sfu', description: lite });
  assert.deepEqual([own.status, own.json.code], [403, 'service_only']);
  const offered = await relays({ from: 'sfu', description: aimed(offer({ lite: true })) }, token('ira'));
  assert.deepEqual([offered.status, offered.json.code], [403, 'service_only']);
  await sleep(1000);
  assert.equal(heard, 0, 'neither the client’s candidates nor those it says are the SFU’s');
  assert.equal((await daemon.post(where, service(), { from: 'sfu', description: lite })).status, 200);
  await until(() => heard > 0, 'a check to what the service named');
  target.close();
  ira.close();
});

test('trickled candidates: a client’s go nowhere, an SFU’s are a service’s word, and what is none is refused', async () => {
  const anna = await Client.join(daemon, 'trickle', 'anna', 'client');
  const hers = token('anna', 'client', 'trickle'), { json: { relay } } = await relays({ from: 'client', description: offer() }, hers);
  const send = async (jwt, body) => {
    const { status, json } = await daemon.post(`/v1/relays/${relay}`, jwt, body);
    return status === 204 ? status : [status, json.code];
  };
  const candidate = { candidate: 'candidate:1 1 udp 1 192.0.2.7 4444 typ host', sdpMid: '0' }, end = { candidate: '' };
  assert.equal(await send(hers, { from: 'client', candidates: [candidate, end] }), 204);
  assert.equal(await send(service(), { from: 'sfu', candidates: [candidate, end] }), 204);
  assert.deepEqual(await send(hers, { from: 'sfu', candidates: [candidate] }), [403, 'service_only']);
  for (const candidates of [[], {}, 'candidate:1', [candidate.candidate], [{ candidate: 'a=candidate:1' }], [candidate, { sdpMid: '0' }], Array(33).fill(candidate)])
    assert.deepEqual(await send(service(), { from: 'sfu', candidates }), [400, 'bad_candidates'], JSON.stringify(candidates));
  assert.deepEqual(await send(service(), { from: 'sfu', candidates: [candidate], description: answer() }), [400, 'bad_candidates'], 'neither is lost in silence');
  assert.deepEqual(await send(service(), { from: 'gate', candidates: [candidate] }), [400, 'bad_from']);
  const early = await relays({ session: 'trickle', participant: 'anna', from: 'sfu', candidates: [candidate] }, service());
  assert.deepEqual([early.status, early.json.code], [400, 'bad_description'], 'a relay begins with an offer');
  anna.close();
});

test('each person has limits: relays at a time, and descriptions a second', async () => {
  const gil = await Client.join(daemon, 'talk', 'gil', 'client');
  const opened = [];
  let slow;
  for (let i = 0; i < 200 && !slow; i++) {
    const { status, json } = await relays({ from: 'client', description: offer() }, token('gil'));
    if (status === 201) opened.push(json.relay);
    else slow = json;
  }
  assert.equal(slow?.code, 'too_many');
  assert.ok(opened.length <= 80);
  const hal = await Client.join(daemon, 'talk', 'hal', 'client');
  assert.equal((await relays({ from: 'client', description: offer() }, token('hal'))).status, 201, 'and nobody else waits for it');
  for (const one of [gil, hal]) one.close();
});

test('a page of an allowed origin may use it, another may not read it (CORS)', async () => {
  const ask = (origin) => daemon.get('/v1/relays', null, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' } });
  const ours = await ask('https://app.example');
  assert.equal(ours.status, 204);
  assert.equal(ours.headers.get('access-control-allow-origin'), 'https://app.example');
  assert.match(ours.headers.get('access-control-allow-headers'), /Authorization/);
  assert.match(ours.headers.get('access-control-expose-headers'), /Location/);
  assert.equal((await ask('https://evil.example')).headers.get('access-control-allow-origin'), null);
  const refused = await daemon.get('/v1/relays', null, { method: 'POST', headers: { origin: 'https://app.example' }, body: '{}' });
  assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [401, 'https://app.example'], 'errors are read, too');
});

test('its sessions are no mesh; a gate without the mode says how to get it', async () => {
  const people = [];
  for (let i = 0; i < 6; i++) people.push(await Client.join(daemon, 'many', `p${i}`, i ? 'client' : 'expert'));
  assert.ok(people.every((one) => !one.log.some(({ type }) => type === 'peer.ready')));
  for (const one of people) one.close();
  const mesh = await Daemon.start();
  const { status, json } = await mesh.post('/v1/relays', mesh.token('talk', 'ida', 'client'), { from: 'client', description: offer() });
  assert.deepEqual([status, json.code], [404, 'relays_off']);
  assert.match(json.message, /\[sfu\] mode = relays/);
  await mesh.end();
});

test('nothing opens without the SFU’s roster, nor with somebody in it who has not joined (R8)', { timeout: 30_000 }, async () => {
  const session = 'compared';
  assert.equal((await compare(daemon, session, [])).json.code, 'unknown_session');
  const [una, vic] = [await Client.join(daemon, session, 'una', 'expert'), await Client.join(daemon, session, 'vic', 'client')];
  let since = 0; // each state comes after the one before
  const state = async (wanted, reason) => {
    const found = await una.expect(({ type, ...now }) => type === 'recording.state' && now.state === wanted && (!reason || now.reason === reason), `${wanted} ${reason ?? ''}`, 8000, since);
    since = una.log.indexOf(found) + 1;
  };
  await record(una, [vic]);
  await state('suspended', 'sfu_silent');

  const who = ['una', 'vic'];
  assert.equal((await compare(daemon, session, who)).status, 200);
  await compare(daemon, session, who, 999); // a number that it never gave
  assert.ok(!una.log.some(({ state: is }) => is === 'recording'), 'a list without a number of the gate’s is of no known time');
  const stop = comparing(daemon, session, async () => who);
  await state('recording');
  who.push('walt');
  await state('suspended', 'unknown_participant');
  assert.deepEqual((await compare(daemon, session, who)).json.unknown, ['walt']);
  who.pop();
  await state('recording');
  await stop();
  await state('suspended', 'sfu_silent'); // no comparison for lease_ms
  for (const [participants, jwt, status, code] of [['una', undefined, 400, 'bad_participants'], [[7], undefined, 400, 'bad_participants'], [who, token('una'), 403, 'wrong_role']]) {
    const { status: got, json } = await daemon.post(`/v1/sessions/${session}/roster`, jwt ?? service(), { participants });
    assert.deepEqual([got, json.code], [status, code]);
  }
  for (const one of [una, vic]) one.close();
});

test('somebody who has just left is no stranger, and nothing is decided until the SFU has let them go (R8, R15)', { timeout: 30_000 }, async () => {
  const session = 'leaving';
  const [una, vic, xan] = [await Client.join(daemon, session, 'una', 'expert'), await Client.join(daemon, session, 'vic', 'client'), await Client.join(daemon, session, 'xan', 'client')];
  await xan.leave();
  await record(una, [vic]);
  let who = ['una', 'vic', 'xan'];
  const stop = comparing(daemon, session, async () => who);
  await sleep(1500);
  const states = una.log.filter(({ type }) => type === 'recording.state');
  assert.ok(states.every(({ state, reason }) => state !== 'recording' && reason !== 'unknown_participant'), JSON.stringify(states));
  who = ['una', 'vic'];
  await una.state('recording', { ms: 8000 });
  await stop();
  for (const one of [una, vic]) one.close();
});

/** A WHIP server that is ICE-lite; nobody listens behind it. */
async function liteWhip() {
  const ended = [];
  const server = createServer((request, response) => {
    if (request.method === 'DELETE') return ended.push(request.url) && response.writeHead(200).end();
    request.resume().on('end', () => response.writeHead(201, { 'content-type': 'application/sdp', location: '/one' }).end(answer({ lite: true }).sdp));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { ended, server, url: `http://127.0.0.1:${server.address().port}/whip` };
}

test('legs with full ICE for an ICE-lite SFU take no more than half of the descriptors either (fault 9)', { timeout: 60_000 }, async () => {
  const whip = await liteWhip();
  const small = await Daemon.start({ config: { 'sfu.whip': whip.url, 'limits.messages_per_s_max': 1000 }, before: ['bash', '-c', 'ulimit -n 128; exec "$0" "$@"'] });
  const [anna, jwt] = [await Client.join(small, 'talk', 'anna', 'client'), small.token('any', 'backend', 'service')];
  const open = (from, description) => small.post('/v1/relays', jwt, { session: 'talk', participant: 'anna', from, description });
  const first = await open('client', offer());
  const opened = [];
  for (let i = 0; i < 10; i++) opened.push(await open('sfu', offer({ lite: true })));
  assert.deepEqual(opened.map(({ status }) => status), [...Array(8).fill(201), 429, 429]);
  assert.equal(opened[9].json.code, 'too_many');
  const tell = () => small.post(`/v1/relays/${first.json.relay}`, jwt, { from: 'sfu', description: answer({ lite: true }) });
  assert.equal((await tell()).json.code, 'too_many');
  const publish = () => small.get('/whip', small.token('talk', 'anna', 'client'), { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: offer().sdp });
  const published = await publish();
  assert.deepEqual([published.status, JSON.parse(published.bytes).code], [503, 'too_busy']);
  await until(() => whip.ended.length === 1, 'the session at the server to be deleted');
  assert.equal((await small.get(`/v1/relays/${opened[0].json.relay}`, jwt, { method: 'DELETE' })).status, 204);
  await until(async () => (await tell()).status === 200, 'the answer to pass once there is room');
  anna.close();
  await small.end();
  whip.server.close();
});
