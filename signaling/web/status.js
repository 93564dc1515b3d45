// SPDX-License-Identifier: Apache-2.0
// What the page says and offers in each state. Pure: from a snapshot of the client to words and to the buttons that are there.

import { strings } from './strings.js';

/**
 * @typedef {object} Snapshot
 * @property {string} connection
 * @property {{state: string, reason?: string, by?: string}} recording
 * @property {string | null} self
 * @property {string} role one's own
 * @property {{from: string, disclosure: object} | null} ask
 * @property {{granted: string[], waiting: string[], declined: string[]} | null} consents
 * @property {boolean} withdrawing
 * @property {boolean} wasAsked something was asked or recorded in this session
 * @property {boolean} pausedByMe
 * @property {boolean} withdrawn one's own withdrawal is done, and nothing was asked since
 * @property {boolean} audioOnly one's own grant is for sound only (R16)
 * @property {boolean | undefined} myNo one's own no stands (R4); undefined: as the answers say
 * @property {(id: string | undefined) => boolean} present on the roster
 * @property {(id: string | undefined) => string} name of a participant, for a sentence
 */

/** @param {Snapshot} snapshot @returns {{tone: 'calm' | 'ask' | 'live' | 'hold' | 'lost', title: string, detail: string}} */
export function statusOf(snapshot) {
  /** @param {'calm' | 'ask' | 'live' | 'hold' | 'lost'} tone @param {string[]} words */
  const said = (tone, [title, detail]) => ({ tone, title, detail });
  if (snapshot.withdrawing) return said('hold', strings.status.withdrawing);
  if (snapshot.connection === 'reconnecting') return said('lost', strings.status.reconnecting);
  return said(TONES[snapshot.recording.state] ?? 'calm', sentences(snapshot));
}

/** A request stands. */
const ACTIVE = new Set(['asking', 'recording', 'paused', 'suspended']);
/** @type {Record<string, 'calm' | 'ask' | 'live' | 'hold'>} */
const TONES = { idle: 'calm', asking: 'ask', recording: 'live', paused: 'hold', suspended: 'hold', declined: 'calm', stopped: 'calm', purged: 'calm' };

function sentences(snapshot) {
  const { recording: { state, reason, by }, self, audioOnly, name } = snapshot;
  const own = by !== undefined && by === self;
  const words = strings.status;
  if (state === 'asking') return asking(snapshot);
  if (state === 'recording') return audioOnly ? words.recordingAudioOnly : words.recording;
  if (state === 'suspended') return words.suspended(why(strings.suspendedWhy, reason, name(by)));
  if (state === 'stopped') return words.stopped(why(strings.stoppedWhy, reason, own ? strings.you : name(by)));
  if (state === 'idle') return reason === 'offered' ? words.offered(own ? strings.you : name(by)) : words.idle;
  if (own) return words[`${state}Own`] ?? words.idle;
  return words[state]?.(name(by)) ?? words.idle;
}

function asking(snapshot) {
  const { recording: { reason, by }, self, ask, consents, name } = snapshot;
  const words = strings.status;
  if (reason === 'newcomer' && by !== self) return words.askingNewcomer(name(by));
  if (answerOf(snapshot) === 'waiting') return words.asking(name(ask?.from ?? by));
  const waiting = consents !== null && consents.request === ask?.request ? consents.waiting : [];
  if (waiting.length > 0) return words.askingWaits(strings.listed(waiting.map(name)), waiting.length > 1);
  return ask?.from === self ? words.askingOwn : words.asking(name(ask?.from ?? by));
}

function why(table, reason, name) {
  const words = table[reason] ?? table.unknown;
  return typeof words === 'function' ? words(name) : words;
}

/** An answer to the request that stands: 'granted' | 'waiting' | 'declined' | null. A request that came before the news of its answers waits. */
export function answerOf({ ask, consents, self }, id = self) {
  if (ask && consents?.request !== ask.request) return id === ask.from ? 'granted' : 'waiting';
  return ['granted', 'waiting', 'declined'].find((answer) => consents?.[answer].includes(id)) ?? null;
}

/** The answer as the list of people shows it: null where there is nothing to say. When a request is over, who never answered it no longer owes an answer. */
export function shownAnswerOf(snapshot, id) {
  const { recording: { state, by }, self, withdrawn, audioOnly } = snapshot;
  const answer = answerOf(snapshot, id);
  if (answer === 'declined') return (state === 'purged' && by === id) || (withdrawn && id === self) ? 'withdrew' : 'declined';
  if (answer === 'granted' && audioOnly && id === self) return ACTIVE.has(state) || state === 'stopped' ? 'grantedAudio' : null;
  if (answer === 'granted') return ACTIVE.has(state) || state === 'stopped' ? 'granted' : null;
  return ACTIVE.has(state) ? answer : null;
}

/** What pressing Withdraw now does, in words. */
export function withdrawMeansOf({ recording: { state, reason, by }, self, ask, consents, withdrawn, wasAsked }) {
  const scope = ask?.disclosure.on_withdrawal;
  const unanswered = state === 'asking' && (reason === 'requested' || answerOf({ ask, consents, self }) === 'waiting');
  if (withdrawn || (state === 'purged' && (by === self || scope === 'session'))) return strings.withdrawMeans.done;
  if (state === 'idle' && wasAsked && reason !== 'offered') return strings.withdrawMeans.unknown; // of what was before a restart nothing is known here
  if (unanswered || ['idle', 'declined'].includes(state)) return strings.withdrawMeans.unanswered;
  return strings.withdrawMeans[scope] ?? strings.withdrawMeans.unknown;
}

/** Which buttons are there. Withdraw is, from the first request on, whatever happens to the line or the call (R6). @param {Snapshot} snapshot */
export function actionsOf(snapshot) {
  const { state, by } = snapshot.recording;
  const joined = snapshot.connection === 'joined';
  const active = ACTIVE.has(state);
  const isAsker = snapshot.ask?.from === snapshot.self;
  const pausedByMe = snapshot.pausedByMe || (state === 'paused' && by === snapshot.self);
  const ownNo = snapshot.myNo ?? answerOf(snapshot) === 'declined';
  const withdraw = snapshot.wasAsked || state !== 'idle';
  return {
    pause: joined && active && !pausedByMe,
    keepPaused: state === 'paused',
    // R14: one's own pause, or, as the asker, that of somebody who is gone.
    resume: joined && active && (pausedByMe || (state === 'paused' && isAsker && !snapshot.present(by))),
    // Before anything is recorded, stopping is the asker's taking it back; everybody else says no or withdraws.
    stop: joined && active && (state !== 'asking' || isAsker),
    takeBack: state === 'asking',
    withdraw,
    withdrawAll: withdraw && ['participant', 'after'].includes(snapshot.ask?.disclosure.on_withdrawal),
    // R4: a no that stands, anybody's, is final.
    ask: joined && snapshot.role === 'expert' && !active && state !== 'declined' && !ownNo && !snapshot.consents?.declined.length,
    answer: joined && active && snapshot.ask !== null && answerOf(snapshot) === 'waiting',
    offer: joined && !active && ownNo,
    report: joined,
    endAll: joined && snapshot.role === 'expert',
  };
}
