// SPDX-License-Identifier: Apache-2.0
// A verifier written from the specifications alone agrees with our code on roots, signatures, inclusion and consistency, and both refuse what was altered.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  checkConsistency, checkInclusion, EMPTY_ROOT, leafHash, openCheckpoint, openNote, openProof, parseEntries, parseKey, tilePath, tilesOf, Tree,
} from './spec-verifier.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAKE_LOG = path.resolve(ROOT, process.env.RECGATE_BUILD ?? 'build', 'tests/ledger/make-log');
const SIZES = [0, 1, 2, 255, 256, 257, 65_537];
const text = (hash) => hash.toString('base64');
const bytes = (encoded) => Buffer.from(encoded, 'base64');

const holds = (check) => {
  try {
    check();
    return true;
  } catch {
    return false;
  }
};

/** What our code says to each question (make-log.c). */
const judge = (questions) => JSON.parse(execFileSync(MAKE_LOG, ['--judge'], { input: JSON.stringify(questions), maxBuffer: 1 << 28 }));

describe('the specifications’ verifier and our log', () => {
  let dir, made, key;
  const trees = new Map();

  before(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'recgate-spec-'));
    made = JSON.parse(execFileSync(MAKE_LOG, [dir, ...SIZES.map(String)], { maxBuffer: 1 << 28 }));
    key = parseKey(made.key);
    for (const { size } of made.logs) trees.set(size, new Tree(size, (where) => readFileSync(path.join(dir, where))));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  test('paths and widths of tiles are those of the specification’s examples', () => {
    assert.equal(tilePath(0, 1_234_067), 'tile/0/x001/x234/067');
    assert.equal(tilePath('entries', 0, 12), 'tile/entries/000.p/12');
    const of70000 = tilesOf(70_000); // 273 full and one of 112; one full and one of 17; one of 1
    assert.equal(of70000.filter(({ level, width }) => level === 0 && width === 256).length, 273);
    assert.deepEqual(of70000.filter(({ width }) => width < 256).map(({ level, width }) => [level, width]), [[0, 112], [1, 17], [2, 1]]);
    assert.deepEqual(tilesOf(256), [{ level: 0, index: 0, width: 256 }, { level: 1, index: 0, width: 1 }]);
  });

  test('root from hash tiles and from the leaves, signature', async () => {
    assert.deepEqual(made.logs.map(({ size }) => size), SIZES);
    for (const { size, root, checkpoint } of made.logs) {
      const opened = openCheckpoint(checkpoint, key);
      assert.equal(opened.size, size);
      assert.equal(text(opened.root), root, `${size}`);
      assert.equal(text(await trees.get(size).root()), root, `tiles of ${size}`);
      assert.equal(text(await trees.get(size).entries()), root, `leaves of ${size}`);
    }
    assert.equal(made.logs[0].root, text(EMPTY_ROOT));
  });

  test('inclusion: the same paths from tiles, and tlog-proof files', async () => {
    const questions = [];
    for (const { size, root, inclusion } of made.logs)
      for (const { index, leaf, path: ours, file } of inclusion) {
        const theirs = await trees.get(size).inclusion(index);
        assert.deepEqual(theirs.map(text), ours, `leaf ${index} of ${size}`);
        checkInclusion(index, size, leafHash(leaf), theirs, bytes(root));
        const opened = openProof(file, leaf, key);
        assert.deepEqual([opened.index, opened.checkpoint.size], [index, size]);
        questions.push({ index, size, hash: text(leafHash(leaf)), root, path: ours }, { key: made.key, leaf, file });
      }
    assert.ok(questions.length > 300);
    assert.ok(judge(questions).every((verdict) => verdict === true));
  });

  test('consistency: the same proofs between all pairs of sizes', async () => {
    let pairs = 0;
    for (const { size, root, consistency } of made.logs)
      for (const { old, path: ours } of consistency) {
        const theirs = await trees.get(size).consistency(old);
        assert.deepEqual(theirs.map(text), ours, `${old} to ${size}`);
        checkConsistency(old, bytes(made.logs.find((log) => log.size === old).root), size, bytes(root), theirs);
        pairs++;
      }
    assert.equal(pairs, (SIZES.length * (SIZES.length + 1)) / 2);
  });

  test('altered proofs: both refuse every one', () => {
    const questions = [];
    const flip = (encoded, bit) => {
      const changed = bytes(encoded);
      changed[bit >> 3] ^= 1 << (bit & 7);
      return text(changed);
    };
    const vary = (question, hashes) => {
      for (const name of hashes) questions.push({ ...question, [name]: flip(question[name], questions.length % 256) });
      question.path.forEach((hash, i) => questions.push({ ...question, path: question.path.with(i, flip(hash, (7 * i) % 256)) }));
      questions.push({ ...question, path: [...question.path, question.root] });
      if (question.path.length > 0) questions.push({ ...question, path: question.path.slice(1) }, { ...question, path: question.path.slice(0, -1) });
    };
    for (const { size, root, inclusion, consistency } of made.logs) {
      for (const { index, leaf, path: proof } of inclusion.filter((_, i) => i % 10 === 0)) {
        vary({ index, size, hash: text(leafHash(leaf)), root, path: proof }, ['hash', 'root']);
        questions.push({ index: index ^ 1, size, hash: text(leafHash(leaf)), root, path: proof }, { index, size: index, hash: text(leafHash(leaf)), root, path: proof });
      }
      for (const { old, path: proof } of consistency)
        vary({ old, old_root: made.logs.find((log) => log.size === old).root, size, root, path: proof }, old === 0 ? ['old_root'] : ['old_root', 'root']);
    }
    const theirs = questions.map(({ old, index, size, ...of }) => holds(() => (index === undefined
      ? checkConsistency(old, bytes(of.old_root), size, bytes(of.root), of.path.map(bytes))
      : checkInclusion(index, size, bytes(of.hash), of.path.map(bytes), bytes(of.root)))));
    const ours = judge(questions);
    assert.ok(questions.length > 500);
    questions.forEach((question, i) => assert.deepEqual([theirs[i], ours[i]], [false, false], JSON.stringify(question)));
  });

  test('altered checkpoints, keys and proof files: both refuse every one', () => {
    const { checkpoint, inclusion } = made.logs.at(-1);
    const { leaf, file } = inclusion[1];
    const questions = [];
    const replaced = (string, at, by) => string.slice(0, at) + by + string.slice(at + 1);
    const other = (character) => (character === 'A' ? 'B' : character === '1' ? '2' : 'A');
    for (let i = 0; i < checkpoint.length; i++) questions.push({ key: made.key, checkpoint: replaced(checkpoint, i, other(checkpoint[i])) });
    for (let i = 0; i < file.length; i++) questions.push({ key: made.key, leaf, file: replaced(file, i, other(file[i])) });
    for (let i = 0; i < made.key.length; i++) questions.push({ key: replaced(made.key, i, other(made.key[i])), checkpoint });
    for (let n = 0; n < checkpoint.length; n++) questions.push({ key: made.key, checkpoint: checkpoint.slice(0, n) });
    questions.push({ key: made.key, leaf: `${leaf} `, file }, { key: made.key, leaf, file: file.replace('index ', 'index 0') },
      { key: made.key, checkpoint: checkpoint.replace('\n65537\n', '\n065537\n') }, { key: made.key, checkpoint: `\n${checkpoint}` });
    const ours = judge(questions);
    questions.forEach((question, i) => {
      const theirs = holds(() => {
        const verifier = parseKey(question.key);
        if (question.file === undefined) openCheckpoint(question.checkpoint, verifier);
        else openProof(question.file, question.leaf, verifier);
      });
      assert.deepEqual([theirs, ours[i]], [false, false], JSON.stringify(question));
    });
    assert.deepEqual(judge([{ key: made.key, checkpoint }, { key: made.key, leaf, file }]), [true, true]);
  });

  test('a tile or a leaf that was altered, moved or cut makes another root, or none', async () => {
    const { root } = made.logs.at(-1);
    const size = SIZES.at(-1);
    const altered = (where, change) => new Tree(size, (asked) => {
      const found = readFileSync(path.join(dir, asked));
      return asked === where ? change(found) : found;
    });
    const swap = (found) => Buffer.concat([found.subarray(32, 64), found.subarray(0, 32), found.subarray(64)]);
    const flip = (found) => Buffer.from(found.map((byte, i) => (i === 9 ? byte ^ 4 : byte)));
    for (const where of ['tile/2/000.p/1', 'tile/0/256.p/1']) assert.notEqual(text(await altered(where, flip).root()), root, where);
    for (const where of ['tile/1/000', 'tile/0/128']) await assert.rejects(altered(where, flip).entries(), { message: `${where} is not what the tile above it says` });
    assert.equal(text(await trees.get(size).root()), root);
    await assert.rejects(altered('tile/0/128', swap).entries(), /128 is not what the tile above it says/);
    await assert.rejects(altered('tile/entries/128', (found) => Buffer.from(found.map((byte, i) => (i === 40 ? byte ^ 1 : byte)))).entries(),
      /leaf 32768 is not what its tile says/);
    const cut = (found) => Buffer.concat([...parseEntries(found, 256).slice(1).map((leaf) => {
      const head = Buffer.alloc(2);
      head.writeUInt16BE(leaf.length);
      return Buffer.concat([head, leaf]);
    })]);
    await assert.rejects(altered('tile/entries/001', cut).entries(), /255 leaves in place of 256/);
    await assert.rejects(altered('tile/entries/001', (found) => found.subarray(0, -1)).entries(), /cut short/);
  });

  test('signed notes: unknown signatures are passed over, a broken one of the known key is not', () => {
    const { checkpoint } = made.logs[3];
    const line = checkpoint.slice(checkpoint.indexOf('\n\n') + 2);
    const stranger = `— witness.example/w ${Buffer.alloc(68, 7).toString('base64')}\n`;
    for (const note of [checkpoint + stranger, checkpoint.replace(line, stranger + line)]) {
      assert.equal(openCheckpoint(note, key).size, 255);
      assert.deepEqual(judge([{ key: made.key, checkpoint: note }]), [true]);
    }
    const signature = bytes(line.trim().split(' ').at(-1));
    signature[20] ^= 1;
    const broken = checkpoint + `— ${key.name} ${text(signature)}\n`;
    assert.throws(() => openNote(broken, key), /does not verify/);
    assert.deepEqual(judge([{ key: made.key, checkpoint: broken }]), [false]);
    assert.throws(() => openNote(checkpoint.replace(line, stranger), key), /not signed/);
  });
});
