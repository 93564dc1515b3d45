// SPDX-License-Identifier: Apache-2.0
// The servers that are measured, each behind the same few verbs: start, gather the people (where a server knows people), describe how the ends connect,
// the process whose CPU counts, stop.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from '../../integration/client.mjs';
import { Daemon, forge, scratch } from '../../integration/daemon.mjs';
import { BEFORE, BUILD, describePairs, killed, remote, sdp } from './shared.mjs';

export const LOAD = path.join(BUILD, 'tests/bench/bench-load');
export const LOAD_CORE = '1';

/** CPU time of a process and all its threads that live, in microseconds. */
export function cpu_us(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const ns = threads.map((thread) => { try { return BigInt(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]); } catch { return 0n; } });
  return Number(ns.reduce((sum, one) => sum + one, 0n) / 1000n);
}

/** The same with the threads that have ended, in steps of 10 ms: a server may set calls up on threads that it ends. */
export function whole_cpu_us(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13).map(Number);
  return (user + system) * 10_000;
}

export function rss_kb(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

/** The floor: tests/bench/bare.c. */
export class Bare {
  static kind = 'bare';
  name = 'bare loop';

  async start({ ends, profile }) {
    this.process = spawn(BEFORE[0], [...BEFORE.slice(1), path.join(BUILD, 'tests/bench/bench-bare'), String(ends), profile], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.port = await new Promise((resolve, reject) => {
      this.process.stdout.on('data', (bytes) => resolve(Number(/bare ready (\d+)/.exec(bytes)?.[1])));
      this.process.on('close', () => reject(new Error('bench-bare ended')));
    });
  }

  get pid() { return this.process.pid; }
  async describe(ends) { return ends.map(() => ({})); }
  async stop() {
    await killed(this.process);
  }
}

/** The daemon itself, as it is installed: WebSocket, heartbeats and all. */
export class Recgate {
  static kind = 'webrtc';
  name = 'recgate';
  coalesce_us = 0;
  couples = []; // who have joined and negotiated nothing yet

  async start({ ends }) {
    this.clients = [];
    this.place = scratch();
    this.daemon = await Daemon.start({
      place: this.place, before: BEFORE,
      config: { 'media.workers': 1, 'media.coalesce_us': this.coalesce_us, 'limits.sessions_max': ends, 'limits.sockets_max': 2 * ends + 16, 'limits.sockets_per_address_max': 2 * ends + 16 },
    });
    this.port = Number(this.daemon.media.split(':').at(-1));
    this.secret = readFileSync(this.place.secret, 'utf8').trimEnd();
  }

  get pid() { return this.daemon.pid; }

  /** Made here: the daemon's tool would keep this process, and the heartbeats that it sends, waiting. */
  token(session, participant, role) {
    const now = Math.floor(Date.now() / 1000);
    return forge({ aud: 'recgate', sid: session, sub: participant, role, iat: now, exp: now + 3600 }, { secret: this.secret });
  }

  #join(session, participant, role) {
    return Client.join(this.daemon, session, participant, role, { token: this.token(session, participant, role) });
  }

  async #couple() {
    const session = `bench-${this.clients.length / 2}`;
    const [a, b] = [await this.#join(session, 'a', 'expert'), await this.#join(session, 'b', 'client')];
    this.clients.push(a, b);
    const [{ call }] = await Promise.all([a.expect('peer.ready'), b.expect('peer.ready')]);
    return { a, b, call };
  }

  /** The people of so many calls join ahead of describe. */
  async gather(calls) {
    while (this.couples.length < calls) this.couples.push(await this.#couple());
  }

  async #call(one, two) {
    const { a, b, call } = this.couples.shift() ?? await this.#couple();
    a.send({ type: 'signal', to: 'b', call, description: { type: 'offer', sdp: sdp(one, 'actpass') } });
    const offer = await b.expect('signal', 'a description', 10_000);
    b.send({ type: 'signal', to: 'a', call, description: { type: 'answer', sdp: sdp(two, 'active') } });
    const answer = await a.expect('signal', 'a description', 10_000);
    return [remote(answer.description), remote(offer.description)];
  }

  describe(ends) { return describePairs(ends, (...pair) => this.#call(...pair)); }

  async stop() {
    for (const client of this.clients) client.close();
    await this.daemon.stop();
    this.place.remove();
  }
}

/** The same, letting packets gather for up to 250 µs under load. */
export class RecgateCoalescing extends Recgate {
  name = 'recgate+250us';
  coalesce_us = 250;
}
