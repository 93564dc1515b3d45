// SPDX-License-Identifier: Apache-2.0
// What the auditor's page makes of the gate's lists.
import assert from 'node:assert/strict';
import test from 'node:test';
import { fates } from '../../../signaling/web/audit-summary.js';

const segment = (changes) => ({ take: 1, participant: 'ben', medium: 'audio', state: 'kept', reason: null, start: '2026-01-01T00:00:00.000Z', end: '2026-01-01T00:00:05.000Z', bytes: 10, ...changes });

test('/page/audit/one-line-for-what-shares-a-fate', () => {
  const lines = fates([segment(), segment({ start: '2026-01-01T00:00:05.000Z', end: '2026-01-01T00:00:10.000Z' }), segment({ state: 'dropped', reason: 'withdrawn', start: null, end: null })]);
  assert.deepEqual(lines.map(({ state, segments, bytes }) => [state, segments, bytes]), [['kept', 2, 20], ['dropped', 1, 10]]);
  assert.deepEqual([lines[0].from, lines[0].to], ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:10.000Z']);
});

test('/page/audit/takes-people-and-media-are-told-apart', () => {
  const lines = fates([segment({ take: 2 }), segment({ participant: 'anna' }), segment({ medium: 'video' }), segment()]);
  assert.deepEqual(lines.map(({ take, participant, medium }) => `${take} ${participant} ${medium}`), ['1 anna audio', '1 ben audio', '1 ben video', '2 ben audio']);
});
