// SPDX-License-Identifier: Apache-2.0
// Somebody's Janus client, as bare as can be: what it sends goes to the gate's /janus as it is.
import { Client } from '../integration/client.mjs';

export class JanusClient extends Client {
  /** token: in every request as janus.js does it; inUrl: in the address instead. */
  static async connect(daemon, { token, inUrl, ...options } = {}) {
    const client = new JanusClient(daemon);
    client.token = token;
    await client.handshake({ path: inUrl ? `/janus?token=${inUrl}` : '/janus', protocol: 'janus-protocol', ...options });
    return client;
  }

  /** Sends with a transaction and gives the first answer to it. */
  ask(message, ms) {
    const transaction = `t${this.next_id++}`;
    this.send({ transaction, ...(this.token ? { token: this.token } : {}), ...message });
    return this.expect((answer) => answer.transaction === transaction, `an answer to ${message.janus}`, ms);
  }

  /** With a Janus session of its own. */
  async create() {
    const created = await this.ask({ janus: 'create' });
    if (created.janus !== 'success') throw Object.assign(new Error(JSON.stringify(created)), { answer: created });
    this.session_id = created.data.id;
    return this;
  }

  async attach(plugin) {
    const attached = await this.ask({ janus: 'attach', session_id: this.session_id, plugin: `janus.plugin.${plugin}` });
    if (attached.janus !== 'success') throw Object.assign(new Error(JSON.stringify(attached)), { answer: attached });
    return attached.data.id;
  }

  /** A message to a plugin: its error, or its event, which comes after an ack. */
  async say(handle_id, body, jsep) {
    const transaction = `t${this.next_id++}`;
    this.send({ janus: 'message', transaction, session_id: this.session_id, handle_id, body, ...(jsep ? { jsep } : {}), ...(this.token ? { token: this.token } : {}) });
    return this.expect((answer) => answer.transaction === transaction && answer.janus !== 'ack', `an event after ${body.request}`, 5000);
  }
}
