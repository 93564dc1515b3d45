// SPDX-License-Identifier: Apache-2.0
// A joined person as light as 2,000 in one process must be: no log, no timer of their own, an answer goes to who waits for it.
import net from 'node:net';
import { OPCODE, upgrade } from '../../integration/client.mjs';

const ANSWER_MS = 30_000;

/** A masked text frame whose mask is zero: RFC 6455 section 5.3 wants a mask, here there is no proxy to protect. */
function textFrame(text) {
  const n = Buffer.byteLength(text);
  const head = n < 126 ? 6 : 8;
  const bytes = Buffer.alloc(head + n);
  bytes[0] = 0x80 | OPCODE.text;
  bytes[1] = 0x80 | (n < 126 ? n : 126);
  if (n >= 126) bytes.writeUInt16BE(n, 2);
  bytes.write(text, head);
  return bytes;
}

export class Person {
  /** @param {import('../../integration/daemon.mjs').Daemon} daemon @param {string} token */
  static async join(daemon, token) {
    const person = new Person();
    await person.#connect(daemon);
    await person.ask({ type: 'join', token });
    return person;
  }

  n = 0; // the gate's last number: a heartbeat's echo
  buffer = Buffer.alloc(0);
  asked = new Map(); // id -> who waits for the answer
  awaited = []; // [fits, resolve] of what comes unasked
  last_id = 0;

  async #connect(daemon) {
    const at = daemon.http.lastIndexOf(':');
    this.socket = net.connect({ host: daemon.http.slice(0, at), port: Number(daemon.http.slice(at + 1)), noDelay: true });
    this.socket.write(upgrade(daemon));
    await new Promise((resolve, reject) => {
      const onHead = (bytes) => {
        this.buffer = Buffer.concat([this.buffer, bytes]);
        const end = this.buffer.indexOf('\r\n\r\n');
        if (end < 0) return;
        const status = this.buffer.toString('latin1', 9, 12);
        this.socket.off('data', onHead);
        this.buffer = this.buffer.subarray(end + 4);
        this.socket.on('data', (more) => this.#read(more));
        if (status === '101') resolve();
        else reject(new Error(`upgrade: ${status}`));
      };
      this.socket.on('data', onHead).on('error', reject);
    });
  }

  #read(bytes) {
    let all = this.buffer.length ? Buffer.concat([this.buffer, bytes]) : bytes;
    while (all.length >= 2) {
      const short = all[1] & 127;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (all.length < head) break;
      const n = short < 126 ? short : short === 126 ? all.readUInt16BE(2) : Number(all.readBigUInt64BE(2));
      if (all.length < head + n) break;
      if ((all[0] & 15) === OPCODE.text) this.#message(JSON.parse(all.toString('utf8', head, head + n)));
      all = all.subarray(head + n);
    }
    this.buffer = all;
  }

  #message(message) {
    if (message.n !== undefined) this.n = message.n;
    if (message.type === 'peer.ready') this.call = message.call;
    const answer = message.re && this.asked.get(message.re);
    if (answer) {
      this.asked.delete(message.re);
      answer(message);
    }
    if (this.awaited.length === 0) return;
    const fitting = this.awaited.filter(([fits]) => fits(message));
    this.awaited = this.awaited.filter((one) => !fitting.includes(one));
    for (const [, resolve] of fitting) resolve(message);
  }

  #bounded(what, begin) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${what} within ${ANSWER_MS} ms`)), ANSWER_MS);
      begin((message) => {
        clearTimeout(timer);
        resolve(message);
      });
    });
  }

  send(message) { this.socket.write(textFrame(JSON.stringify(message))); }
  beat() { this.socket.write(textFrame(`{"type":"alive","echo":${this.n}}`)); }

  /** The next message that fits. */
  awaits(fits, what) { return this.#bounded(what, (resolve) => this.awaited.push([fits, resolve])); }

  /** Sends, and gives the answer, which must not be an error. */
  async ask(message) {
    const id = String(++this.last_id);
    const answered = this.#bounded(`answer to ${message.type}`, (resolve) => this.asked.set(id, resolve));
    this.send({ ...message, id });
    const answer = await answered;
    if (answer.type === 'error') throw new Error(`${message.type}: ${answer.code}: ${answer.message}`);
    return answer;
  }

  close() { this.socket.destroy(); }
}
