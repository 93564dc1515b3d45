// SPDX-License-Identifier: Apache-2.0
// An SFU that is ICE-lite: a second gate with two people behind it, the first of whom connects with it through the gate under test.
import assert from 'node:assert/strict';
import { Client } from '../integration/client.mjs';

/** anna's and ben's sockets at the SFU, and what carries descriptions between them. */
export async function behindSfu(sfu, room) {
  const [anna, ben] = [await Client.join(sfu, room, 'anna', 'client'), await Client.join(sfu, room, 'ben', 'client')];
  const ready = await anna.expect('peer.ready');
  const toSfu = (from, to, description) => from.send({ type: 'signal', to, call: ready.call, description });
  const fromSfu = async (who, type) => (await who.expect((message) => message.type === 'signal' && message.description.type === type, `the ${type}`)).description;
  return { anna, ben, toSfu, fromSfu, close: () => [anna, ben].forEach((one) => one.close()) };
}

/** A description given to the gate by the application's server. */
export async function relayTo(gate, body, at = '/v1/relays') {
  const answer = await gate.post(at, gate.token('any', 'backend', 'service'), body);
  assert.ok(answer.status < 300, JSON.stringify(answer.json));
  return answer.json;
}
