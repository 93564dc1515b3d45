// SPDX-License-Identifier: Apache-2.0
// Draws a snapshot of the call. Every change is a whole new drawing; nothing here remembers what was drawn before.

import { letterSections } from './disclosure.js';
import { $, el, letterElements, show, write } from './dom.js';
import { actionsOf, answerOf, shownAnswerOf, statusOf, withdrawMeansOf } from './status.js';
import { words } from './receipt-strings.js';
import { strings } from './strings.js';
import { millisecondsWords, sizeWords, timeWords } from './units.js';
import { say, sayError, wordsForError } from './words.js';

const BAR_EDGE_PX = 6;

/** The bar's height depends on its words; what sticks below it has to know. --kept: from the badge down, which is what stays of it on a low screen. */
export function measureBar() {
  const bar = $('status');
  const measure = () => {
    const rows = [$('badge'), bar.querySelector('.actions')].filter((row) => !row.hidden);
    const kept = bar.offsetHeight - Math.min(...rows.map((row) => row.offsetTop)) + BAR_EDGE_PX;
    document.documentElement.style.setProperty('--bar', `${bar.offsetHeight}px`);
    document.documentElement.style.setProperty('--kept', `${kept}px`);
  };
  new ResizeObserver(measure).observe(bar);
}

/** @param {'prejoin' | 'call' | 'ended'} phase */
export function showPhase(phase) {
  document.body.dataset.phase = phase;
  for (const each of ['prejoin', 'call', 'ended']) show(each, each === phase);
  show('controls', phase === 'call');
}

/** @param {{title: string, text?: string, error?: {code: string, message: string}, again?: string}} end keys of strings.js; again: the button that joins again is called so */
export function showEnded({ title, text = '', error, again }) {
  showPhase('ended');
  say('ended-title', title);
  if (error) sayError('ended-text', error);
  else say('ended-text', text);
  say('again', again ?? '');
  show('again', again !== undefined);
  $('ended-title').focus();
}

/** @param {{code: string, message: string} | null} error null clears it */
export function showError(error) {
  if (error) sayError('error', error);
  else say('error', '');
  show('error', error !== null);
}

/** @param {import('./status.js').Snapshot & {participants: object[], microphoneOn: boolean, cameraOn: boolean}} snapshot */
export function draw(snapshot) {
  const actions = actionsOf(snapshot);
  const focused = document.activeElement;
  document.body.dataset.state = snapshot.recording.state;
  document.body.dataset.connection = snapshot.connection;
  drawStatus(snapshot, actions);
  drawLetter(snapshot, actions);
  drawPeople(snapshot);
  drawControls(snapshot, actions);
  show('own-no', actions.offer);
  handOnFocus(focused);
}

function drawStatus(snapshot, actions) {
  const { tone, title, detail } = statusOf(snapshot);
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
  say('pause', actions.keepPaused ? 'keepPaused' : 'pause');
  show('resume', actions.resume);
  show('stop', actions.stop);
  say('stop', actions.takeBack ? 'takeBack' : 'stop');
  show('withdraw', actions.withdraw);
  say('withdraw', snapshot.withdrawing ? 'withdrawWaiting' : 'withdraw');
  show('withdraw-means', actions.withdraw);
  write('withdraw-means', withdrawMeansOf(snapshot));
  show('withdraw-failed', snapshot.withdrawFailed !== null);
  write('withdraw-failed', withdrawFailedWords(snapshot));
  show('more-withdrawal', actions.withdrawAll);
}

/** A withdrawal that was refused, in words; '' where none was. */
export function withdrawFailedWords({ withdrawFailed }) {
  return withdrawFailed === null ? '' : strings.withdrawFailed(wordsForError(withdrawFailed));
}

/** What goes hands its focus on, a button of the bar to the next one there is, so that nobody loses their place. */
function handOnFocus(focused) {
  if (!focused || focused.getClientRects().length > 0) return;
  const next = $('status').contains(focused) && ['resume', 'pause', 'withdraw'].map($).find((button) => !button.hidden);
  (next || $('main')).focus({ preventScroll: true });
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

/** Drawn once a text and language, so that a reader's place in it stays. */
function drawDisclosure(id, { disclosure, disclosure_sha256: hash }) {
  const drawn = `${hash} ${Object.keys(disclosure).length} ${strings.locale}`;
  if ($(id).dataset.drawn === drawn) return;
  $(id).dataset.drawn = drawn;
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
  // The name says what pressing does; a pressed state beside it would say the opposite to who only hears it.
  say('mute', microphoneOn ? 'mute' : 'unmute');
  $('mute').dataset.on = microphoneOn;
  say('camera-toggle', cameraOn ? 'cameraOff' : 'cameraOn');
  $('camera-toggle').dataset.on = cameraOn;
  show('ask', actions.ask);
  show('report-open', actions.report);
  show('end-all-open', actions.endAll);
}

/** @param {{purged: {segments: number, bytes: number}, exports?: {by: string, at: string | number}[], gate_closed_us: number, erased_us: number, receipt_error?: string}} done */
export function showWithdrawn({ purged, exports = [], gate_closed_us: closed, erased_us: erased, receipt_error: unproven }) {
  write('withdrawn-erased', strings.withdrawnErased(purged.segments, sizeWords(purged.bytes)));
  write('withdrawn-times', strings.withdrawnTimes(millisecondsWords(closed), millisecondsWords(Math.max(closed, erased))));
  show('withdrawn-unproven', unproven !== undefined);
  write('withdrawn-unproven', words.unproven);
  show('withdrawn-exports', exports.length > 0);
  $('withdrawn-exports').querySelector('ul').replaceChildren(...exports.map(({ by, at }) => el('li', {}, strings.withdrawnExport(by, timeWords(at)))));
  show('withdrawn', true);
}
