// SPDX-License-Identifier: Apache-2.0
// rtpengine from Debian in user space, behind the same verbs. It ungroups bundled sections and gives each a transport; one section that
// carries both payload types spares it that, so a call has two transports here as it has everywhere else.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { sleep } from '../../integration/daemon.mjs';
import { BEFORE, describePairs, killed, remote, sdpOfOneSection } from './shared.mjs';

const ANSWER_MS = 3000;
const MEDIA_PORTS = [30_000, 50_000];

/** Bencode, which rtpengine's control protocol is written in: byte strings, lists and dictionaries. */
const encode = (value) => (Array.isArray(value) ? `l${value.map(encode).join('')}e`
  : typeof value === 'object' ? `d${Object.entries(value).map(([key, one]) => encode(key) + encode(one)).join('')}e`
    : `${Buffer.byteLength(value)}:${value}`);

/** The byte string behind a key of an answer. */
function stringOf(text, key) {
  const at = text.indexOf(`${key.length}:${key}`);
  if (at < 0) return undefined;
  const [head, length] = /^(\d+):/.exec(text.slice(at + `${key.length}:${key}`.length)) ?? [];
  return head && text.slice(at + `${key.length}:${key}`.length + head.length).slice(0, Number(length));
}

export class Rtpengine {
  static kind = 'webrtc';
  static isHere = existsSync('/usr/bin/rtpengine');
  name = 'rtpengine';

  calls = 0;

  async start() {
    this.socket = createSocket('udp4');
    await new Promise((resolve) => this.socket.bind(0, '127.0.0.1', resolve));
    this.asked = new Map();
    this.socket.on('message', (bytes) => {
      const [cookie, ...rest] = bytes.toString().split(' ');
      this.asked.get(cookie)?.(rest.join(' '));
    });
    const probe = createSocket('udp4');
    this.control = await new Promise((resolve) => probe.bind(0, '127.0.0.1', () => resolve(probe.address().port)));
    await new Promise((resolve) => probe.close(resolve));
    const [from, to] = MEDIA_PORTS;
    this.process = spawn(BEFORE[0], [...BEFORE.slice(1), '/usr/bin/rtpengine', '--foreground', '--log-stderr', '--log-level=1', '--table=-1', '--interface=127.0.0.1',
      `--listen-ng=127.0.0.1:${this.control}`, `--port-min=${from}`, `--port-max=${to}`], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.said = '';
    this.process.stderr.on('data', (bytes) => (this.said = (this.said + bytes).slice(-2000)));
    this.port = 9; // each end has one of its own, from its description
    for (let times = 0; ; times += 1) {
      if (await this.#ask({ command: 'ping' }, 300).then(() => true, () => false)) return;
      if (times === 30) throw new Error(`rtpengine did not start: ${this.said}`);
      await sleep(100);
    }
  }

  get pid() { return this.process.pid; }

  #ask(message, ms = ANSWER_MS) {
    const cookie = Math.random().toString(36).slice(2);
    const answer = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`rtpengine did not answer ${message.command}: ${this.said}`)), ms);
      this.asked.set(cookie, (text) => {
        clearTimeout(late);
        this.asked.delete(cookie);
        if (stringOf(text, 'result') === 'error') reject(new Error(`rtpengine: ${text}`));
        else resolve(stringOf(text, 'sdp'));
      });
    });
    this.socket.send(`${cookie} ${encode(message)}`, this.control, '127.0.0.1');
    return answer;
  }

  async #call(one, two) {
    const call = { 'call-id': `bench-${this.calls++}`, ICE: 'force', DTLS: 'passive', 'rtcp-mux': ['accept', 'offer'], 'transport-protocol': 'UDP/TLS/RTP/SAVPF' };
    const offer = await this.#ask({ command: 'offer', 'from-tag': 'a', sdp: sdpOfOneSection(one, 'active'), ...call });
    const answer = await this.#ask({ command: 'answer', 'from-tag': 'a', 'to-tag': 'b', sdp: sdpOfOneSection(two, 'active'), ...call });
    return [remote({ sdp: answer }), remote({ sdp: offer })];
  }

  describe(ends) { return describePairs(ends, (...pair) => this.#call(...pair)); }

  async stop() {
    await killed(this.process, 'SIGKILL');
    await new Promise((resolve) => this.socket.close(resolve));
  }
}
