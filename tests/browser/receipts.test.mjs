// SPDX-License-Identifier: Apache-2.0
// Receipts in a person's hands, and withdrawing after the call, in real browsers, in English and Spanish (R6, R12, R13, R24).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { RECGATECTL } from '../integration/daemon.mjs';
import { Stage, until } from './harness.mjs';
import { shoot } from './shots.mjs';

let stage;
before(async () => (stage = await Stage.start()));
after(() => stage?.end());

const anyKept = async (session) => (await stage.segments(session)).some((one) => one.state === 'kept');

/** A page of the gate's without a call in it. */
class Paper {
  static async open(where, { seat = 1, page } = {}) {
    const paper = Object.assign(new Paper(), { page: page ?? (await stage.browsers[seat].newPage()), kind: stage.kinds[seat], complaints: [] });
    paper.page.on('pageerror', (error) => paper.complaints.push(String(error)));
    if (where) await paper.page.goto(stage.daemon.base + where);
    return paper;
  }
  reads() { return this.page.evaluate(() => document.body.innerText); }
  async sees(text, ms = 8000) {
    await until(async () => (await this.reads()).includes(text), `"${text}"`, ms)
      .catch(async (error) => { throw new Error(`${error.message}; it says:\n${await this.reads()}\n${this.complaints.join('\n')}`); });
  }
  /** By the button's own text, in whichever language. */
  async press(text) {
    const found = await until(async () => {
      for (const one of await this.page.$$(`::-p-xpath(//button[normalize-space()="${text}"])`)) if (await one.isVisible()) return one;
      return null;
    }, `a button "${text}"`);
    await found.click();
  }
  async give(selector, file) { await (await this.page.$(selector)).uploadFile(file); }
  shoot(name) { return shoot(this.page, name, { kind: this.kind }); }
  async close() {
    assert.deepEqual(this.complaints, []);
    await this.page.close();
  }
}

/** What a download link would save. Blobs are kept as the page makes them: its policy lets nobody fetch them. */
const keepBlobs = (page) => page.evaluate(() => {
  const make = URL.createObjectURL.bind(URL);
  window.__blobs = {};
  URL.createObjectURL = (blob) => {
    const url = make(blob);
    window.__blobs[url] = blob;
    return url;
  };
});
const offered = (page, id) => page.evaluate((link) => window.__blobs[document.getElementById(link).href].text(), id);

function checked(name, text) {
  const file = path.join(stage.daemon.place.dir, `${name}.json`);
  writeFileSync(file, text);
  return { file, report: JSON.parse(execFileSync(RECGATECTL, ['receipt', file, '--json', '--data', stage.daemon.data])) };
}

async function pageOf(browser, ending) {
  return until(async () => (await browser.pages()).find((page) => page.url().split('?')[0].endsWith(ending)), `a tab with ${ending}`, 20_000);
}

test('the receipt: offered as a file that recgatectl verifies, and as a page to print, in two languages', async () => {
  const { session, anna, ben } = await stage.call({ talk: false });
  await keepBlobs(anna.page);
  await anna.ask();
  await ben.answer('Agree');
  await anna.state('recording');
  await anna.sees('Download receipt and key');
  const text = await offered(anna.page, 'receipt-download');
  const { file, report } = checked('anna', text);
  assert.ok(report.holds, JSON.stringify(report));
  assert.deepEqual(report.receipts.map(({ event, participant }) => [event, participant]), [['granted', 'anna']]);
  const { withdraw_keys: [{ withdraw_key: key }], receipts } = JSON.parse(text);
  assert.ok(!JSON.stringify(receipts).includes(key), 'the key is beside the receipts, not in them');

  await anna.press('Show and print', { role: 'link' });
  const paper = await Paper.open(null, { seat: 0, page: await pageOf(stage.browsers[0], '/receipt') });
  for (const words of ['You agreed to a recording', `Participant “anna” in the call “${session}”`, 'The text that you agreed to', 'To listen to this conversation again',
    'How to withdraw', '/withdraw', 'What withdrawing erases', 'c2sp.org/tlog-proof@v1', 'Your key: keep it to yourself', key]) await paper.sees(words);
  await paper.shoot('receipt');
  if (await paper.page.emulateMediaType('print').then(() => true, () => false)) { // on paper: no buttons, and the key on a sheet of its own
    const [buttons, sheet] = await paper.page.evaluate(() => ['.screen', '.keys'].map((part) => getComputedStyle(document.querySelector(part)))
      .map(({ display, breakBefore }, i) => (i === 0 ? display : breakBefore)));
    assert.deepEqual([buttons, sheet], ['none', 'page']);
  }
  await paper.close();

  // The same file opened later, by anybody, in another browser; nothing is sent: the gate's log of requests stays as it is.
  const later = await Paper.open('/receipt?lang=es');
  await later.sees('No hay recibos en esta ventana');
  await later.shoot('receipt-none-es');
  await later.give('#file', file);
  for (const words of ['Usted aceptó una grabación', 'El texto que usted aceptó', 'Toda la grabación, de todas las personas.', 'Su clave: guárdela para usted', key]) await later.sees(words);
  await later.shoot('receipt-es');
  await later.close();
  await anna.press('Withdraw');
  await anna.sees('Your withdrawal is done');
  const after = checked('anna-after', await offered(anna.page, 'receipt-download')).report;
  assert.deepEqual(after.receipts.map(({ event, holds }) => [event, holds]), [['granted', true], ['withdrawn', true]]);
});

