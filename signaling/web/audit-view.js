// SPDX-License-Identifier: Apache-2.0
// Draws the auditor's lists as tables, which on a narrow screen become one card a row.

import { words } from './audit-strings.js';
import { fates, search } from './audit-summary.js';
import { moment, reason } from './audit-words.js';
import { letterSections } from './disclosure.js';
import { $, el, letterElements, show, write } from './dom.js';
import { strings } from './strings.js';
import { sizeWords } from './units.js';

/** Puts the words where audit.html names them. */
export function fillWords() {
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = words[element.dataset.text];
}

/** As many rows as one takes in; a button gives more. */
const ROWS = 50;

/** The newest first. @param {object[]} sessions @param {(id: string) => void} onOpen */
export function drawSessions(sessions, onOpen) {
  const columns = ['id', 'first', 'last', 'people', 'takes', 'segments', 'bytes', 'open'];
  const newest = sessions.toReversed();
  let shown = ROWS;
  const draw = () => {
    const found = search(newest, $('search').value, moment);
    const rows = found.slice(0, shown).map((one) => [
      one.id, moment(one.first), moment(one.last), strings.listed(one.people ?? []) || one.participants, one.takes, one.segments, sizeWords(one.bytes),
      button(words.open(one.id), () => onOpen(one.id)),
    ]);
    $('sessions').replaceChildren(table(words.sessions, columns, rows, sessions.length ? words.noneFound : words.noSessions));
    write('found', $('search').value.trim() ? words.found(found.length, sessions.length) : '');
    show('more-sessions', found.length > shown);
    write('more-sessions', words.moreCalls(Math.min(ROWS, found.length - shown)));
  };
  $('search').oninput = () => {
    shown = ROWS;
    draw();
  };
  $('more-sessions').onclick = () => {
    shown += ROWS;
    draw();
    $('sessions').querySelectorAll('tbody button')[shown - ROWS]?.focus();
  };
  draw();
}

/**
 * @param {object} session as GET /v1/sessions/{sid} gives it
 * @param {object[]} runs as …/segments?runs=1 gives them
 * @param {() => Promise<object[]>} everySegment fetches …/segments, when somebody wants to see each
 * @param {(participant: {id: string, name: string}) => void} onPlay
 */
export function drawSession(session, runs, everySegment, onPlay) {
  const names = new Map(session.participants.map(({ id, name }) => [id, name || id]));
  const name = (id) => names.get(id) ?? id ?? words.none;
  write('session-title', words.session(session.id));
  drawPeople(session, name, onPlay);
  drawKept(runs, name);
  offerSegments(runs.reduce((sum, one) => sum + one.segments, 0), everySegment, name);
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

function drawKept(runs, name) {
  const lines = fates(runs).map((one) => [
    one.take, name(one.participant), words.media[one.medium] ?? one.medium, one.segments, sizeWords(one.bytes), moment(one.from), moment(one.to), fate(one),
  ]);
  $('kept').replaceChildren(table(words.kept, ['take', 'who', 'medium', 'segments', 'bytes', 'from', 'to', 'state'], lines, words.keptNone));
}

/** A listing of its own, fetched and drawn when it is wanted: an hour has thousands. */
function offerSegments(count, everySegment, name) {
  const step = 200;
  let segments = null, shown = step;
  const draw = () => {
    const rows = segments.slice(0, shown).map((one) => [one.take, name(one.participant), words.media[one.medium] ?? one.medium, one.seq, moment(one.start), moment(one.end), sizeWords(one.bytes), fate(one)]);
    $('segments').replaceChildren(table(words.every(count), ['take', 'who', 'medium', 'seq', 'from', 'to', 'bytes', 'state'], rows, words.keptNone));
    show('more-segments', segments.length > shown);
  };
  show('every', count > 0);
  show('more-segments', false);
  $('every').open = false;
  $('every').querySelector('summary').textContent = words.every(count);
  $('segments').replaceChildren();
  $('more-segments').onclick = () => {
    shown += step;
    draw();
  };
  $('every').ontoggle = async () => {
    if (!$('every').open || segments) return;
    $('segments').replaceChildren(el('p', { className: 'quiet' }, words.listing));
    try {
      segments = await everySegment();
      draw();
    } catch (error) {
      $('segments').replaceChildren(el('p', { className: 'problem' }, words.errors[error.code] ?? error.message));
    }
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
