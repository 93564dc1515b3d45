// SPDX-License-Identifier: Apache-2.0
// How far a WebM is that is still arriving: its header names its duration, each cluster its time (RFC 9559). Pure.

const DURATION = [0x44, 0x89, 0x88]; // Duration, a double
const CLUSTER = [0x1f, 0x43, 0xb6, 0x75];
const TIMESTAMP = 0xe7;
const KEPT = 64; // of the piece before: an element may lie across two

const isAt = (bytes, at, sought) => sought.every((byte, i) => bytes[at + i] === byte);

export class WebmProgress {
  #tail = new Uint8Array();
  #duration = 0;
  #at = 0;

  /** @param {Uint8Array} piece in order @returns {number | null} a part of one; null: not known yet */
  add(piece) {
    const bytes = new Uint8Array(this.#tail.length + piece.length);
    bytes.set(this.#tail);
    bytes.set(piece, this.#tail.length);
    for (let at = 0; at + 12 <= bytes.length; at++) {
      if (!this.#duration && isAt(bytes, at, DURATION)) this.#duration = new DataView(bytes.buffer).getFloat64(at + 3);
      else if (bytes[at] === CLUSTER[0] && isAt(bytes, at, CLUSTER)) this.#at = Math.max(this.#at, timestamp(bytes, at + 4));
    }
    this.#tail = bytes.slice(-KEPT);
    return this.#duration > 0 ? Math.min(1, this.#at / this.#duration) : null;
  }
}

/** The cluster's time stands right after its size. */
function timestamp(bytes, at) {
  const size = Math.clz32(bytes[at]) - 24 + 1; // of the size itself
  const place = at + size;
  if (bytes[place] !== TIMESTAMP || place + 2 > bytes.length) return 0;
  let value = 0;
  for (let i = 0; i < (bytes[place + 1] & 0x7f) && place + 2 + i < bytes.length; i++) value = value * 256 + bytes[place + 2 + i];
  return value;
}
