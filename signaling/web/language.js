// SPDX-License-Identifier: Apache-2.0
// Which language the pages speak: ?lang= in the address, else the first of the browser's that is there, else English.

const KNOWN = ['en', 'es'];

function wanted() {
  const asked = typeof location === 'undefined' ? null : new URLSearchParams(location.search).get('lang');
  return [asked, ...(globalThis.navigator?.languages ?? [])].filter(Boolean).map((tag) => tag.slice(0, 2).toLowerCase());
}

/** 'en' or 'es' */
export const language = wanted().find((tag) => KNOWN.includes(tag)) ?? 'en';

/** The words in the page's language; what a translation lacks is said in English. @template T @param {{en: T, [language: string]: Partial<T>}} all @returns {T} */
export function inLanguage(all) {
  if (typeof document !== 'undefined') document.documentElement.lang = language;
  return merge(all.en, all[language] ?? {});
}

function merge(base, over) {
  const plain = (value) => value && Object.getPrototypeOf(value) === Object.prototype;
  return Object.fromEntries(Object.entries(base).map(([key, value]) => [key, plain(value) ? merge(value, over[key] ?? {}) : over[key] ?? value]));
}
