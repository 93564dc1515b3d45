// SPDX-License-Identifier: Apache-2.0
// Says changes to people who do not see them: two live regions, one that waits its turn and one that does not.

const TOGETHER_MS = 100;
/** What was said is gone from the page before somebody who reads on comes across it and takes it for the state of now. */
const KEPT_MS = 5000;

/** Sentences that come within a moment are one announcement, because a live region that is overwritten stays silent. */
export class Announcer {
  #regions;
  #queued = { polite: [], assertive: [] };

  /** @param {{polite: HTMLElement, assertive: HTMLElement}} regions */
  constructor(regions) {
    this.#regions = regions;
  }

  polite(sentence) { this.#queue('polite', sentence); }

  assertive(sentence) { this.#queue('assertive', sentence); }

  #queue(urgency, sentence) {
    const queued = this.#queued[urgency];
    if (queued.length === 0) setTimeout(() => this.#say(urgency), TOGETHER_MS);
    if (!queued.includes(sentence)) queued.push(sentence);
  }

  #say(urgency) {
    // A fresh element each time: the same sentence said again is a change as well.
    const line = document.createElement('p');
    line.textContent = this.#queued[urgency].splice(0).join(' ');
    this.#regions[urgency].replaceChildren(line);
    setTimeout(() => line.remove(), KEPT_MS);
  }
}
