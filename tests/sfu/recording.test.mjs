// SPDX-License-Identifier: Apache-2.0
// What is recorded of somebody's connections with Janus: every one of theirs, as it plays; nothing of what Janus sends.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { complaints, probe } from '../browser/media.mjs';
import { DISCLOSURE } from '../integration/client.mjs';
import { until } from '../integration/daemon.mjs';
import { Stage } from './app.mjs';

let stage;
before(async () => (stage = await Stage.start()), { timeout: 60_000 });
after(() => stage?.end());

const kept = async (session) => (await stage.daemon.segments(session)).filter(({ state }) => state === 'kept');
const tracks = (segments, take) => [...new Set(segments.filter((one) => one.take === take).map(({ track, medium }) => `${track} ${medium}`))].sort();

async function alone(session, id, echo) {
  const person = await stage.open(session, id, 'expert');
  await person.connect();
  await person.do('echo', { data: false, ...echo });
  await person.flowing('echo');
  await person.client('request', DISCLOSURE);
  await person.recording('recording');
  return person;
}

test('each connection of a person is a set of tracks; one that ends or comes makes a new take, and all of it plays', { timeout: 60_000 }, async () => {
  const anna = await alone('alone-1', 'anna');
  await until(async () => new Set((await kept('alone-1')).map(({ medium }) => medium)).size === 2, 'sound and picture', 15_000);
  const [first] = await kept('alone-1');
  assert.deepEqual(tracks(await kept('alone-1'), first.take).map((name) => name.replace(/^\d+\./, '')), ['0 audio', '1 video']);

  await anna.do('echo', { data: false, name: 'second' });
  await anna.flowing('second');
  const both = await until(async () => {
    const list = await kept('alone-1');
    const last = list.reduce((most, { take }) => Math.max(most, take), 0);
    return last > first.take && tracks(list, last).length === 4 && last;
  }, 'a take with the tracks of both', 15_000);
  assert.equal(new Set(tracks(await kept('alone-1'), both).map((name) => name.split('.')[0])).size, 2);

  await anna.do('hangup', 'echo');
  await until(async () => {
    const list = await kept('alone-1');
    const last = list.reduce((most, { take }) => Math.max(most, take), 0);
    return last > both && tracks(list, last).length === 2;
  }, 'a take with what is left', 15_000);
  await anna.flowing('second');
  await anna.client('leave');
  const file = await stage.export('alone-1', 'anna');
  assert.equal(await complaints(file), '');
  const { streams } = await probe(file);
  assert.ok(streams.some(({ codec_name }) => codec_name === 'opus') && streams.some(({ codec_name }) => codec_name === 'vp8'), JSON.stringify(streams));
});

test('the daemon ends cleanly while it records, and what was committed stays', { timeout: 60_000 }, async () => {
  const carl = await alone('alone-3', 'carl');
  const before = await until(async () => (await kept('alone-3')).length, 'a kept segment', 15_000);
  await carl.flowing('echo');
  assert.equal((await stage.daemon.stop()).code, 0);
  const { status, output } = stage.daemon.ctl('segments', 'alone-3', '--json');
  assert.equal(status, 0);
  assert.ok(JSON.parse(output).filter(({ state }) => state === 'kept').length >= before);
});
