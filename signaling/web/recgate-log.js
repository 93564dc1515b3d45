// SPDX-License-Identifier: Apache-2.0
// Checks a gate's log from the outside, with WebCrypto alone: signed checkpoint (c2sp.org/tlog-checkpoint, signed-note), tree (RFC 6962) from
// hash tiles (c2sp.org/tlog-tiles), inclusion, consistency, and the salted commitments in its leaves. Written from the specifications; no dependencies.

const TILE = 256;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** What does not hold. `code`: key, checkpoint, signature, key_changed, root, tile, leaf, rewritten, shrunk. `index`: the first leaf that does not fit, where one can be named. */
export class LogAlarm extends Error {
  /** @param {string} code @param {string} message @param {number} [index] */
  constructor(code, message, index) {
    super(message);
    this.name = 'LogAlarm';
    this.code = code;
    this.index = index;
  }
}

// --- bytes and hashes ---

const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest('SHA-256', joined(...parts)));

function joined(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export const equal = (one, other) => one.length === other.length && one.every((byte, i) => byte === other[i]);

/** Strict: what does not come back the same is refused. */
export function fromBase64(text) {
  let binary;
  try {
    binary = atob(text);
  } catch {
    throw new LogAlarm('checkpoint', 'not base64');
  }
  if (btoa(binary) !== text) throw new LogAlarm('checkpoint', 'not canonical base64');
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

export const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));

/** RFC 6962, section 2.1. */
export const leafHash = (leaf) => sha256(Uint8Array.of(0), leaf);
const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

/** The root over a power of two of hashes. */
async function combined(hashes) {
  let level = hashes;
  while (level.length > 1) {
    const above = [];
    for (let i = 0; i < level.length; i += 2) above.push(nodeHash(level[i], level[i + 1]));
    level = await Promise.all(above);
  }
  return level[0];
}

// --- keys and checkpoints ---

/** "<name>+<key id>+<base64(0x01 || public key)>" as in c2sp.org/signed-note. */
export async function parseKey(text) {
  const found = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\n?$/.exec(text);
  const bytes = found && fromBase64(found[3]);
  if (!bytes || bytes.length !== 33 || bytes[0] !== 1) throw new LogAlarm('key', 'this is no Ed25519 verifier key');
  const id = (await sha256(encoder.encode(`${found[1]}\n`), bytes)).subarray(0, 4);
  if ([...id].map((byte) => byte.toString(16).padStart(2, '0')).join('') !== found[2]) throw new LogAlarm('key', 'the key’s id is not its own');
  return { text: text.trimEnd(), name: found[1], id, publicKey: bytes.subarray(1) };
}

/** true, false, or null where this browser has no Ed25519. */
async function holds(key, signature, body) {
  let imported;
  try {
    imported = await crypto.subtle.importKey('raw', key.publicKey, 'Ed25519', false, ['verify']);
  } catch {
    return null;
  }
  return crypto.subtle.verify('Ed25519', imported, signature, body);
}

/** @returns {Promise<{origin: string, size: number, root: Uint8Array, note: string, signed: boolean}>} signed false: not checked, this browser cannot */
export async function openCheckpoint(note, key) {
  const end = note.indexOf('\n\n');
  const [origin, size, root, ...more] = note.slice(0, end).split('\n');
  if (end < 0 || !/^(0|[1-9]\d{0,15})$/.test(size) || more.some((line) => line === '')) throw new LogAlarm('checkpoint', 'the checkpoint is not well formed');
  if (origin !== key.name) throw new LogAlarm('checkpoint', 'the checkpoint is another log’s');
  const lines = note.slice(end + 2).split('\n');
  if (lines.pop() !== '') throw new LogAlarm('checkpoint', 'the checkpoint is cut short');
  const body = encoder.encode(note.slice(0, end + 1));
  let signed = false, ours = 0;
  for (const line of lines) {
    const found = /^\u2014 (\S+) ([A-Za-z0-9+/=]+)$/.exec(line);
    if (!found) throw new LogAlarm('signature', 'a signature line is not well formed');
    const bytes = fromBase64(found[2]);
    if (found[1] !== key.name || !equal(bytes.subarray(0, 4), key.id)) continue; // another witness's
    ours += 1;
    const good = bytes.length === 68 ? await holds(key, bytes.subarray(4), body) : false;
    if (good === false) throw new LogAlarm('signature', 'the checkpoint’s signature does not fit');
    signed ||= good === true;
  }
  if (ours === 0) throw new LogAlarm('signature', 'the checkpoint does not bear this log’s signature');
  const hash = fromBase64(root);
  if (hash.length !== 32) throw new LogAlarm('checkpoint', 'the root is not 32 bytes');
  return { origin, size: Number(size), root: hash, note, signed };
}

