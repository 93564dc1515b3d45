// SPDX-License-Identifier: Apache-2.0
// What a grant is bound to (R3): canonical JSON by RFC 8785 and its hash.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { canonicalJson, canonicalSha256 } from '../../../signaling/web/recgate-canonical.js';

test('/page/canonical/example-of-the-rfc', () => {
  // RFC 8785 section 3.2.2 and 3.2.3: literals, numbers, strings and the order of keys.
  const value = {
    numbers: [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"\/',
    literals: [null, true, false],
  };
  assert.equal(canonicalJson(value),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}');
});

test('/page/canonical/keys-by-utf16-units', () => {
  const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, 1: 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 };
  assert.equal(canonicalJson(value), '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"\u{1f600}":5,"\ufb33":3}');
});

test('/page/canonical/independent-of-the-order-written', () => {
  assert.equal(canonicalJson({ b: { d: 1, c: [] }, a: -0 }), canonicalJson({ a: 0, b: { c: [], d: 1 } }));
});

test('/page/canonical/what-json-cannot-say-is-refused', () => {
  for (const value of [NaN, Infinity, undefined, () => {}, 1n, '\ud800', { '\udc00': 1 }, [undefined]]) {
    assert.throws(() => canonicalJson(value), TypeError);
  }
});

test('/page/canonical/sha256', async () => {
  const value = { purpose: 'personal-review', access: ['Ada', 'Ŕózsa'], retention_s: 86400 };
  assert.equal(await canonicalSha256(value), createHash('sha256').update(canonicalJson(value)).digest('hex'));
});
