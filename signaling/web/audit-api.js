// SPDX-License-Identifier: Apache-2.0
// The gate's HTTP interface as the auditor's page uses it. Errors carry a code and a sentence for a person.

import { RecgateError } from './recgate-withdraw.js';
import { WebmProgress } from './webm-progress.js';

export class AuditApi {
  #token;

  /** @param {string} token of an auditor */
  constructor(token) {
    this.#token = token;
  }

  sessions() { return this.#json('/v1/sessions'); }

  session(id) { return this.#json(`/v1/sessions/${encodeURIComponent(id)}`); }

  /** Ranges of consecutive segments with one fate: a long call is a few of them. */
  runs(id) { return this.#json(`/v1/sessions/${encodeURIComponent(id)}/segments?runs=1`); }

  segments(id) { return this.#json(`/v1/sessions/${encodeURIComponent(id)}/segments`); }

  /**
   * @param {string} id
   * @param {{participant?: string, take?: number, medium?: string, from?: number, to?: number}} what without a participant: everyone, side by side
   * @param {{signal?: AbortSignal, onProgress?: (part: number | null) => void}} options onProgress: how far it has arrived
   * @returns {Promise<Blob>} everything that is kept of this person, or of one take, or of a range of its segments, as one playable file
   */
  async recording(id, { participant, take, medium, from, to }, { signal, onProgress = () => {} } = {}) {
    const query = participant ? { participant, ...(take && { take, medium, from, to }) } : { layout: 'side-by-side' };
    const response = await this.#get(`/v1/sessions/${encodeURIComponent(id)}/recording?${new URLSearchParams(query)}`, signal);
    const pieces = [], progress = new WebmProgress();
    try {
      for (const reader = response.body.getReader(); ;) {
        const { done, value } = await reader.read();
        if (done) return new Blob(pieces, { type: response.headers.get('Content-Type') ?? 'video/webm' });
        pieces.push(value);
        onProgress(progress.add(value));
      }
    } catch {
      throw new RecgateError('cut_off', 'The recording broke off.');
    }
  }

  /** @returns {Promise<Blob>} the sealed bundle of this call (R25) */
  async evidence(id) { return (await this.#get(`/v1/sessions/${encodeURIComponent(id)}/evidence`)).blob(); }

  /** Where the session's leaves stand in the log, and the salts that open them. */
  leaves(id) { return this.#json(`/v1/sessions/${encodeURIComponent(id)}/leaves`); }

  async logText(path) { return (await this.#log(path)).text(); }

  async logBytes(path) { return new Uint8Array(await (await this.#log(path)).arrayBuffer()); }

  /** The gate reads its log for a few at once; whoever comes beside them asks again. */
  async #log(path) {
    for (let tries = 0; ; tries++) {
      try {
        return await this.#get(`/v1/log/${path}`);
      } catch (error) {
        if (error.code !== 'too_many_reads' || tries === 20) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100 + 100 * tries));
      }
    }
  }

  async #json(path) {
    return (await this.#get(path)).json();
  }

  async #get(path, signal) {
    const headers = { Authorization: `Bearer ${this.#token}` };
    const response = await fetch(path, { headers, signal, cache: 'no-store' }).catch(() => { throw new RecgateError('unreachable', 'The gate cannot be reached.'); });
    if (response.ok) return response;
    const { code, message } = await response.json().catch(() => ({ code: 'unknown', message: `The gate answered ${response.status}.` }));
    throw new RecgateError(code, message);
  }
}
