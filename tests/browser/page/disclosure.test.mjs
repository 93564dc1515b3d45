// SPDX-License-Identifier: Apache-2.0
// The form makes complete disclosures only (R1), and the letter leaves nothing of one out.
import assert from 'node:assert/strict';
import test from 'node:test';
import { disclosureFromForm, formDefaults, letterSections } from '../../../signaling/web/disclosure.js';
import { durationWords, millisecondsWords, sizeWords, timeWords } from '../../../signaling/web/units.js';

const filled = () => formDefaults('Dr. Ada Expert');

test('/page/disclosure/defaults-are-complete', () => {
  const { disclosure, problems } = disclosureFromForm(filled());
  assert.deepEqual(problems, []);
  assert.deepEqual(Object.keys(disclosure).sort(), ['access', 'language', 'on_withdrawal', 'purpose', 'retention_s', 'storage', 'third_parties', 'use']);
  assert.deepEqual([disclosure.access, disclosure.third_parties, disclosure.retention_s, disclosure.on_withdrawal], [['Dr. Ada Expert'], [], 30 * 86400, 'session']);
});

test('/page/disclosure/lists-are-lines', () => {
  const { disclosure } = disclosureFromForm({ ...filled(), access: ' Ada \n\n  Her supervisor\r\n', third_parties: '\n' });
  assert.deepEqual(disclosure.access, ['Ada', 'Her supervisor']);
  assert.deepEqual(disclosure.third_parties, []);
});

test('/page/disclosure/each-gap-is-named', () => {
  const gaps = {
    use: { use: '  ' }, storage: { storage: '' }, access: { access: '\n ' }, retention: { retention: '0' }, on_withdrawal: { on_withdrawal: 'nothing' },
    language: { language: 'no such language' }, purpose_text: { purpose: 'other', purpose_text: ' ' },
  };
  for (const [field, gap] of Object.entries(gaps)) assert.deepEqual(disclosureFromForm({ ...filled(), ...gap }).problems, [field]);
  for (const retention of ['', '-1', 'x', 'Infinity', '1e300']) assert.deepEqual(disclosureFromForm({ ...filled(), retention }).problems, ['retention']);
});

test('/page/disclosure/other-brings-its-text', () => {
  const { disclosure, problems } = disclosureFromForm({ ...filled(), purpose: 'other', purpose_text: 'An interview' });
  assert.deepEqual(problems, []);
  assert.equal(disclosure.purpose_text, 'An interview');
});

test('/page/disclosure/durations-in-words', () => {
  const words = { 3600: '1 hour', 7200: '2 hours', 86400: '1 day', 864000: '10 days', 1209600: '14 days', 2592000: '30 days', 31536000: '1 year', 90: '90 seconds' };
  for (const [seconds, expected] of Object.entries(words)) assert.equal(durationWords(Number(seconds)), expected);
});

test('/page/disclosure/letter-is-whole', () => {
  const { disclosure } = disclosureFromForm({ ...filled(), purpose: 'other', purpose_text: 'An interview' });
  const whole = { ...disclosure, controller: 'Practice', contact: 'mail', session: 's1', beats_holds: 'It beats holds.', more: { deep: ['x', 2], flag: true } };
  const sections = letterSections(whole);
  assert.deepEqual(new Set(sections.map(({ key }) => key)), new Set(Object.keys(whole).filter((key) => key !== 'purpose_text')));
  assert.ok(sections.every(({ heading, lines }) => heading && lines.length > 0 && lines.every((line) => typeof line === 'string' && line)));
  const text = sections.flatMap(({ lines }) => lines).join('\n');
  for (const part of ['An interview', 'Nobody else.', '30 days', 'Practice', 'It beats holds.', 'Deep: x, 2', 'Flag: true']) assert.ok(text.includes(part), part);
});

test('/page/disclosure/unknown-words-are-shown-as-they-are', () => {
  const sections = letterSections({ purpose: 'art', on_withdrawal: 'all', third_parties: ['A lab'] });
  assert.deepEqual(sections.map(({ lines }) => lines), [['art'], ['A lab'], ['all']]);
});

test('/page/disclosure/what-the-gate-adds-reads-well (R1)', () => {
  const sections = letterSections({ statements: ['One.', 'Two.'], requested_at: '2026-11-22T05:54:45.085Z', language: 'de', purpose: 'education' });
  assert.deepEqual(sections.map(({ key }) => key), ['purpose', 'statements', 'requested_at', 'language']);
  assert.deepEqual([sections[1].lines, sections[3].lines], [['One.', 'Two.'], ['German (de)']]);
  assert.match(sections[2].lines[0], /November.*2026/);
  assert.deepEqual(sections.map(({ lang }) => lang), ['', 'en', '', ''], 'the gate speaks no German');
  assert.deepEqual(letterSections({ use: 'Para mí.', statements: ['Uno.'], language: 'es-MX' }).map(({ lang }) => lang), ['es-MX', 'es', '']);
});

test('/page/units/words', () => {
  assert.equal(timeWords('no time'), 'no time');
  assert.deepEqual([70, 279_240, 1_500_000].map(millisecondsWords), ['0.07\u00a0ms', '280\u00a0ms', '1500\u00a0ms']);
  assert.deepEqual([0, 999, 32_400, 5_000_000].map(sizeWords), ['0\u00a0bytes', '999\u00a0bytes', '32.4\u00a0kB', '5.0\u00a0MB']);
});
