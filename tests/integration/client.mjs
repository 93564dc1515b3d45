// SPDX-License-Identifier: Apache-2.0
// A WebSocket client for tests (RFC 6455), on a bare TCP socket: it can also be silent, stop reading, vanish, or send nonsense.
import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import { SLOW } from './daemon.mjs';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** One masked frame, as a client must send it (RFC 6455 section 5.3). */
export function frame(opcode, payload, { fin = true, masked = true } = {}) {
  const body = Buffer.from(payload);
  const head = [(fin ? 0x80 : 0) | opcode];
  const mask = masked ? 0x80 : 0;
  if (body.length < 126) head.push(mask | body.length);
  else if (body.length < 65536) head.push(mask | 126, body.length >> 8, body.length & 255);
  else {
    const long = Buffer.alloc(8);
    long.writeBigUInt64BE(BigInt(body.length));
    head.push(mask | 127, ...long);
  }
  if (!masked) return Buffer.concat([Buffer.from(head), body]);
  const key = randomBytes(4);
  for (let i = 0; i < body.length; i++) body[i] ^= key[i & 3];
  return Buffer.concat([Buffer.from(head), key, body]);
}

function connectTo(daemon) {
  const at = daemon.http.lastIndexOf(':');
  const where = { host: daemon.http.slice(0, at).replace(/[[\]]/g, ''), port: Number(daemon.http.slice(at + 1)), rejectUnauthorized: false };
  return daemon.scheme === 'https' ? tls.connect(where) : net.connect(where);
}

/** Raw HTTP: sends text, gives the answer's head as soon as it is there ('' when the other side just closes). */
export function exchange(daemon, text, ms = 3000) {
  return new Promise((resolve) => {
    const socket = connectTo(daemon);
    let got = '';
    const done = () => {
      socket.destroy();
      resolve(got);
    };
    const timer = setTimeout(done, ms * SLOW);
    socket.on('data', (bytes) => {
      got += bytes.toString('latin1');
      if (got.includes('\r\n\r\n')) done();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(got);
    });
    socket.write(text);
  });
}

