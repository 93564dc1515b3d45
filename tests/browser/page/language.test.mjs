// SPDX-License-Identifier: Apache-2.0
// The pages' languages: the same words in each, and which of them is spoken.
import assert from 'node:assert/strict';
import test from 'node:test';
import { LANGUAGES, inLanguage, pickLanguage, translate } from '../../../signaling/web/language.js';
import { en } from '../../../signaling/web/strings-en.js';
import { es } from '../../../signaling/web/strings-es.js';
import { strings } from '../../../signaling/web/strings.js';
import { durationWords, millisecondsWords, sizeWords, timeWords } from '../../../signaling/web/units.js';

/** What is the same in both languages, and why. */
const SAME = {
  decline: 'the word is the same',
  device: 'a name and a number, no word of its own',
  withdrawnExport: 'who and when, no word of its own',
  'defaults.use.other': 'empty: the asker says it in their own words',
};

const kindOf = (value) => (Array.isArray(value) ? `array of ${value.length}` : typeof value === 'function' ? `function of ${value.length}` : typeof value);

/** [path, value] of everything that is a word or makes words. */
function leaves(table, path = '') {
  return Object.entries(table).flatMap(([key, value]) => {
    const at = path ? `${path}.${key}` : key;
    return typeof value === 'object' ? leaves(value, at) : [[at, value]];
  });
}

/** The words themselves; what takes something to speak of is given names. */
const words = (value) => (typeof value === 'function' ? [value(...Array.from({ length: value.length }, () => ['Ada', 'Ben']))].flat().join(' ') : value);

test('/page/language/the-same-keys-and-kinds', () => {
  const shape = (table) => leaves(table).map(([path, value]) => `${path}: ${kindOf(value)}`).sort();
  assert.deepEqual(shape(es), shape(en));
});

test('/page/language/nothing-is-left-in-english', () => {
  const english = new Map(leaves(en));
  const same = leaves(es).filter(([path, value]) => words(value) === words(english.get(path))).map(([path]) => path);
  assert.deepEqual(same.sort(), Object.keys(SAME).sort());
  for (const [path, value] of [...leaves(en), ...leaves(es)]) assert.doesNotMatch(words(value), /undefined|\s$|^\s|  /, path);
  for (const [path, value] of leaves(es)) assert.doesNotMatch(words(value), /\b(the|you|your|and|is|recording|withdraw|consent)\b/i, path);
});

test('/page/language/spanish-is-formal-and-well-set', () => {
  for (const [path, value] of leaves(es)) {
    assert.doesNotMatch(words(value), /\b(tú|tu|tus|te|ti|contigo|puedes|tienes|has)\b/i, `${path} says usted`);
    assert.doesNotMatch(words(value), /["“”]|[¿¡]\s/, `${path}: «»`);
    assert.equal(words(value).split('¿').length, words(value).split('?').length, `${path}: ¿…?`);
  }
});

test('/page/language/lists-agree-with-their-verbs', () => {
  assert.equal(es.status.askingWaits(es.listed(['Ana']), false)[1].split('.')[0], 'Ana aún no ha respondido');
  assert.equal(es.status.askingWaits(es.listed(['Ana', 'Inés']), true)[1].split('.')[0], 'Ana e Inés aún no han respondido');
  assert.equal(en.status.askingWaits(en.listed(['Ada and Co']), false)[1].split('.')[0], 'Ada and Co has not answered yet', 'a name is no list');
  assert.equal(es.listed(['Ana', 'Ben', 'Cleo']), 'Ana, Ben y Cleo');
});

test('/page/language/the-address-then-the-browser-then-english', () => {
  assert.deepEqual(LANGUAGES, ['en', 'es']);
  for (const [search, preferred, expected] of [
    ['', [], 'en'], ['', ['es-MX', 'en'], 'es'], ['', ['de-DE', 'es', 'en'], 'es'], ['', ['de-DE', 'fr'], 'en'], ['', ['EN-gb', 'es'], 'en'],
    ['?lang=es', ['en'], 'es'], ['?lang=en', ['es'], 'en'], ['?lang=ES-419', [], 'es'], ['?lang=de', ['es'], 'es'], ['?lang=', ['es'], 'es'], ['?lang=est', ['en'], 'en'],
    ['?lang=__proto__', ['es'], 'es'],
  ]) assert.equal(pickLanguage(search, preferred), expected, `${search} ${preferred}`);
});

test('/page/language/a-gap-is-said-in-english', () => {
  const all = { en: { a: 'one', deep: { b: 'two', c: (n) => `${n}` } }, es: { deep: { b: 'dos' } } };
  const said = inLanguage(all);
  const now = () => [said.a, said.deep.b, said.deep.c(3)];
  assert.deepEqual(now(), ['one', 'two', '3']);
  translate('es');
  assert.deepEqual(now(), ['one', 'dos', '3'], 'who holds the words gets the new ones');
  translate('en');
  assert.deepEqual(now(), ['one', 'two', '3']);
});

test('/page/language/numbers-and-moments-in-the-language', () => {
  translate('es');
  try {
    assert.equal(strings.join, 'Entrar');
    assert.deepEqual([3600, 7200, 86400, 2592000, 31536000, 90, 1].map(durationWords), ['1 hora', '2 horas', '1 día', '30 días', '1 año', '90 segundos', '1 segundo']);
    assert.deepEqual([70, 279_240].map(millisecondsWords), ['0,07\u00a0ms', '280\u00a0ms']);
    assert.deepEqual([999, 32_400, 5_000_000].map(sizeWords), ['999\u00a0bytes', '32,4\u00a0kB', '5,0\u00a0MB']);
    assert.match(timeWords('2026-11-22T12:00:00Z'), /22 de noviembre de 2026/);
  } finally {
    translate('en');
  }
  assert.equal(strings.join, 'Join');
});
