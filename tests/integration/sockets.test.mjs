// SPDX-License-Identifier: Apache-2.0
// Sockets that outlive what they belonged to: they withdraw when their session is long over (R6, R15). And answers that outlive their sockets: they go to
// nobody else (fault 21, R24).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, DISCLOSURE, record } from './client.mjs';
import { SLOW, sleep, until } from './daemon.mjs';
import { Shim } from './shim.mjs';
import { usage } from './usage.mjs';

const BOUND = { timeout: 20_000 * SLOW }; // a daemon that reads what it has freed may answer nobody any more
let sessions = 0;
const fresh = () => `sockets-${++sessions}`;

describe('a page left open after the call', () => {
  const IDLE_S = 3601; // a session that nobody is in is forgotten after an hour
  let shim, daemon, hours = 0;
  before(async () => {
    shim = new Shim();
    daemon = await shim.start({ config: { 'consent.heartbeat_ms': 200 } });
  });
  after(async () => assert.deepEqual(await shim.end(), { code: 0, signal: null }));

  /** An hour passes; then somebody comes into another session, which is when idle ones are forgotten. */
  async function an_hour_later() {
    shim.ahead(IDLE_S * ++hours);
    (await Client.join(daemon, fresh(), 'carl', 'expert')).close();
  }

  async function recorded() {
    const session = fresh();
    const anna = await Client.join(daemon, session, 'anna', 'expert');
    const ben = await Client.join(daemon, session, 'ben', 'client');
    await record(anna, [ben]);
    await ben.state('recording');
    return { session, anna, ben };
  }

  const in_memory = async (session) => {
    const service = daemon.token('any', 'platform', 'service');
    return (await daemon.get(`/v1/sessions/${session}`, service, { method: 'DELETE' })).json.code === 'session_live';
  };

  test('withdraws after an hour where the session was ended for everybody', BOUND, async () => {
    const { session, anna, ben } = await recorded();
    await anna.request({ type: 'session.end' });
    await ben.expect('session.ended');
    anna.close();
    await an_hour_later();
    const done = await ben.request({ type: 'consent.withdraw' });
    assert.equal(done.type, 'consent.withdrawn');
    assert.equal(done.receipt.pii_principal_id, 'ben');
    assert.equal(done.receipt.session, session);
    assert.ok(await in_memory(session), 'its socket is still there');
    ben.close();
  });

  test('withdraws after an hour where another window took over and left', BOUND, async () => {
    const { session, anna, ben } = await recorded();
    const again = await Client.join(daemon, session, 'ben', 'client');
    await ben.expect('replaced');
    ben.quiet();
    await Promise.all([again.leave(), anna.leave()]);
    await an_hour_later();
    assert.equal((await ben.request({ type: 'consent.withdraw' })).type, 'consent.withdrawn');
    ben.close();
  });

  test('may be closed after an hour, and only then is the session forgotten', BOUND, async () => {
    const { session, anna, ben } = await recorded();
    await anna.request({ type: 'session.end' });
    await ben.expect('session.ended');
    await an_hour_later();
    assert.ok(await in_memory(session));
    anna.close();
    ben.close();
    await until(async () => !(await in_memory(session)), 'the session to be forgotten');
  });
});

// The memory of a socket that closed is the next one's, as often as not: of so many, some meet. (Not with ASan, which gives no memory out again so soon.)
describe('an answer that waits for the disk while its socket closes', () => {
  const PEOPLE = 16;
  let shim, daemon;
  before(async () => {
    shim = new Shim();
    daemon = await shim.start();
  });
  after(async () => assert.deepEqual(await shim.end(), { code: 0, signal: null }));

  /** The disk stands still while each of `people` asks and is gone; what sockets get that came after them and asked for nothing. */
  async function strangers_get(people, ask) {
    shim.stall(true);
    (await Client.join(daemon, 'stalls', 'dora', 'expert')).close(); // its leaf is what the disk is busy with
    const strangers = [];
    for (const one of people) {
      ask(one);
      await sleep(10);
      one.close();
      await sleep(10);
      strangers.push(await Client.open(daemon), await Client.open(daemon));
    }
    shim.stall(false);
    await Client.join(daemon, fresh(), 'emil', 'expert').then((last) => last.close()); // everything before it has been answered
    const got = strangers.flatMap(({ log }) => log.filter(({ code }) => code !== 'join_timeout'));
    strangers.forEach((one) => one.close());
    return got;
  }

  test('lets nobody else in as its sender (fault 21)', BOUND, async () => {
    await Client.join(daemon, 'stalls', 'carl', 'client');
    const tokens = Array.from({ length: PEOPLE }, () => daemon.token(fresh(), 'ben', 'client'));
    const people = await Promise.all(tokens.map(() => Client.open(daemon)));
    assert.deepEqual(await strangers_get(people, (one) => one.send({ type: 'join', token: tokens.pop() })), []);
  });

  test('hands nobody else its withdraw_key (R24)', BOUND, async () => {
    const people = [];
    for (let i = 0; i < PEOPLE; i++) people.push(await Client.join(daemon, fresh(), 'anna', 'expert'));
    assert.deepEqual(await strangers_get(people, (one) => one.send({ type: 'recording.request', disclosure: DISCLOSURE })), []);
  });

  const keeps_freed = SLOW > 1 && 'sanitizers keep what was freed';
  test('and whatever it brings beside its token is not kept until then', { ...BOUND, skip: keeps_freed }, async () => {
    const ben = await Client.open(daemon);
    const join = { type: 'join', token: daemon.token(fresh(), 'ben', 'client'), beside: 'x'.repeat(250_000) };
    const took = async (times) => {
      for (let i = 0; i < times; i++) ben.send(join);
      assert.equal((await ben.request({ type: 'alive' })).code, 'not_joined'); // by now all of it was read
      return usage(daemon.pid).rss_kib;
    };
    shim.stall(true);
    (await Client.join(daemon, 'stalls', 'dora', 'expert')).close();
    const before = await took(5);
    assert.ok(await took(50) < before + 4096, 'of 12 MB');
    shim.stall(false);
    await ben.expect('joined');
    ben.close();
  });
});
