// SPDX-License-Identifier: Apache-2.0
// The auditor's page: lists calls, shows one, plays and downloads what is kept of a person.

import { AuditApi } from './audit-api.js';
import { words } from './audit-strings.js';
import { drawSession, drawSessions, fillWords } from './audit-view.js';
import { $, show, write } from './dom.js';
import { readToken } from './token.js';

class Audit {
  #api;
  #playing = 0;
  #erased = new Set();

  constructor(token) {
    this.#api = new AuditApi(token);
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
    const session = await this.#api.session(id);
    const segments = await this.#api.segments(id);
    this.#erased = new Set(segments.filter(({ state }) => ['purged', 'expired'].includes(state)).map(({ participant }) => participant));
    drawSession(session, segments, (participant) => this.#play(id, participant));
    this.#reveal('session');
  }

  #reveal(section) {
    for (const each of ['list', 'session']) show(each, each === section);
    $(`${section}-title`).focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  async #play(session, { id, name }) {
    this.#stopPlaying();
    const ticket = ++this.#playing;
    write('playing', words.fetching(name));
    try {
      const recording = await this.#api.recording(session, id);
      if (ticket === this.#playing) this.#showRecording(recording, name, `${session}-${id}.webm`);
    } catch (error) {
      if (ticket !== this.#playing) return;
      write('playing', '');
      // Nothing kept where there was something: it was erased.
      write('play-problem', error.code === 'nothing_kept' && this.#erased.has(id) ? words.errors.erased : wordsFor(error));
    }
  }

  #showRecording(recording, name, file) {
    const url = URL.createObjectURL(recording);
    $('video').src = url;
    Object.assign($('download'), { href: url, download: file });
    write('player-title', words.player(name));
    write('playing', words.playing(name));
    show('player', true);
    $('player-title').focus();
    $('video').play().catch(() => {}); // where playing needs a press, the controls are there
  }

  /** Nothing of a recording stays in the page longer than it is looked at. */
  #stopPlaying() {
    this.#playing += 1;
    if ($('video').src) URL.revokeObjectURL($('video').src);
    $('video').removeAttribute('src');
    $('video').load();
    $('download').removeAttribute('href');
    show('player', false);
    write('playing', '');
    write('play-problem', '');
  }
}

function wordsFor(error) {
  return words.errors[error.code] ?? error.message;
}

fillWords();
const token = readToken('recgate.audit');
if (token) new Audit(token).show();
else write('problem', words.noToken);
