// SPDX-License-Identifier: Apache-2.0
// Receipts and withdrawing after the call (R6, R12, R13, R24; fault 28): what the gate signs, `recgatectl receipt` checks offline.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { canonicalJson } from '../../signaling/web/recgate-canonical.js';
import { Client, DISCLOSURE, record } from './client.mjs';
import { Daemon, RECGATECTL, scratch, sleep, until } from './daemon.mjs';

const CONFIG = { 'consent.heartbeat_ms': 200, 'controller.name': 'Practice Example', 'controller.contact': 'privacy@practice.example' };
let place;
let daemon;
let sessions = 0;
let files = 0;

before(async () => {
  place = scratch();
  daemon = await Daemon.start({ place, config: CONFIG });
});
after(async () => {
  await daemon.end();
  place.remove();
});

/** `recgatectl receipt` on what is given: {status, report, error}; options: ['--key', K] or ['--data', D]. */
function check(content, ...options) {
  const file = path.join(place.dir, `receipt-${++files}.json`);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  try {
    return { status: 0, report: JSON.parse(execFileSync(RECGATECTL, ['receipt', file, '--json', ...options], { stdio: ['ignore', 'pipe', 'pipe'] })), error: '' };
  } catch (failure) {
    return { status: failure.status, report: failure.stdout.length ? JSON.parse(failure.stdout) : null, error: String(failure.stderr) };
  }
}

const wrong = (checked) => checked.report.receipts.flatMap(({ checks }) => checks.filter(({ holds }) => !holds).map((one) => one.check));

function verified(receipt) {
  for (const options of [['--data', daemon.data], ['--key', receipt.signature.key], []]) {
    const checked = check(receipt, ...options);
    assert.equal(checked.status, 0, JSON.stringify(checked));
    assert.equal(checked.report.key_from, options.length ? options[0].slice(2) : 'receipt');
  }
  return receipt;
}

async function call() {
  const session = `receipts-${++sessions}`;
  const anna = await Client.join(daemon, session, 'anna', 'expert', { name: 'Anna' });
  const ben = await Client.join(daemon, session, 'ben', 'client', { name: 'Ben' });
  return { session, anna, ben, close: () => [anna, ben].forEach((one) => one.close()) };
}

