// SPDX-License-Identifier: Apache-2.0
// Looks at a page as a person would have it before them, on a desktop and a phone: pictures into build/screenshots, nothing wider than the
// screen, nothing that axe-core calls a barrier. With RECGATE_LONG axe-core sees the desktop too, and long pages get a picture of their whole length.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SHELF = fileURLToPath(new URL('../../build/screenshots/', import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };

/** Two frames: what was changed is laid out and drawn. A page in the background draws none. */
export async function settled(page) {
  await page.bringToFront();
  await page.evaluate(() => Promise.race([
    new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    new Promise((resolve) => setTimeout(resolve, 500)),
  ]));
}

/** What axe-core finds on the page as it is: [] is what a good page gives. */
async function barriers(page, only) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(`${AXE}; undefined`);
  return page.evaluate(async (rules) => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'], ...(rules && { runOnly: rules }) });
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`);
  }, only);
}

/** What sticks out of the screen: ids or tags, with their right edge. */
function wide(page) {
  return page.evaluate(() => (document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
    .map((element) => [element.id || element.tagName, Math.round(element.getBoundingClientRect().right)]).filter(([, right]) => right > innerWidth)));
}

/**
 * A page zoomed to 200 % and 400 % (WCAG 1.4.10), and a phone on its side: scrolled to what is named, the badge and Withdraw are there, and half of the
 * height or so is free to read in.
 */
export async function readableWhenZoomed(page, name, target) {
  for (const [width, height] of [[640, 400], [320, 256], [740, 360]]) {
    await page.setViewport({ width, height });
    await settled(page);
    assert.deepEqual(await wide(page), [], `${name} is wider than ${width}`);
    const seen = await page.evaluate((selector) => {
      document.querySelector(selector).scrollIntoView();
      const hit = (y) => document.elementFromPoint(innerWidth / 2, y);
      const free = Array.from({ length: innerHeight }, (_, y) => hit(y)).filter((one) => one && !one.closest('#status, #controls')).length;
      const reachable = (id) => {
        const { left, top, width: w, height: h } = document.getElementById(id).getBoundingClientRect();
        return document.elementFromPoint(left + w / 2, top + h / 2)?.closest(`#${id}`) !== null;
      };
      const { top } = document.querySelector(selector).getBoundingClientRect();
      return { free: free / innerHeight, withdraw: reachable('withdraw'), badge: reachable('badge'), covered: document.getElementById('status').getBoundingClientRect().bottom > top + 1 };
    }, target);
    await page.screenshot({ path: path.join(SHELF, `${name}-${width}x${height}.png`) });
    assert.ok(seen.free > 0.45 && seen.withdraw && seen.badge && !seen.covered, `${name} at ${width}×${height}: ${JSON.stringify(seen)}`);
  }
  await page.setViewport(SIZES.desktop);
}

/** Dark colours where the browser can be asked for them; contrast is all that they change. */
async function darkBarriers(page) {
  const dark = await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]).then(() => true, () => false);
  if (!dark) return [];
  await settled(page);
  const found = await barriers(page, ['color-contrast']);
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
  return found.map((one) => `dark: ${one}`);
}

/** @param {import('puppeteer-core').Page} page @param {string} name of the state, and of its pictures @param {{kind?: string, language?: string}} [looks] language: that the page has to speak, by default what its address says */
export async function shoot(page, name, { kind: browser = 'chromium', language = new URL(page.url()).searchParams.get('lang') ?? 'en' } = {}) {
  const kind = language === 'en' ? browser : `${browser}-${language}`;
  mkdirSync(path.join(SHELF, kind), { recursive: true });
  assert.equal(await page.evaluate(() => document.documentElement.lang), language, `${name} says which language it speaks`);
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewport(viewport);
    await settled(page);
    assert.deepEqual(await wide(page), [], `${name} is wider than a ${size} of ${viewport.width}`);
    if (size === 'phone' || process.env.RECGATE_LONG) assert.deepEqual(await barriers(page), [], `${name} on a ${size}`);
    await page.screenshot({ path: path.join(SHELF, kind, `${name}-${size}.png`) });
  }
  assert.deepEqual(await darkBarriers(page), [], name);
  const whole = process.env.RECGATE_LONG && await page.evaluate(() => ((height) => height > innerHeight && height < 12_000)(document.documentElement.scrollHeight)); // a list of thousands is no picture
  if (whole) await page.screenshot({ path: path.join(SHELF, kind, `${name}-phone-whole.png`), fullPage: true });
  await page.setViewport(SIZES.desktop);
}
