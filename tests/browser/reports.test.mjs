// SPDX-License-Identifier: Apache-2.0
// Reporting a problem and ending the call for everyone, on the page (R6, R14, R25): seen, by keyboard, in both languages.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { scratch } from '../integration/daemon.mjs';
import { Webhook } from '../integration/receivers.mjs';
import { Stage, until } from './harness.mjs';
import { shoot as shootPage } from './shots.mjs';

let stage;
let hook;
let place;
before(async () => {
  place = scratch();
  writeFileSync(path.join(place.dir, 'hook-secret'), 'a-secret-of-the-platform\n');
  hook = await Webhook.start();
  stage = await Stage.start({ place, config: {
    'controller.name': 'Practice Example', 'controller.contact': 'privacy@practice.example',
    'reports.webhook_url': hook.url, 'reports.webhook_secret_file': path.join(place.dir, 'hook-secret'),
  } });
});
after(async () => {
  await stage?.end();
  await hook?.end();
  place?.remove();
});

const shoot = (person, name) => shootPage(person.page, name, { kind: stage.kinds[person.role === 'expert' ? 0 : 1] });
const focused = (person) => person.page.evaluate(() => document.activeElement.id);

test('Ben reports a problem by keyboard while the recording runs; Withdraw stays at hand, and the report reaches its address', async () => {
  const { anna, ben, session } = await stage.recorded();
  await ben.page.bringToFront();
  await ben.page.focus('#report-open');
  await ben.page.keyboard.press('Enter');
  await ben.sees('What happened?');
  assert.equal(await focused(ben), 'report-title');
  await ben.sees('Practice Example set up for reports (contact: privacy@practice.example)');
  assert.ok(await ben.has('Withdraw'), 'R6: nothing lies over it');
  await shoot(ben, 'report');
  await ben.page.keyboard.press('Escape');
  assert.equal(await focused(ben), 'report-open');
  await ben.page.keyboard.press('Enter');
  await ben.page.focus('#report-send');
  await ben.page.keyboard.press('Enter');
  await ben.sees('Please say what happened.');
  assert.equal(await focused(ben), 'report-text');
  await ben.page.keyboard.type('Somebody films <b>with a phone</b>.');
  await ben.page.focus('#report-send');
  await ben.page.keyboard.press('Enter');
  const recorded = await ben.expect('violation.recorded');
  await ben.sees(`number ${recorded.report.id}`);
  await shoot(ben, 'report-done');
  await until(() => hook.requests.length === 1, 'the delivery', 10_000);
  assert.equal(hook.reports[0].session, session);
  assert.equal(hook.reports[0].text, 'Somebody films <b>with a phone</b>.');
  assert.ok(hook.reports[0].evidence.summary.takes >= 1);
  assert.ok(!(await anna.reads()).includes('phone'), 'the others are not told');
  assert.deepEqual([...anna.complaints, ...ben.complaints], []);
});

test('Anna ends the call for everyone behind one question; what was recorded stays until Ben withdraws on the page that is left', async () => {
  const { anna, ben, session } = await stage.recorded();
  assert.equal(await ben.has('End the call for everyone'), false, 'only who may ask to record');
  await until(async () => (await stage.segments(session)).some(({ state }) => state === 'kept'), 'a kept segment', 15_000);
  await anna.press('End the call for everyone');
  await anna.sees('End the call for everyone?');
  await shoot(anna, 'end-for-everyone');
  await anna.page.focus('#end-all-no');
  await anna.page.keyboard.press('Enter');
  assert.equal(await focused(anna), 'end-all-open');
  assert.equal(await anna.lastState(), 'recording', 'nothing happens without the answer');
  await anna.page.keyboard.press('Enter');
  await anna.page.focus('#end-all-yes');
  await anna.page.keyboard.press('Enter');
  await Promise.all([anna, ben].map((one) => one.sees('The call was ended for everyone')));
  assert.equal((await ben.expect('session.ended')).by, 'anna');
  await shoot(ben, 'ended-for-everyone');
  // The one last heartbeat of each confirms what was recorded until the end (R10).
  const list = await until(async () => {
    const all = await stage.segments(session);
    return all.length > 0 && all.every(({ state }) => state === 'kept') && all;
  }, 'every segment to be kept', 10_000);
  assert.ok(list.length >= 4);
  await ben.press('Withdraw');
  await ben.sees('Your withdrawal is done');
  assert.ok((await stage.segments(session)).every(({ state }) => state === 'purged'));
  assert.deepEqual([...anna.complaints, ...ben.complaints], []);
});

test('the summary in the bundle: a page without scripts that reads well on a phone', async () => {
  const { session, anna } = await stage.call({ talk: false });
  const answer = await stage.daemon.get(`/v1/sessions/${session}/evidence`, stage.auditor(session));
  assert.equal(answer.status, 200);
  const file = path.join(place.dir, 'e.zip');
  writeFileSync(file, answer.bytes);
  execFileSync('python3', ['-c', 'import sys,zipfile; zipfile.ZipFile(sys.argv[1]).extract("summary.html", sys.argv[2])', file, place.dir]);
  const page = await stage.browsers[0].newPage();
  await page.goto(`file://${path.join(place.dir, 'summary.html')}`);
  assert.match(await page.evaluate(() => document.body.innerText), /People[^]*Anna[^]*Ben[^]*Checkpoint/);
  await shootPage(page, 'evidence-summary', { kind: stage.kinds[0] });
  await page.close();
  assert.deepEqual(anna.complaints, []);
});

test('in Spanish', async () => {
  await stage.leaveAll();
  const anna = await stage.open(stage.fresh(), 'anna', 'expert', { seat: 0 });
  await anna.page.evaluate(() => { history.replaceState(null, '', `?lang=es${location.hash}`); });
  await anna.page.evaluate((token) => { location.hash = `token=${token}`; location.reload(); }, anna.token);
  await anna.page.waitForNavigation().catch(() => {});
  await anna.page.waitForSelector('#join:not([hidden])');
  await until(async () => (await anna.page.$eval('#report-open', (button) => button.textContent)) === 'Informar de un problema', 'Spanish words');
  await anna.page.click('#join');
  await anna.page.waitForSelector('#report-open:not([hidden])', { visible: true });
  await anna.page.click('#report-open');
  await anna.sees('¿Qué ha pasado?');
  await shoot(anna, 'report-es');
  await anna.page.keyboard.press('Escape');
  await anna.page.click('#end-all-open');
  await anna.sees('¿Terminar la llamada para todos?');
  await shoot(anna, 'end-for-everyone-es');
});
