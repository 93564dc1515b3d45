// SPDX-License-Identifier: Apache-2.0
// recgate-log.js against logs made here with node's crypto: sizes around tile borders, and every kind of tampering (fault 37).
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import test from 'node:test';
import { checkConsistent, commitment, LogTree, opened, openCheckpoint, openings, parseKey, tileIndexPath, toBase64 } from '../../../signaling/web/recgate-log.js';

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const node = (left, right) => sha256(Buffer.of(1), left, right);

function root(hashes) {
  if (hashes.length === 0) return sha256();
  if (hashes.length === 1) return hashes[0];
  let half = 1;
  while (half * 2 < hashes.length) half *= 2;
  return node(root(hashes.slice(0, half)), root(hashes.slice(half)));
}

/** A log of n leaves as files, as a gate serves them. */
class Served {
  constructor(size, { name = 'log.example/1', keys = generateKeyPairSync('ed25519'), leaf = (i) => `{"n":${i}}` } = {}) {
    Object.assign(this, { size, name, keys, leaves: Array.from({ length: size }, (_, i) => Buffer.from(leaf(i))), files: new Map() });
    this.hashes = this.leaves.map((one) => sha256(Buffer.of(0), one));
    this.root = root(this.hashes);
    const raw = Buffer.concat([Buffer.of(1), keys.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)]);
    const id = sha256(`${name}\n`, raw).subarray(0, 4);
    this.key = `${name}+${id.toString('hex')}+${raw.toString('base64')}`;
    const body = `${name}\n${size}\n${this.root.toString('base64')}\n`;
    this.note = `${body}\n— ${name} ${Buffer.concat([id, sign(null, Buffer.from(body), keys.privateKey)]).toString('base64')}\n`;
    for (let level = 0, hashes = this.hashes; hashes.length > 0; level++) {
      const above = [];
      for (let at = 0; at < hashes.length; at += 256) {
        const part = hashes.slice(at, at + 256), end = part.length < 256 ? `.p/${part.length}` : '';
        this.files.set(`tile/${level}/${tileIndexPath(at / 256)}${end}`, Buffer.concat(part));
        if (level === 0) this.files.set(`tile/entries/${tileIndexPath(at / 256)}${end}`, Buffer.concat(this.leaves.slice(at, at + 256).flatMap((one) => [Buffer.of(one.length >> 8, one.length & 255), one])));
        if (part.length === 256) above.push(root(part));
      }
      hashes = above;
    }
  }

  async tree() {
    const tree = new LogTree(await openCheckpoint(this.note, await parseKey(this.key)), async (path) => new Uint8Array(this.files.get(path) ?? assert.fail(`no ${path}`)));
    await tree.check();
    return tree;
  }

  flip(path, at, bit = 1) { this.files.get(path)[at] ^= bit; }
}

const alarm = (code, index) => (error) => {
  assert.equal(error.name, 'LogAlarm', error.stack);
  assert.deepEqual([error.code, error.index], [code, index]);
  return true;
};

test('/page/log/paths-of-tiles', () => assert.deepEqual([5, 1000, 1234067].map(tileIndexPath), ['005', 'x001/000', 'x001/x234/067']));

test('/page/log/roots-inclusion-and-consistency-around-tile-borders', async () => {
  for (const size of [0, 1, 2, 3, 255, 256, 257, 511, 512, 700, 65_537]) {
    const served = new Served(size);
    const tree = await served.tree();
    for (const earlier of [0, 1, 2, 100, 255, 256, 257, 512, 65_536, size].filter((one) => one <= size))
      await checkConsistent(tree, { size: earlier, root: root(served.hashes.slice(0, earlier)) });
    if (size > 0) assert.equal((await tree.bundle(Math.floor((size - 1) / 256))).at(-1).leaf.n, size - 1);
  }
});

test('/page/log/a-flipped-leaf-is-named', async () => {
  const served = new Served(600);
  served.flip('tile/entries/001', 30);
  await assert.rejects((await served.tree()).bundle(1), alarm('leaf', 258));
  await (await served.tree()).bundle(0);
});

test('/page/log/a-flipped-hash-is-named', async () => {
  const served = new Served(600);
  served.flip('tile/0/000', 32 * 77);
  await assert.rejects((await served.tree()).bundle(0), alarm('tile', 77));
  const edge = new Served(600);
  edge.flip('tile/0/002.p/88', 32 * 40);
  await assert.rejects(edge.tree(), alarm('root', 552));
});

test('/page/log/a-checkpoint-altered-anywhere-is-refused', async () => {
  const served = new Served(5), key = await parseKey(served.key);
  assert.equal((await openCheckpoint(served.note, key)).signed, true);
  for (let at = 0; at < served.note.length; at++) {
    const note = `${served.note.slice(0, at)}${String.fromCharCode(served.note.charCodeAt(at) ^ 1)}${served.note.slice(at + 1)}`;
    await assert.rejects(openCheckpoint(note, key), { name: 'LogAlarm' }, `at ${at}`);
  }
});

test('/page/log/another-key-does-not-sign', async () => {
  const served = new Served(5), other = new Served(5);
  await assert.rejects(openCheckpoint(other.note, await parseKey(served.key)), alarm('signature', undefined));
  await assert.rejects(parseKey(served.key.replace(/\+[0-9a-f]{8}\+/, '+00000000+')), alarm('key', undefined));
});

test('/page/log/a-rewritten-or-shortened-history-shows-against-what-was-seen', async () => {
  const keys = generateKeyPairSync('ed25519');
  const seen = new Served(300, { keys });
  await checkConsistent(await new Served(500, { keys }).tree(), seen);
  const rewritten = await new Served(500, { keys, leaf: (i) => (i === 17 ? '{"n":"other"}' : `{"n":${i}}`) }).tree();
  await assert.rejects(checkConsistent(rewritten, seen), alarm('rewritten', undefined));
  await assert.rejects(checkConsistent(await new Served(299, { keys }).tree(), seen), alarm('shrunk', 299));
});

test('/page/log/commitments-open-by-their-salts', async () => {
  const salt = (letter) => toBase64(Buffer.alloc(32, letter));
  const known = await openings('call', { session: salt('s'), participants: { anna: salt('a') }, staff: { 'auditor-1': salt('x') } }, [{ id: 'anna', name: 'Anna' }]);
  const leaf = { type: 'join', session: await commitment(Buffer.alloc(32, 's'), 'session', 'call'), participant: await commitment(Buffer.alloc(32, 'a'), 'participant', 'anna'), roster: ['unknown'] };
  assert.deepEqual(opened(leaf, known), { type: 'join', session: 'call', participant: 'anna', roster: ['unknown'] });
});
