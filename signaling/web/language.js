// SPDX-License-Identifier: Apache-2.0
// Which language the pages speak: ?lang= in the address, else the first of the browser's that is there, else English.

export const LANGUAGES = ['en', 'es'];

/**
 * @param {string} search of the page's address
 * @param {readonly string[]} preferred BCP 47 tags, the dearest first
 * @returns {string} one of LANGUAGES
 */
export function pickLanguage(search, preferred) {
  const wanted = [new URLSearchParams(search).get('lang') ?? '', ...preferred];
  return wanted.map((tag) => tag.split('-')[0].toLowerCase()).find((tag) => LANGUAGES.includes(tag)) ?? 'en';
}

const first = pickLanguage(globalThis.location?.search ?? '', globalThis.navigator?.languages ?? []);

/** Every table of words that the page asked for, in all languages and as it says them now. */
const tables = [];

/** The words in the page's language; what a translation lacks is said in English. @template T @param {{en: T, [language: string]: Partial<T>}} all @returns {T} */
export function inLanguage(all) {
  const words = /** @type {T} */ ({});
  tables.push({ all, words });
  translate(first);
  return words;
}

/** From now on every table says its words in this language, whoever reads it next; and the document says which it is. @param {string} language */
export function translate(language) {
  if (typeof document !== 'undefined') document.documentElement.lang = language;
  for (const { all, words } of tables) Object.assign(words, merge(all.en, all[language] ?? {}));
}

function merge(base, over) {
  const plain = (value) => value && Object.getPrototypeOf(value) === Object.prototype;
  return Object.fromEntries(Object.entries(base).map(([key, value]) => [key, plain(value) ? merge(value, over[key] ?? {}) : over[key] ?? value]));
}
