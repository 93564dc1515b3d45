// SPDX-License-Identifier: Apache-2.0
// Draws the auditor's lists as tables, which on a narrow screen become one card a row.

import { fates } from './audit-summary.js';
import { words } from './audit-strings.js';
import { letterSections } from './disclosure.js';
import { $, el, letterElements, show, write } from './dom.js';
import { strings } from './strings.js';
import { sizeWords } from './units.js';

/** Puts the words where audit.html names them. */
export function fillWords() {
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = words[element.dataset.text];
}

/** @param {object[]} sessions @param {(id: string) => void} onOpen */
export function drawSessions(sessions, onOpen) {
  const columns = ['id', 'first', 'last', 'participants', 'takes', 'segments', 'bytes', 'open'];
  const rows = sessions.toReversed().map((one) => [
    one.id, moment(one.first), moment(one.last), one.participants, one.takes, one.segments, sizeWords(one.bytes), button(words.open(one.id), () => onOpen(one.id)),
  ]);
  $('sessions').replaceChildren(table(words.sessions, columns, rows, words.noSessions));
}

/**
 * @param {object} session as GET /v1/sessions/{sid} gives it
 * @param {object[]} segments as …/segments gives them
 * @param {(participant: {id: string, name: string}) => void} onPlay
 */
export function drawSession(session, segments, onPlay) {
  const names = new Map(session.participants.map(({ id, name }) => [id, name || id]));
  const name = (id) => names.get(id) ?? id ?? words.none;
  write('session-title', words.session(session.id));
  drawPeople(session, name, onPlay);
  drawKept(segments, name);
  drawConsents(session, name);
  const gate = session.gate_history.map((one) => [moment(one.at), words.gates[one.gate] ?? one.gate, one.take, one.gate === 'open' ? words.reasons.granted : reason(one.reason)]);
  $('gate').replaceChildren(table(words.gate, ['at', 'gate', 'take', 'reason'], gate, words.gateNone));
  const takes = session.takes.map((one) => [one.take, moment(one.opened), one.closed ? moment(one.closed) : words.stillOpen, strings.listed((one.roster ?? []).map(name)), reason(one.reason)]);
  $('takes').replaceChildren(table(words.takes, ['take', 'from', 'to', 'roster', 'reason'], takes, words.takesNone));
  const purges = session.purges.map((one) => [moment(one.at), words.scopes[one.scope] ?? one.scope, name(one.participant), reason(one.reason), one.segments, sizeWords(one.bytes)]);
  $('purges').replaceChildren(table(words.purges, ['at', 'scope', 'by', 'reason', 'segments', 'bytes'], purges, words.purgesNone));
}

function drawPeople({ participants }, name, onPlay) {
  const rows = participants.map((one) => [
    name(one.id), strings.roles[one.role] ?? one.role, moment(one.joined), one.left ? `${moment(one.left)}${one.reason ? `, ${reason(one.reason)}` : ''}` : words.stillThere,
    button(words.play(name(one.id)), () => onPlay({ id: one.id, name: name(one.id) })),
  ]);
  $('people').replaceChildren(table(words.people, ['name', 'role', 'joined', 'left', 'play'], rows, words.nobody));
}

function drawKept(segments, name) {
  const lines = fates(segments).map((one) => [
    one.take, name(one.participant), words.media[one.medium] ?? one.medium, one.segments, sizeWords(one.bytes), moment(one.from), moment(one.to), fate(one),
  ]);
  $('kept').replaceChildren(table(words.kept, ['take', 'who', 'medium', 'segments', 'bytes', 'from', 'to', 'state'], lines, words.keptNone));
  show('every', segments.length > 0);
  $('every').open = false;
  $('every').querySelector('summary').textContent = words.every(segments.length);
  $('segments').replaceChildren();
  // Drawn when it is wanted: an hour has thousands.
  $('every').ontoggle = () => {
    if (!$('every').open || $('segments').childElementCount > 0) return;
    const rows = segments.map((one) => [one.take, name(one.participant), words.media[one.medium] ?? one.medium, one.seq, moment(one.start), moment(one.end), sizeWords(one.bytes), fate(one)]);
    $('segments').replaceChildren(table(words.every(segments.length), ['take', 'who', 'medium', 'seq', 'from', 'to', 'bytes', 'state'], rows, words.keptNone));
  };
}

function drawConsents({ consents, requests }, name) {
  const rows = consents.map((one) => [moment(one.at), name(one.participant), words.answers[one.answer] ?? one.answer, one.media ? words.media[one.media] ?? String(one.media) : words.none]);
  $('consents').replaceChildren(table(words.consents, ['at', 'who', 'answer', 'media'], rows, words.consentsNone));
  $('requests').replaceChildren(...requests.filter(({ disclosure }) => disclosure).map(({ asker, at, disclosure }) => el('details', {},
    el('summary', {}, words.request(name(asker), moment(at))), el('dl', {}, ...letterElements(letterSections(disclosure))))));
}

/** Told in words and by a mark, never by colour alone. */
function fate({ state, reason: why }) {
  const told = words.states[state] ?? state;
  return el('span', { className: 'fate', dataset: { state } }, state === 'dropped' && why ? `${told} (${reason(why)})` : told);
}

function reason(word) {
  return word ? (words.reasons[word] ?? word.replaceAll('_', ' ')) : words.none;
}

/** To the second, on the reader's own clock. */
function moment(at) {
  if (!at) return words.none;
  return new Date(at).toLocaleString(strings.locale, { dateStyle: 'medium', timeStyle: 'medium' });
}

function button(label, act) {
  const made = el('button', { type: 'button' }, label);
  made.addEventListener('click', act);
  return made;
}

/** Roles are spelled out, because `display: block`, which narrow screens get, takes a table's own away. */
function table(caption, columns, rows, none) {
  if (rows.length === 0) return el('p', { className: 'quiet' }, none);
  const cell = (tag, role, column, content) => withRole(el(tag, { dataset: { label: words.columns[column] } }, content), role);
  const head = withRole(el('tr', {}, ...columns.map((column) => cell('th', 'columnheader', column, words.columns[column]))), 'row');
  const body = rows.map((row) => withRole(el('tr', {}, ...row.map((content, index) => cell('td', 'cell', columns[index], content instanceof Node ? content : String(content)))), 'row'));
  const made = withRole(el('table', {}, withRole(el('thead', {}, head), 'rowgroup'), withRole(el('tbody', {}, ...body), 'rowgroup')), 'table');
  made.setAttribute('aria-label', caption);
  return made;
}

function withRole(element, role) {
  element.setAttribute('role', role);
  return element;
}
