// SPDX-License-Identifier: Apache-2.0
// The example of docs/relays.md, run as it says there: two browsers, the application's own signalling, a real Janus behind the gate.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, pair } from '../browser/browsers.mjs';
import { complaints, probe } from '../browser/media.mjs';
import { Daemon, until } from '../integration/daemon.mjs';
import { JanusProcess } from '../integration/janus.mjs';

const SERVER = fileURLToPath(new URL('../../docs/relays-example/server.mjs', import.meta.url));
const ROOM = { 'janus.plugin.videoroom.jcfg': 'room-1234: { description = "Demo" publishers = 6 bitrate = 512000 }' };
let janus, daemon, server, address = '';
const browsers = [];
before(async () => {
  janus = await JanusProcess.start({ transport: 'http', plugins: ['videoroom'], config: ROOM });
  daemon = await Daemon.start({ media: '0.0.0.0:0', config: { 'sfu.mode': 'relays', 'signaling.origins': '*', 'recording.segment_s': 2 } });
  server = spawn(process.execPath, [SERVER], { env: { ...process.env, GATE: daemon.base, SECRET_FILE: daemon.place.secret, JANUS: janus.http, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
  server.stdout.on('data', (bytes) => (address += bytes));
  await until(() => address.includes('/?me='), 'the example to serve');
}, { timeout: 60_000 });
after(async () => {
  await Promise.all(browsers.map((browser) => browser.close()));
  server?.kill();
  await daemon?.end();
  await janus?.stop();
});

async function person(me, role, seat) {
  browsers[seat] ??= await launch(pair()[seat]);
  const page = await (await browsers[seat].createBrowserContext()).newPage();
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  await page.evaluateOnNewDocument(() => { // the example keeps its connections to itself
    window.made = [];
    window.RTCPeerConnection = new Proxy(RTCPeerConnection, { construct: (target, args) => { const pc = new target(...args); window.made.push(pc); return pc; } });
  });
  await page.goto(`${new URL(address.trim()).origin}/?me=${me}&role=${role}`);
  const shown = () => page.evaluate(async () => {
    let frames = 0;
    for (const pc of window.made) for (const one of (await pc.getStats()).values()) frames += one.type === 'inbound-rtp' ? one.framesDecoded ?? 0 : 0;
    return frames;
  });
  const sees = async () => {
    const before = await shown();
    await until(async () => (await shown()) > before + 5, `${me} to see somebody`, 20_000).catch((error) => { throw new Error(`${error.message} ${said.join('\n')}\n${daemon.log.slice(-1500)}`); });
  };
  const recording = (state) => until(() => page.evaluate((wanted) => document.getElementById('recording').textContent === wanted, state), `${me} to read ${state}`, 15_000);
  return { page, sees, recording, click: (id) => page.evaluate((button) => document.getElementById(button).click(), id) };
}

const kept = async () => (await daemon.segments('example')).filter(({ state }) => state === 'kept');

test('two people see each other through the gate, are recorded when both agree, and one withdrawal erases it', { timeout: 120_000 }, async () => {
  const [anna, ben] = [await person('anna', 'expert', 0), await person('ben', 'client', 1)];
  await anna.sees();
  await ben.sees();
  assert.equal((await daemon.segments('example')).length, 0, 'nothing before anybody agreed');

  await anna.click('record');
  await until(() => ben.page.evaluate(() => !document.getElementById('agree').disabled), 'ben to be asked', 10_000);
  assert.match(await ben.page.evaluate(() => document.getElementById('letter').textContent), /To try the gate/);
  await anna.sees();
  assert.equal((await daemon.segments('example')).length, 0, 'nor while one has not');
  await ben.click('agree');
  await anna.recording('recording');
  await until(async () => new Set((await kept()).map(({ participant, medium }) => `${participant} ${medium}`)).size === 4, 'sound and picture of both', 20_000);

  const answer = await daemon.get('/v1/sessions/example/recording?participant=ben', daemon.token('example', 'auditor', 'auditor'));
  const file = path.join(daemon.place.dir, 'ben.webm');
  writeFileSync(file, answer.bytes);
  assert.equal(await complaints(file), '');
  assert.deepEqual((await probe(file)).streams.map(({ codec_name }) => codec_name).sort(), ['opus', 'vp8']);

  await ben.click('withdraw');
  await anna.recording('purged');
  assert.equal((await kept()).length, 0);
  await anna.sees();
  await ben.sees();
});
