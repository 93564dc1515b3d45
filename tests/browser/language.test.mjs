// SPDX-License-Identifier: Apache-2.0
// The page in Spanish, and from one language to the other: before joining, in a form half written, while being recorded. The call goes on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, until } from './harness.mjs';
import { enter, listen, said } from './keyboard.mjs';
import { WORDS } from './person.mjs';
import { shoot as shootPage } from './shots.mjs';

const { en, es } = WORDS;
let stage;
before(async () => (stage = await Stage.start()));
after(() => stage?.end());

const shoot = ({ page, words }, name) => shootPage(page, name, { kind: stage.kinds[1], language: words.locale });
const field = ({ page }, name) => page.$eval(`#field-${name}`, ({ value }) => value);

async function speak(person, words, { byKeyboard = false } = {}) {
  if (byKeyboard) await enter(person, { en: 'English', es: 'Español' }[words.locale]);
  else await person.page.click(`#languages [lang=${words.locale}]`);
  person.words = words;
  await until(() => person.page.evaluate((locale) => document.documentElement.lang === locale, words.locale), `${person.id}'s page to speak ${words.locale}`);
}

test('the page speaks Spanish from before joining to the withdrawal, and changes over without touching the call', async () => {
  const session = stage.fresh();
  const anna = await stage.open(session, 'anna', 'expert', { seat: 0, language: 'en' });
  const ben = await stage.open(session, 'ben', 'client', { seat: 1, language: 'en' });
  await ben.sees(en.join);
  await speak(ben, es, { byKeyboard: true });
  await ben.sees('Entrar como Ben');
  await shoot(ben, 'before-joining');
  await Promise.all([anna.join(), ben.join()]);
  await Promise.all([anna.flowing(), ben.flowing()]);

  // A form half written: one's own words stay, the page's suggestions change with the page.
  await anna.press(en.ask);
  await anna.page.$eval('#field-use', (use) => { use.value = 'In my own words.'; });
  await speak(anna, es);
  assert.deepEqual([await field(anna, 'use'), await field(anna, 'storage'), await field(anna, 'language')], ['In my own words.', es.defaults.storage, 'es']);
  await speak(anna, en);
  assert.deepEqual([await field(anna, 'use'), await field(anna, 'storage'), await field(anna, 'language')], ['In my own words.', en.defaults.storage, 'en']);
  await speak(anna, es);
  await anna.press(es.preview);
  await anna.press(es.send);
  await ben.sees(es.letterTitle('Anna'));
  assert.equal((await ben.expect('consent.ask')).disclosure.language, 'es');
  await shoot(ben, 'asking-client');
  await ben.answer();
  await Promise.all([anna.state('recording'), ben.state('recording')]);
  await shoot(ben, 'recording-client');

  const [before, sockets] = [await ben.mark(), await ben.page.evaluate(() => window.__kept.sockets.length)];
  await listen(ben);
  await speak(ben, en);
  await ben.sees(en.status.recording[1]);
  await ben.sees(en.letterAgreedTitle);
  await until(async () => (await said(ben)).includes('Recording. This call is being recorded'), 'the state to be said in the new language');
  assert.match(await ben.page.title(), /Recording/);
  await ben.flowing({ more: true });
  assert.deepEqual((await ben.wire()).slice(before).filter(({ message }) => message.type === 'recording.state'), [], 'the recording went on');
  assert.equal(await ben.page.evaluate(() => window.__kept.sockets.length), sockets, 'on the same line');
  await speak(ben, es);
  assert.equal(await ben.page.title(), '● Grabando – Llamada');

  await ben.press(es.withdraw);
  await ben.sees(es.withdrawnTitle);
  await speak(ben, en);
  await ben.sees(en.withdrawnTitle);
  await ben.sees('The recording was stopped after');

  // A reload keeps the link's token and the language.
  await speak(ben, es);
  await ben.page.reload();
  await ben.join();
  await ben.sees(es.leave);
  assert.deepEqual([anna, ben].flatMap((one) => one.complaints), []);
});

test('a link that is not complete says so in the reader’s language', async () => {
  const nobody = await stage.open(stage.fresh(), 'nobody', 'client', { seat: 0, token: null, language: 'es' });
  await nobody.sees(es.noTokenTitle);
  assert.equal(await nobody.page.title(), es.pageTitle);
  await speak(nobody, en);
  await nobody.sees(en.noTokenTitle);
});
