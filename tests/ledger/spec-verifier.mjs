// SPDX-License-Identifier: Apache-2.0
// A verifier of transparency logs written from the specifications alone, with nothing of this project's: RFC 6962 and RFC 9162 section 2.1,
// c2sp.org/signed-note, /tlog-checkpoint, /tlog-tiles, /tlog-proof. It needs node and nothing else; copy it to where the log is watched.
// Everything throws an Error with what is wrong, or returns what was verified. Sizes and indices are Numbers (up to 2^53).
import { createHash, createPublicKey, verify } from 'node:crypto';

const DASH = '— ';
const TILE = 256;
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

function must(holds, what) {
  if (!holds) throw new Error(what);
}

/** RFC 4648 section 4, and only the one spelling of it. */
function base64(text, what) {
  const bytes = Buffer.from(text, 'base64');
  must(bytes.toString('base64') === text, `${what} is not base64`);
  return bytes;
}

function decimal(text, what) {
  must(/^(0|[1-9][0-9]*)$/.test(text) && Number.isSafeInteger(Number(text)), `${what} is not a decimal number`);
  return Number(text);
}

// --- RFC 6962 section 2.1: the tree -----------------------------------------------------------------------------------

export const EMPTY_ROOT = sha256();
export const leafHash = (leaf) => sha256(Uint8Array.of(0), leaf);
export const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

/** The largest power of two smaller than n, for n > 1. */
function split(n) {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** MTH over hashes of leaves, or of subtrees of one size. */
export function treeHash(hashes, from = 0, to = hashes.length) {
  if (to === from) return EMPTY_ROOT;
  if (to - from === 1) return hashes[from];
  const k = split(to - from);
  return nodeHash(treeHash(hashes, from, from + k), treeHash(hashes, from + k, to));
}

// --- c2sp.org/signed-note, c2sp.org/tlog-checkpoint -------------------------------------------------------------------

/** A verifier key: name+key ID+base64(0x01 || Ed25519 public key). */
export function parseKey(text) {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\n?$/u.exec(text);
  must(match, 'not a verifier key');
  const [, name, id, encoded] = match;
  const key = base64(encoded, 'the key');
  must(key.length === 33 && key[0] === 1, 'not an Ed25519 key');
  must(sha256(`${name}\n`, key).subarray(0, 4).toString('hex') === id, 'the key ID is not of this key');
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key.subarray(1)]); // RFC 8410
  return { name, id: Buffer.from(id, 'hex'), key: createPublicKey({ key: spki, format: 'der', type: 'spki' }) };
}

/** The text of a signed note, once the known key's signature holds. */
export function openNote(note, key) {
  const text = typeof note === 'string' ? note : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(note);
  // eslint-disable-next-line no-control-regex
  must(!/[\u0000-\u0009\u000b-\u001f]/.test(text), 'a control character in a note');
  const end = text.lastIndexOf('\n\n');
  must(end >= 0 && text.endsWith('\n'), 'a note without signatures');
  const body = text.slice(0, end + 1);
  const lines = text.slice(end + 2, -1).split('\n');
  let signed = false;
  for (const line of lines) {
    const words = line.slice(DASH.length).split(' ');
    must(line.startsWith(DASH) && words.length === 2 && /^[^\s+]+$/u.test(words[0]), 'not a signature line');
    const bytes = base64(words[1], 'a signature');
    must(bytes.length > 4, 'a signature too short');
    if (words[0] !== key.name || !bytes.subarray(0, 4).equals(key.id)) continue;
    must(verify(null, Buffer.from(body), key.key, bytes.subarray(4)), 'the signature does not verify');
    signed = true;
  }
  must(signed, 'not signed by the known key');
  return body;
}

/** {origin, size, root} of a checkpoint signed by the key, whose name must be the origin. */
export function openCheckpoint(note, key) {
  const lines = openNote(note, key).slice(0, -1).split('\n');
  must(lines.length >= 3 && lines.every((line) => line !== ''), 'not a checkpoint');
  must(lines[0] === key.name, 'a checkpoint of another log');
  const root = base64(lines[2], 'the root');
  must(root.length === 32, 'the root is not 32 bytes');
  return { origin: lines[0], size: decimal(lines[1], 'the size'), root };
}

