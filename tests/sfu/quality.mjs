// SPDX-License-Identifier: Apache-2.0
// How good is a recording of a known source (hooks.mjs)? Judged by the clock in its pictures, so that two recordings of one call are compared over the same time.
import { apart_s, complaints, frames, loudness } from '../browser/media.mjs';

const GAP_MS = 150; // four to five pictures at 30/s: what is shorter, a busy browser leaves by itself

const errors = async (file) => (await complaints(file, 'error')).split('\n').filter(Boolean);

/** {frames, gaps, largest_ms, gaps_ms, errors, apart_ms, worst_ms}; between: wall clock, ms; flashes: of __source. apart: the picture after the sound; undefined without flashes. */
export async function quality(file, between, flashes, video = 0) {
  const all = await frames(file, video);
  const list = all.filter(({ clock_ms }) => clock_ms >= between[0] && clock_ms <= between[1]);
  const pauses = list.slice(1).map(({ clock_ms }, i) => clock_ms - list[i].clock_ms).filter((ms) => ms > GAP_MS);
  const inside = flashes.filter(({ at }) => at > between[0] && at < between[1] && all.some(({ clock_ms }) => Math.abs(clock_ms - at) < 500));
  const apart = (inside.length > 0 ? apart_s(all, await loudness(file), inside) : []).filter(Number.isFinite).map((s) => Math.round(1000 * s)).sort((a, b) => a - b);
  return {
    frames: list.length,
    gaps: pauses.length,
    largest_ms: Math.max(0, ...pauses),
    gaps_ms: pauses.reduce((sum, ms) => sum + ms, 0),
    errors: await errors(file),
    apart_ms: apart[Math.floor(apart.length / 2)],
    worst_ms: apart.length > 0 ? Math.max(...apart.map(Math.abs)) : undefined,
  };
}