export function upgrade(daemon, { path = '/v1/ws', origin = daemon.base, protocol = 'recgate.v1', key = randomBytes(16).toString('base64'), extra = '' } = {}) {
  return [
    `GET ${path} HTTP/1.1`, `Host: ${daemon.http}`, 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`, ...(protocol ? [`Sec-WebSocket-Protocol: ${protocol}`] : []), ...(origin ? [`Origin: ${origin}`] : []),
    ...(extra ? [extra] : []), '', '',
  ].join('\r\n');
}

export class Client {
  /** An open WebSocket that has not joined. */
  static async open(daemon, options = {}) {
    const client = new Client(daemon);
    await client.handshake(options);
    return client;
  }

  /** A participant: joined, and sending heartbeats from then on unless options.silent. */
  static async join(daemon, session, participant, role, options = {}) {
    const token = options.token ?? daemon.token(session, participant, role, options); // first: a slow machine makes one in seconds, and a socket must join within five
    const client = await Client.open(daemon, options);
    client.joined = await client.request({ type: 'join', token });
    if (client.joined.type !== 'joined') throw Object.assign(new Error(`join: ${JSON.stringify(client.joined)}`), { answer: client.joined });
    client.id = participant;
    if (!options.silent) client.beat(client.joined.heartbeat_ms);
    return client;
  }

  constructor(daemon) {
    this.daemon = daemon;
    this.log = []; // every message, with `at`: milliseconds of the monotonic clock
    this.number = 0; // the last n of the gate (R10)
    this.waiting = new Set();
    this.next_id = 1;
  }

  handshake(options) {
    const key = randomBytes(16).toString('base64');
    const accept = createHash('sha1').update(key + GUID).digest('base64');
    this.socket = connectTo(this.daemon);
    this.socket.setNoDelay(true);
    this.closed = new Promise((resolve) => this.socket.on('close', () => resolve(this.close_code ?? 'dropped')));
    this.socket.on('error', () => {});
    this.closed.then(() => {
      this.is_closed = true;
      this.quiet();
      this.#notify();
    });
    return new Promise((resolve, reject) => {
      let head = Buffer.alloc(0);
      const onData = (bytes) => {
        head = Buffer.concat([head, bytes]);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        const text = head.subarray(0, end).toString('latin1');
        const status = Number(text.split(' ')[1]);
        if (status !== 101 || !text.includes(accept)) {
          this.socket.destroy();
          reject(Object.assign(new Error(`upgrade: ${text.split('\r\n')[0]}`), { status }));
          return;
        }
        this.socket.off('data', onData);
        this.buffer = head.subarray(end + 4);
        this.socket.on('data', (more) => this.#read(more));
        this.#read(Buffer.alloc(0));
        resolve();
      };
      this.socket.on('data', onData);
      this.closed.then(() => reject(Object.assign(new Error('upgrade: closed'), { status: 0 })));
      this.socket.write(upgrade(this.daemon, { ...options, key }));
    });
  }

  #read(bytes) {
    this.buffer = Buffer.concat([this.buffer, bytes]);
    for (;;) {
      if (this.buffer.length < 2) return;
      let length = this.buffer[1] & 127;
      let head = 2;
      if (length === 126) [length, head] = [this.buffer.length >= 4 ? this.buffer.readUInt16BE(2) : Infinity, 4];
      else if (length === 127) [length, head] = [this.buffer.length >= 10 ? Number(this.buffer.readBigUInt64BE(2)) : Infinity, 10];
      if (this.buffer.length < head + length) return;
      const payload = this.buffer.subarray(head, head + length);
      this.#frame(this.buffer[0] & 15, this.buffer[0] >> 7, Buffer.from(payload));
      this.buffer = this.buffer.subarray(head + length);
    }
  }

  #frame(opcode, fin, payload) {
    if (opcode === OPCODE.close) {
      this.close_code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.socket.end(frame(OPCODE.close, payload.subarray(0, 2)));
    } else if (opcode === OPCODE.ping) this.socket.write(frame(OPCODE.pong, payload));
    else if (opcode === OPCODE.text || opcode === 0) {
      this.partial = opcode === 0 ? Buffer.concat([this.partial, payload]) : payload;
      if (!fin) return;
      const message = { ...JSON.parse(this.partial.toString('utf8')), at: performance.now() };
      if (typeof message.n === 'number') this.number = message.n;
      this.log.push(message);
      this.#notify();
    }
  }

  #notify() {
    for (const look of [...this.waiting]) look();
  }

  raw(bytes) { this.socket.write(bytes); }
  text(string) { this.raw(frame(OPCODE.text, string)); }
  send(message) { this.text(JSON.stringify(message)); }

  /** Sends with an id and gives the answer, be it an error. */
  request(message, ms) {
    const id = `t${this.next_id++}`;
    this.send({ ...message, id });
    return this.expect((answer) => answer.re === id, `an answer to ${message.type}`, ms);
  }

  /** The first message that fits: of those from `since` (an index of log) on, or one still to come. */
  expect(fits, what = String(fits), ms = 3000, since = 0) {
    const test = typeof fits === 'string' ? (message) => message.type === fits : fits;
    return new Promise((resolve, reject) => {
      let timer;
      const look = () => {
        const found = this.log.slice(since).find(test);
        if (!found && !this.is_closed) return;
        this.waiting.delete(look);
        clearTimeout(timer);
        if (found) resolve(found);
        else reject(new Error(`closed while waiting for ${what}; got ${JSON.stringify(this.log.slice(-5))}`));
      };
      timer = setTimeout(() => {
        this.waiting.delete(look);
        reject(new Error(`waited ${ms * SLOW} ms for ${what}; got ${JSON.stringify(this.log.slice(-5))}`));
      }, ms * SLOW);
      this.waiting.add(look);
      look();
    });
  }

  /** recording.state of that state, from now on or since the index given. */
  state(state, { since = 0, ms } = {}) {
    return this.expect((message) => message.type === 'recording.state' && message.state === state, `recording.state ${state}`, ms, since);
  }

  /** Where log stands: for `since`. */
  mark() { return this.log.length; }

  beat(every_ms) {
    this.quiet();
    this.heart = setInterval(() => this.send({ type: 'alive', echo: this.number }), every_ms);
    this.heart.unref(); // a test that failed must not be kept alive by its people
  }
  quiet() { clearInterval(this.heart); }

  async leave() {
    this.quiet();
    this.send({ type: 'leave' });
    return this.closed;
  }
  /** TCP reset: the socket is lost without a word. */
  reset() {
    this.quiet();
    this.socket.resetAndDestroy();
  }
  close() {
    this.quiet();
    this.socket.destroy();
  }
}

export const DISCLOSURE = Object.freeze({
  purpose: 'education', use: 'Shown in a seminar on interviewing, twice.', storage: 'Encrypted on the clinic’s own machine.',
  access: ['Dr. Example', 'her two trainees'], third_parties: [], retention_s: 86_400, on_withdrawal: 'session', language: 'en',
});

/** asker asks, everybody else in `others` grants; gives {request, disclosure_sha256, grants}. */
export async function record(asker, others, disclosure = {}, media) {
  const asked = await asker.request({ type: 'recording.request', disclosure: { ...DISCLOSURE, ...disclosure } });
  if (asked.type !== 'recording.requested') throw new Error(`request: ${JSON.stringify(asked)}`);
  const grants = [];
  for (const other of others) {
    await other.expect((message) => message.type === 'consent.ask' && message.request === asked.request, 'consent.ask');
    grants.push(await other.request({ type: 'consent.grant', request: asked.request, disclosure_sha256: asked.disclosure_sha256, media }));
  }
  return { ...asked, grants };
}