describe('receipts', () => {
  test('a grant: who, what, which text, and the proof; its key is beside it, not in it (R24)', async () => {
    const { session, anna, ben, close } = await call();
    const asked = await record(anna, [ben]);
    const [{ receipt, withdraw_key: key }] = asked.grants;
    verified(receipt);
    verified(asked.receipt);
    assert.equal(receipt.pii_principal_id, 'ben');
    assert.equal(receipt.session, session);
    assert.equal(receipt.request, asked.request);
    assert.deepEqual(receipt.events.map((event) => event.event_state), ['granted']);
    assert.equal(createHash('sha256').update(receipt.privacy_notice).digest('hex'), asked.disclosure_sha256);
    assert.equal(JSON.parse(receipt.privacy_notice).use, DISCLOSURE.use);
    assert.deepEqual(receipt.pii_controllers, [{ name: 'Practice Example', contact: 'privacy@practice.example' }]);
    assert.deepEqual([receipt.purpose, receipt.language, receipt.retention_period], ['education', 'en', 'PT86400S']);
    assert.equal(receipt.withdraw_key_sha256, createHash('sha256').update(key).digest('hex'));
    assert.ok(!JSON.stringify(receipt).includes(key), 'a receipt may be shown around');
    close();
  });

  test('a decline, an offer and a withdrawal each have one of their own', async () => {
    const { anna, ben, close } = await call();
    const asked = await anna.request({ type: 'recording.request', disclosure: DISCLOSURE });
    const no = await ben.request({ type: 'consent.decline', request: asked.request });
    const offer = await ben.request({ type: 'consent.offer' });
    const withdrawn = await anna.request({ type: 'consent.withdraw', request: asked.request, scope: 'session' });
    for (const [answer, state] of [[no, 'declined'], [offer, 'offered'], [withdrawn, 'withdrawn']]) {
      assert.equal(verified(answer.receipt).events[0].event_state, state);
      assert.equal(answer.receipt.withdraw_key_sha256, undefined);
    }
    assert.equal(no.receipt.privacy_notice_sha256, asked.disclosure_sha256);
    assert.equal(withdrawn.receipt.scope, 'session');
    assert.deepEqual(withdrawn.receipt.erased, withdrawn.purged);
    close();
  });

  test('the page’s file of several, with the key beside them; one altered word is named (status 1)', async () => {
    const { anna, ben, close } = await call();
    const asked = await record(anna, [ben]);
    const file = { withdraw_keys: [{ withdraw_key: asked.withdraw_key }], receipts: [asked.receipt, asked.grants[0].receipt] };
    assert.equal(check(file, '--data', daemon.data).report.receipts.length, 2);
    const listed = [{ act: 'grant', receipt: asked.receipt, withdraw_key: 'k' }];
    assert.equal(check(listed, '--data', daemon.data).status, 0);
    const altered = structuredClone(file);
    altered.receipts[1].pii_principal_id = 'someone-else';
    const checked = check(altered, '--data', daemon.data);
    assert.equal(checked.status, 1);
    assert.deepEqual(wrong(checked), ['signature', 'participant']);
    assert.match(checked.error, /^recgatectl: 1 of 2 receipts does not hold\n$/);
    close();
  });

  test('of another gate: refused by ours, by key and by log', async () => {
    const other = await Daemon.start({ config: CONFIG });
    const anna = await Client.join(other, 's', 'anna', 'expert');
    const { receipt } = await anna.request({ type: 'recording.request', disclosure: DISCLOSURE });
    const ours = await call();
    const own = await ours.anna.request({ type: 'recording.request', disclosure: DISCLOSURE });
    assert.equal(check(receipt).status, 0, 'unaltered, by whomever');
    for (const options of [['--data', daemon.data], ['--key', own.receipt.signature.key]]) {
      const checked = check(receipt, ...options);
      assert.equal(checked.status, 1);
      assert.ok(wrong(checked).includes('signature') && wrong(checked).includes('proof'), JSON.stringify(wrong(checked)));
    }
    // With the right key but over another log: a history that was rewritten does not continue this receipt.
    const rewritten = check(receipt, '--key', receipt.signature.key, '--data', daemon.data);
    assert.equal(rewritten.status, 1);
    assert.deepEqual(wrong(rewritten), ['log']);
    ours.close();
    anna.close();
    await other.end();
  });

  test('wrong use and unreadable files are status 2 and one line', () => {
    for (const content of ['not json', '{}', '[]', '{"receipts":[]}']) {
      const checked = check(content);
      assert.equal(checked.status, 2, content);
      assert.equal(checked.error.trimEnd().split('\n').length, 1);
    }
    assert.equal(check('[{"schema_version":"x"}]').status, 1);
    assert.equal(check('{}', '--key', 'nonsense').status, 2);
  });
});

