// SPDX-License-Identifier: Apache-2.0
// Receipts and the withdraw key (R24): kept for this tab, offered as a file, never sent anywhere.

import { $, show, write } from './dom.js';
import { fileOf } from './receipt-file.js';
import { words } from './receipt-strings.js';
import { strings } from './strings.js';

const STORE = 'recgate.receipts';

export class Receipts {
  #all = JSON.parse(sessionStorage.getItem(STORE) ?? '[]');

  constructor() {
    $('key-copy').addEventListener('click', () => this.#copyKey());
    write('receipt-print', words.show);
    $('receipt-print').href = `receipt${location.search}`;
    this.#show();
  }

  /** @param {object} receipt detail of the client's event, with the disclosure it is about */
  add(receipt) {
    this.#all.push({ at: new Date().toISOString(), ...receipt });
    sessionStorage.setItem(STORE, JSON.stringify(this.#all));
    this.#show();
  }

  /** Something was asked and answered in this tab before. */
  get any() {
    return this.#all.length > 0;
  }

  /** A grant of this request, given in this tab, was for sound only (R16). */
  audioOnly(request) {
    const grant = this.#all.findLast((receipt) => receipt.request === request && ['grant', 'request'].includes(receipt.act));
    return grant?.media !== undefined && !grant.media.includes('video');
  }

  /** @returns {Record<string, string>} the keys that withdraw, by request (R24) */
  get withdrawKeys() {
    return Object.fromEntries(this.#all.filter((receipt) => receipt.withdraw_key).map((receipt) => [receipt.request, receipt.withdraw_key]));
  }

  get #key() {
    return this.#all.findLast((receipt) => receipt.withdraw_key)?.withdraw_key;
  }

  #show() {
    show('receipt', this.any);
    const hasKey = this.#key !== undefined;
    show('key-copy', hasKey);
    write('receipt-intro', hasKey ? strings.receiptIntroKey : strings.receiptIntro);
    write('receipt-download', hasKey ? strings.receiptDownloadKey : strings.receiptDownload);
    const link = $('receipt-download');
    URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(new Blob([JSON.stringify(fileOf(this.#all, new URL('/withdraw', location.href).href), null, 2)], { type: 'application/json' }));
    link.download = 'recgate-receipt.json';
  }

  async #copyKey() {
    const copied = await navigator.clipboard?.writeText(this.#key).then(() => true, () => false);
    write('key-copied', copied ? strings.keyCopied : strings.keyNotCopied);
  }
}
