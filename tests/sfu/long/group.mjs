// SPDX-License-Identifier: Apache-2.0
// Twelve people in a VideoRoom through one gate, in real browsers. All twelve agreed; four of them send sound and picture, and so are recorded, the other
// eight hear and see them. RECGATE_GROUP_S seconds (default 600): nothing is lost on the way in, on the way out or in the recording, and nothing grows.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { complaints, longestPause_ms, packets_s } from '../../browser/media.mjs';
import { DISCLOSURE } from '../../integration/client.mjs';
import { sleep, until } from '../../integration/daemon.mjs';
import { assertStays, drops, growth, usage } from '../../integration/usage.mjs';
import { Stage } from '../app.mjs';
import { metrics } from '../metrics.mjs';

const SECONDS = Number(process.env.RECGATE_GROUP_S ?? 600);
const SESSION = 'group';
const ROOM = 1234;
const PLUGIN = { 'janus.plugin.videoroom.jcfg': `room-${ROOM}: { description = "Twelve" publishers = 4 bitrate = 96000 }` };
const ON_STAGE = ['anna', 'ben', 'carl', 'dora'];
const IN_THE_HALL = ['emil', 'fay', 'gus', 'hana', 'ivo', 'june', 'karl', 'lena'];
const SMALL = { audio: true, video: { width: 160, height: 120, frameRate: 10 } };
const IN_THE_SECOND_BROWSER = ['ben', 'emil'];
const SILENCE_MS = 1000; // between two packets of sound in an export: twelve browsers' pages on two cores starve microphones, and what one did not hear is a pause; lost packets are counted
const APART = { audio: 100, video: 20 }; // two seconds of it: until the first keyframe, and between looking and the gate
const JANUS_THROWS = 'Discarding too old outgoing packet'; // a packet that waited a second for its thread, to one receiver
const ON_ITS_WAY_S = 0.5; // from a browser's counter to the gate's, on a busy machine
const NEVER = ['gate_closed_total', 'recorded_lost_total', 'stale_packets_total', 'segments_dropped_total', 'send_failed_total', 'socket_overflow_total',
  'packets_refused_total{by="srtp"}', 'packets_refused_total{by="unknown"}'];
let stage, sentBefore, atRest, thrown = 0;
const people = new Map();

before(async () => {
  stage = await Stage.start({ janus: { plugins: ['videoroom'], config: PLUGIN }, config: { 'recording.segment_s': 5, 'limits.sockets_per_address_max': 64 } });
  for (const stream of [stage.janus.process.stdout, stage.janus.process.stderr]) stream.on('data', (bytes) => (thrown += String(bytes).split(JANUS_THROWS).length - 1));
}, { timeout: 60_000 });
after(() => stage?.end());

async function enter(id) {
  const person = await stage.open(SESSION, id, id === 'anna' ? 'expert' : 'client', { seat: IN_THE_SECOND_BROWSER.includes(id) ? 1 : 0 });
  people.set(id, person);
  await person.connect();
  await person.do('enterRoom', ROOM, id, { capture: ON_STAGE.includes(id) ? SMALL : {} });
}

const everyone = (act) => Promise.all([...people.values()].map(act));

/** Packets of sound and frames of pictures that each on stage has sent. */
const sentBy = async () => Object.fromEntries(await Promise.all(ON_STAGE.map(async (id) => {
  const { out, framesSent } = await people.get(id).stats('up');
  return [id, { audio: out.audio, video: framesSent }];
})));

test('twelve enter: four are seen and heard by all', { timeout: 180_000 }, async () => {
  for (const id of [...ON_STAGE, ...IN_THE_HALL]) await enter(id);
  for (const [id, person] of people) await person.flowing('down', { videos: ON_STAGE.includes(id) ? 3 : 4, ms: 30_000 });
});

test('it is recorded when all twelve have agreed', { timeout: 120_000 }, async () => {
  assert.equal((await metrics(stage.daemon)).recgate_branches, 0);
  atRest = usage(stage.daemon.pid).descriptors;
  await people.get('anna').client('request', DISCLOSURE);
  for (const [id, person] of people) {
    if (id === 'anna') continue;
    await until(async () => (await person.state('states')).find(({ type }) => type === 'ask'), `the question to ${id}`);
    assert.equal((await metrics(stage.daemon)).recgate_open_gates, 0, `${id} has not agreed (R7)`);
    await person.do('grant');
  }
  await everyone((person) => person.recording('recording'));
  sentBefore = await sentBy();
});

/** What everybody sent, got and missed until now, and the gate's counters. took_s: to look at them all. */
async function look() {
  const began = performance.now();
  const all = await everyone(async (person) => ({ up: await person.stats('up'), down: await person.stats('down') }));
  const gate = await metrics(stage.daemon);
  const sum = (pick) => all.reduce((n, one) => n + pick(one), 0);
  const both = (counts) => (counts.audio ?? 0) + (counts.video ?? 0);
  return {
    at_s: performance.now() / 1000, took_s: (performance.now() - began) / 1000, gate, cpu_s: usage(stage.daemon.pid).cpu_s,
    sent: sum(({ up }) => both(up.out)), got: sum(({ down }) => both(down.in)), lost: sum(({ down }) => both(down.lost)),
    frames: sum(({ down }) => down.frames.reduce((n, one) => n + one, 0)), dropped: { ...drops({ gate: stage.daemon.pid, janus: stage.janus.pid }), thrown_by_janus: thrown },
  };
}