// --- c2sp.org/tlog-tiles ----------------------------------------------------------------------------------------------

/** The address of a tile under the log's prefix; level may be 'entries'. */
export function tilePath(level, index, width = TILE) {
  const groups = [];
  for (let rest = index, last = true; last || rest > 0; rest = Math.floor(rest / 1000), last = false)
    groups.unshift(`${last ? '' : 'x'}${String(rest % 1000).padStart(3, '0')}`);
  return `tile/${level}/${groups.join('/')}${width < TILE ? `.p/${width}` : ''}`;
}

/** Width of this tile in a tree of that size; 0: there is no such tile. */
export function tileWidth(level, index, size) {
  const hashes = Math.floor(size / TILE ** level);
  return Math.max(0, Math.min(TILE, hashes - index * TILE));
}

/** Every tile of a tree of that size: [{level, index, width}]. */
export function tilesOf(size) {
  const tiles = [];
  for (let level = 0; size / TILE ** level >= 1; level++)
    for (let index = 0; tileWidth(level, index, size) > 0; index++) tiles.push({ level, index, width: tileWidth(level, index, size) });
  return tiles;
}

/** The leaves of an entry bundle of that width. */
export function parseEntries(bytes, width) {
  const leaves = [];
  for (let at = 0; at < bytes.length; at += 2 + leaves.at(-1).length) {
    must(bytes.length - at >= 2 && bytes.length - at - 2 >= bytes.readUInt16BE(at), 'an entry bundle is cut short');
    leaves.push(bytes.subarray(at + 2, at + 2 + bytes.readUInt16BE(at)));
  }
  must(leaves.length === width, `an entry bundle of ${leaves.length} leaves in place of ${width}`);
  return leaves;
}

/** A tree of `size` leaves, read through get(path): the bytes, or a promise of them. A full tile must be what the
 * one above it says, and the others make the root: compare root() with the checkpoint's first, then all that follows is bound to it. */
export class Tree {
  constructor(size, get) {
    this.size = size;
    this.get = get;
    this.tiles = new Map();
  }

  async #tile(level, index) {
    const path = tilePath(level, index, tileWidth(level, index, this.size));
    if (!this.tiles.has(path)) {
      const bytes = await this.get(path);
      must(bytes.length === 32 * tileWidth(level, index, this.size), `${path} is not as long as the size says`);
      const hashes = Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(32 * i, 32 * i + 32));
      if (hashes.length === TILE) {
        const above = await this.#tile(level + 1, Math.floor(index / TILE));
        must(treeHash(hashes).equals(above[index % TILE]), `${path} is not what the tile above it says`);
      }
      this.tiles.set(path, hashes);
    }
    return this.tiles.get(path);
  }

  /** MTH(D[from:to]), from being a multiple of the largest power of two <= to - from. */
  async hash(from, to) {
    const n = to - from;
    if (n === 0) return EMPTY_ROOT;
    const height = Math.log2(n);
    if (!Number.isInteger(height)) {
      const k = split(n);
      return nodeHash(await this.hash(from, from + k), await this.hash(from + k, to));
    }
    const level = Math.floor(height / 8);
    const [first, count] = [from / TILE ** level, n / TILE ** level];
    const tile = await this.#tile(level, Math.floor(first / TILE));
    return treeHash(tile, first % TILE, (first % TILE) + count);
  }

  root() { return this.hash(0, this.size); }

  /** PATH(m, D[n]), RFC 6962 section 2.1.1. */
  async inclusion(m, from = 0, to = this.size) {
    must(m >= 0 && m < to - from, 'no such leaf');
    if (to - from === 1) return [];
    const k = split(to - from);
    if (m < k) return [...await this.inclusion(m, from, from + k), await this.hash(from + k, to)];
    return [...await this.inclusion(m - k, from + k, to), await this.hash(from, from + k)];
  }

  /** PROOF(m, D[n]), RFC 6962 section 2.1.2; empty for m = 0 and for m = n. */
  async consistency(m) {
    must(m >= 0 && m <= this.size, 'the older tree is the larger one');
    return m === 0 || m === this.size ? [] : this.#subproof(m, 0, this.size, true);
  }

  async #subproof(m, from, to, whole) {
    if (m === to - from) return whole ? [] : [await this.hash(from, to)];
    const k = split(to - from);
    if (m <= k) return [...await this.#subproof(m, from, from + k, whole), await this.hash(from + k, to)];
    return [...await this.#subproof(m - k, from + k, to, false), await this.hash(from, from + k)];
  }

  /** The leaves themselves, whose hashes must be those of the level-0 tiles: calls leaf(bytes, index) for each; gives the root that they make. */
  async entries(leaf = () => {}) {
    const hashes = [];
    for (let index = 0; index * TILE < this.size; index++) {
      const width = tileWidth(0, index, this.size);
      const leaves = parseEntries(await this.get(tilePath('entries', index, width)), width);
      const tile = await this.#tile(0, index);
      leaves.forEach((bytes, i) => {
        const hash = leafHash(bytes);
        must(hash.equals(tile[i]), `leaf ${index * TILE + i} is not what its tile says`);
        leaf(bytes, index * TILE + i);
        hashes.push(hash);
      });
    }
    return treeHash(hashes);
  }
}

