// SPDX-License-Identifier: Apache-2.0
// A WHIP server (RFC 9725) whose SFU is a real Janus: each session is a publisher in a VideoRoom. Debian 12 has no WHIP server of its own.
import { createServer } from 'node:http';
import { JanusClient } from './client.mjs';

/** Somebody who talks to Janus itself, past the gate. */
export async function insideJanus(janus) {
  const client = await JanusClient.connect({ http: `127.0.0.1:${janus.port}`, scheme: 'http', base: `http://127.0.0.1:${janus.port}` });
  return client.create();
}

async function textOf(request) {
  let text = '';
  for await (const bytes of request) text += bytes;
  return text;
}

export class WhipServer {
  /** token: that it wants; answer: changes the SDP that it answers with. */
  static async start(janus, { token, room = 1234 } = {}) {
    const server = Object.assign(new WhipServer(), { janus, token, room, sessions: new Map(), seen: [], answer: (sdp) => sdp });
    server.http = createServer((request, response) => server.#serve(request, response).catch((error) => response.writeHead(500).end(error.message)));
    await new Promise((resolve) => server.http.listen(0, '127.0.0.1', resolve));
    server.base = `http://127.0.0.1:${server.http.address().port}`;
    return server;
  }

  async #serve(request, response) {
    const body = await textOf(request);
    this.seen.push({ method: request.method, path: request.url, type: request.headers['content-type'], authorization: request.headers.authorization });
    if (this.token && request.headers.authorization !== `Bearer ${this.token}`) return response.writeHead(401).end();
    if (this.busy) return response.writeHead(503).end();
    if (request.method === 'POST') return this.#publish(request.url, body, response);
    const session = this.sessions.get(request.url);
    if (request.method !== 'DELETE' || !session) return response.writeHead(404).end();
    this.sessions.delete(request.url);
    session.close();
    return response.writeHead(200).end();
  }

  async #publish(path, sdp, response) {
    await this.hold;
    const client = await insideJanus(this.janus);
    const handle = await client.attach('videoroom');
    const event = await client.say(handle, { request: 'joinandconfigure', ptype: 'publisher', room: this.room, display: path }, { type: 'offer', sdp });
    if (!event.jsep) {
      client.close();
      return response.writeHead(400).end(JSON.stringify(event.error ?? event.plugindata));
    }
    const location = `/session/${client.session_id}`;
    this.sessions.set(location, client);
    this.feed = event.plugindata.data.id;
    return response.writeHead(201, { 'content-type': 'application/sdp', location }).end(this.answer(event.jsep.sdp));
  }

  async stop() {
    for (const client of this.sessions.values()) client.close();
    await new Promise((resolve) => this.http.close(resolve));
  }
}
