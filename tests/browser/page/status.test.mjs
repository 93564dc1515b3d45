// SPDX-License-Identifier: Apache-2.0
// What the page says and which buttons it has, in every state.
import assert from 'node:assert/strict';
import test from 'node:test';
import { actionsOf, answerOf, shownAnswerOf, statusOf, withdrawMeansOf } from '../../../signaling/web/status.js';
import { strings } from '../../../signaling/web/strings.js';

const STATES = ['idle', 'asking', 'recording', 'paused', 'suspended', 'declined', 'stopped', 'purged'];
const REASONS = ['none', 'requested', 'granted', 'newcomer', 'waiting', 'cannot_consent', 'declined', 'withdrawn', 'paused', 'resumed', 'stopped', 'asker_left',
  'left', 'silent', 'unhealthy', 'unknown_media', 'unknown_participant', 'recording_elsewhere', 'sfu_silent', 'overrun', 'tracks', 'ended', 'erased', 'offered', 'of_a_later_version', undefined];
const NAMES = { ex: 'Ada', cl: 'Carl' };

function snapshot(changes) {
  return {
    connection: 'joined', self: 'cl', role: 'client', withdrawing: false, wasAsked: true, pausedByMe: false, myNo: undefined,
    ask: { request: 'r1', from: 'ex', disclosure: { on_withdrawal: 'session' } },
    consents: { request: 'r1', granted: ['ex'], waiting: ['cl'], declined: [] },
    recording: { state: 'asking', request: 'r1' },
    withdrawn: false, audioOnly: false, name: (id) => NAMES[id] ?? strings.somebody, present: (id) => id in NAMES, ...changes,
  };
}

test('/page/status/every-state-and-reason-has-words', () => {
  for (const state of STATES) for (const reason of REASONS) for (const by of ['cl', 'ex', undefined]) for (const ask of [null, snapshot().ask]) {
    const { tone, title, detail } = statusOf(snapshot({ ask, recording: { state, reason, by } }));
    for (const words of [tone, title, detail]) assert.ok(typeof words === 'string' && words && !words.includes('undefined'), `${state} ${reason} ${by}: ${words}`);
  }
});

test('/page/status/red-only-while-recording', () => {
  for (const state of STATES) assert.equal(statusOf(snapshot({ recording: { state } })).tone === 'live', state === 'recording');
});

test('/page/status/withdraw-is-always-there-once-asked (R6)', () => {
  for (const state of STATES) for (const connection of ['joined', 'reconnecting', 'replaced', 'left', 'refused']) {
    assert.equal(actionsOf(snapshot({ connection, recording: { state } })).withdraw, true, `${state} ${connection}`);
  }
  assert.equal(actionsOf(snapshot({ wasAsked: false, recording: { state: 'idle' } })).withdraw, false);
});

test('/page/status/more-than-disclosed-where-there-is-more (R12)', () => {
  for (const [scope, more] of [['session', false], ['participant', true], ['after', true]]) {
    assert.equal(actionsOf(snapshot({ ask: { request: 'r1', from: 'ex', disclosure: { on_withdrawal: scope } } })).withdrawAll, more);
  }
});

test('/page/status/pause-for-everybody-resume-for-who-paused (R14)', () => {
  for (const state of ['asking', 'recording', 'suspended']) assert.equal(actionsOf(snapshot({ recording: { state } })).pause, true);
  const paused = (self, by, changes) => actionsOf(snapshot({ self, recording: { state: 'paused', by }, ...changes }));
  assert.deepEqual([paused('cl', 'cl').resume, paused('cl', 'cl').pause], [true, false]);
  assert.deepEqual([paused('cl', 'ex').resume, paused('cl', 'ex').pause, paused('cl', 'ex').keepPaused], [false, true, true]);
  assert.equal(paused('ex', 'cl').resume, false, 'the asker may not lift the pause of another');
  assert.equal(paused('ex', 'gone').resume, true, 'but that of somebody who left');
  assert.equal(paused('cl', 'ex', { pausedByMe: true }).resume, true, 'the other paused later');
});

test('/page/status/a-request-is-answered-once', () => {
  assert.equal(actionsOf(snapshot()).answer, true);
  assert.equal(actionsOf(snapshot({ consents: null })).answer, true, 'the letter came before the answers');
  assert.equal(actionsOf(snapshot({ self: 'ex', consents: null })).answer, false, 'asking is one’s own grant (R2)');
  assert.equal(actionsOf(snapshot({ consents: { request: 'r1', granted: ['ex', 'cl'], waiting: [], declined: [] } })).answer, false);
  assert.equal(actionsOf(snapshot({ recording: { state: 'declined' } })).answer, false);
  assert.equal(answerOf(snapshot({ consents: { request: 'r0', granted: ['cl'], waiting: [], declined: [] } })), 'waiting', 'a grant of a former request is none (R3)');
});

