// SPDX-License-Identifier: Apache-2.0
// Moments and reasons as the auditor's page says them, on the reader's own clock.

import { words } from './audit-strings.js';
import { strings } from './strings.js';

// Made once: a formatter costs more than a thousand uses of it.
const FULL = new Intl.DateTimeFormat(strings.locale, { dateStyle: 'medium', timeStyle: 'medium' });
const SECONDS = new Intl.DateTimeFormat(strings.locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const MINUTES = new Intl.DateTimeFormat(strings.locale, { hour: '2-digit', minute: '2-digit' });

/** Day and time to the second. @param {string | number | null} at */
export function moment(at) {
  if (!at) return words.none;
  return FULL.format(new Date(at));
}

/** The time alone. */
export function clock(at, seconds = true) {
  return (seconds ? SECONDS : MINUTES).format(at);
}

export function reason(word) {
  return word ? (words.reasons[word] ?? word.replaceAll('_', ' ')) : words.none;
}
