// SPDX-License-Identifier: Apache-2.0
// A session of two: the expert who asks to record, and the client. What they do again and again, and how long a withdrawal took.
import { DISCLOSURE } from '../../integration/client.mjs';
import { forge } from '../../integration/daemon.mjs';
import { remote, sdp } from '../relay/shared.mjs';
import { Person } from './person.mjs';

const TOKEN_S = 7200;

export class Room {
  requests = 0; // made so far (R4)

  static async open(daemon, secret, number) {
    const room = new Room();
    room.number = number;
    const session = `bench-${number}`;
    const token = (sub, role) => forge({ aud: 'recgate', sid: session, sub, role, iat: Math.floor(Date.now() / 1000), exp: Math.floor(Date.now() / 1000) + TOKEN_S }, { secret });
    room.expert = await Person.join(daemon, token('a', 'expert'));
    room.client = await Person.join(daemon, token('b', 'client'));
    return room;
  }

  /** Two ends of the load become this session's call; gives what each needs of the gate. */
  async call(one, two) {
    const { expert, client } = this;
    const { call } = expert;
    const described = (person, what) => person.awaits(({ type, description }) => type === 'signal' && description, what);
    const [offered, answered] = [described(client, 'offer'), described(expert, 'answer')];
    expert.send({ type: 'signal', to: 'b', call, description: { type: 'offer', sdp: sdp(one, 'actpass') } });
    const offer = await offered;
    client.send({ type: 'signal', to: 'a', call, description: { type: 'answer', sdp: sdp(two, 'active') } });
    const answer = await answered;
    return [remote(answer.description), remote(offer.description)];
  }

  /** The expert asks, who withdrew the last time lifts their no first (R4). */
  async #ask() {
    if (this.refused) await this.refused.ask({ type: 'consent.offer' });
    this.refused = undefined;
    const { request, disclosure_sha256 } = await this.expert.ask({ type: 'recording.request', disclosure: DISCLOSURE });
    this.request = request;
    this.requests++;
    return { type: 'consent.grant', request, disclosure_sha256 };
  }

  /** A request that stands; answered: the client has agreed and asked for a pause, so that everybody's consent is there and the gate is closed (R14). */
  async stand(answered) {
    const grant = await this.#ask();
    if (!answered) return;
    await this.client.ask({ type: 'recording.pause' });
    await this.client.ask(grant);
  }

  /** Until the gate is open. */
  async record() {
    const grant = await this.#ask();
    const open = this.client.awaits(({ type, state }) => type === 'recording.state' && state === 'recording', 'open gate');
    await this.client.ask(grant);
    await open;
    this.since_ms = performance.now();
  }

  /** @param {Person} person of this room @returns {Promise<{gate_us: number, erased_us: number, seen_us: number, segments: number}>} */
  async withdraw(person) {
    const { request } = this;
    const sent_ms = performance.now();
    const { gate_closed_us, erased_us, purged } = await person.ask({ type: 'consent.withdraw', request });
    this.refused = person;
    return { gate_us: gate_closed_us, erased_us, seen_us: 1000 * (performance.now() - sent_ms), segments: purged.segments };
  }

  people() { return [this.expert, this.client]; }
  close() { for (const person of this.people()) person.close(); }
}