test('/page/status/who-may-ask (R2, R4)', () => {
  const may = (changes) => actionsOf(snapshot({ self: 'ex', role: 'expert', consents: null, ask: null, recording: { state: 'idle' }, ...changes })).ask;
  assert.equal(may({}), true);
  assert.equal(may({ role: 'client' }), false);
  assert.equal(may({ recording: { state: 'declined' } }), false);
  assert.equal(may({ recording: { state: 'recording' } }), false);
  assert.equal(may({ recording: { state: 'purged' }, myNo: true }), false);
});

test('/page/status/anybody-in-the-call-may-report-and-who-may-ask-may-end-it (R2, R25)', () => {
  const of = (changes) => (({ report, endAll }) => [report, endAll])(actionsOf(snapshot(changes)));
  assert.deepEqual(of({ role: 'client' }), [true, false]);
  assert.deepEqual(of({ self: 'ex', role: 'expert' }), [true, true]);
  assert.deepEqual(of({ self: 'ex', role: 'expert', connection: 'reconnecting' }), [false, false]);
  assert.deepEqual(of({ self: 'ex', role: undefined, connection: 'ended' }), [false, false]);
});

test('/page/status/a-no-that-stands-keeps-the-asker-from-asking (R4)', () => {
  const consents = { request: 'r1', granted: [], waiting: ['ex'], declined: ['cl'] };
  assert.equal(actionsOf(snapshot({ self: 'ex', role: 'expert', consents, recording: { state: 'purged', by: 'cl' } })).ask, false);
});

test('/page/status/who-is-waited-for-is-named', () => {
  const asking = (changes) => statusOf(snapshot({ self: 'ex', recording: { state: 'asking', reason: 'requested', request: 'r1', by: 'ex' }, ...changes })).detail;
  assert.match(asking({}), /^Carl has not answered yet/);
  assert.match(asking({ recording: { state: 'asking', reason: 'newcomer', request: 'r1', by: 'cl' } }), /^Carl joined and has not agreed yet/);
  assert.match(asking({ consents: { request: 'r1', granted: ['ex'], waiting: [], declined: [] } }), /^Your request was sent/);
  assert.match(asking({ self: 'cl' }), /^Ada asks to record/);
  assert.match(asking({ consents: { request: 'r1', granted: ['ex'], waiting: ['cl', 'x'], declined: [] } }), /^Carl and Somebody have not answered yet/);
});

test('/page/status/a-request-that-is-over-leaves-nobody-owing-an-answer', () => {
  const shown = (state, id, changes) => shownAnswerOf(snapshot({ consents: { request: 'r1', granted: [], waiting: ['ex'], declined: ['cl'] }, recording: { state, by: 'cl' }, ...changes }), id);
  assert.deepEqual([shown('purged', 'ex'), shown('purged', 'cl')], [null, 'withdrew']);
  assert.deepEqual([shown('declined', 'ex'), shown('declined', 'cl')], [null, 'declined']);
  const agreed = { consents: { request: 'r1', granted: ['ex', 'cl'], waiting: [], declined: [] }, audioOnly: true };
  assert.deepEqual([shown('stopped', 'ex', agreed), shown('recording', 'cl', agreed)], ['granted', 'grantedAudio']);
  assert.equal(shown('asking', 'ex', { consents: null }), 'granted');
});

test('/page/status/withdraw-says-what-it-does-now (R12)', () => {
  const means = (state, changes) => withdrawMeansOf(snapshot({ recording: { state, reason: 'requested', by: 'cl' }, ...changes }));
  assert.equal(means('recording'), strings.withdrawMeans.session);
  assert.equal(means('asking'), strings.withdrawMeans.unanswered);
  assert.equal(means('declined'), strings.withdrawMeans.unanswered);
  assert.equal(means('purged'), strings.withdrawMeans.done);
  const participant = { ask: { request: 'r1', from: 'ex', disclosure: { on_withdrawal: 'participant' } } };
  assert.equal(means('purged', { ...participant, self: 'ex' }), strings.withdrawMeans.participant, 'what the others sent is still kept');
  assert.equal(means('purged', participant), strings.withdrawMeans.done);
  assert.equal(means('recording', { ask: null }), strings.withdrawMeans.unknown);
});
