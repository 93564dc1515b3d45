// SPDX-License-Identifier: Apache-2.0
// The page in the states that are rarer than those of screens.test.mjs, for a desktop and a phone (shots.mjs).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { forge } from '../../integration/daemon.mjs';
import { Stage, until } from '../harness.mjs';
import { LANGUAGE, WORDS } from '../person.mjs';
import { shoot as shootPage } from '../shots.mjs';

const LEASE_MS = 4000;
const words = WORDS[LANGUAGE];
let stage;
before(async () => (stage = await Stage.start({ config: { 'consent.lease_ms': LEASE_MS } })));
after(() => stage?.end());

const shoot = (person, name) => shootPage(person.page, name, { kind: stage.kinds[person.seat ?? (person.role === 'expert' ? 0 : 1)], language: LANGUAGE });
const anyKept = (session) => until(async () => (await stage.segments(session)).some((one) => one.state === 'kept'), 'a kept segment', 12_000);

/** A third person, in the first browser. */
async function third(session) {
  const cleo = Object.assign(await stage.open(session, 'cleo', 'observer', { seat: 0 }), { seat: 0 });
  await cleo.join();
  return cleo;
}

test('links that do not let in', async () => {
  const claims = { aud: 'recgate', sid: 'past', sub: 'ben', role: 'client', name: 'Ben', exp: Math.floor(Date.now() / 1000) - 60 };
  for (const [name, token, refusal, joins] of [
    ['no-token', null, words.noTokenTitle, false],
    ['token-bad', 'no.such.token', words.errors.bad_token, true],
    ['token-expired', forge(claims, { secret: readFileSync(stage.daemon.place.secret, 'utf8').trim() }), words.errors.token_expired, true],
  ]) {
    const person = await stage.open(stage.fresh(), 'ben', 'client', { seat: 1, token });
    if (joins) await person.press(words.join);
    await person.sees(refusal);
    await shoot(person, name);
    await person.close();
  }
});

test('a newcomer, silence, a store that fails, a gate that is gone', async () => {
  const { session, anna, ben } = await stage.recorded({});
  const cleo = await third(session);
  await ben.sees(words.status.askingNewcomer('Cleo')[1]);
  await shoot(ben, 'newcomer');
  await shoot(cleo, 'asking-newcomer');
  await cleo.press(words.leave);
  await anna.state('recording', { since: await anna.mark() - 1 }).catch(() => {});
  await until(async () => (await anna.lastState()) === 'recording', 'the recording to go on', 8000);
  await ben.sees(words.status.recording[1]);
  ben.freeze();
  try {
    await until(async () => (await anna.status()).includes(words.suspendedWhy.silent('Ben')), 'the bar to say why', LEASE_MS + 5000);
    await shoot(anna, 'suspended-silent');
  } finally {
    ben.thaw();
  }
  await until(async () => (await anna.lastState()) === 'recording', 'the recording to go on', 8000);
  const descriptors = (limit) => execFileSync('prlimit', ['--pid', String(stage.daemon.pid), `--nofile=${limit}:`]);
  descriptors(10); // fewer than are open: no file can be made
  try {
    await anna.sees(words.suspendedWhy.unhealthy, 10_000);
    await shoot(anna, 'suspended-unhealthy');
  } finally {
    descriptors(1024);
  }
  await stage.crash(async () => {
    await Promise.all([anna, ben].map((one) => one.sees(words.status.reconnecting[0], 10_000)));
    await shoot(anna, 'reconnecting-asker');
    await shoot(ben, 'reconnecting-client');
  });
  await until(async () => !(await ben.status()).includes(words.status.reconnecting[0]), 'the line to be back', 15_000);
  await shoot(ben, 'reconnected');
});

test('audio only; withdrawn; what remains after leaving', async () => {
  const { session, anna, ben } = await stage.recorded({ answer: words.agreeAudio });
  await shoot(ben, 'recording-audio-only');
  await shoot(anna, 'recording-audio-only-of-other');
  await anyKept(session);
  await ben.press(words.withdraw);
  await ben.sees(words.withdrawnTitle);
  await anna.state('purged');
  await shoot(ben, 'withdrawn-by-me');
  await shoot(anna, 'withdrawn-by-other');
  await ben.press(words.leave);
  await ben.sees(words.leftTitle);
  await shoot(ben, 'left');
});

test('less than everything is erased; more is offered', async () => {
  const { session, anna, ben } = await stage.recorded({ withdrawing: 'participant' });
  await stage.kept(session, 'ben');
  assert.equal((await stage.export(session, 'ben')).status, 200);
  await shoot(ben, 'recording-participant-scope');
  await ben.press(words.withdraw);
  await ben.sees(words.withdrawnTitle);
  await shoot(ben, 'withdrawn-participant-scope');
  await anna.sees(words.status.purged('Ben')[1]);
});

test('declined; replaced', async () => {
  const { anna, ben } = await stage.call();
  await anna.ask();
  await ben.answer(words.decline);
  await anna.state('declined');
  await shoot(anna, 'declined-by-other');
  await shoot(ben, 'declined-by-me');
  await ben.press(words.offer);
  await anna.sees(words.status.offered('Ben')[1]);
  await shoot(anna, 'offered');
  const second = await stage.recorded({});
  const tab = await stage.open(second.session, 'ben', 'client', { seat: 1 });
  await tab.join();
  await second.ben.page.bringToFront();
  await second.ben.sees(words.replacedTitle);
  await shoot(second.ben, 'replaced');
});
