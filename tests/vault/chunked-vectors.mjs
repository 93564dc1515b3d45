// SPDX-License-Identifier: Apache-2.0
// Known answers for test-chunked.c, from an implementation of C2SP chunked-encryption that shares nothing with ours:
// node's crypto (HMAC and AES-256-GCM), HKDF-Expand written out. Run: node tests/vault/chunked-vectors.mjs
import { createCipheriv, createHash, createHmac } from 'node:crypto';

const expand = (key, info, n) => {
  let out = Buffer.alloc(0), last = Buffer.alloc(0);
  for (let i = 1; out.length < n; i++) {
    last = createHmac('sha512', key).update(Buffer.concat([last, info, Buffer.from([i])])).digest();
    out = Buffer.concat([out, last]);
  }
  return out.subarray(0, n);
};

const seal = (key, salt, context, message) => {
  const info = Buffer.concat([Buffer.from('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0'), salt, Buffer.from(context)]);
  const derived = expand(key, info, 32 + 12 + 32);
  const parts = [salt, derived.subarray(44)];
  for (let chunk = 0, at = 0; ; chunk++, at += 16384) {
    const nonce = Buffer.from(derived.subarray(32, 44));
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ chunk) >>> 0, 8);
    const cipher = createCipheriv('aes-256-gcm', derived.subarray(0, 32), nonce);
    const part = message.subarray(at, at + 16384);
    parts.push(cipher.update(part), cipher.final(), cipher.getAuthTag());
    if (part.length < 16384) return Buffer.concat(parts);
  }
};

const key = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const salt = Buffer.from(Array.from({ length: 24 }, (_, i) => 0xa0 + i));
for (const [context, n] of [['', 0], ['{"seq":0}', 5], ['{"seq":0}', 16383], ['{"seq":0}', 16384], ['{"seq":0}', 40000]]) {
  const message = Buffer.from(Array.from({ length: n }, (_, i) => (i * 7 + 3) & 0xff));
  const file = seal(key, salt, context, message);
  const sha256 = createHash('sha256').update(file).digest('hex');
  console.log(`    {${JSON.stringify(context)}, ${n}, ${file.length}, "${file.subarray(24, 56).toString('hex')}", "${sha256}"},`);
}
