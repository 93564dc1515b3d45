// SPDX-License-Identifier: Apache-2.0
// Four people in a VideoRoom, two in each browser, as Janus's demo pages enter one (room.js): recorded only while all agree, closed before the first packet
// of somebody new, and all of it erased by one withdrawal while the call goes on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { filesUnder } from '../browser/watch.mjs';
import { DISCLOSURE } from '../integration/client.mjs';
import { sleep, until } from '../integration/daemon.mjs';
import { Stage } from './app.mjs';
import { leavesOf } from './leaves.mjs';
import { metrics } from './metrics.mjs';

const ROOM = 1234;
const SESSION = 'room-1';
const PLUGIN = { 'janus.plugin.videoroom.jcfg': `room-${ROOM}: { description = "Demo" publishers = 6 bitrate = 256000 fir_freq = 10 }` };
let stage, anna, ben, carl, dora;

before(async () => (stage = await Stage.start({ janus: { plugins: ['videoroom'], config: PLUGIN } })), { timeout: 60_000 });
after(() => stage?.end());

const segments = () => stage.daemon.segments(SESSION);
const kept = async () => (await segments()).filter(({ state }) => state === 'kept');
const ofWhom = (list) => [...new Set(list.map(({ participant }) => participant))].sort();
const auditor = () => stage.daemon.token(SESSION, 'auditor', 'auditor');

/** How many packets have entered a take, once no recording branch is attached: what had arrived before the gate closed has been written by then (R9). */
const recordedWhenDetached = () =>
  until(async () => {
    const { recgate_branches, recgate_recorded_packets_total } = await metrics(stage.daemon);
    return recgate_branches === 0 && { packets: recgate_recorded_packets_total };
  }, 'the recording branches to be gone');

/** In each browser one as videoroomtest subscribes, one as mvideoroom does. */
async function enter(person, each) {
  await person.connect();
  await person.do('enterRoom', ROOM, person.id, { each });
  return person;
}

const asked = (person) => until(async () => (await person.state('states')).find(({ type }) => type === 'ask'), `the question to ${person.id}`);

test('three people see and hear each other through the gate', { timeout: 90_000 }, async () => {
  anna = await enter(await stage.open(SESSION, 'anna', 'expert', { seat: 0 }), true);
  ben = await enter(await stage.open(SESSION, 'ben', 'client', { seat: 1 }), true);
  carl = await enter(await stage.open(SESSION, 'carl', 'client', { seat: 0 }), false);
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
  const list = await until(async () => {
    const now = await kept();
    return ofWhom(now).length === 3 && now.length >= 12 && now;
  }, 'segments of all three', 20_000);
  for (const participant of ['anna', 'ben', 'carl']) {
    const own = list.filter((segment) => segment.participant === participant);
    assert.deepEqual([...new Set(own.map(({ medium }) => medium))].sort(), ['audio', 'video'], participant);
    const first = own.filter(({ take, medium, seq }) => take === own[0].take && medium === 'audio' && seq === 0);
    assert.equal(first.length, 1, `one track of ${participant}'s sound`);
  }
});

test('a fourth person joins: the gate is closed before their first packet, and opens when they agree (R8)', { timeout: 90_000 }, async () => {
  const before = (await anna.state('states')).length;
  dora = await stage.open(SESSION, 'dora', 'client', { seat: 1 });
  await until(async () => (await anna.state('states')).slice(before).find(({ type, state }) => type === 'recording' && state !== 'recording'), 'the gate to close');
  const withoutThem = await recordedWhenDetached();
  await enter(dora, false);
  for (const person of [anna, ben, carl, dora]) await person.flowing('down', { videos: 3, ms: 30_000 });
  assert.deepEqual(await recordedWhenDetached(), withoutThem, 'not a packet of anybody entered a take, though all four send');
  assert.ok((await segments()).every(({ participant }) => participant !== 'dora'));

  const since = (await anna.state('states')).length;
  await asked(dora);
  await dora.do('grant');
  await anna.recording('recording', { since: since - 1 });
  await until(async () => ofWhom(await kept()).includes('dora'), 'segments of the fourth', 20_000);
});

test('the ledger says the same: closed when they joined, open when they agreed, and no packet of anybody in between (R8, R9, R21)', { timeout: 30_000 }, async () => {
  const leaves = await leavesOf(stage.daemon, SESSION);
  const of = (type, which = () => true) => leaves.filter((leaf) => leaf.type === type && which(leaf));
  const isDora = ({ participant }) => participant === 'dora';
  const [join, ...joins] = of('join', isDora);
  const [grant, ...grants] = of('grant', isDora);
  assert.deepEqual([joins, grants], [[], []]);
  const closed = of('gate_close').find(({ t }) => t >= join.t);
  const opened = of('gate_open').find(({ t }) => t >= grant.t);
  assert.ok(closed.t < grant.t && opened.take > closed.take, JSON.stringify([join, closed, grant, opened]));
  assert.equal(of('gate_open', ({ t }) => t > join.t && t < grant.t).length, 0, 'it stayed closed until then');
  const commits = of('commit');
  assert.ok(commits.some(isDora) && commits.some(({ take }) => take === closed.take));
  assert.deepEqual(commits.filter(({ first_us, last_us }) => last_us > join.t && first_us < opened.t), [], 'nothing recorded in between');
  assert.ok(commits.filter(isDora).every(({ take, first_us }) => take >= opened.take && first_us > grant.t));
});

test('one withdraws: everything goes, and the call goes on for all (R12, R13)', { timeout: 90_000 }, async () => {
  const withdrawn = await carl.client('withdraw');
  assert.ok(withdrawn.purged.segments > 0);
  assert.deepEqual(await kept(), []);
  await until(() => filesUnder(`${stage.daemon.data}/segments`).length === 0, 'the files to follow their keys (R18)');
  for (const participant of ['anna', 'ben', 'carl', 'dora']) {
    const refused = await stage.daemon.get(`/v1/sessions/${SESSION}/recording?participant=${participant}`, auditor());
    assert.ok(refused.status >= 400, `export of ${participant}: ${refused.status}`);
  }
  const { status, output, error } = stage.daemon.ctl('verify', '--json');
  assert.equal(status, 0, `${error}${output}`);
  assert.equal(JSON.parse(output).totals.kept, 0);
  for (const person of [anna, ben, carl, dora]) await person.flowing('down', { videos: 3 });
});

test('who leaves the session is gone from the room for the others (R15)', { timeout: 60_000 }, async () => {
  await dora.client('leave');
  await until(async () => (await dora.state('hangups')).includes('up'), 'Janus to end what the leaver published', 10_000);
  for (const person of [anna, ben, carl]) await person.flowing('down', { videos: 2 });
  assert.equal((await dora.stats('up')).state === 'connected', false);
  await assert.rejects(dora.do('publish'), /not_joined/);
  for (const person of [anna, ben, carl]) assert.deepEqual(await person.state('errors'), [], person.id);
});
