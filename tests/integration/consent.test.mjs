// SPDX-License-Identifier: Apache-2.0
// The rules at the wire, without media: asking, answering, pausing, withdrawing, staying alive (R1-R4, R6-R8, R10, R12-R15; faults 22, 25-28).
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, DISCLOSURE, record } from './client.mjs';
import { Daemon, forge, sleep, SLOW } from './daemon.mjs';

const LEASE_MS = 1000 * SLOW;
const ABSENT_MS = 2500 * SLOW;

let daemon;
let sessions = 0;
const fresh = () => `consent-${++sessions}`;

before(async () => {
  daemon = await Daemon.start({
    config: {
      'consent.lease_ms': LEASE_MS, 'consent.heartbeat_ms': 200, 'consent.absent_ms': ABSENT_MS,
      'controller.name': 'Practice Example', 'controller.contact': 'privacy@practice.example',
    },
  });
});
after(() => daemon.end());

async function people(session = fresh(), ...more) {
  const anna = await Client.join(daemon, session, 'anna', 'expert', { name: 'Anna' });
  const ben = await Client.join(daemon, session, 'ben', 'client', { name: 'Ben' });
  const others = [];
  for (const id of more) others.push(await Client.join(daemon, session, id, 'client'));
  return { session, anna, ben, others, all: [anna, ben, ...others] };
}

async function recorded(disclosure, ...more) {
  const call = await people(fresh(), ...more);
  const asked = await record(call.anna, [call.ben, ...call.others], disclosure);
  for (const one of call.all) await one.state('recording');
  return { ...call, ...asked };
}

const close = (call) => call.all.forEach((one) => one.close());
const ask = (who, change = {}) => who.request({ type: 'recording.request', disclosure: { ...DISCLOSURE, ...change } });
const last = (who) => who.log.filter((message) => message.type === 'recording.state').at(-1)?.state;

function filesUnder(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? filesUnder(path.join(dir, entry.name)) : [entry.name]));
}

async function refused(promise, code) {
  const answer = await promise;
  assert.equal(answer.type, 'error', JSON.stringify(answer));
  assert.equal(answer.code, code, JSON.stringify(answer));
  assert.ok(answer.message.length > 5);
  return answer;
}

describe('asking', { concurrency: 4 }, () => {
  test('an incomplete disclosure is refused, naming the field (R1)', async () => {
    const call = await people();
    for (const field of ['purpose', 'use', 'storage', 'access', 'third_parties', 'retention_s', 'on_withdrawal', 'language']) {
      const answer = await ask(call.anna, { [field]: undefined });
      assert.equal(answer.type, 'error', field);
      assert.ok(answer.message.includes(field), `${field}: ${answer.message}`);
    }
    for (const bad of [{ purpose: 'fun' }, { purpose: 'other' }, { use: '' }, { access: [] }, { retention_s: 0 }, { retention_s: -1 }, { on_withdrawal: 'never' }])
      assert.equal((await ask(call.anna, bad)).type, 'error', JSON.stringify(bad));
    assert.equal(last(call.ben), undefined, 'nobody was asked');
    close(call);
  });

  test('the letter says what R1 demands, and who is responsible', async () => {
    const call = await people();
    const asked = await ask(call.anna, { purpose: 'other', purpose_text: 'A film about conversations' });
    assert.equal(asked.type, 'recording.requested');
    const letter = await call.ben.expect('consent.ask');
    assert.equal(letter.request, asked.request);
    assert.equal(letter.from, 'anna');
    assert.equal(letter.disclosure_sha256, asked.disclosure_sha256);
    assert.match(asked.disclosure_sha256, /^[0-9a-f]{64}$/);
    assert.equal(letter.disclosure.purpose_text, 'A film about conversations');
    assert.equal(letter.disclosure.use, DISCLOSURE.use);
    for (const word of ['Practice Example', 'privacy@practice.example', call.session]) assert.ok(JSON.stringify(letter.disclosure).includes(word), word);
    assert.ok(letter.message.length > 200);
    assert.equal(last(call.ben), 'asking');
    close(call);
  });

  test('only the roles of the configuration may ask (R2)', async () => {
    const call = await people();
    await refused(ask(call.ben), 'role_may_not_ask');
    close(call);
  });

  test('one request at a time, three a session (R4)', async () => {
    const call = await people();
    for (let i = 0; i < 3; i++) {
      assert.equal((await ask(call.anna)).type, 'recording.requested');
      await refused(ask(call.anna), 'request_pending');
      assert.equal((await call.anna.request({ type: 'recording.stop' })).type === 'error', false, 'the asker takes it back');
    }
    await refused(ask(call.anna), 'request_limit');
    close(call);
  });

  test('silence is not consent (R4, R7; fault 22)', async () => {
    const call = await people(undefined, 'cleo');
    const asked = await ask(call.anna);
    await call.ben.request({ type: 'consent.grant', request: asked.request, disclosure_sha256: asked.disclosure_sha256 });
    const state = await call.anna.expect((message) => message.type === 'consent.state' && message.granted.includes('ben'));
    assert.deepEqual(state.granted.sort(), ['anna', 'ben']);
    assert.deepEqual(state.waiting, ['cleo']);
    await sleep(2000);
    for (const one of call.all) assert.ok(!one.log.some((message) => message.type === 'recording.state' && message.state === 'recording'));
    close(call);
  });
});

