// SPDX-License-Identifier: Apache-2.0
// How good are recordings of calls through Janus? recgate's export beside Janus's own .mjr of the same packets (tests/sfu/taping.mjs), made playable by
// janus-pp-rec and joined by the times in its headers. One Chromium shows a clock and flashes with a tone; both recordings are judged by them over the same time.
// RECGATE_BENCH_SECONDS (20: of each call), RECGATE_BENCH_SEED (5: of the bad way), RECGATE_BENCH_CALLS ("plain,simulcast,screen,mute,stall,loss,simulcast+loss").
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freeze, thaw } from '../browser/browsers.mjs';
import { knownSource } from '../browser/hooks.mjs';
import { DISCLOSURE } from '../integration/client.mjs';
import { sleep } from '../integration/daemon.mjs';
import { Stage } from '../sfu/app.mjs';
import { LossyWay, detour } from '../sfu/lossy.mjs';
import { quality } from '../sfu/quality.mjs';
import { CAN_PLAY_TAPES, Taping } from '../sfu/taping.mjs';

const SECONDS = Number(process.env.RECGATE_BENCH_SECONDS ?? 20);
const SEED = Number(process.env.RECGATE_BENCH_SEED ?? 5);
const CALLS = (process.env.RECGATE_BENCH_CALLS ?? 'plain,simulcast,screen,mute,stall,loss,simulcast+loss').split(',');
const STALL_MS = 700; // too short for anybody to be told that somebody is away
const SETTLE_MS = 3000; // the first keyframe of a take, and the tape's own beginning

/** All of it in a network of its own, as the tests are. */
function inOwnNetwork() {
  const { status } = spawnSync(fileURLToPath(new URL('../run/own-network.sh', import.meta.url)), [process.execPath, fileURLToPath(import.meta.url)], { stdio: 'inherit' });
  process.exit(status ?? 1);
}

const flashing = (page) => page.evaluate(() => setInterval(() => {
  window.__source.flash(true);
  setTimeout(() => window.__source.flash(false), 200);
}, 2000));

const has = (call, what) => call.split('+').includes(what);
const session = (call) => `exports-${call.replace('+', '-')}`;

async function begin(stage, call, way) {
  const hooks = [[knownSource, { fps: 30, scale: has(call, 'simulcast') ? 4 : 2 }], ...(has(call, 'loss') ? [[detour, { from: way.to, to: way.port }]] : [])];
  const person = await stage.open(session(call), 'anna', 'expert', { hooks });
  await person.connect();
  const handles = [await person.do('echo', { data: false, simulcast: has(call, 'simulcast') })];
  await person.flowing('echo', { ms: 40_000 });
  if (call === 'screen') {
    handles.push(await person.do('echo', { data: false, name: 'screen', audio: false }));
    await sleep(3000);
  }
  await person.client('request', DISCLOSURE);
  await person.recording('recording');
  await flashing(person.page);
  await sleep(SETTLE_MS);
  return { person, handles };
}

const sent = async (person) => {
  const all = Object.values(await person.do('encodings', 'echo'));
  return Math.max(...all.map(({ frames }) => frames ?? 0));
};

/** What is missing of a call because its person, or their machine, paused: [[from, to]], wall clock. */
async function pause(stage, person, call) {
  const rests = [];
  for (const kind of call === 'mute' ? ['video', 'audio'] : call === 'stall' ? ['all'] : []) {
    await sleep(3000);
    const began = Date.now();
    if (kind === 'all') {
      freeze(stage.browsers[0]);
      await sleep(STALL_MS);
      thaw(stage.browsers[0]);
    } else {
      await person.do('rest', 'echo', kind, 4000);
    }
    rests.push([began - 500, Date.now() + 500]);
  }
  return rests;
}

async function measure(stage, taping, call, way) {
  const { person, handles } = await begin(stage, call, way);
  const from = Date.now(), before = await sent(person);
  const rests = await pause(stage, person, call);
  await sleep(Math.max(1000, SECONDS * 1000 - (Date.now() - from)));
  const frames = (await sent(person)) - before, between = [from, Date.now() - 1000];
  const seen = await person.page.evaluate(() => window.__source.flashes); // those with a light and a sound
  const flashes = seen.filter(({ at }) => rests.every(([start, end]) => at < start || at > end));
  for (const name of call === 'screen' ? ['screen', 'echo'] : ['echo']) await person.do('hangup', name);
  await stage.keptUntil(session(call), between[1]);
  await person.client('leave');
  const file = await stage.export(session(call), 'anna');
  await sleep(500);
  const rows = [];
  for (const [video, handle] of handles.entries()) {
    const name = call !== 'screen' ? call : video === 0 ? 'camera beside a screen' : 'screen';
    const sound = video === 0 ? flashes : [];
    rows.push({ call: name, by: 'recgate', sent: frames, ...(await quality(file, between, sound, video)) });
    rows.push({ call: name, by: 'Janus .mjr', sent: frames, ...(await quality(await taping.play(handle), between, sound)) });
  }
  await person.page.close();
  return rows;
}

function print(rows) {
  console.log(`| Call | Recorded by | Frames (sent) | Gaps over 150 ms | Largest, ms | Sum, ms | Picture after sound, ms: median, worst | Errors of ffmpeg |\n|---|---|---|---|---|---|---|---|`);
  for (const row of rows)
    console.log(`| ${row.call} | ${row.by} | ${row.frames} (${row.sent}) | ${row.gaps} | ${row.largest_ms} | ${row.gaps_ms} | ${row.apart_ms === undefined ? '' : `${row.apart_ms}, ${row.worst_ms}`} | ${row.errors.length} |`);
  for (const { call, by, errors } of rows.filter((row) => row.errors.length > 0)) console.log(`${call}, ${by}: ${errors.slice(0, 3).join('; ')}`);
}

async function main() {
  let taping, way;
  const stage = await Stage.start({ config: async ({ janus }) => ({ 'sfu.janus': (taping = await Taping.start(janus.ws)).ws, 'media.workers': 1 }) });
  const rows = [];
  try {
    way = await LossyWay.start({ to: Number(stage.daemon.media.split(':')[1]), seed: SEED });
    for (const call of CALLS) rows.push(...(await measure(stage, taping, call, way)));
  } finally {
    way?.end();
    await stage.end();
    await taping.end();
  }
  mkdirSync('build/bench', { recursive: true });
  writeFileSync('build/bench/exports.json', JSON.stringify(rows, null, 2));
  print(rows);
}

if (process.env.RECGATE_OWN_NETWORK !== 'yes') inOwnNetwork();
if (CAN_PLAY_TAPES) await main();
else console.log('needs janus and janus-tools (Debian)');
