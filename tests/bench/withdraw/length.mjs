// SPDX-License-Identifier: Apache-2.0
// Does an erase feel how long the recording is? Old and young recordings are withdrawn by turns, one after the other, by a daemon with nothing else to do.
import { sleep } from '../../integration/daemon.mjs';
import { Crowd } from './crowd.mjs';
import { summary, times } from './figures.mjs';

const PAIRS = 15;
const SHORT_MS = 3000;
const GAP_MS = 60;
const SEGMENT_S = 1; // the shortest: the most segments, four a second of two people's two tracks

export async function compareLengths({ pps, bytes, long_ms }) {
  const crowd = await Crowd.gather({ sessions: 2 * PAIRS, calls: 2 * PAIRS, pps, bytes, requests_max: 3, segment_s: SEGMENT_S });
  try {
    const [old, young] = [crowd.rooms.slice(0, PAIRS), crowd.rooms.slice(PAIRS)];
    for (const room of old) await room.record();
    await sleep(long_ms - SHORT_MS);
    for (const room of young) await room.record();
    await sleep(SHORT_MS);
    const sides = { long: [], short: [] };
    for (let i = 0; i < PAIRS; i++)
      for (const [side, room] of [['long', old[i]], ['short', young[i]]]) {
        sides[side].push(await room.withdraw(room.client));
        await sleep(GAP_MS);
      }
    await crowd.audit();
    return Object.fromEntries(Object.entries(sides).map(([side, list]) => [side, { segments: summary(list, 'segments'), ...times(list) }]));
  } finally {
    await crowd.end();
  }
}
