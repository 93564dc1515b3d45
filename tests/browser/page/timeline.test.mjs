// SPDX-License-Identifier: Apache-2.0
// The auditor's chart without the drawing: lanes, what is seen at a zoom, the axis.
import assert from 'node:assert/strict';
import test from 'node:test';
import { inView, moved, playedFrom, ticks, timeline, zoomed } from '../../../signaling/web/audit-timeline.js';

const T0 = Date.parse('2026-01-01T10:00:00.000Z');
const iso = (s) => new Date(T0 + s * 1000).toISOString();
const session = (changes) => ({
  id: 'call', participants: [{ id: 'anna', name: 'Anna', joined: iso(0), left: iso(600), reason: 'left' }, { id: 'ben', joined: iso(60), left: null }],
  consents: [{ participant: 'ben', answer: 'granted', at: iso(90) }], purges: [], requests: [],
  takes: [{ take: 1, opened: iso(100), closed: iso(200), reason: 'paused' }, { take: 2, opened: iso(300), closed: iso(400), reason: 'withdrawn' }], ...changes,
});
const run = (changes) => ({ take: 1, participant: 'ben', track: '1', medium: 'audio', first: 0, last: 19, segments: 20, bytes: 100, start: iso(100), end: iso(200), state: 'kept', reason: null, ...changes });

test('/page/timeline/the-gate-is-told-for-the-whole-call', () => {
  const { gate } = timeline(session(), [], { now: T0 + 700_000 });
  assert.deepEqual(gate.map(({ from, to, open, reason }) => [(from - T0) / 1000, (to - T0) / 1000, open, reason]),
    [[0, 100, false, null], [100, 200, true, 'paused'], [200, 300, false, 'paused'], [300, 400, true, 'withdrawn'], [400, 700, false, 'withdrawn']]);
});

test('/page/timeline/what-comes-weeks-later-does-not-squeeze-the-call', () => {
  const late = { at: '2026-02-01T00:00:00.000Z', participant: 'ben', scope: 'session', reason: 'withdrawn' };
  const shown = timeline(session({ purges: [late] }), [run()], { now: T0 + 700_000 });
  assert.equal(shown.to, T0 + 700_000);
  assert.equal(shown.purges[0].beyond, 'after');
});

test('/page/timeline/leaves-tell-absences-and-changes-of-mind', () => {
  const history = [['join', 60], ['grant', 90], ['leave', 120], ['join', 150], ['withdraw', 160]].map(([type, s]) => ({ type, at: T0 + s * 1000, participant: 'ben', reason: type === 'leave' ? 'silent' : undefined }));
  const ben = timeline(session(), [], { now: T0 + 700_000, history }).people[1];
  assert.deepEqual(ben.present.map(({ from, to, reason }) => [(from - T0) / 1000, (to - T0) / 1000, reason]), [[60, 120, 'silent'], [150, 700, null]]);
  assert.deepEqual(ben.marks.map(({ kind }) => kind), ['granted', 'withdrawn']);
});

test('/page/timeline/a-row-for-each-medium-and-each-further-track', () => {
  const runs = [run(), run({ medium: 'video', track: '2' }), run({ medium: 'video', track: '3', state: 'dropped', start: null, end: null }), run({ take: 2, medium: 'video', track: '9', start: iso(300), end: iso(400) })];
  const ben = timeline(session(), runs).people[1];
  assert.deepEqual(ben.rows.map(({ medium, nth, ranges }) => [medium, nth, ranges.length]), [['audio', 0, 1], ['video', 0, 2], ['video', 1, 1]]);
  assert.equal(ben.rows[2].ranges[0].from, T0 + 100_000); // without times it stands where its take began
});

test('/page/timeline/thousands-of-short-stretches-are-few-marks', () => {
  const spans = Array.from({ length: 5000 }, (_, i) => ({ from: i * 1000, to: i * 1000 + 900 }));
  const seen = inView(spans, { from: 0, to: 5_000_000 }, 1000);
  assert.ok(seen.length <= 170, `${seen.length}`);
  assert.equal(seen.reduce((sum, { all }) => sum + all.length, 0), 5000);
  assert.equal(inView(spans, { from: 0, to: 10_000 }, 1000).length, 11);
});

test('/page/timeline/zoom-stays-inside-the-call', () => {
  const whole = { from: 0, to: 100_000 };
  assert.deepEqual(zoomed(whole, whole, 2), whole);
  assert.deepEqual(zoomed(whole, whole, 0.5, 0), { from: 0, to: 50_000 });
  assert.deepEqual(moved({ from: 0, to: 50_000 }, whole, 3), { from: 50_000, to: 100_000 });
  assert.equal(zoomed(whole, whole, 0.0001).to - zoomed(whole, whole, 0.0001).from, 5000);
});

test('/page/timeline/ticks-are-round-and-apart', () => {
  const marks = ticks({ from: T0 + 1, to: T0 + 8 * 3_600_000 }, 1000);
  assert.ok(marks.length >= 4 && marks.length <= 12, `${marks.length}`);
  assert.ok(marks.every(({ at }) => new Date(at).getMinutes() === 0));
});

test('/page/timeline/a-click-plays-some-minutes-from-there', () => {
  const range = { from: 0, to: 1_000_000, segments: 200, first: 10, last: 209, take: 2 };
  assert.deepEqual(playedFrom(range, 500_000), { take: 2, from: 110, to: 133, last: 209 });
  assert.deepEqual(playedFrom(range, 1_000_000), { take: 2, from: 209, to: 209, last: 209 });
});