describe('withdrawing after the call', () => {
  test('by key after a restart: a proven receipt, and the same answer again (R6, R24; fault 28)', async () => {
    const { session, anna, ben } = await call();
    const asked = await record(anna, [ben]);
    const key = asked.grants[0].withdraw_key;
    await anna.leave();
    await ben.leave();
    await daemon.stop();
    daemon = await Daemon.start({ place, config: CONFIG });
    const preview = await daemon.post('/v1/withdraw/preview', null, { withdraw_key: key });
    assert.equal(preview.status, 200, JSON.stringify(preview.json));
    assert.deepEqual([preview.json.session, preview.json.participant], [session, 'ben']);
    assert.deepEqual(preview.json.recordings.map(({ request, answer, erased, on_withdrawal: scope }) => ({ request, answer, erased, scope })),
      [{ request: asked.request, answer: 'granted', erased: null, scope: 'session' }]);
    const first = await daemon.post('/v1/withdraw', null, { withdraw_key: key, scope: 'session' });
    assert.equal(first.status, 200, JSON.stringify(first.json));
    const { receipt } = first.json;
    verified(receipt);
    assert.equal(receipt.events[0].event_state, 'withdrawn');
    assert.equal(JSON.parse(receipt.ledger.leaf).type, 'withdraw', 'the act itself is proven, not the purge');
    assert.deepEqual([receipt.pii_principal_id, receipt.session, receipt.request, receipt.scope], ['ben', session, asked.request, 'session']);
    assert.equal(receipt.privacy_notice_sha256, asked.disclosure_sha256);
    const again = await daemon.post('/v1/withdraw', null, { withdraw_key: key });
    assert.equal(again.status, 200);
    assert.deepEqual(again.json.purged, first.json.purged);
    const after = await daemon.post('/v1/withdraw/preview', null, { withdraw_key: key });
    assert.equal(after.json.recordings[0].erased, 'session');
    assert.equal(after.json.recordings[0].answer, 'withdrawn');
    verified(asked.grants[0].receipt); // it still proves what was said, although it is taken back
  });

  test('by a token after a restart; a stranger’s token and an unknown key are told so, and write nothing', async () => {
    const { session, anna, ben } = await call();
    await record(anna, [ben]);
    await anna.leave();
    await ben.leave();
    await daemon.stop();
    daemon = await Daemon.start({ place, config: CONFIG });
    const before = JSON.parse(daemon.ctl('sessions', '--json').output);
    const stranger = daemon.token('never-was', 'zoe', 'client');
    for (const where of ['/v1/withdraw', '/v1/withdraw/preview']) {
      assert.deepEqual([(await daemon.post(where, stranger, {})).json.code, (await daemon.post(where, null, { withdraw_key: 'no' })).json.code],
        ['unknown_participant', 'unknown_key']);
      assert.equal((await daemon.post(where, null, {})).status, 401);
      assert.equal((await daemon.post(where, daemon.token(session, 'a', 'auditor'), {})).status, 403);
    }
    assert.deepEqual(JSON.parse(daemon.ctl('sessions', '--json').output), before);
    const token = daemon.token(session, 'ben', 'client');
    // What cannot be read is no reason to say that there is nothing: pages would not ask again (R6).
    const segments = path.join(daemon.data, 'segments');
    renameSync(segments, `${segments}.away`);
    for (const where of ['/v1/withdraw', '/v1/withdraw/preview']) {
      const { status, json } = await daemon.post(where, token, {});
      assert.deepEqual([status, json.code], [503, 'storage']);
    }
    renameSync(`${segments}.away`, segments);
    assert.equal((await daemon.post('/v1/withdraw/preview', token, {})).json.recordings.length, 1);
    const done = await daemon.post('/v1/withdraw', token, {});
    assert.equal(done.status, 200, JSON.stringify(done.json));
    verified(done.json.receipt);
  });
});

describe('withdrawing from what an earlier process recorded (R6, R12)', () => {
  /** Anna and Ben recorded in one session before a restart and after it, as `erased` of each recording says what is gone. */
  async function twice() {
    const before = await call();
    const first = await record(before.anna, [before.ben]);
    assert.equal((await before.anna.request({ type: 'recording.stop' })).type, 'recording.state');
    await before.anna.leave();
    await before.ben.leave();
    await daemon.stop();
    daemon = await Daemon.start({ place, config: CONFIG });
    const { session } = before;
    const anna = await Client.join(daemon, session, 'anna', 'expert', { name: 'Anna' });
    const ben = await Client.join(daemon, session, 'ben', 'client', { name: 'Ben' });
    const token = daemon.token(session, 'ben', 'client');
    const erased = async () => (await daemon.post('/v1/withdraw/preview', token, {})).json.recordings.map((one) => one.erased);
    return { session, first, anna, ben, token, erased, close: () => [anna, ben].forEach((one) => one.close()) };
  }

  test('who names no recording means all of theirs, and the receipt does not name one', async () => {
    const { anna, ben, erased, close } = await twice();
    await record(anna, [ben]);
    const done = await ben.request({ type: 'consent.withdraw' });
    assert.equal(done.type, 'consent.withdrawn', JSON.stringify(done));
    assert.deepEqual(await erased(), ['session', 'session']);
    assert.equal(JSON.parse(verified(done.receipt).ledger.leaf).request, 0);
    close();
  });

  test('also where nothing was asked since', async () => {
    const { ben, erased, close } = await twice();
    assert.equal(ben.joined.asked, true, 'the page is told that there may be something to withdraw from');
    assert.equal((await ben.request({ type: 'consent.withdraw' })).type, 'consent.withdrawn');
    assert.deepEqual(await erased(), ['session']);
    close();
  });

  test('by the key of the first, the first', async () => {
    const { first, anna, ben, erased, close } = await twice();
    await record(anna, [ben]);
    const done = await daemon.post('/v1/withdraw', null, { withdraw_key: first.grants[0].withdraw_key });
    assert.equal(done.json.type, 'consent.withdrawn', JSON.stringify(done.json));
    assert.deepEqual(await erased(), ['session', null]);
    await anna.state('purged'); // a no is a no for what goes on as well (R4)
    close();
  });

  test('with a token, the one that is named', async () => {
    const { first, ben, anna, token, erased } = await twice();
    const second = await record(anna, [ben]);
    await anna.leave();
    await ben.leave();
    const preview = await daemon.post('/v1/withdraw/preview', token, { request: second.request });
    assert.deepEqual(preview.json.recordings.map(({ request }) => request), [second.request]);
    assert.equal((await daemon.post('/v1/withdraw', token, { request: second.request })).json.type, 'consent.withdrawn');
    assert.deepEqual(await erased(), [null, 'session']);
    assert.equal((await daemon.post('/v1/withdraw', token, { request: first.request })).json.type, 'consent.withdrawn');
    assert.deepEqual(await erased(), ['session', 'session']);
  });

  test('who was in none of them takes nothing from the others, and their no stands after another restart (R4)', async () => {
    const { session, first, anna, erased, close } = await twice();
    const carl = await Client.join(daemon, session, 'carl', 'client', { name: 'Carl' });
    for (const named of [{}, first, first, {}]) { // and again, as pages do until they are answered
      assert.equal((await carl.request({ type: 'consent.withdraw', request: named.request })).type, 'consent.withdrawn');
      assert.deepEqual(await erased(), [null]);
    }
    assert.deepEqual((await daemon.post('/v1/withdraw/preview', daemon.token(session, 'carl', 'client'), {})).json.recordings, []);
    assert.equal((await anna.request({ type: 'recording.request', disclosure: DISCLOSURE })).code, 'declined_final');
    close();
    carl.close();
    await daemon.stop();
    daemon = await Daemon.start({ place, config: CONFIG });
    const again = await Client.join(daemon, session, 'anna', 'expert', { name: 'Anna' });
    assert.equal((await again.request({ type: 'recording.request', disclosure: DISCLOSURE })).code, 'declined_final');
    again.close();
    assert.equal(daemon.ctl('verify').status, 0);
  });
});