const less = (b, a) => Object.fromEntries(Object.entries(b).map(([name, value]) => [name, value - (a[name] ?? 0)]));

/** skew: how many packets were sent while looking. */
function between(a, b) {
  const gate = less(b.gate, a.gate);
  const { at_s, cpu_s, sent, got, lost, frames } = less(b, a);
  const skew = Math.ceil((sent / at_s) * (a.took_s + b.took_s + ON_ITS_WAY_S));
  return { seconds: at_s, cpu_of_a_core: cpu_s / at_s, sent, recorded: gate.recgate_recorded_packets_total, got, lost, frames, skew, dropped: less(b.dropped, a.dropped), gate };
}

test(`${SECONDS} s of it: nobody misses a packet, the gate stays open and does not grow`, { timeout: (SECONDS + 120) * 1000 }, async () => {
  await sleep(3000); // bandwidth estimates have settled
  const began = await look();
  const samples = [];
  while (performance.now() / 1000 - began.at_s < SECONDS) {
    await sleep(1000);
    samples.push(usage(stage.daemon.pid));
  }
  const ended = await look();
  const { gate, ...figures } = between(began, ended);
  const every = Math.ceil(samples.length / 10);
  const moved = Object.fromEntries(Object.entries(gate).filter(([, n]) => n !== 0));
  console.log(JSON.stringify({ ...figures, ...growth(samples), rss_kib_over_time: samples.filter((_, i) => i % every === 0).map(({ rss_kib }) => rss_kib), moved }));
  const { sent, recorded, got, lost, skew, dropped } = figures;
  const copies = people.size - 1; // each of those on stage is sent to everybody else
  for (const name of NEVER) assert.equal(gate[`recgate_${name}`], 0, name);
  assert.equal(dropped.gate, 0, 'dropped before the gate read it');
  assert.ok(Math.abs(sent - recorded) <= skew, `${sent} sent, ${recorded} recorded`);
  // Twelve people share two cores with whatever else runs: a browser or Janus may come too late to its own socket, and Janus to its own queue. Both are
  // counted, and nothing else may be lost.
  const elsewhere = dropped.others + dropped.janus * copies + dropped.thrown_by_janus;
  assert.ok(lost <= elsewhere, `${lost} lost, but dropped: ${JSON.stringify(dropped)}`);
  assert.ok(Math.abs(sent * copies - got - elsewhere) <= skew * copies, `${sent} sent to ${copies}, ${got} arrived, dropped: ${JSON.stringify(dropped)}`);
  const { rss_kib, threads } = growth(samples); // eight segments are open, and more wait: descriptors are compared when none is
  assertStays({ rss_kib, threads });
  assert.deepEqual((await everyone((person) => person.state('errors'))).flat(), []);
});

test('every packet that was sent is in the recording, without a gap', { timeout: 300_000 }, async () => {
  const sentAfter = await sentBy();
  await people.get('anna').client('stop');
  await until(async () => {
    const now = await metrics(stage.daemon); // a list of segments does not name those that still wait for their confirmation
    return now.recgate_branches === 0 && now.recgate_segments_total === now.recgate_segments_committed_total + now.recgate_segments_dropped_total;
  }, 'the last segments to be confirmed', 40_000);
  await until(() => usage(stage.daemon.pid).descriptors === atRest, `${atRest} descriptors, as before`);
  const kept = await stage.daemon.segments(SESSION);
  assert.ok(kept.every(({ state }) => state === 'kept'));
  assert.deepEqual([...new Set(kept.map(({ participant }) => participant))].sort(), ON_STAGE);
  for (const participant of ON_STAGE)
    for (const medium of ['audio', 'video']) {
      const own = kept.filter((one) => one.participant === participant && one.medium === medium).sort((x, y) => x.seq - y.seq);
      assert.deepEqual(own.map(({ seq }) => seq), own.map((_, i) => i), `${participant}'s ${medium}: one take, each number once`);
    }
  for (const participant of ON_STAGE) {
    const file = await stage.export(SESSION, participant);
    assert.equal(await complaints(file), '', participant);
    const silence_ms = longestPause_ms(await packets_s(file, 'audio'));
    assert.ok(silence_ms <= SILENCE_MS, `${participant}: ${silence_ms} ms without sound`);
    for (const medium of ['audio', 'video']) {
      const counts = { sent: sentAfter[participant][medium] - sentBefore[participant][medium], exported: (await packets_s(file, medium)).length };
      console.log(JSON.stringify({ participant, medium, ...counts, ...(medium === 'audio' ? { silence_ms } : {}) }));
      assert.ok(Math.abs(counts.sent - counts.exported) <= APART[medium], `${participant}'s ${medium}: ${JSON.stringify(counts)}`);
    }
  }
});
