// SPDX-License-Identifier: Apache-2.0
// Does recording slow others down? The real daemon relays calls that nobody records, whose packets' latency counts, beside calls with true media that
// are recorded, or not. The difference in the daemon's CPU is what recording costs there, sockets and consent core included.
import { record } from '../../integration/client.mjs';
import { sleep, until } from '../../integration/daemon.mjs';
import { Load } from '../relay/load.mjs';
import { Recgate, cpu_us } from '../relay/servers.mjs';

const PPS = 150; // of the ends whose latency counts, as in relay.mjs
const PACKET_BYTES = 1100;
const SETTLE_MS = 500;
const KEPT_MS = 10_000;

/** Every one of these sessions has committed video: a recorder that takes nothing would slow nobody down. */
async function mustHaveRecorded(server, first, sessions) {
  for (let i = first; i < first + sessions; i++)
    await until(async () => {
      const { status, json } = await server.daemon.get(`/v1/sessions/bench-${i}/segments`, server.token(`bench-${i}`, 'auditor', 'auditor'));
      return status === 200 && json.some(({ state, medium }) => state === 'kept' && medium === 'video');
    }, `a kept segment of session ${i}`, KEPT_MS);
}

async function connect(server, ends) {
  const load = new Load('webrtc', ends, 'gcm', server.port);
  const said = await load.next();
  load.tell({ connect: await server.describe(said.ends) });
  const { connected } = await load.next();
  if (connected !== ends) throw new Error(`only ${connected} of ${ends} ends connected`);
  return load;
}

/** {p50_us, p99_us, lost, cpu_us, late_ms}: of calls that nobody records, beside so many in which both sides send true media. */
export async function measureLatency(calls, recorded, recording, { clip, warm_ms, ms }) {
  const server = new Recgate();
  await server.start({ ends: 2 * (calls + recorded) });
  const loads = [];
  try {
    const quiet = await connect(server, 2 * calls);
    loads.push(quiet);
    const taped = await connect(server, 2 * recorded);
    loads.push(taped);
    const people = server.clients.slice(2 * calls);
    if (recording)
      for (let i = 0; i < people.length; i += 2) {
        await record(people[i], [people[i + 1]]);
        await people[i].state('recording');
      }
    // Both loads begin at once; the true media goes on while the other is measured.
    taped.tell({ play: { clip, senders: 2 * recorded, warm_ms: warm_ms + SETTLE_MS, ms: ms + SETTLE_MS } });
    await sleep(SETTLE_MS);
    quiet.tell({ run: { pps: PPS, ms, warm_ms, bytes: PACKET_BYTES } });
    await quiet.next();
    const from_us = cpu_us(server.pid);
    await quiet.next();
    const used_us = cpu_us(server.pid) - from_us;
    const { sent, received, latency_us, late_ms } = await quiet.next();
    for (let lines = 0; lines < 2; lines++) await taped.next();
    const played = await taped.next();
    if (recording) await mustHaveRecorded(server, calls, recorded);
    return { p50_us: latency_us.p50, p99_us: latency_us.p99, lost: sent - received, cpu_us: used_us, late_ms, played_late_ms: played.late_ms };
  } finally {
    for (const load of loads) await load.end();
    await server.stop();
  }
}