// --- tiles ---

/** Tile index as c2sp.org/tlog-tiles writes it: 1234067 is x001/x234/067. */
export function tileIndexPath(index) {
  const groups = [String(index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  return groups.join('/');
}

/** One tree size, read through tiles. Nothing of a tile is used before it has been led back to the root. */
export class LogTree {
  #tiles = new Map();
  #read;
  #edgeHolds = false;

  /** @param {{size: number, root: Uint8Array}} checkpoint @param {(path: string) => Promise<Uint8Array>} read of …/v1/log/ */
  constructor(checkpoint, read) {
    this.size = checkpoint.size;
    this.root = checkpoint.root;
    this.#read = read;
  }

  #width(level, index) {
    return Math.max(0, Math.min(TILE, Math.floor(this.size / TILE ** level) - index * TILE));
  }

  /** The path of a tile, or with level "entries" of the leaves under it. */
  path(level, index) {
    const width = this.#width(level === 'entries' ? 0 : level, index);
    return `tile/${level}/${tileIndexPath(index)}${width < TILE ? `.p/${width}` : ''}`;
  }

  /** The hashes of a tile, not led back to anything yet. */
  async #raw(level, index) {
    const width = this.#width(level, index);
    const bytes = await this.#read(this.path(level, index));
    if (bytes.length !== width * 32) throw new LogAlarm('tile', `tile ${level}/${index} has ${bytes.length} bytes, not ${width * 32}`, index * TILE ** (level + 1));
    return Array.from({ length: width }, (_, i) => bytes.subarray(i * 32, i * 32 + 32));
  }

  /** A tile whose hashes belong to the root. */
  tile(level, index) {
    const key = `${level}/${index}`;
    if (!this.#tiles.has(key)) this.#tiles.set(key, this.#checked(level, index));
    return this.#tiles.get(key);
  }

  async #checked(level, index) {
    if (!this.#edgeHolds) await this.check();
    if (this.#width(level, index) < TILE) throw new LogAlarm('tile', `there is no tile ${level}/${index}`); // those of the edge are here since check()
    const hashes = await this.#raw(level, index);
    const above = await this.tile(level + 1, Math.floor(index / TILE));
    if (!equal(await combined(hashes), above[index % TILE])) throw new LogAlarm('tile', `tile ${level}/${index} does not belong to the signed root`, await this.#firstBad(level, index, hashes));
    return hashes;
  }

  /** Which leaf it is: the leaves themselves tell, where they can be read. */
  async #firstBad(level, index, hashes) {
    const first = index * TILE ** (level + 1);
    if (level > 0) return first;
    const leaves = await this.#leaves(index).catch(() => []);
    for (let i = 0; i < leaves.length; i++) if (!equal(await leafHash(leaves[i]), hashes[i])) return first + i;
    return first;
  }

  /** The right edge, every partial tile, makes the root. */
  async check() {
    const edge = [];
    for (let level = 0; Math.floor(this.size / TILE ** level) > 0; level++) {
      const index = Math.floor(Math.floor(this.size / TILE ** level) / TILE);
      if (this.#width(level, index) > 0) edge.push([level, index, await this.#raw(level, index)]);
    }
    const trust = () => edge.forEach(([level, index, hashes]) => this.#tiles.set(`${level}/${index}`, Promise.resolve(hashes)));
    trust();
    this.#edgeHolds = true;
    const root = await this.rootAt(this.size);
    if (equal(root, this.root)) return;
    const bad = await this.#firstBadOfEdge(edge);
    this.#tiles.clear();
    this.#edgeHolds = false;
    throw new LogAlarm('root', 'the tiles do not make the root that was signed', bad);
  }

  async #firstBadOfEdge(edge) {
    const lowest = edge.find(([level]) => level === 0);
    const first = lowest && (await this.#firstBad(0, lowest[1], lowest[2]));
    return first === undefined || first > lowest[1] * TILE ? first : undefined;
  }

  /** The node over 2^height leaves, the index-th of its height. */
  async #node(height, index) {
    const level = Math.floor(height / 8), across = 2 ** (height % 8), first = index * across;
    const hashes = await this.tile(level, Math.floor(first / TILE));
    return combined(hashes.slice(first % TILE, (first % TILE) + across));
  }

  /** The root that the tree had when it was `size` leaves: consistency is that this is what one was told then. */
  async rootAt(size) {
    if (size === 0) return sha256();
    const nodes = [];
    let start = 0;
    for (let height = 52; height >= 0; height--) {
      const width = 2 ** height;
      if (size - start < width) continue;
      nodes.push(await this.#node(height, start / width));
      start += width;
    }
    return nodes.reduceRight((right, left) => Promise.resolve(right).then((hash) => (hash ? nodeHash(left, hash) : left)), null);
  }

  async #leaves(bundle) {
    const bytes = await this.#read(this.path('entries', bundle));
    const leaves = [];
    for (let at = 0; at < bytes.length;) {
      const length = at + 2 <= bytes.length ? bytes[at] * 256 + bytes[at + 1] : Infinity;
      if (at + 2 + length > bytes.length) throw new LogAlarm('leaf', `the leaves of bundle ${bundle} are cut short`, bundle * TILE + leaves.length);
      leaves.push(bytes.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    return leaves;
  }

  /** The leaves of one bundle, each of them proven to be in the tree at its place. @returns {Promise<{index: number, leaf: any, text: string}[]>} */
  async bundle(bundle) {
    const [hashes, leaves] = [await this.tile(0, bundle), await this.#leaves(bundle)];
    const made = await Promise.all(leaves.map(leafHash));
    const bad = hashes.findIndex((hash, i) => !made[i] || !equal(hash, made[i]));
    if (bad >= 0 || leaves.length !== hashes.length) throw new LogAlarm('leaf', `leaf ${bundle * TILE + Math.max(0, bad)} is not the one that was signed`, bundle * TILE + (bad >= 0 ? bad : hashes.length));
    return leaves.map((bytes, i) => {
      const text = decoder.decode(bytes);
      return { index: bundle * TILE + i, text, leaf: JSON.parse(text) };
    });
  }
}

/** Against a checkpoint that was seen earlier: nothing was rewritten, nothing cut off. @param {LogTree} tree @param {{size: number, root: Uint8Array}} earlier */
export async function checkConsistent(tree, earlier) {
  if (tree.size < earlier.size) throw new LogAlarm('shrunk', `the log has ${tree.size} leaves now and had ${earlier.size}`, tree.size);
  if (!equal(await tree.rootAt(earlier.size), earlier.root)) throw new LogAlarm('rewritten', `the first ${earlier.size} leaves are not those that were signed before`);
}

// --- commitments ---

/** As gate/ledger/commitment.h: base64url(SHA-256("recgate commitment 1\n" || salt || kind || "\n" || text)). */
export async function commitment(salt, kind, text) {
  const digest = await sha256(encoder.encode('recgate commitment 1\n'), salt, encoder.encode(`${kind}\n${text}`));
  return toBase64(digest).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/**
 * What commitments stand for, by the salts that an auditor is given.
 * @param {string} session
 * @param {{session?: string, participants: Record<string, string>, staff: Record<string, string>}} salts base64
 * @param {{id: string, name?: string}[]} people
 * @returns {Promise<Map<string, string>>}
 */
export async function openings(session, salts, people) {
  const found = new Map();
  const add = async (salt, kind, text) => found.set(await commitment(fromBase64(salt), kind, text), text);
  if (salts.session) await add(salts.session, 'session', session);
  for (const [id, salt] of Object.entries(salts.participants)) {
    await add(salt, 'participant', id);
    const name = people.find((one) => one.id === id)?.name;
    if (name) await add(salt, 'name', name);
  }
  for (const [id, salt] of Object.entries(salts.staff)) await add(salt, 'by', id);
  return found;
}

/** A copy of a leaf with what is known in place of its commitments. */
export function opened(value, known) {
  if (typeof value === 'string') return known.get(value) ?? value;
  if (Array.isArray(value)) return value.map((one) => opened(one, known));
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, opened(one, known)]));
  return value;
}
