// SPDX-License-Identifier: Apache-2.0
// The page without a mouse and without a screen: what Tab and Enter reach, and what a screen reader is told.
import assert from 'node:assert/strict';

// Never out of the page: headless Firefox gives a document that Tab left and came back to no default actions.
export async function tabTo(person, name, { back = false } = {}) {
  await person.page.bringToFront();
  for (let i = 0; i < 60; i++) {
    const [at, outlined] = await person.page.evaluate(() => [document.activeElement?.innerText?.trim() ?? '', getComputedStyle(document.activeElement).outlineStyle]);
    if (at === name) {
      assert.notEqual(outlined, 'none', `"${name}" shows that it has the focus`);
      return;
    }
    if (back) await person.page.keyboard.down('Shift');
    await person.page.keyboard.press('Tab');
    if (back) await person.page.keyboard.up('Shift');
  }
  throw new Error(`no way to "${name}" by Tab`);
}

export async function enter(person, name, options) {
  await tabTo(person, name, options);
  await person.page.keyboard.press('Enter');
}

/** What a screen reader was told so far: the live regions, as they changed. */
export const said = (person) => person.page.evaluate(() => window.__said.join(' | '));
export const listen = (person) => person.page.evaluate(() => {
  window.__said = [];
  const regions = document.querySelectorAll('[aria-live], [role=alert]');
  for (const region of regions) new MutationObserver(() => window.__said.push(region.textContent)).observe(region, { childList: true });
});
