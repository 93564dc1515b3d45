// SPDX-License-Identifier: Apache-2.0
// From the asker's form to a disclosure (R1), and from a disclosure to the letter people read. Pure.

import { strings } from './strings.js';
import { UNIT_SECONDS, durationWords, timeWords } from './units.js';

export const PURPOSES = ['personal-review', 'education', 'documentation', 'other'];
export const SCOPES = ['session', 'participant', 'after'];

const ORDER = ['purpose', 'use', 'storage', 'access', 'third_parties', 'retention_s', 'on_withdrawal', 'statements', 'controller', 'contact', 'requested_at', 'session', 'language'];

/** What the form starts with; `name` is the asker's. */
export function formDefaults(name) {
  return {
    purpose: 'personal-review', purpose_text: '', use: strings.defaults.use['personal-review'], storage: strings.defaults.storage,
    access: name, third_parties: '', retention: '30', retention_unit: 'days', on_withdrawal: 'session', language: strings.locale,
  };
}

/**
 * @param {Record<string, string>} values of the form, as text
 * @returns {{disclosure: object, problems: string[]}} problems: names of the fields to mend, in the form's order; then the disclosure is not to be sent
 */
export function disclosureFromForm(values) {
  const text = (field) => (values[field] ?? '').trim();
  const lines = (field) => text(field).split('\n').map((line) => line.trim()).filter(Boolean);
  const seconds = Math.round(Number(text('retention')) * UNIT_SECONDS[values.retention_unit]);
  const disclosure = {
    purpose: values.purpose, use: text('use'), storage: text('storage'), access: lines('access'), third_parties: lines('third_parties'),
    retention_s: seconds, on_withdrawal: values.on_withdrawal, language: text('language'),
  };
  if (text('purpose_text')) disclosure.purpose_text = text('purpose_text');
  const missing = {
    purpose_text: values.purpose === 'other' && !text('purpose_text'),
    use: !disclosure.use,
    storage: !disclosure.storage,
    access: disclosure.access.length === 0,
    retention: !(Number.isSafeInteger(seconds) && seconds > 0),
    on_withdrawal: !SCOPES.includes(values.on_withdrawal),
    language: !/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(disclosure.language),
  };
  return { disclosure, problems: Object.keys(missing).filter((field) => missing[field]) };
}

function languageWords(tag) {
  try {
    const name = new Intl.DisplayNames(strings.locale, { type: 'language' }).of(tag);
    return name === tag ? tag : `${name} (${tag})`;
  } catch {
    return tag; // no language tag at all: shown as it came
  }
}

/**
 * The whole disclosure as a letter. Whatever the gate added is in it too: nothing that is hashed stays unread.
 * @returns {{key: string, heading: string, lines: string[], lang: string}[]} lang: of the lines, '' where they are the page's words or a name
 */
export function letterSections(disclosure) {
  const rest = Object.keys(disclosure).filter((key) => key !== 'purpose_text' && !ORDER.includes(key)).sort();
  return [...ORDER.filter((key) => key in disclosure), ...rest].map((key) => ({
    key,
    heading: strings.headings[key] ?? sentenceCase(key),
    lines: linesOf(key, disclosure),
    lang: languageOf(key, disclosure),
  }));
}

/** The gate says its part in the language of the rest where it speaks it, else in English (R1). */
function languageOf(key, { language = '' }) {
  if (key === 'statements') return /^es([-_]|$)/i.test(language) ? 'es' : 'en';
  return key === 'use' || key === 'storage' ? language : '';
}

function linesOf(key, disclosure) {
  const value = disclosure[key];
  if (key === 'purpose') return [strings.purposes[value] ?? value, disclosure.purpose_text].filter(Boolean);
  if (key === 'retention_s') return [strings.keptFor(durationWords(value))];
  if (key === 'on_withdrawal') return [strings.onWithdrawal[value] ?? value];
  if (key === 'third_parties' && value.length === 0) return [strings.nobody];
  if (key === 'requested_at') return [timeWords(value)];
  if (key === 'language') return [languageWords(value)];
  return plainLines(value);
}

function plainLines(value) {
  if (Array.isArray(value)) return value.flatMap(plainLines);
  if (value === null || typeof value !== 'object') return [String(value)];
  return Object.keys(value).map((key) => `${sentenceCase(key)}: ${plainLines(value[key]).join(', ')}`);
}

function sentenceCase(key) {
  const words = key.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