describe('the participant signs too', () => {
  const ed25519 = generateKeyPairSync('ed25519');
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const FINGERPRINT = `sha-256 ${Array(32).fill('AB').join(':')}`;

  /** As the client module makes it, with whatever the test wants to be different. */
  function signed({ alg = 'ES256', fingerprints = [], ...said }) {
    const { privateKey, publicKey } = alg === 'ES256' ? p256 : ed25519;
    const text = Buffer.from(canonicalJson({ decision: 'grant', media: 'all', fingerprints, ...said }));
    const value = alg === 'ES256' ? signBytes('sha256', text, { key: privateKey, dsaEncoding: 'ieee-p1363' }) : signBytes(null, text, privateKey);
    return { alg, public_key: publicKey.export({ format: 'jwk' }), value: value.toString('base64'), fingerprints };
  }

  async function asked() {
    const people = await call();
    const { request, disclosure_sha256 } = await people.anna.request({ type: 'recording.request', disclosure: DISCLOSURE });
    return { ...people, request, disclosure_sha256, said: { disclosure_sha256, participant: 'ben', request, session: people.session } };
  }

  for (const alg of ['ES256', 'Ed25519']) {
    test(`${alg}: into the receipt and, committed, onto the ledger (R24)`, async () => {
      const { ben, close, request, disclosure_sha256, said } = await asked();
      const signature = signed({ alg, ...said, media: 'audio', fingerprints: [FINGERPRINT] });
      const answer = await ben.request({ type: 'consent.grant', request, disclosure_sha256, media: ['audio'], signature: { ...signature, extra: 'dropped' } });
      assert.equal(answer.type, 'consent.recorded', JSON.stringify(answer));
      const receipt = verified(answer.receipt);
      assert.deepEqual(receipt.participant_signature, signature);
      assert.equal(receipt.legs_checked, 0, 'no connection stood that it could be tied to');
      const leaf = JSON.parse(receipt.ledger.leaf);
      assert.match(leaf.signature, /^[A-Za-z0-9_-]{43}$/, 'a commitment');
      close();
    });
  }

  test('a forged one is refused, and nothing is recorded of it', async () => {
    const { session, ben, close, request, disclosure_sha256, said } = await asked();
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
    const good = signed(said);
    const flipped = Buffer.from(good.value, 'base64');
    flipped[10] ^= 1;
    const forged = [
      { ...good, value: flipped.toString('base64') }, { ...good, public_key: other }, { ...good, fingerprints: [FINGERPRINT] }, { ...good, alg: 'Ed25519' },
      { ...good, alg: 'none' }, { ...good, value: '' }, { ...good, public_key: {} }, { ...good, public_key: { ...good.public_key, x: good.public_key.y, y: good.public_key.x } },
      { ...good, fingerprints: 'none' }, { ...good, fingerprints: Array(17).fill(FINGERPRINT) }, signed({ ...said, participant: 'anna' }), signed({ ...said, session: 'other' }),
      signed({ ...said, decision: 'decline' }), signed({ ...said, media: 'audio' }), signed({ ...said, request: '1' }), signed({ ...said, disclosure_sha256: '0'.repeat(64) }), {}, 'x', null, 7,
    ];
    for (const signature of forged) {
      const answer = await ben.request({ type: 'consent.grant', request, disclosure_sha256, signature });
      assert.deepEqual([answer.type, answer.code], ['error', 'bad_signature'], JSON.stringify(signature));
    }
    const list = (await daemon.get(`/v1/sessions/${session}`, daemon.token(session, 'a', 'auditor'))).json.consents;
    assert.deepEqual(list.map(({ participant }) => participant), ['anna']);
    const plain = await ben.request({ type: 'consent.grant', request, disclosure_sha256 });
    assert.equal(plain.type, 'consent.recorded', 'without one it is as valid');
    assert.deepEqual([verified(plain.receipt).participant_signature, plain.receipt.legs_checked], [undefined, undefined]);
    close();
  });
});

