// SPDX-License-Identifier: Apache-2.0
// Reporting a problem, and ending the call for everyone. Both open beside the call and never over the bar: Withdraw stays at hand (R6).

import { $, el, show, write } from './dom.js';
import { strings } from './strings.js';

const TEXT_BYTES_MAX = 4000;
const KINDS = ['violation', 'dispute'];

/** A section that a button opens and that Escape or its own button closes; the focus goes in and comes back. */
class Drawer {
  /** @param {string} id of the section; its heading is `${id}-title` @param {string} opener id of the button @param {() => void} [draw] before it opens */
  constructor(id, opener, draw = () => {}) {
    this.id = id;
    this.opener = opener;
    $(opener).addEventListener('click', () => {
      draw();
      show(id, true);
      $(opener).setAttribute('aria-expanded', 'true');
      $(`${id}-title`).focus();
      $(id).scrollIntoView({ block: 'nearest' });
    });
    $(id).addEventListener('keydown', ({ key }) => key === 'Escape' && this.close());
  }

  close() {
    if ($(this.id).hidden) return;
    const inside = $(this.id).contains(document.activeElement);
    show(this.id, false);
    $(this.opener).setAttribute('aria-expanded', 'false');
    if (inside) $(this.opener).focus();
  }
}

export class ReportForm {
  #client;
  #said;
  #drawer = new Drawer('report', 'report-open', () => this.#draw());
  #sending = false;

  /** @param {import('./recgate.js').RecgateClient} client @param {{polite: (words: string) => void}} said */
  constructor(client, said) {
    this.#client = client;
    this.#said = said;
    $('report-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    });
    $('report-close').addEventListener('click', () => this.close());
  }

  close() { this.#drawer.close(); }

  /** Built at each opening, in the language of that moment; what was written stays until it is sent. */
  #draw() {
    const written = $('report-text')?.value ?? '';
    const chosen = kindChosen() ?? KINDS[0];
    const { name, contact } = this.#client.controller ?? {};
    const kinds = KINDS.map((kind) => el('label', { className: 'choice' },
      el('input', { type: 'radio', name: 'report-kind', value: kind, checked: kind === chosen }), el('span', {}, strings.reportKinds[kind])));
    const text = el('textarea', { id: 'report-text', rows: 5, value: written });
    text.setAttribute('aria-describedby', 'report-problem');
    $('report-fields').replaceChildren(
      el('fieldset', { className: 'field' }, el('legend', {}, strings.reportKind), ...kinds),
      el('div', { className: 'field' }, el('label', { htmlFor: 'report-text' }, strings.reportText), text, el('p', { id: 'report-problem', className: 'problem', hidden: true })),
      el('p', {}, strings.reportWhat), el('p', {}, strings.reportWhoIs(name ?? '–', contact ?? '–')),
    );
    show('report-form', true);
    show('report-done', false);
  }

  #complain(words) {
    write('report-problem', words);
    show('report-problem', words !== '');
    $('report-text').setAttribute('aria-invalid', String(words !== ''));
    if (words) $('report-text').focus();
  }

  async #send() {
    const text = $('report-text').value.trim();
    const kind = kindChosen();
    if (text === '') return this.#complain(strings.reportEmpty);
    if (new TextEncoder().encode(text).length > TEXT_BYTES_MAX) return this.#complain(strings.reportTooLong);
    if (this.#sending) return undefined;
    this.#sending = true;
    this.#complain('');
    write('report-send', strings.reportSending);
    try {
      const { report } = await this.#client.report(text, { kind });
      this.#done(strings.reportDone(strings.reportTitles[report.kind] ?? report.title, report.id));
    } catch (error) {
      this.#complain(strings.reportErrors[error.code] ?? strings.errors[error.code] ?? error.message);
    } finally {
      this.#sending = false;
      write('report-send', strings.reportSend);
    }
    return undefined;
  }

  #done(words) {
    $('report-text').value = '';
    write('report-done', words);
    show('report-form', false);
    show('report-done', true);
    $('report-close').focus();
    this.#said.polite(words);
  }
}

/** @returns {any} one of KINDS, or undefined before there is a choice */
function kindChosen() {
  return /** @type {HTMLInputElement | null} */ (document.querySelector('[name="report-kind"]:checked'))?.value;
}

export class EndForAll {
  #drawer = new Drawer('end-all', 'end-all-open');

  /** @param {() => Promise<void>} end one confirmation, then this */
  constructor(end) {
    $('end-all-yes').addEventListener('click', end);
    $('end-all-no').addEventListener('click', () => this.close());
  }

  close() { this.#drawer.close(); }
}
