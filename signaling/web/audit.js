// SPDX-License-Identifier: Apache-2.0
// The auditor's page: lists calls, shows one, plays and downloads what is kept of a person.

import { AuditApi } from './audit-api.js';
import { Badge } from './audit-badge.js';
import { Chart, drawLegend } from './audit-chart.js';
import { words } from './audit-strings.js';
import { PLAYED_SEGMENTS, timeline } from './audit-timeline.js';
import { drawSession, drawSessions, fillWords } from './audit-view.js';
import { $, show, write } from './dom.js';
import { readToken } from './token.js';

class Audit {
  #api;
  #playing = 0;
  #erased = new Set();
  #chart = null;
  #badge;
  #abort = null;
  #session = null;

  constructor(token) {
    this.#api = new AuditApi(token);
    this.#chart = new Chart((what) => this.#play(this.#session, what));
    drawLegend();
    this.#badge = new Badge(this.#api);
    $('play-all').addEventListener('click', () => this.#play(this.#session, { name: words.everyone }));
    $('cancel').addEventListener('click', () => this.#stopPlaying());
    $('evidence').addEventListener('click', () => this.#fetchEvidence());
    $('back').addEventListener('click', () => { location.hash = ''; });
    addEventListener('hashchange', () => this.show());
  }

  /** The fragment says which call, so that Back and a reload do what they should. */
  async show() {
    const id = new URLSearchParams(location.hash.slice(1)).get('session');
    this.#stopPlaying();
    write('problem', '');
    try {
      await (id ? this.#showSession(id) : this.#showSessions());
    } catch (error) {
      write('problem', wordsFor(error));
    }
  }

  async #showSessions() {
    const sessions = await this.#api.sessions();
    drawSessions(sessions, (id) => { location.hash = new URLSearchParams({ session: id }); });
    this.#reveal('list');
  }

  async #showSession(id) {
    const [session, runs] = await Promise.all([this.#api.session(id), this.#api.runs(id)]);
    this.#session = id;
    this.#erased = new Set(runs.filter(({ state }) => ['purged', 'expired'].includes(state)).map(({ participant }) => participant));
    drawSession(session, runs, () => this.#api.segments(id), ({ id: participant, name }) => this.#play(id, { participant, name }));
    this.#reveal('session');
    this.#chart.draw(timeline(session, runs));
    // What the proven leaves tell, the chart shows: absences within the call, changes of mind.
    this.#badge.check(session, (history) => this.#session === id && this.#chart.draw(timeline(session, runs, { history }), { keep: true }));
  }

  #reveal(section) {
    for (const each of ['list', 'session']) show(each, each === section);
    $(`${section}-title`).focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  /** @param {string} session @param {{participant?: string, name: string, medium?: string, take?: number, from?: number, to?: number, last?: number}} what */
  async #play(session, what) {
    const { participant: id, name, take, from, to, last } = what;
    this.#stopPlaying();
    const ticket = ++this.#playing;
    const abort = this.#abort = new AbortController();
    write('playing', id ? words.fetching(name) : words.mixing);
    this.#progress(null);
    try {
      const recording = await this.#api.recording(session, what, { signal: abort.signal, onProgress: (part) => ticket === this.#playing && this.#progress(part) });
      if (ticket !== this.#playing) return;
      this.#showRecording(recording, name, `${session}-${id ?? 'everyone'}${take ? `-${take}-${from}-${to}` : ''}.${isMatroska(recording) ? 'mkv' : 'webm'}`);
      show('play-on', take !== undefined && to < last);
      $('play-on').onclick = () => this.#play(session, { ...what, from: to + 1, to: Math.min(last, to + PLAYED_SEGMENTS) });
    } catch (error) {
      if (ticket !== this.#playing) return;
      write('playing', '');
      write('play-problem', this.#whyNotPlayed(error, id));
    } finally {
      if (ticket === this.#playing) show('fetching', false);
    }
  }

  /** Nothing kept where there was something: it was erased. */
  #whyNotPlayed(error, id) {
    if (error.code !== 'nothing_kept') return wordsFor(error);
    if (id ? this.#erased.has(id) : this.#erased.size > 0) return words.errors.erased;
    return id ? words.errors.nothing_kept : words.errors.nothing_kept_of_call;
  }

  /** @param {number | null} part of one; null: nothing is known yet. Said in words at each tenth. */
  #progress(part) {
    show('fetching', true);
    if (part === null) $('progress').removeAttribute('value');
    else {
      $('progress').value = part * 100;
      if (part > 0) write('playing', words.part(Math.floor(part * 10) * 10));
    }
  }

  async #fetchEvidence() {
    const session = this.#session;
    this.#stopPlaying();
    const ticket = this.#playing;
    write('playing', words.evidenceFetching);
    try {
      const url = URL.createObjectURL(await this.#api.evidence(session));
      Object.assign(document.createElement('a'), { href: url, download: `${session}-evidence.zip` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
      if (ticket === this.#playing) write('playing', words.evidenceThere);
    } catch (error) {
      if (ticket !== this.#playing) return;
      write('playing', '');
      write('play-problem', wordsFor(error));
    }
  }

  #showRecording(recording, name, file) {
    const url = URL.createObjectURL(recording);
    const problem = () => $('video').src === url && this.#cannotPlay();
    $('video').onerror = problem;
    $('video').onloadedmetadata = () => isMatroska(recording) && $('video').videoWidth === 0 && problem();
    $('video').src = url;
    Object.assign($('download'), { href: url, download: file });
    write('player-title', words.player(name));
    write('playing', words.playing(name));
    show('player', true);
    $('player-title').focus();
    $('video').play().catch(() => {}); // where playing needs a press, the controls are there
  }

  /** Not every browser decodes what another one sent (H.264); everyone side by side is of a kind that each can. */
  #cannotPlay() {
    write('playing', '');
    write('play-problem', words.errors.cannot_play);
  }

  /** Nothing of a recording stays in the page longer than it is looked at. */
  #stopPlaying() {
    this.#playing += 1;
    this.#abort?.abort();
    show('fetching', false);
    if ($('video').src) URL.revokeObjectURL($('video').src);
    $('video').removeAttribute('src');
    $('video').load();
    $('download').removeAttribute('href');
    show('player', false);
    write('playing', '');
    write('play-problem', '');
  }
}

/** @param {Blob} recording one with H.264, which a WebM may not hold */
function isMatroska(recording) {
  return recording.type.startsWith('video/x-matroska');
}

function wordsFor(error) {
  return words.errors[error.code] ?? error.message;
}

fillWords();
const token = readToken('recgate.audit');
if (token) new Audit(token).show();
else write('problem', words.noToken);
