// SPDX-License-Identifier: Apache-2.0
// The letter before the call: shows it whole, takes one answer, and takes it back in one step (R3-R6). The token stays in this tab.

import { words } from './consent-strings.js';
import { letterSections } from './disclosure.js';
import { $, el, letterElements, show, write } from './dom.js';
import { canonicalSha256 } from './recgate-canonical.js';
import { RecgateError, withdrawByHttp } from './recgate-withdraw.js';
import { readToken, tokenClaims } from './token.js';
import { sizeWords, timeWords } from './units.js';

const TOKEN = 'recgate.letter';
const STORE = 'recgate.letter.receipts';
const AGAIN_MS = 2000;
/** The gate's last word on a withdrawal; anything else is asked again (R6). */
const FINAL = new Set(['bad_token', 'no_token', 'token_expired', 'wrong_role', 'unknown_participant']);

class Letter {
  #token;
  #letter = null;
  #intact = true;
  #busy = false;
  #again = 0;
  #receipts = JSON.parse(sessionStorage.getItem(STORE) ?? '[]');

  constructor(token) {
    this.#token = token;
    this.#onClick('agree', () => this.#answer({ decision: 'grant' }));
    this.#onClick('agree-audio', () => this.#answer({ decision: 'grant', media: ['audio'] }));
    this.#onClick('decline', () => this.#answer({ decision: 'decline' }));
    this.#onClick('withdraw', () => this.#withdraw());
    this.#onClick('withdraw-all', () => this.#withdraw('session')); // more is always theirs (R12)
    $('key-copy').addEventListener('click', () => this.#copyKey());
  }

  async open() {
    await this.#load().catch((error) => this.#problem(error));
    this.#draw();
  }

  async #load() {
    this.#letter = await this.#ask('GET');
    const hash = await canonicalSha256(this.#letter.disclosure);
    this.#intact = hash === null || hash === this.#letter.disclosure_sha256;
    write('exact-check', hash === null ? words.unverified : words.verified);
    this.#late(this.#letter);
  }

  /** The ledger refused the answer, and the gate says it again: the receipt comes with the letter when it stands there (R24). */
  #late({ unwritten, recorded, request }) {
    clearTimeout(this.#again);
    if (unwritten) this.#again = setTimeout(() => this.#look(), AGAIN_MS);
    if (!recorded || this.#receipts.some(({ receipt }) => receipt.record_id === recorded.receipt.record_id)) return;
    const { receipt, withdraw_key } = recorded;
    this.#keep({ request, act: withdraw_key ? 'grant' : 'decline', receipt, ...(withdraw_key && { withdraw_key }) });
  }

  async #look() {
    await this.#load().catch(() => this.#late({ unwritten: true }));
    if (!this.#letter.unwritten && !this.#busy) this.#problem(null);
    this.#draw();
  }

  async #ask(method, body) {
    const headers = { Authorization: `Bearer ${this.#token}`, ...(body && { 'Content-Type': 'application/json' }) };
    const response = await fetch('/v1/consent', { method, headers, ...(body && { body: JSON.stringify(body) }) })
      .catch(() => { throw new RecgateError('unreachable', words.errors.unreachable); });
    const answer = await response.json();
    if (!response.ok) throw new RecgateError(answer.code, answer.message);
    return answer;
  }

  /** A second press while the first is on its way is the same press. */
  #onClick(id, act) {
    $(id).addEventListener('click', async () => {
      if (this.#busy) return;
      this.#busy = true;
      this.#problem(null);
      this.#draw();
      await act().catch((error) => this.#problem(error));
      this.#busy = false;
      this.#draw();
    });
  }

  async #answer(answer) {
    const { request, disclosure_sha256 } = this.#letter;
    try {
      const { receipt, withdraw_key } = await this.#ask('POST', { request, disclosure_sha256, ...answer });
      this.#keep({ request, act: answer.decision, ...(answer.media && { media: answer.media }), receipt, ...(withdraw_key && { withdraw_key }) });
    } finally {
      await this.#load().catch((error) => this.#problem(error)); // also after a refusal: what stands now is shown
    }
    this.#focus();
  }

  /** Sent again until the gate has acknowledged that it is done (R6, R13). */
  async #withdraw(scope) {
    const { request } = this.#letter;
    const keys = Object.fromEntries(this.#receipts.filter((one) => one.withdraw_key).map((one) => [one.request, one.withdraw_key]));
    for (;;) {
      try {
        this.#withdrawn(await withdrawByHttp({ url: new URL('/v1/withdraw', location.href), token: this.#token, keys, request, scope }));
        break;
      } catch (error) {
        if (FINAL.has(error.code)) throw error;
        this.#problem(new RecgateError('withdraw_again', ''));
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
    this.#problem(null);
    await this.#load().catch((error) => this.#problem(error));
    this.#focus();
  }

  #withdrawn({ purged, exports = [], receipt }) {
    const list = exports.map(({ by, at }) => `${by}, ${timeWords(at)}`).join('; ');
    write('no-title', words.withdrawnTitle);
    $('no-text').dataset.done = 'yes';
    write('no-text', [words.withdrawnText(purged.segments, sizeWords(purged.bytes)), ...(list ? [words.withdrawnExports(list)] : []), words.noText].join(' '));
    this.#keep({ request: this.#letter.request, act: 'withdraw', receipt });
  }

  #keep(entry) {
    this.#receipts.push({ at: new Date().toISOString(), ...entry, disclosure: this.#letter.disclosure, disclosure_sha256: this.#letter.disclosure_sha256 });
    sessionStorage.setItem(STORE, JSON.stringify(this.#receipts));
  }

  get #key() {
    return this.#receipts.findLast((one) => one.withdraw_key)?.withdraw_key;
  }

  async #copyKey() {
    const copied = await navigator.clipboard?.writeText(this.#key).then(() => true, () => false);
    write('key-copied', copied ? words.keyCopied : words.keyNotCopied);
  }

  #problem(error) {
    write('problem', error === null ? '' : words.errors[error.code] ?? error.message);
    show('problem', error !== null);
  }

  /** What was pressed is gone: the answer that stands is where to read on. */
  #focus() {
    this.#draw();
    $(this.#letter.answer === 'granted' ? 'agreed-title' : this.#letter.answer === 'no' ? 'no-title' : 'title').focus();
  }

  #draw() {
    const name = this.#letter?.participant.name ?? tokenClaims(this.#token).name;
    write('title', words.title(name));
    if (!this.#letter) return;
    const { answer, state, media, disclosure, message, disclosure_sha256: hash, starts, ends, opens } = this.#letter;
    const open = state === 'open';
    write('when', words.when(timeWords(starts), timeWords(ends), timeWords(opens)));
    show('when', true);
    write('state', answer === 'none' && !open ? words.states.over : words.states[answer]);
    if (this.#letter.unwritten && !this.#busy) this.#problem(new RecgateError('no_receipt', ''));
    if (!this.#intact) this.#problem(new RecgateError('mismatch', words.mismatch));
    show('letter', this.#intact);
    drawLetter(message, disclosure);
    write('hash', hash);
    show('answer', this.#intact && open && answer === 'none');
    for (const id of ['agree', 'agree-audio', 'decline', 'withdraw', 'withdraw-all']) $(id).disabled = this.#busy;
    show('agreed', answer === 'granted');
    write('agreed-text', open ? words.agreedText[media] ?? '' : words.states.over);
    write('withdraw-means', words.withdrawMeans[disclosure.on_withdrawal] ?? '');
    write('withdraw', this.#busy ? words.withdrawing : words.withdraw);
    show('withdraw-all', disclosure.on_withdrawal !== 'session');
    show('no', answer === 'no');
    if (!$('no-text').dataset.done) write('no-text', words.noText);
    this.#drawReceipt();
  }

  #drawReceipt() {
    const hasKey = this.#key !== undefined;
    show('receipt', this.#receipts.length > 0);
    show('key-copy', hasKey);
    write('receipt-text', hasKey ? words.receiptTextKey : words.receiptText);
    write('receipt-download', hasKey ? words.receiptDownloadKey : words.receiptDownload);
    const link = $('receipt-download');
    URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(new Blob([JSON.stringify(this.#receipts, null, 2)], { type: 'application/json' }));
    link.download = 'recgate-receipt.json';
  }
}

/** The letter as it was written, in its own language; drawn once a text, so that a reader's place in it stays. */
function drawLetter(message, disclosure) {
  const box = $('letter-text');
  if (box.dataset.message === message) return;
  box.dataset.message = message;
  if (/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(disclosure.language)) box.lang = disclosure.language;
  box.replaceChildren(...message.trim().split(/\n{2,}/).map((block) => el('p', {}, ...block.split('\n').flatMap((line, i) => (i ? [el('br'), line] : [line])))));
  $('exact').replaceChildren(...letterElements(letterSections(disclosure)));
}

for (const element of document.querySelectorAll('[data-text]')) element.textContent = words[element.dataset.text];
document.title = words.pageTitle;
const token = readToken(TOKEN);
if (token) new Letter(token).open();
else {
  write('title', words.noTokenTitle);
  write('problem', words.noToken);
  show('problem', true);
}
