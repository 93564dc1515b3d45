// SPDX-License-Identifier: Apache-2.0
// The auditor's page with a call of eight hours and twelve people (issue 3, To build 8): quick, small, and usable by keyboard alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SLOW, until } from '../integration/daemon.mjs';
import { launch, pair } from './browsers.mjs';
import { startWithLongCall, SEGMENTS } from './long-call.mjs';
import { shoot } from './shots.mjs';

const SESSION = 'long-call';
let daemon, browser;
before(async () => {
  daemon = await startWithLongCall(SESSION);
  browser = await launch(pair()[0]);
});
after(async () => {
  await browser?.close();
  await daemon?.end({ audited: false }); // its tables stand without a log
});

const auditor = () => daemon.token(SESSION, 'auditor', 'auditor');

test('the compact listing is small and quick, and counts every segment', async () => {
  const begun = performance.now();
  const { status, json, bytes } = await daemon.get(`/v1/sessions/${SESSION}/segments?runs=1`, auditor());
  const took = performance.now() - begun;
  assert.equal(status, 200);
  assert.equal(json.reduce((sum, one) => sum + one.segments, 0), SEGMENTS);
  assert.ok(json.every((one) => one.last - one.first + 1 === one.segments), 'a run has no hole');
  assert.deepEqual([...new Set(json.filter((one) => one.participant === 'person-3').map((one) => one.state))].sort(), ['dropped', 'purged']);
  assert.ok(bytes.length < 1_000_000, `${bytes.length} bytes`);
  console.log(`# ${SEGMENTS} segments as ${json.length} runs, ${bytes.length} bytes, ${took.toFixed(0)} ms`);
});

test('the page can be used within a second, and zooming stays quick', async () => {
  const page = await browser.newPage();
  await page.goto(`${daemon.base}/audit#token=${auditor()}`);
  await page.waitForSelector('aria/Open long-call[role="button"]');
  const open = () => page.evaluate(async () => {
    const begun = performance.now();
    location.hash = 'session=long-call';
    while (document.getElementById('session').hidden || !document.querySelector('#chart .mark')) await new Promise((resolve) => requestAnimationFrame(resolve));
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    return performance.now() - begun;
  });
  const times = []; // the best of three: what else this machine does is not the page's
  for (let i = 0; i < 3; i++) {
    times.push(await open());
    await page.evaluate(() => { location.hash = ''; });
    await page.waitForSelector('#list:not([hidden]) table');
  }
  const took = Math.min(...times);
  await open();
  assert.ok(took < 1000 * SLOW, `usable after ${took.toFixed(0)} ms`);
  const { marks, zoom } = await page.evaluate(async () => {
    const begun = performance.now();
    for (let i = 0; i < 5; i++) document.getElementById('zoom-in').click();
    for (let i = 0; i < 5; i++) document.getElementById('zoom-out').click();
    await new Promise((resolve) => requestAnimationFrame(resolve));
    return { marks: document.querySelectorAll('#chart .mark').length, zoom: (performance.now() - begun) / 10 };
  });
  assert.ok(zoom < 100 * SLOW, `a zoom takes ${zoom.toFixed(0)} ms`);
  assert.ok(marks < 6000, `${marks} marks`);
  const heap = await page.evaluate(() => performance.memory?.usedJSHeapSize ?? 0);
  assert.ok(heap < 100e6, `${heap} bytes of heap`);
  console.log(`# usable after ${took.toFixed(0)} ms, ${marks} marks, a zoom ${zoom.toFixed(0)} ms, heap ${(heap / 1e6).toFixed(0)} MB`);
  await shoot(page, 'audit-long', { kind: pair()[0] });
  await page.close();
});

test('by keyboard alone: from lane to lane, nearer, and told in words', async () => {
  const page = await browser.newPage();
  await page.goto(`${daemon.base}/audit#token=${auditor()}`);
  await page.waitForSelector('aria/Open long-call[role="button"]');
  await page.evaluate(() => { location.hash = 'session=long-call'; });
  await page.waitForSelector('#chart .mark');
  await page.focus('#chart-view');
  const told = () => page.$eval('#told', (line) => line.textContent);
  for (let i = 0; i < 6 && !(await told()); i++) await page.keyboard.press('Tab');
  assert.match(await told(), /^Gate closed|^Gate open/);
  await page.keyboard.press('ArrowRight');
  assert.match(await told(), /Gate open, take 1/);
  await page.keyboard.press('ArrowDown');
  assert.match(await told(), /^Person 1 (was there|agreed)/);
  await page.keyboard.press('ArrowDown');
  assert.match(await told(), /^Person 1, sound/);
  const before = await page.$eval('#chart-span', (line) => line.textContent);
  for (let i = 0; i < 4; i++) await page.keyboard.press('+');
  assert.notEqual(await page.$eval('#chart-span', (line) => line.textContent), before);
  await page.keyboard.press('End');
  await until(async () => /^Person 1, sound/.test(await told()), 'the focus to stay in the lane');
  assert.equal(await page.evaluate(() => document.activeElement.closest('.lane')?.getAttribute('aria-label')), 'Person 1, sound');
  await page.close();
});
