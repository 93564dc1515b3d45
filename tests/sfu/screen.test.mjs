// SPDX-License-Identifier: Apache-2.0
// A screen beside the camera, sound and picture muted, the camera taken off and put back, all while it is recorded: each picture is a track of its own,
// and the export holds them apart.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { complaints, loudness, probe, shapes } from '../browser/media.mjs';
import { DISCLOSURE } from '../integration/client.mjs';
import { sleep, until } from '../integration/daemon.mjs';
import { Stage } from './app.mjs';
import { metrics } from './metrics.mjs';

const ROOM = 1234;
const SESSION = 'screen-1';
const PLUGIN = { 'janus.plugin.videoroom.jcfg': `room-${ROOM}: { description = "Screens" publishers = 6 }` };
const CAMERA = { width: 320, height: 240, frameRate: 15 }; // 4:3, the screen is 16:9
let stage, anna, ben;

before(async () => {
  stage = await Stage.start({ janus: { plugins: ['videoroom'], config: PLUGIN } });
  anna = await stage.open(SESSION, 'anna', 'expert', { seat: 0 });
  ben = await stage.open(SESSION, 'ben', 'client', { seat: 1 });
  for (const person of [anna, ben]) {
    await person.connect();
    await person.do('enterRoom', ROOM, person.id, { capture: { audio: true, video: CAMERA } });
  }
  for (const person of [anna, ben]) await person.flowing('down');
  await anna.client('request', DISCLOSURE);
  await until(async () => (await ben.state('states')).find(({ type }) => type === 'ask'), 'the question');
  await ben.do('grant');
  await anna.recording('recording');
}, { timeout: 90_000 });
after(() => stage?.end());

const kept = async () => (await stage.daemon.segments(SESSION)).filter(({ state, participant }) => state === 'kept' && participant === 'anna');
/** Anna's kept tracks in the newest take. */
const newest = async () => {
  const list = await kept();
  const last = list.reduce((most, { take }) => Math.max(most, take), 0);
  return { last, tracks: [...new Set(list.filter(({ take }) => take === last).map(({ track, medium }) => `${medium} ${track.split('.')[1]}`))].sort() };
};
const until_tracks = (tracks, after) => until(async () => {
  const now = await newest();
  return now.last > after && JSON.stringify(now.tracks) === JSON.stringify(tracks) && now.last;
}, `a take with ${tracks}`, 20_000).catch(async (error) => {
  throw new Error(`${error.message}: ${JSON.stringify(await newest())}`);
});

let takes = [0];
test('a screen comes as a second picture of the same person: seen by the other, recorded in a take of three tracks', { timeout: 60_000 }, async () => {
  takes.push(await until_tracks(['audio 0', 'video 1'], 0));
  const mid = await anna.do('share');
  await ben.flowing('down', { videos: 2 });
  takes.push(await until_tracks(['audio 0', 'video 1', `video ${mid}`], takes.at(-1)));
});

test('muting changes no track: the take goes on', { timeout: 60_000 }, async () => {
  const { recgate_gate_closed_total } = await metrics(stage.daemon);
  await anna.do('toggle', 'muteAudio');
  await anna.do('toggle', 'muteVideo', '1');
  await sleep(3000);
  await anna.do('toggle', 'unmuteAudio');
  await anna.do('toggle', 'unmuteVideo', '1');
  await ben.flowing('down', { videos: 2 });
  assert.equal((await metrics(stage.daemon)).recgate_gate_closed_total, recgate_gate_closed_total);
});

test('the camera is taken off and put back by renegotiation: takes without and with it, the screen in all', { timeout: 60_000 }, async () => {
  await anna.do('change', [{ type: 'video', mid: '1', remove: true }]);
  takes.push(await until_tracks(['audio 0', 'video 2'], takes.at(-1)));
  await anna.do('change', [{ type: 'video', mid: '1', replace: true, capture: CAMERA, recv: false }]);
  await ben.flowing('down', { videos: 2 });
  takes.push(await until_tracks(['audio 0', 'video 1', 'video 2'], takes.at(-1)));
});

test('the export plays, with the camera and the screen each in a track of its own', { timeout: 60_000 }, async () => {
  await anna.client('leave');
  const file = await stage.export(SESSION, 'anna');
  assert.equal(await complaints(file), '');
  const { streams, duration_s } = await probe(file);
  assert.deepEqual(streams.map(({ codec_name }) => codec_name), ['opus', 'vp8', 'vp8']);
  const wide = (frame) => frame.width / frame.height > 1.5;
  const [camera, screen] = await shapes(file);
  assert.deepEqual([camera.filter(wide).length, screen.filter((frame) => !wide(frame)).length], [0, 0], 'neither shows in the other');
  console.log(`# ${duration_s} s, ${camera.length} frames of the camera, ${screen.length} of the screen`);
  assert.ok(camera.length > 60 && screen.length > 60, `${camera.length} and ${screen.length} frames`);
  assert.ok(camera.at(-1).t_s > duration_s - 3 && screen.at(-1).t_s > duration_s - 3, 'both to the end');
  assert.ok((await loudness(file)).length > 100 * (duration_s - 2), 'and the sound');
  for (const person of [anna, ben]) assert.deepEqual(await person.state('errors'), [], person.id);
});