describe('answering', { concurrency: 4 }, () => {
  test('everybody agreed: recording, and a receipt for each (R2, R7, R24)', async () => {
    const call = await people();
    const { grants, request } = await record(call.anna, [call.ben]);
    assert.equal(grants[0].type, 'consent.recorded');
    assert.ok(grants[0].receipt);
    assert.ok(grants[0].withdraw_key.length >= 16);
    for (const one of call.all) {
      const state = await one.state('recording');
      assert.equal(state.request, request);
      assert.ok(state.since);
    }
    close(call);
  });

  test('a grant names the text: another hash is refused (R3)', async () => {
    const call = await people();
    const asked = await ask(call.anna);
    const other = asked.disclosure_sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    await refused(call.ben.request({ type: 'consent.grant', request: asked.request, disclosure_sha256: other }), 'wrong_disclosure');
    for (const sha of [undefined, '', 'x', asked.disclosure_sha256.slice(2)])
      assert.equal((await call.ben.request({ type: 'consent.grant', request: asked.request, disclosure_sha256: sha })).type, 'error');
    assert.equal((await call.ben.request({ type: 'consent.grant', request: 'r999', disclosure_sha256: asked.disclosure_sha256 })).type, 'error');
    assert.equal(last(call.ben), 'asking');
    close(call);
  });

  test('no is final for everybody; only who said it may lift it (R4)', async () => {
    const call = await people(undefined, 'cleo');
    const asked = await ask(call.anna);
    const no = await call.ben.request({ type: 'consent.decline', request: asked.request });
    assert.equal(no.type, 'consent.recorded');
    assert.ok(no.receipt);
    for (const one of call.all) await one.state('declined');
    await refused(ask(call.anna), 'declined_final');
    await refused(call.others[0].request({ type: 'consent.offer' }), 'nothing_to_lift');
    await refused(ask(call.anna), 'declined_final');
    assert.equal((await call.others[0].request({ type: 'consent.grant', request: asked.request, disclosure_sha256: asked.disclosure_sha256 })).type, 'error');
    assert.equal((await call.ben.request({ type: 'consent.offer' })).type, 'consent.recorded');
    assert.equal((await ask(call.anna)).type, 'recording.requested');
    close(call);
  });

  test('who cannot consent keeps the gate closed (R4)', async () => {
    const session = fresh();
    const anna = await Client.join(daemon, session, 'anna', 'expert');
    const secret = readFileSync(daemon.place.secret, 'utf8').trim();
    const token = forge({ aud: 'recgate', sid: session, sub: 'kid', role: 'client', name: 'K', cannot_consent: true, exp: Math.floor(Date.now() / 1000) + 60 }, { secret });
    const kid = await Client.join(daemon, session, 'kid', 'client', { token });
    const asked = await ask(anna);
    if (asked.type === 'recording.requested')
      assert.equal((await kid.request({ type: 'consent.grant', request: asked.request, disclosure_sha256: asked.disclosure_sha256 })).type, 'error');
    await sleep(500);
    for (const one of [anna, kid]) {
      assert.notEqual(last(one), 'recording');
      one.close();
    }
  });

  test('a grant from before a withdrawal is refused afterwards (R11; fault 25)', async () => {
    const call = await recorded({});
    assert.equal((await call.ben.request({ type: 'consent.withdraw', request: call.request })).type, 'consent.withdrawn');
    for (const one of [call.ben, call.anna])
      assert.equal((await one.request({ type: 'consent.grant', request: call.request, disclosure_sha256: call.disclosure_sha256 })).type, 'error');
    await refused(ask(call.anna), 'declined_final');
    close(call);
  });
});

