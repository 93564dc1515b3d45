// SPDX-License-Identifier: Apache-2.0
// A bad way between a browser and the gate, both ways: packets are lost and late, each by a seeded dice, and so overtake one another. In user space,
// because not every kernel has netem. The browser is led onto it by detour(), which gives the gate's candidates another port.
import { createSocket } from 'node:dgram';

const CLIENTS_MAX = 64;

/** mulberry32: the same seed, the same losses. */
function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class LossyWay {
  /** to: the gate's media port; loss: of 1; each packet is late by up to jitter_ms. */
  static async start({ to, loss = 0.05, jitter_ms = 50, seed = 1 }) {
    const way = new LossyWay();
    Object.assign(way, { to, loss, jitter_ms, random: dice(seed), clients: new Map(), passed: 0, lost: 0 });
    way.socket = createSocket('udp4');
    way.socket.on('message', (packet, from) => way.#carry(() => way.#client(from)?.send(packet)));
    await new Promise((resolve) => way.socket.bind(0, '0.0.0.0', resolve));
    way.port = way.socket.address().port;
    return way;
  }

  #carry(send) {
    if (this.random() < this.loss) {
      this.lost++;
      return;
    }
    this.passed++;
    setTimeout(() => this.isOver || send(), this.random() * this.jitter_ms);
  }

  /** One socket towards the gate for each address of a browser's. */
  #client({ address, port }) {
    const name = `${address}:${port}`;
    if (this.clients.has(name) || this.clients.size >= CLIENTS_MAX) return this.clients.get(name);
    const socket = createSocket('udp4');
    const client = { socket, waiting: [], send: (packet) => (client.isReady ? socket.send(packet) : client.waiting.push(packet)) };
    socket.on('message', (packet) => this.#carry(() => this.socket.send(packet, port, address)));
    socket.on('error', () => {}); // the gate has ended: what is on its way is lost as well
    socket.connect(this.to, '127.0.0.1', () => {
      client.isReady = true;
      for (const packet of client.waiting.splice(0)) socket.send(packet);
    });
    this.clients.set(name, client);
    return client;
  }

  end() {
    this.isOver = true;
    for (const { socket } of this.clients.values()) socket.close();
    this.socket.close();
  }
}

/** Runs in the page, before its own scripts: what the gate says is at port `from` is looked for at port `to`. */
export function detour({ from, to }) {
  const real = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (description, ...more) {
    const sdp = description.sdp?.replaceAll(` ${from} typ `, ` ${to} typ `);
    return real.call(this, { type: description.type, sdp }, ...more);
  };
}
