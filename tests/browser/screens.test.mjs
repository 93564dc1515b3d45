// SPDX-License-Identifier: Apache-2.0
// The page in the states of the main flow, for a desktop and a phone (shots.mjs; long/screens.mjs has the others); and all of it by keyboard alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, until } from './harness.mjs';
import { enter, listen, said } from './keyboard.mjs';
import { LANGUAGE, WORDS } from './person.mjs';
import { readableWhenZoomed, shoot as shootPage } from './shots.mjs';

const PEOPLE_MAX = 3;
const words = WORDS[LANGUAGE];
let stage;
before(async () => (stage = await Stage.start({ config: { 'recording.max_participants': PEOPLE_MAX } })));
after(() => stage?.end());

const shoot = (person, name) => shootPage(person.page, name, { kind: stage.kinds[person.seat ?? (person.role === 'expert' ? 0 : 1)], language: LANGUAGE });
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
  await anna.sees(words.join);
  await shoot(anna, 'before-joining');
  await anna.join();
  await shoot(anna, 'alone');
  const ben = await stage.open(session, 'ben', 'client', { seat: 1 });
  await ben.sees(words.join);
  await shoot(ben, 'before-joining');
  await ben.join();
  await Promise.all([anna.flowing(), ben.flowing()]);
  await shoot(ben, 'two');
  const cleo = await third(session);
  await Promise.all([anna, ben, cleo].map((one) => one.flowing({ people: 2 })));
  await shoot(anna, 'three');
  await shoot(ben, 'three');
  const dora = await stage.open(session, 'dora', 'client', { seat: 1 });
  await dora.press(words.join);
  await dora.sees(words.errors.session_full);
  await shoot(dora, 'full');
  assert.deepEqual([anna, ben, cleo].flatMap((one) => one.complaints), []);
});

test('asking, answering, recording, pausing', async () => {
  const { session, anna, ben } = await stage.call();
  await anna.press(words.ask);
  const described = () => anna.page.$$eval('#ask-form [aria-describedby]', (fields) => fields.map(({ name }) => name));
  await shoot(anna, 'form');
  assert.deepEqual(await described(), [], 'no field is called wrong to those who hear it');
  await anna.page.$eval('#field-access', (field) => { field.value = ''; });
  await anna.press(words.preview);
  await anna.sees(words.problems.access);
  await shoot(anna, 'form-problem');
  assert.deepEqual(await described(), ['access']);
  await anna.page.$eval('#field-access', (field) => { field.value = 'Anna\nMy supervisor, Dr. Eva Example'; });
  await anna.press(words.preview);
  await shoot(anna, 'letter-before-sending');
  await anna.press(words.send);
  await ben.sees(words.agreeAudio);
  await anna.expect('recording.requested');
  await shoot(anna, 'asking-asker');
  await shoot(ben, 'asking-client');
  await readableWhenZoomed(ben.page, 'asking-client', '#letter-title');
  await ben.press(words.readRequest);
  await ben.page.setViewport({ width: 360, height: 740 });
  await ben.answer();
  await ben.state('recording');
  await shoot(anna, 'recording-asker');
  const still = anna.page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]); // not every browser can be asked
  if (await still.then(() => true, () => false)) assert.equal(await anna.page.$eval('#badge .dot', (dot) => getComputedStyle(dot).animationName), 'none');
  await shoot(ben, 'recording-client');
  await readableWhenZoomed(ben.page, 'recording-client', '#people-title');
  await anyKept(session);
  await ben.press(words.pause);
  await anna.state('paused');
  await shoot(anna, 'paused-by-other');
  await shoot(ben, 'paused-by-me');
  await ben.press(words.resume);
  await anna.press(words.stop);
  await ben.state('stopped');
  await shoot(anna, 'stopped-asker');
  await shoot(ben, 'stopped-client');
  assert.deepEqual([anna, ben].flatMap((one) => one.complaints), []);
});

test('a refused withdrawal is never hidden; the key withdraws where the link is refused (R6, R24)', async () => {
  const { session, ben } = await stage.recorded({});
  await anyKept(session);
  await ben.press(words.leave);
  await ben.sees(words.leftTitle);
  const answer = (status, code) => ben.page.evaluate(([number, word]) => {
    window.__fetch ??= window.fetch;
    const refusal = () => new Response(JSON.stringify({ code: word, message: 'Only a participant can withdraw.' }), { status: number });
    window.fetch = (url, init) => (init.headers.Authorization ? Promise.resolve(refusal()) : window.__fetch.call(window, url, init));
  }, [status, code]);
  await answer(403, 'wrong_role');
  await ben.press(words.withdraw);
  await ben.sees(words.withdrawFailed(words.errors.wrong_role));
  await shoot(ben, 'withdraw-refused');
  await answer(401, 'token_expired');
  await ben.press(words.withdraw);
  await ben.sees(words.withdrawnTitle);
  assert.ok(await ben.page.$eval('#withdraw-failed', (refusal) => refusal.hidden), 'the refusal is over');
  assert.deepEqual((await stage.segments(session)).filter((one) => one.state === 'kept'), []);
});

const asSaid = ([title, detail]) => `${title}. ${detail}`;

test('joined, asked, read, agreed, paused, withdrawn by keyboard alone; a screen reader is told of each', async () => {
  await stage.leaveAll();
  const session = stage.fresh();
  const anna = await stage.open(session, 'anna', 'expert', { seat: 0 });
  await anna.sees(words.join);
  await enter(anna, words.join);
  await anna.expect('joined', 10_000);
  const ben = await stage.open(session, 'ben', 'client', { seat: 1 });
  await ben.sees(words.join);
  await Promise.all([listen(anna), listen(ben)]);
  await enter(ben, words.join);
  await ben.expect('joined', 10_000);
  await anna.expect('participant.joined');
  await enter(anna, words.ask);
  await enter(anna, words.preview);
  await enter(anna, words.send);
  await ben.sees(words.agreeAudio);
  await enter(ben, words.readRequest, { back: true });
  const focus = () => ben.page.evaluate(() => document.activeElement.id);
  assert.equal(await focus(), 'letter-title', 'reading begins at the letter');
  await enter(anna, words.takeBack, { back: true });
  await ben.state('stopped');
  await until(async () => (await focus()) === 'main', 'the focus not to be lost with the letter');
  await enter(anna, words.ask);
  await enter(anna, words.preview);
  await enter(anna, words.send);
  await ben.sees(words.letterTitle('Anna'));
  await enter(ben, words.agree);
  await ben.state('recording');
  await enter(ben, words.pause, { back: true });
  await anna.state('paused');
  await until(async () => (await focus()) === 'resume', 'the focus to go on to Resume, not to be lost with the button that had it');
  await enter(ben, words.resume);
  await anna.state('recording', { since: (await anna.mark()) - 1 }).catch(() => {});
  await ben.sees(words.status.recording[1]);
  await enter(ben, words.withdraw);
  await ben.expect('consent.withdrawn');
  await anna.sees(words.status.purged('Ben')[1]);
  for (const [person, sentences] of [
    [anna, [words.joined('Ben'), words.agreed('Ben'), ...[words.status.recording, words.status.paused('Ben'), words.status.purged('Ben')].map(asSaid)]],
    [ben, [words.asked('Anna'), words.answerSent.agree, ...[words.status.recording, words.status.pausedOwn].map(asSaid), words.withdrawnTitle]],
  ]) for (const sentence of sentences) await until(async () => (await said(person)).includes(sentence), `"${sentence}" to be said to ${person.id}; was: ${await said(person)}`);
});
