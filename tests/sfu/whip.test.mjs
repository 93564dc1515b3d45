// SPDX-License-Identifier: Apache-2.0
// WHIP through the gate to a real Janus: a real browser publishes as an encoder would, another person watches it by relays, and it is recorded.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { complaints, probe } from '../browser/media.mjs';
import { Client, DISCLOSURE } from '../integration/client.mjs';
import { Daemon, scratch, until } from '../integration/daemon.mjs';
import { Stage } from './app.mjs';
import { comparing } from './roster-of.mjs';
import { WhipServer, insideJanus } from './whip-janus.mjs';

const ROOM = { 'janus.plugin.videoroom.jcfg': 'room-1234: { description = "Demo" publishers = 6 bitrate = 512000 }' };
let stage, whip, secrets;
before(async () => {
  secrets = scratch();
  writeFileSync(path.join(secrets.dir, 'whip-token'), 'of-the-whip-server\n', { mode: 0o600 });
  stage = await Stage.start({
    janus: { plugins: ['videoroom'], config: ROOM },
    config: async ({ janus }) => {
      whip = await WhipServer.start(janus, { token: 'of-the-whip-server' });
      return { 'sfu.janus': '', 'sfu.whip': `${whip.base}/{resource}/{participant}`, 'sfu.whip_token_file': path.join(secrets.dir, 'whip-token') };
    },
  });
}, { timeout: 60_000 });
after(async () => {
  await stage?.end();
  await whip?.stop();
  secrets?.remove();
});

/** In the page: publishes by WHIP as a page of another host than the gate's. */
const publish = async (url, token) => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const pc = (window.pc = new RTCPeerConnection());
  for (const track of stream.getTracks()) pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
  await pc.setLocalDescription();
  const answer = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/sdp' }, body: pc.localDescription.sdp });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`${answer.status} ${text}`);
  await pc.setRemoteDescription({ type: 'answer', sdp: text });
  return { location: answer.headers.get('location'), etag: answer.headers.get('etag'), type: answer.headers.get('content-type') };
};

/** In the page: what came in and went out, and the gate's ufrag in use. */
const counted = async () => {
  const sum = { state: window.pc.connectionState, sent: 0, frames: 0 };
  for (const one of (await window.pc.getStats()).values()) {
    if (one.type === 'outbound-rtp') sum.sent += one.packetsSent;
    if (one.type === 'inbound-rtp') sum.frames += one.framesDecoded ?? 0;
  }
  return sum;
};

/** In the page: answers an offer of the SFU's. */
const watch = async (offer) => {
  const pc = (window.pc = new RTCPeerConnection());
  pc.ontrack = ({ track }) => {
    const element = Object.assign(document.createElement(track.kind), { autoplay: true, muted: true, srcObject: new MediaStream([track]) });
    document.body.append(element);
  };
  await pc.setRemoteDescription(offer);
  await pc.setLocalDescription();
  return { type: 'answer', sdp: pc.localDescription.sdp };
};

const growing = async (person, what) => {
  const before = (await person.page.evaluate(counted))[what];
  return until(async () => (await person.page.evaluate(counted))[what] > before + 5, `${person.id}: more ${what}`, 15_000).catch(async (error) => {
    throw new Error(`${error.message} ${JSON.stringify(await person.page.evaluate(counted))}\n${stage.daemon.log.slice(-2000)}`);
  });
};
const call = (method, where, token, { type, body, match } = {}) => stage.daemon.get(where, token, {
  method, body, headers: { ...(type ? { 'content-type': type } : {}), ...(match ? { 'if-match': match } : {}) },
});
const FRAGMENT = 'application/trickle-ice-sdpfrag';

