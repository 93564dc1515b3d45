// SPDX-License-Identifier: Apache-2.0
// What the auditor's page asks for: who may, what is on the ledger first (R20), and what is refused in words.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, record } from './client.mjs';
import { Daemon } from './daemon.mjs';

let daemon, anna, ben;
before(async () => {
  daemon = await Daemon.start();
  anna = await Client.join(daemon, 'audited', 'anna', 'expert', { name: 'Anna' });
  ben = await Client.join(daemon, 'audited', 'ben', 'client', { name: 'Ben' });
  await record(anna, [ben]);
});
after(async () => {
  anna?.close();
  ben?.close();
  await daemon?.end();
});

const token = (role) => daemon.token('audited', `the-${role}`, role);
const at = (what) => `/v1/sessions/audited/${what}`;
const size = async () => Number((await daemon.get('/v1/log/checkpoint')).bytes.toString().split('\n')[1]);

test('leaves and their salts are the auditor’s alone, and looking is a leaf (R20, R23)', async () => {
  const before = await size();
  for (const role of ['client', 'expert', 'observer', 'service']) assert.equal((await daemon.get(at('leaves'), token(role))).status, 403, role);
  assert.equal((await daemon.get(at('leaves'))).status, 401);
  assert.equal(await size(), before, 'a refusal tells nothing and writes nothing');
  const { status, json } = await daemon.get(at('leaves'), token('auditor'));
  assert.equal(status, 200);
  assert.equal(await size(), before + 1);
  assert.equal(json.events.at(-1), before, 'the look itself is among them');
  assert.deepEqual([json.media, Object.keys(json.salts.participants).sort(), Object.keys(json.salts.staff)], [[], ['anna', 'ben'], ['the-auditor']]);
  assert.ok(Object.values(json.salts.participants).every((salt) => Buffer.from(salt, 'base64').length === 32));
});

test('a listing as ranges is a listing: the auditor’s, on the ledger', async () => {
  const before = await size();
  assert.deepEqual((await daemon.get(at('segments?runs=1'), token('auditor'))).json, []);
  assert.equal(await size(), before + 1);
  assert.equal((await daemon.get(at('segments?runs=1'), token('service'))).status, 403);
  assert.equal((await daemon.get('/v1/sessions/never-was/segments?runs=1', token('auditor'))).status, 404);
});

test('the list of calls names the people', async () => {
  assert.deepEqual((await daemon.get('/v1/sessions', token('auditor'))).json.find(({ id }) => id === 'audited').people.sort(), ['Anna', 'Ben']);
});

test('what cannot be played is refused before anything is written', async () => {
  const before = await size();
  for (const query of [
    '', 'participant=..', 'participant=ben&take=0', 'participant=ben&from=1', 'participant=ben&take=1&from=5&to=4', 'participant=ben&take=1&from=-1',
    'participant=ben&take=1&from=1&medium=smell', 'layout=diagonal', 'layout=side-by-side&participant=ben', 'layout=side-by-side&take=1&from=1',
  ]) assert.equal((await daemon.get(at(`recording?${query}`), token('auditor'))).status, 400, query);
  assert.equal((await daemon.get(at('recording?layout=side-by-side'), token('service'))).status, 403);
  assert.equal(await size(), before);
  for (const query of ['participant=ben&take=1&from=1&to=2&medium=audio', 'layout=side-by-side']) {
    const answer = await daemon.get(at(`recording?${query}`), token('auditor'));
    assert.deepEqual([answer.status, answer.json.code], [404, 'nothing_kept'], query);
  }
  assert.equal(await size(), before + 2, 'having asked is on the ledger (R20)');
});
