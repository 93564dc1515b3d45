// SPDX-License-Identifier: Apache-2.0
// The letter before the call, in real browsers: read, answered, taken back, and standing in the call (R3-R6, R16).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DISCLOSURE } from '../integration/client.mjs';
import { Stage, until } from './harness.mjs';
import { shoot } from './shots.mjs';

let stage;
before(async () => (stage = await Stage.start({ config: { 'controller.name': 'Practice Example', 'controller.contact': 'privacy@practice.example' } })));
after(() => stage?.end());

const at = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();

async function planned({ language = 'en', ...change } = {}) {
  const session = stage.fresh('letter');
  const { status, json } = await stage.daemon.post('/v1/sessions', stage.daemon.token('x', 'platform', 'service', { name: 'Clinic Platform' }), {
    session, starts: at(30), ends: at(3600), request: { disclosure: { ...DISCLOSURE, language } },
    participants: [{ id: 'anna', name: 'Anna', role: 'expert' }, { id: 'ben', name: 'Ben', role: 'client' }], ...change,
  });
  assert.equal(status, 201, JSON.stringify(json));
  const links = Object.fromEntries(json.participants.map((one) => [one.id, one]));
  return { session, links, call: (id) => links[id].call_link.split('=')[1] };
}

/** Somebody with their letter before them. */
class Reader {
  static async open(link, { seat = 1, lang = 'en' } = {}) {
    const reader = Object.assign(new Reader(), { context: await stage.browsers[seat].createBrowserContext(), complaints: [] });
    reader.page = await reader.context.newPage();
    reader.page.on('pageerror', (error) => reader.complaints.push(String(error)));
    reader.page.on('console', (message) => message.type() === 'error' && reader.complaints.push(message.text()));
    await reader.page.goto(stage.daemon.base + link.replace('/consent', `/consent?lang=${lang}`));
    return reader;
  }
  reads() { return this.page.evaluate(() => document.body.innerText); }
  async sees(text, ms = 8000) {
    await until(async () => (await this.reads()).includes(text), `"${text}" in the letter`, ms)
      .catch(async (error) => { throw new Error(`${error.message}; it says:\n${await this.reads()}\n${this.complaints.join('\n')}`); });
  }
  async press(name) {
    for (const button of await this.page.$$('button')) {
      if (!(await button.isVisible()) || (await button.evaluate((one) => one.textContent)) !== name) continue;
      await button.click();
      return;
    }
    throw new Error(`no button "${name}"; it says:\n${await this.reads()}`);
  }
  buttons() { return this.page.$$eval('button', (all) => all.filter((one) => one.checkVisibility()).map((one) => one.textContent)); }
  shoot(name) { return shoot(this.page, `letter-${name}`, { kind: stage.kinds[1] }); }
  async close() {
    assert.deepEqual(this.complaints, []);
    await this.context.close();
  }
}

async function read(link) {
  const { json } = await stage.daemon.get('/v1/consent', link.split('=')[1]);
  return json;
}

test('the whole letter, three answers of equal weight, and the choice by keyboard', async () => {
  const { links } = await planned();
  const reader = await Reader.open(links.ben.consent_link);
  await reader.sees('Clinic Platform asks for your permission');
  for (const words of ['Ben, you are asked', DISCLOSURE.use, DISCLOSURE.storage, 'Practice Example', 'privacy@practice.example', '1 day', 'You may say no', 'is erased', 'You have not answered'])
    await reader.sees(words);
  assert.deepEqual(await reader.buttons(), ['Agree', 'Agree to audio only', 'No']);
  const looks = await reader.page.$$eval('#answer button', (all) => all.map((one) => {
    const { width, height } = one.getBoundingClientRect();
    const { backgroundColor, color, fontWeight, fontSize, borderColor, borderWidth } = getComputedStyle(one);
    return JSON.stringify([Math.round(width), Math.round(height), backgroundColor, color, fontWeight, fontSize, borderColor, borderWidth]);
  }));
  assert.equal(new Set(looks).size, 1, 'no answer is made to look like the right one');
  assert.ok(!(await reader.page.evaluate(() => location.href)).includes('token='), 'the token does not stay in the address');
  await reader.shoot('unanswered');
  await reader.page.click('summary');
  await reader.sees('your answer is bound to exactly these words', 3000);
  await reader.shoot('exact');
  await reader.page.click('summary');

  // Tab from the top: the letter's details, then the three answers in their order; Enter answers.
  await reader.page.reload();
  await reader.sees('Your answer');
  const order = [];
  for (let i = 0; i < 8 && !order.includes('decline'); i++) {
    await reader.page.keyboard.press('Tab');
    order.push(await reader.page.evaluate(() => document.activeElement.id || document.activeElement.tagName));
  }
  assert.deepEqual(order.slice(-4), ['SUMMARY', 'agree', 'agree-audio', 'decline'], order.join());
  await reader.page.keyboard.press('Enter');
  await reader.sees('You said no');
  assert.deepEqual(await reader.buttons(), [], 'a no is not asked about again');
  assert.equal((await read(links.ben.consent_link)).answer, 'no');
  await reader.shoot('no');
  await reader.page.reload();
  await reader.sees('You said no');
  await reader.close();
});