test('a browser publishes by WHIP, somebody watches by a relay, and both agree to the recording of it', { timeout: 90_000 }, async () => {
  const anna = await stage.open('show', 'anna', 'expert');
  const published = await anna.page.evaluate(publish, `${stage.daemon.base}/whip/stage`, anna.token);
  assert.match(published.location, /^\/v1\/whip\/[0-9a-f]{32}$/);
  assert.equal(published.type, 'application/sdp');
  assert.deepEqual(whip.seen.at(-1), { method: 'POST', path: '/stage/anna', type: 'application/sdp', authorization: 'Bearer of-the-whip-server' });
  await growing(anna, 'sent');

  const ben = await stage.open('show', 'ben', 'client');
  const janus = await insideJanus(stage.janus);
  const handle = await janus.attach('videoroom');
  const service = stage.daemon.token('any', 'backend', 'service');
  const offered = await janus.say(handle, { request: 'join', ptype: 'subscriber', room: 1234, streams: [{ feed: whip.feed }] });
  const relay = await stage.daemon.post('/v1/relays', service, { session: 'show', participant: 'ben', from: 'sfu', description: offered.jsep });
  assert.equal(relay.status, 201, JSON.stringify(relay.json));
  const description = await ben.page.evaluate(watch, relay.json.description);
  const answered = await stage.daemon.post(relay.headers.get('location'), service, { from: 'client', description });
  await janus.say(handle, { request: 'start' }, answered.json.description);
  await growing(ben, 'frames');

  const lists = await janus.attach('videoroom');
  const there = async () => (await janus.say(lists, { request: 'listparticipants', room: 1234 })).plugindata.data.participants.map(({ display }) => display.split('/').at(-1));
  const stop = comparing(stage.daemon, 'show', there);
  assert.equal((await stage.daemon.segments('show')).length, 0, 'nothing before everybody agreed');
  await anna.client('request', DISCLOSURE);
  await until(async () => (await ben.state('states')).some(({ type }) => type === 'ask'), 'ben to be asked');
  await ben.page.evaluate(() => window.app.state.client.grant({ connections: [window.pc] }));
  await anna.recording('recording');
  const kept = async () => (await stage.daemon.segments('show')).filter(({ state }) => state === 'kept');
  await until(async () => new Set((await kept()).map(({ medium }) => medium)).size === 2, 'sound and picture', 15_000);
  assert.deepEqual([...new Set((await kept()).map(({ participant }) => participant))], ['anna'], 'ben sends nothing, and what the SFU sends is nobody’s');

  const { etag, location } = published;
  const candidate = 'a=ice-ufrag:UFRAG\r\na=ice-pwd:xxxxxxxxxxxxxxxxxxxxxxxx\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.9 5 typ host\r\n';
  const own = await anna.page.evaluate(() => /a=ice-ufrag:(\S+)/.exec(window.pc.localDescription.sdp)[1]);
  const trickled = await call('PATCH', location, anna.token, { type: FRAGMENT, body: candidate.replace('UFRAG', own), match: etag });
  assert.deepEqual([trickled.status, trickled.headers.get('etag')], [204, null]);
  await anna.page.evaluate(async () => window.pc.setLocalDescription(await window.pc.createOffer({ iceRestart: true })));
  const restart = await anna.page.evaluate(() => window.pc.localDescription.sdp.match(/^a=ice-(ufrag|pwd):.*$/gm).slice(0, 2).join('\r\n') + '\r\n');
  const restarted = await call('PATCH', location, anna.token, { type: FRAGMENT, body: restart, match: '*' });
  assert.deepEqual([restarted.status, restarted.headers.get('content-type')], [200, FRAGMENT], restarted.bytes.toString());
  assert.notEqual(restarted.headers.get('etag'), etag);
  await anna.page.evaluate(async (fragment) => {
    const [ufrag, pwd] = ['ufrag', 'pwd'].map((name) => new RegExp(`a=ice-${name}:(\\S+)`).exec(fragment)[1]);
    const sdp = window.pc.remoteDescription.sdp.replace(/a=ice-ufrag:\S+/g, `a=ice-ufrag:${ufrag}`).replace(/a=ice-pwd:\S+/g, `a=ice-pwd:${pwd}`);
    await window.pc.setRemoteDescription({ type: 'answer', sdp });
  }, restarted.bytes.toString());
  await growing(ben, 'frames');
  for (const [match, body, status] of [[etag, candidate, 412], [undefined, candidate, 428], [restarted.headers.get('etag'), candidate, 422]])
    assert.equal((await call('PATCH', location, anna.token, { type: FRAGMENT, body, match })).status, status);
  assert.equal((await call('PATCH', location, anna.token, { type: 'application/json', body: '{}', match: '*' })).status, 415);
  assert.equal((await call('DELETE', location, ben.token)).status, 404, 'not ben’s');

  await anna.client('leave');
  await until(() => whip.sessions.size === 0, 'the session at the server to be deleted (R15)');
  assert.equal((await call('DELETE', location, anna.token)).status, 404);
  await ben.client('leave');
  await stop();
  janus.close();
  const file = await stage.export('show', 'anna');
  assert.equal(await complaints(file), '');
  const { streams } = await probe(file);
  assert.deepEqual(streams.map(({ codec_name }) => codec_name).sort(), ['opus', 'vp8']);
});

const OFFER = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=mid:0',
  'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=setup:actpass', 'a=rtcp-mux',
  'a=sendonly', 'a=rtpmap:111 opus/48000/2', ''].join('\r\n');
const post = (where, token, body = OFFER, type = 'application/sdp') => call('POST', where, token, { type, body });

