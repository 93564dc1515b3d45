// SPDX-License-Identifier: Apache-2.0
// The badge over a session: exactly what was checked of its proof, or an alarm that names the first leaf that does not fit.

import { proveSession } from './audit-proof.js';
import { words } from './audit-strings.js';
import { moment } from './audit-words.js';
import { $, el, show, write } from './dom.js';
import { LogAlarm } from './recgate-log.js';

export class Badge {
  #api;
  #ticket = 0;

  constructor(api) {
    this.#api = api;
  }

  /** @param {object} session @param {(history: object[]) => void} onHistory gets the session's own leaves, proven and opened */
  async check(session, onHistory, all = false) {
    const ticket = ++this.#ticket;
    const current = () => ticket === this.#ticket;
    this.#draw('checking', words.proof.checking);
    $('prove-again').onclick = () => this.check(session, onHistory, all);
    $('prove-all').onclick = () => this.check(session, onHistory, true);
    try {
      if (!globalThis.crypto?.subtle) throw new Error(words.proof.insecure);
      const onProgress = (done, of) => current() && of > 8 && write('proof-progress', words.proof.progress(done + 1, of));
      const proven = await proveSession(this.#api, session, { all, onProgress });
      if (!current()) return;
      this.#tell(proven);
      onHistory(proven.history);
    } catch (error) {
      if (current()) this.#complain(error);
    }
  }

  #tell({ size, signed, erased, checked, waiting, earlier }) {
    const say = words.proof;
    const whole = signed && !erased && waiting === 0;
    this.#draw(whole ? 'good' : 'partly', whole ? say.good : say.partly, [
      [signed, signed ? say.signed(size) : say.unsigned(size)],
      erased ? [false, say.erased] : [true, say.leaves(checked)],
      ...(waiting ? [[false, say.waiting(waiting)]] : []),
      [true, earlier ? say.earlier(earlier.size, moment(earlier.at)) : say.first],
    ]);
    write('prove-all', words.proveAll(waiting));
    show('prove-all', waiting > 0);
  }

  #complain(error) {
    const alarm = error instanceof LogAlarm;
    this.#draw(alarm ? 'alarm' : 'failed', alarm ? words.proof.alarm : words.proof.failed);
    const told = alarm ? words.proof.alarms[error.code] ?? error.message : words.errors[error.code] ?? error.message;
    write('proof-alarm', error.index === undefined ? told : `${told} ${words.proof.at(error.index)}`);
  }

  #draw(state, title, facts = []) {
    $('proof').dataset.state = state;
    write('proof-title', title);
    write('proof-progress', '');
    write('proof-alarm', '');
    $('proof-facts').replaceChildren(...facts.map(([good, text]) => el('li', { dataset: { good } }, text)));
    show('proof-facts', facts.length > 0);
    show('prove-all', false);
    show('prove-again', state !== 'checking');
  }
}