describe('toggling', { concurrency: 4 }, () => {
  test('anybody pauses, but nobody resumes past another person’s pause (R14)', async () => {
    const call = await recorded({});
    const mark = call.anna.mark();
    call.ben.send({ type: 'recording.pause', id: 'pause' });
    await call.anna.state('paused', { since: mark });
    await refused(call.anna.request({ type: 'recording.resume' }), 'paused_by_other');
    const again = call.anna.mark();
    await call.ben.request({ type: 'recording.resume' });
    const resumed = await Promise.race([call.anna.state('recording', { since: again }), sleep(1500 * SLOW).then(() => null)]);
    if (!resumed) {
      await call.anna.request({ type: 'recording.resume' }); // Ben lifted his pause; the asker may go on
      await call.anna.state('recording', { since: again });
    }
    close(call);
  });

  test('anybody stops, and it does not start again by itself (R14)', async () => {
    const call = await recorded({});
    await call.ben.request({ type: 'recording.stop' });
    for (const one of call.all) await one.state('stopped');
    assert.equal((await call.anna.request({ type: 'recording.resume' })).type, 'error');
    close(call);
  });

  test('when the asker leaves, the take stops (R14)', async () => {
    const call = await recorded({}, 'cleo');
    const mark = call.ben.mark();
    await call.anna.leave();
    await call.ben.expect((message) => message.type === 'recording.state' && message.state !== 'recording', 'not recording', 3000, mark);
    await sleep(300);
    assert.notEqual(last(call.ben), 'recording');
    close(call);
  });

  test('pausing or stopping nothing is an error', async () => {
    const call = await people();
    for (const type of ['recording.pause', 'recording.resume', 'recording.stop']) assert.equal((await call.ben.request({ type })).type, 'error', type);
    close(call);
  });
});

