// SPDX-License-Identifier: Apache-2.0
// Makes README's pictures with the real daemon: tests/run/own-network.sh node tests/browser/pictures.mjs [DIR, by default docs/pictures].
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sleep, Stage, until } from './harness.mjs';
import { SIZES, settled } from './shots.mjs';

const SHELF = process.argv[2] ?? fileURLToPath(new URL('../../docs/pictures/', import.meta.url));
const BYTES_MAX = 150_000;

/** Runs in the page: a camera that shows somebody drawn, in flat colours, who moves a little. */
function portrait({ wall, coat, hair }) {
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
  const context = canvas.getContext('2d', { alpha: false });
  const ellipse = (colour, x, y, rx, ry) => {
    context.fillStyle = colour;
    context.beginPath();
    context.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI);
    context.fill();
  };
  const draw = () => {
    const x = 320 + 4 * Math.sin(Date.now() / 900);
    context.fillStyle = wall;
    context.fillRect(0, 0, 640, 360);
    ellipse(coat, x, 380, 150, 130);
    ellipse('#e3b591', x, 260, 32, 40);
    ellipse(hair, x, 150, 84, 92);
    ellipse('#f0c8a6', x, 172, 66, 80);
    for (const eye of [-24, 24]) ellipse('#3a2f2a', x + eye, 165, 5, 6);
    ellipse('#b4675a', x, 208, 18, 6);
  };
  setInterval(draw, 1000 / 15);
  draw();
  const microphone = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async ({ audio, video }) => {
    const stream = audio ? await microphone({ audio }) : new MediaStream();
    if (video) stream.addTrack(canvas.captureStream(15).getVideoTracks()[0]);
    return stream;
  };
  document.getElementById('use-camera').dispatchEvent(new Event('change'));
}

async function picture({ page }, name, size) {
  await page.setViewport(SIZES[size]);
  await settled(page);
  const file = path.join(SHELF, `${name}.png`);
  await page.screenshot({ path: file, optimizeForSpeed: false });
  const { size: bytes } = statSync(file);
  if (bytes >= BYTES_MAX) throw new Error(`${file} has ${bytes} bytes`);
  console.log(`${file} ${bytes} bytes`);
}

async function enter(stage, session, id, role, looks) {
  const person = await stage.open(session, id, role, { seat: role === 'expert' ? 0 : 1 });
  await person.sees('Join');
  await person.page.evaluate(portrait, looks);
  await sleep(500);
  await person.join();
  return person;
}

mkdirSync(SHELF, { recursive: true });
const stage = await Stage.start({ kinds: ['chromium', 'chromium'], config: { 'controller.name': 'Practice Anna Example', 'controller.contact': 'privacy@practice.example' } });
try {
  const session = 'first-talk';
  const anna = await enter(stage, session, 'anna', 'expert', { wall: '#c9d6d2', coat: '#2f5d62', hair: '#5a3d2b' });
  const ben = await enter(stage, session, 'ben', 'client', { wall: '#d9d2c5', coat: '#6b4f7a', hair: '#2b2622' });
  await Promise.all([anna.flowing(), ben.flowing()]);
  await anna.ask();
  await ben.sees('Agree to audio only');
  await ben.page.setViewport(SIZES.phone);
  await ben.page.$eval('#answers', (answers) => answers.scrollIntoView({ block: 'end' }));
  await picture(ben, 'letter', 'phone');
  await ben.answer('Agree');
  await Promise.all([anna.state('recording'), ben.state('recording')]);
  await sleep(2500); // the picture of the other has settled
  await picture(anna, 'recording', 'desktop');
  await until(async () => (await stage.segments(session)).filter((one) => one.state === 'kept').length >= 6, 'kept segments', 15_000);
  await ben.press('Withdraw');
  await ben.sees('Your withdrawal is done');
  await picture(ben, 'withdrawn', 'desktop');
} finally {
  await stage.end();
}
