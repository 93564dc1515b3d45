// SPDX-License-Identifier: Apache-2.0
// Many people withdraw, at a steady rate: of recordings that run, so that others begin elsewhere and the number of recordings stays; and of requests.
import { sleep } from '../../integration/daemon.mjs';
import { cpu_us } from '../relay/servers.mjs';
import { Crowd } from './crowd.mjs';
import { summary, threads_us, times } from './figures.mjs';

const EVERY = 20; // each so-many-th withdrawal is of a recording that runs
const SPARE_SHARE = 0.2; // calls that are not recorded, the next to be
const REQUESTS_MOST = 16; // what configuration allows a session (R4)
const SETTLE_MS = 8000; // until the recordings have committed segments

class Rush {
  done = []; // of each withdrawal {recording, gate_us, erased_us, seen_us, segments}
  late_ms = 0; // the load's own lateness
  skipped = 0; // nobody was ready to withdraw
  under_way = new Set();

  constructor(crowd, { recording, calls }) {
    this.recording = crowd.rooms.slice(0, recording);
    this.spare = crowd.rooms.slice(recording, calls);
    this.standing = crowd.rooms.slice(calls);
  }

  /** Runs beside the measurement; what fails ends it. */
  #beside(work) {
    const promise = work.catch((error) => { this.failed ??= error; }).finally(() => this.under_way.delete(promise));
    this.under_way.add(promise);
  }

  async prepare() {
    for (const room of this.standing) await room.stand(room.number % 3 === 2);
    for (const room of this.recording) await room.record();
    await sleep(SETTLE_MS);
  }

  /** The oldest take ends by withdrawal, another one begins elsewhere. */
  async #recording(k) {
    const room = this.recording.shift();
    const next = this.spare.shift();
    if (next) this.#beside(next.record().then(() => this.recording.push(next)));
    this.done.push({ recording: true, ...(await room.withdraw(room.people()[k % 2])) });
    if (room.requests < REQUESTS_MOST) this.spare.push(room);
  }

  /** By thirds: who asked, who has not answered yet, who has agreed. */
  async #standing() {
    const room = this.standing.shift();
    const third = room.number % 3;
    this.done.push({ recording: false, ...(await room.withdraw(third === 0 ? room.expert : room.client)) });
    if (room.requests >= REQUESTS_MOST) return;
    await room.stand(third === 2);
    this.standing.push(room);
  }

  async go({ rate, ms }) {
    const began_ms = performance.now(), count = Math.round(ms * rate / 1000);
    for (let k = 0; k < count && !this.failed; k++) {
      const due_ms = began_ms + k * 1000 / rate;
      if (due_ms > performance.now()) await sleep(due_ms - performance.now());
      this.late_ms = Math.max(this.late_ms, performance.now() - due_ms);
      const of_recording = k % EVERY === 0;
      if ((of_recording ? this.recording : this.standing).length === 0) this.skipped++;
      else this.#beside(of_recording ? this.#recording(k / EVERY) : this.#standing());
    }
    while (this.under_way.size > 0) await Promise.all(this.under_way);
    this.took_ms = performance.now() - began_ms;
    if (this.failed) throw this.failed;
  }
}

/** Audited at its end, as every test is (R22). */
export async function measureRush(load) {
  const calls = load.recording + Math.max(2, Math.round(SPARE_SHARE * load.recording));
  const crowd = await Crowd.gather({ ...load, calls, requests_max: REQUESTS_MOST, segment_s: 5 });
  try {
    const rush = new Rush(crowd, { recording: load.recording, calls });
    await rush.prepare();
    const [before, cpu_before, threads_before] = [await crowd.metrics(), cpu_us(crowd.pid), threads_us(crowd.pid)];
    await rush.go(load);
    const share = (used_us) => used_us / 1000 / rush.took_ms;
    const cpu = { all: share(cpu_us(crowd.pid) - cpu_before), threads: Object.fromEntries(Object.entries(threads_us(crowd.pid, threads_before)).map(([name, used_us]) => [name, share(used_us)])) };
    const after = await crowd.metrics();
    await crowd.audit();
    const recordings = rush.done.filter(({ recording }) => recording);
    const grown = (name) => after[`recgate_${name}_total`] - before[`recgate_${name}_total`];
    return {
      reached: 1000 * rush.done.length / rush.took_ms, skipped: rush.skipped, load_late_ms: rush.late_ms, open_gates: after.recgate_open_gates, cpu,
      committed: grown('segments_committed'), dropped: grown('segments_dropped'), recorded_packets: grown('recorded_packets'),
      purged: summary(recordings, 'segments'), all: times(rush.done), recordings: times(recordings),
    };
  } finally {
    await crowd.end();
  }
}
