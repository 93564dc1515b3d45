// SPDX-License-Identifier: Apache-2.0
// How far an arriving WebM is.
import assert from 'node:assert/strict';
import test from 'node:test';
import { WebmProgress } from '../../../signaling/web/webm-progress.js';

const header = () => {
  const bytes = Buffer.alloc(40, 1);
  bytes.set([0x44, 0x89, 0x88], 8);
  bytes.writeDoubleBE(20_000, 11);
  return bytes;
};
const cluster = (ms) => Buffer.concat([Buffer.of(0x1f, 0x43, 0xb6, 0x75, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xe7, 0x82, ms >> 8, ms & 255), Buffer.alloc(500, 2)]);

test('/page/progress/by-the-clusters-times', () => {
  const progress = new WebmProgress();
  assert.equal(progress.add(Buffer.alloc(3)), null);
  assert.equal(progress.add(header()), 0);
  assert.equal(progress.add(cluster(5000)), 0.25);
  assert.equal(progress.add(Buffer.concat([cluster(10_000), cluster(15_000)])), 0.75);
});

test('/page/progress/wherever-the-pieces-break', () => {
  const whole = Buffer.concat([header(), cluster(5000), cluster(10_000)]);
  for (let at = 1; at < whole.length; at += 7) {
    const progress = new WebmProgress();
    progress.add(whole.subarray(0, at));
    assert.equal(progress.add(whole.subarray(at)), 0.5, `broken at ${at}`);
  }
});