test('/withdraw by key and by file after the call and a crash: in words first, repeated until acknowledged', async () => {
  const { session, anna, ben } = await stage.recorded({ withdrawing: 'participant' });
  const { withdraw_key: key } = await ben.expect('consent.recorded');
  const kept = await ben.page.evaluate(() => sessionStorage.getItem('recgate.receipts'));
  await stage.kept(session, 'ben');
  assert.equal((await stage.export(session, 'ben')).status, 200);
  await ben.press('Leave');
  await anna.press('Leave');
  await stage.crash();

  const paper = await Paper.open('/withdraw?lang=en');
  await paper.sees('without anybody’s help');
  await paper.press('Continue');
  await paper.sees('Please paste the key first.');
  await paper.page.type('#key', 'not-a-key');
  await paper.press('Continue');
  await paper.sees('No recording belongs to this key.');
  await paper.shoot('withdraw-unknown-key');
  await paper.page.$eval('#key', (input) => { input.value = ''; });
  await paper.page.type('#key', key);
  await paper.press('Continue');
  for (const words of [session, 'participant “ben”', 'Withdrawing erases what you sent, for good.', 'You may always ask that everything is erased']) await paper.sees(words);
  await paper.shoot('withdraw-key');
  assert.ok(await anyKept(session), 'looking erases nothing');

  // The gate is gone when the button is pressed: the page keeps at it by itself.
  await stage.crash(async () => {
    await paper.press('Withdraw and erase everything, of everyone');
    await paper.sees('The gate cannot be reached.', 10_000);
    await paper.shoot('withdraw-repeating');
  });
  await paper.sees('Your withdrawal is done', 20_000);
  await paper.sees('pieces of recording');
  await paper.sees('auditor'); // the export that was finished before is outside (R18)
  await paper.shoot('withdraw-done');
  assert.ok(!(await anyKept(session)));

  // Again, by the file: the same answer.
  const { file } = checked('ben', kept);
  const again = await Paper.open('/withdraw?lang=en', { seat: 0 });
  await again.give('#file', file);
  await again.sees('This was withdrawn before: the whole recording is erased.');
  await again.press('Withdraw');
  await again.sees('Your withdrawal is done');
  await again.sees('pieces of recording');
  await again.close();
  await paper.close();
});

test('/withdraw by the link’s token, in Spanish; a stranger’s is told so', async () => {
  const { session, anna, ben } = await stage.recorded({ withdrawing: 'session' });
  await until(() => anyKept(session), 'a kept segment', 12_000);
  await ben.press('Leave');
  const stranger = await Paper.open(`/withdraw?lang=es#token=${stage.daemon.token('never-was', 'zoe', 'client')}`);
  await stranger.sees('Nadie con ese nombre estuvo en una llamada grabada.');
  await stranger.shoot('withdraw-stranger-es');
  await stranger.close();
  const paper = await Paper.open(`/withdraw?lang=es#token=${ben.token}`);
  await paper.sees('La retirada borra para siempre toda la grabación, de todas las personas.');
  assert.ok(!(await paper.page.evaluate(() => location.href)).includes('token='), 'the token does not stay in the address');
  await paper.shoot('withdraw-token-es');
  await paper.press('Retirar');
  await paper.sees('Su retirada está hecha');
  await paper.shoot('withdraw-done-es');
  assert.ok(!(await anyKept(session)));
  await anna.state('purged'); // the call that goes on is told
  await paper.close();
});

test('the page signs what it agrees to, tied to its DTLS leg; the fingerprint of another connection is refused (R24)', async () => {
  const { session, anna, ben } = await stage.call();
  await anna.ask();
  const { request, disclosure_sha256: hash } = await ben.expect('consent.ask');
  const forge = (fingerprints) => ben.page.evaluate(async ([said, list]) => {
    const { Signer } = await import('/recgate-signature.js');
    const signature = await new Signer().sign({ decision: 'grant', media: 'all', fingerprints: list, ...said });
    window.__kept.sockets.at(-1).send(JSON.stringify({ type: 'consent.grant', id: `forged-${list.length}`, request: said.request, disclosure_sha256: said.disclosure_sha256, signature }));
  }, [{ disclosure_sha256: hash, participant: 'ben', request, session }, fingerprints]);
  const own = (person) => person.page.evaluate(() => window.__kept.peers.filter((peer) => peer.connectionState === 'connected')
    .map((peer) => `sha-256 ${/a=fingerprint:sha-256 (\S+)/i.exec(peer.localDescription.sdp)[1].toUpperCase()}`));
  const [ours, theirs] = [await own(ben), await own(anna)];
  for (const list of [[], [...ours, ...theirs]]) {
    await forge(list);
    const refusal = await ben.expect((message) => message.re === `forged-${list.length}`);
    assert.deepEqual([refusal.type, refusal.code], ['error', 'bad_signature'], JSON.stringify(refusal));
  }
  const { consents } = (await stage.daemon.get(`/v1/sessions/${session}`, stage.auditor(session))).json;
  assert.deepEqual(consents.map(({ participant }) => participant), ['anna'], 'nothing of it is recorded');
  assert.equal(await ben.lastState(), 'asking');
  await ben.press('Agree');
  const { receipt } = await ben.expect('consent.recorded');
  assert.deepEqual(receipt.participant_signature.fingerprints, ours);
  assert.equal(receipt.legs_checked, 1);
  const { report } = checked('ben-signed', JSON.stringify(receipt));
  assert.ok(report.receipts[0].checks.some(({ check, holds }) => check === "participant's key" && holds), JSON.stringify(report));
  await Promise.all([anna.state('recording'), ben.state('recording')]);
});
