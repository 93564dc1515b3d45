// SPDX-License-Identifier: Apache-2.0
// Withdrawing after the call (R6): by key, by a receipts file opened here, or by a participant's token in the fragment. One card a consent;
// nobody has to wait for the words on it before they may press.

import { letterSections } from './disclosure.js';
import { $, el, letterElements, write } from './dom.js';
import { fileOf, openFile } from './receipt-file.js';
import { words } from './receipt-strings.js';
import { RecgateError, previewWithdrawal, withdrawUntilDone } from './recgate-withdraw.js';
import { readToken } from './token.js';
import { millisecondsWords, sizeWords, timeWords } from './units.js';

class Card {
  #holder; // {withdraw_key} or {token}: who withdraws
  #words = el('div', {}, el('p', { role: 'status' }, words.looking));
  #title = el('h2', { tabIndex: -1 }, words.cardTitlePlain);
  #state = el('p', { role: 'status' });
  #problem = el('p', { className: 'problem', role: 'alert' });
  #buttons = el('div', { className: 'actions' });
  #done = el('div', {});

  constructor(holder) {
    this.#holder = holder;
    this.#offer(words.withdraw, undefined, 'primary');
    this.#offer(words.withdrawAll, 'session', '');
    this.element = el('section', { className: 'card' }, this.#title, this.#words, this.#buttons, this.#state, this.#problem, this.#done);
    this.#preview();
  }

  focus() { this.#title.focus(); }

  #offer(name, scope, className) {
    const button = el('button', { type: 'button', className }, name);
    button.addEventListener('click', () => this.#withdraw(scope));
    this.#buttons.append(button);
  }

  /** Why the buttons are there all the same when this fails: a withdrawal needs no explanation. */
  async #preview() {
    try {
      const { session, participant, recordings } = await previewWithdrawal(this.#holder);
      this.#title.textContent = words.cardTitle(session);
      this.#words.replaceChildren(el('p', {}, words.asWho(participant)), ...recordings.flatMap(recordingWords));
      if (recordings.length === 0) this.#words.append(el('p', {}, words.nothingAsked));
      const all = recordings.length > 0 && recordings.every(({ on_withdrawal: scope }) => scope === 'session');
      this.#buttons.lastChild.hidden = all;
    } catch (error) {
      this.#words.replaceChildren();
      if (error instanceof RecgateError && words.errors[error.code]) this.#end(words.errors[error.code]);
      else this.#words.append(el('p', {}, words.willErase.unknown));
    }
  }

  async #withdraw(scope) {
    this.#buttons.hidden = true;
    this.focus();
    this.#problem.textContent = '';
    this.#state.textContent = words.withdrawing;
    const told = (error, times) => { this.#state.textContent = words.retrying(times, retryWords(error)); };
    try {
      this.#acknowledged(await withdrawUntilDone({ ...this.#holder, scope, told }));
    } catch (error) {
      this.#end(words.notDone(words.errors[error.code] ?? error.message));
    }
  }

  #end(text) {
    this.#buttons.hidden = true;
    this.#state.textContent = '';
    this.#problem.textContent = text;
  }

  #acknowledged({ purged, erased_us: us, exports, receipt }) {
    this.#state.textContent = '';
    this.#buttons.hidden = true;
    this.#words.hidden = true;
    this.#title.textContent = words.doneTitle;
    this.#done.replaceChildren(el('p', {}, words.doneErased(purged.segments, sizeWords(purged.bytes))), el('p', {}, words.doneTime(millisecondsWords(us))));
    if (exports.length > 0) {
      this.#done.append(el('p', {}, words.doneExports), el('ul', {}, ...exports.map(({ by, at }) => el('li', {}, words.doneExport(by, timeWords(at))))));
    }
    this.#done.append(receipt ? receiptLink(receipt) : el('p', {}, words.unproven));
    this.#title.focus();
  }
}

function recordingWords({ at, on_withdrawal: scope, disclosure, erased }) {
  const lines = [el('p', {}, words.asked(timeWords(at), disclosure?.controller))];
  lines.push(el('p', {}, erased ? words.alreadyErased[erased] : words.willErase[scope] ?? words.willErase.unknown));
  if (scope !== 'session' && erased !== 'session') lines.push(el('p', {}, words.always));
  if (disclosure) lines.push(el('details', {}, el('summary', {}, words.letter), el('dl', {}, ...letterElements(letterSections(disclosure)))));
  return lines;
}

function receiptLink(receipt) {
  const file = JSON.stringify(fileOf([{ receipt }], new URL('/withdraw', location.href).href), null, 2);
  const link = el('a', { className: 'button', download: 'recgate-receipt.json', href: URL.createObjectURL(new Blob([file], { type: 'application/json' })) }, words.doneReceipt);
  return el('p', {}, link);
}

function retryWords(error) {
  if (!(error instanceof RecgateError)) return words.retryWhy.network;
  return error.code === 'storage' ? words.retryWhy.storage : words.retryWhy.other;
}

function showCards(holders) {
  const cards = holders.map((holder) => new Card(holder));
  $('cards').replaceChildren(...cards.map(({ element }) => element));
  cards[0].focus();
}

function complain(text) {
  write('problem', text);
  $('key').setAttribute('aria-invalid', String(text !== ''));
}

$('by-key').addEventListener('submit', (event) => {
  event.preventDefault();
  const key = $('key').value.trim();
  complain(key ? '' : words.keyMissing);
  if (key) showCards([{ withdraw_key: key }]);
  else $('key').focus();
});

$('file').addEventListener('change', async () => {
  const { keys } = await openFile($('file').files[0]);
  write('problem', keys.length === 0 ? words.noKeyInFile : '');
  const different = [...new Set(keys.map(({ withdraw_key: key }) => key))];
  if (different.length > 0) showCards(different.map((key) => ({ withdraw_key: key })));
  $('file').value = '';
});

for (const element of document.querySelectorAll('[data-text]')) element.textContent = words[element.dataset.text];
document.title = words.withdrawPageTitle;
const token = readToken('recgate.withdraw');
if (token) showCards([{ token }]);