test('errors as the RFC has them', async () => {
  const { daemon } = stage;
  const options = await daemon.get('/whip/stage', null, { method: 'OPTIONS', headers: { origin: stage.origin } });
  assert.deepEqual([options.status, options.headers.get('accept-post'), options.headers.get('access-control-allow-origin')], [200, 'application/sdp', stage.origin]);
  const carl = daemon.token('errors', 'carl', 'client');
  assert.equal((await post('/whip/stage')).status, 401);
  const early = await post('/whip/stage', carl);
  assert.deepEqual([early.status, early.json.code], [409, 'not_joined']);
  const person = await Client.join(daemon, 'errors', 'carl', 'client');
  for (const [answer, status, code] of [
    [await post('/whip', carl), 404, 'unknown_endpoint'], [await post('/whip/.x', carl), 404, 'unknown_endpoint'], [await post('/whip/a%3fb', carl), 404, 'unknown_endpoint'],
    [await post('/whip/stage', carl, '{}', 'application/json'), 415, 'bad_type'], [await post('/whip/stage', carl, 'v=0'), 400, 'bad_description'],
    [await post('/whip/stage', daemon.token('errors', 'x', 'service')), 403, 'wrong_role'], [await call('GET', '/whip/stage', carl), 405, 'bad_method'],
    [await call('DELETE', '/v1/whip/0123', carl), 404, 'unknown_relay'],
  ]) assert.deepEqual([answer.status, answer.json.code], [status, code]);
  const open = await post('/whip/stage', carl);
  assert.equal(open.status, 201, open.bytes.toString());
  assert.equal((await daemon.post(`/v1/relays/${open.headers.get('location').split('/').at(-1)}`, carl, { from: 'client', description: { type: 'offer', sdp: OFFER } })).status, 404);
  assert.equal((await call('GET', open.headers.get('location'), carl)).headers.get('allow'), 'PATCH, DELETE, OPTIONS');
  assert.equal((await call('DELETE', open.headers.get('location'), carl)).status, 200);
  await until(() => whip.seen.at(-1).method === 'DELETE', 'the server to be told');
  await until(() => whip.sessions.size === 0, 'the session at the server to be deleted');
  person.close();
});

test('a server that is busy, refuses, answers nonsense or is not there: 502 or 503, and nothing is left of it', async () => {
  const { daemon } = stage;
  const dora = daemon.token('broken', 'dora', 'client');
  const person = await Client.join(daemon, 'broken', 'dora', 'client');
  const refused = async () => (({ status, json }) => [status, json?.code])(await post('/whip/stage', dora));
  whip.busy = true;
  assert.deepEqual(await refused(), [503, 'upstream_busy']);
  whip.busy = false;
  whip.token = 'another';
  assert.deepEqual(await refused(), [502, 'upstream_refused']);
  whip.token = 'of-the-whip-server';
  whip.answer = () => 'nonsense';
  assert.deepEqual(await refused(), [502, 'upstream_refused']);
  await until(() => whip.sessions.size === 0, 'what was begun there to be deleted');
  whip.answer = (sdp) => sdp;
  person.close();
  const alone = await Daemon.start({ config: { 'sfu.whip': 'http://127.0.0.1:9/whip' } });
  const other = await Client.join(alone, 'talk', 'emil', 'client');
  const gone = await alone.get('/whip', alone.token('talk', 'emil', 'client'), { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: OFFER });
  assert.deepEqual([gone.status, gone.json.code], [502, 'upstream_unreachable']);
  other.close();
  assert.equal((await alone.end()).code, 0);
});

test('who leaves while the server thinks gets no session, and nothing is left of it (R15)', async () => {
  const gil = stage.daemon.token('slow', 'gil', 'client');
  const person = await Client.join(stage.daemon, 'slow', 'gil', 'client');
  let go;
  whip.hold = new Promise((resolve) => (go = resolve));
  const asked = whip.seen.length;
  const offers = [1, 2, 3, 4].map(() => post('/whip/stage', gil));
  await until(() => whip.seen.length === asked + 4, 'the server to be asked');
  assert.deepEqual(await post('/whip/stage', gil).then(({ status, json }) => [status, json.code]), [429, 'too_many']);
  await person.leave();
  go();
  for (const answer of await Promise.all(offers)) assert.deepEqual([answer.status, answer.json.code], [409, 'not_joined']);
  await until(() => whip.seen.length === asked + 8 && whip.sessions.size === 0, 'what was begun there to be deleted');
});

test('the daemon ends while somebody publishes: the session at the server is deleted', async () => {
  const fay = await Client.join(stage.daemon, 'last', 'fay', 'client');
  assert.equal((await post('/whip/stage', stage.daemon.token('last', 'fay', 'client'))).status, 201);
  assert.equal(whip.sessions.size, 1);
  assert.equal((await stage.daemon.stop()).code, 0);
  assert.equal(whip.sessions.size, 0);
  fay.close();
});
