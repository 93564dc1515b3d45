// SPDX-License-Identifier: Apache-2.0
// A gate that reaches its SFU over a TURN server alone: the gate in one network namespace, the SFU in another, between them coturn from Debian in a
// third that forwards nothing. The test's own namespace has a cable to the gate and one to the SFU, for signalling and browsers.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../integration/daemon.mjs';

const PROGRAM = '/usr/bin/turnserver';
const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });

export const CAN_MAKE_NETWORKS = existsSync(PROGRAM) && process.getuid() === 0;

export class TurnNetwork {
  static REALM = 'turn.example';
  static USER = 'gate';
  static PASSWORD = 'of-the-gate';

  static async start() {
    const network = new TurnNetwork();
    try {
      network.#wire();
      await network.#serve();
    } catch (error) {
      await network.stop();
      throw error;
    }
    return network;
  }

  constructor() {
    const id = process.pid % 10_000;
    [this.gate, this.turn, this.sfu] = ['gate', 'turn', 'sfu'].map((name) => `rg-${name}-${id}`);
    this.names = [this.gate, this.turn, this.sfu];
    this.gateAddress = '10.78.1.2';
    this.sfuAddress = '10.78.3.2';
    this.turnAddress = '10.78.2.1';
  }

  #wire() {
    for (const name of this.names) {
      ip('netns', 'add', name);
      ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    this.#cable(1, null, this.gate);
    this.#cable(2, this.turn, this.gate);
    this.#cable(3, null, this.sfu);
    this.#cable(4, this.turn, this.sfu);
    ip('-n', this.turn, 'route', 'add', 'default', 'via', '10.78.4.2'); // coturn ends an allocation that once sends where no route goes
  }

  /** 10.78.N.1 at one end, 10.78.N.2 at the other; null: here. */
  #cable(n, one, other) {
    const ends = [[one, `rg${n}a`, 1], [other, `rg${n}b`, 2]];
    ip('link', 'add', ends[0][1], 'type', 'veth', 'peer', 'name', ends[1][1], 'netns', other);
    if (one) ip('link', 'set', ends[0][1], 'netns', one);
    for (const [name, device, end] of ends) {
      const at = name ? ['-n', name] : [];
      ip(...at, 'link', 'set', device, 'addrgenmode', 'none');
      ip(...at, 'addr', 'add', `10.78.${n}.${end}/24`, 'dev', device);
      ip(...at, 'link', 'set', device, 'up');
    }
  }

  async #serve() {
    this.place = mkdtempSync(path.join(tmpdir(), 'recgate-turn-'));
    this.process = spawn('ip', ['netns', 'exec', this.turn, PROGRAM, '-n', '--listening-ip', this.turnAddress, '--relay-ip', '10.78.4.1', '--lt-cred-mech',
      '--realm', TurnNetwork.REALM, '--user', `${TurnNetwork.USER}:${TurnNetwork.PASSWORD}`, '--no-tls', '--no-dtls', '--no-cli', '--no-tcp', '--simple-log',
      '--log-file', 'stdout', '--verbose', '--userdb', path.join(this.place, 'db'), '--pidfile', path.join(this.place, 'pid')], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.said = '';
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (bytes) => (this.said += bytes));
    this.ended = new Promise((resolve) => this.process.on('close', () => resolve((this.isOver = true))));
    await until(() => this.isOver || /UDP listener opened/.test(this.said), 'coturn', 10_000).catch((error) => { throw new Error(`${error.message}\n${this.said}`); });
    if (this.isOver) throw new Error(`coturn did not start: ${this.said}`);
  }

  async stop() {
    if (this.process && !this.isOver) this.process.kill('SIGKILL');
    await this.ended;
    if (this.place) rmSync(this.place, { recursive: true, force: true });
    for (const name of this.names) {
      try {
        ip('netns', 'del', name);
      } catch {
        continue; // never made
      }
    }
  }
}
