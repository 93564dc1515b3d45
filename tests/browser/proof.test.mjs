// SPDX-License-Identifier: Apache-2.0
// The proof checked in the browser, against an honest gate and against one that lies: a proxy alters what it serves (R22, R23, fault 37).
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Client, record } from '../integration/client.mjs';
import { Daemon, scratch, until } from '../integration/daemon.mjs';
import { launch, pair } from './browsers.mjs';
import { shoot } from './shots.mjs';

const KIND = pair()[1];

/** Stands between the page and a gate. alter(path, bytes): what the page gets instead. */
class Proxy {
  async start() {
    this.server = http.createServer(async (request, response) => {
      const { host, connection, ...headers } = request.headers;
      const answer = await fetch(this.base + request.url, { headers });
      const bytes = Buffer.from(await answer.arrayBuffer());
      const { 'content-type': type = '' } = Object.fromEntries(answer.headers);
      response.writeHead(answer.status, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(answer.ok ? this.alter?.(request.url, bytes) || bytes : bytes);
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.origin = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }
}

const flipped = (bytes, at) => Buffer.from(bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)));

let daemon, browser, proxy, page, anna;
before(async () => {
  daemon = await Daemon.start();
  anna = await Client.join(daemon, 'proven', 'anna', 'expert', { name: 'Anna' });
  const ben = await Client.join(daemon, 'proven', 'ben', 'client', { name: 'Ben' });
  await record(anna, [ben]);
  ben.close();
  proxy = await new Proxy().start();
  proxy.base = daemon.base;
  browser = await launch(KIND);
  page = await browser.newPage();
  await page.goto(`${proxy.origin}/audit#token=${daemon.token('proven', 'auditor', 'auditor')}`);
});
after(async () => {
  await browser?.close();
  proxy?.server.closeAllConnections();
  proxy?.server.close();
  anna?.close();
  await daemon?.end();
});

/** Opens the call afresh and waits for the verdict. */
async function verdict(alter) {
  proxy.alter = alter;
  await page.evaluate(() => { location.hash = ''; });
  await page.waitForSelector('#list:not([hidden])');
  await page.evaluate(() => { document.getElementById('proof').dataset.state = 'old'; location.hash = 'session=proven'; });
  await until(() => page.$eval('#proof', (badge) => !['old', 'checking'].includes(badge.dataset.state)), 'a verdict', 10_000);
  return page.$eval('#proof', (badge) => ({ state: badge.dataset.state, text: badge.innerText }));
}

test('an honest gate: signature, leaves, and consistency with what was seen before', async () => {
  const first = await verdict();
  assert.equal(first.state, 'good', first.text);
  assert.match(first.text, /signature on its checkpoint of \d+ leaves is right/);
  assert.match(first.text, /All \d+ leaves of this call .* unaltered/);
  assert.match(first.text, /for the first time/);
  await shoot(page, 'audit-proof-good', { kind: KIND });
  const second = await verdict();
  assert.equal(second.state, 'good', second.text);
  assert.match(second.text, /Nothing of the \d+ leaves that this browser saw on/);
  assert.ok(await page.$('#chart .mark[data-kind="asked"]'), 'the proven leaves tell who asked');
});

test('one byte altered anywhere is an alarm that says where', async () => {
  const entry = await verdict((url, bytes) => url.includes('/tile/entries/') && flipped(bytes, bytes.indexOf('"type":"request"') + 9));
  assert.equal(entry.state, 'alarm', entry.text);
  const index = await leafIndex('request');
  assert.match(entry.text, new RegExp(`A leaf is not the one that was signed.*number ${index}\\.`, 's'));
  await shoot(page, 'audit-proof-alarm', { kind: KIND });
  const tile = await verdict((url, bytes) => url.includes('/tile/0/') && flipped(bytes, 32 * 3 + 5));
  assert.equal(tile.state, 'alarm', tile.text);
  assert.match(tile.text, /do not make the root that was signed.*number 3\./s);
  for (const at of [3, 30, 45, 120]) {
    const checkpoint = await verdict((url, bytes) => url.endsWith('/checkpoint') && flipped(bytes, at));
    assert.equal(checkpoint.state, 'alarm', `byte ${at}: ${checkpoint.text}`);
  }
  const hidden = await verdict((url, bytes) => {
    if (!url.endsWith('/leaves')) return null;
    const list = JSON.parse(bytes);
    return JSON.stringify({ ...list, events: list.events.filter((one) => one !== index) });
  });
  assert.match(hidden.text, new RegExp(`hid a leaf.*number ${index}\\.`, 's'));
  assert.equal((await verdict()).state, 'good', 'none of that stays');
});

test('a history rewritten with the signing key is an alarm, and so is a log that was cut short', async () => {
  const place = scratch();
  mkdirSync(place.data, { mode: 0o700 });
  for (const name of ['ledger.key']) copyFileSync(path.join(daemon.data, name), path.join(place.data, name));
  copyFileSync(daemon.place.secret, place.secret);
  const other = await Daemon.start({ place });
  try {
    const carl = await Client.join(other, 'proven', 'carl', 'expert');
    proxy.base = other.base;
    const shorter = await verdict();
    assert.equal(shorter.state, 'alarm', shorter.text);
    assert.match(shorter.text, /shorter than it was/);
    for (let i = 0; i < 40; i++) await other.get('/v1/sessions/proven/segments', daemon.token('proven', 'auditor', 'auditor'));
    const rewritten = await verdict();
    assert.equal(rewritten.state, 'alarm', rewritten.text);
    assert.match(rewritten.text, /was rewritten/);
    carl.close();
  } finally {
    proxy.base = daemon.base;
    await other.end();
    place.remove();
  }
});

async function leafIndex(type) {
  const auditor = daemon.token('proven', 'auditor', 'auditor');
  const { json } = await daemon.get('/v1/sessions/proven/leaves', auditor);
  const size = Number((await daemon.get('/v1/log/checkpoint')).bytes.toString().split('\n')[1]);
  const { bytes } = await daemon.get(`/v1/log/tile/entries/000.p/${size}`, auditor);
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const end = at + 2 + bytes.readUInt16BE(at);
    if (JSON.parse(bytes.subarray(at + 2, end)).type === type && json.events.includes(index)) return index;
    at = end;
  }
  throw new Error(`no leaf of type ${type}`);
}
