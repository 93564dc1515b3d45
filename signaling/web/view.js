// SPDX-License-Identifier: Apache-2.0
// Draws a snapshot of the call. Every change is a whole new drawing; nothing here remembers what was drawn before.

import { letterSections } from './disclosure.js';
import { $, el, letterElements, show, write } from './dom.js';
import { actionsOf, answerOf, shownAnswerOf, statusOf, withdrawMeansOf } from './status.js';
import { words } from './receipt-strings.js';
import { strings } from './strings.js';
import { millisecondsWords, sizeWords, timeWords } from './units.js';

/** Puts the words of strings.js where index.html names them. */
export function fillWords() {
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = strings[element.dataset.text];
  $('status').setAttribute('aria-label', strings.statusLabel);
  $('controls').setAttribute('aria-label', strings.controlsLabel);
  $('preview').setAttribute('aria-label', strings.previewLabel);
  $('self-video').setAttribute('aria-label', strings.previewLabel);
}

/** The bar's height depends on its words; what sticks below it has to know. */
export function measureBar() {
  new ResizeObserver(() => document.documentElement.style.setProperty('--bar', `${$('status').offsetHeight}px`)).observe($('status'));
}

/** @param {'prejoin' | 'call' | 'ended'} phase */
export function showPhase(phase) {
  document.body.dataset.phase = phase;
  for (const each of ['prejoin', 'call', 'ended']) show(each, each === phase);
  show('controls', phase === 'call');
}

/** @param {{title: string, text: string, again?: string}} end again: the button that joins again is called so */
export function showEnded({ title, text, again }) {
  showPhase('ended');
  write('ended-title', title);
  write('ended-text', text);
  write('again', again ?? '');
  show('again', again !== undefined);
  $('ended-title').focus();
}

/** @param {string | null} sentence null clears it */
export function showError(sentence) {
  write('error', sentence ?? '');
  show('error', sentence !== null);
}

/** @param {import('./status.js').Snapshot & {participants: object[], microphoneOn: boolean, cameraOn: boolean}} snapshot */
export function draw(snapshot) {
  const actions = actionsOf(snapshot);
  document.body.dataset.state = snapshot.recording.state;
  document.body.dataset.connection = snapshot.connection;
  drawStatus(snapshot, actions);
  drawLetter(snapshot, actions);
  drawPeople(snapshot);
  drawControls(snapshot, actions);
  show('own-no', actions.offer);
}

function drawStatus(snapshot, actions) {
  const { tone, title, detail } = statusOf(snapshot);
  const focused = document.activeElement;
  show('status', actions.withdraw || document.body.dataset.phase === 'call');
  write('status-title', title);
  write('status-detail', detail);
  // Out of the call the last state heard says nothing about now.
  const known = document.body.dataset.phase === 'call' || snapshot.withdrawing;
  $('status').dataset.tone = known ? tone : 'calm';
  show('badge', known);
  show('status-detail', known);
  document.title = pageTitle(known, tone, title);
  show('read-request', actions.answer);
  show('pause', actions.pause);
  write('pause', actions.keepPaused ? strings.keepPaused : strings.pause);
  show('resume', actions.resume);
  show('stop', actions.stop);
  write('stop', actions.takeBack ? strings.takeBack : strings.stop);
  show('withdraw', actions.withdraw);
  write('withdraw', snapshot.withdrawing ? strings.withdrawWaiting : strings.withdraw);
  show('withdraw-means', actions.withdraw);
  write('withdraw-means', withdrawMeansOf(snapshot));
  show('withdraw-failed', snapshot.withdrawFailed !== null);
  write('withdraw-failed', snapshot.withdrawFailed ?? '');
  show('more-withdrawal', actions.withdrawAll);
  handOnFocus(focused);
}

/** A button of the bar that goes hands its focus on to the next one there is, so that nobody loses their place. */
function handOnFocus(focused) {
  if (!focused?.hidden || !$('status').contains(focused)) return;
  const next = ['resume', 'pause', 'withdraw'].map($).find((button) => !button.hidden);
  (next ?? $('main')).focus({ preventScroll: true });
}

function pageTitle(known, tone, title) {
  if (!known) return strings.pageTitle;
  return `${tone === 'live' ? strings.titleRecording : title} – ${strings.pageTitle}`;
}

function drawLetter({ ask, self, consents, name }, actions) {
  const agreed = ask !== null && answerOf({ ask, self, consents }) === 'granted';
  show('letter', actions.answer);
  show('agreed', agreed);
  if (actions.answer) {
    write('letter-title', strings.letterTitle(name(ask.from)));
    write('letter-check', ask.verified ? strings.letterVerified : strings.letterUnverified);
  }
  if (agreed) write('agreed-title', ask.from === self ? strings.letterOwnTitle : strings.letterAgreedTitle);
  if (actions.answer) drawDisclosure('letter-body', ask);
  if (agreed) drawDisclosure('agreed-body', ask);
}

/** Drawn once a text, so that a reader's place in it stays. */
function drawDisclosure(id, { disclosure, disclosure_sha256: hash }) {
  if ($(id).dataset.hash === hash && Object.keys(disclosure).length === Number($(id).dataset.keys)) return;
  $(id).dataset.hash = hash;
  $(id).dataset.keys = Object.keys(disclosure).length;
  $(id).replaceChildren(...letterElements(letterSections(disclosure)));
}

function drawPeople(snapshot) {
  $('people').replaceChildren(...snapshot.participants.map((participant) => personLine(participant, shownAnswerOf(snapshot, participant.id), snapshot.self)));
}

function personLine({ id, name, role }, answer, self) {
  const line = el('li', { dataset: { answer: answer ?? 'none' } });
  line.append(el('span', { className: 'who' }, id === self ? `${name} ${strings.youSuffix}` : name), el('span', { className: 'quiet' }, strings.roles[role] ?? role));
  if (answer) line.append(el('span', { className: 'answer' }, strings.answers[answer]));
  return line;
}

function drawControls({ microphoneOn, cameraOn }, actions) {
  write('mute', microphoneOn ? strings.mute : strings.unmute);
  $('mute').setAttribute('aria-pressed', String(!microphoneOn));
  write('camera-toggle', cameraOn ? strings.cameraOff : strings.cameraOn);
  $('camera-toggle').setAttribute('aria-pressed', String(!cameraOn));
  show('ask', actions.ask);
  show('report-open', actions.report);
  show('end-all-open', actions.endAll);
}

/** @param {{purged: {segments: number, bytes: number}, exports?: {by: string, at: string | number}[], gate_closed_us: number, erased_us: number}} done */
export function showWithdrawn({ purged, exports = [], gate_closed_us: closed, erased_us: erased, receipt_error: unproven }) {
  write('withdrawn-erased', strings.withdrawnErased(purged.segments, sizeWords(purged.bytes)));
  write('withdrawn-times', strings.withdrawnTimes(millisecondsWords(closed), millisecondsWords(Math.max(closed, erased))));
  show('withdrawn-unproven', unproven !== undefined);
  write('withdrawn-unproven', words.unproven);
  show('withdrawn-exports', exports.length > 0);
  $('withdrawn-exports').querySelector('ul').replaceChildren(...exports.map(({ by, at }) => el('li', {}, strings.withdrawnExport(by, timeWords(at)))));
  show('withdrawn', true);
}
