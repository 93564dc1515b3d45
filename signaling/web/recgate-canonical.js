// SPDX-License-Identifier: Apache-2.0
// Canonical JSON (RFC 8785, JCS) and its SHA-256: what a grant is bound to (R3).

/**
 * The one canonical text of a JSON value. ECMAScript's own number and string
 * forms are those of RFC 8785 sections 3.2.2 and 3.2.3; what is left is the order of
 * keys, by UTF-16 code units, which is the order of Array.prototype.sort.
 * @param {unknown} value a JSON value; anything else is a TypeError
 * @returns {string}
 */
export function canonicalJson(value) {
  if (value === null || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('not a JSON number');
    return JSON.stringify(value);
  }
  if (typeof value === 'string') {
    // RFC 8785 section 3.2.2.2: a lone surrogate has no canonical form.
    if (/\p{Surrogate}/u.test(value)) throw new TypeError('lone surrogate');
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object') throw new TypeError('not a JSON value');
  const members = Object.keys(value).sort().map((key) => `${canonicalJson(key)}:${canonicalJson(value[key])}`);
  return `{${members.join(',')}}`;
}

/**
 * SHA-256 of the canonical text in UTF-8, as lower-case hex.
 * @param {unknown} value
 * @returns {Promise<string | null>} null where the page has no crypto.subtle (not a secure context)
 */
export async function canonicalSha256(value) {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return null;
  const digest = await subtle.digest('SHA-256', new TextEncoder().encode(canonicalJson(value)));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
