// SPDX-License-Identifier: Apache-2.0
// Every word of the call page. Static ones are put where index.html says data-text; the others take what they speak of.

import { inLanguage } from './language.js';
import { en } from './strings-en.js';
import { es } from './strings-es.js';

const all = { en, es };
export const strings = inLanguage(all);

/** From now on the words are those of another language; words.js draws the page anew. @param {string} language */
export function translate(language) {
  Object.assign(strings, inLanguage(all, language));
}
