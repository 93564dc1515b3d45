// SPDX-License-Identifier: Apache-2.0
// Somebody's Janus client over HTTP, as bare as can be: at the gate's /janus, or at a Janus that has it too.

export class JanusHttpClient {
  /** server: http://…/janus; token: in every request's JSON, and in the address of polls, as janus.js has it. */
  constructor(server, token) {
    Object.assign(this, { server, token, next: 1 });
  }

  /** {status, json, location} of whatever is asked. */
  async fetch(path, init = {}) {
    const answer = await fetch(this.server + path, { redirect: 'manual', ...init });
    const text = await answer.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: answer.status, json, location: answer.headers.get('location'), headers: answer.headers };
  }

  post(path, body, headers = {}) {
    return this.fetch(path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
  }

  /** The JSON that answers a request, to the server, the client's session or a handle of it. */
  async ask(message, path = '') {
    const { status, json } = await this.post(path, { transaction: `t${this.next++}`, ...(this.token ? { token: this.token } : {}), ...message });
    if (status !== 200) throw new Error(`${message.janus}: ${status} ${JSON.stringify(json)}`);
    return json;
  }

  async create() {
    const created = await this.ask({ janus: 'create' });
    if (created.janus !== 'success') throw new Error(JSON.stringify(created));
    this.id = created.data.id;
    this.path = `/${this.id}`;
    return this;
  }

  async attach(plugin) {
    const attached = await this.ask({ janus: 'attach', plugin: `janus.plugin.${plugin}` }, this.path);
    if (attached.janus !== 'success') throw new Error(JSON.stringify(attached));
    return attached.data.id;
  }

  /** The synchronous answer alone: an ack, where the plugin answers by an event. */
  say(handle, body, jsep) {
    return this.ask({ janus: 'message', body, ...(jsep ? { jsep } : {}) }, `${this.path}/${handle}`);
  }

  /** A long poll: {status, json}. */
  poll({ maxev, token = this.token, signal } = {}) {
    const query = new URLSearchParams({ ...(maxev === undefined ? {} : { maxev }), ...(token ? { token } : {}) });
    return this.fetch(`${this.path}?${query}`, { signal });
  }

  /** As say, and then the event that it led to. */
  async hear(handle, body, jsep) {
    const said = await this.say(handle, body, jsep);
    if (said.janus !== 'ack') return said;
    for (;;) {
      const { json } = await this.poll();
      if (json.transaction === said.transaction || json.janus === 'error') return json;
    }
  }
}