describe('the ledger refuses', () => {
  const states = (who) => who.log.filter(({ type }) => type === 'recording.state').map(({ state }) => state);

  test('a grant: no receipt and why; nothing is recorded until it is written, then the receipt follows by itself (R7, R21, R24)', async () => {
    const { session, anna, ben, close } = await call();
    const { request, disclosure_sha256 } = await anna.request({ type: 'recording.request', disclosure: DISCLOSURE });
    daemon.refuse();
    try {
      const since = ben.mark();
      const answer = await ben.request({ type: 'consent.grant', request, disclosure_sha256 });
      assert.deepEqual([answer.type, answer.code, answer.receipt, answer.withdraw_key], ['error', 'no_receipt', undefined, undefined]);
      assert.match(answer.message, /no receipt.*the test refuses/);
      await sleep(2500); // the store is looked at every second
      assert.equal(ben.log.slice(since).filter(({ code }) => code === 'no_receipt').length, 1, 'told once');
      assert.notEqual(states(ben).at(-1), 'recording', JSON.stringify(states(ben)));
      daemon.relent();
      const late = await ben.expect((message) => message.type === 'consent.recorded' && message.re === undefined, 'the receipt', 5000, since);
      verified(late.receipt);
      assert.equal((await daemon.post('/v1/withdraw/preview', null, { withdraw_key: late.withdraw_key })).status, 200, 'its key works');
      await ben.state('recording', { since });
      const auditor = daemon.token(session, 'a', 'auditor');
      const history = await until(async () => {
        const { gate_history: list } = (await daemon.get(`/v1/sessions/${session}`, auditor)).json;
        return list.length > 0 && list;
      }, 'the gate’s opening on the ledger');
      assert.ok(history.every(({ at }) => at >= late.receipt.events[0].event_time), 'the gate opened only after the grant was on the ledger');
    } finally {
      daemon.relent();
    }
    close();
  });

  test('a withdrawal: acknowledged when the erase is on the ledger, and then with its receipt (R13)', async () => {
    const { anna, ben, close } = await call();
    await record(anna, [ben]);
    daemon.refuse();
    try {
      const since = ben.mark();
      ben.send({ type: 'consent.withdraw', id: 'w' });
      await sleep(1500);
      assert.ok(!ben.log.slice(since).some(({ type }) => type === 'consent.withdrawn'), 'not durable, not acknowledged');
      daemon.relent();
      const done = await ben.expect('consent.withdrawn', 'consent.withdrawn', 8000, since);
      assert.equal(done.receipt_error, undefined);
      verified(done.receipt);
    } finally {
      daemon.relent();
    }
    close();
  });
});
