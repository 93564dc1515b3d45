// SPDX-License-Identifier: Apache-2.0
// The asker's form (R1) and the letter shown before it is sent.

import { PURPOSES, SCOPES, disclosureFromForm, formDefaults, letterSections } from './disclosure.js';
import { $, el, letterElements, show } from './dom.js';
import { strings } from './strings.js';
import { UNIT_SECONDS } from './units.js';

const FIELDS = ['purpose', 'purpose_text', 'use', 'storage', 'access', 'third_parties', 'retention', 'retention_unit', 'on_withdrawal', 'language'];

export class AskForm {
  #form = $('ask-form');
  #onSend;
  #disclosure = null;
  #name = '';
  #suggested = {};

  /** @param {(disclosure: object) => Promise<void>} onSend */
  constructor(onSend) {
    this.#onSend = onSend;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#preview();
    });
    $('edit-request').addEventListener('click', () => this.#edit());
    $('send-request').addEventListener('click', () => this.#send());
  }

  /** @param {string} name of the asker, who may access the recording by default */
  open(name) {
    this.#name = name;
    if (this.#form.childElementCount === 0) this.#build(formDefaults(name));
    this.#edit();
  }

  /** In another language: what the asker wrote stays, what the page suggested is suggested anew. */
  speak() {
    if (this.#form.childElementCount === 0) return;
    const given = this.#written.filter(([field, value]) => value !== this.#suggested[field]);
    this.#build({ ...formDefaults(this.#name), ...Object.fromEntries(given) });
    if (this.#disclosure) this.#drawPreview();
  }

  close() {
    show('asking', false);
  }

  #build(values) {
    /** @type {Record<string, any>} */
    const control = {
      purpose: select('purpose', PURPOSES, strings.purposes, values),
      retention: el('input', { type: 'number', min: '1', step: '1', inputMode: 'numeric', value: values.retention }),
      retention_unit: select('retention_unit', Object.keys(UNIT_SECONDS), unitNames(), values),
      purpose_text: el('input', { value: values.purpose_text }),
      language: el('input', { value: values.language, maxLength: 35, autocapitalize: 'off' }),
    };
    for (const name of ['use', 'storage', 'access', 'third_parties']) control[name] = el('textarea', { rows: 3, value: values[name] });
    const rows = FIELDS.filter((name) => name !== 'on_withdrawal').map((name) => [name, labelled(name, control[name])]);
    const row = Object.fromEntries(rows);
    const kept = el('div', { className: 'pair' }, row.retention, row.retention_unit);
    this.#form.replaceChildren(
      el('h2', { id: 'asking-title', tabIndex: -1 }, strings.formTitle), el('p', {}, strings.formIntro), el('p', { className: 'notice' }, strings.formDuty),
      row.purpose, row.purpose_text, row.use, row.storage, row.access, row.third_parties, kept, scopes(values.on_withdrawal), row.language,
      el('div', { className: 'actions' }, el('button', { className: 'primary' }, strings.preview), this.#cancelButton()),
    );
    const suggest = () => {
      suggestUse(control);
      this.#suggested = { ...formDefaults(this.#name), use: strings.defaults.use[control.purpose.value] };
    };
    control.purpose.addEventListener('change', suggest);
    suggest();
  }

  #cancelButton() {
    const button = el('button', { type: 'button' }, strings.cancel);
    button.addEventListener('click', () => {
      this.close();
      $('ask').focus();
    });
    return button;
  }

  #edit() {
    show('asking', true);
    show('ask-form', true);
    show('ask-preview', false);
    $('asking-title').focus();
  }

  #preview() {
    const { disclosure, problems } = disclosureFromForm(Object.fromEntries(this.#written));
    for (const name of FIELDS) mark(name, problems.includes(name));
    if (problems.length > 0) {
      const first = $(`problem-${problems[0]}`);
      this.#form.elements[problems[0]].focus?.();
      // The sentence below the field too must not lie behind the bar.
      first.parentElement.scrollIntoView({ block: 'center' });
      return;
    }
    this.#disclosure = disclosure;
    this.#drawPreview();
    show('ask-form', false);
    show('ask-preview', true);
    $('preview-title').focus();
  }

  /** @returns {[string, string][]} what is in the fields, by name */
  get #written() {
    return [...new FormData(this.#form)].map(([field, value]) => [field, String(value)]);
  }

  #drawPreview() {
    $('preview-body').replaceChildren(...letterElements(letterSections(this.#disclosure)));
  }

  async #send() {
    $('send-request').disabled = true;
    try {
      await this.#onSend(this.#disclosure);
    } finally {
      $('send-request').disabled = false;
    }
  }
}

function unitNames() {
  return Object.fromEntries(Object.entries(strings.units).map(([unit, [, many]]) => [unit, many]));
}

function select(name, options, words, values) {
  const element = el('select', {}, ...options.map((value) => el('option', { value }, words[value])));
  element.value = values[name];
  return element;
}

function labelled(name, control) {
  Object.assign(control, { id: `field-${name}`, name });
  return el('div', { className: 'field' }, el('label', { htmlFor: control.id }, strings.fields[name]), control, problemLine(name));
}

function problemLine(name) {
  return el('p', { id: `problem-${name}`, className: 'problem', hidden: true }, strings.problems[name] ?? '');
}

function scopes(chosen) {
  const choices = SCOPES.map((scope) => {
    const radio = el('input', { type: 'radio', name: 'on_withdrawal', value: scope, checked: scope === chosen });
    return el('label', { className: 'choice' }, radio, el('span', {}, strings.onWithdrawal[scope]));
  });
  return el('fieldset', { className: 'field' }, el('legend', {}, strings.fields.on_withdrawal), ...choices, problemLine('on_withdrawal'));
}

/** A purpose brings its usual use, unless the asker wrote something of their own. @param {Record<string, any>} control */
function suggestUse({ purpose, use, purpose_text: text }) {
  const suggestions = Object.values(strings.defaults.use);
  if (suggestions.includes(use.value)) use.value = strings.defaults.use[purpose.value];
  text.parentElement.hidden = purpose.value !== 'other';
}

function mark(name, wrong) {
  show(`problem-${name}`, wrong);
  const field = $(`field-${name}`);
  field?.setAttribute('aria-invalid', String(wrong));
  // A description is read aloud even where it is hidden.
  if (wrong) field?.setAttribute('aria-describedby', `problem-${name}`);
  else field?.removeAttribute('aria-describedby');
}