describe('withdrawing', { concurrency: 4 }, () => {
  test('one message; everybody sees it; the acknowledgement says what was done (R6, R13)', async () => {
    const call = await recorded({});
    const ack = await call.ben.request({ type: 'consent.withdraw' });
    assert.equal(ack.type, 'consent.withdrawn', JSON.stringify(ack));
    assert.ok(ack.receipt);
    assert.equal(typeof ack.purged.segments, 'number');
    assert.equal(typeof ack.purged.bytes, 'number');
    assert.ok(Array.isArray(ack.exports));
    assert.ok(ack.gate_closed_us >= 0 && ack.erased_us >= ack.gate_closed_us, JSON.stringify(ack));
    for (const one of call.all) await one.state('purged');
    close(call);
  });

  test('again is the same answer, not an error (R6: clients repeat it)', async () => {
    const call = await recorded({});
    const answers = await Promise.all([1, 2, 3].map(() => call.ben.request({ type: 'consent.withdraw', request: call.request })));
    for (const answer of answers) assert.equal(answer.type, 'consent.withdrawn');
    close(call);
  });

  test('who withdraws may ask for more, never for less (R12)', async () => {
    const call = await recorded({ on_withdrawal: 'participant' });
    // A withdrawal is never refused: less than disclosed is taken for what was disclosed (the segments: tests/browser/withdraw.test.mjs).
    for (const scope of ['after', 'session', 'nonsense'])
      assert.equal((await call.ben.request({ type: 'consent.withdraw', request: call.request, scope })).type, 'consent.withdrawn', scope);
    close(call);
  });

  test('before any answer a withdrawal is a no (R4)', async () => {
    const call = await people();
    await ask(call.anna);
    assert.equal((await call.ben.request({ type: 'consent.withdraw' })).type, 'consent.withdrawn');
    await sleep(100);
    assert.ok(['declined', 'purged'].includes(last(call.anna)), last(call.anna));
    await refused(ask(call.anna), 'declined_final');
    close(call);
  });

  test('after leaving, by the key of the receipt, without a socket (R6, R24; fault 28)', async () => {
    const call = await recorded({});
    await call.ben.leave();
    const { json, status } = await daemon.post('/v1/withdraw', null, { withdraw_key: call.grants[0].withdraw_key });
    assert.equal(status, 200, JSON.stringify(json));
    assert.ok(json.purged);
    assert.ok(json.receipt);
    await call.anna.state('purged');
    assert.ok([400, 401, 403, 404].includes((await daemon.post('/v1/withdraw', null, { withdraw_key: 'no-such-key-at-all' })).status));
    close(call);
  });

  test('after leaving, by coming back with a token of the same sub (R6)', async () => {
    const call = await recorded({});
    await call.ben.leave();
    const again = await Client.join(daemon, call.session, 'ben', 'client');
    assert.equal((await again.request({ type: 'consent.withdraw' })).type, 'consent.withdrawn');
    await call.anna.state('purged');
    again.close();
    close(call);
  });

  test('after the session ended, by a token over HTTP (R6; fault 28)', async () => {
    const call = await recorded({});
    await call.anna.leave();
    await call.ben.leave();
    const { json, status } = await daemon.post('/v1/withdraw', daemon.token(call.session, 'ben', 'client'), {});
    assert.equal(status, 200, JSON.stringify(json));
    assert.ok(json.purged);
  });

  test('either of two tabs of one person (R15; fault 27)', async () => {
    const call = await recorded({});
    const tab = await Client.join(daemon, call.session, 'ben', 'client');
    await call.ben.expect('replaced');
    assert.equal((await call.ben.request({ type: 'consent.withdraw' })).type, 'consent.withdrawn');
    for (const one of [call.anna, tab]) await one.state('purged');
    tab.close();
    close(call);
  });

  test('it is never rate-limited (R6)', async () => {
    const call = await recorded({});
    for (let i = 0; i < 300; i++) call.ben.send({ type: 'nonsense' });
    const answer = await call.ben.request({ type: 'consent.withdraw' }).catch((error) => error);
    if (answer instanceof Error) {
      const again = await Client.join(daemon, call.session, 'ben', 'client'); // thrown out for the flood: come back and say it
      assert.equal((await again.request({ type: 'consent.withdraw' })).type, 'consent.withdrawn');
      again.close();
    } else assert.equal(answer.type, 'consent.withdrawn');
    await call.anna.state('purged');
    close(call);
  });
});

