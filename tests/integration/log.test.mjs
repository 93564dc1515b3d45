// SPDX-License-Identifier: Apache-2.0
// The log over HTTP, read as a monitor reads it: with the verifier written from the specifications (R21, R23; c2sp.org/tlog-tiles; fault 18).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { leafHash, checkConsistency, openCheckpoint, openProof, parseEntries, parseKey, tilePath, tileWidth, Tree } from '../ledger/spec-verifier.mjs';
import { Client, exchange, record } from './client.mjs';
import { Daemon } from './daemon.mjs';

describe('the log over HTTP', () => {
  let daemon, anna, key, auditor;
  const at = (where) => `/v1/log/${where}`;
  const checkpoint = async () => openCheckpoint((await daemon.get(at('checkpoint'))).bytes, key);
  const read = (token) => async (where) => {
    for (;;) {
      const { status, bytes } = await daemon.get(at(where), where.startsWith('tile/entries') ? token : undefined);
      if (status === 429) continue;
      assert.equal(status, 200, where);
      return bytes;
    }
  };

  before(async () => {
    daemon = await Daemon.start();
    anna = await Client.join(daemon, 'logged', 'anna', 'expert', { name: 'Anna Secret' });
    const ben = await Client.join(daemon, 'logged', 'ben', 'client', { name: 'Ben Hidden' });
    await record(anna, [ben]);
    auditor = daemon.token('logged', 'auditor-1', 'auditor');
    key = parseKey((await daemon.get(at('key'))).bytes.toString());
    ben.close();
  });
  after(async () => {
    anna?.close();
    await daemon?.end();
  });

  test('a monitor follows it: checkpoint, tiles, consistency', async () => {
    const first = await checkpoint();
    assert.ok(first.size > 3);
    assert.equal(first.origin, key.name);
    assert.ok((await new Tree(first.size, read()).root()).equals(first.root));
    // Each listing is a leaf (R20): past the first full tile.
    for (let i = 0; i < 270; i += 30) await Promise.all(Array.from({ length: 30 }, () => daemon.get('/v1/sessions/logged/segments', auditor)));
    const second = await checkpoint();
    assert.ok(second.size > first.size && second.size > 256);
    const tree = new Tree(second.size, read(auditor));
    assert.ok((await tree.root()).equals(second.root));
    checkConsistency(first.size, first.root, second.size, second.root, await tree.consistency(first.size));
    // The leaves: the auditor's, of this very tree, and without a name, an id or a word of anybody (R23).
    const texts = [];
    assert.ok((await tree.entries((leaf) => texts.push(leaf.toString()))).equals(second.root));
    const all = texts.join('\n');
    assert.ok(!/Secret|Hidden|anna|ben|logged|auditor-1/.test(all));
    for (const type of ['join', 'request', 'grant', 'access']) assert.ok(texts.some((leaf) => JSON.parse(leaf).type === type), type);
    // Old partial tiles stay, as the tree of that size had them.
    const old = await daemon.get(at(tilePath(0, 0, first.size)));
    assert.deepEqual(old.bytes, (await daemon.get(at('tile/0/000'))).bytes.subarray(0, 32 * first.size));
  });

  test('a proof is a tlog-proof of its leaf, for the auditor', async () => {
    const { size } = await checkpoint();
    const [leaf] = parseEntries((await daemon.get(at(tilePath('entries', 0, 1)), auditor)).bytes, 1);
    const answer = await daemon.get(at('proof/0'), auditor);
    assert.match(answer.headers.get('content-type'), /^text\/plain/);
    const proof = openProof(answer.bytes.toString(), leaf, key);
    assert.ok(proof.index === 0 && proof.checkpoint.size >= size);
    assert.equal((await daemon.get(at(`proof/${size + 1000}`), auditor)).status, 404);
    for (const index of ['', '-1', '01', '1.0', '0x1', '99999999999999999999', '0/1']) assert.equal((await daemon.get(at(`proof/${index}`), auditor)).status, 400, index);
  });

  test('types, caching, who may', async () => {
    const { size } = await checkpoint();
    const entries = at(tilePath('entries', 0, tileWidth(0, 0, size)));
    const expect = async (where, token, type, caching) => {
      const { status, headers } = await daemon.get(where, token);
      assert.equal(status, 200, where);
      assert.equal(headers.get('content-type'), type, where);
      assert.match(headers.get('cache-control'), caching, where);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
    };
    await expect(at('checkpoint'), undefined, 'text/plain; charset=utf-8', /^public, max-age=2$/);
    await expect(at('key'), undefined, 'text/plain; charset=utf-8', /max-age=2/);
    await expect(at('tile/0/000.p/1'), undefined, 'application/octet-stream', /^public, max-age=31536000, immutable$/);
    await expect(entries, auditor, 'application/octet-stream', /^private, .*immutable$/);
    for (const where of [entries, at('proof/0')]) {
      assert.equal((await daemon.get(where)).status, 401, where);
      for (const role of ['expert', 'client', 'service']) assert.equal((await daemon.get(where, daemon.token('logged', 'x', role))).status, 403, `${where} ${role}`);
    }
    const head = await daemon.get(at('tile/0/000.p/1'), undefined, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('content-length')], [200, '32']);
    assert.equal((await daemon.post(at('checkpoint'), auditor, {})).status, 405);
  });

  test('only the tiles that a checkpoint implies; errors say what is wrong', async () => {
    const { size } = await checkpoint();
    const width = size % 256;
    const beyond = [`tile/0/${String(Math.floor(size / 256)).padStart(3, '0')}.p/${Math.min(width + 100, 255)}`, 'tile/0/999', 'tile/0/x001/x234/067', 'tile/1/000', 'tile/2/000.p/1',
      'tile/63/000.p/1', 'tile/0/x999/x999/x999/x999/x999/999', 'tile/0/x999/x999/x999/x999/x999/x999/x999/999', 'tile/7/x036/x028/x797/x018/x963/967', 'tile/0/001'];
    for (const where of beyond) {
      const { status, json } = await daemon.get(at(where));
      assert.deepEqual([status, json?.code], [404, 'not_in_log'], where);
    }
    const bad = ['tile', 'tile/', 'tile/0', 'tile/0/', 'tile/64/000', 'tile/00/000', 'tile/-1/000', 'tile/0/0', 'tile/0/0000', 'tile/0/x000', 'tile/0/x000/001', 'tile/0/001/001',
      'tile/0/x01/000', 'tile/0/X001/000', 'tile/0/000.p', 'tile/0/000.p/', 'tile/0/000.p/0', 'tile/0/000.p/256', 'tile/0/000.p/01', 'tile/0/000.p/1/1', 'tile/0/000.p/+1', 'tile/0/.p/1',
      'tile/0/000.q/1', 'tile/0/00a', 'tile/0/%30%30', 'tile/0/000%2ep', 'tile/data/000', 'tile/0/0%2500'];
    for (const where of bad) {
      const { status, json } = await daemon.get(at(where));
      assert.ok(status === 400 || (status === 404 && where === 'tile'), `${where}: ${status}`);
      assert.ok(json.message.length > 10, where);
    }
    for (const where of ['tile/entries/', 'tile/entries/x000/000', 'tile/entries/000.p/256']) assert.equal((await daemon.get(at(where), auditor)).status, 400, where);
    assert.equal((await daemon.get(at('nothing'))).status, 404);
    for (const hostile of ['tile/0/../../../vault.db', 'tile/0/%2e%2e/%2e%2e/vault.db', 'tile/0/..%2f..%2fvault.db', 'tile/0/000%00', 'tile/%2e%2e/000', 'tile//000'])
      assert.match(await exchange(daemon, `GET ${at(hostile)} HTTP/1.1\r\nHost: ${daemon.http}\r\n\r\n`), /^HTTP\/1.1 400 /, hostile);
  });

  test('readers beyond the limit are asked to wait, and nobody else', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => daemon.get(at('checkpoint'))));
    const refused = answers.filter(({ status }) => status === 429);
    assert.ok(answers.every(({ status }) => status === 200 || status === 429));
    assert.ok(answers.some(({ status }) => status === 200));
    for (const { json, headers } of refused) assert.ok(json.code === 'too_many_reads' && headers.get('retry-after') === '1');
    assert.equal((await anna.request({ type: 'alive', echo: anna.number })).type, 'alive');
    assert.equal((await daemon.get(at('checkpoint'))).status, 200);
  });
});
