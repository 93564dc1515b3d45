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

/**
 * The words in a language, by default the page's; what a translation lacks is said in English. The document says that it speaks it.
 * @template T @param {{en: T, [language: string]: Partial<T>}} all @returns {T}
 */
export function inLanguage(all, language = first) {
  if (typeof document !== 'undefined') document.documentElement.lang = language;
  return merge(all.en, all[language] ?? {});
}

function merge(base, over) {
  const plain = (value) => value && Object.getPrototypeOf(value) === Object.prototype;
  return Object.fromEntries(Object.entries(base).map(([key, value]) => [key, plain(value) ? merge(value, over[key] ?? {}) : over[key] ?? value]));
}
