// SPDX-License-Identifier: Apache-2.0
// People in rooms of Janus without a browser, through the gate or past it: they send no media, and Janus counts them as it counts everybody.
import assert from 'node:assert/strict';
import { Client, record } from '../integration/client.mjs';
import { JanusClient } from './client.mjs';

/** Of one stage (app.mjs). */
export class Seats {
  constructor(stage) {
    this.stage = stage;
  }

  direct() {
    return JanusClient.connect({ http: `127.0.0.1:${this.stage.janus.port}`, base: 'http://127.0.0.1', scheme: 'http' }, { path: '/' });
  }

  through(session, id) {
    return JanusClient.connect(this.stage.daemon, { token: this.stage.daemon.token(session, id, 'client') });
  }

  /** Two people in a room through the gate, being recorded. */
  async recorded(session, room, plugin) {
    const anna = await Client.join(this.stage.daemon, session, 'anna', 'expert');
    const ben = await Client.join(this.stage.daemon, session, 'ben', 'client');
    const seats = [await enter(await this.through(session, 'anna'), room, { plugin }), await enter(await this.through(session, 'ben'), room, { plugin })];
    await record(anna, [ben]);
    for (const one of [anna, ben]) await one.state('recording');
    return { anna, ben, seats, end: () => [anna, ben, ...seats].forEach((one) => one.close()) };
  }
}

/** Somebody into a room; more: of the request. */
export async function enter(client, room, { plugin = 'videoroom', ...more } = {}) {
  await client.create();
  client.handle = await client.attach(plugin);
  client.joined = await client.say(client.handle, { request: 'join', ptype: 'publisher', room, display: 'x', ...more });
  assert.equal(client.joined.plugindata.data[plugin], 'joined', JSON.stringify(client.joined));
  return client;
}

/** A subscriber's handle: it gets this feed. */
export async function subscribe(client, room, how) {
  const handle = await client.attach('videoroom');
  const { plugindata } = await client.say(handle, { request: 'join', ptype: 'subscriber', room, ...how });
  assert.equal(plugindata.data.videoroom, 'attached', JSON.stringify(plugindata));
  return { handle, data: plugindata.data };
}

export const closes = (people, since, reason, ms = 1000) => Promise.all(people.map((one, i) => one.expect(
  (message) => message.type === 'recording.state' && message.state === 'suspended' && message.reason === reason, `suspended for ${reason}`, ms, since[i])));

/** What somebody was told of the recording since then: `state/reason`. */
export const states = (person, since) =>
  person.log.slice(since).filter(({ type }) => type === 'recording.state').map(({ state, reason }) => `${state}/${reason}`);
