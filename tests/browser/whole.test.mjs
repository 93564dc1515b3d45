// SPDX-License-Identifier: Apache-2.0
// A page that loses a part of itself on the way, as on a phone that changes networks, comes back by itself; or says so and how to go on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, until } from './harness.mjs';

const PAGES = { '/': 'words.js', '/audit': 'audit-view.js', '/receipt': 'receipt.css', '/withdraw': 'withdraw-page.js', '/consent': 'style.css' };
const LOST = 'Part of this page did not arrive';
let stage;
before(async () => (stage = await Stage.start()));
after(() => stage?.end());

/** A page whose requests for one file are lost the first times. */
async function visit(seat, path, file, times) {
  const page = await stage.browsers[seat].newPage();
  let lost = 0;
  await page.setRequestInterception(true);
  page.on('request', (request) => (request.url().endsWith(`/${file}`) && lost++ < times ? request.abort('connectionreset') : request.continue()));
  await page.goto(`${stage.daemon.base}${path}?lang=en`);
  const reads = () => page.evaluate(() => document.body?.innerText ?? '').catch(() => ''); // it is loading anew
  return { page, reads, lost: () => lost };
}

for (const [path, file] of Object.entries(PAGES))
  test(`${path} without ${file} is loaded again by itself`, async () => {
    const { page, reads, lost } = await visit(0, path, file, 2);
    await until(async () => lost() > 2 && (await reads()).length > 60, 'the whole page', 10_000);
    assert.ok(!(await reads()).includes(LOST));
    await page.close();
  });

for (const seat of [0, 1])
  test(`a part that never comes: the page says so in ${['chromium', 'firefox'][seat]}, and a press on the button brings it when it can`, async () => {
    const { page, reads, lost } = await visit(seat, '/', 'words.js', 5);
    await until(async () => (await reads()).includes(LOST), 'the message', 20_000);
    assert.equal(lost(), 5, 'it gives up');
    await page.focus('#lost button');
    await page.keyboard.press('Enter');
    await until(async () => (await reads()).includes('link'), 'the page', 10_000); // it has no token, and says so
    await page.close();
  });

test('a script of somebody else that fails, before or after the page is there, takes nothing away from it', async () => {
  const page = await stage.browsers[0].newPage();
  let loads = 0;
  page.on('load', () => (loads += 1));
  const add = (src) => document.documentElement.append(Object.assign(document.createElement('script'), { src }));
  await page.evaluateOnNewDocument(() => addEventListener('DOMContentLoaded', () => document.body.append(Object.assign(document.createElement('script'), { src: 'https://extension.invalid/x.js' }))));
  await page.goto(`${stage.daemon.base}/withdraw?lang=en`);
  await page.evaluate(add, '/nothing-is-here.js');
  await new Promise((resolve) => setTimeout(resolve, 1500)); // the first pause is 300 ms
  assert.equal(loads, 1);
  assert.ok(!(await page.evaluate(() => document.body.innerText)).includes(LOST));
  await page.close();
});
