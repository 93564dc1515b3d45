// SPDX-License-Identifier: Apache-2.0
// Numbers and moments in words.

import { strings } from './strings.js';

export const UNIT_SECONDS = { hours: 3600, days: 86400, weeks: 604800, months: 2592000, years: 31536000 };

/** A number and its unit stay on one line. */
const TIED = '\u00a0';

/** Seconds in the largest unit that they fill without rest. A month is no measure: 2592000 is "30 days". */
export function durationWords(seconds) {
  const fitting = ['hours', 'days', 'years'].filter((unit) => seconds % UNIT_SECONDS[unit] === 0).pop();
  if (!fitting || seconds <= 0) return strings.seconds(seconds);
  const count = seconds / UNIT_SECONDS[fitting];
  return `${count} ${strings.units[fitting][count === 1 ? 0 : 1]}`;
}

/** A moment as the reader's own clock shows it; what is none stays as it is. @param {string | number} moment */
export function timeWords(moment) {
  const time = new Date(moment);
  if (Number.isNaN(time.getTime())) return String(moment);
  return time.toLocaleString(strings.locale, { day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short' });
}

/** @param {number} us microseconds, to two digits that count */
export function millisecondsWords(us) {
  return `${numberWords(Number((us / 1000).toPrecision(2)))}${TIED}ms`;
}

/** @param {number} bytes */
export function sizeWords(bytes) {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const step = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return `${numberWords(bytes / 1000 ** step, step === 0 ? 0 : 1)}${TIED}${units[step]}`;
}

/** As the reader's language writes it. @param {number} [digits] behind the point, always as many */
function numberWords(number, digits) {
  const places = digits === undefined ? {} : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return number.toLocaleString(strings.locale, { useGrouping: false, ...places });
}
