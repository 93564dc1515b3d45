// SPDX-License-Identifier: Apache-2.0
// The auditor's words in both languages: nothing is missing, nothing takes other arguments.
import assert from 'node:assert/strict';
import test from 'node:test';
import { en } from '../../../signaling/web/audit-strings-en.js';
import { es } from '../../../signaling/web/audit-strings-es.js';

const SAME = new Set(['marks', 'none']); // signs, not words

function compare(one, other, path) {
  for (const [key, value] of Object.entries(one)) {
    if (SAME.has(key) && path === '') continue;
    const where = `${path}${key}`;
    assert.equal(typeof other[key], typeof value, where);
    if (typeof value === 'function') assert.equal(other[key].length, value.length, where);
    else if (typeof value === 'object') compare(value, other[key], `${where}.`);
  }
}

test('/page/audit-words/spanish-says-all-that-english-says', () => {
  compare(en, es, '');
  assert.deepEqual(Object.keys(es).filter((key) => !(key in en)), []);
});
