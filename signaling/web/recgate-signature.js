// SPDX-License-Identifier: Apache-2.0
// The participant's own signature under a grant (R24): who consented and whose media it is are tied, by a key that never leaves this page.

import { canonicalJson } from './recgate-canonical.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** The DTLS certificates of these connections, as their own descriptions name them. @param {Iterable<RTCPeerConnection>} connections */
export function fingerprintsOf(connections) {
  const found = new Set();
  for (const { localDescription } of connections) {
    for (const [, digest] of (localDescription?.sdp ?? '').matchAll(/^a=fingerprint:sha-256 ([0-9A-F:]+)\s*$/gim)) found.add(`sha-256 ${digest.toUpperCase()}`);
  }
  return [...found].sort();
}

/** One key a client, made at once, not to be taken out of the browser. Where there is no WebCrypto (plain http) nothing is signed. */
export class Signer {
  #keys = globalThis.crypto?.subtle?.generateKey(ALGORITHM, false, ['sign', 'verify']).catch(() => undefined);

  /**
   * @param {{decision: 'grant', disclosure_sha256: string, fingerprints: string[], media: string, participant: string, request: string, session: string}} statement
   * @returns {Promise<{alg: string, public_key: object, value: string, fingerprints: string[]} | undefined>}
   */
  async sign(statement) {
    const keys = await this.#keys;
    if (!keys) return undefined;
    const { subtle } = globalThis.crypto;
    const value = await subtle.sign(ALGORITHM, keys.privateKey, new TextEncoder().encode(canonicalJson(statement)));
    const { kty, crv, x, y } = await subtle.exportKey('jwk', keys.publicKey);
    return { alg: 'ES256', public_key: { kty, crv, x, y }, value: btoa(String.fromCharCode(...new Uint8Array(value))), fingerprints: statement.fingerprints };
  }
}