// --- RFC 9162 sections 2.1.3.2 and 2.1.4.2: checking proofs -----------------------------------------------------------

const isOdd = (n) => n % 2 === 1;
const half = (n) => Math.floor(n / 2);

export function checkInclusion(index, size, hash, path, root) {
  must(index < size, 'the leaf is beyond the tree');
  let [fn, sn, r] = [index, size - 1, hash];
  for (const p of path) {
    must(sn !== 0, 'the inclusion proof is too long');
    if (isOdd(fn) || fn === sn) {
      r = nodeHash(p, r);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else r = nodeHash(r, p);
    [fn, sn] = [half(fn), half(sn)];
  }
  must(sn === 0 && r.equals(root), 'the inclusion proof does not hold');
}

export function checkConsistency(first, firstRoot, second, secondRoot, proof) {
  must(first <= second, 'the log has become shorter');
  if (first === 0 || first === second) { // nothing to prove: the RFC has no proofs for these
    must(proof.length === 0 && firstRoot.equals(first === 0 ? EMPTY_ROOT : secondRoot), 'the consistency proof does not hold');
    return;
  }
  must(proof.length > 0, 'the consistency proof is empty');
  const path = Number.isInteger(Math.log2(first)) ? [firstRoot, ...proof] : proof;
  let [fn, sn] = [first - 1, second - 1];
  while (isOdd(fn)) [fn, sn] = [half(fn), half(sn)];
  let [fr, sr] = [path[0], path[0]];
  for (const c of path.slice(1)) {
    must(sn !== 0, 'the consistency proof is too long');
    if (isOdd(fn) || fn === sn) {
      [fr, sr] = [nodeHash(c, fr), nodeHash(c, sr)];
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else sr = nodeHash(sr, c);
    [fn, sn] = [half(fn), half(sn)];
  }
  must(sn === 0 && fr.equals(firstRoot) && sr.equals(secondRoot), 'the consistency proof does not hold');
}

// --- c2sp.org/tlog-proof ----------------------------------------------------------------------------------------------

/** {index, checkpoint} of a .tlog-proof file for this leaf. */
export function openProof(text, leaf, key) {
  const end = text.indexOf('\n\n');
  must(end >= 0, 'a proof without a checkpoint');
  const lines = text.slice(0, end).split('\n');
  must(lines.shift() === 'c2sp.org/tlog-proof@v1', 'not a tlog-proof');
  if (lines[0]?.startsWith('extra ')) base64(lines.shift().slice('extra '.length), 'the extra data');
  must(lines[0]?.startsWith('index '), 'a proof without an index');
  const index = decimal(lines.shift().slice('index '.length), 'the index');
  const path = lines.map((line) => base64(line, 'a hash of the path'));
  must(path.every((hash) => hash.length === 32), 'a hash of the path is not 32 bytes');
  const checkpoint = openCheckpoint(text.slice(end + 2), key);
  checkInclusion(index, checkpoint.size, leafHash(leaf), path, checkpoint.root);
  return { index, checkpoint };
}