test('an answer that the ledger refused: the letter says so, and brings the receipt and the key when it is written (R7, R24)', async () => {
  const { links } = await planned();
  const reader = await Reader.open(links.ben.consent_link);
  await reader.sees('Your answer');
  stage.daemon.refuse('consents');
  try {
    await reader.press('Agree');
    await reader.sees('nothing is recorded until it is written');
    assert.deepEqual(await reader.buttons(), ['Withdraw'], 'there is no receipt yet, and taking it back is possible all the same (R6)');
    await reader.shoot('unwritten');
  } finally {
    stage.daemon.relent();
  }
  await reader.sees('Download receipt and key');
  assert.ok(!(await reader.reads()).includes('nothing is recorded until'));
  const kept = () => reader.page.evaluate(() => JSON.parse(sessionStorage.getItem('recgate.letter.receipts')));
  assert.deepEqual((await kept()).map(({ act, withdraw_key }) => [act, withdraw_key.length > 30]), [['grant', true]]);
  await reader.page.reload();
  await reader.sees('Download receipt and key');
  assert.equal((await kept()).length, 1, 'the same receipt is kept once');
  assert.ok(reader.complaints.splice(0).every((line) => line.includes('503')), 'Chromium complains of the refusal');
  await reader.close();
});

test('agreed, in two letters, in two languages: in the call nobody is asked and the gate opens', async () => {
  const { session, links, call } = await planned({ language: 'es' });
  const anna = await Reader.open(links.anna.consent_link);
  await anna.sees('Asunto: ¿Podemos grabar');
  await anna.press('Agree');
  await anna.sees('In the call you are not asked again');
  await anna.close();
  const ben = await Reader.open(links.ben.consent_link, { lang: 'es' });
  await ben.sees('Ben, le piden un permiso');
  await ben.sees('Puede decir que no');
  await ben.shoot('es');
  await ben.press('Aceptar solo el audio');
  await ben.sees('Se puede grabar su voz, pero no su imagen');
  await ben.sees('Descargar el recibo y la clave');
  const receipt = await ben.page.evaluate(() => JSON.parse(sessionStorage.getItem('recgate.letter.receipts')));
  assert.match(await ben.page.$eval('#receipt-download', (link) => `${link.href} ${link.download}`), /^blob:.* recgate-receipt\.json$/);
  assert.equal(receipt[0].act, 'grant');
  assert.deepEqual(receipt[0].media, ['audio']);
  assert.ok(receipt[0].withdraw_key.length > 30);
  await ben.shoot('agreed-es');
  await ben.close();

  const expert = await stage.open(session, 'anna', 'expert', { seat: 0, token: call('anna') });
  const client = await stage.open(session, 'ben', 'client', { seat: 1, token: call('ben') });
  await expert.join();
  await client.join();
  await Promise.all([expert.flowing(), client.flowing()]);
  await expert.state('recording');
  await client.sees('of you the sound only');
  assert.ok(![...(await expert.wire()), ...(await client.wire())].some(({ message }) => message.type === 'consent.ask'), 'nobody was asked again');
  await until(async () => (await stage.segments(session)).some((one) => one.state === 'kept' && one.participant === 'ben'), 'kept segments', 15_000);
  const kept = await stage.segments(session);
  assert.ok(!kept.some((one) => one.participant === 'ben' && one.medium === 'video'), 'no picture of Ben (R16)');

  // During the call he takes it back in writing.
  const again = await Reader.open(links.ben.consent_link);
  await again.sees('You agreed');
  assert.deepEqual(await again.buttons(), ['Withdraw']);
  await again.shoot('agreed');
  await again.press('Withdraw');
  await again.sees('Your withdrawal is done');
  await again.sees('erased for good');
  await again.shoot('withdrawn');
  await again.close();
  await expert.state('purged');
  assert.ok(!(await stage.segments(session)).some((one) => one.state === 'kept'), 'everything is erased (R12)');
  await stage.leaveAll();
});

test('what was disclosed to erase less can be asked to erase all (R12)', async () => {
  const { links } = await planned({ request: { disclosure: { ...DISCLOSURE, on_withdrawal: 'participant' } } });
  const reader = await Reader.open(links.ben.consent_link);
  await reader.sees('Your answer');
  await reader.press('Agree');
  await reader.sees('You agreed');
  assert.deepEqual(await reader.buttons(), ['Withdraw', 'Withdraw and erase everything, of everyone', 'Copy the key']);
  await reader.shoot('agreed-participant');
  await reader.press('Withdraw and erase everything, of everyone');
  await reader.sees('Your withdrawal is done');
  await reader.page.reload();
  await reader.sees('You said no');
  await reader.close();
});

test('a link that is incomplete, or nobody’s letter, says so', async () => {
  const none = await Reader.open('/consent');
  await none.sees('This link is not complete');
  await none.shoot('no-token');
  await none.close();
  const other = await Reader.open(`/consent#token=${stage.daemon.token('never', 'ben', 'client')}`);
  await other.sees('Nobody has asked in writing');
  await other.context.close();
  const { session } = await planned();
  const stranger = await Reader.open(`/consent#token=${stage.daemon.token(session, 'carl', 'client')}`, { lang: 'es' });
  await stranger.sees('no está entre las personas invitadas');
  await stranger.context.close();
});

test('too early: the call page says from when on', async () => {
  const { session, links, call } = await planned({ starts: at(900), ends: at(1800) });
  const { opens } = await read(links.ben.consent_link);
  const early = await stage.open(session, 'ben', 'client', { seat: 1, token: call('ben') });
  await early.press('Join', { ms: 20_000 });
  await early.sees(`you can join from ${opens} on`);
  await early.page.close();
  stage.people.length = 0;
});
