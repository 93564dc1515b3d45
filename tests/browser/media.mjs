// SPDX-License-Identifier: Apache-2.0
// Reads media files with ffmpeg: do they decode without a word, and what do they show? Knows the picture and sound of knownSource (hooks.mjs).
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const [WIDTH, HEIGHT] = [320, 240];
const RATE_HZ = 48_000;
const BOUND_MS = 90_000; // what takes longer hangs

/** {stdout, stderr} of a program that ends well. */
export const run = (command, args, encoding = 'utf8') => execute(command, args, { encoding, maxBuffer: 1 << 30, timeout: BOUND_MS, killSignal: 'SIGKILL' });

/** {streams: [{codec_name, codec_type, width, height}], duration_s} */
export async function probe(file) {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', file]);
  const { streams, format } = JSON.parse(stdout);
  return { streams, duration_s: Number(format.duration) };
}

/** What ffmpeg says at this level while decoding every frame: '' is what a good file gives. */
export async function complaints(file, level = 'warning') {
  const { stderr, message } = await run('ffmpeg', ['-nostdin', '-v', level, '-i', file, '-fps_mode', 'passthrough', '-enc_time_base', '-1', '-f', 'null', '-']).catch((failure) => failure);
  return (stderr || message || '').trim();
}

/** The sizes in which the picture is shown, one after the other: [{size: '640x480', frames, from_s}]. */
export async function sizes(file) {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'frame=best_effort_timestamp_time,width,height', '-of', 'csv=p=0', file]);
  const runs = [];
  for (const line of stdout.split('\n').filter(Boolean)) {
    const [at, width, height] = line.split(',');
    const size = `${width}x${height}`;
    if (runs.at(-1)?.size === size) runs.at(-1).frames++;
    else runs.push({ size, frames: 1, from_s: Number(at) });
  }
  return runs;
}

function clockOf(frame) {
  let clock = 0;
  for (let bit = 0; bit < 32; bit++) {
    const [x, y] = [(bit % 16) * 20 + 10, Math.floor(bit / 16) * 40 + 20];
    let sum = 0;
    for (const dy of [-6, 0, 6]) for (const dx of [-3, 0, 3]) sum += frame[(y + dy) * WIDTH + x + dx];
    if (sum / 9 > 128) clock += 2 ** bit;
  }
  return clock;
}

function brightnessOf(frame) {
  let sum = 0;
  for (let y = 100; y < HEIGHT; y += 4) for (let x = 0; x < WIDTH; x += 4) sum += frame[y * WIDTH + x];
  return sum / (((HEIGHT - 100) / 4) * (WIDTH / 4));
}

/** Every frame of one of its videos in order: {t_s: when it is shown, clock_ms: when it was drawn (wall clock, as Date.now()), flash}. */
export async function frames(file, video = 0) {
  const times = (await run('ffprobe', ['-v', 'error', '-select_streams', `v:${video}`, '-show_entries', 'frame=best_effort_timestamp_time', '-of', 'csv=p=0', file])).stdout
    .split('\n').map((line) => line.replace(/,.*/, '')).filter(Boolean).map(Number);
  const { stdout: raw } = await run('ffmpeg', ['-nostdin', '-v', 'error', '-i', file, '-map', `0:v:${video}`, '-fps_mode', 'passthrough', '-vf',
    `scale=${WIDTH}:${HEIGHT},format=gray`, '-f', 'rawvideo', 'pipe:1'], 'buffer');
  const size = WIDTH * HEIGHT;
  const era = Math.floor(Date.now() / 2 ** 32) * 2 ** 32;
  return Array.from({ length: Math.floor(raw.length / size) }, (_, i) => {
    const frame = raw.subarray(i * size, (i + 1) * size);
    return { t_s: times[i], clock_ms: era + clockOf(frame), flash: brightnessOf(frame) > 170 };
  });
}

/** Every frame of each stream of pictures, in order: [[{t_s, width, height}]]. */
export async function shapes(file) {
  const { streams } = await probe(file);
  const videos = streams.filter(({ codec_type }) => codec_type === 'video');
  return Promise.all(videos.map(async (_, i) => {
    const { stdout } = await run('ffprobe', ['-v', 'error', '-select_streams', `v:${i}`, '-show_entries', 'frame=best_effort_timestamp_time,width,height', '-of', 'json', file]);
    return JSON.parse(stdout).frames.map(({ best_effort_timestamp_time, width, height }) => ({ t_s: Number(best_effort_timestamp_time), width, height }));
  }));
}

/** Loudness of every 10 ms of the sound, placed by its timestamps: [{t_s, rms}]. */
export async function loudness(file) {
  const { stdout } = await run('ffmpeg', ['-nostdin', '-v', 'error', '-i', file, '-map', '0:a:0', '-af', 'aresample=async=1:first_pts=0', '-ac', '1', '-ar',
    String(RATE_HZ), '-f', 'f32le', 'pipe:1'], 'buffer');
  const samples = new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + (stdout.length & ~3)));
  const step = RATE_HZ / 100;
  return Array.from({ length: Math.floor(samples.length / step) }, (_, i) => {
    let sum = 0;
    for (let k = i * step; k < (i + 1) * step; k++) sum += samples[k] * samples[k];
    return { t_s: i / 100, rms: Math.sqrt(sum / step) };
  });
}

export const BEEP_RMS = 0.03; // Chromium's tone has 0.35, Firefox's 0.07, between them is silence

/** When each packet of a medium is played, in seconds: silence is sent as well. */
export async function packets_s(file, medium) {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-select_streams', `${medium[0]}:0`, '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', file]);
  return stdout.split('\n').map((line) => line.replace(/,.*/, '')).filter(Boolean).map(Number);
}

/** The longest pause between two packets. */
export const longestPause_ms = (times_s) => Math.round(1000 * times_s.slice(1).reduce((longest, time, i) => Math.max(longest, time - times_s[i]), 0));

/** Seconds at which `on(item)` turns true. */
export function onsets(items, on) {
  return items.filter((item, i) => on(item) && i > 0 && !on(items[i - 1])).map((item) => item.t_s);
}

/**
 * How much later the picture is shown than the sound, in seconds, at each flash (of __source.flashes, by the wall clock). The picture's place
 * is taken from the clocks in the frames around, so that a frame that a busy machine never encoded is not taken for a late one.
 */
export function apart_s(list, sound, flashes) {
  const beeps = onsets(sound, (one) => one.rms > BEEP_RMS);
  return flashes.filter(({ on }) => on).map(({ at }) => {
    const places = list.filter((frame) => Math.abs(frame.clock_ms - at) < 2000).map((frame) => frame.t_s - frame.clock_ms / 1000).sort((a, b) => a - b);
    const light_s = places[Math.floor(places.length / 2)] + at / 1000;
    const beep_s = beeps.reduce((best, beep) => (Math.abs(beep - light_s) < Math.abs(best - light_s) ? beep : best), Infinity);
    return light_s - beep_s;
  });
}

/** The longest pause between two frames, by the clock in the picture: what is missing, wherever it got lost. */
export function longestGap_ms(list) {
  return list.slice(1).reduce((longest, frame, i) => Math.max(longest, frame.clock_ms - list[i].clock_ms), 0);
}
