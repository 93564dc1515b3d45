// SPDX-License-Identifier: Apache-2.0
// The page in the states of the main flow, for a desktop and a phone (shots.mjs; long/screens.mjs has the others); and all of it by keyboard alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, until } from './harness.mjs';
import { shoot as shootPage } from './shots.mjs';

const PEOPLE_MAX = 3;
let stage;
before(async () => (stage = await Stage.start({ config: { 'recording.max_participants': PEOPLE_MAX } })));
after(() => stage?.end());

const shoot = (person, name) => shootPage(person.page, name, { kind: stage.kinds[person.seat ?? (person.role === 'expert' ? 0 : 1)] });
const anyKept = (session) => until(async () => (await stage.segments(session)).some((one) => one.state === 'kept'), 'a kept segment', 12_000);

/** A third person, in the first browser. */
async function third(session) {
  const cleo = Object.assign(await stage.open(session, 'cleo', 'client', { seat: 0 }), { seat: 0 });
  await cleo.join();
  return cleo;
}

test('before, alone, with two, with three, full', async () => {
  const session = stage.fresh();
  const anna = await stage.open(session, 'anna', 'expert', { seat: 0 });
  await anna.sees('Join');
  await shoot(anna, 'before-joining');
  await anna.join();
  await shoot(anna, 'alone');
  const ben = await stage.open(session, 'ben', 'client', { seat: 1 });
  await ben.sees('Join');
  await shoot(ben, 'before-joining');
  await ben.join();
  await Promise.all([anna.flowing(), ben.flowing()]);
  await shoot(ben, 'two');
  const cleo = await third(session);
  await Promise.all([anna, ben, cleo].map((one) => one.flowing({ people: 2 })));
  await shoot(anna, 'three');
  await shoot(ben, 'three');
  const dora = await stage.open(session, 'dora', 'client', { seat: 1 });
  await dora.press('Join');
  await dora.sees('The call is full');
  await shoot(dora, 'full');
  assert.deepEqual([anna, ben, cleo].flatMap((one) => one.complaints), []);
});

test('asking, answering, recording, pausing', async () => {
  const { session, anna, ben } = await stage.call();
  await anna.press('Ask to record');
  await shoot(anna, 'form');
  await anna.page.$eval('#field-access', (field) => { field.value = ''; });
  await anna.press('Show the letter');
  await anna.sees('Please name at least one');
  await shoot(anna, 'form-problem');
  await anna.page.$eval('#field-access', (field) => { field.value = 'Anna\nMy supervisor, Dr. Eva Example'; });
  await anna.press('Show the letter');
  await shoot(anna, 'letter-before-sending');
  await anna.press('Send the request');
  await ben.sees('Agree to audio only');
  await anna.expect('recording.requested');
  await shoot(anna, 'asking-asker');
  await shoot(ben, 'asking-client');
  await ben.press('Read request');
  await ben.page.setViewport({ width: 360, height: 740 });
  await ben.answer('Agree');
  await ben.state('recording');
  await shoot(anna, 'recording-asker');
  await shoot(ben, 'recording-client');
  await anyKept(session);
  await ben.press('Pause');
  await anna.state('paused');
  await shoot(anna, 'paused-by-other');
  await shoot(ben, 'paused-by-me');
  await ben.press('Resume');
  await anna.press('Stop');
  await ben.state('stopped');
  await shoot(anna, 'stopped-asker');
  await shoot(ben, 'stopped-client');
  assert.deepEqual([anna, ben].flatMap((one) => one.complaints), []);
});

test('a refused withdrawal is never hidden; the key withdraws where the link is refused (R6, R24)', async () => {
  const { session, ben } = await stage.recorded({});
  await anyKept(session);
  await ben.press('Leave');
  await ben.sees('You have left');
  const answer = (status, code) => ben.page.evaluate(([number, word]) => {
    window.__fetch ??= window.fetch;
    const refusal = () => new Response(JSON.stringify({ code: word, message: 'Only a participant can withdraw.' }), { status: number });
    window.fetch = (url, init) => (init.headers.Authorization ? Promise.resolve(refusal()) : window.__fetch.call(window, url, init));
  }, [status, code]);
  await answer(403, 'wrong_role');
  await ben.press('Withdraw');
  await ben.sees('Your withdrawal was NOT done. Only a participant can withdraw.');
  await shoot(ben, 'withdraw-refused');
  await answer(401, 'token_expired');
  await ben.press('Withdraw');
  await ben.sees('Your withdrawal is done');
  assert.ok(await ben.page.$eval('#withdraw-failed', (refusal) => refusal.hidden), 'the refusal is over');
  assert.deepEqual((await stage.segments(session)).filter((one) => one.state === 'kept'), []);
});

// Never out of the page: headless Firefox gives a document that Tab left and came back to no default actions.
async function tabTo(person, name, { back = false } = {}) {
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

async function enter(person, name, options) {
  await tabTo(person, name, options);
  await person.page.keyboard.press('Enter');
}

/** What a screen reader was told so far: the live regions, as they changed. */
const said = (person) => person.page.evaluate(() => window.__said.join(' | '));
const listen = (person) => person.page.evaluate(() => {
  window.__said = [];
  const regions = document.querySelectorAll('[aria-live], [role=alert]');
  for (const region of regions) new MutationObserver(() => window.__said.push(region.textContent)).observe(region, { childList: true });
});

test('joined, asked, read, agreed, paused, withdrawn by keyboard alone; a screen reader is told of each', async () => {
  await stage.leaveAll();
  const session = stage.fresh();
  const anna = await stage.open(session, 'anna', 'expert', { seat: 0 });
  await anna.sees('Join');
  await enter(anna, 'Join');
  await anna.expect('joined', 10_000);
  const ben = await stage.open(session, 'ben', 'client', { seat: 1 });
  await ben.sees('Join');
  await Promise.all([listen(anna), listen(ben)]);
  await enter(ben, 'Join');
  await ben.expect('joined', 10_000);
  await anna.expect('participant.joined');
  await enter(anna, 'Ask to record');
  await enter(anna, 'Show the letter');
  await enter(anna, 'Send the request');
  await ben.sees('Agree to audio only');
  await enter(ben, 'Read request', { back: true });
  assert.equal(await ben.page.evaluate(() => document.activeElement.id), 'letter-title', 'reading begins at the letter');
  await enter(ben, 'Agree');
  await ben.state('recording');
  await enter(ben, 'Pause', { back: true });
  await anna.state('paused');
  assert.equal(await ben.page.evaluate(() => document.activeElement.id), 'resume', 'the focus is not lost with the button that had it');
  await enter(ben, 'Resume');
  await anna.state('recording', { since: (await anna.mark()) - 1 }).catch(() => {});
  await ben.sees('This call is being recorded');
  await enter(ben, 'Withdraw');
  await ben.expect('consent.withdrawn');
  await anna.sees('withdrew');
  for (const [person, sentences] of [
    [anna, ['Ben joined.', 'Ben agreed to the recording.', 'Recording. This call is being recorded', 'Paused. Ben paused', 'Erased. Ben withdrew']],
    [ben, ['Anna asks to record', 'You agreed.', 'Recording. This call is being recorded', 'Paused. You paused', 'Your withdrawal is done']],
  ]) for (const sentence of sentences) await until(async () => (await said(person)).includes(sentence), `"${sentence}" to be said to ${person.id}; was: ${await said(person)}`);
});