describe('presence', { concurrency: 4 }, () => {
  test('a newcomer closes the gate before being told that they joined (R8)', async () => {
    const call = await recorded({});
    const mark = call.ben.mark();
    const cleo = await Client.join(daemon, call.session, 'cleo', 'observer');
    assert.notEqual(cleo.joined.recording.state, 'recording');
    const closed = await call.ben.expect((message) => message.type === 'recording.state', 'recording.state', 3000, mark);
    assert.notEqual(closed.state, 'recording');
    const letter = await cleo.expect('consent.ask');
    await cleo.request({ type: 'consent.grant', request: letter.request, disclosure_sha256: letter.disclosure_sha256 });
    await call.ben.state('recording', { since: mark });
    cleo.close();
    close(call);
  });

  test('no heartbeat for lease_ms suspends; the next one lets it go on (R10; fault 26)', async () => {
    const call = await recorded({});
    const mark = call.anna.mark();
    call.ben.quiet();
    const { at } = await call.ben.request({ type: 'alive', echo: call.ben.number }); // the gate's answer to the last heartbeat
    const suspended = await call.anna.state('suspended', { since: mark, ms: LEASE_MS + 1000 });
    const took = suspended.at - at;
    assert.ok(took > LEASE_MS - 100 && took < LEASE_MS + 500 * SLOW, `after ${took} ms`);
    call.ben.beat(200);
    await call.anna.state('recording', { since: call.anna.log.indexOf(suspended), ms: 3000 });
    close(call);
  });

  test('who is silent for absent_ms has left (R10)', async () => {
    const call = await recorded({});
    call.ben.quiet();
    const left = await call.anna.expect('participant.left', 'participant.left', ABSENT_MS + 1500);
    assert.equal(left.id, 'ben');
    close(call);
  });

  test('a socket lost by reset closes the gate within the lease, and leaves later (R10, R15; fault 26)', async () => {
    const call = await recorded({});
    const mark = call.anna.mark();
    call.ben.reset();
    await call.anna.expect((message) => message.type === 'recording.state' && message.state !== 'recording', 'closed', LEASE_MS + 1000, mark);
    const again = await Client.join(daemon, call.session, 'ben', 'client');
    await call.anna.state('recording', { since: mark, ms: 3000 }); // R3: the grant survived, he was back within absent_ms
    again.close();
    close(call);
  });

  test('who comes back later than absent_ms confirms again (R3)', async () => {
    const call = await recorded({});
    call.ben.reset();
    await call.anna.expect('participant.left', 'participant.left', ABSENT_MS + 1500);
    await sleep(300); // without him the gate may open for Anna alone
    const again = await Client.join(daemon, call.session, 'ben', 'client');
    const mark = call.anna.mark();
    const letter = await again.expect('consent.ask');
    await sleep(400);
    assert.ok(!call.anna.log.slice(mark).some((message) => message.type === 'recording.state' && message.state === 'recording'), 'not without him');
    await again.request({ type: 'consent.grant', request: letter.request, disclosure_sha256: letter.disclosure_sha256 });
    await call.anna.state('recording', { since: mark });
    again.close();
    close(call);
  });

  test('an echo of a number that was never sent confirms nothing and is no crash (R10)', async () => {
    const call = await people();
    call.ben.quiet();
    for (const echo of [999_999_999, 0, -1, 1.5, '7', null]) call.ben.send({ type: 'alive', echo });
    assert.equal((await call.anna.request({ type: 'alive', echo: call.anna.number })).type, 'alive');
    close(call);
  });
});

test('without media nothing was ever written under segments/ (R9)', () => {
  assert.deepEqual(filesUnder(path.join(daemon.data, 'segments')), []);
});

describe('a store that refuses for a while', () => {
  test('closes the gate; what happened meanwhile is on the ledger before the gate opens again, in its order (R7, R21)', async () => {
    const own = await Daemon.start({ config: { 'consent.lease_ms': LEASE_MS, 'consent.heartbeat_ms': 200 } });
    try {
      const session = fresh();
      const anna = await Client.join(own, session, 'anna', 'expert');
      const ben = await Client.join(own, session, 'ben', 'client');
      await record(anna, [ben]);
      for (const one of [anna, ben]) await one.state('recording');
      own.refuse();
      const mark = anna.mark();
      const carl = await Client.join(own, session, 'carl', 'client');
      await anna.state('asking', { since: mark });
      await carl.leave();
      await anna.state('suspended', { since: mark });
      own.relent();
      await anna.state('recording', { since: mark });
      await anna.leave();
      ben.close();
    } finally {
      await own.end(); // recgatectl verify looks at the order
    }
  });
});
