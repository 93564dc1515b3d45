// SPDX-License-Identifier: Apache-2.0
// Janus's own recording of what the gate forwards, to compare with. The gate refuses `record`, so this stands between the gate and Janus on their WebSocket, out
// of the gate's sight, and adds it to what goes to the EchoTest plugin: both record the same packets.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../browser/media.mjs';
import { WebSocket, WebSocketServer } from '../browser/node_modules/ws/wrapper.mjs';

const POST = '/usr/bin/janus-pp-rec'; // Debian's janus-tools
export const CAN_PLAY_TAPES = existsSync(POST);

export class Taping {
  static async start(janus) {
    const taping = new Taping();
    taping.place = mkdtempSync(path.join(tmpdir(), 'recgate-tapes-'));
    taping.tapes = new Map(); // handle -> path without ending
    taping.server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'janus-protocol' });
    taping.server.on('connection', (gate) => taping.#join(gate, new WebSocket(janus, 'janus-protocol')));
    await new Promise((resolve) => taping.server.on('listening', resolve));
    taping.ws = `ws://127.0.0.1:${taping.server.address().port}`;
    return taping;
  }

  #join(gate, janus) {
    const early = [];
    gate.on('message', (text) => (janus.readyState === WebSocket.OPEN ? janus.send(this.#record(text)) : early.push(text)));
    janus.on('open', () => early.splice(0).forEach((text) => janus.send(this.#record(text))));
    janus.on('message', (text) => gate.send(text.toString()));
    for (const [one, other] of [[gate, janus], [janus, gate]]) {
      one.on('close', () => other.close());
      one.on('error', () => other.terminate());
    }
  }

  #record(text) {
    const message = JSON.parse(text);
    if (message.janus !== 'message' || !message.jsep) return text.toString();
    const tape = path.join(this.place, String(message.handle_id));
    this.tapes.set(message.handle_id, tape);
    return JSON.stringify({ ...message, body: { ...message.body, record: true, filename: tape } });
  }

  /** What janus-pp-rec makes of a handle's tapes, joined as their headers say that they began: a file's path. */
  async play(handle) {
    const tape = this.tapes.get(handle), parts = [];
    for (const [medium, ending] of [['audio', 'opus'], ['video', 'webm']]) {
      const from = `${tape}-${medium}.mjr`, to = `${tape}.${ending}`;
      if (!existsSync(from)) continue;
      await run(POST, [from, to]);
      const bytes = readFileSync(from);
      parts.push({ to, began_us: JSON.parse(bytes.subarray(10, 10 + bytes.readUInt16BE(8))).u });
    }
    const first = Math.min(...parts.map(({ began_us }) => began_us));
    const inputs = parts.flatMap(({ to, began_us }) => ['-itsoffset', String((began_us - first) / 1e6), '-i', to]);
    await run('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...inputs, ...parts.flatMap((_, i) => ['-map', String(i)]), '-c', 'copy', `${tape}.mkv`]);
    return `${tape}.mkv`;
  }

  async end() {
    for (const socket of this.server.clients) socket.terminate();
    await new Promise((resolve) => this.server.close(resolve));
    rmSync(this.place, { recursive: true, force: true });
  }
}
