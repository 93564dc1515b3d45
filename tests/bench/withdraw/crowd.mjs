// SPDX-License-Identifier: Apache-2.0
// The daemon under its load: sessions of two joined people with their heartbeats, some of them with a real call that sends media.
import { readFileSync } from 'node:fs';
import { Daemon, scratch } from '../../integration/daemon.mjs';
import { Load } from '../relay/load.mjs';
import { BEFORE } from '../relay/shared.mjs';
import { Room } from './room.mjs';

const AT_ONCE = 16; // sessions being opened
const BEAT_MS = 1000;
const BEAT_SLICES = 50; // heartbeats are spread over their second
const RUN_MS = 24 * 3600 * 1000; // of media: until the end

export class Crowd {
  /** sessions of two; calls: how many of the rooms, the first ones, have a call. pps: packets a second of each of their people. */
  static async gather({ sessions, calls, pps, bytes, requests_max, segment_s }) {
    const crowd = new Crowd();
    try {
      await crowd.#start(sessions, { 'consent.requests_max': requests_max, 'recording.segment_s': segment_s });
      await crowd.#open(sessions);
      await crowd.#connect(calls, pps, bytes);
      return crowd;
    } catch (error) {
      await crowd.end();
      throw error;
    }
  }

  rooms = [];

  async #start(sessions, config) {
    this.place = scratch();
    this.daemon = await Daemon.start({
      place: this.place, before: BEFORE,
      config: {
        ...config, 'media.workers': 1, 'consent.heartbeat_ms': BEAT_MS, 'limits.sessions_max': sessions,
        'limits.sockets_max': 2 * sessions + 16, 'limits.sockets_per_address_max': 2 * sessions + 16,
      },
    });
  }

  async #open(sessions) {
    const secret = readFileSync(this.place.secret, 'utf8').trimEnd();
    this.#beat();
    let next = 0;
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      while (next < sessions) {
        const number = next++;
        this.rooms[number] = await Room.open(this.daemon, secret, number);
      }
    }));
  }

  #beat() {
    let slice = 0;
    this.heart = setInterval(() => {
      slice = (slice + 1) % BEAT_SLICES;
      for (let i = slice; i < this.rooms.length; i += BEAT_SLICES)
        for (const person of this.rooms[i]?.people() ?? []) person.beat();
    }, BEAT_MS / BEAT_SLICES);
  }

  async #connect(calls, pps, bytes) {
    this.load = new Load('webrtc', 2 * calls, 'gcm', Number(this.daemon.media.split(':').at(-1)));
    const { ends } = await this.load.next();
    const remotes = [];
    for (let i = 0; i < calls; i++) remotes.push(...(await this.rooms[i].call(ends[2 * i], ends[2 * i + 1])));
    this.load.tell({ connect: remotes });
    const { connected } = await this.load.next();
    if (connected !== ends.length) throw new Error(`only ${connected} of ${ends.length} ends connected`);
    this.load.tell({ run: { pps, ms: RUN_MS, warm_ms: 0, bytes } });
    await this.load.next();
  }

  get pid() { return this.daemon.pid; }

  /** Counters of the daemon's own, by name. */
  async metrics() {
    const { bytes } = await this.daemon.get('/metrics');
    return Object.fromEntries([...bytes.toString().matchAll(/^(recgate_\w+) (\S+)$/gm)].map(([, name, value]) => [name, Number(value)]));
  }

  /** The auditor's word on what is left (R22); ends the daemon. */
  async audit() {
    this.#disperse();
    await this.daemon.stop();
    const { status, output, error } = this.daemon.ctl('verify');
    if (status !== 0) throw new Error(`recgatectl verify: ${error}${output}`);
  }

  #disperse() {
    clearInterval(this.heart);
    for (const room of this.rooms) room?.close();
    this.rooms = [];
  }

  async end() {
    this.#disperse();
    await this.load?.kill();
    await this.daemon?.stop();
    this.place.remove();
  }
}
