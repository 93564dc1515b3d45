// SPDX-License-Identifier: Apache-2.0
// Puts words on the page, by their key in strings.js: an element remembers the key, so that a change of language finds it.

import { $, write } from './dom.js';
import { translate } from './language.js';
import { strings } from './strings.js';

/** @param {string} key of strings.js, such as `join` or `errors.timeout`; '' empties the element */
export function say(id, key) {
  $(id).dataset.text = key;
  write(id, wordsOf(key));
}

/** An error by its code, else in the gate's own words. @param {string} id @param {{code: string, message: string}} error */
export function sayError(id, { code, message }) {
  if (strings.errors[code]) say(id, `errors.${code}`);
  else {
    delete $(id).dataset.text;
    write(id, message);
  }
}

/** @param {{code: string, message: string}} error */
export function wordsForError({ code, message }) {
  return strings.errors[code] ?? message;
}

/** Every element that names its words gets them. */
export function fillWords() {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-text]'))) element.textContent = wordsOf(element.dataset.text);
  for (const [id, label] of Object.entries({ status: 'statusLabel', controls: 'controlsLabel', languages: 'languagesLabel', preview: 'previewLabel', 'self-video': 'previewLabel' }))
    $(id).setAttribute('aria-label', strings[label]);
  for (const link of $('languages').querySelectorAll('a')) link.setAttribute('aria-current', String(link.lang === strings.locale));
}

/**
 * The links to the other languages change the words in place: a reload would end the call for a moment, and with it a recording (R10).
 * @param {() => void} redraw what fillWords does not reach
 */
export function bindLanguages(redraw) {
  for (const link of $('languages').querySelectorAll('a')) {
    link.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      history.replaceState(null, '', link.href); // so that a reload keeps it
      translate(link.lang);
      fillWords();
      redraw();
    });
  }
}

function wordsOf(key) {
  return key === '' ? '' : key.split('.').reduce((words, part) => words[part], strings);
}
