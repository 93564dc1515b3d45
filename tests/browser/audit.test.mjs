// SPDX-License-Identifier: Apache-2.0
// The auditor's page against the real daemon: lists, playback, and what is left of both after a withdrawal (R18, R20).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, until } from './harness.mjs';
import { shoot } from './shots.mjs';

let stage;
before(async () => (stage = await Stage.start()));
after(() => stage?.end());

/** An auditor in front of the page, in the second browser. */
class Auditor {
  static async open(token, hash = `token=${token}`) {
    const auditor = Object.assign(new Auditor(), { page: await stage.browsers[1].newPage(), complaints: [] });
    auditor.page.on('pageerror', (error) => auditor.complaints.push(String(error)));
    await auditor.page.goto(`${stage.daemon.base}/audit${hash && `#${hash}`}`);
    return auditor;
  }
  reads() { return this.page.evaluate(() => document.body.innerText); }
  async sees(text, ms = 8000) {
    await until(async () => (await this.reads()).includes(text), `"${text}" on the auditor's page`, ms)
      .catch(async (error) => { throw new Error(`${error.message}; it says:\n${await this.reads()}\n${this.complaints.join('\n')}`); });
  }
  async press(name) {
    const found = await this.page.waitForSelector(`aria/${name}[role="button"]`, { visible: true, timeout: 5000 });
    await found.click();
  }
  shoot(name) { return shoot(this.page, `audit-${name}`, { kind: stage.kinds[1] }); }
  /** What the video element has of it: how long, how big, and whether it moves. */
  video() {
    return this.page.$eval('#video', ({ readyState, videoWidth, currentTime, error, src }) => ({ readyState, videoWidth, currentTime, error: error?.message, src }));
  }
}

test('a short call: listed, played, downloaded; after the withdrawal it shows purged and refuses in words', async () => {
  const { session, anna, ben } = await stage.recorded({ withdrawing: 'participant' });
  await until(async () => (await stage.segments(session)).filter((one) => one.state === 'kept').length >= 6, 'kept segments', 15_000);
  const auditor = await Auditor.open(stage.auditor(session));
  await auditor.sees(session);
  await auditor.sees('written to the ledger');
  assert.ok(!(await auditor.page.evaluate(() => location.href)).includes('token='), 'the token does not stay in the address');
  await auditor.shoot('list');
  await auditor.press(`Open ${session}`);
  await auditor.sees('Ben');
  await auditor.sees('agreed');
  assert.equal(await auditor.page.$$eval('#chart .lane.person', (lanes) => lanes.length), 2, 'a lane for each person');
  assert.ok(await auditor.page.$('#chart .mark[data-kind="open"]'), 'the gate was open');
  assert.ok(await auditor.page.$('#chart .mark[data-kind="kept"]'), 'something is kept');
  assert.match(await auditor.reads(), /✓ kept|kept/);

  await auditor.press('Play Ben');
  await auditor.sees('is ready to play', 15_000);
  const shown = await until(async () => {
    const video = await auditor.video();
    return video.error || (video.videoWidth > 0 && video.currentTime > 0.3) ? video : null;
  }, 'the recording to play', 8000);
  assert.equal(shown.error, undefined);
  assert.match(shown.src, /^blob:/);
  const download = await auditor.page.$eval('#download', (link) => ({ href: link.href, name: link.download }));
  assert.deepEqual(download, { href: shown.src, name: `${session}-ben.webm` });
  await auditor.shoot('session');

  // A kept stretch plays by Enter, and that is on the ledger as every playback (R20).
  await auditor.page.focus('#chart .lane[aria-label="Ben, picture"] .mark[data-kind="kept"]');
  assert.match(await auditor.page.$eval('#told', (line) => line.textContent), /^Ben, picture: \d+ segments?, .* kept\. Press to play from here\.$/);
  await auditor.page.keyboard.press('Enter');
  await until(async () => /-1-\d+-\d+\.webm$/.test(await auditor.page.$eval('#download', (link) => link.download)), 'the stretch to arrive', 15_000);
  const part = await until(async () => {
    const video = await auditor.video();
    return video.error || video.videoWidth > 0 ? video : null;
  }, 'the stretch to play', 8000);
  assert.equal(part.error, undefined);

  await ben.page.bringToFront(); // he shares the browser with the auditor
  await ben.press('Withdraw');
  const { exports } = await ben.expect('consent.withdrawn');
  assert.deepEqual(exports.map(({ by }) => by), ['auditor', 'auditor'], 'each playback was on the ledger (R20)');
  await anna.state('purged');
  await auditor.page.bringToFront();
  await auditor.page.reload();
  await auditor.sees('purged: erased after a withdrawal');
  await auditor.sees('withdrew');
  await auditor.press('Play Ben');
  await auditor.sees('has been erased');
  assert.equal((await auditor.video()).src, '', 'nothing of it is left in the page');
  await auditor.press('Play Anna');
  await auditor.sees('is ready to play', 15_000); // hers is kept: the scope was one person
  await auditor.shoot('withdrawn');
  await auditor.page.goto(`${stage.daemon.base}/audit?lang=es#token=${stage.auditor(session)}`);
  await auditor.press(`Abrir ${session}`);
  await auditor.sees('La prueba es válida');
  await auditor.sees('borrado tras una retirada');
  await auditor.shoot('spanish');
  await auditor.page.goto(`${stage.daemon.base}/audit?lang=en#session=${session}`);
  await auditor.sees('The call over time');
  await auditor.press('Download the evidence');
  await auditor.sees('handed to your browser', 15_000);
  await auditor.press('All calls');
  await auditor.sees('Calls');
  await auditor.page.type('#search', 'nobody-of-that-name');
  await auditor.sees('No call fits this search');
  await auditor.page.$eval('#search', (input) => { input.value = ''; });
  await auditor.page.type('#search', 'ben');
  await auditor.press(`Open ${session}`);
  await auditor.sees('The call over time');
  await auditor.page.close();
});

test('everyone side by side: one picture of two tiles, named to whoever withdraws later', async () => {
  const { session } = await stage.recorded();
  await until(async () => (await stage.segments(session)).filter((one) => one.state === 'kept').length >= 4, 'kept segments', 15_000);
  await stage.leaveAll();
  const auditor = await Auditor.open(stage.auditor(session));
  await auditor.press(`Open ${session}`);
  await auditor.press('Play everyone side by side');
  await until(async () => (await auditor.page.$eval('#download', (link) => link.download)) === `${session}-everyone.webm`, 'everyone side by side', 60_000)
    .catch(async (error) => { throw new Error(`${error.message}; the page says:\n${await auditor.reads()}`); });
  const both = await until(async () => {
    const video = await auditor.video();
    return video.error || video.videoWidth > 0 ? video : null;
  }, 'both to play', 8000);
  assert.deepEqual([both.error, both.videoWidth], [undefined, 1280]);
  const halves = await auditor.page.evaluate(async () => {
    const video = document.getElementById('video');
    video.pause();
    await new Promise((resolve) => {
      video.onseeked = resolve;
      video.currentTime = video.duration * 0.6;
    });
    const canvas = Object.assign(document.createElement('canvas'), { width: 128, height: 36 });
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0, 128, 36);
    return [0, 64].map((x) => Math.max(...context.getImageData(x, 0, 64, 36).data.filter((_, i) => i % 4 !== 3)));
  });
  assert.ok(halves.every((brightest) => brightest > 60), `both have a picture: ${halves}`);
  await auditor.shoot('everyone');
  await auditor.page.close();
  const withdrawn = await stage.daemon.post('/v1/withdraw', stage.daemon.token(session, 'ben', 'client'), {});
  assert.equal(withdrawn.status, 200);
  assert.deepEqual(withdrawn.json.exports.map(({ by }) => by), ['auditor'], 'R18');
  const gone = await stage.daemon.get(`/v1/sessions/${session}/recording?layout=side-by-side`, stage.auditor(session));
  assert.equal(gone.status, 404);
  assert.equal(gone.json.code, 'nothing_kept');
});

test('who may not look is told so', async () => {
  const none = await Auditor.open('', '');
  await none.sees('This link is not complete');
  await none.shoot('no-token');
  await none.page.close();
  for (const [token, words] of [[stage.daemon.token('call', 'ben', 'client'), 'not an auditor’s'], ['no.such.token', 'link is not valid']]) {
    const other = await Auditor.open(token);
    await other.sees(words);
    assert.equal(await other.page.$('table'), null);
    await other.page.close();
  }
  const auditor = await Auditor.open(stage.auditor('call'), `token=${stage.auditor('call')}`);
  await auditor.sees('Calls');
  await auditor.page.evaluate(() => { location.hash = 'session=never-was'; });
  await auditor.sees('There is no such call');
  await auditor.page.close();
});
