// SPDX-License-Identifier: Apache-2.0
// janus.js over Janus's HTTP API in real browsers, with nothing changed but the address: EchoTest, and a VideoRoom that is recorded.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DISCLOSURE } from '../integration/client.mjs';
import { until } from '../integration/daemon.mjs';
import { Stage } from './app.mjs';

const ROOM = 1234;
const CONFIG = { 'janus.plugin.videoroom.jcfg': `room-${ROOM}: { description = "Demo" publishers = 6 bitrate = 256000 fir_freq = 10 }` };
const overHttp = { scheme: 'http' };
let stage;
before(async () => (stage = await Stage.start({ janus: { plugins: ['echotest', 'videoroom'], config: CONFIG } })), { timeout: 60_000 });
after(() => stage?.end());

const idOf = (person) => person.page.evaluate(() => window.app.state.janus.getSessionId());
const ended = (id) => until(() => stage.janus.said.includes(`Destroying session ${id}`), 'Janus to end the session', 10_000);

for (const seat of [0, 1])
  test(`EchoTest in ${seat ? 'the other' : 'a'} browser: media, data, ICE restart, hanging up; a page that closes ends its session`, { timeout: 90_000 }, async () => {
    const anna = await stage.open(`http-${seat}`, 'anna', 'expert', { seat });
    await anna.connect(overHttp);
    await stage.echoes(anna);
    await anna.do('hangup', 'echo');
    await anna.do('echo', { data: false, name: 'again' });
    await anna.flowing('again');
    assert.deepEqual(await anna.state('errors'), []);
    const id = await idOf(anna);
    await anna.page.goto('about:blank');
    await ended(id);
  });

test('who has not joined gets a clear error; who leaves loses their media (R7, R15)', { timeout: 60_000 }, async () => {
  const ben = await stage.open('http-2', 'ben', 'client', { join: false });
  await ben.connect(overHttp);
  await assert.rejects(ben.do('echo', { data: false }), /not_joined: .*recgate\.v1/);
  await ben.join();
  await ben.do('echo', { data: false, name: 'joined' });
  await ben.flowing('joined');
  await ben.client('leave');
  await until(async () => (await ben.state('hangups')).includes('joined'), 'Janus to notice that the PeerConnection is gone', 10_000);
  await assert.rejects(ben.do('echo', { data: false }), /not_joined/);
});

test('a room of one over HTTP and one by WebSocket is recorded when both agree, and erased when one withdraws', { timeout: 90_000 }, async () => {
  const people = [];
  for (const [seat, scheme] of ['http', 'ws'].entries()) {
    const person = await stage.open('http-room', scheme, seat ? 'client' : 'expert', { seat });
    await person.connect({ scheme });
    await person.do('enterRoom', ROOM, scheme);
    people.push(person);
  }
  const [carl, dora] = people;
  for (const person of people) await person.flowing('down');
  await carl.client('request', DISCLOSURE);
  await until(async () => (await dora.state('states')).find(({ type }) => type === 'ask'), 'the question');
  await dora.do('grant');
  await carl.recording('recording');
  const kept = async () => (await stage.daemon.segments('http-room')).filter(({ state }) => state === 'kept');
  await until(async () => new Set((await kept()).map(({ participant, medium }) => `${participant} ${medium}`)).size === 4, 'sound and picture of both', 20_000);
  const withdrawn = await carl.client('withdraw');
  assert.ok(withdrawn.purged.segments > 0);
  assert.deepEqual(await kept(), []);
  for (const person of people) await person.flowing('down');
});
